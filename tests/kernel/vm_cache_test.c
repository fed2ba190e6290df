/* SPDX-License-Identifier: BSD-2-Clause */
/* Reclaim of clean cached pages: a synthetic object whose pages can be had again, mapped by two spaces. */
#include <arch/paging.h>
#include <kernel/ktest.h>
#include <kernel/pmm.h>
#include <kernel/reclaim.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#define PAGES 64ul
#define BASE  0x40000000ul

static unsigned fills;

static int fill(struct vm_object *obj, uint64_t index, struct page *page)
{
	uint64_t *words = phys_to_virt(page_addr(page));

	(void)obj;
	for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		words[i] = index * 1000 + i;
	fills++;
	return 0;
}

static const struct vm_object_ops ops = { .fill = fill };

struct setup {
	struct vm_object object;
	struct vm_space *spaces[2];
};
static struct setup s;

static void set_up(uint32_t flags)
{
	fills = 0;
	vm_object_init(&s.object, &ops, PAGES * PAGE_SIZE);
	vm_object_make_cache(&s.object);
	for (size_t i = 0; i < 2; i++) {
		uint64_t at = BASE;

		KTEST_EXPECT(vm_space_create(&s.spaces[i]) == 0);
		KTEST_EXPECT(vm_map(s.spaces[i], &at, PAGES * PAGE_SIZE, VM_READ | flags, VM_READ | VM_WRITE,
				    VM_MAP_FIXED, &s.object, 0) == 0);
	}
}

static void tear_down(void)
{
	for (size_t i = 0; i < 2; i++)
		vm_space_put(s.spaces[i]);
	KTEST_EXPECT(refcount_read(&s.object.refs) == 1);
	vm_object_put(&s.object);
}

/* Does each page of a space show what belongs there? */
static bool all_right(struct vm_space *vm)
{
	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t word;

		if (vm_read(vm, BASE + i * PAGE_SIZE + 80, &word, sizeof(word)) != sizeof(word) ||
		    word != i * 1000 + 10)
			return false;
	}
	return true;
}

static void clean_pages_go_and_come_back(void)
{
	set_up(VM_SHARED);
	KTEST_EXPECT(all_right(s.spaces[0]) && all_right(s.spaces[1]) && fills == PAGES);
	KTEST_EXPECT(s.spaces[0]->pages_mapped == PAGES && s.object.pages.count == PAGES);
	reclaim_everything();
	KTEST_EXPECT(s.object.pages.count == 0);
	KTEST_EXPECT(s.spaces[0]->pages_mapped == 0 && s.spaces[1]->pages_mapped == 0);
	KTEST_EXPECT(all_right(s.spaces[0]) && all_right(s.spaces[1]) && fills == 2 * PAGES);
	tear_down();
}

static void dirty_pages_stay(void)
{
	uint64_t word = 4711;

	set_up(VM_SHARED | VM_WRITE);
	KTEST_EXPECT(all_right(s.spaces[0]));
	KTEST_EXPECT(vm_write(s.spaces[0], BASE + 3 * PAGE_SIZE, &word, sizeof(word)) == sizeof(word));
	/* Rights that come back do not let a write pass unnoticed. */
	KTEST_EXPECT(vm_protect(s.spaces[1], BASE, PAGES * PAGE_SIZE, VM_READ) == 0);
	KTEST_EXPECT(all_right(s.spaces[1]));
	KTEST_EXPECT(vm_protect(s.spaces[1], BASE, PAGES * PAGE_SIZE, VM_READ | VM_WRITE) == 0);
	KTEST_EXPECT(vm_write(s.spaces[1], BASE + 5 * PAGE_SIZE, &word, sizeof(word)) == sizeof(word));
	reclaim_everything();
	KTEST_EXPECT(s.object.pages.count == 2);
	word = 0;
	KTEST_EXPECT(vm_read(s.spaces[1], BASE + 3 * PAGE_SIZE, &word, sizeof(word)) == sizeof(word));
	KTEST_EXPECT(word == 4711);
	tear_down();
}

static void locked_pages_stay(void)
{
	set_up(VM_SHARED);
	KTEST_EXPECT(vm_lock(s.spaces[0], BASE, 8 * PAGE_SIZE, VM_LOCKED, UINT64_MAX) == 0);
	KTEST_EXPECT(all_right(s.spaces[1]));
	reclaim_everything();
	KTEST_EXPECT(s.object.pages.count == 8 && s.spaces[0]->pages_mapped == 8);
	KTEST_EXPECT(fills == PAGES);
	tear_down();
}

/* Take all memory that programs may have: the pages must go to make room. */
static void pressure_evicts(void)
{
	uint64_t before;
	paddr_t chain = PADDR_NONE, pa;

	reclaim_everything(); /* so that kreclaim finds nothing else, and no room comes free later */
	before = vm_cache_evicted();
	set_up(VM_SHARED);
	KTEST_EXPECT(all_right(s.spaces[0]));
	while ((pa = pmm_alloc(PAGE_ANON, 0)) != PADDR_NONE) {
		*(paddr_t *)phys_to_virt(pa) = chain;
		chain = pa;
	}
	KTEST_EXPECT(vm_cache_evicted() >= before + PAGES && s.object.pages.count == 0);
	KTEST_EXPECT(vm_fault(s.spaces[0], BASE, 0) == -ENOMEM);
	while ((pa = chain) != PADDR_NONE) {
		chain = *(paddr_t *)phys_to_virt(pa);
		pmm_free(pa);
	}
	KTEST_EXPECT(all_right(s.spaces[0]));
	tear_down();
}

static const struct ktest_case cases[] = {
	{ "clean pages go and come back", clean_pages_go_and_come_back },
	{ "dirty pages stay", dirty_pages_stay },
	{ "locked pages stay", locked_pages_stay },
	{ "pressure evicts", pressure_evicts },
};

KTEST_SUITE("vm-cache", cases);
