; SPDX-License-Identifier: BSD-2-Clause
; AES-256 (FIPS 197) and its XTS mode (IEEE 1619) with the AES instructions; Intel SDM volume 2, AESENC,
; AESKEYGENASSIST and so on.
;
; The XMM registers hold the running task's state while it is in the kernel.  Every routine saves those it
; uses on the stack and puts them back, so no key or text stays in a register.  An interrupt in between does
; no harm: its handler uses none, and a switch to another task saves and restores them all.
;
; Schedules as in <arch/aes.h>: 15 round keys to encrypt, 15 to decrypt, 15 for the tweak.

%define ROUNDS	 14
%define DECRYPT	 (16 * (ROUNDS + 1))
%define TWEAK	 (2 * DECRYPT)

section .rodata
align 16
; Multiplying by alpha carries bit 63 into bit 64 and turns bit 127 into x^7 + x^2 + x + 1.
carries: dd 0x87, 0, 1, 0

section .text

; Enter with the first %1 XMM registers saved on the stack, leave with them restored.
%macro enter_xmm 1
	endbr64
	push	rbp
	mov	rbp, rsp
	sub	rsp, 16 * %1
%assign i 0
%rep %1
	movups	[rsp + 16 * i], xmm %+ i
%assign i i + 1
%endrep
%endmacro

%macro leave_xmm 1
%assign i 0
%rep %1
	movups	xmm %+ i, [rsp + 16 * i]
%assign i i + 1
%endrep
	leave
	ret
	int3
%endmacro

; xmm%1 becomes w0, w0+w1, w0+w1+w2, w0+w1+w2+w3 (+ is exclusive or) and then takes in xmm3; uses xmm2.
%macro mix_words 1
%rep 3
	movaps	xmm2, xmm%1
	pslldq	xmm2, 4
	pxor	xmm%1, xmm2
%endrep
	pxor	xmm%1, xmm3
%endmacro

; void aes256_expand(uint8_t round_keys[15][16], const uint8_t key[32]): RDI, RSI; any stack and interrupt state.
global aes256_expand:function hidden
align 16
aes256_expand:
	enter_xmm 4
	movups	xmm0, [rsi]
	movups	xmm1, [rsi + 16]
	movups	[rdi], xmm0
	movups	[rdi + 16], xmm1
%assign round 2
%assign rcon 1
%rep 7
	aeskeygenassist xmm3, xmm1, rcon
	pshufd	xmm3, xmm3, 0xff	; the last word, rotated and substituted, with the round constant
	mix_words 0
	movups	[rdi + 16 * round], xmm0
%if round < ROUNDS
	aeskeygenassist xmm3, xmm0, 0
	pshufd	xmm3, xmm3, 0xaa	; the last word, substituted only
	mix_words 1
	movups	[rdi + 16 * (round + 1)], xmm1
%endif
%assign round round + 2
%assign rcon rcon * 2
%endrep
	leave_xmm 4

; void aes256_invert(uint8_t decrypt[15][16], const uint8_t encrypt[15][16]): RDI, RSI.  The keys of the
; equivalent inverse cipher (FIPS 197, 5.3.5).
global aes256_invert:function hidden
align 16
aes256_invert:
	enter_xmm 1
	movups	xmm0, [rsi + 16 * ROUNDS]
	movups	[rdi], xmm0
%assign round 1
%rep ROUNDS - 1
	movups	xmm0, [rsi + 16 * (ROUNDS - round)]
	aesimc	xmm0, xmm0
	movups	[rdi + 16 * round], xmm0
%assign round round + 1
%endrep
	movups	xmm0, [rsi]
	movups	[rdi + 16 * ROUNDS], xmm0
	leave_xmm 1

; cipher enc|dec, keys, last: xmm0 to xmm%3 by the round keys at %2; uses xmm9.
%macro cipher 3
	movups	xmm9, [%2]
%assign i 0
%rep %3 + 1
	pxor	xmm %+ i, xmm9
%assign i i + 1
%endrep
%assign round 1
%rep ROUNDS - 1
	movups	xmm9, [%2 + 16 * round]
%assign i 0
%rep %3 + 1
	aes%1	xmm %+ i, xmm9
%assign i i + 1
%endrep
%assign round round + 1
%endrep
	movups	xmm9, [%2 + 16 * ROUNDS]
%assign i 0
%rep %3 + 1
	aes%1last xmm %+ i, xmm9
%assign i i + 1
%endrep
%endmacro

; xmm%1 = xmm%2 times alpha; uses xmm9.
%macro next_tweak 2
	pshufd	xmm9, xmm%2, 0x13	; the words whose top bits carry, where the carries go
%if %1 <> %2
	movaps	xmm%1, xmm%2
%endif
	psrad	xmm9, 31
	pand	xmm9, [rel carries]
	paddq	xmm%1, xmm%1
	pxor	xmm%1, xmm9
%endmacro

; exclusive or of the tweaks xmm4.. into the blocks xmm0..xmm%1
%macro add_tweaks 1
%assign i 0
%assign t 4
%rep %1 + 1
	pxor	xmm %+ i, xmm %+ t
%assign i i + 1
%assign t t + 1
%endrep
%endmacro

; void aes_xts_*(const struct arch_aes_xts *key, const uint8_t tweak[16], void *data, size_t blocks):
; RDI, RSI, RDX, RCX; RCX and RDX change.  In place, four blocks at a time, whole blocks only.
%macro xts 3 ; name, enc|dec, offset of the round keys
global %1:function hidden
align 16
%1:
	enter_xmm 10
	movups	xmm0, [rsi]
	cipher	enc, rdi + TWEAK, 0
	movaps	xmm4, xmm0
.four:
	cmp	rcx, 4
	jb	.one
	next_tweak 5, 4
	next_tweak 6, 5
	next_tweak 7, 6
	movups	xmm0, [rdx]
	movups	xmm1, [rdx + 16]
	movups	xmm2, [rdx + 32]
	movups	xmm3, [rdx + 48]
	add_tweaks 3
	cipher	%2, rdi + %3, 3
	add_tweaks 3
	movups	[rdx], xmm0
	movups	[rdx + 16], xmm1
	movups	[rdx + 32], xmm2
	movups	[rdx + 48], xmm3
	next_tweak 4, 7
	add	rdx, 64
	sub	rcx, 4
	jmp	.four
.one:
	test	rcx, rcx
	jz	.done
	movups	xmm0, [rdx]
	add_tweaks 0
	cipher	%2, rdi + %3, 0
	add_tweaks 0
	movups	[rdx], xmm0
	next_tweak 4, 4
	add	rdx, 16
	dec	rcx
	jmp	.one
.done:
	leave_xmm 10
%endmacro

xts arch_aes_xts_encrypt, enc, 0
xts arch_aes_xts_decrypt, dec, DECRYPT

; void arch_aes256_*(const struct arch_aes256 *key, uint8_t block[16]): RDI, RSI.
%macro single 3 ; name, enc|dec, offset of the round keys
global %1:function hidden
align 16
%1:
	enter_xmm 10
	movups	xmm0, [rsi]
	cipher	%2, rdi + %3, 0
	movups	[rsi], xmm0
	leave_xmm 10
%endmacro

single arch_aes256_encrypt, enc, 0
single arch_aes256_decrypt, dec, DECRYPT
