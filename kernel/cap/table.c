/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capability tables: their life, and what goes into the slots and comes out.  slots.c is what they are made
 * of.
 *
 * Growth allocates outside the lock and tries again.  No loop over a table holds its lock for more than one
 * leaf's 64 slots.
 */
#include "cap_priv.h"
#include "look.h"
#include "use.h"

#include <kernel/slab.h>
#include <serix/errno.h>

#define DEFAULT_LIMIT 1024u

int cap_table_create(struct cap_table **out)
{
	struct cap_table *table = kzalloc(sizeof(*table));

	if (!table)
		return -ENOMEM;
	refcount_set(&table->users, 1);
	refcount_set(&table->refs, 1);
	spin_init(&table->lock, "cap_table", RANK_CAP_TABLE);
	list_init(&table->processes);
	table->limit = DEFAULT_LIMIT;
	table->slots.size = CAP_LEAF_SLOTS;
	*out = table;
	return 0;
}

void cap_table_get(struct cap_table *table)
{
	refcount_get(&table->users);
}

void cap_table_pin(struct cap_table *table)
{
	refcount_get(&table->refs);
}

void cap_table_unpin(struct cap_table *table)
{
	if (!refcount_put(&table->refs))
		return;
	cap_slots_free(&table->slots);
	kfree(table);
}

bool cap_table_is_shared(const struct cap_table *table)
{
	return refcount_read(&table->users) > 1;
}

bool cap_table_is_dead(const struct cap_table *table)
{
	return READ_ONCE(table->dead);
}

uint32_t cap_table_size(const struct cap_table *table)
{
	return READ_ONCE(table->slots.size);
}

void cap_table_set_limit(struct cap_table *table, uint32_t limit)
{
	spin_lock(&table->lock);
	table->limit = MIN(limit, CAP_SLOTS_MAX);
	spin_unlock(&table->lock);
}

/* --- in and out ----------------------------------------------------------------------------------------- */

/* The slot of what the handle names, expired or not; NULL. */
static inline struct cap_slot *find_locked(struct cap_table *table, cap_handle_t handle)
{
	struct cap_slot *slot = cap_slot_at(&table->slots, cap_handle_slot(handle));
	uint32_t generation = (uint32_t)(handle >> 32);

	assert_held(&table->lock);
	if (unlikely(!slot) || !slot->cap || (unlikely(generation != 0) && generation != slot->reused + 1))
		return NULL;
	return slot;
}

static inline struct cap_slot *find_usable_locked(struct cap_table *table, cap_handle_t handle)
{
	struct cap_slot *slot = find_locked(table, handle);

	return slot && !cap_is_expired(slot->cap) ? slot : NULL;
}

/* The full handle of a slot.  From now on its generation matters. */
static cap_handle_t hand_out(struct cap_slot *slot, uint32_t index)
{
	slot->handed_out = true;
	return (cap_handle_t)((uint64_t)(slot->reused + 1) << 32 | index);
}

/* Nobody but the caller has a reference, so nobody learns of it: cap_adopt has told the tree about its
 * place. */
static cap_handle_t fill_locked(struct cap_table *table, uint32_t index, struct capability *cap,
				uint32_t flags, bool handed_out)
{
	cap_slot_fill(&table->slots, index, cap, flags);
	if (unlikely(atomic_load_explicit(&cap->expiry, memory_order_relaxed)))
		cap_expiry_start(cap);
	return handed_out ? hand_out(cap_slot_at(&table->slots, index), index) : index;
}

/* From a holder into a table, unless it was revoked. */
static __noinline int settle_held(struct cap_tree *tree, struct capability *cap, struct cap_table *table,
				  uint32_t index)
{
	bool live;

	spin_lock(&tree->lock);
	live = atomic_load(&cap->state) == CAP_LIVE;
	if (live) {
		cap->holder_ops = NULL;
		cap->table = table;
		atomic_store_explicit(&cap->slot, index, memory_order_relaxed);
	}
	spin_unlock(&tree->lock);
	return live ? 0 : -EBADF;
}

