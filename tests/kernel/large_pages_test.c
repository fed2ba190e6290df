/* SPDX-License-Identifier: BSD-2-Clause */
/* Large pages: when a space gets them, and that no operation on a part of one is felt by the rest. */
#include <kernel/ktest.h>

#include <arch/paging.h>
#include <arch/trap.h>
#include <kernel/pmm.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#define RW    (VM_READ | VM_WRITE)
#define ALL   (VM_READ | VM_WRITE | VM_EXEC)
#define NONE  UINT64_MAX
#define LARGE LARGE_PAGE_SIZE
#define BASE  (64 * LARGE)

static uint64_t frames_before, mapped_before;

/* A space with `count` aligned stretches of 2 MiB from BASE on. */
static struct vm_space *new_space(uint64_t count, uint32_t flags)
{
	struct vm_space *vm = NULL;
	uint64_t at = BASE;

	slab_reap();
	frames_before = pmm_used_memory();
	mapped_before = vm_large_mapped_pages();
	KTEST_EXPECT(vm_space_create(&vm) == 0);
	KTEST_EXPECT(vm_map(vm, &at, count * LARGE, RW | flags, ALL, VM_MAP_FIXED, NULL, 0) == 0);
	return vm;
}

static void end_space(struct vm_space *vm)
{
	vm_space_put(vm);
	slab_reap();
	KTEST_EXPECT(vm_large_mapped_pages() == mapped_before);
	/* Caches of frames and tables may keep a few; 2 MiB would be noticed. */
	KTEST_EXPECT(pmm_used_memory() < frames_before + 64 * PAGE_SIZE);
}

static uint64_t peek(struct vm_space *vm, uint64_t addr)
{
	uint64_t value;

	return vm_read(vm, addr, &value, sizeof(value)) == sizeof(value) ? value : NONE;
}

static bool poke(struct vm_space *vm, uint64_t addr, uint64_t value)
{
	return vm_write(vm, addr, &value, sizeof(value)) == sizeof(value);
}

static bool is_large(struct vm_space *vm, uint64_t addr)
{
	unsigned prot;
	paddr_t pa;

	return arch_pt_query_large(vm->root, addr, &pa, &prot);
}

/* Every page holds its own number. */
static void fill(struct vm_space *vm, uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end; at += PAGE_SIZE)
		KTEST_EXPECT(poke(vm, at, at));
}

static bool intact(struct vm_space *vm, uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end; at += PAGE_SIZE) {
		if (peek(vm, at) != at)
			return false;
	}
	return true;
}

static void advice_gives_one_at_once(void)
{
	struct vm_space *vm = new_space(3, VM_HUGEPAGE);

	KTEST_EXPECT(poke(vm, BASE + LARGE + 5 * PAGE_SIZE, 7) && is_large(vm, BASE + LARGE));
	KTEST_EXPECT(vm->pages_mapped == 512 && vm_large_mapped_pages() == mapped_before + 512);
	KTEST_EXPECT(peek(vm, BASE + LARGE) == 0 && peek(vm, BASE + 2 * LARGE - 8) == 0);
	KTEST_EXPECT(!is_large(vm, BASE) && !is_large(vm, BASE + 2 * LARGE));
	end_space(vm);
}

static void without_advice_only_beside_what_is_in_use(void)
{
	struct vm_space *vm = new_space(4, 0);

	KTEST_EXPECT(poke(vm, BASE, 1) && !is_large(vm, BASE));
	KTEST_EXPECT(poke(vm, BASE + LARGE, 1) && !is_large(vm, BASE + LARGE));
	fill(vm, BASE + LARGE, BASE + LARGE + LARGE / 2);
	KTEST_EXPECT(poke(vm, BASE + 2 * LARGE, 1) && is_large(vm, BASE + 2 * LARGE));
	KTEST_EXPECT(poke(vm, BASE + 3 * LARGE, 1) && is_large(vm, BASE + 3 * LARGE));
	KTEST_EXPECT(vm_set_flags(vm, BASE, 4 * LARGE, VM_NOHUGEPAGE, 0) == 0);
	KTEST_EXPECT(vm_discard(vm, BASE, 4 * LARGE, false) == 0);
	fill(vm, BASE, BASE + LARGE);
	KTEST_EXPECT(poke(vm, BASE + 2 * LARGE, 1) && !is_large(vm, BASE + 2 * LARGE));
	end_space(vm);
}

