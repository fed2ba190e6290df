/* SPDX-License-Identifier: BSD-2-Clause */
/* Cerberus' insides: what a table is made of, and the life of a single capability. */
#pragma once

#include <arch/cpu.h>
#include <kernel/cap.h>

#include "guess.h"
#include "narrow.h"
#include "slots.h"
#include "tree.h"

struct cap_table {
	struct refcount users; /* processes; together they hold one of the references */
	struct refcount
		refs; /* who looks into it from outside pins it, and capabilities closed while in use */
	struct spinlock lock;
	uint32_t limit;             /* [lock] RLIMIT_NOFILE */
	bool dead;                  /* [lock] its users are gone: nothing comes in any more */
	struct list processes;      /* [lock] struct cap_user */
	struct cap_slots slots;     /* [lock] */
	struct cap_guesses guesses; /* [lock] */
};

/* --- id.c, token.c --- */

void cap_id_init(void);
void cap_token_init(void);
/* It was exported and is no longer live: nobody can import it any more.  The table's lock may be held. */
void cap_token_forget(struct capability *cap);

/* --- capability.c --- */

/* capability.refs: the count, and a bit that says that each end of a call is waited for. */
#define CAP_REFS_WATCHED (1u << 31)
#define CAP_REFS_COUNT   (CAP_REFS_WATCHED - 1)
/* More calls at once than this are refused, long before the count could overflow. */
#define CAP_REFS_MAX (1u << 30)

/* A capability with one reference, in no place yet; it expires at `expires` (0: never).  Takes over the
 * reference on the object.  NULL: no memory. */
struct capability *cap_new(struct kobject *object, uint32_t rights, uint64_t expires);
/* What comes from `from`, which is in use, by the terms: also in no place yet, and not in the tree. */
struct capability *cap_new_child(const struct capability *from, const struct cap_terms *terms);
/* The tree that `cap` is in, made if there is none.  NULL: no memory. */
struct cap_tree *cap_tree_of(struct capability *cap);
/* Hang a new child into the tree of `from` and into a slot; its table's lock is held.  -EBADF: revoked;
 * -EMLINK (of CAP_KIN_CHILD only); -ENOMEM. */
int cap_adopt(struct capability *from, struct capability *child, enum cap_kin kin, struct cap_table *table,
	      uint32_t slot) __must_check;
/* What leaving a tree set free; no lock is held. */
void cap_free_left(struct cap_tree *tree, const struct cap_left *left);

/* Begin another call; false: there are too many. */
static inline bool cap_begin(struct capability *cap)
{
	if (likely(atomic_fetch_add_explicit(&cap->refs, 1, memory_order_relaxed) < CAP_REFS_MAX))
		return true;
	atomic_fetch_sub_explicit(&cap->refs, 1, memory_order_relaxed);
	return false;
}
/* The rest of cap_done(): somebody waits for it, or it was the last.  `before`: the references until then. */
void cap_done_slowly(struct capability *cap, uint32_t before);
/* Take a reference unless the last one is gone. */
bool cap_get_unless_gone(struct capability *cap);

/* Is its time over? */
static inline bool cap_is_expired(const struct capability *cap)
{
	uint64_t expires = atomic_load_explicit(&cap->expires, memory_order_relaxed);

	return unlikely(expires != 0) && arch_cycles() >= expires;
}

/* --- table.c --- */

/* Put a new capability into the lowest free slot >= min: an original, or (`from`) a child of what the caller
 * uses.  It is the table's on success only.  The full handle; handed_out: somebody will keep it. */
cap_handle_t cap_place(struct cap_table *table, struct capability *from, struct capability *cap, bool copy,
		       uint32_t min, uint32_t flags, bool handed_out) __must_check;
/* Put a copy of `from`, which is in use, into slot `to`; *old is what was there. */
int cap_replace(struct cap_table *table, struct capability *from, struct capability *copy, uint32_t to,
		uint32_t flags, struct capability **old) __must_check;
/* Empty a slot in use; the caller owns the reference that it held. */
struct capability *cap_take_locked(struct cap_table *table, uint32_t index);
/* Let go of what was taken out of a table: what ops->closed says. */
int cap_let_go(const struct cap_table *table, struct capability *cap);
/* Use any capability, and learn its full handle and its slot's flags.  -EBADF. */
int cap_use_slot(struct cap_table *table, cap_handle_t handle, struct capability **cap, cap_handle_t *full,
		 uint32_t *flags) __must_check;

/* --- revoke.c --- */

void cap_revoke_init(void);
/* As cap_revoke_from, but does not wait for calls under way. */
void cap_revoke_begin(struct capability *cap, bool self);
/* What somebody may wait for at this capability has happened; only its address is used. */
void cap_wake_revokers(const struct capability *cap);

/* --- expire.c --- */

/* The timer of a capability that expires: allocate it, start it (or start it anew), end it. */
int cap_expiry_alloc(struct capability *cap) __must_check;
void cap_expiry_start(struct capability *cap);
void cap_expiry_end(struct capability *cap);
