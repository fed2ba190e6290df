/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capability tables.
 *
 * Invariants: bit n of the bitmap is set exactly when slots[n].object is not NULL; `used` counts them; a
 * slot's generation changes whenever it is emptied, so that a handle kept from before is recognisable.
 * Rights only shrink: derive_locked() is the one place that makes a capability from another.
 *
 * Growth allocates outside the lock and tries again: the table never blocks others while memory is
 * sought.
 */
#include <kernel/cap.h>

#include <arch/cpu.h>
#include <kernel/bitmap.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define FIRST_SIZE    16u /* slots */
#define MAX_SIZE      (1u << 20)
#define DEFAULT_LIMIT 1024u

static struct cap_id new_id(void)
{
	struct cap_id id;

	random_bytes(&id, sizeof(id));
	return id;
}

/* Most capabilities end before anybody asks for their id, so it is drawn when somebody does. */
static void name_locked(struct capability *cap)
{
	if (!(cap->id.lo | cap->id.hi))
		cap->id = new_id();
}

static struct capability derive_locked(struct capability *from, uint32_t rights, uint32_t flags)
{
	name_locked(from);
	return (struct capability){
		.rights = from->rights & rights,
		.type = from->type,
		.depth = (uint16_t)(from->depth + 1),
		.object = from->object,
		.parent = from->id,
		.expires = from->expires,
		.flags = flags,
	};
}

static bool expired(const struct capability *cap)
{
	return unlikely(cap->expires != 0) && arch_cycles() >= cap->expires;
}

/* The slot that a program named, also when it is empty; NULL beyond the table. */
static struct capability *any_slot_locked(struct cap_table *table, int slot)
{
	uint32_t index = (uint32_t)slot; /* negative ones are too large */

	assert_held(&table->lock);
	return index < table->size ? &table->slots[index_nospec(index, table->size)] : NULL;
}

static inline struct capability *slot_locked(struct cap_table *table, int slot)
{
	struct capability *cap = any_slot_locked(table, slot);

	return cap && cap->object && !expired(cap) ? cap : NULL;
}

static void fill_locked(struct cap_table *table, uint32_t slot, const struct capability *cap)
{
	uint32_t generation = table->slots[slot].generation;

	table->slots[slot] = *cap;
	table->slots[slot].generation = generation;
	bitmap_set(table->bitmap, slot);
	table->used++;
}

/* Empty the slot; the caller owns the reference it held. */
static struct kobject *empty_locked(struct cap_table *table, uint32_t slot)
{
	struct capability *cap = &table->slots[slot];
	struct kobject *object = cap->object;
	uint32_t generation = cap->generation + 1;

	*cap = (struct capability){ .generation = generation };
	bitmap_clear(table->bitmap, slot);
	table->used--;
	return object;
}

static int drop(const struct cap_table *table, struct kobject *object)
{
	int err = object->ops->closed ? object->ops->closed(object, table) : 0;

	kobject_put(object);
	return err;
}

