/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel stacks.  Each has a slot twice its size: the lower half is never mapped, the upper half is the
 * stack.  So whether an address is a guard page is arithmetic, which a double-fault handler can do without
 * a lock.
 *
 * Freed stacks stay mapped in a small list per CPU, linked through their lowest word: fork and exit in
 * turns build no page tables.
 */
#include <kernel/vmalloc.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/kasan.h>
#include <kernel/panic.h>
#include <kernel/reclaim.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/spinlock.h>

#include "frame_map.h"
#include "kvm.h"

#define SLOT_SIZE   (2 * KERNEL_STACK_SIZE)
#define SLOTS       65536ul
#define UNMAP_BATCH 32ul /* stacks unmapped by one flush of all CPUs */
#define KEEP_MAX    16   /* stacks a CPU keeps */
#define STACK_PAGES (KERNEL_STACK_SIZE / PAGE_SIZE)

struct stack_cache {
	void *head;
	uint32_t count;
} __aligned(64);

static struct stack_cache stack_caches[MAX_CPUS]; /* own CPU, interrupts off */
/* Stacks that no CPU keeps wait here, still mapped: a task ends with interrupts off, where the other CPUs
 * cannot be asked to flush. */
static struct spinlock pool_lock = SPINLOCK_INIT("kstack pool", RANK_KVM);
static void *pool;          /* [pool_lock] linked through the lowest words */
static uint32_t pool_count; /* [pool_lock] */
static struct spinlock slots_lock = SPINLOCK_INIT("kstack", RANK_KVM);
static struct frame_map slots; /* [slots_lock] free slots */
static uint64_t slots_start;   /* [i] */

static inline struct stack_cache *this_cache(void)
{
	return &stack_caches[arch_this_cpu()->id];
}

static void *pop_kept(void)
{
	uint64_t irq = arch_irq_save();
	struct stack_cache *c = this_cache();
	void *stack = c->head;

	if (stack) {
		c->head = *(void **)stack;
		c->count--;
	}
	arch_irq_restore(irq);
	return stack;
}

static bool push_kept(void *stack)
{
	uint64_t irq = arch_irq_save();
	struct stack_cache *c = this_cache();
	bool kept = c->count < KEEP_MAX;

	if (kept) {
		*(void **)stack = c->head;
		c->head = stack;
		c->count++;
	}
	arch_irq_restore(irq);
	return kept;
}

static void *pool_take(void)
{
	uint64_t irq = spin_lock_irqsave(&pool_lock);
	void *stack = pool;

	if (stack) {
		pool = *(void **)stack;
		pool_count--;
	}
	spin_unlock_irqrestore(&pool_lock, irq);
	return stack;
}

static void pool_add(void *stack)
{
	uint64_t irq = spin_lock_irqsave(&pool_lock);

	*(void **)stack = pool;
	pool = stack;
	pool_count++;
	spin_unlock_irqrestore(&pool_lock, irq);
}

static size_t slot_take(void)
{
	uint64_t irq = spin_lock_irqsave(&slots_lock);
	size_t slot = FRAME_NONE;

	(void)frame_map_take(&slots, &slot, 1);
	spin_unlock_irqrestore(&slots_lock, irq);
	return slot;
}

static void slot_release(size_t slot)
{
	uint64_t irq = spin_lock_irqsave(&slots_lock);

	frame_map_release(&slots, slot);
	spin_unlock_irqrestore(&slots_lock, irq);
}

void *kstack_alloc(void)
{
	void *stack = pop_kept();
	uint64_t start;
	size_t slot;

	if (!stack && READ_ONCE(pool))
		stack = pool_take();
	if (stack)
		return stack;
	slot = slot_take();
	if (slot == FRAME_NONE)
		return NULL;
	start = slots_start + slot * SLOT_SIZE + KERNEL_STACK_SIZE;
	if (kvm_populate(start, start + KERNEL_STACK_SIZE, PAGE_STACK) < 0) {
		slot_release(slot);
		return NULL;
	}
	return (void *)start;
}

void kstack_free(void *stack)
{
	uint64_t start = (uint64_t)stack;

	if (!stack)
		return;
	kasan_unpoison(stack, KERNEL_STACK_SIZE); /* of frames that were never returned from */
	ASSERT(start - slots_start < SLOTS * SLOT_SIZE &&
	       (start - slots_start) % SLOT_SIZE == KERNEL_STACK_SIZE);
	if (!push_kept(stack))
		pool_add(stack);
}

/* --- giving memory back ------------------------------------------------------------------------------ */

static void pool_kept_here(void *unused)
{
	void *stack;

	(void)unused;
	while ((stack = pop_kept()))
		pool_add(stack);
}

/* Up to UNMAP_BATCH stacks of the pool with one flush; returns how many. */
static size_t pool_unmap_some(size_t max)
{
	size_t slots_freed[UNMAP_BATCH], n = 0;
	struct kvm_batch batch;
	void *stack;

	kvm_batch_init(&batch);
	while (n < MIN(max, UNMAP_BATCH) && (stack = pool_take())) {
		uint64_t start = (uint64_t)stack;

		kvm_batch_unmap(&batch, start, start + KERNEL_STACK_SIZE);
		slots_freed[n++] = (start - slots_start) / SLOT_SIZE;
	}
	kvm_batch_finish(&batch);
	/* Only now: the next user of a slot must not be seen through old translations. */
	for (size_t i = 0; i < n; i++)
		slot_release(slots_freed[i]);
	return n;
}

/* At most `max` stacks of the pool; returns how many. */
static size_t pool_unmap(size_t max)
{
	size_t done = 0, n;

	do {
		n = pool_unmap_some(max - done);
		done += n;
	} while (n > 0 && done < max);
	return done;
}

void kstack_reap(void)
{
	smp_call(&CPUMASK_ALL, pool_kept_here, NULL);
	(void)pool_unmap(SIZE_MAX);
}

static size_t shrinker_count(void)
{
	size_t stacks = READ_ONCE(pool_count);

	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		stacks += READ_ONCE(stack_caches[cpu].count);
	return stacks * STACK_PAGES;
}

static size_t shrinker_scan(size_t pages)
{
	size_t wanted = (pages + STACK_PAGES - 1) / STACK_PAGES;

	if (READ_ONCE(pool_count) < wanted)
		smp_call(&CPUMASK_ALL, pool_kept_here, NULL);
	return pool_unmap(wanted) * STACK_PAGES;
}

static struct shrinker stack_shrinker = { .name = "kstack", .count = shrinker_count, .scan = shrinker_scan };

bool kstack_guard_hit(uint64_t addr)
{
	uint64_t offset = addr - slots_start;

	return slots_start != 0 && offset < SLOTS * SLOT_SIZE && offset % SLOT_SIZE < KERNEL_STACK_SIZE;
}

uint64_t kstack_init(uint64_t start)
{
	void *memory = kmalloc(frame_map_bytes(0, SLOTS));

	if (!memory)
		panic("memory: no room for the map of kernel stacks");
	frame_map_init(&slots, 0, SLOTS, memory);
	frame_map_release_range(&slots, 0, SLOTS);
	slots_start = start;
	shrinker_register(&stack_shrinker);
	return start + SLOTS * SLOT_SIZE;
}
