/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/slab.c kernel/mm/slab_cache.c kernel/mm/kmalloc.c kernel/mm/pmm.c kernel/mm/frame_run.c
 */
/* sources: kernel/mm/pmm_stats.c kernel/mm/zone.c kernel/mm/frame_map.c kernel/mm/bit_tree.c */
/* sources: kernel/lib/bitmap.c */
/*
 * The allocators on several CPUs, which are threads here, under the thread sanitizer: everything that one
 * takes may be freed by another, nothing is handed out twice, and in the end everything is back.  RAM is
 * three nodes, and the threads run on different ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <kernel/pmm.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/topology.h>

#include "host/ram.h"
#include "host/tsan.h"
#include "kernel/mm/pmm_priv.h"

#define THREADS   4
#define STEPS     60000
#define SLOTS     256
#define RAM       (24ul << 20)
#define NODES     3
#define NODE_SIZE (RAM / NODES)

extern _Thread_local struct cpu *host_this_cpu;

static paddr_t ram;

/* --- the machine ------------------------------------------------------------------------------------- */

const struct cpu_topology *topology_of(uint32_t cpu)
{
	static const struct cpu_topology places[NODES] = { { .node = 0 }, { .node = 1 }, { .node = 2 } };

	return &places[cpu % NODES];
}

unsigned topology_node_of(paddr_t pa)
{
	return pa < ram ? 0 : (unsigned)MIN((pa - ram) / NODE_SIZE, NODES - 1ul);
}

paddr_t topology_node_border(paddr_t pa)
{
	for (unsigned i = 1; i < NODES; i++) {
		if (pa < ram + i * NODE_SIZE)
			return ram + i * NODE_SIZE;
	}
	return PADDR_NONE;
}

/* Only called when all other threads have ended. */
void smp_call(const struct cpumask *targets, void (*fn)(void *arg), void *arg)
{
	struct cpu *self = host_this_cpu;

	(void)targets;
	for (uint32_t i = 0; i < cpu_count; i++) {
		host_this_cpu = cpus[i];
		fn(arg);
	}
	host_this_cpu = self;
}

bool reclaim_may_wait(void);
bool reclaim_may_wait(void)
{
	return true;
}

/* --- what goes around -------------------------------------------------------------------------------- */

enum kind { FRAME, RUN, SMALL, LARGE, KMALLOC, KINDS };

struct thing {
	enum kind kind;
	size_t size;
	unsigned char *memory;
};

static struct slab_cache *small, *large, *things;
static _Atomic(struct thing *) slots[SLOTS];
static _Atomic unsigned failures;

static void *memory_of(paddr_t pa)
{
	return pa == PADDR_NONE ? NULL : (void *)(uintptr_t)pa;
}

static void take_memory(struct thing *t, unsigned random)
{
	switch (t->kind) {
	case FRAME:
		t->size = PAGE_SIZE;
		t->memory = memory_of(pmm_alloc(PAGE_KERNEL, random & 1 ? PMM_ZERO : 0));
		break;
	case RUN:
		t->size = (1 + random % 7) * PAGE_SIZE;
		t->memory = memory_of(pmm_alloc_contiguous(t->size / PAGE_SIZE, 1, PAGE_KERNEL, 0));
		break;
	case SMALL:
		t->size = 48;
		t->memory = slab_alloc(small);
		break;
	case LARGE:
		t->size = 1500;
		t->memory = slab_alloc(large);
		break;
	case KMALLOC:
	case KINDS:
		t->size = 1 + random % 3000;
		t->memory = kmalloc(t->size);
	}
}

static void free_memory(const struct thing *t)
{
	switch (t->kind) {
	case FRAME:
		pmm_free((paddr_t)t->memory);
		break;
	case RUN:
		pmm_free_contiguous((paddr_t)t->memory, t->size / PAGE_SIZE);
		break;
	case SMALL:
		slab_free(small, t->memory);
		break;
	case LARGE:
		slab_free(large, t->memory);
		break;
	case KMALLOC:
	case KINDS:
		kfree(t->memory);
	}
}

/* Each thing is marked with its own description's address, at both ends. */
static void mark(struct thing *t)
{
	memset(t->memory, (int)((uintptr_t)t >> 6), t->size);
}

