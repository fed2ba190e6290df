/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, physical frames.  Each 4 KiB frame of RAM has a struct page.  A frame is free (refs 0, owned by
 * the allocator) or in use (refs >= 1).  pmm_alloc returns it with one reference; page_put on the last
 * reference frees it.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/refcount.h>
#include <kernel/types.h>

struct boot_info;

enum page_use { /* what holds the frame, for the statistics */
		PAGE_FREE,
		PAGE_KERNEL,
		PAGE_TABLE,
		PAGE_SLAB,
		PAGE_STACK,
		PAGE_ANON,
		PAGE_CACHE,
		PAGE_DMA,    /* pinned for a device */
		PAGE_SECURE, /* not in the direct map: the kernel cannot read or write it */
		PAGE_USES,
};

#define PAGE_FLAG_ENCRYPTED  (1u << 0) /* of PAGE_SECURE */
#define PAGE_FLAG_REFERENCED (1u << 1) /* of a cached page: asked for lately.  Atomically, as the next */
#define PAGE_FLAG_DIRTY      (1u << 2) /* of a cached page: written to since it was filled */

struct page {
	struct refcount refs;
	uint8_t use; /* enum page_use */
	uint8_t zone;
	uint16_t flags;
	union {
		struct list link; /* the holder's own list */
		struct {
			void *owner; /* slab: its cache */
			void *aux;
		};
	};
};

#define PMM_ZERO  (1u << 0) /* cleared */
#define PMM_DMA32 (1u << 1) /* below 4 GiB */
#define PMM_TRY   (1u << 2) /* contiguous: if it is there at once; the caller has another way */

/* Take over the memory map (boot_info regions minus what early boot used). */
void pmm_init(const struct boot_info *bi);
/* Start-up only: hand back a range that boot no longer needs (init sections, modules, loader data). */
void pmm_add_range(paddr_t base, size_t length);
/* The same of one page that is in use already: it has one reference, the caller's.  NULL: it lies outside of
 * what the allocator describes, and nothing was changed. */
struct page *pmm_adopt(paddr_t pa, enum page_use use);

/* One frame, near this CPU where there is one, or PADDR_NONE.  Any context but NMI.  Where the context may
 * sleep it may do so, to reclaim memory (kernel/reclaim.h), holding whatever mutexes the caller holds. */
paddr_t pmm_alloc(enum page_use use, unsigned flags) __must_check;
/* `count` adjacent frames, the first aligned to `align` frames (power of two); each has one reference.
 * A large page, 512 aligned to 512, is found at once. */
paddr_t pmm_alloc_contiguous(size_t count, size_t align, enum page_use use, unsigned flags) __must_check;

/* From which NUMA nodes frames are to come.  The one nearest to `from` that is in `nodes` is the first
 * choice.
 */
#define PMM_ALL_NODES UINT32_MAX
struct pmm_place {
	uint32_t nodes; /* bit by number */
	uint8_t from;
	bool or_elsewhere; /* when those have nothing */
	bool interleaved;  /* counted as such when the first choice had it */
};
/* As pmm_alloc and pmm_alloc_contiguous. */
paddr_t pmm_alloc_at(const struct pmm_place *place, enum page_use use, unsigned flags) __must_check;
paddr_t pmm_alloc_contiguous_at(const struct pmm_place *place, size_t count, size_t align, enum page_use use,
				unsigned flags) __must_check;
unsigned page_node(const struct page *page);

void pmm_free(paddr_t pa); /* the only reference */
/* As pmm_free, for a frame that holds only zeroes: the next PMM_ZERO gets it as it is. */
void pmm_free_zeroed(paddr_t pa);
void pmm_free_contiguous(paddr_t pa, size_t count);

struct page *page_of(paddr_t pa); /* pa lies in RAM that the map calls usable */
/* By zone: where a struct page for address 0 would be, were the zone's array to begin there. [i] */
extern uintptr_t zone_page_zero[];
static inline paddr_t page_addr(const struct page *page)
{
	return (paddr_t)(page - (const struct page *)zone_page_zero[page->zone]) << PAGE_SHIFT;
}
bool pmm_is_ram(paddr_t pa);

static inline void page_get(struct page *page)
{
	refcount_get(&page->refs);
}
void page_put(struct page *page);
void pages_put(struct page *const *pages, size_t count); /* one reference to each */

struct pmm_stats {
	uint64_t total_pages; /* usable RAM handed to the allocator */
	uint64_t free_pages;  /* total less the sum of all uses */
	uint64_t used[PAGE_USES];
	/* Where the free ones are; read one after the other, so under load off by what is on its way. */
	uint64_t free_in_zones, free_in_caches;
	uint64_t allocated, freed; /* frames, ever */
};
void pmm_get_stats(struct pmm_stats *out);

#define PMM_ORDERS 11
struct pmm_zone_stats {
	const char *name; /* as Linux names them: DMA32 below 4 GiB, Normal above */
	unsigned node;
	uint64_t start_pfn, spanned, present, managed; /* frames */
	uint64_t free;
	uint64_t reserve;          /* kept from what programs fill */
	uint64_t runs[PMM_ORDERS]; /* free runs of 2^n aligned frames, each frame in its largest */
};
/* The index-th zone; false past the last.  Walks its bitmap. */
bool pmm_get_zone(size_t index, struct pmm_zone_stats *out);

/* How many zones span some of a range; *name: the last one's; *nodes: theirs, a bit each. */
unsigned pmm_zones_in(paddr_t base, uint64_t bytes, const char **name, uint32_t *nodes);
/* Where the last zone ends. */
paddr_t pmm_memory_end(void);

struct pmm_node_stats {
	uint64_t total, free; /* frames; free ones in CPUs' caches included */
	/* Frames that came from here, ever: as the first choice; because that had none; the latter counted
	 * where they were missing; for interleaved memory as it was to be; for CPUs of this node, of others.
	 */
	uint64_t hit, miss, foreign, interleaved, local, other;
};
void pmm_get_node(unsigned node, struct pmm_node_stats *out);

size_t pmm_total_memory(void); /* bytes */
size_t pmm_free_memory(void);
/* Is more than that free?  Cheap where it is much more. */
bool pmm_free_beyond(size_t bytes);
size_t pmm_used_memory(void);
