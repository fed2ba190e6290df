/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocators on many CPUs and at their limits.  ktest.seconds=N on the command line lets the random test
 * run that long instead of half a second.
 */
#include <kernel/ktest.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/cmdline.h>
#include <kernel/pmm.h>
#include <kernel/random.h>
#include <kernel/reclaim.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/topology.h>
#include <kernel/vmalloc.h>

#define HUGE_PAGES 512ul

static uint64_t used_pages(void)
{
	return pmm_used_memory() / PAGE_SIZE;
}

/* Frames linked through themselves. */
static void hoard_add(paddr_t *head, paddr_t pa)
{
	*(paddr_t *)phys_to_virt(pa) = *head;
	*head = pa;
}

static paddr_t hoard_take(paddr_t *head)
{
	paddr_t pa = *head;

	*head = *(paddr_t *)phys_to_virt(pa);
	return pa;
}

static void hoard_free(paddr_t *head)
{
	while (*head != PADDR_NONE)
		pmm_free(hoard_take(head));
}

/* --- many CPUs --------------------------------------------------------------------------------------- */

#define WORKERS_MAX 8
#define SLOTS       256
#define RUN_MAX     7

enum kind { FRAME, RUN, SMALL, LARGE, KMALLOC, KINDS };

struct thing {
	enum kind kind;
	size_t size;
	unsigned char *memory;
};

static struct slab_cache *small, *large, *things;
static _Atomic(struct thing *) slots[SLOTS];
static _Atomic uint32_t workers, wrong, operations;
static _Atomic bool stop;

static void *memory_of(paddr_t pa)
{
	return pa == PADDR_NONE ? NULL : phys_to_virt(pa);
}

