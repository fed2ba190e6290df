/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of the kernel's functions, for stack traces.  The table is made at link time by tools/ksyms. */
#pragma once

#include <stdint.h>

/* The function that holds addr and how far into it addr lies; NULL outside of the kernel's code. */
const char *ksym_lookup(uintptr_t addr, uintptr_t *offset);

struct ksym {
	uint32_t address; /* from the start of the image; ascending, the last one above all */
	uint32_t name;    /* index into ksyms_names */
};
extern const uint32_t ksyms_count;
extern const struct ksym ksyms[];
extern const char ksyms_names[];
