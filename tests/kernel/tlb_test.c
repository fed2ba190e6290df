/* SPDX-License-Identifier: BSD-2-Clause */
/* Shootdowns in the kernel half: what is mapped anew at an address is what every CPU sees there.  Start with
 * --smp 2 or more. */
#include <kernel/ktest.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/pmm.h>
#include <kernel/smp.h>
#include <kernel/vmalloc.h>

#define ROUNDS 1000u

struct look {
	const volatile uint64_t *at;
	uint64_t expected;
	_Atomic uint32_t right, wrong;
};

static void look_here(void *arg)
{
	struct look *look = arg;

	if (*look->at == look->expected)
		atomic_fetch_add(&look->right, 1);
	else
		atomic_fetch_add(&look->wrong, 1);
}

/* Stacks come back at the same address as soon as they are given back; their frames do not. */
static void remapped_memory_is_seen_by_all(void)
{
	const void *first = NULL;
	paddr_t between = PADDR_NONE; /* taken first, so that the next stack has other frames */
	unsigned same = 0;

	kstack_reap();
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		uint64_t *stack = kstack_alloc();
		struct look look = { .at = stack, .expected = round };

		if (between != PADDR_NONE)
			pmm_free(between);
		KTEST_EXPECT(stack != NULL);
		if (!stack)
			return;
		first = first ? first : stack;
		same += stack == first;
		*stack = round;
		smp_call(&CPUMASK_ALL, look_here, &look);
		KTEST_EXPECT(look.wrong == 0 && look.right == cpu_count);
		kstack_free(stack);
		kstack_reap();
		between = pmm_alloc(PAGE_KERNEL, 0);
		if (between != PADDR_NONE)
			*(uint64_t *)phys_to_virt(between) = ~round;
	}
	if (between != PADDR_NONE)
		pmm_free(between);
	KTEST_EXPECT(same > ROUNDS / 2);
}

static const struct ktest_case cases[] = {
	{ "memory mapped anew is seen by all CPUs", remapped_memory_is_seen_by_all },
};
KTEST_SUITE("tlb", cases);
