/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, kernel objects.  A slab cache hands out objects of one size; kmalloc is a set of caches by size
 * class, page runs above 8 KiB.  Any context but NMI; never sleeps; NULL means out of memory.
 * Debug builds add redzones and poison freed objects.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct slab_cache;

/* `align` 0: natural.  The name must live as long as the cache.  Panics only at start-up. */
struct slab_cache *slab_create(const char *name, size_t object_size, size_t align);
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
};
/* The index-th cache; false past the last. */
bool slab_get_stats(size_t index, struct slab_stats *out);
/* Give empty slabs back to the frame allocator; returns the number of pages. */
size_t slab_reap(void);