static void take_memory(struct thing *t, uint64_t random)
{
	switch (t->kind) {
	case FRAME:
		t->size = PAGE_SIZE;
		t->memory = memory_of(pmm_alloc(PAGE_KERNEL, random & 1 ? PMM_ZERO : 0));
		break;
	case RUN:
		t->size = (1 + random % RUN_MAX) * PAGE_SIZE;
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
		pmm_free(virt_to_phys(t->memory));
		break;
	case RUN:
		pmm_free_contiguous(virt_to_phys(t->memory), t->size / PAGE_SIZE);
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

/* What the memory of a thing is filled with: whoever else writes to it leaves a trace. */
static unsigned char mark_of(const struct thing *t)
{
	return (unsigned char)((uintptr_t)t >> 6);
}

static struct thing *make(uint64_t random)
{
	struct thing *t = slab_alloc(things);

	if (!t)
		return NULL;
	t->kind = random % KINDS;
	take_memory(t, random >> 8);
	if (t->memory) {
		memset(t->memory, mark_of(t), t->size);
		return t;
	}
	slab_free(things, t);
	return NULL;
}

static void unmake(struct thing *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->size; i += 1 + t->size / 16)
		wrong += t->memory[i] != mark_of(t);
	wrong += t->memory[t->size - 1] != mark_of(t);
	free_memory(t);
	slab_free(things, t);
}

/* Whatever one worker takes any other may free. */
static void work(void *unused)
{
	(void)unused;
	while (!stop) {
		uint64_t random = random_u64();
		_Atomic(struct thing *) *slot = &slots[random % SLOTS];

		unmake(atomic_exchange(slot, *slot ? NULL : make(random >> 16)));
		operations++;
	}
	workers--;
}

/* Statistics of one moment: every CPU stands still, interrupts off, while one of them reads. */
struct snapshot {
	uint32_t reader;
	_Atomic uint32_t standing;
	_Atomic bool done;
	struct pmm_stats stats;
};

static void stand_still(void *arg)
{
	struct snapshot *s = arg;

	if (arch_this_cpu()->id != s->reader) {
		s->standing++;
		while (!s->done)
			arch_cpu_relax();
		return;
	}
	while (s->standing + 1 < cpumask_count(&cpus_online))
		arch_cpu_relax();
	pmm_get_stats(&s->stats);
	s->done = true;
}

static void take_snapshot(struct pmm_stats *out)
{
	struct snapshot s = { 0 };

	preempt_disable();
	s.reader = arch_this_cpu()->id;
	smp_call(&CPUMASK_ALL, stand_still, &s);
	preempt_enable();
	*out = s.stats;
}

/* The uses and the free frames make the total, but for runs on their way, one a worker at most. */
static void all_frames_are_accounted_for(uint32_t runs)
{
	struct pmm_stats s;
	uint64_t sum, slack = runs * RUN_MAX;

	take_snapshot(&s);
	sum = s.free_in_zones + s.free_in_caches;
	for (unsigned use = PAGE_FREE + 1; use < PAGE_USES; use++)
		sum += s.used[use];
	KTEST_EXPECT(sum + slack >= s.total_pages && sum <= s.total_pages + slack);
	KTEST_EXPECT(s.allocated - s.freed == s.total_pages - s.free_pages);
}

static uint64_t run_time_ns(void)
{
	uint64_t seconds;

	return cmdline_get_u64("ktest.seconds", &seconds) == 0 ? seconds * NSEC_PER_SEC : NSEC_PER_SEC / 2;
}

static void start_workers(void)
{
	uint32_t n = MIN(2 * cpumask_count(&cpus_online), (uint32_t)WORKERS_MAX);

	stop = false;
	operations = wrong = 0;
	for (uint32_t i = 0; i < n; i++) {
		workers++;
		if (!kthread_create("worker", work, NULL))
			workers--;
	}
	KTEST_EXPECT(workers == n);
}

static void everything_random_on_all_cpus(void)
{
	uint64_t end = time_now_ns() + run_time_ns(), before;

	small = slab_create("test-small", 48, 0);
	large = slab_create("test-large", 1500, 0);
	things = slab_create("test-things", sizeof(struct thing), 64);
	slab_reap();
	kstack_reap();
	before = used_pages();
	start_workers();
	while (time_now_ns() < end) {
		(void)sleep_until(time_now_ns() + 20 * NSEC_PER_MSEC, false);
		all_frames_are_accounted_for(WORKERS_MAX);
	}
	stop = true;
	while (workers)
		(void)sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	for (size_t i = 0; i < SLOTS; i++)
		unmake(atomic_exchange(&slots[i], NULL));
	pr_info("# %u operations", operations);
	KTEST_EXPECT(wrong == 0 && operations > 100);
	KTEST_EXPECT(slab_destroy_cache(small) == 0);
	KTEST_EXPECT(slab_destroy_cache(large) == 0);
	KTEST_EXPECT(slab_destroy_cache(things) == 0);
	slab_reap();
	kstack_reap();
	all_frames_are_accounted_for(0);
	/* Magazines of CPUs that had none before stay: four pages each.  The last worker may still be
	 * leaving. */
	KTEST_EXPECT(used_pages() <= before + (4 + 8) * cpu_count);
}

/* --- nodes, large pages ------------------------------------------------------------------------------ */

static void take_and_look(void *far)
{
	unsigned node = topology_of(arch_this_cpu()->id)->node, nearest = UINT32_MAX;
	paddr_t frames[64];

	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		unsigned distance;

		frames[i] = pmm_alloc(PAGE_KERNEL, 0);
		distance = topology_distance(node, topology_node_of(frames[i]));
		/* Frames that lay ready come first, then those of the nearest node. */
		if (distance > nearest)
			*(_Atomic uint32_t *)far += 1;
		nearest = MIN(nearest, distance);
	}
	if (nearest != topology_distance(node, node) && topology_node_has_memory(node))
		*(_Atomic uint32_t *)far += 1;
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		pmm_free(frames[i]);
}