static void policy_is_obeyed(void)
{
	enum vm_large_policy before = vm_large_get_policy();
	struct vm_space *vm = new_space(2, VM_HUGEPAGE);

	KTEST_EXPECT(vm_large_set_policy("sometimes") == -EINVAL && vm_large_get_policy() == before);
	KTEST_EXPECT(vm_large_set_policy("never") == 0);
	KTEST_EXPECT(poke(vm, BASE, 1) && !is_large(vm, BASE));
	KTEST_EXPECT(vm_large_set_policy("madvise") == 0);
	KTEST_EXPECT(poke(vm, BASE + LARGE, 1) && is_large(vm, BASE + LARGE));
	KTEST_EXPECT(vm_large_set_policy("always") == 0);
	end_space(vm);
}

static void parts_can_be_unmapped(void)
{
	struct vm_space *vm = new_space(3, VM_HUGEPAGE);
	uint64_t end = BASE + 3 * LARGE, from = BASE + LARGE / 2, to = BASE + 2 * LARGE + 3 * PAGE_SIZE;

	fill(vm, BASE, end);
	KTEST_EXPECT(is_large(vm, BASE) && vm->pages_mapped == 3 * 512);
	KTEST_EXPECT(vm_unmap(vm, from, to - from) == 0);
	KTEST_EXPECT(vm->pages_mapped == (end - to + from - BASE) / PAGE_SIZE);
	KTEST_EXPECT(intact(vm, BASE, from) && intact(vm, to, end) && !is_large(vm, BASE));
	KTEST_EXPECT(peek(vm, from) == NONE && peek(vm, to - PAGE_SIZE) == NONE);
	KTEST_EXPECT(vm_large_mapped_pages() == mapped_before);
	KTEST_EXPECT(vm_unmap(vm, 0, USER_END) == 0 && arch_pt_table_count(vm->root) == 1);
	end_space(vm);
}

static void parts_can_be_protected_and_discarded(void)
{
	struct vm_space *vm = new_space(2, VM_HUGEPAGE);
	uint64_t page = BASE + 17 * PAGE_SIZE;

	fill(vm, BASE, BASE + 2 * LARGE);
	KTEST_EXPECT(vm_protect(vm, BASE + LARGE, LARGE, VM_READ) == 0 && is_large(vm, BASE + LARGE));
	KTEST_EXPECT(!poke(vm, BASE + LARGE, 1) && intact(vm, BASE, BASE + 2 * LARGE));
	KTEST_EXPECT(vm_protect(vm, BASE + LARGE, LARGE, 0) == 0 && peek(vm, BASE + LARGE) == NONE);
	KTEST_EXPECT(vm_protect(vm, BASE + LARGE, LARGE, RW) == 0 && is_large(vm, BASE + LARGE));
	KTEST_EXPECT(poke(vm, BASE + LARGE, BASE + LARGE) && is_large(vm, BASE + LARGE));
	KTEST_EXPECT(vm_protect(vm, page, PAGE_SIZE, VM_READ) == 0 && !is_large(vm, BASE));
	KTEST_EXPECT(!poke(vm, page, 1) && poke(vm, page + PAGE_SIZE, page + PAGE_SIZE));
	KTEST_EXPECT(intact(vm, BASE, BASE + 2 * LARGE));
	KTEST_EXPECT(vm_discard(vm, BASE + LARGE + PAGE_SIZE, PAGE_SIZE, false) == 0);
	KTEST_EXPECT(peek(vm, BASE + LARGE + PAGE_SIZE) == 0);
	KTEST_EXPECT(intact(vm, BASE, BASE + LARGE + PAGE_SIZE) &&
		     intact(vm, BASE + LARGE + 2 * PAGE_SIZE, BASE + 2 * LARGE));
	KTEST_EXPECT(vm_discard(vm, BASE, 2 * LARGE, false) == 0 && vm->pages_mapped == 0);
	end_space(vm);
}

