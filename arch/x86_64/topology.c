/* SPDX-License-Identifier: BSD-2-Clause */
#include <arch/topology.h>

#include "cpuid_topology.h"

static struct cpuid ask(uint32_t leaf, uint32_t subleaf)
{
	return cpuid(leaf, subleaf);
}

void arch_topology_detect(struct cpu_description *out)
{
	*out = (struct cpu_description){ 0 };
	cpuid_describe(ask, out);
}