/* With numa= on the command line this is more than one node. */
static void frames_come_from_the_nearest_node(void)
{
	_Atomic uint32_t far = 0;

	reclaim_everything();
	smp_call(&CPUMASK_ALL, take_and_look, (void *)&far);
	KTEST_EXPECT(far == 0);
}

static size_t take_large_pages(paddr_t *head)
{
	size_t n = 0;
	paddr_t pa;

	while ((pa = pmm_alloc_contiguous(HUGE_PAGES, HUGE_PAGES, PAGE_KERNEL, PMM_TRY)) != PADDR_NONE) {
		KTEST_EXPECT(IS_ALIGNED(pa, HUGE_PAGES * PAGE_SIZE));
		hoard_add(head, pa);
		n++;
	}
	return n;
}

static void free_large_pages(paddr_t *head)
{
	while (*head != PADDR_NONE)
		pmm_free_contiguous(hoard_take(head), HUGE_PAGES);
}

static void large_pages_all_come_back(void)
{
	paddr_t large_pages = PADDR_NONE, frames = PADDR_NONE;
	uint64_t before;
	size_t n;

	reclaim_everything();
	before = used_pages();
	n = take_large_pages(&large_pages);
	KTEST_EXPECT(n > 0 && used_pages() == before + n * HUGE_PAGES);
	free_large_pages(&large_pages);
	KTEST_EXPECT(used_pages() == before);
	/* A few hundred frames break one block, or a second: not one each. */
	for (int i = 0; i < 300; i++)
		hoard_add(&frames, pmm_alloc(PAGE_KERNEL, 0));
	KTEST_EXPECT(take_large_pages(&large_pages) + 2 >= n);
	free_large_pages(&large_pages);
	hoard_free(&frames);
	reclaim_everything();
	KTEST_EXPECT(take_large_pages(&large_pages) == n);
	free_large_pages(&large_pages);
}

/* --- little memory ----------------------------------------------------------------------------------- */

/* A shrinker with some frames to give up; who allocates and kreclaim may ask for them at once. */
#define KEPT 100

static struct spinlock kept_lock = SPINLOCK_INIT("kept frames", RANK_PAGE_CACHE);
static paddr_t kept = PADDR_NONE;   /* [kept_lock] */
static _Atomic uint32_t kept_count; /* [kept_lock] written */

static size_t kept_pages(void)
{
	return kept_count;
}

static paddr_t take_kept(void)
{
	paddr_t pa = PADDR_NONE;

	spin_lock(&kept_lock);
	if (kept_count > 0) {
		pa = hoard_take(&kept);
		kept_count--;
	}
	spin_unlock(&kept_lock);
	return pa;
}

static void add_kept(paddr_t pa)
{
	spin_lock(&kept_lock);
	hoard_add(&kept, pa);
	kept_count++;
	spin_unlock(&kept_lock);
}

/* Between taking and freeing them it lets others look: who finds nothing then has to wait for these. */
static size_t give_up_kept(size_t pages)
{
	paddr_t taken = PADDR_NONE, pa;
	size_t n = 0;

	for (; n < pages && (pa = take_kept()) != PADDR_NONE; n++)
		hoard_add(&taken, pa);
	(void)sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	hoard_free(&taken);
	return n;
}

static void keep_some(void)
{
	static struct shrinker shrinker = { .name = "test", .count = kept_pages, .scan = give_up_kept };
	static bool registered;

	if (!registered)
		shrinker_register(&shrinker);
	registered = true;
	for (uint32_t i = 0; i < KEPT; i++)
		add_kept(pmm_alloc(PAGE_KERNEL, 0));
}

