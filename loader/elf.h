/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's ELF file as a loader sees it: hostile until elf_check() has said otherwise.
 *
 * elf_check() turns the file into a short list of copies that cannot go wrong, so that placing the
 * image needs no further checks.  It accepts ELF64 little-endian x86-64 of type EXEC or DYN whose
 * loadable segments are ordered and disjoint, lie inside the file and inside one window of
 * ELF_WINDOW bytes, all move by one distance between virtual and physical addresses, and are never both
 * writable and executable; the entry point must lie in what an executable segment brings from the file.
 *
 * The image keeps its layout by physical address (p_paddr), counted from the 2 MiB boundary at or
 * below its lowest segment.  e_entry is a virtual address and is turned into an offset.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ELF_WINDOW       (64ull << 20)
#define ELF_IMAGE_ALIGN  (2ull << 20)
#define ELF_MAX_SEGMENTS 32u

/* One loadable segment: file_size bytes from the file, then zeros up to mem_size. */
struct elf_segment {
	uint64_t file_offset;
	uint64_t file_size;
	uint64_t offset; /* from the image's base */
	uint64_t mem_size;
};

struct elf_image {
	uint64_t size;  /* bytes from the base to the last segment's end */
	uint64_t entry; /* offset of the first instruction */
	uint32_t segment_count;
	struct elf_segment segments[ELF_MAX_SEGMENTS]; /* in ascending order */
};

/* 0, or -ENOEXEC with *why telling which rule the file breaks and *image undefined. */
int elf_check(const void *file, size_t size, struct elf_image *image, const char **why);

/* Copy a checked image to `base`, image->size bytes, gaps and .bss zeroed. */
void elf_place(const struct elf_image *image, const void *file, void *base);
