; SPDX-License-Identifier: BSD-2-Clause
;
; Model-specific registers that may not be there, whatever CPUID says of them: hypervisors and firmware hide
; some.  A #GP is taken as "no".

%include "offsets.inc"

section .text progbits alloc exec nowrite align=16
bits 64

; bool msr_try_read(uint32_t msr, uint64_t *out)
align 16
global msr_try_read:function hidden
msr_try_read:
	mov	ecx, edi
.access: rdmsr
	shl	rdx, 32
	or	rax, rdx
	mov	[rsi], rax
	mov	eax, 1
	ret
.fault:
	xor	eax, eax
	ret
	EXTABLE	.access, .fault

; bool msr_try_write(uint32_t msr, uint64_t value)
align 16
global msr_try_write:function hidden
msr_try_write:
	mov	ecx, edi
	mov	rax, rsi
	mov	rdx, rsi
	shr	rdx, 32
.access: wrmsr
	mov	eax, 1
	ret
.fault:
	xor	eax, eax
	ret
	EXTABLE	.access, .fault
