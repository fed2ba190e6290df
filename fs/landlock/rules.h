/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What rules say: pure, compiled on the host for tests/unit/fs/landlock and tests/fuzz/landlock_fuzz.c.
 *
 * A table is a list of layers, each with the rights that it handles and with rules: these rights, of the
 * handled ones, for this file and all that is below it.  A ruleset's table has one layer, a domain's one for
 * each ruleset that was enforced.
 *
 * Something is allowed if each layer that handles the right has a rule that grants it, at any of the places
 * between the file and the root.  So a check begins with what all layers leave to be granted, goes up with
 * landlock_check_step() place by place, and is over when nothing is left.  Whoever climbs knows the tree;
 * here it is only keys.
 *
 * To move or link a file from one directory to another takes rights in both, REFER among them, and beyond
 * that nothing may be allowed with the file where it gets to that was not where it was.  As on Linux this is
 * looked at before each step, so not after the last one.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_landlock.h>

#define LANDLOCK_RIGHTS     14
#define LANDLOCK_LAYERS_MAX 16

/* Names a file, whatever names it has itself, of all that there ever were. */
struct landlock_key {
	uint64_t fs, file;
};

struct landlock_rule {
	struct landlock_key key;
	uint16_t layer;
	uint16_t rights; /* LANDLOCK_ACCESS_FS_* */
};

struct landlock_table {
	uint32_t layers;
	uint32_t count, room; /* of rules */
	uint16_t handled[LANDLOCK_LAYERS_MAX];
	struct landlock_rule *rules; /* by key, then by layer: one for each pair */
};

/* The rule of this file in that layer; NULL: none, and *at is where it would stand. */
struct landlock_rule *landlock_table_find(const struct landlock_table *t, const struct landlock_key *key,
					  uint32_t layer, uint32_t *at);
/* Another one there; there is room. */
void landlock_table_insert(struct landlock_table *t, uint32_t at, const struct landlock_rule *rule);
/* `outer` (NULL: none) with the layer of `inner` on top.  out->rules has room for all. */
void landlock_table_merge(const struct landlock_table *outer, const struct landlock_table *inner,
			  struct landlock_table *out);

/* The layers, a bit each, that have not granted a right yet. */
struct landlock_left {
	uint16_t layers[LANDLOCK_RIGHTS];
};

/* What is moved or linked, or takes its place. */
struct landlock_child {
	struct landlock_left left; /* of all rights, after its own rules */
	bool directory;
};

/* [0]: of the place itself, or of the directory that something is taken from; [1]: of the one it gets to. */
struct landlock_check {
	const struct landlock_table *domain;
	uint16_t wanted[2];
	struct landlock_left left[2];
	bool comparing; /* something could be gained: all rights matter, not just the wanted ones */
	bool exchange;  /* child[1] gets to where child[0] was */
	struct landlock_child child[2];
};

/* May something be done that takes all of `wanted`?  True: yes, wherever it is. */
bool landlock_check_begin(struct landlock_check *c, const struct landlock_table *domain, uint16_t wanted);

/*
 * The same of a move or link between directories: first begin_move, then for both directories
 * landlock_check_parent with each place from it up to the mount's root as long as that says false, and
 * landlock_check_child; if landlock_check_moves_freely does not, steps from the mount's root on follow.
 */
void landlock_check_begin_move(struct landlock_check *c, const struct landlock_table *domain, uint16_t from,
			       uint16_t to);
bool landlock_check_parent(struct landlock_check *c, unsigned side, const struct landlock_key *key);
void landlock_check_child(struct landlock_check *c, unsigned side, const struct landlock_key *key,
			  bool directory);
bool landlock_check_moves_freely(const struct landlock_check *c);

/* The next place on the way up.  True: it is allowed. */
bool landlock_check_step(struct landlock_check *c, const struct landlock_key *key);
/* At the end of the way: -EACCES, or -EXDEV if nothing but the move itself is denied. */
int landlock_check_error(const struct landlock_check *c);