/* Tell the capability and its tree where it will be. */
static int settle_at(struct capability *from, struct capability *cap, bool copy, struct cap_table *table,
		     uint32_t index)
{
	struct cap_tree *tree = atomic_load(&cap->tree);

	if (from)
		return cap_adopt(from, cap, copy ? CAP_KIN_COPY : CAP_KIN_CHILD, table, index);
	if (tree)
		return settle_held(tree, cap, table, index);
	cap->table = table;
	atomic_store_explicit(&cap->slot, index, memory_order_relaxed);
	return 0;
}

cap_handle_t cap_place(struct cap_table *table, struct capability *from, struct capability *cap, bool copy,
		       uint32_t min, uint32_t flags, bool handed_out)
{
	for (;;) {
		cap_handle_t result = -EMFILE;
		bool grow = false;
		uint32_t index;

		spin_lock(&table->lock);
		index = cap_slots_next_free(&table->slots, min);
		if (unlikely(table->dead)) {
			result = -ESRCH;
		} else if (index < table->limit) {
			grow = !cap_slot_at(&table->slots, index);
			if (!grow)
				result = settle_at(from, cap, copy, table, index);
			if (!grow && result == 0)
				result = fill_locked(table, index, cap, flags, handed_out);
		}
		spin_unlock(&table->lock);
		if (!grow)
			return result;
		result = cap_slots_grow(&table->slots, &table->lock, index);
		if (result < 0)
			return result;
	}
}

/* Put it into slot `to` if that is allowed and there is memory; *grow: there is not. */
static int replace_locked(struct cap_table *table, struct capability *from, struct capability *copy,
			  uint32_t to, uint32_t flags, struct capability **old, bool *grow)
{
	struct cap_slot *slot = cap_slot_at(&table->slots, to);
	int err;

	*grow = false;
	if (to >= table->limit)
		return -EBADF;
	*grow = !slot;
	if (!slot)
		return 0;
	if (cap_slot_is_worn_out(slot))
		return -EBADF;
	err = cap_adopt(from, copy, CAP_KIN_COPY, table, to);
	if (err < 0)
		return err;
	if (slot->cap)
		*old = cap_take_locked(table, to);
	fill_locked(table, to, copy, flags, false);
	return 0;
}

int cap_replace(struct cap_table *table, struct capability *from, struct capability *copy, uint32_t to,
		uint32_t flags, struct capability **old)
{
	for (;;) {
		bool grow;
		int err;

		spin_lock(&table->lock);
		err = replace_locked(table, from, copy, to, flags, old, &grow);
		spin_unlock(&table->lock);
		if (!grow)
			return err;
		err = cap_slots_grow(&table->slots, &table->lock, to);
		if (err < 0)
			return err;
	}
}

struct capability *cap_take_locked(struct cap_table *table, uint32_t index)
{
	struct cap_slot *slot = cap_slot_at(&table->slots, index);
	struct capability *cap = slot->cap;
	struct cap_tree *tree = atomic_load(&cap->tree);
	uint32_t live = CAP_LIVE;

	cap_slot_clear(&table->slots, index);
	if (tree)
		spin_lock(&tree->lock);
	atomic_compare_exchange_strong(&cap->state, &live, CAP_CLOSED);
	atomic_store_explicit(&cap->slot, CAP_NO_SLOT, memory_order_relaxed);
	if (atomic_load(&cap->refs) == 1)
		cap->table = NULL;
	else
		cap_table_pin(table);
	if (tree)
		spin_unlock(&tree->lock);
	/* After the state has changed: see cap_export(). */
	if (unlikely(atomic_load_explicit(&cap->exported, memory_order_relaxed)))
		cap_token_forget(cap);
	return cap;
}

int cap_let_go(const struct cap_table *table, struct capability *cap)
{
	const struct kobject_ops *ops = cap->object->ops;
	int err = ops->closed ? ops->closed(cap->object, table) : 0;

	cap_done(cap);
	return err;
}

