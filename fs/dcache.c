/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory-entry cache: (directory, name) -> vnode, or the knowledge that there is none.
 *
 * Everything here is under one spinlock, held for a few instructions at a time.  A hashed entry needs no
 * reference to stay; the list `lru` knows all of them.  When there are more than DENTRY_LIMIT, each new
 * one makes the pruner look at a few of the oldest: unused ones go, recently used ones get another turn.
 * Only leaves can go, because an entry holds a reference on its parent.  When memory is short the pruner runs
 * as well.
 */
#include "vfs_priv.h"

#include <kernel/notify.h>
#include <kernel/reclaim.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define HASH_SIZE    4096 /* power of two */
#define DENTRY_LIMIT 8192
#define PRUNE_LOOK   8   /* entries looked at for each one added above the limit */
#define SHRINK_LOOK  64  /* and with the lock held once when memory is short */
#define CLIMB_MAX    256 /* levels, in one hold of the lock */

struct spinlock dcache_lock = SPINLOCK_INIT("dcache", RANK_DCACHE);
static struct dentry *buckets[HASH_SIZE]; /* [dcache_lock] */
static struct list lru = LIST_INIT(lru);  /* [dcache_lock] */
static uint64_t hashed_count;             /* [dcache_lock] */
static struct slab_cache *dentry_cache;
/* How many have taken entries off the cache and not let go of their vnodes yet. */
static _Atomic uint32_t disposing;

static uint32_t hash_name(const struct dentry *parent, const char *name, size_t len)
{
	uint32_t hash = dentry_hash_start(parent);

	for (size_t i = 0; i < len; i++)
		hash = dentry_hash_step(hash, name[i]);
	return dentry_hash_end(hash);
}

