/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine contract: what a CPU says of its own place. */
#pragma once

#include <kernel/topology.h>

struct cpu_description {
	uint32_t hardware_id; /* by which firmware's tables know it */
	uint32_t package;     /* numbers as the machine gives them, dense or not */
	uint32_t die;         /* of its package */
	uint32_t core;        /* of its package */
	uint32_t thread;      /* of its core */
	uint32_t performance; /* what freq_init_this_cpu() gave */
	enum core_type type;
	unsigned cache_count;
	struct cpu_cache caches[MAX_CACHES]; /* from the nearest on */
};

/* Describe the running CPU, all but `performance`. */
void arch_topology_detect(struct cpu_description *out);
