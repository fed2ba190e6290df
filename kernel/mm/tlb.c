/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flushing translations, on this CPU and on every other one that may use stale ones.
 *
 * A CPU is in vm_space.cpus while it has the space loaded.  vm_space.tlb_gen counts the space's flushes; each
 * CPU remembers, for every space whose translations it may still hold, up to which flush it has followed.
 * Of the CPUs in the mask only those are interrupted that run the space's programs.  The others catch up:
 *
 *	lazy	a kernel thread or the idle task runs and leaves the last space loaded.  It uses no user
 *		address; when a program of the space runs next, the CPU compares generations.
 *	away	another space is loaded.  Where translations are tagged (asid.h) those of this space are still
 *		there; loading it again compares generations, too.
 *
 * Why no stale translation is used.  A flusher, of which there may be several at once, does
 *
 *	F1 change the page table;  F2 add 1 to tlb_gen;  F3 read the mask and the lazy flags;
 *	F4 interrupt who is in the mask and not lazy, wait;  F5 free frames
 *
 * and a CPU that starts to use the space, with interrupts off,
 *
 *	L1 clear its lazy flag, enter the mask;  L2 read tlb_gen;  L3 flush if that differs from what it has
 *	seen; load the page table;  L4 remember the generation read in L2;  L5 run the program
 *
 * F2 and L1 are locked read-modify-writes: full barriers.  If L2 reads the value before F2, then L2, and L1
 * before it, precede F2 in the one order that all CPUs agree on, so F3 sees L1: the CPU is interrupted, and
 * its interrupts being off from L1 to L5, it takes the request after L4 and flushes.  If L2 reads F2's value
 * or a later one, the CPU flushes in L3, after F1, unless it had followed this flush already; what it
 * walks from then on is the changed table.  Either way F5 comes after the last use.
 *
 * tests/unit/kernel/mm/tlb_model_test.c tries every interleaving of these steps.
 *
 * Requests of two flushers may arrive in either order.  A CPU flushes a range alone only if it has followed
 * all before it; one that finds a generation left out drops everything, up to the value of tlb_gen that it
 * reads first, and takes the late request for done.
 *
 * Leaving: a CPU goes out of the mask after it has loaded another page table, and sets its lazy flag when it
 * has left the program.  A request that comes too late finds another space loaded and does nothing; the
 * generation that the CPU remembers for the space is then an old one, so it flushes when it comes back.  A
 * request that finds the CPU lazy (page tables are being freed, which a walk on speculation could still
 * enter) makes it leave the space.
 *
 * The end of a space: its last user is gone, so every CPU still in the mask is lazy, and is made to leave
 * before anything is freed.  A CPU touches a space's mask only before it has answered, hence before that.
 *
 * The entries themselves: vm_space.pt_lock makes the changes one after the other; a walk by hardware
 * meanwhile sees an 8-byte entry before or after.  Accessed and dirty bits are set when an entry is made, so
 * the CPU writes none, and no change can lose one: plain stores will do where locked exchanges would be
 * needed.
 */
#include "tlb.h"

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/assert.h>
#include <kernel/preempt.h>
#include <kernel/smp.h>
#include <kernel/vm.h>

#include "asid.h"
#include "tlb_priv.h"
#include "uninitialized.h"

#define FLUSH_ALL_PAGES 32 /* from here on dropping all is cheaper than page by page */

/* Own CPU, interrupts off; [a] read by others. */
struct tlb_cpu {
	_Atomic bool lazy; /* [a] whoever runs uses no address of the loaded space */
	bool started;      /* the rest is set up */
	size_t word;       /* where in a mask this CPU is, */
	uint64_t bit;      /* and which bit of the word */
	struct asid_set
		asids; /* with the generation that the CPU has followed, also where there are no tags */
} __aligned(64);

static struct tlb_cpu tlb_cpus[MAX_CPUS];
static _Atomic uint64_t next_id = 1;

static inline struct tlb_cpu *this_tlb(void)
{
	return &tlb_cpus[arch_this_cpu()->id];
}

void tlb_space_init(struct vm_space *vm)
{
	vm->cpus = (struct cpumask){ 0 };
	vm->tlb_id = atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed);
	atomic_store_explicit(&vm->tlb_gen, 1, memory_order_relaxed);
}

static void assert_may_interrupt(void)
{
	DEBUG_ASSERT(cpu_count == 1 ||
		     (arch_irqs_enabled() && arch_this_cpu()->irq_depth == 0 && arch_preempt_count() == 0));
}

/* --- loading ---------------------------------------------------------------------------------------- */

static inline void leave_mask(const struct tlb_cpu *tlb, struct vm_space *vm)
{
	if (vm)
		__atomic_fetch_and(&vm->cpus.bits[tlb->word], ~tlb->bit, __ATOMIC_SEQ_CST);
}

static inline void enter_mask(struct tlb_cpu *tlb, struct vm_space *vm)
{
	atomic_store_explicit(&tlb->lazy, false, memory_order_relaxed);
	__atomic_fetch_or(&vm->cpus.bits[tlb->word], tlb->bit, __ATOMIC_SEQ_CST);
}

/* The generation of the loaded space that this CPU has followed. */
static uint64_t *followed(struct tlb_cpu *tlb)
{
	return &tlb->asids.slots[tlb->asids.current].gen;
}

/* Flushes of the loaded space may have passed this CPU by. */
static __noinline void catch_up(struct tlb_cpu *tlb, struct vm_space *vm)
{
	uint64_t gen;

	atomic_exchange(&tlb->lazy, false);
	gen = atomic_load(&vm->tlb_gen);
	if (*followed(tlb) == gen)
		return;
	arch_tlb_flush_user();
	*followed(tlb) = gen;
}

static __noinline void start(struct tlb_cpu *tlb, struct cpu *cpu)
{
	tlb->word = cpu->id / 64;
	tlb->bit = 1ull << cpu->id % 64;
	asid_set_init(&tlb->asids, arch_asid_count());
	tlb->started = true;
	if (!asid_set_is_tagged(&tlb->asids))
		cpu->untagged = tlb;
}

static __noinline void load_tagged(struct cpu *cpu, struct vm_space *vm)
{
	struct tlb_cpu *tlb = &tlb_cpus[cpu->id];
	struct vm_space *former = cpu->vm;
	bool stale;

	if (unlikely(!tlb->started))
		start(tlb, cpu);
	enter_mask(tlb, vm);
	stale = asid_set_load(&tlb->asids, vm->tlb_id, atomic_load(&vm->tlb_gen));
	arch_pt_load_tagged(vm->root, asid_set_tag(&tlb->asids), !stale);
	cpu->vm = vm;
	leave_mask(tlb, former);
}

/* The same where there are no identifiers to be looked for: no call in it, so nothing to save. */
static inline void load_untagged(struct cpu *cpu, struct tlb_cpu *tlb, struct vm_space *vm)
{
	struct vm_space *former = cpu->vm;

	enter_mask(tlb, vm);
	asid_set_load_untagged(&tlb->asids, vm->tlb_id, atomic_load(&vm->tlb_gen));
	arch_pt_load_tagged(vm->root, 0, false);
	cpu->vm = vm;
	leave_mask(tlb, former);
}

static inline void load(struct cpu *cpu, struct vm_space *vm)
{
	struct tlb_cpu *tlb = cpu->untagged;

	if (tlb)
		load_untagged(cpu, tlb, vm);
	else
		load_tagged(cpu, vm);
}

void vm_space_load(struct vm_space *vm)
{
	struct cpu *cpu = arch_this_cpu();

	DEBUG_ASSERT(!arch_irqs_enabled());
	if (cpu->vm != vm)
		load(cpu, vm);
	else if (atomic_load_explicit(&this_tlb()->lazy, memory_order_relaxed))
		catch_up(this_tlb(), vm);
}

static void unload(void)
{
	struct cpu *cpu = arch_this_cpu();
	struct vm_space *former = cpu->vm;

	arch_pt_load(arch_pt_kernel_root());
	cpu->vm = NULL;
	leave_mask(this_tlb(), former);
}

void vm_space_rest(void)
{
	DEBUG_ASSERT(!arch_irqs_enabled());
	/* Later than the program's last access; a CPU counts as running it for longer, which is safe. */
	atomic_store_explicit(&this_tlb()->lazy, true, memory_order_release);
}

/* --- user spaces ------------------------------------------------------------------------------------ */

static void flush_pages(uint64_t start, uint64_t end)
{
	for (; start < end; start += PAGE_SIZE)
		arch_tlb_flush_page(start);
}

static bool is_long(uint64_t start, uint64_t end)
{
	return (end - start) >> PAGE_SHIFT > FLUSH_ALL_PAGES;
}

/* What is asked of the loaded space, whose program may run on.  Interrupts off. */
static void follow(struct tlb_cpu *tlb, const struct tlb_flush *f)
{
	uint64_t *gen = followed(tlb);

	if (*gen + 1 == f->gen && !is_long(f->start, f->end)) {
		*gen = f->gen;
		flush_pages(f->start, f->end);
	} else if (*gen < f->gen) {
		*gen = atomic_load(&f->vm->tlb_gen);
		arch_tlb_flush_user();
	}
}

static void flush_here(void *arg)
{
	const struct tlb_flush *f = arg;
	struct tlb_cpu *tlb = this_tlb();

	if (arch_this_cpu()->vm != f->vm)
		return;
	if (atomic_load_explicit(&tlb->lazy, memory_order_relaxed))
		unload();
	else
		follow(tlb, f);
}

/* Those who have the space loaded and must hear of it. */
static struct cpumask listeners(const struct vm_space *vm, bool lazy_too)
{
	struct cpumask mask = vm->cpus;

	if (lazy_too)
		return mask;
	/* A CPU clears its flag before it enters the mask. */
	atomic_thread_fence(memory_order_acquire);
	cpumask_for_each(cpu, &mask)
	{
		if (atomic_load_explicit(&tlb_cpus[cpu].lazy, memory_order_relaxed))
			cpumask_clear(&mask, cpu);
	}
	return mask;
}

static inline bool loaded_elsewhere(const struct vm_space *vm, uint32_t self)
{
	uint64_t others = READ_ONCE(vm->cpus.bits[self / 64]) & ~(1ull << self % 64);

	for (uint32_t word = 0; unlikely(cpu_count > 64) && word < CPUMASK_WORDS; word++)
		others |= word == self / 64 ? 0 : READ_ONCE(vm->cpus.bits[word]);
	return others != 0;
}

bool tlb_loaded_elsewhere(const struct vm_space *vm)
{
	return loaded_elsewhere(vm, arch_this_cpu()->id);
}

bool tlb_flush_begin(struct tlb_flush *f, struct vm_space *vm, uint64_t start, uint64_t end)
{
	uint64_t flags = arch_irq_save(); /* so that "here" stays here */
	struct cpu *cpu = arch_this_cpu();
	bool alone;

	*f = (struct tlb_flush){ vm, start, end, atomic_fetch_add(&vm->tlb_gen, 1) + 1 };
	alone = !loaded_elsewhere(vm, cpu->id);
	/* A CPU that is lazy may be followed up, too: it only does more than it must. */
	if (alone && cpu->vm == vm)
		follow(&tlb_cpus[cpu->id], f);
	arch_irq_restore(flags);
	return alone;
}

static void flush_others(struct tlb_flush *f, bool tables)
{
	struct cpumask targets;

	assert_may_interrupt();
	targets = listeners(f->vm, tables);
	smp_call(&targets, flush_here, f);
}

void tlb_flush_end(struct tlb_flush *f)
{
	flush_others(f, false);
}

void tlb_flush(struct vm_space *vm, uint64_t start, uint64_t end, bool tables)
{
	struct tlb_flush f __uninitialized;

	if (!tlb_flush_begin(&f, vm, start, end))
		flush_others(&f, tables);
}

void tlb_flush_range(struct vm_space *vm, uint64_t start, uint64_t end)
{
	tlb_flush(vm, start, end, false);
}

void vm_space_call(struct vm_space *vm, void (*fn)(void *arg), bool resting_too)
{
	struct cpumask targets;

	assert_may_interrupt();
	/* As F2: the caller's accesses before are seen by whoever is not in the mask by now. */
	atomic_thread_fence(memory_order_seq_cst);
	targets = listeners(vm, resting_too);
	smp_call(&targets, fn, NULL);
}

static void leave_here(void *arg)
{
	if (arch_this_cpu()->vm == arg)
		unload();
}

void tlb_leave_space(struct vm_space *vm)
{
	assert_may_interrupt();
	/* Whoever has dropped its reference on the space has left its mask or is lazy in it. */
	if (!cpumask_empty(&vm->cpus))
		smp_call(&vm->cpus, leave_here, vm);
}

/* --- the kernel half -------------------------------------------------------------------------------- */

static void flush_kernel_here(void *arg)
{
	const struct tlb_flush *f = arg;

	if (is_long(f->start, f->end))
		arch_tlb_flush_all();
	else
		flush_pages(f->start, f->end);
}

void tlb_flush_kernel(uint64_t start, uint64_t end)
{
	struct tlb_flush f = { NULL, start, end, 0 };

	assert_may_interrupt();
	/* The page table was changed before. */
	atomic_thread_fence(memory_order_seq_cst);
	smp_call(&CPUMASK_ALL, flush_kernel_here, &f);
}
