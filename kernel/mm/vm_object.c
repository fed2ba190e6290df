/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory objects: pages by index, filled on first use. */
#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/overcommit.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "page_tree.h"
#include "vm_priv.h"

static struct slab_cache *object_cache; /* anonymous ones */

static void anon_release(struct vm_object *obj)
{
	slab_free(object_cache, obj);
}

static const struct vm_object_ops anon_ops = { .release = anon_release };

void vm_object_setup(void)
{
	page_tree_init();
	vm_cache_init();
	object_cache = slab_create("vm_object", sizeof(struct vm_object), 0);
}

void vm_object_init(struct vm_object *obj, const struct vm_object_ops *ops, uint64_t size)
{
	refcount_set(&obj->refs, 1);
	obj->ops = ops;
	mutex_init(&obj->lock, "vm_object", RANK_VM_OBJECT);
	obj->pinned = false;
	atomic_init(&obj->writers, 0);
	obj->size = size;
	obj->pages = (struct page_tree){ 0 };
	mutex_init(&obj->areas_lock, "vm_object areas", RANK_VM_AREAS);
	list_init(&obj->areas);
	obj->generation = 0;
	obj->charged = 0;
	obj->cache = false;
	obj->hand = 0;
}

struct vm_object *vm_object_create_anon(uint64_t size)
{
	struct vm_object *obj = slab_alloc(object_cache);

	if (obj)
		vm_object_init(obj, &anon_ops, size);
	return obj;
}

void vm_object_get(struct vm_object *obj)
{
	refcount_get(&obj->refs);
}

static int take_page(struct vm_object *obj, uint64_t index, const struct mempolicy *policy, struct page **out)
{
	paddr_t pa;

	if (obj->ops->take)
		return obj->ops->take(obj, out);
	pa = vm_alloc_page(policy, index, PAGE_CACHE, PMM_ZERO);
	if (pa == PADDR_NONE)
		return -ENOMEM;
	*out = page_of(pa);
	return 0;
}

static void give_page(struct vm_object *obj, struct page *page)
{
	if (obj->ops->give)
		obj->ops->give(obj, page);
	else
		page_put(page);
}

/* Drop the pages from an index on. */
static void drop_pages_locked(struct vm_object *obj, uint64_t index)
{
	while (page_tree_next(&obj->pages, &index))
		give_page(obj, page_tree_remove(&obj->pages, index));
}

void vm_object_put(struct vm_object *obj)
{
	if (!refcount_put(&obj->refs))
		return;
	if (obj->cache)
		vm_cache_forget(obj);
	drop_pages_locked(obj, 0); /* nobody else knows it any more */
	uncommit_pages(obj->charged);
	if (obj->ops->release)
		obj->ops->release(obj);
}

/* Make the page that is absent. */
static __noinline int add_page_locked(struct vm_object *obj, uint64_t index, const struct mempolicy *policy,
				      struct page **out)
{
	int err = take_page(obj, index, policy, out);

	if (err < 0)
		return err;
	err = obj->ops->fill ? obj->ops->fill(obj, index, *out) : 0;
	if (err == 0)
		err = page_tree_insert(&obj->pages, index, *out);
	if (err < 0)
		give_page(obj, *out);
	return err;
}

/* For the hand of vm_cache.c. */
static void mark_referenced(struct page *page)
{
	if (!(READ_ONCE(page->flags) & PAGE_FLAG_REFERENCED))
		__atomic_fetch_or(&page->flags, PAGE_FLAG_REFERENCED, __ATOMIC_RELAXED);
}

void vm_object_evict_locked(struct vm_object *obj, uint64_t index)
{
	give_page(obj, page_tree_remove(&obj->pages, index));
	if (obj->ops->dropped)
		obj->ops->dropped(obj, 1);
}

/* A page of the object goes to who asked for it. */
static inline void hold_page(const struct vm_object *obj, struct page *page)
{
	if (obj->cache)
		mark_referenced(page);
	page_get(page);
}

static inline int get_page_locked(struct vm_object *obj, uint64_t index, const struct mempolicy *policy,
				  struct page **out)
{
	*out = page_tree_find(&obj->pages, index);
	if (unlikely(!*out)) {
		int err = add_page_locked(obj, index, policy, out);

		if (err < 0)
			return err;
	}
	if (unlikely(obj->ops->wanted))
		obj->ops->wanted(obj, index, *out);
	hold_page(obj, *out);
	return 0;
}

int vm_object_page(struct vm_object *obj, uint64_t index, struct page **out)
{
	int err;

	mutex_lock(&obj->lock);
	err = get_page_locked(obj, index, &vm_no_policy, out);
	mutex_unlock(&obj->lock);
	return err;
}

int vm_object_page_inside(struct vm_object *obj, uint64_t index, const struct mempolicy *policy,
			  struct page **out)
{
	int err = -ENXIO;

	mutex_lock(&obj->lock);
	if (index < (obj->size + PAGE_SIZE - 1) >> PAGE_SHIFT)
		err = get_page_locked(obj, index, policy, out);
	mutex_unlock(&obj->lock);
	return err;
}

