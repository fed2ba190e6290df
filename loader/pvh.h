/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PVH: QEMU's -kernel, Firecracker, Cloud Hypervisor.  The loader enters with EBX = the physical address
 * of a start_info structure; this turns it into boot_info.
 */
#pragma once

#include <boot/boot_info.h>

/*
 * Physical memory that may be looked at: address p is read at `base + p`.  The boot code's window starts
 * at 0 and ends at 4 GiB (identity mapping); a test's is a buffer.
 */
struct pvh_window {
	const unsigned char *base;
	uint64_t size;
};

/* Fill in an initialised boot_info: memory map, modules, command line, RSDP.  NULL, or what is wrong. */
const char *pvh_translate(struct boot_info *bi, const struct pvh_window *window, uint64_t start_info);
