; SPDX-License-Identifier: BSD-2-Clause
;
; The Multiboot2 header.  serix.ld puts the entry's address between the two halves.

%define MAGIC		0xe85250d6
%define ARCH_I386	0
%define OPTIONAL	1

%define REQUEST_INFO	1
%define ENTRY_ADDRESS	3
%define FRAMEBUFFER	5
%define MODULE_ALIGN	6
%define RELOCATABLE	10

section .multiboot2.head progbits alloc noexec nowrite align=8
head:
	dd MAGIC, ARCH_I386, head_size
	dd 0x100000000 - (MAGIC + ARCH_I386 + head_size)

	align 8, db 0
request:
	dw REQUEST_INFO, OPTIONAL
	dd request_end - request
	; command line, modules, memory map, framebuffer, EFI system table, ACPI old and new, EFI map
	dd 1, 3, 6, 8, 12, 14, 15, 17
request_end:

	align 8, db 0
	dw FRAMEBUFFER, OPTIONAL
	dd 20
	dd 1024, 768, 32

	align 8, db 0
	dw MODULE_ALIGN, 0
	dd 8

	; The image runs anywhere below 4 GiB that is 2 MiB aligned; as low as possible is preferred.
	align 8, db 0
	dw RELOCATABLE, 0
	dd 24
	dd 0x200000, 0xffffffff, 0x200000, 1

	align 8, db 0
	dw ENTRY_ADDRESS, 0
	dd 12
head_end:

section .multiboot2.tail progbits alloc noexec nowrite align=8
tail:
	dw 0, 0
	dd 8
tail_end:

; The linker adds the entry's address and four bytes of padding.
head_size equ (head_end - head) + 8 + (tail_end - tail)
