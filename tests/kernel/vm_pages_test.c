/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole pages from one space to another: exact contents, nobody can change what is under way, nothing is
 * left. */
#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/trap.h>
#include <arch/usercopy.h>
#include <kernel/cpumask.h>
#include <kernel/ktest.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <kernel/vm_pages.h>
#include <serix/errno.h>

#define RW    (VM_READ | VM_WRITE)
#define BASE  0x40000000ul
#define THERE 0x50000000ul /* in the receiver */
#define COUNT 8u
#define NONE  (~0ull)

static struct vm_space *sender, *receiver;
static paddr_t frames[VM_PAGES_MAX];
static uint64_t anon_before;

static uint64_t anon_pages(void)
{
	struct pmm_stats stats;

	pmm_get_stats(&stats);
	return stats.used[PAGE_ANON];
}

static void map_anon(struct vm_space *vm, uint64_t at, uint64_t pages, uint32_t flags)
{
	KTEST_EXPECT(vm_map(vm, &at, pages * PAGE_SIZE, flags, RW, VM_MAP_FIXED, NULL, 0) == 0);
}

static void set_up(void)
{
	anon_before = anon_pages();
	KTEST_EXPECT(vm_space_create(&sender) == 0 && vm_space_create(&receiver) == 0);
	map_anon(sender, BASE, COUNT, RW);
	map_anon(receiver, THERE, COUNT, RW);
	task_switch_vm(sender);
}

static void tear_down(void)
{
	task_switch_vm(NULL);
	KTEST_EXPECT(sender->pages_mapped <= COUNT && receiver->pages_mapped <= COUNT);
	vm_space_put(sender);
	vm_space_put(receiver);
	KTEST_EXPECT(anon_pages() == anon_before);
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

static void fill(uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		KTEST_EXPECT(put_user_u64(BASE + i * PAGE_SIZE + 8 * i, i + 1) == 0);
}

/* Are the frames what fill has written? */
static bool as_filled(uint64_t addr, struct vm_space *vm, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		if (peek(vm, addr + i * PAGE_SIZE + 8 * i) != i + 1 ||
		    peek(vm, addr + i * PAGE_SIZE + 2048) != 0)
			return false;
	}
	return true;
}

static int give(unsigned count)
{
	int err;

	task_switch_vm(receiver);
	err = vm_pages_give(THERE, count, frames);
	task_switch_vm(sender);
	return err;
}

static void moved_pages_are_gone(void)
{
	set_up();
	fill(COUNT);
	KTEST_EXPECT(poke(receiver, THERE, 99) && poke(receiver, THERE + 3 * PAGE_SIZE, 99));
	KTEST_EXPECT(vm_pages_take(BASE, COUNT, VM_TAKE_MOVE, frames) == 0);
	KTEST_EXPECT(sender->pages_mapped == 0 && anon_pages() == anon_before + COUNT + 2);
	for (unsigned i = 0; i < COUNT; i++)
		KTEST_EXPECT(peek(sender, BASE + i * PAGE_SIZE + 8 * i) == 0);
	fill(COUNT); /* and is the sender's own again */
	KTEST_EXPECT(give(COUNT) == 0);
	KTEST_EXPECT(receiver->pages_mapped == COUNT && as_filled(THERE, receiver, COUNT));
	/* They are the receiver's alone, to be written without a fault. */
	for (unsigned i = 0; i < COUNT; i++) {
		unsigned prot;
		paddr_t pa;

		KTEST_EXPECT(arch_pt_query(receiver->root, THERE + i * PAGE_SIZE, &pa, &prot) &&
			     pa == frames[i] && (prot & PT_WRITE));
	}
	tear_down();
}

