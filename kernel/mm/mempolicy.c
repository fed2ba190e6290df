/* SPDX-License-Identifier: BSD-2-Clause */
/* What a memory policy means.  Pure. */
#include <kernel/mempolicy.h>

#include <kernel/assert.h>
#include <kernel/cpumask.h>
#include <kernel/format.h>
#include <kernel/topology.h>
#include <serix/errno.h>

_Static_assert(MAX_NODES <= 16, "a set of nodes is 16 bits");
_Static_assert(sizeof(struct mempolicy) == 8, "a policy is passed as a word");

unsigned nodes_in(uint32_t set)
{
	unsigned n = 0;

	for (; set; set &= set - 1)
		n++;
	return n;
}

unsigned nth_node(uint32_t set, uint64_t n)
{
	ASSERT(set);
	n %= nodes_in(set);
	while (n-- > 0)
		set &= set - 1;
	return (unsigned)__builtin_ctz(set);
}

static uint32_t fold(uint32_t relative, uint32_t allowed)
{
	uint32_t nodes = 0;

	for (unsigned i = 0; i < MAX_NODES && allowed; i++) {
		if (relative >> i & 1)
			nodes |= 1u << nth_node(allowed, i);
	}
	return nodes;
}

static bool flags_fit(uint32_t mode, uint32_t flags)
{
	const uint32_t both = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;

	return mode < MPOL_MODES && (flags & both) != both &&
	       (!(flags & MPOL_F_NUMA_BALANCING) || mode == MPOL_BIND);
}

/* The modes that take no set of nodes. */
static int make_plain(uint32_t mode, uint32_t flags, uint32_t nodes, struct mempolicy *out)
{
	/* DEFAULT ignores the flags, as Linux does. */
	if (nodes || (mode == MPOL_LOCAL && flags))
		return -EINVAL;
	*out = (struct mempolicy){ .mode = (uint16_t)mode };
	return 0;
}

int mempolicy_make(uint32_t mode, uint32_t nodes, uint32_t allowed, struct mempolicy *out)
{
	uint32_t flags = mode & MPOL_MODE_FLAGS, usable;

	mode &= ~MPOL_MODE_FLAGS;
	if (!flags_fit(mode, flags))
		return -EINVAL;
	if (mode == MPOL_PREFERRED && !nodes)
		mode = MPOL_LOCAL;
	if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL)
		return make_plain(mode, flags, nodes, out);
	usable = flags & MPOL_F_RELATIVE_NODES ? fold(nodes, allowed) : nodes & allowed;
	if (!usable)
		return -EINVAL;
	if (mode == MPOL_PREFERRED)
		usable &= -usable; /* the first alone */
	*out = (struct mempolicy){ .mode = (uint16_t)(mode | flags),
				   .nodes = (uint16_t)usable,
				   .asked = (uint16_t)nodes };
	return 0;
}

uint32_t mempolicy_shown_nodes(const struct mempolicy *policy)
{
	return policy->mode & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES) ? policy->asked : policy->nodes;
}

void mempolicy_place(const struct mempolicy *policy, unsigned local, uint64_t index, struct pmm_place *out)
{
	uint8_t from = (uint8_t)(policy->home ? policy->home - 1u : local);

	switch (mempolicy_mode(policy)) {
	case MPOL_DEFAULT:
	case MPOL_LOCAL:
	case MPOL_MODES:
		*out = (struct pmm_place){ .nodes = PMM_ALL_NODES, .from = (uint8_t)local };
		break;
	case MPOL_PREFERRED:
		*out = (struct pmm_place){ .nodes = PMM_ALL_NODES,
					   .from = (uint8_t)nth_node(policy->nodes, 0) };
		break;
	case MPOL_BIND:
		*out = (struct pmm_place){ .nodes = policy->nodes, .from = from };
		break;
	case MPOL_PREFERRED_MANY:
		*out = (struct pmm_place){ .nodes = policy->nodes, .from = from, .or_elsewhere = true };
		break;
	case MPOL_INTERLEAVE:
		*out = (struct pmm_place){ .nodes = PMM_ALL_NODES,
					   .from = (uint8_t)nth_node(policy->nodes, index),
					   .interleaved = true };
		break;
	}
}

int mempolicy_print(const struct mempolicy *policy, char *buf, size_t size)
{
	static const char *const names[MPOL_MODES] = { "default",    "prefer", "bind",
						       "interleave", "local",  "prefer (many)" };
	struct cpumask nodes = { { policy->nodes } };
	int n = scnprintf(buf, size, "%s", names[mempolicy_mode(policy)]);

	if (policy->mode & MPOL_F_STATIC_NODES)
		n += scnprintf(buf + n, size - (size_t)n, "=static");
	if (policy->mode & MPOL_F_RELATIVE_NODES)
		n += scnprintf(buf + n, size - (size_t)n, "=relative");
	if (policy->nodes) {
		n += scnprintf(buf + n, size - (size_t)n, ":");
		n += cpumask_print_list(&nodes, buf + n, size - (size_t)n);
	}
	return n;
}
