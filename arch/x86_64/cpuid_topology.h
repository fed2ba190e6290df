/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a CPU's place, caches and kind out of CPUID.  Pure: the instruction is handed in. */
#pragma once

#include <arch/topology.h>

#include "x86.h"

typedef struct cpuid (*cpuid_fn)(uint32_t leaf, uint32_t subleaf);

/* Fills in everything but `performance`. */
void cpuid_describe(cpuid_fn read, struct cpu_description *out);
