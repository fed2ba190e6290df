/* SPDX-License-Identifier: BSD-2-Clause */
/* What the allocators' common paths cost. */
#include <kernel/kbench.h>

#include <kernel/pmm.h>
#include <kernel/slab.h>

#define HUGE_PAGES 512ul

KBENCH_LOOP(page_alloc_free, , pmm_free(pmm_alloc(PAGE_KERNEL, 0)), )
KBENCH_LOOP(huge_alloc_free, ,
	    pmm_free_contiguous(pmm_alloc_contiguous(HUGE_PAGES, HUGE_PAGES, PAGE_KERNEL, 0), HUGE_PAGES), )

/* A thousand at once: what passing the per-CPU cache costs is in it. */
static uint64_t many_pages(unsigned n)
{
	static paddr_t frames[1000];
	uint64_t start = arch_cycles(), cycles;

	n = MIN(n, (unsigned)ARRAY_SIZE(frames));
	for (unsigned i = 0; i < n; i++)
		frames[i] = pmm_alloc(PAGE_KERNEL, 0);
	for (unsigned i = 0; i < n; i++)
		pmm_free(frames[i]);
	cycles = arch_cycles() - start;
	return cycles;
}

static struct slab_cache *bench_cache(void)
{
	static struct slab_cache *cache;

	if (!cache)
		cache = slab_create("bench", 64, 0);
	return cache;
}

KBENCH_LOOP(slab_alloc_free, struct slab_cache *cache = bench_cache(), slab_free(cache, slab_alloc(cache)), )

/* Through a volatile, as where the compiler does not see the size. */
static volatile size_t some_size = 100;

KBENCH_LOOP(kmalloc_free, , kfree(kmalloc(some_size)), )

static const struct kbench_row rows[] = {
	{ "4 KiB page alloc+free", 1000, page_alloc_free },
	{ "1000 pages alloc, free, each", 1000, many_pages },
	{ "2 MiB page alloc+free", 200, huge_alloc_free },
	{ "slab alloc+free", 1000, slab_alloc_free },
	{ "kmalloc+kfree", 1000, kmalloc_free },
};
KBENCH_SUITE("mm", rows);
