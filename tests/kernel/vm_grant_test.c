/* SPDX-License-Identifier: BSD-2-Clause */
/* Mappings that are taken back: everywhere, completely, for good. */
#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/trap.h>
#include <kernel/cpumask.h>
#include <kernel/ktest.h>
#include <kernel/sched.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#define RW    (VM_READ | VM_WRITE)
#define ALL   (VM_READ | VM_WRITE | VM_EXEC)
#define PAGES 4ul
#define NONE  (~0ull)

static _Atomic unsigned released;

static void count_release(struct vm_grant *grant)
{
	(void)grant;
	atomic_fetch_add(&released, 1);
}

struct setup {
	struct vm_space *vm;
	struct vm_object *object;
	struct vm_grant grant;
	uint64_t shared, private, other; /* `other` has no grant */
};

static uint64_t map(const struct setup *s, uint32_t flags, struct vm_grant *grant)
{
	struct vm_source source = { s->object, 0, grant };
	uint64_t at = 0;

	KTEST_EXPECT(vm_map_from(s->vm, &at, PAGES * PAGE_SIZE, flags, ALL, 0, &source) == 0);
	return at;
}

static void set_up(struct setup *s)
{
	atomic_store(&released, 0);
	s->object = vm_object_create_anon(PAGES * PAGE_SIZE);
	KTEST_EXPECT(s->object && vm_space_create(&s->vm) == 0);
	vm_grant_init(&s->grant, count_release);
	s->shared = map(s, RW | VM_SHARED, &s->grant);
	s->private = map(s, RW, &s->grant);
	s->other = map(s, RW | VM_SHARED, NULL);
	vm_grant_put(&s->grant);
}