static void shared_pages_change_on_one_side_only(void)
{
	set_up();
	fill(COUNT);
	KTEST_EXPECT(vm_pages_take(BASE, COUNT, VM_TAKE_SHARE, frames) == 0);
	KTEST_EXPECT(sender->pages_mapped == COUNT && as_filled(BASE, sender, COUNT));
	/* While they are under way: by a program, and by the kernel. */
	KTEST_EXPECT(put_user_u64(BASE, 77) == 0 && poke(sender, BASE + PAGE_SIZE + 8, 77));
	KTEST_EXPECT(give(COUNT) == 0);
	KTEST_EXPECT(as_filled(THERE, receiver, COUNT));
	/* Afterwards, on either side. */
	KTEST_EXPECT(put_user_u64(BASE + 2 * PAGE_SIZE + 16, 77) == 0);
	KTEST_EXPECT(as_filled(THERE, receiver, COUNT));
	KTEST_EXPECT(poke(receiver, THERE + 3 * PAGE_SIZE + 24, 88) &&
		     peek(sender, BASE + 3 * PAGE_SIZE + 24) == 4);
	KTEST_EXPECT(peek(sender, BASE) == 77 && peek(sender, BASE + PAGE_SIZE + 8) == 77);
	tear_down();
}

static void pages_never_touched_are_zeroes(void)
{
	set_up();
	KTEST_EXPECT(put_user_u64(BASE + PAGE_SIZE, 1) == 0);
	KTEST_EXPECT(poke(receiver, THERE, 99) && poke(receiver, THERE + PAGE_SIZE, 99));
	KTEST_EXPECT(vm_pages_take(BASE, 3, VM_TAKE_MOVE, frames) == 0);
	KTEST_EXPECT(frames[0] == VM_PAGE_ZEROES && frames[1] != VM_PAGE_ZEROES &&
		     frames[2] == VM_PAGE_ZEROES);
	KTEST_EXPECT(give(3) == 0);
	KTEST_EXPECT(peek(receiver, THERE) == 0 && peek(receiver, THERE + PAGE_SIZE) == 1);
	KTEST_EXPECT(receiver->pages_mapped == 2); /* the look has made one */
	tear_down();
}

/* Pages that fork has shared: their other owner keeps them. */
static void copy_on_write_pages_stay_exact(void)
{
	struct vm_space *child = NULL;

	for (int how = VM_TAKE_SHARE; how <= VM_TAKE_MOVE; how++) {
		set_up();
		fill(COUNT);
		KTEST_EXPECT(vm_space_fork(sender, &child) == 0);
		KTEST_EXPECT(vm_pages_take(BASE, COUNT, (enum vm_take)how, frames) == 0);
		KTEST_EXPECT(give(COUNT) == 0);
		KTEST_EXPECT(poke(child, BASE, 5) && poke(receiver, THERE + PAGE_SIZE + 8, 6));
		KTEST_EXPECT(peek(receiver, THERE) == 1 && peek(child, BASE + PAGE_SIZE + 8) == 2);
		KTEST_EXPECT(peek(sender, BASE) == (how == VM_TAKE_MOVE ? 0 : 1));
		vm_space_put(child);
		KTEST_EXPECT(peek(receiver, THERE + 2 * PAGE_SIZE + 16) == 3);
		tear_down();
	}
}

/* An object's pages stay there: the message has copies, and a moved range reads as zeroes where it may be
 * written. */
static void pages_of_objects_are_copied(void)
{
	struct vm_object *object = vm_object_create_anon(COUNT * PAGE_SIZE);
	uint64_t at = BASE;

	for (int shared = 0; shared < 2; shared++) {
		set_up();
		KTEST_EXPECT(vm_map(sender, &at, COUNT * PAGE_SIZE, RW | (shared ? VM_SHARED : 0), RW,
				    VM_MAP_FIXED, object, 0) == 0);
		fill(COUNT);
		KTEST_EXPECT(vm_pages_take(BASE, COUNT, VM_TAKE_SHARE, frames) == 0);
		fill(1);
		KTEST_EXPECT(put_user_u64(BASE + PAGE_SIZE, 77) == 0);
		KTEST_EXPECT(give(COUNT) == 0 && as_filled(THERE, receiver, COUNT));
		KTEST_EXPECT(vm_pages_take(BASE, COUNT, VM_TAKE_MOVE, frames) == 0);
		KTEST_EXPECT(peek(sender, BASE) == 0 && peek(sender, BASE + PAGE_SIZE) == 0);
		vm_pages_drop(frames, COUNT);
		KTEST_EXPECT(vm_unmap(sender, BASE, COUNT * PAGE_SIZE) == 0);
		tear_down();
	}
	vm_object_put(object);
}

