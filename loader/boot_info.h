/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building boot_info: what every boot path shares.
 *
 * Use: boot_info_init(), then any number of add/set calls in any order, then boot_info_finish().
 * No allocation, no globals, position independent: runs in the EFI loader, in the kernel's
 * identity-mapped boot code and on the host under sanitizers.  Errors are negative errno values; on
 * error the structure stays valid but lacks what was refused.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <boot/boot_info.h>

void boot_info_init(struct boot_info *bi, const char *path);

/* Add [base, base+length).  Overlaps are resolved in boot_info_finish(): the stricter type wins.
 * -EINVAL: wraps or unknown type; -ENOSPC: table full.  Zero length is ignored. */
int boot_info_add_region(struct boot_info *bi, uint64_t base, uint64_t length, enum boot_region_type type);

/* What a BIOS memory map calls `type` (ACPI 6.5, table 15.4): Multiboot2 and PVH use its numbers, too. */
enum boot_region_type boot_info_e820_type(uint32_t type);

/* Add a module and its region.  `name` may be longer than fits and is cut. */
int boot_info_add_module(struct boot_info *bi, uint64_t base, uint64_t length, const char *name);

/* Set where the kernel image lies, and its region.  -EINVAL unless 2 MiB aligned. */
int boot_info_set_kernel(struct boot_info *bi, uint64_t base, uint64_t size);

/* Copy at most `len` bytes up to the first NUL.  -E2BIG when it does not fit (nothing is copied). */
int boot_info_set_cmdline(struct boot_info *bi, const char *text, size_t len);

/* Set the framebuffer and its region.  -EINVAL when the geometry or the channels make no sense. */
int boot_info_set_framebuffer(struct boot_info *bi, const struct boot_framebuffer *fb);

/* Add every descriptor of an EFI memory map (boot services already left), `descriptor_size` bytes apart.
 * Boot services' memory becomes usable, the loader's own boot-reclaimable.  -EINVAL: malformed. */
int boot_info_add_efi_map(struct boot_info *bi, const void *map, uint64_t size, uint64_t descriptor_size);

/* Mix in up to BOOT_ENTROPY_LEN bytes (XOR); more calls mix further. */
void boot_info_add_entropy(struct boot_info *bi, const void *bytes, size_t len);

/* Sort, split overlaps by precedence, merge neighbours, trim usable regions to pages.  -ENOSPC: too many
 * pieces; -EINVAL: the kernel or a module does not lie in usable (or boot-reclaimable) memory, or one of them
 * or the framebuffer lies over another. */
int boot_info_finish(struct boot_info *bi);