static bool is_marked(const struct thing *t)
{
	unsigned char byte = (unsigned char)((uintptr_t)t >> 6);

	return t->memory[0] == byte && t->memory[t->size / 2] == byte && t->memory[t->size - 1] == byte;
}

static struct thing *make(unsigned random)
{
	struct thing *t = slab_alloc(things);

	if (!t)
		return NULL;
	t->kind = random % KINDS;
	take_memory(t, random / KINDS);
	if (t->memory) {
		mark(t);
		return t;
	}
	slab_free(things, t);
	return NULL;
}

static void unmake(struct thing *t)
{
	if (!t)
		return;
	if (!is_marked(t))
		failures++;
	free_memory(t);
	slab_free(things, t);
}

static void *work(void *seed)
{
	unsigned state = (unsigned)(uintptr_t)seed;

	host_cpu_start();
	for (int step = 0; step < STEPS; step++) {
		_Atomic(struct thing *) *slot = &slots[(unsigned)rand_r(&state) % SLOTS];
		bool fill = atomic_load_explicit(slot, memory_order_relaxed) == NULL;

		unmake(atomic_exchange(slot, fill ? make((unsigned)rand_r(&state)) : NULL));
	}
	return NULL;
}

/* --- tests ------------------------------------------------------------------------------------------- */

static void drain_here(void *unused)
{
	(void)unused;
	frame_cache_drain();
}

static uint64_t frames_free_in_zones(void)
{
	struct pmm_stats stats;

	smp_call(&CPUMASK_ALL, drain_here, NULL);
	pmm_get_stats(&stats);
	assert_int_equal(stats.free_in_caches, 0);
	assert_int_equal(stats.free_in_zones, stats.free_pages);
	assert_int_equal(stats.allocated - stats.freed, stats.total_pages - stats.free_pages);
	return stats.free_in_zones;
}

static void everything_comes_back(void **state)
{
	pthread_t threads[THREADS];
	uint64_t before;

	(void)state;
	slab_reap();
	before = frames_free_in_zones();
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned i = 0; i < SLOTS; i++)
		unmake(atomic_exchange(&slots[i], NULL));
	assert_int_equal(failures, 0);
	slab_reap();
	/* Each new CPU has a row of magazines now. */
	assert_int_equal(frames_free_in_zones() + THREADS * 4, before);
}

/* What a CPU frees of another node's does not stay with it, and what it takes is its own node's. */
static void frames_stay_near(void **state)
{
	static paddr_t frames[500];
	struct cpu *self = host_this_cpu;

	(void)state;
	for (uint32_t cpu = 0; cpu < NODES; cpu++) {
		host_this_cpu = cpus[cpu];
		for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
			frames[i] = pmm_alloc(PAGE_KERNEL, 0);
			assert_int_equal(topology_node_of(frames[i]), cpu % NODES);
		}
		host_this_cpu = cpus[cpu + 1];
		for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
			pmm_free(frames[i]);
		for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
			frames[i] = pmm_alloc(PAGE_KERNEL, 0);
			assert_int_equal(topology_node_of(frames[i]), (cpu + 1) % NODES);
		}
		for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
			pmm_free(frames[i]);
	}
	host_this_cpu = self;
}

/* When a node is full its CPUs go on with the others' memory, until nothing is left. */
static void full_nodes_borrow(void **state)
{
	uint64_t before = frames_free_in_zones(), taken = 0;
	paddr_t head = 0, pa;

	(void)state;
	while ((pa = pmm_alloc(PAGE_KERNEL, 0)) != PADDR_NONE) {
		*(paddr_t *)pa = head;
		head = pa;
		taken++;
	}
	assert_int_equal(taken, before);
	for (; head; head = pa) {
		pa = *(paddr_t *)head;
		pmm_free(head);
	}
	assert_int_equal(frames_free_in_zones(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(frames_stay_near),
		cmocka_unit_test(full_nodes_borrow),
	};

	host_ram_map(RAM);
	ram = host_ram;
	host_ram_init();
	slab_init();
	small = slab_create("small", 48, 0);
	large = slab_create("large", 1500, 0);
	things = slab_create("things", sizeof(struct thing), 64);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
