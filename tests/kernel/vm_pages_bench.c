/* SPDX-License-Identifier: BSD-2-Clause */
/* What a page costs on its way through a message, and a copy of as much.  Sender and receiver are one space
 * here. */
#include <kernel/kbench.h>

#include <arch/trap.h>
#include <kernel/sched.h>
#include <kernel/vm.h>
#include <kernel/vm_pages.h>

#define RW     (VM_READ | VM_WRITE)
#define PAGES  32u
#define SOURCE 0x40000000ul
#define TARGET 0x50000000ul

static struct vm_space *space;
static paddr_t frames[VM_PAGES_MAX];

static bool enter(void)
{
	uint64_t at = SOURCE, to = TARGET;

	if (vm_space_create(&space) < 0)
		return false;
	task_switch_vm(space);
	return vm_map(space, &at, PAGES * PAGE_SIZE, RW, RW, VM_MAP_FIXED, NULL, 0) == 0 &&
	       vm_map(space, &to, PAGES * PAGE_SIZE, RW, RW, VM_MAP_FIXED, NULL, 0) == 0 &&
	       vm_populate(space, SOURCE, PAGES * PAGE_SIZE, true) == 0 &&
	       vm_populate(space, TARGET, PAGES * PAGE_SIZE, true) == 0;
}

static void leave(void)
{
	task_switch_vm(NULL);
	vm_space_put(space);
}

/* Back and forth, so that each takes what it was given; every page replaces one. */
static uint64_t take_and_give(unsigned n, enum vm_take how, bool taking)
{
	uint64_t start, cycles = 0;
	bool ok = enter();

	for (unsigned i = 0; ok && i < n; i += PAGES) {
		uint64_t from = i / PAGES % 2 ? TARGET : SOURCE;

		start = arch_cycles();
		ok = vm_pages_take(from, PAGES, how, frames) == 0;
		cycles += taking ? arch_cycles() - start : 0;
		start = arch_cycles();
		ok &= vm_pages_give(SOURCE + TARGET - from, PAGES, frames) == 0;
		cycles += taking ? 0 : arch_cycles() - start;
		if (how == VM_TAKE_SHARE)
			ok &= vm_populate(space, SOURCE, PAGES * PAGE_SIZE, true) == 0 &&
			      vm_populate(space, TARGET, PAGES * PAGE_SIZE, true) == 0;
		else
			ok &= vm_populate(space, from, PAGES * PAGE_SIZE, true) == 0;
	}
	leave();
	return ok ? cycles : 0;
}

static uint64_t take_moved(unsigned n)
{
	return take_and_give(n, VM_TAKE_MOVE, true);
}

static uint64_t give_moved(unsigned n)
{
	return take_and_give(n, VM_TAKE_MOVE, false);
}

static uint64_t take_shared(unsigned n)
{
	return take_and_give(n, VM_TAKE_SHARE, true);
}

static uint64_t give_shared(unsigned n)
{
	return take_and_give(n, VM_TAKE_SHARE, false);
}

static uint64_t copy_across(unsigned n, size_t len)
{
	uint64_t start, cycles;
	bool ok = enter(), theirs;

	start = arch_cycles();
	for (unsigned i = 0; ok && i < n; i++)
		ok = vm_copy_to_space(space, TARGET, SOURCE, len, &theirs) == 0;
	cycles = arch_cycles() - start;
	leave();
	return ok ? cycles : 0;
}

static uint64_t copy_1k(unsigned n)
{
	return copy_across(n, 1024);
}

static uint64_t copy_4k(unsigned n)
{
	return copy_across(n, 4096);
}

static const struct kbench_row rows[] = {
	{ "page taken to move, each of 32", 32 * 8, take_moved },
	{ "page given that was moved, each of 32", 32 * 8, give_moved },
	{ "page taken to share, each of 32", 32 * 8, take_shared },
	{ "page given that is shared, each of 32", 32 * 8, give_shared },
	{ "1 KiB copied across", 200, copy_1k },
	{ "4 KiB copied across", 200, copy_4k },
};
KBENCH_SUITE("vm_pages", rows);
