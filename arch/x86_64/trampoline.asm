; SPDX-License-Identifier: BSD-2-Clause
;
; Where a processor starts after INIT-SIPI-SIPI: in real mode, at the start of a page below 1 MiB that this
; code was copied to (smp.c), with CS:IP = page/16:0 (Intel SDM vol. 3, 9.4.4.1).  It climbs to long
; mode on page tables that map this page where it lies and the kernel where it belongs, and leaves for
; trampoline_exit.  One processor at a time: the page holds the parameters of the one being started.

%include "offsets.inc"

%define MSR_EFER	0xc0000080
%define EFER_LME	(1 << 8)
%define EFER_NXE	(1 << 11)
%define CR0_PE		(1 << 0)
%define CR4_PAE		(1 << 5)
; PE, MP, ET, NE, WP, PG; caches on
%define CR0_KERNEL	0x80010033

%define OFFSET(label)	(label - trampoline_start)

section .rodata.trampoline progbits alloc noexec nowrite align=16

global trampoline_start:data hidden
global trampoline_parameters:data hidden
global trampoline_end:data hidden

bits 16
trampoline_start:
	cli
	cld
	mov	ax, cs
	mov	ds, ax
	movzx	ebx, ax
	shl	ebx, 4			; EBX = where this page lies
	lea	eax, [ebx + OFFSET(gdt)]
	mov	[OFFSET(gdt_pointer) + 2], eax
	lea	eax, [ebx + OFFSET(.protected)]
	mov	[OFFSET(far_protected)], eax
	lea	eax, [ebx + OFFSET(.long)]
	mov	[OFFSET(far_long)], eax
	o32 lgdt [OFFSET(gdt_pointer)]
	mov	eax, cr0
	or	al, CR0_PE
	mov	cr0, eax
	jmp	dword far [OFFSET(far_protected)]

bits 32
.protected:
	mov	eax, 0x18
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	eax, CR4_PAE
	mov	cr4, eax
	mov	eax, [ebx + OFFSET(trampoline_parameters) + START_ROOT]
	mov	cr3, eax
	mov	ecx, MSR_EFER
	rdmsr
	or	eax, EFER_LME | EFER_NXE
	wrmsr
	mov	eax, CR0_KERNEL
	mov	cr0, eax
	jmp	dword far [ebx + OFFSET(far_long)]

bits 64
.long:
	mov	ebx, ebx
	lea	rsi, [rbx + OFFSET(trampoline_parameters)]
	mov	rdi, [rsi + START_CPU]
	mov	rsp, [rsi + START_STACK]
	mov	rax, [rsi + START_KERNEL_ROOT]
	jmp	[rsi + START_EXIT]

align 8
gdt:	dq 0
	dq 0x00cf9b000000ffff	; 0x08: 32-bit code
	dq 0x00af9b000000ffff	; 0x10: 64-bit code
	dq 0x00cf93000000ffff	; 0x18: data
gdt_end:
gdt_pointer:
	dw gdt_end - gdt - 1
	dd 0
align 4
far_protected:
	dd 0
	dw 0x08
align 4
far_long:
	dd 0
	dw 0x10
align 8
trampoline_parameters:		; struct start_parameters
	times 5 dq 0
trampoline_end:

section .text progbits alloc exec nowrite align=64
bits 64

extern smp_arch_main

; RDI = struct cpu, RAX = the kernel's page table, RSP = top of the idle task's stack: at kernel addresses.
global trampoline_exit:function hidden
trampoline_exit:
	mov	cr3, rax		; the page of the trampoline is gone
	xor	eax, eax
	mov	ds, eax
	mov	es, eax
	mov	fs, eax
	mov	gs, eax
	mov	rax, rdi
	mov	rdx, rdi
	shr	rdx, 32
	mov	ecx, MSR_GS_BASE
	wrmsr
	xor	ebp, ebp
	call	smp_arch_main
	ud2
