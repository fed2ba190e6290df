/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command line says about CPUs and memory (`topology=` and `numa=`; grammars in
 * <kernel/topology.h>).  Pure.  Each function returns NULL, or what is wrong: then *out is not to be used. */
#pragma once

#include <kernel/topology.h>

#define MAX_THREADS_PER_CORE 8

struct topology_request {
	unsigned count; /* CPUs described */
	struct cpu_topology cpus[MAX_CPUS];
};

const char *topology_parse(const char *text, struct topology_request *out);

struct numa_request {
	bool off;
	unsigned fake_count;
	uint64_t fake[MAX_NODES - 1]; /* bytes; what is left is one more node */
};

const char *topology_parse_numa(const char *text, struct numa_request *out);
