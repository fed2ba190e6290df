; SPDX-License-Identifier: BSD-2-Clause
;
; Messages in vector registers: <arch/message.h>.  The only vector instructions outside fpu.c and aes.asm.  The
; kernel uses none, so in a system call XMM0 to XMM7 are what the program put there.

section .text

; void message_store(void *to, size_t size): RDI = to, RSI = size, 0 to 128.  RAX, RCX, RDX change.
; XMM0 and so on, as many as `size` bytes need; what of the last one lies beyond them becomes zero in memory.
global message_store:function hidden
align 16
message_store:
	endbr64
	test	esi, esi
	jz	.done
	movups	[rdi], xmm0
%assign n 1
%rep 7
	cmp	esi, n * 16
	jbe	.tail
	movups	[rdi + n * 16], xmm %+ n
%assign n n + 1
%endrep
.tail:
	mov	ecx, esi
	and	ecx, 15
	jz	.done
	; The last register begins at size - RCX.  RDX = a mask whose first RCX bytes are ones.
	sub	esi, ecx
	lea	rdx, [rel ones_then_zeros + 16]
	sub	rdx, rcx
	mov	rax, [rdx]
	and	[rdi + rsi], rax
	mov	rax, [rdx + 8]
	and	[rdi + rsi + 8], rax
.done:
	ret
	int3

; void message_load(const void *from): RDI = 128 bytes.
global message_load:function hidden
align 16
message_load:
	endbr64
%assign n 0
%rep 8
	movups	xmm %+ n, [rdi + n * 16]
%assign n n + 1
%endrep
	ret
	int3

section .rodata

ones_then_zeros:
	times 16 db 0xff
	times 16 db 0
