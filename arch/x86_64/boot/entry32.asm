; SPDX-License-Identifier: BSD-2-Clause
;
; From 32-bit protected mode without paging, as Multiboot2 and PVH loaders leave it, to long mode with
; the first 4 GiB identity-mapped, and on to the C half of the door.
;
; Nothing is known but: flat segments, EBX = the loader's information.  The image may lie anywhere below
; 4 GiB, so addresses are taken relative to `here`, whose run-time address is kept in EBP.

%define CR0_PE		(1 << 0)
%define CR0_PG		(1 << 31)
%define CR4_PAE		(1 << 5)
%define MSR_EFER	0xc0000080
%define EFER_LME	(1 << 8)
%define CPUID_EXT_LM	(1 << 29)
%define EFLAGS_ID	(1 << 21)
%define PTE_PRESENT_RW	0x3
%define PDE_2M_RW	0x83
%define COM1		0x3f8
%define VGA_TEXT	0xb8000

extern boot_identity_tables
extern boot_stack_top
extern mb2_boot
extern pvh_boot

section .init.text progbits alloc exec nowrite align=16
bits 32

; Multiboot2: EAX = magic, EBX = information.
global mb2_entry
mb2_entry:
	xor	edi, edi
	jmp	enter_long_mode

; PVH: EBX = struct hvm_start_info.
global pvh_entry
pvh_entry:
	mov	edi, 1

; EAX, EBX: handed on to the C half, which EDI chooses.
enter_long_mode:
	cli
	cld
	mov	esi, eax
	; There is no stack yet: borrow a word of low memory for one call.
	mov	edx, [0x7bfc]
	mov	esp, 0x7c00
	call	here
here:
	pop	ebp
	mov	[0x7bfc], edx
	mov	eax, [ebp + stack_offset - here]
	lea	esp, [ebp + eax + stack_offset - here]
	push	edi
	push	ebx

	call	has_long_mode
	test	eax, eax
	jz	refuse

	; Six consecutive tables: top level, one of 512 GiB, four of 1 GiB each.
	mov	eax, [ebp + tables_offset - here]
	lea	edi, [ebp + eax + tables_offset - here]
	lea	eax, [edi + 0x1000 + PTE_PRESENT_RW]
	mov	[edi], eax
	mov	ecx, 4
.next_gib:
	lea	eax, [ecx + 1]
	shl	eax, 12
	lea	eax, [edi + eax + PTE_PRESENT_RW]
	mov	[edi + 0x1000 + (ecx - 1) * 8], eax
	loop	.next_gib
	lea	edx, [edi + 0x2000]
	mov	eax, PDE_2M_RW
	mov	ecx, 4 * 512
.next_2mib:
	mov	[edx], eax
	add	edx, 8
	add	eax, 0x200000
	loop	.next_2mib

	mov	eax, CR4_PAE
	mov	cr4, eax
	mov	cr3, edi
	mov	ecx, MSR_EFER
	rdmsr
	or	eax, EFER_LME
	wrmsr
	mov	eax, cr0
	or	eax, CR0_PG | CR0_PE
	mov	cr0, eax

	pop	ebx
	pop	edi
	lea	eax, [ebp + gdt - here]
	push	eax
	push	word 0
	mov	word [esp], gdt_end - gdt - 1
	lgdt	[esp]
	add	esp, 6
	push	dword 0x08
	lea	eax, [ebp + long_mode - here]
	push	eax
	retf

; EAX = 1 when this CPU has long mode.
has_long_mode:
	pushfd
	pop	eax
	mov	ecx, eax
	xor	eax, EFLAGS_ID
	push	eax
	popfd
	pushfd
	pop	eax
	push	ecx
	popfd
	xor	eax, ecx
	test	eax, EFLAGS_ID
	jz	.no
	mov	eax, 0x80000000
	cpuid
	cmp	eax, 0x80000001
	jb	.no
	mov	eax, 0x80000001
	cpuid
	test	edx, CPUID_EXT_LM
	jz	.no
	mov	eax, 1
	ret
.no:
	xor	eax, eax
	ret

; Say why on the serial port and the text screen, and stop.
refuse:
	lea	esi, [ebp + no_long_mode - here]
	mov	edi, VGA_TEXT
.next:
	lodsb
	test	al, al
	jz	.stop
	mov	bl, al
	cmp	al, ' '
	jb	.serial				; the line's end is for the serial port
	mov	ah, 0x4f
	mov	[edi], ax
	add	edi, 2
.serial:
	mov	ecx, 100000
.wait:
	mov	dx, COM1 + 5
	in	al, dx
	test	al, 0x20
	jnz	.send
	loop	.wait
.send:
	mov	al, bl
	mov	dx, COM1
	out	dx, al
	jmp	.next
.stop:
	hlt
	jmp	.stop

no_long_mode:	db "serix: this processor has no 64-bit mode", 13, 10, 0

align 8
gdt:	dq 0
	dq 0x00af9b000000ffff		; 0x08: 64-bit code
	dq 0x00cf93000000ffff		; 0x10: data
gdt_end:

; How far away other sections lie: the linker's to say.
stack_offset:	dd boot_stack_top - $
tables_offset:	dd boot_identity_tables - $

bits 64
long_mode:
	mov	eax, 0x10
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	; The upper halves of the registers are undefined after the switch.
	mov	esp, esp
	mov	r8d, edi
	rdtsc
	shl	rdx, 32
	mov	eax, eax
	or	rdx, rax
	mov	edi, esi
	mov	esi, ebx
	xor	ebp, ebp
	test	r8d, r8d
	jnz	.pvh
	call	mb2_boot
.pvh:
	call	pvh_boot
	ud2