/* Names are short: a call of memcmp would cost more than the comparison. */
static inline bool same_name(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

struct dentry *dentry_find_locked(struct dentry *parent, const char *name, size_t len, uint32_t hash)
{
	for (struct dentry *d = buckets[hash % HASH_SIZE]; d; d = d->hash_next)
		if (d->hash == hash && d->parent == parent && d->len == len && same_name(d->name, name, len))
			return d;
	return NULL;
}

/* --- references ---------------------------------------------------------------------------------------- */

static void dentry_free(struct dentry *d)
{
	if (d->name != d->short_name)
		kfree(d->name);
	slab_free(dentry_cache, d);
}

void dentry_get(struct dentry *d)
{
	atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
}

/* Drop one reference; true when the entry is nobody's any more and must be destroyed. */
static bool drop_ref(struct dentry *d)
{
	uint32_t refs = atomic_load_explicit(&d->refs, memory_order_relaxed);
	bool dead;

	while (refs > 1)
		if (atomic_compare_exchange_weak_explicit(&d->refs, &refs, refs - 1, memory_order_release,
							  memory_order_relaxed))
			return false;
	/* The last one goes under the lock, so that the pruner cannot free the entry under our feet. */
	spin_lock(&dcache_lock);
	dead = atomic_fetch_sub(&d->refs, 1) == 1 && !d->hashed;
	if (dead && unlikely(d->remembered))
		dentry_forget_locked(d);
	spin_unlock(&dcache_lock);
	return dead;
}

void dentry_put(struct dentry *d)
{
	/* A loop, because the parent may be next; a deep path must not become deep recursion. */
	while (d && drop_ref(d)) {
		struct dentry *parent = d->parent == d ? NULL : d->parent;

		vnode_put(d->vnode);
		dentry_free(d);
		d = parent;
	}
}

/* --- the hash --------------------------------------------------------------------------------------------
 */

static void insert_locked(struct dentry *d, uint32_t hash)
{
	struct dentry **bucket = &buckets[hash % HASH_SIZE];

	d->hash = hash;
	d->hash_next = *bucket;
	*bucket = d;
	list_add_tail(&lru, &d->lru);
	d->hashed = true;
	hashed_count++;
}

static void unhash_locked(struct dentry *d)
{
	struct dentry **link = &buckets[d->hash % HASH_SIZE];

	if (!d->hashed)
		return;
	while (*link != d)
		link = &(*link)->hash_next;
	*link = d->hash_next;
	list_del(&d->lru);
	d->hashed = false;
	hashed_count--;
}

/* Take unused entries off the cache, at most `look` from its old end; chained through hash_next. */
static struct dentry *prune_locked(unsigned look)
{
	struct dentry *victims = NULL;

	while (look-- > 0 && !list_empty(&lru)) {
		struct dentry *d = list_first(&lru, struct dentry, lru);

		if (atomic_load(&d->refs) > 0 || d->recent || d->remembered) {
			d->recent = false;
			list_del(&d->lru);
			list_add_tail(&lru, &d->lru);
			continue;
		}
		unhash_locked(d);
		d->hash_next = victims;
		victims = d;
	}
	return victims;
}

static void destroy_chain(struct dentry *victims)
{
	while (victims) {
		struct dentry *next = victims->hash_next;
		struct dentry *parent = victims->parent;

		vnode_put(victims->vnode);
		dentry_free(victims);
		dentry_put(parent);
		victims = next;
	}
}

/* --- when memory is short ---------------------------------------------------------------------------------
 */

#define DENTRIES_PER_PAGE (PAGE_SIZE / sizeof(struct dentry))

static size_t cached_pages(void)
{
	return READ_ONCE(hashed_count) / DENTRIES_PER_PAGE;
}

static void prune_some(void)
{
	struct dentry *victims;

	spin_lock(&dcache_lock);
	victims = prune_locked(SHRINK_LOOK);
	atomic_fetch_add(&disposing, 1);
	spin_unlock(&dcache_lock);
	destroy_chain(victims);
	atomic_fetch_sub(&disposing, 1);
}

/* Each entry is looked at twice at most: once to take its mark, once to take it.  The frames come free when
 * the slabs give back what is empty, and count there. */
static size_t scan(size_t pages)
{
	size_t all = READ_ONCE(hashed_count), want = MIN(pages, all) * DENTRIES_PER_PAGE;

	for (size_t looked = 0; looked < 2 * MIN(want, all); looked += SHRINK_LOOK)
		prune_some();
	return 0;
}

/* Letting go of a vnode may take mutexes. */
static struct shrinker shrinker = {
	.name = "dentries",
	.count = cached_pages,
	.scan = scan,
	.takes_mutexes = true,
};

void dcache_init(void)
{
	dentry_cache = slab_create("dentry", sizeof(struct dentry), 0);
	slab_set_reclaimable(dentry_cache);
	shrinker_register(&shrinker);
}

/* --- making and finding -----------------------------------------------------------------------------------
 */

struct dentry *dentry_create(struct superblock *sb, struct dentry *parent, const char *name, size_t len,
			     struct vnode *vnode)
{
	struct dentry *d = slab_alloc(dentry_cache);

	if (!d)
		return NULL;
	d->name = d->short_name;
	if (len >= sizeof(d->short_name)) {
		d->name = kmalloc(len + 1);
		if (!d->name) {
			slab_free(dentry_cache, d);
			return NULL;
		}
	}
	memcpy(d->name, name, len);
	d->name[len] = '\0';
	d->len = (uint16_t)len;
	d->sb = sb;
	d->vnode = vnode;
	d->parent = parent ? parent : d;
	if (parent)
		dentry_get(parent);
	atomic_init(&d->refs, 1);
	list_init(&d->lru);
	d->hash_next = NULL;
	d->hash = 0;
	d->mounted = d->rules = 0;
	d->hashed = d->recent = d->removed = d->remembered = false;
	return d;
}

/* Put a fresh entry into the cache.  Its directory's lock is held since the name was looked for in vain:
 * nobody else adds it. */
static void publish(struct dentry *d, uint32_t hash)
{
	struct dentry *victims = NULL;
	bool pruned;

	spin_lock(&dcache_lock);
	DEBUG_ASSERT(!dentry_find_locked(d->parent, d->name, d->len, hash));
	insert_locked(d, hash);
	pruned = hashed_count > DENTRY_LIMIT;
	if (unlikely(pruned)) {
		victims = prune_locked(PRUNE_LOOK);
		atomic_fetch_add(&disposing, 1);
	}
	spin_unlock(&dcache_lock);
	if (likely(!pruned))
		return;
	destroy_chain(victims);
	atomic_fetch_sub(&disposing, 1);
}

static struct dentry *find(struct dentry *parent, const char *name, size_t len, uint32_t hash)
{
	struct dentry *d;

	spin_lock(&dcache_lock);
	d = dentry_find_locked(parent, name, len, hash);
	if (d) {
		dentry_get(d);
		d->recent = true;
	}
	spin_unlock(&dcache_lock);
	return d;
}

struct dentry *dentry_find(struct dentry *parent, const char *name, size_t len)
{
	return find(parent, name, len, hash_name(parent, name, len));
}

/* Caller holds the directory's lock, so nobody creates or removes the name meanwhile. */
static int ask_fs(struct dentry *parent, const char *name, size_t len, uint32_t hash, struct dentry **out)
{
	struct vnode *dir = parent->vnode, *vnode = NULL;
	struct dentry *d;
	int err;

	err = dir->ops->lookup ? dir->ops->lookup(dir, name, len, &vnode) : -ENOTDIR;
	/* Where names come and go by themselves there is nothing to remember, and nobody creates any. */
	if (err < 0 && (err != -ENOENT || parent->sb->volatile_names))
		return err;
	d = dentry_create(parent->sb, parent, name, len, err == 0 ? vnode : NULL);
	if (!d) {
		if (err == 0)
			vnode_put(vnode);
		return -ENOMEM;
	}
	/* Nothing will be created in a directory that is gone: no use in remembering. */
	if (!parent->sb->volatile_names && !parent->removed)
		publish(d, hash);
	*out = d;
	return 0;
}

int dentry_lookup(struct dentry *parent, const char *name, size_t len, bool locked, struct dentry **out)
{
	struct vnode *dir = parent->vnode;
	uint32_t hash = hash_name(parent, name, len);
	struct dentry *d = find(parent, name, len, hash);
	int err = 0;

	if (!d && !locked) {
		mutex_lock(&dir->lock);
		d = find(parent, name, len, hash);
		if (!d)
			err = ask_fs(parent, name, len, hash, &d);
		mutex_unlock(&dir->lock);
	} else if (!d) {
		err = ask_fs(parent, name, len, hash, &d);
	}
	if (err == 0)
		*out = d;
	return err;
}

void dentry_instantiate(struct dentry *d, struct vnode *vnode)
{
	spin_lock(&dcache_lock);
	d->vnode = vnode;
	spin_unlock(&dcache_lock);
	notify_name(d, IN_CREATE);
}

void dentry_remove(struct dentry *d)
{
	spin_lock(&dcache_lock);
	unhash_locked(d);
	d->removed = true;
	spin_unlock(&dcache_lock);
}

/* Under the name that it has by now. */
static void rehash_locked(struct dentry *d)
{
	insert_locked(d, hash_name(d->parent, d->name, d->len));
}

static void swap_names(struct dentry *a, struct dentry *b)
{
	char text[sizeof(a->short_name)], *long_a = a->name, *long_b = b->name;
	bool a_short = a->name == a->short_name, b_short = b->name == b->short_name;
	uint16_t len = a->len;

	memcpy(text, a->short_name, sizeof(text));
	memcpy(a->short_name, b->short_name, sizeof(text));
	memcpy(b->short_name, text, sizeof(text));
	a->name = b_short ? a->short_name : long_b;
	b->name = a_short ? b->short_name : long_a;
	a->len = b->len;
	b->len = len;
}

/* `d` takes the name of `target`, which keeps its own if that costs no memory: it is what paths of the
 * replaced file still show. */
static void take_name(struct dentry *d, struct dentry *target)
{
	if (target->name != target->short_name) {
		swap_names(d, target);
		return;
	}
	if (d->name != d->short_name)
		kfree(d->name);
	memcpy(d->short_name, target->short_name, sizeof(d->short_name));
	d->name = d->short_name;
	d->len = target->len;
}

void dentry_move(struct dentry *d, struct dentry *target, bool exchange)
{
	struct dentry *old_parent = d->parent;

	spin_lock(&dcache_lock);
	unhash_locked(d);
	unhash_locked(target);
	if (exchange) {
		swap_names(d, target);
		d->parent = target->parent;
		target->parent = old_parent;
		rehash_locked(target);
		old_parent = NULL;
	} else {
		take_name(d, target);
		d->parent = target->parent;
		dentry_get(d->parent);
		target->removed = true;
	}
	rehash_locked(d);
	spin_unlock(&dcache_lock);
	dentry_put(old_parent);
}

/* Towards the top, not beyond `ancestor` nor more than CLIMB_MAX levels: with a reference. */
static struct dentry *climb(struct dentry *d, const struct dentry *ancestor)
{
	spin_lock(&dcache_lock);
	for (unsigned n = 0; n < CLIMB_MAX && d != ancestor && d->parent != d; n++)
		d = d->parent;
	dentry_get(d);
	spin_unlock(&dcache_lock);
	return d;
}

bool dentry_is_below(struct dentry *d, const struct dentry *ancestor)
{
	struct dentry *at = climb(d, ancestor), *next;
	bool below;

	for (; at != ancestor && at->parent != at; at = next) {
		next = climb(at, ancestor);
		dentry_put(at);
	}
	below = at == ancestor;
	dentry_put(at);
	return below;
}

void dcache_drop(struct superblock *sb)
{
	bool progress = true;

	/* Dropping the leaves makes their parents unused: go on until a round finds nothing. */
	while (progress) {
		struct dentry *victims = NULL, *d, *next;

		spin_lock(&dcache_lock);
		list_for_each_safe (d, next, &lru, lru) {
			if (d->sb != sb || atomic_load(&d->refs) > 0)
				continue;
			unhash_locked(d);
			if (d->remembered)
				dentry_forget_locked(d);
			d->hash_next = victims;
			victims = d;
		}
		spin_unlock(&dcache_lock);
		progress = victims != NULL;
		destroy_chain(victims);
	}
	/* A pruner elsewhere may hold vnodes of this file system, for a moment. */
	while (atomic_load(&disposing))
		sched_yield();
}
