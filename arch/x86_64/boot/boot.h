/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to the boot code (grub/, loader/, arch/x86_64/boot/).
 *
 * Rules for all of it: it runs identity-mapped at the address the loader chose, before relocation.
 * So: no pointer in static data, no switch tables, no canary, no call outside the boot code except to
 * pure routines (memcpy, memset, boot_info_check).  Addresses of symbols are the physical ones.
 */
#pragma once

#include <arch/paging.h>
#include <boot/boot_info.h>
#include <kernel/compiler.h>

/* serix.ld links the image here. */
#define KERNEL_LINK_BASE 0xffffffff80200000ull

extern char __kernel_start[], __kernel_end[];

/* One line on the serial port and the VGA text screen, then stop for good. */
void boot_fatal(const char *who, const char *what) __noreturn;

/* Where every door ends: see entry.asm. */
void arch_entry(struct boot_info *bi) __noreturn;

/* Called by entry32.asm in long mode. */
void mb2_boot(uint32_t magic, uint64_t info, uint64_t tsc) __noreturn;
void pvh_boot(uint32_t unused, uint64_t start_info, uint64_t tsc) __noreturn;

/* Make the image's pointers right for running `slide` above its link address. */
void boot_relocate(uint64_t slide);

/* The temporary identity mapping of the first 4 GiB and of the image; also filled by entry32.asm. */
uint64_t *boot_identity_map(void);

/* What entry.asm needs for the jump to the kernel's own mapping; the layout is known there. */
struct boot_handoff {
	uint64_t root;  /* physical address of the top-level page table */
	uint64_t delta; /* add to an identity-mapped address of the image to get the kernel's */
	uint64_t info;  /* kernel address of the copied boot_info */
};
void boot_prepare(const struct boot_info *loaders, struct boot_handoff *handoff);

/* Build the kernel half under the root table: the image `delta` above its physical address, W^X, and the
 * direct map of RAM.  Memory for tables comes out of bi's usable regions and becomes BOOT_REGION_KERNEL. */
void boot_build_page_tables(uint64_t *root, struct boot_info *bi, uint64_t delta);

/* Fill in CPU 0's per-CPU block; returns its address, for GS.  Runs at kernel addresses. */
uint64_t boot_init_cpu0(const struct boot_info *bi);
