/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What capabilities do, in the simplest way that says it: an array of nodes with a parent each, and tables
 * that name nodes.  Nothing here is quick or clever.  The kernel's own code is compared with it, on the host
 * (tests/unit/kernel/cap/model_test.c) and in the guest (user/tests/cap_model.c).
 *
 * A node stays when it is closed, for what hangs below it, and goes when nothing alive does.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <serix/cap.h>

#define MODEL_PROCESSES 64
#define MODEL_SLOTS     24
#define MODEL_NODES     16384
#define MODEL_HEIGHT    100 /* the kernel's own bound is not reached */

struct model_node {
	bool used, live, cloexec;
	int parent; /* -1: an original */
	uint32_t rights;
	uint64_t expires; /* 0: never */
	int depth, height, object, process, slot;
	uint64_t serial; /* no other node ever had it */
};

struct model_process {
	bool alive;
	int slots[MODEL_SLOTS]; /* nodes; -1: free */
};

struct cap_model {
	struct model_node nodes[MODEL_NODES];
	struct model_process processes[MODEL_PROCESSES];
	int last;      /* node given out */
	int objects;   /* made so far */
	uint64_t made; /* nodes, so far */
	bool wrong;    /* on purpose: revocation misses grandchildren */
};

static inline struct model_node *model_node(struct cap_model *m, int process, int slot)
{
	int n = slot >= 0 && slot < MODEL_SLOTS ? m->processes[process].slots[slot] : -1;

	return n < 0 ? NULL : &m->nodes[n];
}

static inline void model_start_process(struct cap_model *m, int process)
{
	m->processes[process].alive = true;
	for (int i = 0; i < MODEL_SLOTS; i++)
		m->processes[process].slots[i] = -1;
}

static inline void model_init(struct cap_model *m)
{
	memset(m, 0, sizeof(*m));
	m->last = -1;
}

/* Forget closed nodes that nothing alive hangs below. */
static inline void model_tidy(struct cap_model *m)
{
	static bool wanted[MODEL_NODES];

	memset(wanted, 0, sizeof(wanted));
	for (int n = 0; n < MODEL_NODES; n++)
		for (int up = m->nodes[n].live ? n : -1; up >= 0 && !wanted[up]; up = m->nodes[up].parent)
			wanted[up] = true;
	for (int n = 0; n < MODEL_NODES; n++)
		m->nodes[n].used = m->nodes[n].used && wanted[n];
}

static inline int model_new_node(struct cap_model *m)
{
	for (int tries = 0; tries < 2 * MODEL_NODES; tries++) {
		m->last = (m->last + 1) % MODEL_NODES;
		if (!m->nodes[m->last].used)
			return m->last;
		if (tries == MODEL_NODES)
			model_tidy(m);
	}
	return -1;
}

static inline int model_lowest_free(const struct cap_model *m, int process, int min)
{
	for (int slot = min; slot < MODEL_SLOTS; slot++)
		if (m->processes[process].slots[slot] < 0)
			return slot;
	return -EMFILE;
}

static inline void model_end_node(struct cap_model *m, int n)
{
	struct model_node *node = &m->nodes[n];

	node->live = false;
	m->processes[node->process].slots[node->slot] = -1;
}

/* A child of node `from` (-1: an original) in a free slot. */
static inline int model_add(struct cap_model *m, int from, int process, int slot,
			    const struct model_node *how)
{
	int n = model_new_node(m);

	if (n < 0)
		return -ENOMEM;
	m->nodes[n] = *how;
	m->nodes[n].used = m->nodes[n].live = true;
	m->nodes[n].serial = ++m->made;
	m->nodes[n].parent = from;
	m->nodes[n].height = from < 0 ? 0 : m->nodes[from].height + 1;
	m->nodes[n].process = process;
	m->nodes[n].slot = slot;
	m->processes[process].slots[slot] = n;
	return slot;
}

static inline int model_create(struct cap_model *m, int process, uint32_t rights)
{
	struct model_node how = { .rights = rights, .object = m->objects };
	int slot = model_lowest_free(m, process, 0);

	if (slot < 0)
		return slot;
	m->objects++;
	return model_add(m, -1, process, slot, &how);
}

static inline uint64_t model_earlier(uint64_t a, uint64_t b)
{
	return a == 0 ? b : b == 0 || a < b ? a : b;
}

/* Into the same table, or another's. */
static inline int model_derive(struct cap_model *m, int process, int slot, int into, uint32_t rights,
			       uint64_t expires, bool cloexec)
{
	struct model_node *from = model_node(m, process, slot), how;
	int to;

	if (!from)
		return -EBADF;
	if (from->depth >= (int)CAP_DEPTH_MAX)
		return -EMLINK;
	to = model_lowest_free(m, into, 0);
	if (to < 0)
		return to;
	how = *from;
	how.rights &= rights;
	how.expires = model_earlier(how.expires, expires);
	how.depth++;
	how.cloexec = cloexec;
	return model_add(m, (int)(from - m->nodes), into, to, &how);
}

