/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capability tables.
 *
 * Invariants: bit n of the bitmap is set exactly when slots[n].cap is not NULL; a slot's generation changes
 * whenever it is emptied, so that a handle kept from before is recognisable.
 *
 * Growth allocates outside the lock and tries again: the table never blocks others while memory is
 * sought.
 */
#include "cap_priv.h"

#include <arch/cpu.h>
#include <kernel/bitmap.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define FIRST_SIZE    16u /* slots */
#define DEFAULT_LIMIT 1024u

/* The slot that a program named, also when it is empty; NULL beyond the table. */
static struct cap_slot *any_slot_locked(struct cap_table *table, uint32_t index)
{
	assert_held(&table->lock);
	return index < table->size ? &table->slots[index_nospec(index, table->size)] : NULL;
}

/* The slot that a handle names, if there is what it was made for. */
static inline struct cap_slot *slot_locked(struct cap_table *table, cap_handle_t handle)
{
	struct cap_slot *slot = any_slot_locked(table, cap_handle_slot(handle));
	uint32_t generation = (uint32_t)(handle >> 32);

	if (!slot || !slot->cap || (unlikely(generation != 0) && generation != slot->generation))
		return NULL;
	return slot;
}

/* As above, for those who want to use it. */
static inline struct cap_slot *usable_locked(struct cap_table *table, cap_handle_t handle)
{
	struct cap_slot *slot = slot_locked(table, handle);

	return slot && !cap_is_expired(slot->cap) ? slot : NULL;
}

static void fill_locked(struct cap_table *table, uint32_t index, struct capability *cap, uint32_t flags)
{
	struct cap_slot *slot = &table->slots[index];

	slot->cap = cap;
	slot->flags = flags;
	cap->table = table;
	cap->slot = index;
	bitmap_set(table->bitmap, index);
}

/* Empty the slot; the caller owns the reference it held. */
static struct capability *empty_locked(struct cap_table *table, uint32_t index)
{
	struct cap_slot *slot = &table->slots[index];
	struct capability *cap = slot->cap;

	slot->cap = NULL;
	slot->flags = 0;
	slot->generation = slot->generation == INT32_MAX ? 1 : slot->generation + 1;
	bitmap_clear(table->bitmap, index);
	cap->table = NULL;
	return cap;
}

static int drop(const struct cap_table *table, struct capability *cap)
{
	const struct kobject_ops *ops = cap->object->ops;
	int err = ops->closed ? ops->closed(cap->object, table) : 0;

	cap_done(cap);
	return err;
}

/* Make room for slot `need`.  Called without the lock. */
static int grow(struct cap_table *table, uint32_t need)
{
	uint32_t size = FIRST_SIZE;
	struct cap_slot *slots;
	uint64_t *bitmap;
	void *old_slots, *old_bitmap;

	if (need >= CAP_TABLE_MAX)
		return -EMFILE;
	while (size <= need)
		size *= 2;
	slots = kcalloc(size, sizeof(*slots));
	bitmap = kcalloc(BITMAP_WORDS(size), sizeof(*bitmap));
	if (!slots || !bitmap) {
		kfree(slots);
		kfree(bitmap);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < size; i++)
		slots[i].generation = 1;
	spin_lock(&table->lock);
	old_slots = slots;
	old_bitmap = bitmap;
	if (table->size < size) {
		old_slots = table->slots;
		old_bitmap = table->bitmap;
		if (table->size) {
			memcpy(slots, table->slots, table->size * sizeof(*slots));
			memcpy(bitmap, table->bitmap, BITMAP_WORDS(table->size) * sizeof(*bitmap));
		}
		table->slots = slots;
		table->bitmap = bitmap;
		table->size = size;
	}
	spin_unlock(&table->lock);
	kfree(old_slots);
	kfree(old_bitmap);
	return 0;
}

int cap_table_create(struct cap_table **out)
{
	struct cap_table *table = kzalloc(sizeof(*table));
	int err;

	if (!table)
		return -ENOMEM;
	refcount_set(&table->users, 1);
	refcount_set(&table->refs, 1);
	spin_init(&table->lock, "cap_table", RANK_CAP_TABLE);
	table->limit = DEFAULT_LIMIT;
	err = grow(table, 0);
	if (err < 0) {
		kfree(table);
		return err;
	}
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
	kfree(table->slots);
	kfree(table->bitmap);
	kfree(table);
}

bool cap_table_is_shared(const struct cap_table *table)
{
	return refcount_read(&table->users) > 1;
}

uint32_t cap_table_size(const struct cap_table *table)
{
	return READ_ONCE(table->size);
}

