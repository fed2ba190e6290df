/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmalloc: slab caches by size class up to 8 KiB, runs of frames above.  The frame of a pointer tells which
 * it is, so kfree needs no size.
 */
#include <kernel/slab.h>

#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/kasan.h>
#include <kernel/panic.h>
#include <kernel/pmm.h>
#include <kernel/string.h>

#include "slab_debug.h"
#include "slab_priv.h"
#include "zone.h"

#define CLASS_MAX 8192
#define FINE_MAX  1024 /* up to here classes are found by table */
#define FINE_STEP 16
#define FLAG_RUN  1 /* struct page.flags: first frame of a run; aux is its length */

static const struct size_class {
	size_t size;
	const char *name;
} classes[] = {
	{ 16, "kmalloc-16" },     { 32, "kmalloc-32" },     { 48, "kmalloc-48" },
	{ 64, "kmalloc-64" },     { 96, "kmalloc-96" },     { 128, "kmalloc-128" },
	{ 192, "kmalloc-192" },   { 256, "kmalloc-256" },   { 384, "kmalloc-384" },
	{ 512, "kmalloc-512" },   { 768, "kmalloc-768" },   { 1024, "kmalloc-1024" },
	{ 2048, "kmalloc-2048" }, { 4096, "kmalloc-4096" }, { 8192, "kmalloc-8192" },
};

static struct slab_cache *fine[FINE_MAX / FINE_STEP + 1]; /* by size in steps, rounded up */
static struct slab_cache *coarse[3];                      /* 2, 4 and 8 KiB */

void kmalloc_init(void)
{
	size_t step = 0;

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		struct slab_cache *cache = slab_create(classes[i].name, classes[i].size, FINE_STEP);

		if (classes[i].size > FINE_MAX)
			coarse[i - (ARRAY_SIZE(classes) - ARRAY_SIZE(coarse))] = cache;
		for (; step * FINE_STEP <= MIN(classes[i].size, (size_t)FINE_MAX) && step < ARRAY_SIZE(fine);
		     step++)
			fine[step] = cache;
	}
}

static struct slab_cache *class_of(size_t size)
{
	if (likely(size <= FINE_MAX))
		return fine[(size + FINE_STEP - 1) / FINE_STEP];
	return coarse[size <= 2048 ? 0 : size <= 4096 ? 1 : 2];
}

static void *run_alloc(size_t size)
{
	size_t pages;
	paddr_t pa;
	struct page *page;

	if (add_overflows(size, PAGE_SIZE - 1, &pages))
		return NULL;
	pages >>= PAGE_SHIFT;
	pa = pmm_alloc_contiguous(pages, 1, PAGE_KERNEL, 0);
	if (pa == PADDR_NONE)
		return NULL;
	page = page_of(pa);
	page->flags = FLAG_RUN;
	page->aux = (void *)pages;
	return phys_to_virt(pa);
}

/* Sanitizer builds: what was not asked for is not to be touched. */
static inline void limit_to(void *ptr, size_t size, size_t room)
{
	kasan_poison(ptr, room, KASAN_REDZONE);
	kasan_unpoison(ptr, size);
}

static inline void *alloc_for(size_t size, const void *site)
{
	struct slab_cache *cache;
	void *ptr;

	if (unlikely(size > CLASS_MAX))
		return run_alloc(size);
	cache = class_of(size);
	ptr = slab_alloc_for(cache, site);
	if (ptr)
		limit_to(ptr, size, slab_object_size(cache));
	return ptr;
}

static inline void *zalloc_for(size_t size, const void *site)
{
	void *ptr = alloc_for(size, site);

	if (ptr)
		memset(ptr, 0, size);
	return ptr;
}

void *kmalloc(size_t size)
{
	return alloc_for(size, SLAB_CALLER());
}

void *kzalloc(size_t size)
{
	return zalloc_for(size, SLAB_CALLER());
}

void *kcalloc(size_t n, size_t size)
{
	size_t bytes;

	if (mul_overflows(n, size, &bytes))
		return NULL;
	return zalloc_for(bytes, SLAB_CALLER());
}

/* The frame that a pointer of kmalloc's lies in. */
static struct page *frame_of(const void *ptr)
{
	struct page *page = zone_page_of(virt_to_phys(ptr));

	if (unlikely(!page || (page->use != PAGE_SLAB && page->flags != FLAG_RUN)))
		panic("kfree of %p, which kmalloc did not give out", ptr);
	return page;
}

static size_t size_of(const struct page *page)
{
	if (page->use == PAGE_SLAB)
		return slab_object_size(slab_cache_of_page(page));
	return (size_t)page->aux << PAGE_SHIFT;
}

void kfree(void *ptr)
{
	struct page *page;

	if (!ptr)
		return;
	page = frame_of(ptr);
	if (likely(page->use == PAGE_SLAB)) {
		slab_free_for(slab_cache_of_page(page), ptr, SLAB_CALLER());
		return;
	}
	ASSERT(((uintptr_t)ptr & ~PAGE_MASK) == 0);
	pmm_free_contiguous(virt_to_phys(ptr), (size_t)page->aux);
}

void *krealloc(void *ptr, size_t size)
{
	size_t old;
	void *grown;

	if (!ptr)
		return alloc_for(size, SLAB_CALLER());
	old = size_of(frame_of(ptr));
	kasan_unpoison(ptr, old);
	if (size <= old && size > old / 4) {
		limit_to(ptr, size, old);
		return ptr;
	}
	grown = alloc_for(size, SLAB_CALLER());
	if (!grown)
		return size <= old ? ptr : NULL;
	memcpy(grown, ptr, MIN(old, size));
	kfree(ptr);
	return grown;
}

char *kstrdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = alloc_for(size, SLAB_CALLER());

	if (copy)
		memcpy(copy, s, size);
	return copy;
}
