; SPDX-License-Identifier: BSD-2-Clause
;
; The instructions that touch user memory.  usercopy.c has checked that the range lies in the user half.
; All return 0 or -EFAULT in EAX unless they say otherwise.  Between USER_ACCESS_BEGIN and _END nothing is
; called.

%include "offsets.inc"

%define EFAULT		14
%define BULK		64	; from here on, string instructions win
%define XSAVE_XSTATE_BV	512	; in the header of an XSAVE area (Intel SDM vol. 1, 13.4.2)
%define XFEATURES_FXSAVE 3	; x87 and SSE

section .text progbits alloc exec nowrite align=64
bits 64

%macro FAULT_EXIT 0
	USER_ACCESS_END
	mov	eax, -EFAULT
	ret
%endmacro

; int usercopy(void *dst, const void *src, size_t len): either side may be the user's.
align 64
global usercopy:function hidden
usercopy:
	mov	rcx, rdx
	USER_ACCESS_BEGIN
	cmp	rdx, BULK
	jae	.bulk
	sub	rcx, 8
	jb	.tail
.word:
	mov	rax, [rsi]
.store:	mov	[rdi], rax
	add	rsi, 8
	add	rdi, 8
	sub	rcx, 8
	jae	.word
	jmp	.tail
.bulk:
	shr	rcx, 3
.rep:	rep movsq
	test	dl, 7
	jz	.done
	mov	ecx, edx
.tail:	; the low three bits of RCX are those of the length
	test	cl, 4
	jz	.two
.load4:	mov	eax, [rsi]
.store4: mov	[rdi], eax
	add	rsi, 4
	add	rdi, 4
.two:
	test	cl, 2
	jz	.one
.load2:	movzx	eax, word [rsi]
.store2: mov	[rdi], ax
	add	rsi, 2
	add	rdi, 2
.one:
	test	cl, 1
	jz	.done
.load1:	movzx	eax, byte [rsi]
.store1: mov	[rdi], al
.done:
	USER_ACCESS_END
	xor	eax, eax
	ret
.fault:
	FAULT_EXIT
	EXTABLE	.word, .fault
	EXTABLE	.store, .fault
	EXTABLE	.rep, .fault
	EXTABLE	.load4, .fault
	EXTABLE	.store4, .fault
	EXTABLE	.load2, .fault
	EXTABLE	.store2, .fault
	EXTABLE	.load1, .fault
	EXTABLE	.store1, .fault

; int usercopy_clear(uaddr_t dst, size_t len)
align 16
global usercopy_clear:function hidden
usercopy_clear:
	USER_ACCESS_BEGIN
	xor	eax, eax
	mov	rcx, rsi
	shr	rcx, 3
.words:	rep stosq
	mov	ecx, esi
	and	ecx, 7
.bytes:	rep stosb
	USER_ACCESS_END
	ret
.fault:
	FAULT_EXIT
	EXTABLE	.words, .fault
	EXTABLE	.bytes, .fault

; ssize_t usercopy_string(char *dst, uaddr_t src, size_t max): the length, `max` when there is no NUL within
; it, -EFAULT.  Goes by words where eight bytes lie within the page and within `max`: what follows the
; NUL in the same page may be copied along.
align 16
global usercopy_string:function hidden
usercopy_string:
	mov	r8, 0x0101010101010101
	mov	r9, 0x8080808080808080
	xor	eax, eax
	USER_ACCESS_BEGIN
.next:
	mov	rcx, rdx
	sub	rcx, rax
	jz	.done
	cmp	rcx, 8
	jb	.byte
	lea	ecx, [rsi + rax]
	and	ecx, 0xfff
	cmp	ecx, 0xff8
	ja	.byte
.word:
	mov	r10, [rsi + rax]
	mov	[rdi + rax], r10
	; A bit in R11 for the first byte that is zero.
	mov	r11, r10
	sub	r11, r8
	not	r10
	and	r11, r10
	and	r11, r9
	jnz	.found
	add	rax, 8
	jmp	.next
.found:
	bsf	r11, r11
	shr	r11d, 3
	add	rax, r11
	jmp	.done
.byte:
	movzx	ecx, byte [rsi + rax]
	mov	[rdi + rax], cl
	test	cl, cl
	jz	.done
	inc	rax
	jmp	.next
.done:
	USER_ACCESS_END
	ret
