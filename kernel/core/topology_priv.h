/* SPDX-License-Identifier: BSD-2-Clause */
/* What the memory half of the topology (topology_nodes.c) tells the half of the CPUs (topology.c). */
#pragma once

#include <kernel/topology.h>

#include "topology_parse.h"

/* What topology= describes; count 0: nothing. */
const struct topology_request *topology_described(void);
/* The node that SRAT names for a CPU; false: it does not say. */
bool topology_node_of_apic(uint32_t apic_id, unsigned *node);
/* CPUs are dealt out to the nodes: numa=fake made them. */
bool topology_nodes_faked(void);
