/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reclaim of clean cached pages: those of objects that can fill them again (vm_object_make_cache).
 *
 * Second chance, as a clock: a hand goes round the pages of each object, and the objects take turns.  A page
 * that was asked for since the hand came by last (PAGE_FLAG_REFERENCED) loses the mark and stays, one
 * without it goes.  The processor's accessed bits are not used: a page that keeps its mark off while it is
 * mapped would need every page table looked at.  Instead the hand takes a mapped page out of all page tables
 * when it takes the mark away; a program that still uses it faults, cheaply, which sets the mark again.
 *
 * A page stays that is dirty (PAGE_FLAG_DIRTY: the object is the only one to have its contents), that is
 * mapped by a locked area, or that anybody holds a reference to.  Pages of ramfs and tmpfs are not in this
 * cache at all: there is nowhere to get them from again.
 */
#include <kernel/pmm.h>
#include <kernel/reclaim.h>
#include <kernel/vm.h>

#include "page_tree.h"
#include "vm_priv.h"

static struct spinlock objects_lock = SPINLOCK_INIT("page cache", RANK_PAGE_CACHE);
static struct list objects = LIST_INIT(objects); /* [objects_lock] vm_object.in_cache */
static _Atomic uint64_t evicted;

uint64_t vm_cache_evicted(void)
{
	return atomic_load_explicit(&evicted, memory_order_relaxed);
}

void vm_object_make_cache(struct vm_object *obj)
{
	obj->cache = true;
	spin_lock(&objects_lock);
	list_add_tail(&objects, &obj->in_cache);
	spin_unlock(&objects_lock);
}

void vm_cache_forget(struct vm_object *obj)
{
	spin_lock(&objects_lock);
	list_del(&obj->in_cache);
	spin_unlock(&objects_lock);
}

static size_t cached_pages(void)
{
	const struct vm_object *obj;
	size_t n = 0;

	spin_lock(&objects_lock);
	list_for_each (obj, &objects, in_cache)
		n += READ_ONCE(obj->pages.count);
	spin_unlock(&objects_lock);
	return n;
}

static uint16_t take_mark(struct page *page)
{
	return __atomic_fetch_and(&page->flags, (uint16_t)~PAGE_FLAG_REFERENCED, __ATOMIC_ACQ_REL);
}

/* The hand comes to a page.  The object's lock is held, so nobody finds the page meanwhile; who has found it
 * before holds a reference.  True: it is gone. */
static bool evict_or_spare(struct vm_object *obj, uint64_t index, struct page *page)
{
	uint16_t flags = take_mark(page);

	if (flags & PAGE_FLAG_DIRTY)
		return false;
	if (refcount_read(&page->refs) > 1 && !vm_rmap_try_unmap_page(obj, index))
		return false;
	/* Nobody can write to it any more, so the second look at the mark is the last word. */
	if ((flags & PAGE_FLAG_REFERENCED) || refcount_read(&page->refs) > 1 ||
	    (READ_ONCE(page->flags) & PAGE_FLAG_DIRTY))
		return false;
	vm_object_evict_locked(obj, index);
	return true;
}

static size_t scan_object(struct vm_object *obj, size_t *look)
{
	struct page *page;
	size_t freed = 0;

	while (*look > 0) {
		page = page_tree_next(&obj->pages, &obj->hand);
		if (!page) {
			obj->hand = 0;
			break;
		}
		--*look;
		freed += evict_or_spare(obj, obj->hand, page);
		obj->hand++;
	}
	return freed;
}

/* The object whose turn it is, with a reference; it goes to the end of the queue. */
static struct vm_object *next_object(void)
{
	struct vm_object *found = NULL, *obj;

	spin_lock(&objects_lock);
	list_for_each (obj, &objects, in_cache) {
		if (!refcount_get_unless_zero(&obj->refs))
			continue; /* about to be forgotten */
		found = obj;
		list_del(&obj->in_cache);
		list_add_tail(&objects, &obj->in_cache);
		break;
	}
	spin_unlock(&objects_lock);
	return found;
}

static size_t count_objects(void)
{
	const struct vm_object *obj;
	size_t n = 0;

	spin_lock(&objects_lock);
	list_for_each (obj, &objects, in_cache)
		n++;
	spin_unlock(&objects_lock);
	return n;
}

/* Looks at each page twice at most: once to take its mark, once to take the page.  Mutexes are only tried. */
static size_t scan(size_t pages)
{
	size_t look = 2 * cached_pages(), freed = 0;

	for (size_t turns = 3 * count_objects(); turns-- > 0 && freed < pages && look > 0;) {
		struct vm_object *obj = next_object();

		if (!obj)
			break;
		if (mutex_trylock(&obj->lock)) {
			size_t part = MIN(look, MAX(2 * (pages - freed), 1ul)), left = part;

			freed += scan_object(obj, &left);
			look -= part - left;
			mutex_unlock(&obj->lock);
		}
		vm_object_put(obj);
	}
	atomic_fetch_add_explicit(&evicted, freed, memory_order_relaxed);
	return freed;
}

static struct shrinker shrinker = { .name = "page cache", .count = cached_pages, .scan = scan };

void vm_cache_init(void)
{
	shrinker_register(&shrinker);
}
