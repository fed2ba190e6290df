/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to mm: what a slab cache is made of, and what kmalloc needs of it.
 *
 * Legend: [i] set by slab_create, [lock] slab_cache.lock
 */
#pragma once

#include <kernel/list.h>
#include <kernel/percpu.h>
#include <kernel/pmm.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>

#define SLAB_CACHES_MAX 128
#define MAGAZINE_SIZE   15 /* makes it 128 bytes */
#define DEPOT_SIZE      32

struct slab {
	struct slab_cache *cache; /* [i] */
	struct list link;         /* [lock] on full, partial or empty */
	void *memory;             /* [i] start of the run */
	void *first;              /* [i] its first object */
	uintptr_t free;           /* [lock] encoded link to the first free object */
	uint32_t used;            /* [lock] objects not on the free list */
};

struct slab_cache {
	uint32_t index;          /* [i] place in every CPU's row of magazines */
	uint32_t limit;          /* [i] objects a magazine may hold */
	uint32_t run_pages;      /* [i] */
	uint32_t per_slab;       /* [i] objects */
	const char *name;        /* [i]; NULL: this place is free */
	size_t object_size;      /* [i] as asked for, rounded up to the alignment */
	size_t stride;           /* [i] redzone included */
	size_t colour_step;      /* [i] */
	uint64_t secret;         /* [i] */
	bool header_outside;     /* [i] */
	bool reclaimable;        /* [i] */
	uint32_t colours;        /* [i] */
	uint32_t colour;         /* [lock] */
	struct spinlock lock;    /* RANK_SLAB */
	struct list full;        /* [lock] */
	struct list partial;     /* [lock] */
	struct list empty;       /* [lock] */
	uint64_t slabs;          /* [lock] */
	uint64_t taken;          /* [lock] objects out of the slabs: in use, in magazines or in the depot */
	uint32_t empty_count;    /* [lock] */
	uint32_t depot_count;    /* [lock] */
	void *depot[DEPOT_SIZE]; /* [lock] free objects on their way from one CPU to another */
};

/* Its own CPU's, interrupts off; others read the count. */
struct magazine {
	uint64_t count;
	void *objects[MAGAZINE_SIZE];
};

/* One row of SLAB_CACHES_MAX magazines per CPU, made when the CPU first needs it. */
extern struct magazine *magazine_rows[MAX_CPUS];
extern bool slab_zero_on_free;          /* [i] after start-up */
extern struct slab_cache *slab_headers; /* [i] the first cache: of struct slab */

/* As slab_alloc and slab_free, for `site`, which debug builds note as who took or freed the object. */
void *slab_alloc_for(struct slab_cache *cache, const void *site) __must_check;
void slab_free_for(struct slab_cache *cache, void *object, const void *site);

/* This CPU's row of magazines, on its first use of any cache.  Interrupts off.  False: no memory. */
bool slab_make_row(void);
/* This CPU's magazine of the cache goes back to the slabs. */
void slab_flush_magazine(struct slab_cache *cache);
/* Give the depot back to the slabs and empty slabs back to the frame allocator; returns the pages. */
size_t slab_release_empty(struct slab_cache *cache);
/* The n-th object of a slab. */
static inline void *slab_object(const struct slab *slab, uint32_t n)
{
	return (char *)slab->first + n * slab->cache->stride;
}

static inline size_t slab_run_bytes(const struct slab_cache *cache)
{
	return cache->run_pages * PAGE_SIZE;
}

void kmalloc_init(void);

/* The cache of a frame whose use is PAGE_SLAB. */
static inline struct slab_cache *slab_cache_of_page(const struct page *page)
{
	return page->owner;
}

static inline size_t slab_object_size(const struct slab_cache *cache)
{
	return cache->object_size;
}