static inline int model_dup(struct cap_model *m, int process, int slot, int min, bool cloexec)
{
	struct model_node *from = model_node(m, process, slot), how;
	int to;

	if (!from)
		return -EBADF;
	to = model_lowest_free(m, process, min);
	if (to < 0)
		return to;
	how = *from;
	how.cloexec = cloexec;
	return model_add(m, (int)(from - m->nodes), process, to, &how);
}

static inline int model_close(struct cap_model *m, int process, int slot)
{
	struct model_node *node = model_node(m, process, slot);

	if (!node)
		return -EBADF;
	model_end_node(m, (int)(node - m->nodes));
	return 0;
}

static inline int model_dup_to(struct cap_model *m, int process, int slot, int to, bool cloexec)
{
	struct model_node *from = model_node(m, process, slot), how;

	if (!from || to < 0 || to >= MODEL_SLOTS)
		return -EBADF;
	how = *from;
	how.cloexec = cloexec;
	model_close(m, process, to);
	return model_add(m, (int)(from - m->nodes), process, to, &how);
}

static inline int model_limit(struct cap_model *m, int process, int slot, uint32_t rights)
{
	struct model_node *node = model_node(m, process, slot);

	if (!node)
		return -EBADF;
	node->rights &= rights;
	return 0;
}

static inline int model_expire(struct cap_model *m, int process, int slot, uint64_t expires)
{
	struct model_node *node = model_node(m, process, slot);

	if (!node)
		return -EBADF;
	node->expires = model_earlier(node->expires, expires);
	return 0;
}

static inline bool model_is_below(const struct cap_model *m, int n, int root)
{
	while ((n = m->nodes[n].parent) >= 0)
		if (n == root)
			return true;
	return false;
}

static inline void model_end_tree(struct cap_model *m, int root, bool self)
{
	for (int n = 0; n < MODEL_NODES; n++) {
		if (!m->nodes[n].live || (n == root ? !self : !model_is_below(m, n, root)))
			continue;
		if (m->wrong && n != root && m->nodes[n].parent != root)
			continue;
		model_end_node(m, n);
	}
}

static inline int model_revoke(struct cap_model *m, int process, int slot, bool self)
{
	struct model_node *node = model_node(m, process, slot);

	if (!node)
		return -EBADF;
	model_end_tree(m, (int)(node - m->nodes), self);
	return 0;
}

/* It is `now`: what has expired is revoked. */
static inline void model_expired(struct cap_model *m, uint64_t now)
{
	for (int n = 0; n < MODEL_NODES; n++)
		if (m->nodes[n].live && m->nodes[n].expires && m->nodes[n].expires <= now)
			model_end_tree(m, n, true);
}

/* May what is in the slot have children, before the kernel's bound on the height of a tree matters? */
static inline bool model_is_low(struct cap_model *m, int process, int slot)
{
	struct model_node *node = model_node(m, process, slot);

	return !node || node->height < MODEL_HEIGHT;
}

static inline bool model_may_fork(struct cap_model *m, int process)
{
	for (int slot = 0; slot < MODEL_SLOTS; slot++)
		if (!model_is_low(m, process, slot))
			return false;
	return true;
}

static inline void model_fork(struct cap_model *m, int process, int child)
{
	model_start_process(m, child);
	for (int slot = 0; slot < MODEL_SLOTS; slot++) {
		int n = m->processes[process].slots[slot];

		if (n >= 0) {
			struct model_node how = m->nodes[n];

			model_add(m, n, child, slot, &how);
		}
	}
}

static inline void model_exec(struct cap_model *m, int process)
{
	for (int slot = 0; slot < MODEL_SLOTS; slot++) {
		struct model_node *node = model_node(m, process, slot);

		if (node && node->cloexec)
			model_close(m, process, slot);
	}
}

static inline void model_exit(struct cap_model *m, int process)
{
	for (int slot = 0; slot < MODEL_SLOTS; slot++)
		model_close(m, process, slot);
	m->processes[process].alive = false;
}

/* What a use that needs `rights` gives. */
static inline int model_use(struct cap_model *m, int process, int slot, uint32_t rights)
{
	struct model_node *node = model_node(m, process, slot);

	if (!node)
		return -EBADF;
	if (!(rights & ~node->rights))
		return 0;
	return (rights & ~node->rights) & (FILE_RIGHT_READ | FILE_RIGHT_WRITE) ? -EBADF : -EPERM;
}
