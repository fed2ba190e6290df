/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: memory accesses that may fail.  They run with the kernel's own rights, so a user
 * page is as forbidden to them as to any kernel code.  For tests and for walking broken stacks.
 */
#pragma once

#include <kernel/types.h>

/* False: the access faulted. */
bool arch_probe_read(const void *va, uint64_t *out);
bool arch_probe_write(void *va, uint8_t value);
/* Call the code at va.  False: it could not be fetched. */
bool arch_probe_exec(const void *va);
