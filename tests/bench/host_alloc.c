/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocators' own code on the host, in nanoseconds: what the instructions that the kernel-side rows count
 * come to on a real processor.  Turning interrupts off and on is not in it: a program cannot.
 *
 * The best of some runs counts, as others use the machine, too.  Ends with 1 where a row is above its limit.
 */
#include <stdio.h>
#include <time.h>

#include <kernel/pmm.h>
#include <kernel/slab.h>

#include "host/ram.h"

#define RUNS       15
#define OPERATIONS 2000000u
#define BURST      1000u
#define HUGE_PAGES 512ul

static struct slab_cache *cache;

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void page_pair(unsigned n)
{
	while (n-- > 0)
		pmm_free(pmm_alloc(PAGE_KERNEL, 0));
}

/* Through the CPU's cache and the zone's bitmap behind it. */
static void page_burst(unsigned n)
{
	static paddr_t frames[BURST];

	for (unsigned done = 0; done < n; done += BURST) {
		for (unsigned i = 0; i < BURST; i++)
			frames[i] = pmm_alloc(PAGE_KERNEL, 0);
		for (unsigned i = 0; i < BURST; i++)
			pmm_free(frames[i]);
	}
}

static void slab_pair(unsigned n)
{
	while (n-- > 0)
		slab_free(cache, slab_alloc(cache));
}

static void slab_burst(unsigned n)
{
	static void *objects[BURST];

	for (unsigned done = 0; done < n; done += BURST) {
		for (unsigned i = 0; i < BURST; i++)
			objects[i] = slab_alloc(cache);
		for (unsigned i = 0; i < BURST; i++)
			slab_free(cache, objects[i]);
	}
}

static void kmalloc_pair(unsigned n)
{
	static volatile size_t size = 100;

	while (n-- > 0)
		kfree(kmalloc(size));
}

static void huge_pair(unsigned n)
{
	for (unsigned done = 0; done < n; done += 1000)
		pmm_free_contiguous(pmm_alloc_contiguous(HUGE_PAGES, HUGE_PAGES, PAGE_KERNEL, 0), HUGE_PAGES);
}

static double best(void (*run)(unsigned))
{
	double least = 1e18;

	for (int i = 0; i < RUNS; i++) {
		double start = now_ns(), took;

		run(OPERATIONS);
		took = (now_ns() - start) / OPERATIONS;
		least = took < least ? took : least;
	}
	return least;
}

static const struct {
	const char *name;
	void (*run)(unsigned);
	double operations; /* that one counted operation stands for */
	double limit_ns;   /* 0: none */
} rows[] = {
	{ "4 KiB page alloc+free", page_pair, 1, 50 },
	{ "slab alloc+free, 64 bytes", slab_pair, 1, 20 },
	{ "kmalloc+kfree, 100 bytes", kmalloc_pair, 1, 0 },
	{ "1000 pages alloc, then free: each", page_burst, 1, 0 },
	{ "1000 objects alloc, then free: each", slab_burst, 1, 0 },
	{ "2 MiB page alloc+free", huge_pair, 1000, 0 },
};

int main(void)
{
	int above = 0;

	host_ram_map(256 << 20);
	host_ram_init();
	slab_init();
	cache = slab_create("bench", 64, 0);
	printf("%-44s %12s  %s\n", "nanoseconds on this host", "Serix", "limit");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double ns = best(rows[i].run) * rows[i].operations;
		bool bad = rows[i].limit_ns > 0 && ns > rows[i].limit_ns;

		printf("%-44s %12.1f", rows[i].name, ns);
		if (rows[i].limit_ns > 0)
			printf("  %.0f%s", rows[i].limit_ns, bad ? "   ABOVE ITS LIMIT" : "");
		printf("\n");
		above |= bad;
	}
	return above;
}