static void code_stays_small(void)
{
	struct vm_space *vm = new_space(1, VM_HUGEPAGE);

	fill(vm, BASE, BASE + LARGE);
	KTEST_EXPECT(is_large(vm, BASE));
	KTEST_EXPECT(vm_protect(vm, BASE, LARGE, VM_READ | VM_EXEC) == 0 && !is_large(vm, BASE));
	KTEST_EXPECT(intact(vm, BASE, BASE + LARGE));
	end_space(vm);
}

static void fork_shares_and_copies_on_write(void)
{
	struct vm_space *vm = new_space(2, VM_HUGEPAGE), *child = NULL;
	uint64_t used;

	fill(vm, BASE, BASE + 2 * LARGE);
	KTEST_EXPECT(vm_space_fork(vm, &child) == 0 && child->pages_mapped == 2 * 512);
	KTEST_EXPECT(is_large(child, BASE) && vm_large_mapped_pages() == mapped_before + 4 * 512);
	used = pmm_used_memory();
	KTEST_EXPECT(poke(child, BASE + PAGE_SIZE, 100) && !is_large(child, BASE) && is_large(vm, BASE));
	KTEST_EXPECT(pmm_used_memory() == used + PAGE_SIZE); /* one small page was copied */
	KTEST_EXPECT(poke(vm, BASE + LARGE, 200) && is_large(child, BASE + LARGE));
	KTEST_EXPECT(peek(vm, BASE + PAGE_SIZE) == BASE + PAGE_SIZE && peek(child, BASE + PAGE_SIZE) == 100);
	KTEST_EXPECT(peek(child, BASE + LARGE) == BASE + LARGE && peek(vm, BASE + LARGE) == 200);
	KTEST_EXPECT(intact(child, BASE + 2 * PAGE_SIZE, BASE + 2 * LARGE));
	vm_space_put(child);
	/* Alone again: a write takes the large page as it is. */
	KTEST_EXPECT(poke(vm, BASE, BASE) && is_large(vm, BASE) && intact(vm, BASE, BASE + LARGE));
	KTEST_EXPECT(poke(vm, BASE + LARGE, BASE + LARGE) && intact(vm, BASE + LARGE, BASE + 2 * LARGE));
	end_space(vm);
}

static void mremap_moves_them_in_parts(void)
{
	struct vm_space *vm = new_space(2, VM_HUGEPAGE);
	uint64_t to = BASE + 10 * LARGE + 7 * PAGE_SIZE, from = BASE + 300 * PAGE_SIZE;

	fill(vm, BASE, BASE + 2 * LARGE);
	KTEST_EXPECT(vm_remap(vm, from, LARGE, LARGE, VM_REMAP_MAYMOVE | VM_REMAP_FIXED, UINT64_MAX, &to) ==
		     0);
	KTEST_EXPECT(intact(vm, BASE, from) && intact(vm, from + LARGE, BASE + 2 * LARGE));
	for (uint64_t at = 0; at < LARGE; at += PAGE_SIZE)
		KTEST_EXPECT(peek(vm, to + at) == from + at);
	KTEST_EXPECT(peek(vm, from) == NONE && vm->pages_mapped == 2 * 512);
	end_space(vm);
}

