/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cerberus: capability tables.  Each process has one table; a POSIX file descriptor is an index into
 * it.  A slot holds a capability: an unguessable 128-bit id, rights, the object, delegation parent and
 * depth, and an optional expiry.  Rights only shrink from parent to child, expiry only shortens.
 *
 * Locks: cap_table.lock (spinlock, RANK_CAP_TABLE) covers the slots.  Objects are released outside it.
 */
#pragma once

#include <kernel/object.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

/* Rights of files and directories.  A call states what it needs; a missing right is -EBADF for the
 * read/write rights that POSIX words so, -EPERM otherwise. */
#define CAP_READ     (1u << 0)
#define CAP_WRITE    (1u << 1)
#define CAP_EXEC     (1u << 2)
#define CAP_APPEND   (1u << 3)
#define CAP_SEEK     (1u << 4)
#define CAP_STAT     (1u << 5)
#define CAP_CHMOD    (1u << 6)
#define CAP_TRUNCATE (1u << 7)
#define CAP_MAP      (1u << 8)
#define CAP_LOCK     (1u << 9)
#define CAP_LOOKUP   (1u << 10)
#define CAP_LIST     (1u << 11)
#define CAP_CREATE   (1u << 12)
#define CAP_REMOVE   (1u << 13)
#define CAP_IOCTL    (1u << 14)
#define CAP_SEAL     (1u << 15)
#define CAP_ALL_FILE 0xffffu

/* Memory objects know READ, WRITE and EXEC (of mappings, too), TRUNCATE, MAP, SEAL, and: */
#define CAP_PHYSICAL (1u << 16) /* learn where its frames are */

struct cap_id {
	uint64_t lo, hi;
};

struct capability {
	struct cap_id id;       /* from the kernel's generator; zero until it is first needed */
	uint32_t rights;        /* CAP_* */
	uint16_t type;          /* enum object_type */
	uint16_t depth;         /* derivations since the original */
	struct kobject *object; /* holds a reference; NULL: the slot is free */
	struct cap_id parent;   /* zero for an original */
	uint64_t expires;       /* cycle counter; 0: never */
	uint32_t generation;    /* of the slot: counts its reuse */
	uint32_t flags;         /* CAP_CLOEXEC */
};

#define CAP_CLOEXEC (1u << 0)

struct cap_table {
	struct refcount users; /* processes; together they hold one of the references */
	struct refcount refs;  /* who looks into it from outside pins it */
	struct spinlock lock;
	uint32_t limit;           /* [lock] RLIMIT_NOFILE */
	uint32_t size;            /* [lock] slots allocated */
	uint32_t used;            /* [lock] */
	struct capability *slots; /* [lock] */
	uint64_t *bitmap;         /* [lock] used slots */
};

int cap_table_create(struct cap_table **out) __must_check;
void cap_table_get(struct cap_table *table);
void cap_table_put(struct cap_table *table); /* the last user closes everything; may sleep */
/* Keep the table there without being a user: when the users are gone it is empty. */
void cap_table_pin(struct cap_table *table);
void cap_table_unpin(struct cap_table *table);
/* fork without CLONE_FILES: every capability derived with equal rights. */
int cap_table_fork(struct cap_table *table, struct cap_table **out) __must_check;
/* RLIMIT_NOFILE: slots at or above it are not handed out; what is there stays. */
void cap_table_set_limit(struct cap_table *table, uint32_t limit);
/* exec: drop what has CAP_CLOEXEC. */
void cap_table_exec(struct cap_table *table);

/* Put an original capability to `object` into the lowest free slot >= `min`.  Takes over the caller's
 * reference on success only.  The slot, or -EMFILE / -ENOMEM. */
int cap_install(struct cap_table *table, struct kobject *object, uint32_t rights, uint32_t flags,
		uint32_t min) __must_check;
/* The object in `slot` with a reference, if it is of `type` (OBJECT_NONE: any) and grants `rights`.
 * -EBADF: empty, expired, wrong type or lacking READ/WRITE; -EPERM: lacking another right. */
int cap_lookup(struct cap_table *table, int slot, enum object_type type, uint32_t rights,
	       struct kobject **out) __must_check;
/* As cap_lookup, and *granted is all that the capability grants. */
int cap_lookup_rights(struct cap_table *table, int slot, enum object_type type, uint32_t rights,
		      struct kobject **out, uint32_t *granted) __must_check;
/* The objects in `count` slots of any type, each with a reference; NULL where there is none.  The slot
 * numbers lie `stride` bytes apart.  For poll: one hold of the lock, so keep count small. */
void cap_lookup_many(struct cap_table *table, const int32_t *slots, size_t stride, size_t count,
		     struct kobject **out);
/* Derive into the lowest free slot >= min (dup), or exactly into `to` (dup2; closes what is there). */
int cap_dup(struct cap_table *table, int slot, uint32_t min, uint32_t flags) __must_check;
/* As cap_dup with min 0, but only these rights pass. */
int cap_derive(struct cap_table *table, int slot, uint32_t rights, uint32_t flags) __must_check;
int cap_dup_to(struct cap_table *table, int slot, int to, uint32_t flags) __must_check;
int cap_close(struct cap_table *table, int slot);
int cap_get_flags(struct cap_table *table, int slot, uint32_t *flags) __must_check;
int cap_set_flags(struct cap_table *table, int slot, uint32_t flags) __must_check;
/* The first used slot >= start, or -ENOENT (for /proc/pid/fd); with the capability if out is given
 * (object referenced). */
int cap_next(struct cap_table *table, int start, struct capability *out);