/* Take the first capability at or above *slot out of the table.  NULL: there is none. */
static struct capability *take_next(struct cap_table *table, size_t *slot)
{
	struct capability *cap = NULL;

	spin_lock(&table->lock);
	*slot = bitmap_next_set(table->bitmap, table->size, *slot);
	if (*slot < table->size)
		cap = empty_locked(table, (uint32_t)*slot);
	spin_unlock(&table->lock);
	return cap;
}

void cap_table_put(struct cap_table *table)
{
	struct capability *cap;
	size_t slot = 0;

	if (!refcount_put(&table->users))
		return;
	/* Nobody puts anything in any more, but others may still look. */
	while ((cap = take_next(table, &slot)) != NULL)
		drop(table, cap);
	cap_table_unpin(table);
}

void cap_table_set_limit(struct cap_table *table, uint32_t limit)
{
	spin_lock(&table->lock);
	table->limit = MIN(limit, CAP_TABLE_MAX);
	spin_unlock(&table->lock);
}

/* Copy every live capability of `from` into the empty table `to`; -EAGAIN when it is too small. */
static int copy_all(struct cap_table *from, struct cap_table *to, uint32_t *need)
{
	int err = 0;

	spin_lock(&from->lock);
	if (from->size > to->size) {
		*need = from->size - 1;
		spin_unlock(&from->lock);
		return -EAGAIN;
	}
	to->limit = from->limit;
	for (size_t i = 0;; i++) {
		struct cap_slot *slot;
		struct capability *copy;

		i = bitmap_next_set(from->bitmap, from->size, i);
		if (i == from->size)
			break;
		slot = &from->slots[i];
		if (cap_is_expired(slot->cap))
			continue;
		copy = cap_copy(slot->cap, UINT32_MAX);
		if (!copy) {
			err = -ENOMEM;
			break;
		}
		fill_locked(to, (uint32_t)i, copy, slot->flags);
	}
	spin_unlock(&from->lock);
	return err;
}

int cap_table_fork(struct cap_table *table, struct cap_table **out)
{
	struct cap_table *copy;
	uint32_t need = 0;
	int err = cap_table_create(&copy);

	if (err < 0)
		return err;
	while ((err = copy_all(table, copy, &need)) == -EAGAIN) {
		err = grow(copy, need);
		if (err < 0)
			break;
	}
	if (err < 0) {
		cap_table_put(copy);
		return err;
	}
	*out = copy;
	return 0;
}

void cap_table_exec(struct cap_table *table)
{
	for (uint32_t slot = 0;; slot++) {
		struct capability *cap = NULL;

		spin_lock(&table->lock);
		while (slot < table->size && !(table->slots[slot].flags & CAP_CLOEXEC))
			slot++;
		if (slot < table->size)
			cap = empty_locked(table, slot);
		spin_unlock(&table->lock);
		if (!cap)
			return;
		drop(table, cap);
	}
}

int cap_place(struct cap_table *table, struct capability *cap, uint32_t min, uint32_t flags)
{
	for (;;) {
		uint32_t slot, limit;
		int err;

		spin_lock(&table->lock);
		limit = table->limit;
		slot = (uint32_t)bitmap_next_clear(table->bitmap, table->size, min);
		slot = MAX(slot, min);
		if (slot < limit && slot < table->size) {
			fill_locked(table, slot, cap, flags);
			spin_unlock(&table->lock);
			return (int)slot;
		}
		spin_unlock(&table->lock);
		if (slot >= limit)
			return -EMFILE;
		err = grow(table, slot);
		if (err < 0)
			return err;
	}
}

int cap_install(struct cap_table *table, struct kobject *object, uint32_t rights, uint32_t flags,
		uint32_t min)
{
	struct capability *cap = cap_alloc(object, rights);
	int slot;

	if (!cap)
		return -ENOMEM;
	slot = cap_place(table, cap, min, flags);
	if (slot < 0) {
		kobject_get(object); /* stays the caller's */
		cap_done(cap);
	}
	return slot;
}

/* --- use ---------------------------------------------------------------------------------------------- */

static inline struct capability *begin_locked(struct capability *cap)
{
	atomic_fetch_add_explicit(&cap->refs, 1, memory_order_relaxed);
	return cap;
}

int cap_use(struct cap_table *table, cap_handle_t handle, enum object_type type, uint32_t rights,
	    struct capability **out)
{
	struct cap_slot *slot;
	int err = -EBADF;

	spin_lock(&table->lock);
	slot = usable_locked(table, handle);
	if (slot && (type == OBJECT_NONE || slot->cap->type == type)) {
		uint32_t missing = rights & ~atomic_load_explicit(&slot->cap->rights, memory_order_relaxed);

		if (likely(!missing)) {
			*out = begin_locked(slot->cap);
			err = 0;
		} else if (!(missing & (CAP_READ | CAP_WRITE))) {
			err = -EPERM;
		}
	}
	spin_unlock(&table->lock);
	return err;
}