/* Runs of frames are rare when memory is in pieces: then small pages do. */
static void small_pages_when_no_run_is_free(void)
{
	struct vm_space *vm = new_space(1, VM_HUGEPAGE);
	paddr_t head = PADDR_NONE, pa;

	while ((pa = pmm_alloc_contiguous(512, 512, PAGE_KERNEL, 0)) != PADDR_NONE) {
		*(paddr_t *)phys_to_virt(pa) = head;
		head = pa;
	}
	KTEST_EXPECT(poke(vm, BASE + PAGE_SIZE, 1) && !is_large(vm, BASE) && vm->pages_mapped == 1);
	while (head != PADDR_NONE) {
		pa = head;
		head = *(paddr_t *)phys_to_virt(pa);
		pmm_free_contiguous(pa, 512);
	}
	end_space(vm);
}

/* Random operations on a family of spaces, against what a plain array says each page must hold. */
#define SLOTS 1536 /* pages of 3 stretches */

static void do_random_step(struct vm_space *vm, uint16_t *model, int step)
{
	uint64_t page = random_u64() % SLOTS, n = 1 + random_u64() % (random_u64() % 4 ? 16 : 700);
	uint64_t at = BASE + page * PAGE_SIZE;

	n = MIN(n, SLOTS - page);
	switch (random_u64() % 6) {
	case 0:
		KTEST_EXPECT(vm_discard(vm, at, n * PAGE_SIZE, false) == 0);
		for (uint64_t i = page; i < page + n; i++)
			model[i] = 0;
		break;
	case 1:
		KTEST_EXPECT(vm_unmap(vm, at, n * PAGE_SIZE) == 0);
		KTEST_EXPECT(vm_map(vm, &at, n * PAGE_SIZE, RW | VM_HUGEPAGE, ALL, VM_MAP_FIXED, NULL, 0) ==
			     0);
		for (uint64_t i = page; i < page + n; i++)
			model[i] = 0;
		break;
	case 2:
		KTEST_EXPECT(vm_protect(vm, at, n * PAGE_SIZE, random_u64() % 2 ? VM_READ : 0) == 0);
		KTEST_EXPECT(vm_protect(vm, at, n * PAGE_SIZE, RW) == 0);
		break;
	default:
		KTEST_EXPECT(poke(vm, at, (uint16_t)step));
		model[page] = (uint16_t)step;
	}
}

static void random_operations_match_a_model(void)
{
	static uint16_t models[3][SLOTS];
	struct vm_space *vm[3] = { new_space(3, VM_HUGEPAGE) };

	for (int step = 1; step < 4000; step++) {
		unsigned i = (unsigned)(random_u64() % 3), from = (unsigned)(random_u64() % 3);

		if (step % 50 == 0 && i != from && vm[from]) { /* i becomes from's child */
			if (vm[i])
				vm_space_put(vm[i]);
			KTEST_EXPECT(vm_space_fork(vm[from], &vm[i]) == 0);
			for (unsigned n = 0; n < SLOTS; n++)
				models[i][n] = models[from][n];
		}
		if (vm[i])
			do_random_step(vm[i], models[i], step);
		if (vm[i] && step % 100 == 0) {
			for (uint64_t n = 0; n < SLOTS; n++)
				KTEST_EXPECT(peek(vm[i], BASE + n * PAGE_SIZE) == models[i][n]);
		}
	}
	for (unsigned i = 1; i < 3; i++) {
		if (vm[i])
			vm_space_put(vm[i]);
	}
	if (vm[0])
		end_space(vm[0]);
}

static const struct ktest_case cases[] = {
	{ "advice gives one at once", advice_gives_one_at_once },
	{ "without advice only beside what is in use", without_advice_only_beside_what_is_in_use },
	{ "the policy is obeyed", policy_is_obeyed },
	{ "parts can be unmapped", parts_can_be_unmapped },
	{ "parts can be protected and discarded", parts_can_be_protected_and_discarded },
	{ "code stays small", code_stays_small },
	{ "fork shares and copies on write", fork_shares_and_copies_on_write },
	{ "mremap moves them in parts", mremap_moves_them_in_parts },
	{ "small pages when no run is free", small_pages_when_no_run_is_free },
	{ "random operations match a model", random_operations_match_a_model },
};

KTEST_SUITE("large-pages", cases);
