; SPDX-License-Identifier: BSD-2-Clause
;
; Messages in vector registers: <arch/message.h>.  The only vector instructions outside fpu.c and aes.asm.  The
; kernel uses none, so in a system call XMM0 to XMM7 are what the program put there.

section .text

; The area has the standard format (SDM vol. 1, 13.4): XMM0 lies at 160 in the legacy region whether XSAVE or
; FXSAVE wrote it, and counts if bit 1 of XSTATE_BV says so.  MXCSR is valid at any time (13.7), the upper
; halves of YMM are a part of their own.  The next XRSTOR reads all of it anew, so nothing that XSAVEOPT might
; leave out later is lost (13.9: only what was not modified since that XRSTOR).
%define AREA_XMM	160
%define AREA_XMM_SIZE	256
%define AREA_XSTATE_BV	512
%define XSTATE_SSE	2

; RDI = the saved vector state of a task, RSI = size, 0 to 128.  RAX, RCX, RDX, RDI, RSI change, nothing else:
; arch_message_pass() relies on it.
global message_pass:function hidden
align 16
message_pass:
	test	byte [rdi + AREA_XSTATE_BV], XSTATE_SSE
	jz	.begin
	add	rdi, AREA_XMM
	jmp	message_store.store
.begin:
	; Its XMM registers were all zero when they were saved, so what lies in their place is older.
	or	byte [rdi + AREA_XSTATE_BV], XSTATE_SSE
	add	rdi, AREA_XMM
	mov	rdx, rdi
	xor	eax, eax
	mov	ecx, AREA_XMM_SIZE / 8
	rep stosq
	mov	rdi, rdx
	jmp	message_store.store

; void message_store(void *to, size_t size): RDI = to, RSI = size, 0 to 128.  RAX, RCX, RDX, RSI change.
; XMM0 and so on, as many as `size` bytes need; what of the last one lies beyond them becomes zero in memory.
global message_store:function hidden
align 16
message_store:
	endbr64
.store:
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
