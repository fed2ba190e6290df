; SPDX-License-Identifier: BSD-2-Clause
; The vDSO, linked from vdso/ by arch.mk, for kernel/proc/vdso.c to show to programs.

section .rodata
align 64
global arch_vdso_image:data hidden
global arch_vdso_image_end:data hidden

arch_vdso_image:
	incbin "vdso.so"
arch_vdso_image_end:
