/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cerberus: capabilities.
 *
 * A capability names an object and says what its holder may do with it.  One that was made with the object or
 * by opening it is an original; all others are derived from one, with fewer rights or the same, and together
 * they form a tree.  Each is held in exactly one place:
 *
 *	a slot of a process's table     a POSIX file descriptor is such a slot's number
 *	by the kernel, with a holder    a message under way, a mapping made through it
 *	nowhere                         closed while others were derived from it: it keeps the tree together
 *	                                and goes as soon as fewer than two are left below it
 *
 * Life: LIVE -> CLOSED (by its holder; calls under way through it go on) -> REVOKED (it or an ancestor was
 * revoked or expired; the revoker waits for calls under way).  Freed when its holder and the last such call
 * are gone.
 *
 * Revocation takes leaves off the subtree, one at a time and without a lock in between, until nothing is
 * left: no CPU is held up.  Nothing is derived in a subtree from the moment that its revocation begins, so
 * none escapes.
 *
 * Use: cap_use() looks a handle up, checks it and keeps the capability there until cap_done(); the object
 * cannot go meanwhile, and a revocation waits.  A thread that sleeps in between is woken by a revocation,
 * with its call interrupted, and restarted like after a signal without a handler: the new look-up then fails.
 *
 * Copies made by dup and fork are children too, but do not count as derivations (`depth`).  Where the tree
 * would get higher than CAP_HEIGHT_MAX a copy becomes a sibling of what it copies instead.
 *
 * Locks: cap_table.lock (RANK_CAP_TABLE) covers the slots, cap_tree.lock (RANK_CAP_TREE, taken inside) the
 * links of one tree.  Both are spinning and held for a few list operations only.  Objects are released
 * outside them.
 *
 * Legend: [i] immutable, [t] table lock, [r] tree lock, [a] atomic; [t, r]: written under both, if there is a
 * tree.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/object.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

/* Rights: the numbers of <serix/cap.h>, by their short names inside the kernel.  Of files and directories: a
 * call states what it needs; a missing right is -EBADF for the read/write rights that POSIX words so, else
 * -EPERM. */
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

/* --- names: kernel/cap/id.c ----------------------------------------------------------------------------- */

/* A capability's id: drawn when it is first asked for, as few ever are, and never 0.  Any context. */
struct cap_id cap_id(struct capability *cap);
/* What tells capabilities apart and may be shown: nothing of the id follows from it.  Never 0.  Any
 * context. */
uint64_t cap_tag(struct capability *cap);

/* What holds a capability that is in no table. */
struct cap_holder_ops {
	/* It was revoked: end what was made with it.  Called once, may sleep; the revoker holds no lock.  The
	 * holder still owns it and lets go of it with cap_drop(), here or later. */
	void (*revoked)(struct capability *cap, void *holder);
};

enum cap_state { CAP_LIVE, CAP_CLOSED, CAP_REVOKED };

struct cap_expiry;

struct capability {
	struct kobject *object;   /* [i] holds a reference */
	_Atomic uint32_t rights;  /* [a] only shrink */
	_Atomic uint32_t refs;    /* [a] its holder, each call under way through it, its revokers */
	_Atomic uint64_t expires; /* [a] cycle counter; 0: never; only shortens */
	uint16_t type;            /* [i] enum object_type */
	uint8_t depth;            /* [i] derivations since the original */
	uint8_t height;           /* [r] at most that far from the root of its tree */
	_Atomic uint32_t state;   /* [a] enum cap_state, in this order */
	struct cap_table
		*table; /* [t, r] where its slot is, or was when it was closed in the middle of a call */
	_Atomic uint32_t slot;             /* [t, r] CAP_NO_SLOT: in no table any more, or not yet */
	uint64_t badge;                    /* [i] */
	_Atomic uint64_t id[2];            /* [a] for kernel/cap/id.c */
	struct cap_expiry *_Atomic expiry; /* [a] NULL unless it expires */

	struct cap_tree
		*_Atomic tree;     /* [a] NULL: an original that nothing was derived from; then for good */
	struct capability *parent; /* [r] */
	struct list sibling;       /* [r] in parent->children, or parent->revoked if `drained` */
	struct list children;      /* [r] newest first */
	struct list revoked;       /* [r] drained children: the revoker waits for calls under way */
	uint32_t child_count;      /* [r] in both lists */
	_Atomic uint32_t
		revokers; /* [a] revocations of it that are under way; changed under [r] if there is one */
	uint64_t born, epoch; /* [r] see kernel/cap/tree.c */
	bool linked;          /* [r] it is in its tree */
	bool drained;         /* [r] revoked, and nothing below it is left to revoke */
	bool spent;           /* [r] in its tree only while two children or more hang below it */
	bool unowned;         /* [r] spent, and freed when it leaves */

	const struct cap_holder_ops *holder_ops; /* [r] NULL: it is or was in a table */
	void *holder;                            /* [i] */
	struct task *teller;                     /* [r] who calls holder_ops->revoked now */
	bool being_told;                         /* [r] that call is under way */
	bool told;                               /* [r] it is over */
	_Atomic bool exported;                   /* [a] its id may be imported */
};

#define CAP_NO_SLOT UINT32_MAX

/* Flags of a slot. */
#define CAP_CLOEXEC (1u << 0)

/* --- tables: kernel/cap/table.c ------------------------------------------------------------------------- */

void cap_init(void);
int cap_table_create(struct cap_table **out) __must_check;
void cap_table_get(struct cap_table *table);
void cap_table_put(struct cap_table *table); /* the last user closes everything; may sleep */
/* Keep the table there without being a user: when the users are gone it is empty. */
void cap_table_pin(struct cap_table *table);
void cap_table_unpin(struct cap_table *table);
/* Are the processes that used it gone?  Of a table that the caller knows to be there. */
bool cap_table_is_dead(const struct cap_table *table);
/* Is it in use by more than one process? */
bool cap_table_is_shared(const struct cap_table *table);
/* How many slots there is room for without growing; a hint. */
uint32_t cap_table_size(const struct cap_table *table);
/* A process that uses a table, so that a revocation can interrupt its threads: kernel/proc joins and leaves
 * while it is a user. */
struct cap_user {
	struct list link; /* [t] */
};
void cap_table_join(struct cap_table *table, struct cap_user *user);
void cap_table_leave(struct cap_table *table, struct cap_user *user);
/* Interrupt the threads of a process, so that a call that sleeps is begun anew and looks at its capability
 * again.  Provided by kernel/proc; a table's lock is held. */
extern void (*cap_interrupt_user)(struct cap_user *user);
/* fork without CLONE_FILES: a copy of every capability. */
int cap_table_fork(struct cap_table *table, struct cap_table **out) __must_check;
/* RLIMIT_NOFILE: slots at or above it are not handed out; what is there stays. */
void cap_table_set_limit(struct cap_table *table, uint32_t limit);
/* exec: drop what has CAP_CLOEXEC. */
void cap_table_exec(struct cap_table *table);

/* A handle is generation << 32 | slot.  Generations are 1 to INT32_MAX; 0 there means: whatever is in the
 * slot. */
static inline uint32_t cap_handle_slot(cap_handle_t handle)
{
	return (uint32_t)handle;
}

/* Put an original capability to `object` into the lowest free slot >= `min`.  Takes over the caller's
 * reference on success only.  The slot, or -EMFILE / -ENOMEM. */
int cap_install(struct cap_table *table, struct kobject *object, uint32_t rights, uint32_t flags,
		uint32_t min) __must_check;
/* As cap_install, for an object that was reached through `via`: derived from it, so with its rights at most,
 * its expiry, and gone with it.  The caller uses `via` (cap_use).  Also -EBADF: revoked meanwhile. */
int cap_install_via(struct cap_table *table, struct capability *via, struct kobject *object, uint32_t rights,
		    uint32_t flags, uint32_t min) __must_check;
/* Begin a call through the capability: it is there, of `type` (OBJECT_NONE: any) and grants `rights`.  The
 * caller ends it with cap_done().  -EBADF: no such, expired, wrong type or lacking READ/WRITE; -EPERM:
 * lacking another. */
int cap_use(struct cap_table *table, cap_handle_t handle, enum object_type type, uint32_t rights,
	    struct capability **out) __must_check;
void cap_done(struct capability *cap);
/* Begin another call through one that the caller uses or holds.  -EBADF: it was revoked, or READ or WRITE is
 * missing; -EPERM: another right. */
int cap_use_again(struct capability *cap, uint32_t rights) __must_check;
/* A thread that was interrupted during a call through it: was it for this? */
static inline bool cap_is_revoked(const struct capability *cap)
{
	return atomic_load_explicit(&cap->state, memory_order_acquire) == CAP_REVOKED;
}
/* For poll: `count` slots of any type whose numbers lie `stride` bytes apart; NULL where there is none.  One
 * hold of the lock, so keep count small. */
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

/* --- deriving and restricting: kernel/cap/derive.c ------------------------------------------------------ */

/* How a child differs from its parent. */
struct cap_terms {
	uint32_t rights;  /* those that pass */
	uint32_t flags;   /* of its slot: CAP_CLOEXEC */
	uint64_t expires; /* cycle counter; 0: as the parent */
	bool badged;      /* needs CAP_RIGHT_BADGE: -EPERM */
	uint64_t badge;
};

/* What the cycle counter will show in `ns`; 0 for CAP_FOREVER and for what it will never show. */
uint64_t cap_cycles_in(uint64_t ns);
/* As a program words it.  -EINVAL: unknown flags. */
int cap_terms_of(const struct cap_derive *how, struct cap_terms *out) __must_check;

