/* SPDX-License-Identifier: BSD-2-Clause */
/* Cerberus' insides: what a table is made of, and the life of a single capability. */
#pragma once

#include <kernel/cap.h>

struct cap_slot {
	struct capability *cap; /* NULL: free */
	uint32_t generation;    /* counts its reuse: 1 to INT32_MAX */
	uint32_t flags;         /* CAP_CLOEXEC */
};

struct cap_table {
	struct refcount users; /* processes; together they hold one of the references */
	struct refcount refs;  /* who looks into it from outside pins it */
	struct spinlock lock;
	uint32_t limit;         /* [lock] RLIMIT_NOFILE */
	uint32_t size;          /* [lock] slots allocated */
	struct cap_slot *slots; /* [lock] */
	uint64_t *bitmap;       /* [lock] used slots */
};

#define CAP_TABLE_MAX (1u << 20) /* slots */

void cap_id_init(void); /* kernel/cap/id.c */

/* A capability with one reference, in no place yet.  Takes over the reference on the object.  NULL: no memory. */
struct capability *cap_alloc(struct kobject *object, uint32_t rights);
/* A copy of `from` with at most `rights`, with a reference on the object. */
struct capability *cap_copy(const struct capability *from, uint32_t rights);

/* Does the terms' time or the capability's own lie behind us? */
bool cap_is_expired(const struct capability *cap);

/* Put into the lowest free slot >= min; takes over the caller's reference on success only.  The slot. */
int cap_place(struct cap_table *table, struct capability *cap, uint32_t min, uint32_t flags) __must_check;
