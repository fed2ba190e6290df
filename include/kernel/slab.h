/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, kernel objects.  A slab cache hands out objects of one size; kmalloc is a set of caches by size
 * class, page runs above 8 KiB.  Any context but NMI; never sleeps; NULL means out of memory.
 * Debug builds add redzones, poison freed objects and remember who took each object.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct slab_cache;

/* `align` 0: natural.  The name must live as long as the cache.  There is room for 128 caches; one too many,
 * or objects above 32 KiB, is a mistake and panics. */
struct slab_cache *slab_create(const char *name, size_t object_size, size_t align);
/* End a cache that nobody uses any more.  Returns the number of objects that were not freed: then it logs
 * them and the cache stays.  Interrupts on, no lock held. */
size_t slab_destroy_cache(struct slab_cache *cache);
/* Its objects are mostly a cache's own, which a shrinker can free: SReclaimable of /proc/meminfo. */
void slab_set_reclaimable(struct slab_cache *cache);
void *slab_alloc(struct slab_cache *cache) __must_check;
void *slab_alloc_zeroed(struct slab_cache *cache) __must_check;
void slab_free(struct slab_cache *cache, void *object);

void slab_init(void); /* after pmm_init */

void *kmalloc(size_t size) __must_check __alloc_size(1);
void *kzalloc(size_t size) __must_check __alloc_size(1);
/* As kzalloc(n * size); NULL also on overflow. */
void *kcalloc(size_t n, size_t size) __must_check __alloc_size(1, 2);
void *krealloc(void *ptr, size_t size) __must_check __alloc_size(2);
void kfree(void *ptr); /* NULL is fine */
char *kstrdup(const char *s) __must_check;

struct slab_stats {
	const char *name;
	size_t object_size;
	uint64_t objects_used, objects_total, pages;
	uint64_t slabs, slabs_empty;
	uint32_t objects_per_slab, pages_per_slab;
	uint32_t magazine; /* objects that a CPU may keep */
	bool reclaimable;
};
/* The index-th cache; false past the last. */
bool slab_get_stats(size_t index, struct slab_stats *out);
/* Give every CPU's magazines (where the context cannot interrupt others: this CPU's) and all empty slabs back
 * to the frame allocator; returns the number of pages. */
size_t slab_reap(void);