static void locked_and_read_only_pages_are_copied(void)
{
	set_up();
	fill(COUNT);
	KTEST_EXPECT(vm_lock(sender, BASE, PAGE_SIZE, VM_LOCKED, UINT64_MAX) == 0);
	KTEST_EXPECT(vm_protect(sender, BASE + PAGE_SIZE, PAGE_SIZE, VM_READ) == 0);
	KTEST_EXPECT(vm_pages_take(BASE, COUNT, VM_TAKE_MOVE, frames) == 0);
	KTEST_EXPECT(sender->pages_mapped == 2);
	KTEST_EXPECT(peek(sender, BASE) == 0 && peek(sender, BASE + PAGE_SIZE + 8) == 2);
	KTEST_EXPECT(give(COUNT) == 0 && as_filled(THERE, receiver, COUNT));
	tear_down();
}

static void a_hole_in_the_source_changes_nothing(void)
{
	for (int how = VM_TAKE_SHARE; how <= VM_TAKE_MOVE; how++) {
		set_up();
		fill(COUNT);
		KTEST_EXPECT(vm_unmap(sender, BASE + 5 * PAGE_SIZE, PAGE_SIZE) == 0);
		KTEST_EXPECT(vm_pages_take(BASE, COUNT, (enum vm_take)how, frames) == -EFAULT);
		KTEST_EXPECT(as_filled(BASE, sender, 5) && anon_pages() == anon_before + COUNT - 1);
		KTEST_EXPECT(vm_pages_take(BASE + 5 * PAGE_SIZE, 1, (enum vm_take)how, frames) == -EFAULT);
		KTEST_EXPECT(vm_pages_take(USER_END - PAGE_SIZE, 2, (enum vm_take)how, frames) == -EFAULT);
		tear_down();
	}
}

/* Where whole pages may not go the receiver's memory is as before, and the pages can still be copied. */
static void other_places_are_refused(void)
{
	struct vm_object *object = vm_object_create_anon(COUNT * PAGE_SIZE);
	uint64_t at = THERE;

	set_up();
	fill(COUNT);
	KTEST_EXPECT(poke(receiver, THERE, 99) &&
		     vm_protect(receiver, THERE + PAGE_SIZE, PAGE_SIZE, VM_READ) == 0);
	KTEST_EXPECT(vm_pages_take(BASE, COUNT, VM_TAKE_MOVE, frames) == 0);
	KTEST_EXPECT(give(COUNT) == -EOPNOTSUPP && peek(receiver, THERE) == 99);
	KTEST_EXPECT(vm_protect(receiver, THERE, COUNT * PAGE_SIZE, RW) == 0);
	KTEST_EXPECT(vm_lock(receiver, THERE, PAGE_SIZE, VM_LOCKED, UINT64_MAX) == 0);
	KTEST_EXPECT(give(COUNT) == -EOPNOTSUPP && peek(receiver, THERE) == 99);
	KTEST_EXPECT(vm_unmap(receiver, THERE + PAGE_SIZE, PAGE_SIZE) == 0 && give(COUNT) == -EOPNOTSUPP);
	KTEST_EXPECT(vm_map(receiver, &at, COUNT * PAGE_SIZE, RW | VM_SHARED, RW, VM_MAP_FIXED, object, 0) ==
		     0);
	KTEST_EXPECT(give(COUNT) == -EOPNOTSUPP);
	task_switch_vm(receiver);
	KTEST_EXPECT(vm_pages_copy_out(frames, 0, THERE, COUNT * PAGE_SIZE) == 0);
	KTEST_EXPECT(vm_pages_copy_out(frames, PAGE_SIZE - 4, THERE + COUNT * PAGE_SIZE, 8) == -EFAULT);
	task_switch_vm(sender);
	vm_pages_drop(frames, COUNT);
	KTEST_EXPECT(as_filled(THERE, receiver, COUNT));
	tear_down();
	vm_object_put(object);
}

