/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Self-relocation: the link leaves only "this word is the image's address plus a constant".  Values are
 * computed from the constants, not from what the words hold, so doing it twice does no harm.
 */
#include "boot.h"

#define R_X86_64_RELATIVE 8u

struct rela {
	uint64_t offset; /* link-time address of the word */
	uint64_t info;
	int64_t addend; /* its value for slide 0 */
};

extern const struct rela __rela_start[], __rela_end[];

void boot_relocate(uint64_t slide)
{
	uint64_t image = (uint64_t)__kernel_start;

	for (const struct rela *r = __rela_start; r < __rela_end; r++) {
		if (r->info != R_X86_64_RELATIVE)
			boot_fatal("relocation", "this image holds a kind that it should not");
		*(uint64_t *)(r->offset - KERNEL_LINK_BASE + image) = (uint64_t)r->addend + slide;
	}
}