/* Make room for slot `need`.  Called without the lock. */
static int grow(struct cap_table *table, uint32_t need)
{
	uint32_t size = FIRST_SIZE;
	struct capability *slots;
	uint64_t *bitmap;
	void *old_slots, *old_bitmap;

	if (need >= MAX_SIZE)
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

/* Take the first capability at or above *slot out of the table.  NULL: there is none. */
static struct kobject *take_next(struct cap_table *table, size_t *slot)
{
	struct kobject *object = NULL;

	spin_lock(&table->lock);
	*slot = bitmap_next_set(table->bitmap, table->size, *slot);
	if (*slot < table->size)
		object = empty_locked(table, (uint32_t)*slot);
	spin_unlock(&table->lock);
	return object;
}

void cap_table_put(struct cap_table *table)
{
	struct kobject *object;
	size_t slot = 0;

	if (!refcount_put(&table->users))
		return;
	/* Nobody puts anything in any more, but others may still look. */
	while ((object = take_next(table, &slot)) != NULL)
		drop(table, object);
	cap_table_unpin(table);
}

void cap_table_set_limit(struct cap_table *table, uint32_t limit)
{
	spin_lock(&table->lock);
	table->limit = MIN(limit, MAX_SIZE);
	spin_unlock(&table->lock);
}

/* Derive every live capability of `from` into the empty table `to`; -EAGAIN when it is too small. */
static int copy_all(struct cap_table *from, struct cap_table *to, uint32_t *need)
{
	spin_lock(&from->lock);
	if (from->size > to->size) {
		*need = from->size - 1;
		spin_unlock(&from->lock);
		return -EAGAIN;
	}
	to->limit = from->limit;
	for (size_t slot = 0;; slot++) {
		struct capability *cap, child;

		slot = bitmap_next_set(from->bitmap, from->size, slot);
		if (slot == from->size)
			break;
		cap = &from->slots[slot];
		if (expired(cap))
			continue;
		child = derive_locked(cap, cap->rights, cap->flags);
		kobject_get(child.object);
		fill_locked(to, (uint32_t)slot, &child);
	}
	spin_unlock(&from->lock);
	return 0;
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
		struct kobject *object = NULL;

		spin_lock(&table->lock);
		while (slot < table->size && !(table->slots[slot].flags & CAP_CLOEXEC))
			slot++;
		if (slot < table->size)
			object = empty_locked(table, slot);
		spin_unlock(&table->lock);
		if (!object)
			return;
		drop(table, object);
	}
}

