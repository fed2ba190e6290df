/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own copy of what the loader handed over.  Filled and checked before kernel_main. */
#pragma once

#include <boot/boot_info.h>

/* Written by the machine's entry code only.  Page tables it built are in the regions as KERNEL. */
extern struct boot_info boot_info;

/* NULL, or what is wrong with it: one line for people.  Pure; trusts nothing in it. */
const char *boot_info_check(const struct boot_info *bi);

/* Log it: the path, the memory map, framebuffer, modules, command line. */
void boot_info_print(const struct boot_info *bi);
