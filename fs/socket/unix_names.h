/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of local sockets: a table from addresses to what is bound to them.  Pure: the caller brings the lock.
 *
 * A path name's key is the vnode that binding made, for it may have many paths and be renamed; an abstract
 * name's are its bytes and the type of socket, for each type has its own names.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/types.h>

struct vnode;

#define UNIX_NAMES_BUCKETS 256u

/* What one looks for. */
struct unix_key {
	const struct vnode *vnode; /* NULL: abstract */
	uint16_t type;
	uint32_t length; /* of an abstract name */
	const uint8_t *bytes;
};

/* Embedded in what has the name. */
struct unix_entry {
	struct list link;
	struct unix_key key; /* bytes: whoever embeds it keeps them */
};

struct unix_names {
	struct list buckets[UNIX_NAMES_BUCKETS];
	uint32_t seed; /* so that nobody foresees who shares a bucket */
};

void unix_names_init(struct unix_names *names, uint32_t seed);
struct unix_entry *unix_names_find(const struct unix_names *names, const struct unix_key *key);
void unix_names_add(struct unix_names *names, struct unix_entry *entry);
void unix_names_remove(struct unix_entry *entry);