static void fill_cache_here(void *unused)
{
	paddr_t frames[60];

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = pmm_alloc(PAGE_KERNEL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		pmm_free(frames[i]);
}

/* The last frame can be had, wherever it lies: in another CPU's cache, with somebody who can do without. */
static void the_last_frame_is_found(void)
{
	paddr_t all = PADDR_NONE, pa;
	struct pmm_stats stats;
	uint64_t before;

	reclaim_everything(); /* so that kreclaim finds nothing else, and no frame comes free later */
	before = used_pages();
	keep_some();
	smp_call(&CPUMASK_ALL, fill_cache_here, NULL);
	while ((pa = pmm_alloc(PAGE_KERNEL, 0)) != PADDR_NONE)
		hoard_add(&all, pa);
	take_snapshot(&stats);
	KTEST_EXPECT(stats.free_pages == 0 && stats.free_in_caches == 0 && stats.free_in_zones == 0);
	KTEST_EXPECT(kept_count == 0);
	KTEST_EXPECT(pmm_alloc_contiguous(2, 1, PAGE_KERNEL, 0) == PADDR_NONE);
	hoard_free(&all);
	KTEST_EXPECT(used_pages() <= before);
}

/* What programs fill leaves the kernel some frames to end them with. */
static void programs_leave_a_reserve(void)
{
	paddr_t all = PADDR_NONE, pa;
	struct reclaim_stats r;
	uint64_t left = 0;

	reclaim_get_stats(&r);
	while ((pa = pmm_alloc(PAGE_ANON, 0)) != PADDR_NONE)
		hoard_add(&all, pa);
	while ((pa = pmm_alloc(PAGE_KERNEL, 0)) != PADDR_NONE) {
		hoard_add(&all, pa);
		left++;
	}
	KTEST_EXPECT(r.min_pages > 0 && left >= r.min_pages);
	hoard_free(&all);
}

/* Below the low watermark kreclaim frees by itself. */
static void kreclaim_wakes_up(void)
{
	uint64_t deadline = time_now_ns() + 5 * NSEC_PER_SEC;
	paddr_t all = PADDR_NONE;
	struct reclaim_stats r;
	struct pmm_stats s;

	keep_some();
	reclaim_get_stats(&r);
	do {
		for (int i = 0; i < 32; i++)
			hoard_add(&all, pmm_alloc(PAGE_KERNEL, 0));
		pmm_get_stats(&s);
	} while (s.free_in_zones >= r.low_pages);
	hoard_add(&all, pmm_alloc(PAGE_KERNEL, 0));
	for (int i = 0; i < 64; i++) /* so that a CPU's cache runs empty */
		hoard_add(&all, pmm_alloc(PAGE_KERNEL, 0));
	while (kept_count > 0 && time_now_ns() < deadline)
		(void)sleep_until(time_now_ns() + 10 * NSEC_PER_MSEC, false);
	KTEST_EXPECT(kept_count == 0);
	hoard_free(&all);
}

/* --- kmalloc ----------------------------------------------------------------------------------------- */

static void krealloc_keeps_contents(void)
{
	static const size_t sizes[] = { 1, 16, 17, 1000, 5000, 9000, 70000, 300000, 9000, 100, 1 };
	unsigned char *p = NULL;
	size_t valid = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = krealloc(p, sizes[i]);
		KTEST_EXPECT(p);
		if (!p)
			return;
		for (size_t at = 0; at < MIN(valid, sizes[i]); at++)
			KTEST_EXPECT(p[at] == (unsigned char)(at * 7));
		for (size_t at = 0; at < sizes[i]; at++)
			p[at] = (unsigned char)(at * 7);
		valid = sizes[i];
	}
	kfree(p);
}

static const struct ktest_case cases[] = {
	{ "everything at random on all CPUs, and the sums are right", everything_random_on_all_cpus },
	{ "frames come from the nearest node", frames_come_from_the_nearest_node },
	{ "large pages all come back", large_pages_all_come_back },
	{ "the last frame is found", the_last_frame_is_found },
	{ "programs leave a reserve", programs_leave_a_reserve },
	{ "kreclaim wakes up", kreclaim_wakes_up },
	{ "krealloc keeps contents", krealloc_keeps_contents },
};
KTEST_SUITE("frames", cases);