/* A child of one capability, in the same table or another.  A handle, or -EBADF, -EMLINK, -EMFILE, -ENOMEM,
 * -EPERM (no CAP_RIGHT_BADGE), -ESRCH: the processes that used `into` are gone. */
cap_handle_t cap_derive(struct cap_table *table, cap_handle_t handle, const struct cap_terms *terms,
			struct cap_table *into) __must_check;
/* The same, of one that the caller uses or holds. */
cap_handle_t cap_derive_from(struct capability *from, const struct cap_terms *terms,
			     struct cap_table *into) __must_check;
/* A child that the kernel holds.  `from` is in use.  The caller owns it: cap_drop().  -EBADF (revoked
 * meanwhile), -ENOMEM, -EMLINK. */
int cap_derive_held(struct capability *from, const struct cap_terms *terms, const struct cap_holder_ops *ops,
		    void *holder, struct capability **out) __must_check;
/* The same as it is, and not counted as derived: for what is made through a capability, and never given on.
 * -EBADF, -ENOMEM. */
int cap_hold(struct capability *from, const struct cap_holder_ops *ops, void *holder,
	     struct capability **out) __must_check;
/* The same to another object, which is there because of `via` and is not to keep what that names: the
 * caller's own record of it.  Takes its own reference. */
int cap_hold_via(struct capability *via, struct kobject *object, const struct cap_holder_ops *ops,
		 void *holder, struct capability **out) __must_check;
/* Let go of a capability that is held (not by a table).  Afterwards holder_ops->revoked is not running and
 * will not run: this waits for it, unless it is what calls.  So no lock is held that `revoked` takes.  May
 * sleep. */
void cap_drop(struct capability *cap);
/* From a holder into a table: the capability itself moves.  The handle; on failure it is still the caller's:
 * -EBADF (revoked), -EMFILE, -ENOMEM, -ESRCH. */
cap_handle_t cap_settle(struct capability *cap, struct cap_table *table, uint32_t flags) __must_check;
/* Give up all but `rights`. */
int cap_limit(struct cap_table *table, cap_handle_t handle, uint32_t rights) __must_check;

/* --- ending: kernel/cap/revoke.c, kernel/cap/expire.c --------------------------------------------------- */

/* `self`: the capability, too; else only what is below it now.  No lock is held, and the running thread is in
 * no other call through what is revoked; may sleep.  -EBADF; -EINTR: killed before all calls under way were
 * over. */
int cap_revoke(struct cap_table *table, cap_handle_t handle, bool self) __must_check;
/* The same for one that the caller holds or uses. */
int cap_revoke_from(struct capability *cap, bool self) __must_check;
/* Revoke everything in a table that was there when the call began: the automatic answer to a violation.  Does
 * not wait for calls under way, so it may come out of one. */
void cap_revoke_table(struct cap_table *table);
/* At `expires` (cycle counter) it and what is below is revoked by a kernel thread.  -EBADF, -ENOMEM. */
int cap_expire(struct cap_table *table, cap_handle_t handle, uint64_t expires) __must_check;
/* Start that thread. */
void cap_expire_start(void);

/* --- looking: kernel/cap/query.c ------------------------------------------------------------------------ */

int cap_query(struct cap_table *table, cap_handle_t handle, struct cap_info *out) __must_check;
/* The first in a slot after that of `after` (-1: from the first); -ENOENT. */
int cap_query_next(struct cap_table *table, cap_handle_t after, struct cap_info *out) __must_check;

/* --- tokens: kernel/cap/token.c ------------------------------------------------------------------------- */

/* From now on, until the capability ends, its id may be imported.  -EPERM without CAP_RIGHT_EXPORT; -EBADF;
 * -ENOMEM. */
int cap_export(struct cap_table *table, cap_handle_t handle, struct cap_id *out) __must_check;
/* A child of the capability with that id.  The time it takes tells nothing about ids.  -ENOENT: none, which
 * is counted; -EINTR: interrupted while waiting for its turn, as who guesses has to; else as cap_derive.  May
 * sleep. */
cap_handle_t cap_import(struct cap_table *table, const struct cap_id *id,
			const struct cap_terms *terms) __must_check;
/* At so many wrong ids in all, those before included, everything in the table is revoked.  Never more than
 * before; 0 changes nothing.  A table that is made by fork begins with the same limit and count. */
void cap_table_limit_guesses(struct cap_table *table, uint32_t limit);

/* --- audit: kernel/cap/audit.c -------------------------------------------------------------------------- */

enum cap_event {
	CAP_EVENT_GRANT,  /* derived into another process, or settled there from a message */
	CAP_EVENT_DENIAL, /* a right was missing, a handle stale, a token wrong, a path outside */
	CAP_EVENT_EXPIRY,
	CAP_EVENT_REVOCATION,
	CAP_EVENTS
};

/* Note an event of the running process; `cap` may be NULL, `what` is a word or two.  Any context, no lock
 * needed, never sleeps, rate-limited. */
void cap_audit(enum cap_event event, struct capability *cap, const char *what);
