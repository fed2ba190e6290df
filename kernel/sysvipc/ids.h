/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the three kinds have in common: a table of ids, keys, owners and permissions.
 *
 * An id is a place in the table and, above it, a sequence number, so that it is a long time before a number
 * that somebody kept names something else.
 */
#pragma once

#include <kernel/mutex.h>
#include <kernel/sysvipc.h>

#define IDS_READ  0444u
#define IDS_WRITE 0222u
#define IDS_EXEC  0111u

struct ids_object { /* all [table lock] */
	int id;
	int32_t key;
	uid_t uid, cuid;
	gid_t gid, cgid;
	uint32_t mode;
	uint64_t scope; /* [i] the confinement that keeps global names from its maker; 0: none does */
};

struct ids_table {
	struct mutex lock;
	const char *name;
	_Atomic uint32_t *limit; /* [i] */
	/* [lock] from here on */
	struct ids_object **slots;
	uint32_t size, used;
	uint32_t last; /* place of the newest + 1 */
	uint16_t sequence;
};

#define IDS_TABLE(table, table_name, ids_limit)                                                   \
	{                                                                                         \
		.lock = MUTEX_INIT((table).lock, table_name, RANK_SYSVIPC), .name = (table_name), \
		.limit = (ids_limit)                                                              \
	}

/* The parts of a get call, all with the lock held.  find: the object with that key that the flags and its
 * permissions let the caller have, as *out; *out NULL: one is to be made.  -ENOENT, -EEXIST, -EACCES. */
int ids_find_key_locked(struct ids_table *t, int32_t key, uint32_t flags,
			struct ids_object **out) __must_check;
int ids_check_get_locked(const struct ids_object *obj, uint32_t flags) __must_check;
/* Enter an object of the running process's; its id, or -ENOSPC, -ENOMEM. */
int ids_add_locked(struct ids_table *t, struct ids_object *obj, int32_t key, uint32_t flags) __must_check;
void ids_remove_locked(struct ids_table *t, struct ids_object *obj);

/* By id: -EINVAL; -EACCES: not for the running process to know. */
int ids_lookup_locked(struct ids_table *t, int id, struct ids_object **out) __must_check;
/* By place, for *_STAT: the same. */
int ids_at_locked(struct ids_table *t, int index, struct ids_object **out) __must_check;
/* The first at or after the place that the running process may know of; NULL. */
struct ids_object *ids_next_locked(struct ids_table *t, unsigned *index);
/* The last place in use; 0 if there is none. */
int ids_last_locked(const struct ids_table *t);

/* May the running process use it so (IDS_*)?  -EACCES. */
int ids_permit(const struct ids_object *obj, uint32_t how) __must_check;
/* May it change and remove it?  -EPERM. */
int ids_own(const struct ids_object *obj) __must_check;
/* IPC_SET.  -EINVAL. */
int ids_set(struct ids_object *obj, const struct abi_ipc_perm *perm) __must_check;
void ids_describe(const struct ids_object *obj, struct abi_ipc_perm *out);

/* Is there memory for one more object of the kernel's?  The last of it is not for what nobody is charged
 * for. */
bool ids_memory_left(void);
int64_t ids_now(void); /* seconds since 1970 */