void cap_use_many(struct cap_table *table, const int32_t *slots, size_t stride, size_t count,
		  struct capability **out)
{
	spin_lock(&table->lock);
	for (size_t i = 0; i < count; i++) {
		struct cap_slot *slot = usable_locked(table, *slots);

		out[i] = slot ? begin_locked(slot->cap) : NULL;
		slots = (const int32_t *)((const char *)slots + stride);
	}
	spin_unlock(&table->lock);
}

/* --- descriptors ---------------------------------------------------------------------------------------- */

/* A copy of what is in `slot`, in no place yet. */
static int copy_slot(struct cap_table *table, int slot, struct capability **out)
{
	struct capability *from;
	int err = cap_use(table, slot, OBJECT_NONE, 0, &from);

	if (err < 0)
		return err;
	*out = cap_copy(from, UINT32_MAX);
	cap_done(from);
	return *out ? 0 : -ENOMEM;
}

int cap_dup(struct cap_table *table, int slot, uint32_t min, uint32_t flags)
{
	struct capability *copy;
	int err = copy_slot(table, slot, &copy);

	if (err < 0)
		return err;
	err = cap_place(table, copy, min, flags);
	if (err < 0)
		cap_done(copy);
	return err;
}

/* Put it into slot `to`, whatever is there: that is *old then. */
static int replace(struct cap_table *table, uint32_t to, struct capability *cap, uint32_t flags,
		   struct capability **old)
{
	for (;;) {
		struct cap_slot *slot;
		bool allowed;
		int err;

		spin_lock(&table->lock);
		allowed = to < table->limit;
		slot = any_slot_locked(table, to);
		if (allowed && slot) {
			if (slot->cap)
				*old = empty_locked(table, (uint32_t)(slot - table->slots));
			fill_locked(table, (uint32_t)(slot - table->slots), cap, flags);
		}
		spin_unlock(&table->lock);
		if (!allowed)
			return -EBADF;
		if (slot)
			return 0;
		err = grow(table, to);
		if (err < 0)
			return err;
	}
}

int cap_dup_to(struct cap_table *table, int slot, int to, uint32_t flags)
{
	struct capability *copy, *old = NULL;
	int err;

	if (to < 0)
		return -EBADF;
	err = copy_slot(table, slot, &copy);
	if (err < 0)
		return err;
	err = replace(table, (uint32_t)to, copy, flags, &old);
	if (err < 0) {
		cap_done(copy);
		return err;
	}
	if (old)
		drop(table, old);
	return to;
}

int cap_close(struct cap_table *table, cap_handle_t handle)
{
	struct capability *cap = NULL;
	struct cap_slot *slot;

	spin_lock(&table->lock);
	slot = slot_locked(table, handle);
	if (slot)
		cap = empty_locked(table, (uint32_t)(slot - table->slots));
	spin_unlock(&table->lock);
	return cap ? drop(table, cap) : -EBADF;
}

int cap_get_flags(struct cap_table *table, int slot, uint32_t *flags)
{
	struct cap_slot *found;

	spin_lock(&table->lock);
	found = usable_locked(table, slot);
	if (found)
		*flags = found->flags;
	spin_unlock(&table->lock);
	return found ? 0 : -EBADF;
}

int cap_set_flags(struct cap_table *table, int slot, uint32_t flags)
{
	struct cap_slot *found;

	spin_lock(&table->lock);
	found = usable_locked(table, slot);
	if (found)
		found->flags = flags;
	spin_unlock(&table->lock);
	return found ? 0 : -EBADF;
}

int cap_next(struct cap_table *table, int start, struct capability **out)
{
	size_t slot = (size_t)MAX(start, 0);
	int found = -ENOENT;

	spin_lock(&table->lock);
	while ((slot = bitmap_next_set(table->bitmap, table->size, slot)) < table->size) {
		struct cap_slot *s = usable_locked(table, (cap_handle_t)slot++);

		if (!s)
			continue;
		if (out)
			*out = begin_locked(s->cap);
		found = (int)slot - 1;
		break;
	}
	spin_unlock(&table->lock);
	return found;
}

cap_handle_t cap_handle_of(struct cap_table *table, int slot)
{
	cap_handle_t handle = -EBADF;
	struct cap_slot *found;

	spin_lock(&table->lock);
	found = usable_locked(table, slot);
	if (found)
		handle = (cap_handle_t)((uint64_t)found->generation << 32 | (uint32_t)slot);
	spin_unlock(&table->lock);
	return handle;
}
