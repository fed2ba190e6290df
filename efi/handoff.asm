; SPDX-License-Identifier: BSD-2-Clause
; The jump into the kernel.

bits 64
default rel

section .text

; handoff(boot_info, entry), SysV.
; In:  RDI = physical boot_info, RSI = physical entry point; boot services left, memory identity mapped.
; Out: never.  The kernel gets RDI = boot_info, interrupts off, direction flag clear, no frame to unwind.
global handoff:function hidden
handoff:
	cli
	cld
	mov rax, rsi
	xor esi, esi
	xor ebp, ebp
	and rsp, -16
	jmp rax

section .note.GNU-stack noalloc noexec nowrite progbits
