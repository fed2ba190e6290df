/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities in the running kernel: revocation through other tables, against a sleeping call and against
 * somebody who derives as fast as he can; a million of them made and revoked, with what that holds up; growth
 * of a table; expiry by the kernel's own thread.  With `ktest.strict`, where time counts instructions
 * (tools/run --icount), how long anything is held up is judged; elsewhere a tenth of the million has to do.
 */
#include <kernel/ktest.h>

#include <kernel/cap.h>
#include <kernel/cmdline.h>
#include <kernel/percpu.h>
#include <kernel/pmm.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#define MILLION 1000000u

static const struct cap_terms all = { .rights = UINT32_MAX };

/* --- an object of no use -------------------------------------------------------------------------------- */

static _Atomic int objects;

static void release(struct kobject *obj)
{
	atomic_fetch_sub(&objects, 1);
	kfree(obj);
}

static const struct kobject_ops ops = { .release = release };

/* A table with one original in slot 0. */
static struct cap_table *new_table(void)
{
	struct kobject *obj = kzalloc(sizeof(*obj));
	struct cap_table *table = NULL;

	KTEST_EXPECT(obj && cap_table_create(&table) == 0);
	kobject_init(obj, OBJECT_FILE, &ops);
	atomic_fetch_add(&objects, 1);
	cap_table_set_limit(table, UINT32_MAX);
	KTEST_EXPECT(cap_install(table, obj, CAP_READ | CAP_WRITE, 0, 0) == 0);
	return table;
}

static bool is_there(struct cap_table *table, cap_handle_t handle)
{
	struct capability *cap;

	if (cap_use(table, handle, OBJECT_FILE, CAP_READ, &cap) < 0)
		return false;
	cap_done(cap);
	return true;
}

static bool wait_until(_Atomic int *value, int n)
{
	uint64_t deadline = time_now_ns() + 10 * NSEC_PER_SEC;

	while (atomic_load(value) < n && time_now_ns() < deadline)
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	return atomic_load(value) >= n;
}

/* --- depth, other tables -------------------------------------------------------------------------------- */

static void a_chain_is_64_long(void)
{
	struct cap_table *table = new_table();
	cap_handle_t last = 0;

	for (int depth = 1; depth <= CAP_DEPTH_MAX; depth++)
		last = cap_derive(table, last, &all, table);
	KTEST_EXPECT(last > 0);
	KTEST_EXPECT(cap_derive(table, last, &all, table) == -EMLINK);
	KTEST_EXPECT(cap_revoke(table, 0, true) == 0);
	KTEST_EXPECT(!is_there(table, last));
	KTEST_EXPECT(cap_next(table, 0, NULL) == -ENOENT);
	cap_table_put(table);
	KTEST_EXPECT(atomic_load(&objects) == 0);
}

static void revocation_reaches_other_tables(void)
{
	struct cap_table *mine = new_table(), *theirs = new_table(), *forked = NULL;
	cap_handle_t there = cap_derive(mine, 0, &all, theirs);

	KTEST_EXPECT(there > 0 && cap_table_fork(theirs, &forked) == 0);
	KTEST_EXPECT(is_there(forked, cap_handle_slot(there)));
	KTEST_EXPECT(cap_revoke(mine, 0, false) == 0);
	KTEST_EXPECT(is_there(mine, 0) && is_there(theirs, 0) && is_there(forked, 0));
	KTEST_EXPECT(!is_there(theirs, there) && !is_there(forked, cap_handle_slot(there)));
	cap_table_put(mine);
	cap_table_put(theirs);
	cap_table_put(forked);
	KTEST_EXPECT(atomic_load(&objects) == 0);
}

/* --- a call that sleeps --------------------------------------------------------------------------------- */

struct sleeper {
	struct cap_user user;
	struct cap_table *table;
	struct task *task;
	_Atomic int stage; /* 1: in a call; 2: over */
	bool was_revoked;
};

static void interrupt_sleeper(struct cap_user *user)
{
	task_interrupt(container_of(user, struct sleeper, user)->task, TASK_WORK_REVOKED);
}

static void sleep_in_a_call(void *arg)
{
	struct waitqueue never = WAITQUEUE_INIT(never);
	struct sleeper *s = arg;
	struct capability *cap;

	s->task = current_task();
	KTEST_EXPECT(cap_use(s->table, 1, OBJECT_FILE, CAP_READ, &cap) == 0);
	atomic_store(&s->stage, 1);
	KTEST_EXPECT(wait_event_interruptible(&never, false) == -EINTR);
	s->was_revoked = cap_is_revoked(cap);
	atomic_store(&s->stage, 2);
	cap_done(cap);
}

