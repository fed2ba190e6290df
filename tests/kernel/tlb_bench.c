/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shootdowns: a page loses its right to be written while programs of its space run on three other CPUs, which
 * kernel threads play here.  With --smp 4 or more.
 */
#include <kernel/kbench.h>

#include <arch/cpu.h>
#include <arch/trap.h>
#include <kernel/cpumask.h>
#include <kernel/sched.h>
#include <kernel/vm.h>

#define OTHERS 3u
#define RW     (VM_READ | VM_WRITE)

static struct vm_space *space;
static _Atomic uint32_t running, leave, left;

/* Interrupts on, busy: as a program that computes. */
static void run_in_space(void *unused)
{
	(void)unused;
	task_switch_vm(space);
	atomic_fetch_add(&running, 1);
	while (!atomic_load_explicit(&leave, memory_order_relaxed))
		arch_cpu_relax();
	task_switch_vm(NULL);
	atomic_fetch_add(&left, 1);
}

static bool start_others(void)
{
	if (cpu_count <= OTHERS)
		return false;
	for (uint32_t i = 0; i < OTHERS; i++) {
		struct cpumask mask = cpumask_of((arch_this_cpu()->id + 1 + i) % (OTHERS + 1));
		struct task *task = kthread_create("shootdown", run_in_space, NULL);

		if (!task || sched_set_affinity(task, &mask) < 0)
			return false;
	}
	while (atomic_load(&running) < OTHERS)
		sched_yield();
	return true;
}

/* n pairs: the right is taken, which every CPU must know, and given back, which none needs to. */
static uint64_t measure(unsigned n, bool others)
{
	uint64_t at = 0, start, cycles = 0;

	atomic_store(&running, 0);
	atomic_store(&leave, 0);
	atomic_store(&left, 0);
	if (vm_space_create(&space) < 0)
		return 0;
	if (vm_map(space, &at, PAGE_SIZE, RW, RW, 0, NULL, 0) == 0 && vm_fault(space, at, FAULT_WRITE) == 0 &&
	    (!others || start_others())) {
		start = arch_cycles();
		for (unsigned i = 0; i < n; i++) {
			(void)!vm_protect(space, at, PAGE_SIZE, VM_READ);
			(void)!vm_protect(space, at, PAGE_SIZE, RW);
		}
		cycles = arch_cycles() - start;
	}
	atomic_store(&leave, 1);
	while (atomic_load(&left) < atomic_load(&running))
		sched_yield();
	vm_space_put(space);
	return cycles;
}

static uint64_t shootdown(unsigned n)
{
	return measure(n, true);
}

static uint64_t no_shootdown(unsigned n)
{
	return measure(n, false);
}

static const struct kbench_row rows[] = {
	{ "mprotect twice, space loaded nowhere", 20, no_shootdown },
	{ "mprotect twice, a shootdown to 3 CPUs", 20, shootdown },
};
KBENCH_SUITE("tlb", rows);