.fault:
	USER_ACCESS_END
	mov	rax, -EFAULT
	ret
	EXTABLE	.word, .fault
	EXTABLE	.byte, .fault

; int usercopy_cmpxchg32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old)
align 16
global usercopy_cmpxchg32:function hidden
usercopy_cmpxchg32:
	mov	eax, esi
	USER_ACCESS_BEGIN
.access: lock cmpxchg [rdi], edx
	USER_ACCESS_END
	mov	[rcx], eax
	xor	eax, eax
	ret
.fault:
	FAULT_EXIT
	EXTABLE	.access, .fault

; int usercopy_get32(uaddr_t addr, uint32_t *out)
align 16
global usercopy_get32:function hidden
usercopy_get32:
	USER_ACCESS_BEGIN
.access: mov	eax, [rdi]
	USER_ACCESS_END
	mov	[rsi], eax
	xor	eax, eax
	ret
.fault:
	FAULT_EXIT
	EXTABLE	.access, .fault

; int usercopy_get64(uaddr_t addr, uint64_t *out)
align 16
global usercopy_get64:function hidden
usercopy_get64:
	USER_ACCESS_BEGIN
.access: mov	rax, [rdi]
	USER_ACCESS_END
	mov	[rsi], rax
	xor	eax, eax
	ret
.fault:
	FAULT_EXIT
	EXTABLE	.access, .fault

; int usercopy_put32(uaddr_t addr, uint32_t value)
align 16
global usercopy_put32:function hidden
usercopy_put32:
	USER_ACCESS_BEGIN
.access: mov	[rdi], esi
	USER_ACCESS_END
	xor	eax, eax
	ret
.fault:
	FAULT_EXIT
	EXTABLE	.access, .fault

; int usercopy_put64(uaddr_t addr, uint64_t value)
align 16
global usercopy_put64:function hidden
usercopy_put64:
	USER_ACCESS_BEGIN
.access: mov	[rdi], rsi
	USER_ACCESS_END
	xor	eax, eax
	ret
.fault:
	FAULT_EXIT
	EXTABLE	.access, .fault

; int usercopy_xsave(uaddr_t area, uint32_t low, uint32_t high): the running program's vector registers.  x87 and
; SSE count as in use whether they are or not: programs that know only FXSAVE change them in place.
align 16
global usercopy_xsave:function hidden
usercopy_xsave:
	mov	eax, esi
	USER_ACCESS_BEGIN
.save:	xsave64	[rdi]
.note:	or	qword [rdi + XSAVE_XSTATE_BV], XFEATURES_FXSAVE
	USER_ACCESS_END
	xor	eax, eax
	ret
.fault:
	FAULT_EXIT
	EXTABLE	.save, .fault
	EXTABLE	.note, .fault

; int usercopy_xrstor(uaddr_t area, uint32_t low, uint32_t high): the processor itself refuses what it could not
; load (Intel SDM vol. 1, 13.8.1).  After a failure the registers may hold a part of it.
align 16
global usercopy_xrstor:function hidden
usercopy_xrstor:
	mov	eax, esi
	USER_ACCESS_BEGIN
.load:	xrstor64 [rdi]
	USER_ACCESS_END
	xor	eax, eax
	ret
.fault:
	FAULT_EXIT
	EXTABLE	.load, .fault

; Probes: ordinary kernel accesses that may fault.  No USER_ACCESS_BEGIN: they see what the kernel's own
; code would see.

; bool arch_probe_read(const void *va, uint64_t *out)
align 16
global arch_probe_read:function hidden
arch_probe_read:
.access: mov	rax, [rdi]
	mov	[rsi], rax
	mov	eax, 1
	ret
.fault:
	xor	eax, eax
	ret
	EXTABLE	.access, .fault

; bool arch_probe_write(void *va, uint8_t value)
align 16
global arch_probe_write:function hidden
arch_probe_write:
.access: mov	[rdi], sil
	mov	eax, 1
	ret
.fault:
	xor	eax, eax
	ret
	EXTABLE	.access, .fault

; bool arch_probe_exec(const void *va): call the code there.  The fault is found at its target, so the entry
; is for the return address.
align 16
global arch_probe_exec:function hidden
arch_probe_exec:
	push	rbp
	mov	rbp, rsp
	call	rdi
.returned:
	mov	eax, 1
	pop	rbp
	ret
.fault:
	xor	eax, eax
	pop	rbp
	ret
	EXTABLE	.returned, .fault