/* The revoker comes back only when the call is over. */
static void a_sleeping_call_is_interrupted(void)
{
	void (*ours)(struct cap_user *) = cap_interrupt_user;
	struct sleeper s = { .table = new_table() };

	cap_interrupt_user = interrupt_sleeper;
	cap_table_join(s.table, &s.user);
	KTEST_EXPECT(cap_dup(s.table, 0, 0, 0) == 1);
	KTEST_EXPECT(kthread_create("sleeper", sleep_in_a_call, &s) != NULL);
	KTEST_EXPECT(wait_until(&s.stage, 1));
	KTEST_EXPECT(cap_revoke(s.table, 0, false) == 0);
	KTEST_EXPECT(atomic_load(&s.stage) == 2 && s.was_revoked);
	KTEST_EXPECT(!is_there(s.table, 1) && is_there(s.table, 0));
	cap_table_leave(s.table, &s.user);
	cap_interrupt_user = ours;
	cap_table_put(s.table);
	KTEST_EXPECT(atomic_load(&objects) == 0);
}

/* --- somebody who derives as fast as he can ------------------------------------------------------------- */

struct deriver {
	struct cap_table *table;
	_Atomic bool stop;
	_Atomic int ended;
};

static void derive_on(void *arg)
{
	struct deriver *d = arg;
	uint32_t at = 0;

	while (!atomic_load(&d->stop)) {
		cap_handle_t handle = cap_derive(d->table, at, &all, d->table);

		at = handle < 0 ? 0 : cap_handle_slot(handle);
		if (handle < 0)
			sched_yield();
	}
	atomic_store(&d->ended, 1);
}

static void nobody_escapes_by_deriving(void)
{
	struct deriver d = { 0 };
	struct cap_table *mine = new_table();

	KTEST_EXPECT(cap_table_create(&d.table) == 0);
	KTEST_EXPECT(kthread_create("deriver", derive_on, &d) != NULL);
	for (int i = 0; i < 100; i++) {
		KTEST_EXPECT(cap_derive(mine, 0, &all, d.table) >= 0);
		sched_yield();
		KTEST_EXPECT(cap_revoke(mine, 0, false) == 0);
		KTEST_EXPECT(cap_next(d.table, 0, NULL) == -ENOENT);
	}
	atomic_store(&d.stop, true);
	KTEST_EXPECT(wait_until(&d.ended, 1));
	cap_table_put(d.table);
	cap_table_put(mine);
	KTEST_EXPECT(atomic_load(&objects) == 0);
}

/* --- a million ------------------------------------------------------------------------------------------ */

#define WATCH_NS (100 * NSEC_PER_USEC)

/* Wakes every so often on the same CPU, before all others: how late it is, is how long that CPU was not to be
 * had. */
struct watcher {
	struct cpumask where;
	_Atomic bool stop;
	_Atomic int ended;
	_Atomic uint64_t latest_ns;
};

static void watch(void *arg)
{
	struct sched_policy policy = { .policy = SCHED_FIFO, .rt_priority = 50 };
	struct watcher *w = arg;

	KTEST_EXPECT(sched_set_affinity(current_task(), &w->where) == 0);
	KTEST_EXPECT(sched_set_policy(current_task(), &policy) == 0);
	while (!atomic_load(&w->stop)) {
		uint64_t due = time_now_ns() + WATCH_NS, late;

		sleep_until(due, false);
		late = time_now_ns() - due;
		if (late > atomic_load(&w->latest_ns))
			atomic_store(&w->latest_ns, late);
	}
	atomic_store(&w->ended, 1);
}

/* Returns how many there was memory for; *pause_ns is the longest time that one took. */
static uint32_t derive_many(struct cap_table *table, uint32_t n, uint64_t *pause_ns)
{
	uint32_t made;

	*pause_ns = 0;
	for (made = 0; made < n; made++) {
		uint64_t start = time_now_ns(), took;
		/* Some below the original, some below one another. */
		cap_handle_t from = made % 8 ? made : 0;

		if (cap_derive(table, from, &all, table) < 0 && cap_derive(table, 0, &all, table) < 0)
			break;
		took = time_now_ns() - start;
		*pause_ns = MAX(*pause_ns, took);
	}
	return made;
}

static void start_watching(struct watcher *w)
{
	w->where = cpumask_of(arch_this_cpu()->id);
	KTEST_EXPECT(sched_set_affinity(current_task(), &w->where) == 0);
	KTEST_EXPECT(kthread_create("watcher", watch, w) != NULL);
	sleep_until(time_now_ns() + 10 * NSEC_PER_MSEC, false);
	atomic_store(&w->latest_ns, 0);
}

static uint64_t free_pages(void)
{
	struct pmm_stats stats;

	slab_reap();
	pmm_get_stats(&stats);
	return stats.free_pages;
}

