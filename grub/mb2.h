/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot2: the information that GRUB leaves in memory, turned into boot_info. */
#pragma once

#include <boot/boot_info.h>

#define MB2_LOADER_MAGIC 0x36d76289u

/*
 * Fill in an initialised boot_info from the tags.  `info` is where the information can be read,
 * `available` how many bytes there are at most, `physical` its physical address: the RSDP and the EFI
 * memory map stay there, in a region that is boot-reclaimable.  NULL, or what is wrong.
 */
const char *mb2_translate(struct boot_info *bi, const void *info, uint64_t available, uint64_t physical);
