/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cerberus: capabilities.
 *
 * A capability names an object and says what its holder may do with it.  One that was made with the object or by
 * opening it is an original; all others are derived from one, with fewer rights or the same, and together they form
 * a tree.  Each is held in exactly one place:
 *
 *	a slot of a process's table     a POSIX file descriptor is such a slot's number
 *	by the kernel, with a holder    a message under way, a mapping made through it
 *	nowhere                         closed while others were derived from it: it keeps the tree together and goes
 *	                                as soon as fewer than two are left below it
 *
 * Life: LIVE -> CLOSED (by its holder; calls under way through it go on) or -> REVOKED (it or an ancestor was revoked
 * or expired; the revoker waits for calls under way).  Freed when its holder and the last such call are gone.
 *
 * Revocation takes leaves off the subtree, one at a time and without a lock in between, until nothing is left: no CPU
 * is held up.  Nothing is derived in a subtree from the moment that its revocation begins, so none escapes.
 *
 * Use: cap_use() looks a handle up, checks it and keeps the capability there until cap_done(); the object cannot go
 * meanwhile, and a revocation waits.  A thread that sleeps in between is woken by a revocation, with its call
 * interrupted, and restarted like after a signal without a handler: the new look-up then fails.
 *
 * Copies made by dup and fork are children too, but do not count as derivations (`depth`).  Where the tree would get
 * higher than CAP_HEIGHT_MAX a copy becomes a sibling of what it copies instead.
 *
 * Locks: cap_table.lock (RANK_CAP_TABLE) covers the slots, cap_tree.lock (RANK_CAP_TREE, taken inside) the links of
 * one tree.  Both are spinning and held for a few list operations only.  Objects are released outside them.
 *
 * Legend: [i] immutable, [t] table lock, [r] tree lock, [a] atomic.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/object.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

/* Rights: the numbers of <serix/cap.h>, by their short names inside the kernel.  Of files and directories: a call
 * states what it needs; a missing right is -EBADF for the read/write rights that POSIX words so, else -EPERM. */
#define CAP_READ     FILE_RIGHT_READ
#define CAP_WRITE    FILE_RIGHT_WRITE
#define CAP_EXEC     FILE_RIGHT_EXECUTE
#define CAP_APPEND   FILE_RIGHT_APPEND
#define CAP_SEEK     FILE_RIGHT_SEEK
#define CAP_STAT     FILE_RIGHT_STAT
#define CAP_CHMOD    FILE_RIGHT_CHMOD
#define CAP_TRUNCATE FILE_RIGHT_TRUNCATE
#define CAP_MAP      FILE_RIGHT_MAP
#define CAP_LOCK     FILE_RIGHT_LOCK
#define CAP_LOOKUP   DIR_RIGHT_LOOKUP
#define CAP_LIST     DIR_RIGHT_LIST
#define CAP_CREATE   DIR_RIGHT_CREATE
#define CAP_REMOVE   DIR_RIGHT_REMOVE
#define CAP_IOCTL    FILE_RIGHT_IOCTL
#define CAP_SEAL     FILE_RIGHT_SEAL
/* Memory objects know READ, WRITE and EXEC (of mappings, too), TRUNCATE, MAP, SEAL, and: */
#define CAP_PHYSICAL (1u << 16) /* learn where its frames are */

/* Every right that a type knows, the general ones included. */
uint32_t cap_type_rights(enum object_type type);

#define CAP_RIGHTS_GENERAL (CAP_RIGHT_GRANT | CAP_RIGHT_EXPORT | CAP_RIGHT_BADGE)

#define CAP_HEIGHT_MAX 128

struct cap_id {
	uint64_t lo, hi;
};

struct cap_table;
struct cap_tree;
struct capability;

/* --- names: kernel/cap/id.c ---------------------------------------------------------------------------------- */

/* A capability's id: drawn when it is first asked for, as few ever are, and never 0.  Any context. */
struct cap_id cap_id(struct capability *cap);
/* What tells capabilities apart and may be shown: nothing of the id follows from it.  Never 0.  Any context. */
uint64_t cap_tag(struct capability *cap);

/* What holds a capability that is in no table. */
struct cap_holder_ops {
	/* It was revoked and is out of its tree: end what was made with it.  May sleep; the holder still owns it and
	 * lets go of it with cap_drop(). */
	void (*revoked)(struct capability *cap, void *holder);
};

enum cap_state { CAP_LIVE, CAP_CLOSED, CAP_REVOKED };

struct capability {
	_Atomic uint64_t id[2];    /* [a] for kernel/cap/id.c */
	struct kobject *object;    /* [i] holds a reference */
	_Atomic uint32_t rights;   /* [a] only shrink */
	uint16_t type;             /* [i] enum object_type */
	uint8_t depth;             /* [i] derivations since the original */
	uint8_t height;            /* [i] at most that far from the root of its tree */
	_Atomic uint64_t expires;  /* [a] cycle counter; 0: never; only shortens */
	uint64_t badge;            /* [i] */
	_Atomic uint32_t refs;     /* [a] its holder, each call under way through it, its revoker */
	_Atomic uint32_t state;    /* [a] enum cap_state; written under [r] */
	struct cap_tree *tree;     /* [r] NULL: an original that nothing was derived from */
	struct capability *parent; /* [r] */
	struct list children;      /* [r] */
	struct list sibling;       /* [r] in parent->children */
	struct cap_table *table;   /* [t] where its slot is; NULL: `holder` has it */
	uint32_t slot;             /* [t] */
	const struct cap_holder_ops *holder_ops; /* [i] */
	void *holder;                            /* [i] */
};