/* Put `cap` into the lowest free slot >= min.  Its reference is taken over on success. */
static int place(struct cap_table *table, const struct capability *cap, uint32_t min)
{
	for (;;) {
		uint32_t slot, limit;
		int err;

		spin_lock(&table->lock);
		limit = table->limit;
		slot = (uint32_t)bitmap_next_clear(table->bitmap, table->size, min);
		slot = MAX(slot, min);
		if (slot < limit && slot < table->size) {
			fill_locked(table, slot, cap);
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
	struct capability cap = {
		.rights = rights,
		.type = (uint16_t)object->type,
		.object = object,
		.flags = flags,
	};

	return place(table, &cap, min);
}

static __always_inline int look_up(struct cap_table *table, int slot, enum object_type type, uint32_t rights,
				   struct kobject **out, uint32_t *granted)
{
	struct capability *cap;
	int err = -EBADF;

	spin_lock(&table->lock);
	cap = slot_locked(table, slot);
	if (cap && (type == OBJECT_NONE || cap->type == type)) {
		uint32_t missing = rights & ~cap->rights;

		if (likely(!missing)) {
			kobject_get(cap->object);
			*out = cap->object;
			if (granted)
				*granted = cap->rights;
			err = 0;
		} else if (!(missing & (CAP_READ | CAP_WRITE))) {
			err = -EPERM;
		}
	}
	spin_unlock(&table->lock);
	return err;
}

int cap_lookup(struct cap_table *table, int slot, enum object_type type, uint32_t rights,
	       struct kobject **out)
{
	return look_up(table, slot, type, rights, out, NULL);
}

int cap_lookup_rights(struct cap_table *table, int slot, enum object_type type, uint32_t rights,
		      struct kobject **out, uint32_t *granted)
{
	return look_up(table, slot, type, rights, out, granted);
}

void cap_lookup_many(struct cap_table *table, const int32_t *slots, size_t stride, size_t count,
		     struct kobject **out)
{
	spin_lock(&table->lock);
	for (size_t i = 0; i < count; i++) {
		struct capability *cap = slot_locked(table, *slots);

		out[i] = cap ? cap->object : NULL;
		if (cap)
			kobject_get(cap->object);
		slots = (const int32_t *)((const char *)slots + stride);
	}
	spin_unlock(&table->lock);
}

/* Derive a child of `slot`, with a reference of its own. */
static int derive_slot(struct cap_table *table, int slot, uint32_t rights, uint32_t flags,
		       struct capability *child)
{
	struct capability *cap;
	int err = -EBADF;

	spin_lock(&table->lock);
	cap = slot_locked(table, slot);
	if (cap) {
		*child = derive_locked(cap, rights, flags);
		kobject_get(child->object);
		err = 0;
	}
	spin_unlock(&table->lock);
	return err;
}

static int derive_and_place(struct cap_table *table, int slot, uint32_t rights, uint32_t min, uint32_t flags)
{
	struct capability child;
	int err = derive_slot(table, slot, rights, flags, &child);

	if (err < 0)
		return err;
	err = place(table, &child, min);
	if (err < 0)
		kobject_put(child.object);
	return err;
}

int cap_dup(struct cap_table *table, int slot, uint32_t min, uint32_t flags)
{
	return derive_and_place(table, slot, UINT32_MAX, min, flags);
}

int cap_derive(struct cap_table *table, int slot, uint32_t rights, uint32_t flags)
{
	return derive_and_place(table, slot, rights, 0, flags);
}

int cap_dup_to(struct cap_table *table, int slot, int to, uint32_t flags)
{
	struct capability child;
	struct kobject *old = NULL;
	int err;

	if (to < 0)
		return -EBADF;
	err = derive_slot(table, slot, UINT32_MAX, flags, &child);
	if (err < 0)
		return err;
	for (;;) {
		bool fits, allowed;

		spin_lock(&table->lock);
		allowed = (uint32_t)to < table->limit;
		fits = (uint32_t)to < table->size;
		if (allowed && fits) {
			uint32_t slot_to = (uint32_t)index_nospec((uint32_t)to, table->size);

			if (table->slots[slot_to].object)
				old = empty_locked(table, slot_to);
			fill_locked(table, slot_to, &child);
		}
		spin_unlock(&table->lock);
		err = !allowed ? -EBADF : fits ? 0 : grow(table, (uint32_t)to);
		if (allowed && fits)
			break;
		if (err < 0) {
			kobject_put(child.object);
			return err;
		}
	}
	if (old)
		drop(table, old);
	return to;
}

int cap_close(struct cap_table *table, int slot)
{
	struct kobject *object = NULL;
	struct capability *cap;

	spin_lock(&table->lock);
	cap = any_slot_locked(table, slot);
	if (cap && cap->object)
		object = empty_locked(table, (uint32_t)(cap - table->slots));
	spin_unlock(&table->lock);
	return object ? drop(table, object) : -EBADF;
}

int cap_get_flags(struct cap_table *table, int slot, uint32_t *flags)
{
	struct capability *cap;

	spin_lock(&table->lock);
	cap = slot_locked(table, slot);
	if (cap)
		*flags = cap->flags;
	spin_unlock(&table->lock);
	return cap ? 0 : -EBADF;
}

int cap_set_flags(struct cap_table *table, int slot, uint32_t flags)
{
	struct capability *cap;

	spin_lock(&table->lock);
	cap = slot_locked(table, slot);
	if (cap)
		cap->flags = flags;
	spin_unlock(&table->lock);
	return cap ? 0 : -EBADF;
}

int cap_next(struct cap_table *table, int start, struct capability *out)
{
	size_t slot = (size_t)MAX(start, 0);
	int found = -ENOENT;

	spin_lock(&table->lock);
	while ((slot = bitmap_next_set(table->bitmap, table->size, slot)) < table->size) {
		struct capability *cap = slot_locked(table, (int)slot++);

		if (!cap)
			continue;
		if (out) {
			name_locked(cap);
			*out = *cap;
			kobject_get(cap->object);
		}
		found = (int)slot - 1;
		break;
	}
	spin_unlock(&table->lock);
	return found;
}