/* Out of a large page and into one. */
static void large_pages_are_split(void)
{
	const uint64_t large = 0x60000000, inside = large + 7 * PAGE_SIZE;

	set_up();
	map_anon(sender, large, LARGE_PAGE_FRAMES, RW | VM_HUGEPAGE);
	KTEST_EXPECT(put_user_u64(inside, 1) == 0 && put_user_u64(inside - 8, 2) == 0);
	KTEST_EXPECT(vm_pages_take(inside, 3, VM_TAKE_SHARE, frames) == 0);
	KTEST_EXPECT(put_user_u64(inside, 3) == 0 && put_user_u64(inside - 8, 4) == 0);
	KTEST_EXPECT(vm_pages_give(large, 3, frames) == 0);
	KTEST_EXPECT(peek(sender, large) == 1 && peek(sender, inside) == 3 && peek(sender, inside - 8) == 4);
	KTEST_EXPECT(vm_unmap(sender, large, LARGE_PAGE_SIZE) == 0);

	map_anon(sender, large, LARGE_PAGE_FRAMES, RW | VM_HUGEPAGE);
	KTEST_EXPECT(put_user_u64(inside, 5) == 0 && put_user_u64(BASE, 6) == 0);
	KTEST_EXPECT(vm_pages_take(BASE, 1, VM_TAKE_MOVE, frames) == 0);
	KTEST_EXPECT(vm_pages_give(inside + PAGE_SIZE, 1, frames) == 0);
	KTEST_EXPECT(peek(sender, inside) == 5 && peek(sender, inside + PAGE_SIZE) == 6);
	KTEST_EXPECT(vm_unmap(sender, large, LARGE_PAGE_SIZE) == 0);
	tear_down();
}

/* --- straight from one space into the other ---------------------------------------------------------- */

static void copies_across_at_every_alignment(void)
{
	static uint8_t out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];
	bool theirs;

	set_up();
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 256);
	KTEST_EXPECT(copy_to_user(BASE, out, sizeof(out)) == 0);
	for (size_t len = 1; len <= 2 * PAGE_SIZE; len = len * 2 + len % 3) {
		uint64_t from = PAGE_SIZE - 3 + len % 7, to = PAGE_SIZE - len % 11;

		KTEST_EXPECT(vm_write(receiver, THERE, in, sizeof(in)) == sizeof(in));
		KTEST_EXPECT(vm_copy_to_space(receiver, THERE + to, BASE + from,
					      MIN(len, sizeof(out) - from - 1), &theirs) == 0);
		memset(in, 0, sizeof(in));
		KTEST_EXPECT(vm_read(receiver, THERE, in, sizeof(in)) == sizeof(in));
		KTEST_EXPECT(memcmp(in + to, out + from, MIN(len, sizeof(out) - from - 1)) == 0 &&
			     in[to - 1] == 0);
		memset(in, 0, sizeof(in));
	}
	tear_down();
}

static void faults_are_blamed_on_the_right_side(void)
{
	const uint64_t end = BASE + COUNT * PAGE_SIZE, there_end = THERE + COUNT * PAGE_SIZE;
	bool theirs;

	set_up();
	KTEST_EXPECT(put_user_u64(end - 8, 1) == 0);
	KTEST_EXPECT(vm_copy_to_space(receiver, THERE, end - 8, 16, &theirs) == -EFAULT && !theirs);
	KTEST_EXPECT(vm_copy_to_space(receiver, there_end - 8, BASE, 16, &theirs) == -EFAULT && theirs);
	KTEST_EXPECT(vm_copy_to_space(receiver, USER_END, BASE, 16, &theirs) == -EFAULT && theirs);
	KTEST_EXPECT(vm_copy_to_space(receiver, THERE, USER_END - 8, 16, &theirs) == -EFAULT && !theirs);
	KTEST_EXPECT(vm_copy_to_space(receiver, THERE, KERNEL_BASE, 16, &theirs) == -EFAULT && !theirs);
	KTEST_EXPECT(vm_protect(receiver, THERE, PAGE_SIZE, VM_READ) == 0);
	KTEST_EXPECT(vm_copy_to_space(receiver, THERE, BASE, 16, &theirs) == -EFAULT && theirs);
	tear_down();
}

