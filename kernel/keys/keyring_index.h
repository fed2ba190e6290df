/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a keyring holds: links, found by the name of the key that they lead to.  A name is a type and a
 * description, and there is one of a name at most.  Keyrings come first in the order, so that who descends
 * need not look at the rest.
 *
 * Pure: no lock, no memory of its own; also built on the host.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/rbtree.h>
#include <kernel/types.h>

#define KEY_TYPE_KEYRING 0u /* the number of that type, the first of all */

struct key_name {
	unsigned type; /* its number */
	size_t length;
	const char *text; /* ended by a NUL, and without any */
};

/* The part of a link that the index needs. */
struct keyring_entry {
	struct rb_node node;
	const struct key_name *name; /* of the key, which lives as long as the link */
};

struct keyring_index {
	struct rb_tree tree;
	uint32_t count;
};

/* Below, at or above 0 as `a` comes before, is the same as or comes after `b`. */
int key_name_compare(const struct key_name *a, const struct key_name *b);
struct keyring_entry *keyring_index_find(const struct keyring_index *index, const struct key_name *name);
/* Nothing of that name is there. */
void keyring_index_add(struct keyring_index *index, struct keyring_entry *entry);
void keyring_index_remove(struct keyring_index *index, struct keyring_entry *entry);
struct keyring_entry *keyring_index_first(const struct keyring_index *index);
struct keyring_entry *keyring_index_next(const struct keyring_entry *entry);