size_t vm_object_find_run(struct vm_object *obj, uint64_t index, struct page **out, size_t max)
{
	struct page *const *slots, *page;
	size_t together, n;

	mutex_lock(&obj->lock);
	slots = page_tree_slots(&obj->pages, index, &together);
	max = MIN(max, together);
	for (n = 0; n < max && (page = slots[n]); n++) {
		page_get(page);
		out[n] = page;
	}
	for (size_t i = 0; obj->cache && i < n; i++)
		mark_referenced(out[i]);
	mutex_unlock(&obj->lock);
	return n;
}

struct page *vm_object_find(struct vm_object *obj, uint64_t index)
{
	struct page *page;

	mutex_lock(&obj->lock);
	page = page_tree_find(&obj->pages, index);
	if (page)
		hold_page(obj, page);
	mutex_unlock(&obj->lock);
	return page;
}

static int adopt_locked(struct vm_object *obj, uint64_t index, struct page *page)
{
	int err;

	ASSERT(!obj->ops->take); /* its pages would have to come from there */
	err = obj->ops->fill ? obj->ops->fill(obj, index, page) : 0;
	return err < 0 ? err : page_tree_insert(&obj->pages, index, page);
}

int vm_object_adopt(struct vm_object *obj, uint64_t index, struct page *page)
{
	int err;

	mutex_lock(&obj->lock);
	err = adopt_locked(obj, index, page);
	mutex_unlock(&obj->lock);
	return err;
}

static bool is_inside_locked(const struct vm_object *obj, uint64_t index)
{
	return index < (obj->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

int vm_object_add(struct vm_object *obj, uint64_t index, struct page *page)
{
	int err;

	mutex_lock(&obj->lock);
	if (!is_inside_locked(obj, index))
		err = -EFAULT;
	else
		err = page_tree_find(&obj->pages, index) ? -EEXIST : adopt_locked(obj, index, page);
	mutex_unlock(&obj->lock);
	return err;
}

int vm_object_find_inside(struct vm_object *obj, uint64_t index, struct page **out)
{
	struct page *page = NULL;
	bool inside;

	mutex_lock(&obj->lock);
	inside = is_inside_locked(obj, index);
	if (inside)
		page = page_tree_find(&obj->pages, index);
	if (page)
		page_get(page);
	mutex_unlock(&obj->lock);
	*out = page;
	return page ? 0 : inside ? -ENOENT : -ENXIO;
}

/* Drop what lies beyond the new size; the object's lock is held. */
static void cut_off_locked(struct vm_object *obj, uint64_t size)
{
	uint64_t offset = size & ~PAGE_MASK;
	struct page *tail;

	/* From here on faults that found a page before do not enter it any more. */
	atomic_fetch_add_explicit(&obj->generation, 1, memory_order_seq_cst);
	drop_pages_locked(obj, (size >> PAGE_SHIFT) + (offset != 0));
	tail = offset ? page_tree_find(&obj->pages, size >> PAGE_SHIFT) : NULL;
	if (tail)
		memset((char *)phys_to_virt(page_addr(tail)) + offset, 0, PAGE_SIZE - offset);
}

void vm_object_resize(struct vm_object *obj, uint64_t size)
{
	bool shrinks;

	mutex_lock(&obj->lock);
	shrinks = size < obj->size;
	if (shrinks)
		cut_off_locked(obj, size);
	obj->size = size;
	mutex_unlock(&obj->lock);
	if (shrinks)
		vm_rmap_unmap(obj, (size + PAGE_SIZE - 1) >> PAGE_SHIFT, UINT64_MAX, true);
}

int vm_object_charge(struct vm_object *obj)
{
	uint64_t pages = (obj->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	int err;

	ASSERT(obj->charged == 0);
	err = commit_pages(pages);
	if (err == 0)
		obj->charged = pages;
	return err;
}

bool vm_object_edge(struct vm_object *obj, uint64_t *index, bool hole)
{
	uint64_t at = *index, next = at;
	bool found = true;

	mutex_lock(&obj->lock);
	if (!hole)
		found = page_tree_next(&obj->pages, &at);
	else
		for (; page_tree_next(&obj->pages, &next) && next == at; next = at)
			at++;
	mutex_unlock(&obj->lock);
	*index = at;
	return found;
}

void vm_object_punch(struct vm_object *obj, uint64_t start, uint64_t end)
{
	uint64_t first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT, stop = end >> PAGE_SHIFT, index = first;
	uint64_t dropped = 0;

	ASSERT(!obj->pinned);
	if (first >= stop)
		return;
	mutex_lock(&obj->lock);
	atomic_fetch_add_explicit(&obj->generation, 1, memory_order_seq_cst);
	for (; page_tree_next(&obj->pages, &index) && index < stop; dropped++)
		give_page(obj, page_tree_remove(&obj->pages, index));
	if (dropped > 0 && obj->ops->dropped)
		obj->ops->dropped(obj, dropped);
	mutex_unlock(&obj->lock);
	vm_rmap_unmap(obj, first, stop - 1, false);
}
