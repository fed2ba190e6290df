; SPDX-License-Identifier: BSD-2-Clause
;
; arch_entry: where every door ends, and the only way into the kernel.
;
; In:  long mode, interrupts off, RDI = physical address of boot_info, identity mapping of boot_info and
;      of the image, which lies at any 2 MiB-aligned physical address.
; Out: kernel_main(boot_info) at the kernel's own addresses, on the kernel's own page tables, GDT and
;      stack, write protection, no-execute and global pages on, GS at CPU 0's data.

%define MSR_EFER	0xc0000080
%define MSR_FS_BASE	0xc0000100
%define MSR_GS_BASE	0xc0000101
%define MSR_KERNEL_GS	0xc0000102
%define EFER_LME	(1 << 8)
%define EFER_LMA	(1 << 10)
%define EFER_NXE	(1 << 11)
%define CR4_PAE		(1 << 5)
%define CR4_PGE		(1 << 7)
; PE, MP, ET, NE, WP, PG
%define CR0_KERNEL	0x80010033
%define STACK_SIZE	0x4000

extern boot_prepare
extern kernel_main
extern boot_init_cpu0

section .bss.page_tables nobits alloc write noexec align=4096
; The kernel's own top-level page table.
global arch_boot_root_table:data hidden
arch_boot_root_table:	resb 0x1000

; CPU 0's stack, later its idle task's.  The page below it is not mapped.
section .bss.boot_stack nobits alloc write noexec align=4096
global boot_stack_guard:data hidden
global boot_stack_bottom:data hidden
global boot_stack_top:data hidden
boot_stack_guard:	resb 0x1000
boot_stack_bottom:	resb STACK_SIZE
boot_stack_top:

; Top level, one of 512 GiB, six of 1 GiB each: see boot_identity_map.
section .init.bss progbits alloc write noexec align=4096
global boot_identity_tables:data hidden
boot_identity_tables:	times 8 * 0x1000 db 0

section .init.data progbits alloc write noexec align=8
handoff:		times 3 dq 0	; struct boot_handoff
gdt_pointer:		dw 0
			dq 0
align 8
boot_gdt:		dq 0
			dq 0x00af9b000000ffff	; 0x08: 64-bit code
			dq 0x00cf93000000ffff	; 0x10: data
boot_gdt_end:

section .init.text progbits alloc exec nowrite align=16
bits 64

global arch_entry:function hidden
arch_entry:
	cli
	cld
	lea	rsp, [rel boot_stack_top]
	xor	ebp, ebp
	lea	rsi, [rel handoff]
	call	boot_prepare

	mov	ecx, MSR_EFER
	mov	eax, EFER_LME | EFER_LMA | EFER_NXE
	xor	edx, edx
	wrmsr
	mov	eax, CR4_PAE
	mov	cr4, rax
	mov	eax, CR0_KERNEL
	mov	cr0, rax

	; The new tables still map the old addresses, too: this code goes on running.
	lea	rbx, [rel handoff]
	mov	r12, [rbx + 8]
	mov	r13, [rbx + 16]
	mov	rax, [rbx]
	mov	cr3, rax
	mov	r14, rax
	lea	rsp, [rel boot_stack_top]
	add	rsp, r12
	lea	rax, [rel .high]
	add	rax, r12
	jmp	rax

.high:
	lea	rax, [rel boot_gdt]
	mov	[rel gdt_pointer + 2], rax
	mov	word [rel gdt_pointer], boot_gdt_end - boot_gdt - 1
	lgdt	[rel gdt_pointer]
	mov	eax, 0x10
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	push	0x08
	lea	rax, [rel .reloaded]
	push	rax
	retfq

.reloaded:
	; The lower half belongs to programs from here on.
	lea	rdi, [rel arch_boot_root_table]
	xor	eax, eax
	mov	ecx, 256
	rep stosq
	mov	cr3, r14
	mov	eax, CR4_PAE | CR4_PGE
	mov	cr4, rax

	xor	eax, eax
	xor	edx, edx
	mov	ecx, MSR_FS_BASE
	wrmsr
	mov	ecx, MSR_KERNEL_GS
	wrmsr
	mov	rdi, r13
	call	boot_init_cpu0
	mov	rdx, rax
	shr	rdx, 32
	mov	ecx, MSR_GS_BASE
	wrmsr

	mov	rdi, r13
	call	kernel_main
	ud2
