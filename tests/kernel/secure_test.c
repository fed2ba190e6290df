/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secure memory as the machine has it: who can reach its frames, and what is in them.  The tests look at
 * frames through page windows and at the direct map with accesses that may fault.
 */
#include <kernel/ktest.h>

#include <arch/aes.h>
#include <arch/paging.h>
#include <arch/probe.h>
#include <arch/trap.h>
#include <kernel/memobj.h>
#include <kernel/page_window.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#define RW    (VM_READ | VM_WRITE)
#define PAGES 5u

static const char secret[] = "the secret of the test: 0123456789abcdef";

struct fixture {
	struct vm_object *object;
	struct vm_space *vm;
	uint64_t addr;
	paddr_t frames[PAGES];
};

static bool map(struct fixture *f)
{
	f->addr = 0;
	return vm_map(f->vm, &f->addr, PAGES * PAGE_SIZE, RW | VM_SHARED, RW, 0, f->object, 0) == 0;
}

/* Touch every page and note where it is. */
static bool touch(struct fixture *f)
{
	bool present = true;
	unsigned prot;

	for (unsigned i = 0; i < PAGES; i++) {
		uint64_t va = f->addr + i * PAGE_SIZE;

		present &= vm_fault(f->vm, va, FAULT_WRITE) == 0 &&
			   arch_pt_query(f->vm->root, va, &f->frames[i], &prot);
	}
	return present;
}

static bool setup(struct fixture *f)
{
	bool made;

	*f = (struct fixture){ 0 };
	if (!arch_has_aes())
		return false;
	made = vm_object_create_secure(PAGES * PAGE_SIZE, &f->object) == 0 && vm_space_create(&f->vm) == 0;
	KTEST_EXPECT(made && map(f) && touch(f));
	return true;
}

static void write_frame(paddr_t pa, const void *data, size_t len)
{
	void *window = page_window_open(pa);

	memcpy(window, data, len);
	page_window_close(window);
}

static bool frame_has(paddr_t pa, const void *data, size_t len)
{
	void *window = page_window_open(pa);
	bool same = memcmp(window, data, len) == 0;

	page_window_close(window);
	return same;
}

static bool in_direct_map(paddr_t pa)
{
	uint64_t value;

	return arch_probe_read(phys_to_virt(pa), &value);
}

static void no_alias_while_owned(void)
{
	struct fixture f;

	if (!setup(&f))
		return;
	for (unsigned i = 0; i < PAGES; i++) {
		KTEST_EXPECT(!in_direct_map(f.frames[i]));
		KTEST_EXPECT(page_of(f.frames[i])->use == PAGE_SECURE);
	}
	KTEST_EXPECT(arch_paging_audit() == 0);
	vm_space_put(f.vm);
	for (unsigned i = 0; i < PAGES; i++)
		KTEST_EXPECT(!in_direct_map(f.frames[i])); /* at rest, too */
	vm_object_put(f.object);
	for (unsigned i = 0; i < PAGES; i++)
		KTEST_EXPECT(in_direct_map(f.frames[i]));
}

static void frames_come_back_cleared(void)
{
	static const char zeros[PAGE_SIZE];
	struct fixture f;

	if (!setup(&f))
		return;
	for (unsigned i = 0; i < PAGES; i++)
		write_frame(f.frames[i], secret, sizeof(secret));
	vm_space_put(f.vm);
	vm_object_put(f.object);
	/* The first words of a free frame are still what the last owner left: nobody has taken it. */
	for (unsigned i = 0; i < PAGES; i++)
		KTEST_EXPECT(memcmp(phys_to_virt(f.frames[i]), zeros, PAGE_SIZE) == 0);
}

static void encrypted_while_nobody_maps_it(void)
{
	struct fixture f;
	uint8_t first[16], second[16];
	void *window;

	if (!setup(&f))
		return;
	for (unsigned i = 0; i < PAGES; i++)
		write_frame(f.frames[i], secret, sizeof(secret));
	KTEST_EXPECT(vm_unmap(f.vm, f.addr, 2 * PAGE_SIZE) == 0);
	KTEST_EXPECT(frame_has(f.frames[0], secret, sizeof(secret))); /* the rest of the mapping owns it */
	KTEST_EXPECT(vm_unmap(f.vm, f.addr, PAGES * PAGE_SIZE) == 0);
	for (unsigned i = 0; i < PAGES; i++)
		KTEST_EXPECT(!frame_has(f.frames[i], secret, sizeof(first)));
	/* The same text in two pages, or twice in one, does not show. */
	window = page_window_open(f.frames[0]);
	memcpy(first, window, sizeof(first));
	memcpy(second, (char *)window + PAGE_SIZE / 2, sizeof(second));
	KTEST_EXPECT(memcmp((char *)window + PAGE_SIZE - 16, second, 16) != 0); /* zeros, both */
	page_window_close(window);
	KTEST_EXPECT(!frame_has(f.frames[1], first, sizeof(first)));

	/* Mapped again: a page is decrypted when it is touched, the others stay as they are. */
	KTEST_EXPECT(map(&f) && vm_fault(f.vm, f.addr, 0) == 0);
	KTEST_EXPECT(frame_has(f.frames[0], secret, sizeof(secret)));
	KTEST_EXPECT(!frame_has(f.frames[1], secret, sizeof(first)));
	KTEST_EXPECT(touch(&f));
	for (unsigned i = 0; i < PAGES; i++)
		KTEST_EXPECT(frame_has(f.frames[i], secret, sizeof(secret)));
	vm_space_put(f.vm);
	vm_object_put(f.object);
}

static void the_kernel_cannot_reach_in(void)
{
	struct fixture f;
	char byte = 'x';

	if (!setup(&f))
		return;
	KTEST_EXPECT(vm_read(f.vm, f.addr, &byte, 1) == -EFAULT);
	KTEST_EXPECT(vm_write(f.vm, f.addr, &byte, 1) == -EFAULT && byte == 'x');
	vm_space_put(f.vm);
	vm_object_put(f.object);
}

static void nothing_is_lost(void)
{
	struct pmm_stats before, after;
	struct fixture f;

	pmm_get_stats(&before);
	for (int round = 0; round < 50 && setup(&f); round++) {
		if (round % 2) { /* the mapping goes last */
			vm_object_put(f.object);
			KTEST_EXPECT(vm_unmap(f.vm, f.addr, PAGES * PAGE_SIZE) == 0);
		}
		vm_space_put(f.vm);
		if (round % 2 == 0)
			vm_object_put(f.object);
	}
	pmm_get_stats(&after);
	KTEST_EXPECT(after.used[PAGE_SECURE] == before.used[PAGE_SECURE]);
}

static void refused_without_aes(void)
{
	struct vm_object *object;

	if (!arch_has_aes())
		KTEST_EXPECT(vm_object_create_secure(PAGE_SIZE, &object) == -EOPNOTSUPP);
}

static const struct ktest_case cases[] = {
	{ "owned frames are not in the direct map", no_alias_while_owned },
	{ "frames come back cleared", frames_come_back_cleared },
	{ "encrypted while nobody maps it", encrypted_while_nobody_maps_it },
	{ "the kernel cannot reach in", the_kernel_cannot_reach_in },
	{ "frames are not lost", nothing_is_lost },
	{ "refused without AES instructions", refused_without_aes },
};
KTEST_SUITE("secure", cases);