static void a_million_hold_nobody_up(void)
{
	bool strict = cmdline_has("ktest.strict");
	uint32_t wanted = strict ? MILLION : MILLION / 10;
	struct watcher w = { 0 };
	struct cap_table *table = new_table();
	uint64_t before = free_pages(), start, grown_ns, revoked_ns;
	uint32_t made;

	made = derive_many(table, wanted, &grown_ns);
	start_watching(&w);
	start = time_now_ns();
	KTEST_EXPECT(cap_revoke(table, 0, false) == 0);
	revoked_ns = time_now_ns() - start;
	pr_info("cap: %u made, the slowest in %lu us; revoked in %lu ms, holding the CPU for %lu us at most",
		made, (uint64_t)(grown_ns / NSEC_PER_USEC), (uint64_t)(revoked_ns / NSEC_PER_MSEC),
		(uint64_t)(atomic_load(&w.latest_ns) / NSEC_PER_USEC));
	atomic_store(&w.stop, true);
	KTEST_EXPECT(wait_until(&w.ended, 1));
	KTEST_EXPECT(made == wanted);
	KTEST_EXPECT(!strict ||
		     (grown_ns < 100 * NSEC_PER_USEC && atomic_load(&w.latest_ns) < NSEC_PER_MSEC));
	KTEST_EXPECT(cap_next(table, 1, NULL) == -ENOENT);
	cap_table_put(table);
	KTEST_EXPECT(atomic_load(&objects) == 0);
	KTEST_EXPECT(free_pages() + 256 >= before);
}

/* --- expiry --------------------------------------------------------------------------------------------- */

static void told(struct capability *cap, void *holder)
{
	(void)cap;
	atomic_fetch_add((_Atomic int *)holder, 1);
}

static const struct cap_holder_ops holder_ops = { .revoked = told };

static void time_ends_what_is_held(void)
{
	struct cap_table *table = new_table();
	struct capability *cap, *held;
	_Atomic int times = 0;
	uint64_t ms = time_cycles_per_sec() / 1000;
	cap_handle_t child = cap_derive(table, 0, &all, table);

	KTEST_EXPECT(cap_use(table, child, OBJECT_FILE, 0, &cap) == 0);
	KTEST_EXPECT(cap_derive_held(cap, &all, &holder_ops, &times, &held) == 0);
	cap_done(cap);
	KTEST_EXPECT(cap_expire(table, child, arch_cycles() + 20 * ms) == 0);
	KTEST_EXPECT(atomic_load(&times) == 0 || !is_there(table, child));
	KTEST_EXPECT(wait_until(&times, 1));
	KTEST_EXPECT(!is_there(table, child) && is_there(table, 0));
	cap_drop(held);
	cap_table_put(table);
	KTEST_EXPECT(atomic_load(&objects) == 0);
}

static void many_that_are_due_at_once_hold_nobody_up(void)
{
	bool strict = cmdline_has("ktest.strict");
	uint32_t wanted = MILLION / (strict ? 10 : 100), made;
	struct cap_terms soon = { .rights = UINT32_MAX,
				  .expires = arch_cycles() + 3 * time_cycles_per_sec() };
	uint64_t give_up = time_now_ns() + 30 * NSEC_PER_SEC;
	struct watcher w = { 0 };
	struct cap_table *table = new_table();

	for (made = 0; made < wanted; made++)
		if (cap_derive(table, 0, &soon, table) < 0)
			break;
	start_watching(&w);
	while (cap_next(table, 1, NULL) >= 0 && time_now_ns() < give_up)
		sleep_until(time_now_ns() + 10 * NSEC_PER_MSEC, false);
	pr_info("cap: %u due at once hold the CPU for %lu us at most", made,
		(uint64_t)(atomic_load(&w.latest_ns) / NSEC_PER_USEC));
	atomic_store(&w.stop, true);
	KTEST_EXPECT(wait_until(&w.ended, 1));
	KTEST_EXPECT(made == wanted && cap_next(table, 1, NULL) == -ENOENT && is_there(table, 0));
	KTEST_EXPECT(!strict || atomic_load(&w.latest_ns) < NSEC_PER_MSEC);
	cap_table_put(table);
	/* The last is out of the table before the thread lets go of it. */
	while (atomic_load(&objects) > 0 && time_now_ns() < give_up)
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	KTEST_EXPECT(atomic_load(&objects) == 0);
}

static const struct ktest_case cases[] = {
	{ "a chain of derivations is 64 long", a_chain_is_64_long },
	{ "revocation reaches other tables", revocation_reaches_other_tables },
	{ "a sleeping call is interrupted, and waited for", a_sleeping_call_is_interrupted },
	{ "nobody escapes by deriving", nobody_escapes_by_deriving },
	{ "a million hold nobody up", a_million_hold_nobody_up },
	{ "time ends what is held", time_ends_what_is_held },
	{ "many that are due at once hold nobody up", many_that_are_due_at_once_hold_nobody_up },
};
KTEST_SUITE("cap", cases);