/* --- while the sender's other threads write ----------------------------------------------------------- */

#define OTHERS 3u
#define ROUNDS 300u

static _Atomic uint32_t running, gone;
static _Atomic bool leave;

static void scribble(void *unused)
{
	uint64_t n = 1;

	(void)unused;
	task_switch_vm(sender);
	atomic_fetch_add(&running, 1);
	while (!atomic_load_explicit(&leave, memory_order_relaxed)) {
		(void)!put_user_u64(BASE + n % COUNT * PAGE_SIZE, n);
		n++;
	}
	task_switch_vm(NULL);
	atomic_fetch_add(&gone, 1);
}

static bool start_others(void)
{
	atomic_store(&running, 0);
	atomic_store(&gone, 0);
	atomic_store(&leave, false);
	if (cpu_count <= OTHERS)
		return false;
	for (uint32_t i = 0; i < OTHERS; i++) {
		struct cpumask mask = cpumask_of((arch_this_cpu()->id + 1 + i) % (OTHERS + 1));
		struct task *task = kthread_create("scribble", scribble, NULL);

		if (!task || sched_set_affinity(task, &mask) < 0)
			return false;
	}
	while (atomic_load(&running) < OTHERS)
		sched_yield();
	return true;
}

static bool stays_as_it_is(void)
{
	uint64_t seen[COUNT];

	for (unsigned look = 0; look < 300; look++) {
		for (unsigned i = 0; i < COUNT; i++) {
			uint64_t now = frames[i] == VM_PAGE_ZEROES
					       ? 0
					       : READ_ONCE(*(uint64_t *)phys_to_virt(frames[i]));

			if (look > 0 && now != seen[i])
				return false;
			seen[i] = now;
		}
	}
	return true;
}

static void what_is_under_way_never_changes(void)
{
	unsigned changed = 0;

	set_up();
	if (start_others()) {
		for (unsigned i = 0; i < ROUNDS; i++) {
			KTEST_EXPECT(vm_pages_take(BASE, COUNT, i % 2 ? VM_TAKE_SHARE : VM_TAKE_MOVE,
						   frames) == 0);
			changed += !stays_as_it_is();
			vm_pages_drop(frames, COUNT);
		}
	}
	atomic_store(&leave, true);
	while (atomic_load(&gone) < atomic_load(&running))
		sched_yield();
	KTEST_EXPECT(changed == 0);
	tear_down();
}

static const struct ktest_case cases[] = {
	{ "moved pages are gone", moved_pages_are_gone },
	{ "shared pages change on one side only", shared_pages_change_on_one_side_only },
	{ "pages never touched are zeroes", pages_never_touched_are_zeroes },
	{ "copy-on-write pages stay exact", copy_on_write_pages_stay_exact },
	{ "pages of objects are copied", pages_of_objects_are_copied },
	{ "locked and read-only pages are copied", locked_and_read_only_pages_are_copied },
	{ "a hole in the source changes nothing", a_hole_in_the_source_changes_nothing },
	{ "other places are refused", other_places_are_refused },
	{ "large pages are split", large_pages_are_split },
	{ "copies across at every alignment", copies_across_at_every_alignment },
	{ "faults are blamed on the right side", faults_are_blamed_on_the_right_side },
	{ "what is under way never changes", what_is_under_way_never_changes },
};

KTEST_SUITE("vm_pages", cases);