/* Flags of a slot. */
#define CAP_CLOEXEC (1u << 0)

/* --- tables: kernel/cap/table.c ------------------------------------------------------------------------------ */

void cap_init(void);
int cap_table_create(struct cap_table **out) __must_check;
void cap_table_get(struct cap_table *table);
void cap_table_put(struct cap_table *table); /* the last user closes everything; may sleep */
/* Keep the table there without being a user: when the users are gone it is empty. */
void cap_table_pin(struct cap_table *table);
void cap_table_unpin(struct cap_table *table);
/* Is it in use by more than one process? */
bool cap_table_is_shared(const struct cap_table *table);
/* How many slots there is room for without growing; a hint. */
uint32_t cap_table_size(const struct cap_table *table);
/* fork without CLONE_FILES: a copy of every capability. */
int cap_table_fork(struct cap_table *table, struct cap_table **out) __must_check;
/* RLIMIT_NOFILE: slots at or above it are not handed out; what is there stays. */
void cap_table_set_limit(struct cap_table *table, uint32_t limit);
/* exec: drop what has CAP_CLOEXEC. */
void cap_table_exec(struct cap_table *table);

/* A handle is generation << 32 | slot.  Generations are 1 to INT32_MAX; 0 there means: whatever is in the slot. */
static inline uint32_t cap_handle_slot(cap_handle_t handle)
{
	return (uint32_t)handle;
}

/* Put an original capability to `object` into the lowest free slot >= `min`.  Takes over the caller's reference on
 * success only.  The slot, or -EMFILE / -ENOMEM. */
int cap_install(struct cap_table *table, struct kobject *object, uint32_t rights, uint32_t flags,
		uint32_t min) __must_check;
/* Begin a call through the capability: it is there, of `type` (OBJECT_NONE: any) and grants `rights`.  The caller
 * ends it with cap_done().  -EBADF: no such, expired, wrong type or lacking READ/WRITE; -EPERM: lacking another. */
int cap_use(struct cap_table *table, cap_handle_t handle, enum object_type type, uint32_t rights,
	    struct capability **out) __must_check;
void cap_done(struct capability *cap);
/* A thread that was interrupted during a call through it: was it for this? */
static inline bool cap_is_revoked(const struct capability *cap)
{
	return atomic_load_explicit(&cap->state, memory_order_acquire) == CAP_REVOKED;
}
/* For poll: `count` slots of any type whose numbers lie `stride` bytes apart; NULL where there is none.  One hold of
 * the lock, so keep count small. */
void cap_use_many(struct cap_table *table, const int32_t *slots, size_t stride, size_t count,
		  struct capability **out);

/* A copy in the lowest free slot >= min (dup), or exactly in `to` (dup2; closes what is there). */
int cap_dup(struct cap_table *table, int slot, uint32_t min, uint32_t flags) __must_check;
int cap_dup_to(struct cap_table *table, int slot, int to, uint32_t flags) __must_check;
int cap_close(struct cap_table *table, cap_handle_t handle);
int cap_get_flags(struct cap_table *table, int slot, uint32_t *flags) __must_check;
int cap_set_flags(struct cap_table *table, int slot, uint32_t flags) __must_check;
/* The first used slot >= start, or -ENOENT (for /proc/pid/fd); with the capability in use if out is given. */
int cap_next(struct cap_table *table, int start, struct capability **out);
/* The full handle of a slot in use; -EBADF. */
cap_handle_t cap_handle_of(struct cap_table *table, int slot);

/* --- deriving and restricting: kernel/cap/derive.c ----------------------------------------------------------- */

/* How a child differs from its parent. */
struct cap_terms {
	uint32_t rights;  /* those that pass */
	uint32_t flags;   /* of its slot: CAP_CLOEXEC */
	uint64_t expires; /* cycle counter; 0: as the parent */
	bool badged;      /* needs CAP_RIGHT_BADGE: -EPERM */
	uint64_t badge;
};

/* A child of one capability, in the same table or another.  A handle, or -EBADF, -EMLINK, -EMFILE, -ENOMEM. */
cap_handle_t cap_derive(struct cap_table *table, cap_handle_t handle, const struct cap_terms *terms,
			struct cap_table *into) __must_check;

/* --- audit: kernel/cap/audit.c ------------------------------------------------------------------------------- */

enum cap_event {
	CAP_EVENT_GRANT,  /* derived into another process, or settled there from a message */
	CAP_EVENT_DENIAL, /* a right was missing, a handle stale, a token wrong, a path outside */
	CAP_EVENT_EXPIRY,
	CAP_EVENT_REVOCATION,
	CAP_EVENTS
};

/* Note an event of the running process; `cap` may be NULL, `what` is a word or two.  Any context, no lock needed,
 * never sleeps, rate-limited. */
void cap_audit(enum cap_event event, struct capability *cap, const char *what);
