/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading ELF64 programs.  Pure: works on bytes it is given, believes none of them, allocates nothing.
 * A program that passes can be mapped without further arithmetic checks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kernel/compiler.h>

#define ELF_HEADER_SIZE  64u
#define ELF_PHDR_SIZE    56u
#define ELF_MAX_PHDRS    128u
#define ELF_MAX_SEGMENTS 32u
#define ELF_INTERP_MAX   4096u /* length of the interpreter's path with its NUL */

#define ELF_EXEC  1u /* segment flags, as in p_flags */
#define ELF_WRITE 2u
#define ELF_READ  4u

struct elf_limits {
	uint64_t file_size;
	uint64_t address_end; /* user addresses lie below it */
	uint64_t page_size;
	uint16_t machine; /* e_machine */
};

struct elf_header {
	bool relative; /* ET_DYN: addresses count from a base that the loader chooses */
	uint64_t entry;
	uint64_t phdr_offset; /* the table lies inside the file */
	uint32_t phdr_count;
};

/* Segments ascend, do not share pages, end below address_end, and their file part lies inside the file. */
struct elf_segment {
	uint64_t address, memory_size;
	uint64_t offset, file_size; /* file_size <= memory_size; offset and address agree within the page */
	uint32_t flags;
};

struct elf_image {
	struct elf_header header;
	uint32_t segment_count; /* at least 1 */
	struct elf_segment segments[ELF_MAX_SEGMENTS];
	uint64_t low, high;                  /* page-aligned bounds of all segments */
	uint64_t align;                      /* the largest one asked for: a power of two, at least a page */
	uint64_t phdr_address;               /* of the program headers in memory, 0 if not mapped */
	uint64_t interp_offset, interp_size; /* size 0: no interpreter */
};

/* -ENOEXEC for anything wrong.  `head` holds the first `len` bytes of the file. */
int elf_read_header(const void *head, size_t len, const struct elf_limits *limits,
		    struct elf_header *out) __must_check;
/* `table`: header.phdr_count * ELF_PHDR_SIZE bytes from header.phdr_offset. */
int elf_read_image(const struct elf_header *header, const void *table, const struct elf_limits *limits,
		   struct elf_image *out) __must_check;