int cap_install(struct cap_table *table, struct kobject *object, uint32_t rights, uint32_t flags,
		uint32_t min)
{
	struct capability *cap = cap_new(object, rights, 0);
	cap_handle_t slot;

	if (!cap)
		return -ENOMEM;
	slot = cap_place(table, NULL, cap, false, min, flags, false);
	if (slot < 0) {
		kobject_get(object); /* stays the caller's */
		cap_done(cap);
	}
	return (int)slot;
}

/* --- the end, exec and fork ----------------------------------------------------------------------------- */

/* The first capability at or above *index that is in a slot with all of `flags`; NULL: there is none. */
static struct capability *take_next(struct cap_table *table, uint32_t *index, uint32_t flags)
{
	struct capability *cap = NULL;
	uint32_t end;

	while (!cap && *index < CAP_SLOTS_MAX) {
		spin_lock(&table->lock);
		*index = cap_slots_next_used(&table->slots, *index);
		end = (*index | (CAP_LEAF_SLOTS - 1)) + 1;
		for (; !cap && *index < end && *index < CAP_SLOTS_MAX; ++*index) {
			const struct cap_slot *slot = cap_slot_at(&table->slots, *index);

			if (slot->cap && (slot->flags & flags) == flags)
				cap = cap_take_locked(table, *index);
		}
		spin_unlock(&table->lock);
	}
	return cap;
}

static void drop_all(struct cap_table *table, uint32_t flags)
{
	struct capability *cap;
	uint32_t index = 0;

	while ((cap = take_next(table, &index, flags)) != NULL)
		cap_let_go(table, cap);
}

void cap_table_put(struct cap_table *table)
{
	if (!refcount_put(&table->users))
		return;
	spin_lock(&table->lock);
	table->dead = true;
	spin_unlock(&table->lock);
	drop_all(table, 0);
	cap_table_unpin(table);
}

void cap_table_exec(struct cap_table *table)
{
	drop_all(table, CAP_CLOEXEC);
}

