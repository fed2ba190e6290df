/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot_info: the one hand-off between every loader and the kernel.
 *
 * Every door (UEFI, Multiboot2, PVH) fills in one struct boot_info and enters the kernel at
 * arch_entry in long mode with interrupts off and RDI = its physical address.  All addresses in it
 * are physical.  The structure holds no pointers of its own: tables are embedded with fixed bounds,
 * so that checking it means comparing counts, and copying it is one memcpy.
 *
 * The kernel copies the structure first, checks the copy (boot_info_check) and never looks at the
 * loader's again.  Nothing in it is trusted: a field that does not pass gets one clear line and a
 * halt.
 *
 * Invariants after boot_info_finish(): regions are sorted by base, do not overlap, do not wrap, have
 * a length above zero, and usable regions are 4 KiB aligned; the kernel and every module lie in a
 * region of their own type.
 */
#pragma once

#include <stdint.h>

#define BOOT_INFO_MAGIC   0x4f464e4958524553ull /* "SERXINFO", little endian */
#define BOOT_INFO_VERSION 1u

#define BOOT_MAX_REGIONS 512u
#define BOOT_MAX_MODULES 16u
#define BOOT_NAME_LEN    64u
#define BOOT_CMDLINE_LEN 2048u
#define BOOT_ENTROPY_LEN 64u

enum boot_region_type {
	BOOT_REGION_USABLE = 1,
	BOOT_REGION_RESERVED = 2,
	BOOT_REGION_ACPI_RECLAIMABLE = 3,
	BOOT_REGION_ACPI_NVS = 4,
	BOOT_REGION_BAD = 5,
	BOOT_REGION_BOOT_RECLAIMABLE = 6, /* loader's own memory: free once boot_info is copied */
	BOOT_REGION_KERNEL = 7,
	BOOT_REGION_MODULE = 8,
	BOOT_REGION_FRAMEBUFFER = 9,
	BOOT_REGION_EFI_RUNTIME = 10,
};

struct boot_region {
	uint64_t base;
	uint64_t length; /* bytes */
	uint32_t type;   /* enum boot_region_type */
	uint32_t reserved;
};

/* A file the loader put in memory: an initrd archive, in the order the user named them. */
struct boot_module {
	uint64_t base;
	uint64_t length; /* bytes */
	char name[BOOT_NAME_LEN];
};

/* Where one colour sits in a pixel: value << shift, `bits` wide. */
struct boot_channel {
	uint8_t shift;
	uint8_t bits;
};

/* A linear framebuffer of 32 bits per pixel; base == 0 means that there is none. */
struct boot_framebuffer {
	uint64_t base;
	uint32_t width;  /* pixels */
	uint32_t height; /* pixels */
	uint32_t pitch;  /* bytes per line */
	struct boot_channel red;
	struct boot_channel green;
	struct boot_channel blue;
	uint16_t reserved;
};

/* The EFI memory map as left by ExitBootServices, for the runtime services; size 0 if no EFI. */
struct boot_efi {
	uint64_t system_table;
	uint64_t memory_map;
	uint64_t memory_map_size;
	uint32_t descriptor_size;
	uint32_t descriptor_version;
};

struct boot_info {
	uint64_t magic;   /* BOOT_INFO_MAGIC */
	uint32_t version; /* BOOT_INFO_VERSION */
	uint32_t size;    /* sizeof(struct boot_info) */

	char path[16];      /* "uefi", "multiboot2", "pvh" */
	uint64_t tsc_entry; /* TSC when the loader got control */
	uint64_t tsc_handoff;

	uint64_t kernel_base; /* where the image lies: 2 MiB aligned */
	uint64_t kernel_size; /* bytes, .bss included */

	uint64_t rsdp; /* 0 = not told; the kernel then searches the BIOS area */
	struct boot_efi efi;
	struct boot_framebuffer framebuffer;

	uint32_t entropy_len; /* valid bytes in entropy[] */
	uint32_t region_count;
	uint32_t module_count;
	uint32_t cmdline_len; /* without the terminating NUL */

	uint8_t entropy[BOOT_ENTROPY_LEN];
	struct boot_module modules[BOOT_MAX_MODULES];
	struct boot_region regions[BOOT_MAX_REGIONS];
	char cmdline[BOOT_CMDLINE_LEN]; /* NUL-terminated */
};