static void tear_down(struct setup *s)
{
	vm_space_put(s->vm);
	KTEST_EXPECT(atomic_load(&released) == 1);
	KTEST_EXPECT(refcount_read(&s->object->refs) == 1 && s->object->writers == 0);
	vm_object_put(s->object);
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

static void revoked_areas_are_empty_for_good(void)
{
	struct setup s;
	uint64_t before;

	set_up(&s);
	KTEST_EXPECT(poke(s.vm, s.shared, 1) && poke(s.vm, s.private + PAGE_SIZE, 2));
	KTEST_EXPECT(peek(s.vm, s.other) == 1);
	KTEST_EXPECT(s.vm->pages_mapped == 3 && s.object->writers == 2);
	before = s.vm->pages_reserved;
	vm_grant_revoke(&s.grant, s.object);
	KTEST_EXPECT(s.vm->pages_mapped == 1 && s.vm->pages_reserved == before);
	KTEST_EXPECT(s.object->writers == 1); /* who wants to seal it can, once the other is gone */
	KTEST_EXPECT(vm_fault(s.vm, s.shared, 0) == -ENXIO &&
		     vm_fault(s.vm, s.private, FAULT_WRITE) == -ENXIO);
	KTEST_EXPECT(peek(s.vm, s.shared) == NONE && !poke(s.vm, s.shared, 3));
	KTEST_EXPECT(peek(s.vm, s.private + PAGE_SIZE) == NONE);
	KTEST_EXPECT(peek(s.vm, s.other) == 1 && poke(s.vm, s.other, 4));
	vm_grant_revoke(&s.grant, s.object); /* once more changes nothing */
	KTEST_EXPECT(peek(s.vm, s.other) == 4);
	tear_down(&s);
}

static void calls_on_revoked_areas_are_sensible(void)
{
	unsigned char resident[PAGES];
	struct setup s;
	uint64_t to = 0;

	set_up(&s);
	KTEST_EXPECT(poke(s.vm, s.shared, 1));
	vm_grant_revoke(&s.grant, s.object);
	KTEST_EXPECT(vm_residency(s.vm, s.shared, resident, PAGES) == 0 && resident[0] == 0);
	KTEST_EXPECT(vm_protect(s.vm, s.shared, PAGE_SIZE, VM_READ) == 0);
	KTEST_EXPECT(vm_protect(s.vm, s.shared, PAGE_SIZE, RW) == 0);
	KTEST_EXPECT(vm_populate(s.vm, s.shared, PAGE_SIZE, true) == -EFAULT);
	KTEST_EXPECT(vm_lock(s.vm, s.shared, PAGE_SIZE, VM_LOCKED, UINT64_MAX) == -ENOMEM);
	KTEST_EXPECT(vm_discard(s.vm, s.private, PAGES * PAGE_SIZE, false) == 0);
	KTEST_EXPECT(vm_remove(s.vm, s.shared + PAGE_SIZE, PAGE_SIZE) == -EACCES);
	KTEST_EXPECT(vm_will_need(s.vm, s.shared, PAGE_SIZE) == 0);
	KTEST_EXPECT(peek(s.vm, s.other) == 1);
	/* Moving it or making it longer brings nothing back. */
	KTEST_EXPECT(vm_remap(s.vm, s.private, PAGES * PAGE_SIZE, 2 * PAGES * PAGE_SIZE, VM_REMAP_MAYMOVE,
			      UINT64_MAX, &to) == 0);
	KTEST_EXPECT(vm_fault(s.vm, to, 0) == -ENXIO && vm_fault(s.vm, to + PAGES * PAGE_SIZE, 0) == -ENXIO);
	/* What takes its place is as good as new. */
	to = s.shared + PAGE_SIZE;
	KTEST_EXPECT(vm_map(s.vm, &to, PAGE_SIZE, RW, ALL, VM_MAP_FIXED, NULL, 0) == 0);
	KTEST_EXPECT(poke(s.vm, to, 7) && peek(s.vm, to) == 7 && peek(s.vm, s.shared) == NONE);
	KTEST_EXPECT(vm_unmap(s.vm, s.shared, PAGES * PAGE_SIZE) == 0);
	KTEST_EXPECT(atomic_load(&released) == 0);
	tear_down(&s);
}

/* Parts, moved ones, second ones, and those of children go with it; before it or after it. */
static void descendants_go_too(void)
{
	struct vm_space *before = NULL, *after = NULL;
	uint64_t moved = 0, second = 0;
	struct setup s;

	set_up(&s);
	KTEST_EXPECT(poke(s.vm, s.shared, 1) && poke(s.vm, s.private, 2));
	KTEST_EXPECT(vm_space_fork(s.vm, &before) == 0);
	KTEST_EXPECT(poke(before, s.private, 3) && peek(s.vm, s.private) == 2);
	KTEST_EXPECT(vm_unmap(s.vm, s.shared + PAGE_SIZE, PAGE_SIZE) == 0);
	KTEST_EXPECT(vm_protect(s.vm, s.private + PAGE_SIZE, PAGE_SIZE, VM_READ) == 0);
	KTEST_EXPECT(vm_remap(s.vm, s.private + 2 * PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
			      VM_REMAP_MAYMOVE | VM_REMAP_DONTUNMAP, UINT64_MAX, &moved) == 0);
	KTEST_EXPECT(vm_remap(s.vm, s.shared, 0, PAGE_SIZE, VM_REMAP_MAYMOVE, UINT64_MAX, &second) == 0);
	KTEST_EXPECT(peek(s.vm, second) == 1 && poke(s.vm, moved, 5));
	vm_grant_revoke(&s.grant, s.object);
	KTEST_EXPECT(vm_space_fork(s.vm, &after) == 0);
	KTEST_EXPECT(peek(s.vm, s.shared + 2 * PAGE_SIZE) == NONE &&
		     peek(s.vm, s.private + PAGE_SIZE) == NONE);
	KTEST_EXPECT(peek(s.vm, moved) == NONE && peek(s.vm, second) == NONE);
	KTEST_EXPECT(peek(before, s.shared) == NONE && peek(before, s.private) == NONE);
	KTEST_EXPECT(peek(after, s.shared) == NONE && peek(after, moved) == NONE);
	KTEST_EXPECT(peek(before, s.other) == 1 && peek(after, s.other) == 1);
	vm_space_put(before);
	vm_space_put(after);
	tear_down(&s);
}

static void neighbours_of_other_grants_stay_apart(void)
{
	struct vm_source source;
	struct vm_grant second;
	struct vm_area area;
	struct setup s;
	uint64_t at;

	set_up(&s);
	vm_grant_init(&second, count_release);
	source = (struct vm_source){ s.object, PAGE_SIZE, &second };
	at = s.shared + PAGE_SIZE;
	KTEST_EXPECT(vm_map_from(s.vm, &at, PAGE_SIZE, RW | VM_SHARED, ALL, VM_MAP_FIXED, &source) == 0);
	vm_grant_put(&second);
	KTEST_EXPECT(poke(s.vm, at, 1) && poke(s.vm, at + PAGE_SIZE, 2));
	vm_grant_revoke(&second, s.object);
	KTEST_EXPECT(peek(s.vm, at) == NONE && peek(s.vm, at + PAGE_SIZE) == 2);
	KTEST_EXPECT(vm_next_area(s.vm, at, &area) && area.end == at + PAGE_SIZE &&
		     (area.flags & VM_REVOKED));
	vm_object_put(area.object);
	KTEST_EXPECT(vm_unmap(s.vm, at, PAGE_SIZE) == 0);
	KTEST_EXPECT(atomic_load(&released) == 1); /* at once, not with the space */
	atomic_store(&released, 0);
	tear_down(&s);
}

/* --- against programs that run ----------------------------------------------------------------------- */

#define OTHERS 3u
#define ROUNDS 200u

static struct setup race;
static _Atomic uint32_t running, gone;
static _Atomic uint64_t target; /* where to touch; 0: end */

/* Touches what there is by page faults and copies, like a program on another CPU. */
static void touch(void *unused)
{
	uint64_t at, n = 0;

	(void)unused;
	atomic_fetch_add(&running, 1);
	while ((at = atomic_load(&target)) != 0) {
		n++;
		(void)!poke(race.vm, at + n % PAGES * PAGE_SIZE, n);
		(void)!vm_fault(race.vm, at + n % PAGES * PAGE_SIZE, n % 3 ? FAULT_WRITE : 0);
	}
	atomic_fetch_add(&gone, 1);
}

static bool start_others(void)
{
	atomic_store(&running, 0);
	atomic_store(&gone, 0);
	if (cpu_count <= OTHERS)
		return false;
	for (uint32_t i = 0; i < OTHERS; i++) {
		struct cpumask mask = cpumask_of((arch_this_cpu()->id + 1 + i) % (OTHERS + 1));
		struct task *task = kthread_create("touch", touch, NULL);

		if (!task || sched_set_affinity(task, &mask) < 0)
			return false;
	}
	while (atomic_load(&running) < OTHERS)
		sched_yield();
	return true;
}

static bool any_mapped(uint64_t at)
{
	unsigned prot;
	paddr_t pa;

	return arch_pt_next(race.vm->root, at, at + PAGES * PAGE_SIZE, &pa, &prot) < at + PAGES * PAGE_SIZE;
}

/* Shared and private areas in turn.  Whatever the others are doing, nothing is mapped once it is revoked,
 * and the object keeps what it had then. */
static void no_fault_slips_in(void)
{
	unsigned wrong = 0;

	set_up(&race);
	atomic_store(&target, USER_MIN); /* where nothing is */
	if (!start_others()) {
		vm_grant_revoke(&race.grant, race.object);
		tear_down(&race);
		return;
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct vm_grant grant;
		uint64_t at;

		vm_grant_init(&grant, count_release);
		at = map(&race, i % 2 ? RW : RW | VM_SHARED, &grant);
		atomic_store(&target, at);
		for (unsigned spins = 0; spins < i * 20 && !any_mapped(at); spins++)
			arch_cpu_relax();
		vm_grant_revoke(&grant, race.object);
		wrong += any_mapped(at);
		KTEST_EXPECT(poke(race.vm, race.other, NONE - 1));
		for (unsigned spins = 0; spins < 2000; spins++)
			wrong += peek(race.vm, race.other) != NONE - 1 && spins % 64 == 0;
		wrong += any_mapped(at);
		KTEST_EXPECT(vm_unmap(race.vm, at, PAGES * PAGE_SIZE) == 0);
		vm_grant_put(&grant);
	}
	atomic_store(&target, 0);
	while (atomic_load(&gone) < OTHERS)
		sched_yield();
	KTEST_EXPECT(wrong == 0);
	KTEST_EXPECT(atomic_load(&released) == ROUNDS);
	atomic_store(&released, 0);
	tear_down(&race);
}

static const struct ktest_case cases[] = {
	{ "revoked areas are empty for good", revoked_areas_are_empty_for_good },
	{ "calls on revoked areas are sensible", calls_on_revoked_areas_are_sensible },
	{ "descendants go, too", descendants_go_too },
	{ "neighbours of other grants stay apart", neighbours_of_other_grants_stay_apart },
	{ "no fault slips in", no_fault_slips_in },
};

KTEST_SUITE("vm_grant", cases);