/* Both are known to each other's users only through trees: by address. */
static void lock_both(struct cap_table *a, struct cap_table *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_both(struct cap_table *a, struct cap_table *b)
{
	spin_unlock(&a->lock);
	spin_unlock(&b->lock);
}

/* *unused: a copy that came to nothing. */
static int copy_slot_locked(struct cap_table *from, struct cap_table *to, uint32_t index,
			    struct capability **unused)
{
	static const struct cap_terms unchanged = { .rights = UINT32_MAX };
	const struct cap_slot *slot = cap_slot_at(&from->slots, index);
	struct capability *copy;
	int err;

	/* The child knows the parent's handles: what they name, and what they name no more. */
	cap_slot_inherit(&to->slots, index, slot);
	if (!slot->cap)
		return 0;
	if (cap_is_expired(slot->cap)) {
		cap_slot_clear(&to->slots, index);
		return 0;
	}
	copy = cap_new_child(slot->cap, &unchanged);
	if (!copy)
		return -ENOMEM;
	err = cap_adopt(slot->cap, copy, CAP_KIN_COPY, to, index);
	if (err == 0) {
		fill_locked(to, index, copy, slot->flags, false);
	} else {
		cap_slot_clear(&to->slots, index);
		*unused = copy;
	}
	return err;
}

static uint32_t end_of_leaf(uint32_t index)
{
	return (index | (CAP_LEAF_SLOTS - 1)) + 1;
}

/* Those from *index to the end of its leaf that are not as new. */
static int copy_touched_locked(struct cap_table *from, struct cap_table *to, uint32_t *index,
			       struct capability **unused)
{
	uint64_t touched = cap_slots_touched(&from->slots, *index);
	uint32_t first = *index;

	for (; touched; touched &= touched - 1) {
		int err;

		*index = first + (uint32_t)__builtin_ctzll(touched);
		err = copy_slot_locked(from, to, (*index)++, unused);
		if (err < 0)
			return err;
	}
	*index = end_of_leaf(first);
	return 0;
}

/* Copy the slots from *index to the end of its leaf; -EAGAIN: `to` has no memory for them yet. */
static int copy_leaf(struct cap_table *from, struct cap_table *to, uint32_t *index)
{
	struct capability *unused = NULL;
	int err = 0;

	lock_both(from, to);
	*index = cap_slots_next_known(&from->slots, *index);
	if (*index < CAP_SLOTS_MAX && !cap_slots_matter(&from->slots, *index))
		*index = end_of_leaf(*index);
	else if (*index < CAP_SLOTS_MAX && !cap_slot_at(&to->slots, *index))
		err = -EAGAIN;
	else if (*index < CAP_SLOTS_MAX)
		err = copy_touched_locked(from, to, index, &unused);
	unlock_both(from, to);
	if (unused)
		cap_done(unused);
	return err == -EBADF ? 0 : err; /* what is being revoked is not there any more */
}

int cap_table_fork(struct cap_table *table, struct cap_table **out)
{
	struct cap_table *copy;
	uint32_t index = 0;
	int err = cap_table_create(&copy);

	if (err < 0)
		return err;
	copy->limit = READ_ONCE(table->limit);
	spin_lock(&table->lock);
	copy->guesses = table->guesses;
	spin_unlock(&table->lock);
	while (err == 0 && index < CAP_SLOTS_MAX) {
		err = copy_leaf(table, copy, &index);
		if (err == -EAGAIN)
			err = cap_slots_grow(&copy->slots, &copy->lock, index);
	}
	if (err < 0) {
		cap_table_put(copy);
		return err;
	}
	*out = copy;
	return 0;
}

/* --- use ------------------------------------------------------------------------------------------------ */

/* Programs close numbers that were never open for good measure; a handle is another matter. */
static __noinline int refuse_handle(cap_handle_t handle)
{
	if (handle > UINT32_MAX)
		cap_audit(CAP_EVENT_DENIAL, NULL, "stale handle");
	return -EBADF;
}

/* Of files POSIX wants to hear that the descriptor is not open for that. */
static __noinline int refuse_rights(struct capability *cap, uint32_t missing)
{
	bool file = cap->type == OBJECT_FILE || cap->type == OBJECT_DIRECTORY || cap->type == OBJECT_MEMORY;

	cap_audit(CAP_EVENT_DENIAL, cap, "right missing");
	return file && (missing & (CAP_READ | CAP_WRITE)) ? -EBADF : -EPERM;
}

static inline int use_locked(struct cap_table *table, cap_handle_t handle, enum object_type type,
			     uint32_t rights, struct capability **out)
{
	struct cap_slot *slot = find_usable_locked(table, handle);
	uint32_t missing;

	if (unlikely(!slot))
		return refuse_handle(handle);
	if (unlikely(type != OBJECT_NONE && slot->cap->type != type))
		return -EBADF;
	missing = rights & ~atomic_load_explicit(&slot->cap->rights, memory_order_relaxed);
	if (unlikely(missing != 0))
		return refuse_rights(slot->cap, missing);
	if (unlikely(!cap_begin(slot->cap)))
		return -EBADF;
	*out = slot->cap;
	return 0;
}

int cap_use_again(struct capability *cap, uint32_t rights)
{
	uint32_t granted = atomic_load_explicit(&cap->rights, memory_order_relaxed);

	if (!cap_begin(cap))
		return -EBADF;
	/* After that a revoker waits, unless it was first. */
	atomic_thread_fence(memory_order_seq_cst);
	if (cap_is_revoked(cap) || cap_is_expired(cap)) {
		cap_done(cap);
		return -EBADF;
	}
	if ((granted & rights) == rights)
		return 0;
	cap_done(cap);
	return refuse_rights(cap, rights & ~granted);
}

static __noinline int use_slowly(struct cap_table *table, cap_handle_t handle, enum object_type type,
				 uint32_t rights, struct capability **out)
{
	int err;

	spin_lock(&table->lock);
	err = use_locked(table, handle, type, rights, out);
	spin_unlock(&table->lock);
	return err;
}

static __noinline int preempted(void)
{
	preempt_schedule();
	return 0;
}

/* On the way of nearly every call.  What is unlikely leaves by a tail call, with nothing changed, so that the
 * likely way has no registers to save. */
int cap_use(struct cap_table *table, cap_handle_t handle, enum object_type type, uint32_t rights,
	    struct capability **out)
{
	struct capability *cap;

	preempt_disable();
	cap = cap_use_likely(table, handle, type, rights);
	preempt_enable_no_resched();
	if (unlikely(!cap))
		return use_slowly(table, handle, type, rights, out);
	*out = cap;
	return unlikely(arch_resched_pending()) ? preempted() : 0;
}

void cap_use_many(struct cap_table *table, const int32_t *slots, size_t stride, size_t count,
		  struct capability **out)
{
	struct cap_look look;

	cap_look_begin(&look, table);
	for (size_t i = 0; i < count; i++) {
		struct capability *cap = cap_look_at(&look, (uint32_t)*slots);

		out[i] = cap && cap_begin(cap) ? cap : NULL;
		slots = (const int32_t *)((const char *)slots + stride);
	}
	cap_look_end(&look);
}

int cap_next(struct cap_table *table, int start, struct capability **out)
{
	uint32_t index = (uint32_t)MAX(start, 0);
	int found = -ENOENT;

	while (found < 0 && index < CAP_SLOTS_MAX) {
		struct cap_slot *slot;

		spin_lock(&table->lock);
		index = cap_slots_next_used(&table->slots, index);
		slot = find_usable_locked(table, index);
		if (slot && (!out || cap_begin(slot->cap))) {
			found = (int)index;
			if (out)
				*out = slot->cap;
		}
		spin_unlock(&table->lock);
		index++;
	}
	return found;
}

int cap_use_slot(struct cap_table *table, cap_handle_t handle, struct capability **cap, cap_handle_t *full,
		 uint32_t *flags)
{
	struct cap_slot *slot;
	int err;

	spin_lock(&table->lock);
	err = use_locked(table, handle, OBJECT_NONE, 0, cap);
	if (err == 0) {
		slot = cap_slot_at(&table->slots, cap_handle_slot(handle));
		*full = hand_out(slot, cap_handle_slot(handle));
		*flags = slot->flags;
	}
	spin_unlock(&table->lock);
	return err;
}

cap_handle_t cap_handle_of(struct cap_table *table, int slot)
{
	cap_handle_t handle = -EBADF;
	struct cap_slot *found;

	spin_lock(&table->lock);
	found = find_usable_locked(table, slot);
	if (found)
		handle = hand_out(found, (uint32_t)slot);
	spin_unlock(&table->lock);
	return handle;
}

/* --- closing and flags ---------------------------------------------------------------------------------- */

int cap_close(struct cap_table *table, cap_handle_t handle)
{
	struct capability *cap = NULL;

	spin_lock(&table->lock);
	if (find_locked(table, handle))
		cap = cap_take_locked(table, cap_handle_slot(handle));
	spin_unlock(&table->lock);
	return cap ? cap_let_go(table, cap) : refuse_handle(handle);
}

int cap_get_flags(struct cap_table *table, int slot, uint32_t *flags)
{
	struct cap_slot *found;

	spin_lock(&table->lock);
	found = find_usable_locked(table, slot);
	if (found)
		*flags = found->flags;
	spin_unlock(&table->lock);
	return found ? 0 : -EBADF;
}

int cap_set_flags(struct cap_table *table, int slot, uint32_t flags)
{
	struct cap_slot *found;

	spin_lock(&table->lock);
	found = find_usable_locked(table, slot);
	if (found)
		found->flags = (uint16_t)flags;
	spin_unlock(&table->lock);
	return found ? 0 : -EBADF;
}
