/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NUMA memory policy: from which nodes the pages of a task, or of a range of its addresses, are taken.  As
 * set_mempolicy(2) and mbind(2) describe it.
 *
 *	DEFAULT          of a range: the task's; of a task: as LOCAL
 *	LOCAL            the CPU's own node, else the nearest that has memory
 *	PREFERRED        one node, else the nearest to it
 *	PREFERRED_MANY   the nearest of a set, else any
 *	BIND             the nearest of a set, or none
 *	INTERLEAVE       the nodes of a set in turn, by the page's place
 *
 * A policy is a value of eight bytes, all zero for DEFAULT: it is copied, never shared.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/pmm.h>
#include <kernel/types.h>

enum mempolicy_mode { /* Linux's numbers */
		      MPOL_DEFAULT,
		      MPOL_PREFERRED,
		      MPOL_BIND,
		      MPOL_INTERLEAVE,
		      MPOL_LOCAL,
		      MPOL_PREFERRED_MANY,
		      MPOL_MODES,
};

#define MPOL_F_NUMA_BALANCING (1u << 13) /* taken, shown, of no effect: nothing moves by itself */
#define MPOL_F_RELATIVE_NODES (1u << 14) /* node numbers count the allowed nodes */
#define MPOL_F_STATIC_NODES   (1u << 15)
#define MPOL_MODE_FLAGS       (MPOL_F_NUMA_BALANCING | MPOL_F_RELATIVE_NODES | MPOL_F_STATIC_NODES)

struct mempolicy {
	uint16_t mode; /* enum mempolicy_mode, with MPOL_F_* */
	uint16_t nodes;
	uint16_t asked; /* what the caller named, for MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES */
	uint16_t home;  /* one more than the node that distances count from; 0: the CPU's own */
};

static inline enum mempolicy_mode mempolicy_mode(const struct mempolicy *policy)
{
	return policy->mode & ~MPOL_MODE_FLAGS;
}

static inline bool mempolicy_same(const struct mempolicy *a, const struct mempolicy *b)
{
	return a->mode == b->mode && a->nodes == b->nodes && a->asked == b->asked && a->home == b->home;
}

/* Check and build: `mode` with its flags as a system call has it, the nodes that it names, those that have
 * memory.  -EINVAL. */
int mempolicy_make(uint32_t mode, uint32_t nodes, uint32_t allowed, struct mempolicy *out) __must_check;
/* What get_mempolicy(2) says about the nodes. */
uint32_t mempolicy_shown_nodes(const struct mempolicy *policy);
/* Where the page goes that is the index-th of what it belongs to, for a CPU of node `local`. */
void mempolicy_place(const struct mempolicy *policy, unsigned local, uint64_t index, struct pmm_place *out);
/* "bind:0-1" and the like, as /proc/PID/numa_maps has it.  Returns the length. */
int mempolicy_print(const struct mempolicy *policy, char *buf, size_t size);

/* Of a set of nodes: how many; the n-th, counted round and round (the set is not empty). */
unsigned nodes_in(uint32_t set);
unsigned nth_node(uint32_t set, uint64_t n);

/* The nodes that have memory. */
uint32_t mempolicy_allowed_nodes(void);
