/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/cap/table.c kernel/cap/slots.c kernel/cap/capability.c kernel/cap/tree.c */
/* sources: kernel/cap/derive.c */
/* sources: kernel/cap/revoke.c kernel/cap/expire.c kernel/cap/query.c kernel/cap/object.c kernel/cap/id.c */
/* sources: kernel/lib/siphash.c kernel/lib/bitmap.c kernel/lib/rbtree.c */
/*
 * The kernel's capabilities against user/lib/cap_model.h: 64 processes, random steps, each result compared,
 * and every slot of every table again and again.  An object is alive exactly while the model has a capability
 * to it.
 *
 *	model_test [--steps N] [--seed N] [--wrong]
 *
 * --wrong makes the model wrong on purpose; the test is then to fail, which it does by itself in a case of
 * its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <kernel/random.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <serix/errno.h>

#include "kernel/cap/cap_priv.h"
#include "user/lib/cap_model.h"

#define RIGHTS (CAP_READ | CAP_WRITE | CAP_SEEK | CAP_STAT | CAP_MAP | CAP_RIGHT_GRANT)
#define STALE  64 /* handles to what is gone */

static uint64_t steps = 200000, seed = 1, step;

/* --- chance --------------------------------------------------------------------------------------------- */

static uint64_t chance;

uint64_t random_u64(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance;
}

void random_bytes(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)random_u64();
}

static int below(int n)
{
	return (int)(random_u64() % (unsigned)n);
}

/* --- time: timers fire, and the thread that revokes runs, when a step says so --------------------------- */

#define TIMERS 8192

static struct timer *timers[TIMERS];
static void (*revoke_expired)(void *arg);
static bool is_cerberus;
static jmp_buf idle;

struct task *kthread_create(const char *name, void (*entry)(void *), void *arg)
{
	(void)name;
	(void)arg;
	revoke_expired = entry;
	return (struct task *)&revoke_expired;
}

void timer_arm(struct timer *timer, uint64_t deadline_ns)
{
	size_t i = 0;

	if (!timer->armed)
		for (; timers[i]; i++)
			assert_true(i + 1 < TIMERS);
	if (!timer->armed)
		timers[i] = timer;
	timer->deadline_ns = deadline_ns;
	timer->armed = true;
}

bool timer_cancel(struct timer *timer)
{
	bool armed = timer->armed;

	for (size_t i = 0; armed && i < TIMERS; i++)
		if (timers[i] == timer)
			timers[i] = NULL;
	timer->armed = false;
	return armed;
}

/* Where that thread goes to sleep it has done its work.  Nobody else has anything to wait for. */
int wait_sleep(uint64_t deadline_ns, bool interruptible)
{
	(void)deadline_ns;
	(void)interruptible;
	assert_true(is_cerberus);
	longjmp(idle, 1);
}

static void let_time_pass(uint64_t cycles)
{
	host_cycles += cycles;
	for (size_t i = 0; i < TIMERS; i++) {
		struct timer *timer = timers[i];

		if (timer && timer->deadline_ns <= host_cycles + 1) {
			timer_cancel(timer);
			timer->fn(timer);
		}
	}
	is_cerberus = true;
	if (!setjmp(idle))
		revoke_expired(NULL);
	is_cerberus = false;
}

/* --- objects -------------------------------------------------------------------------------------------- */

struct object {
	struct kobject k;
	int number;
};

static int alive; /* objects */

static void release(struct kobject *obj)
{
	alive--;
	free(container_of(obj, struct object, k));
}

static const struct kobject_ops ops = { .release = release };

/* --- both worlds ---------------------------------------------------------------------------------------- */

static struct cap_model model;
static struct cap_table *tables[MODEL_PROCESSES];
static cap_handle_t handles[MODEL_PROCESSES][MODEL_SLOTS]; /* of what is there */
static struct {
	int process;
	cap_handle_t handle;
} stale[STALE];
static unsigned stale_count;
static bool diverged;

static void differ(const char *what, int64_t kernel, int64_t expected)
{
	if (!diverged && !model.wrong)
		printf("# step %lu of seed %lu: %s is %ld, the model says %ld\n", step, seed, what,
		       (long)kernel, (long)expected);
	diverged = true;
}

static void same(const char *what, int64_t kernel, int64_t expected)
{
	if (kernel != expected)
		differ(what, kernel, expected);
}

/* A result that is a slot or a handle. */
static void same_slot(const char *what, int process, int64_t kernel, int64_t expected)
{
	same(what, kernel < 0 ? kernel : cap_handle_slot(kernel), expected);
	if (kernel >= 0 && expected >= 0)
		handles[process][expected] = cap_handle_of(tables[process], (int)expected);
}

/* A handle whose capability goes is remembered: it is never to name anything again. */
static void remember_stale(int process, int slot)
{
	if (!model_node(&model, process, slot) || below(8))
		return;
	stale[stale_count % STALE].process = process;
	stale[stale_count % STALE].handle = handles[process][slot];
	stale_count++;
}

static void forget_process(int process)
{
	for (int i = 0; i < STALE; i++)
		if (stale[i].process == process)
			stale[i].handle = 0;
}

static void start_process(int process)
{
	model_start_process(&model, process);
	assert_int_equal(cap_table_create(&tables[process]), 0);
	cap_table_set_limit(tables[process], MODEL_SLOTS);
}

static int use(int process, cap_handle_t handle, uint32_t rights)
{
	struct capability *cap;
	int err = cap_use(tables[process], handle, OBJECT_NONE, rights, &cap);

	if (err == 0)
		cap_done(cap);
	return err;
}

static void compare_slot(int process, int slot)
{
	struct model_node *node = model_node(&model, process, slot);
	struct cap_info info;
	uint32_t rights = (uint32_t)random_u64() & RIGHTS;

	same("a use", use(process, slot, rights), model_use(&model, process, slot, rights));
	same("a query", cap_query(tables[process], node ? handles[process][slot] : slot, &info),
	     node ? 0 : -EBADF);
	if (!node || diverged)
		return;
	same("the rights", info.rights, node->rights);
	same("the expiry", (int64_t)info.expires_cycles, (int64_t)node->expires);
	same("the depth", info.depth, node->depth);
	same("the flags", info.flags, node->cloexec ? CAP_CLOEXEC : 0);
}

static void compare_all(void)
{
	static bool has[1u << 22];
	int expected = 0;

	for (int p = 0; p < MODEL_PROCESSES; p++)
		for (int slot = 0; model.processes[p].alive && slot < MODEL_SLOTS; slot++)
			compare_slot(p, slot);
	for (int n = 0; n < MODEL_NODES; n++) {
		bool *seen = &has[model.nodes[n].object % (1 << 22)];

		if (model.nodes[n].live && !*seen) {
			*seen = true;
			expected++;
		}
	}
	for (int n = 0; n < MODEL_NODES; n++)
		has[model.nodes[n].object % (1 << 22)] = false;
	same("the number of objects", alive, expected);
}

/* --- steps ---------------------------------------------------------------------------------------------- */

static uint64_t some_time(void)
{
	return below(4) ? 0 : host_cycles + 1 + (uint64_t)below(1000);
}

static void do_create(int p)
{
	uint32_t rights = (uint32_t)random_u64() & RIGHTS;
	struct object *obj = calloc(1, sizeof(*obj));
	int expected = model_create(&model, p, rights);
	int64_t got;

	kobject_init(&obj->k, OBJECT_FILE, &ops);
	alive++;
	got = cap_install(tables[p], &obj->k, rights, 0, 0);
	if (got < 0)
		kobject_put(&obj->k);
	same_slot("create", p, got, expected);
}

static void do_derive(int p, int slot, int into)
{
	struct cap_terms terms = { .rights = (uint32_t)random_u64() | (below(2) ? UINT32_MAX : 0),
				   .flags = below(4) ? 0 : CAP_CLOEXEC,
				   .expires = some_time() };
	int expected = model_derive(&model, p, slot, into, terms.rights, terms.expires, terms.flags);
	cap_handle_t handle = model_node(&model, p, slot) ? handles[p][slot] : slot;

	same_slot("derive", into, cap_derive(tables[p], handle, &terms, tables[into]), expected);
}

static void do_dup(int p, int slot)
{
	bool cloexec = !below(4);
	int min = below(3) ? 0 : below(MODEL_SLOTS), to = below(MODEL_SLOTS), expected;

	if (below(2)) {
		expected = model_dup(&model, p, slot, min, cloexec);
		same_slot("dup", p, cap_dup(tables[p], slot, (uint32_t)min, cloexec ? CAP_CLOEXEC : 0),
			  expected);
	} else if (to != slot) {
		if (model_node(&model, p, slot))
			remember_stale(p, to);
		expected = model_dup_to(&model, p, slot, to, cloexec);
		same_slot("dup2", p, cap_dup_to(tables[p], slot, to, cloexec ? CAP_CLOEXEC : 0), expected);
	}
}

static void do_close(int p, int slot)
{
	remember_stale(p, slot);
	same("close", cap_close(tables[p], slot), model_close(&model, p, slot));
}

static void do_revoke(int p, int slot)
{
	bool self = below(2);

	if (self)
		remember_stale(p, slot);
	same("revoke", cap_revoke(tables[p], slot, self), model_revoke(&model, p, slot, self));
}

static void do_expire(int p, int slot)
{
	uint64_t expires = host_cycles + 1 + (uint64_t)below(500);

	same("expire", cap_expire(tables[p], slot, expires), model_expire(&model, p, slot, expires));
}

static void do_limit(int p, int slot)
{
	uint32_t rights = (uint32_t)random_u64();

	same("limit", cap_limit(tables[p], slot, rights), model_limit(&model, p, slot, rights));
}

static void do_exec(int p)
{
	cap_table_exec(tables[p]);
	model_exec(&model, p);
}

static void do_fork(int p, int child)
{
	if (model.processes[child].alive || !model_may_fork(&model, p))
		return;
	model_fork(&model, p, child);
	same("fork", cap_table_fork(tables[p], &tables[child]), 0);
	for (int slot = 0; slot < MODEL_SLOTS; slot++)
		handles[child][slot] = cap_handle_of(tables[child], slot);
}

static void do_exit(int p)
{
	forget_process(p);
	model_exit(&model, p);
	cap_table_put(tables[p]);
	tables[p] = NULL;
}

static void do_stale(void)
{
	int i = below(STALE), p = stale[i].process;

	if (stale[i].handle > 0 && model.processes[p].alive)
		same("the use of a stale handle", use(p, stale[i].handle, 0), -EBADF);
}

static void one_step(void)
{
	int p = below(MODEL_PROCESSES), q = below(MODEL_PROCESSES), slot = below(MODEL_SLOTS),
	    dice = below(100);

	if (!model.processes[p].alive) {
		start_process(p);
		return;
	}
	if (!model_is_low(&model, p, slot) || dice < 10)
		do_close(p, slot);
	else if (dice < 20)
		do_create(p);
	else if (dice < 40)
		do_derive(p, slot, p);
	else if (dice < 52)
		do_derive(p, slot, model.processes[q].alive ? q : p);
	else if (dice < 64)
		do_dup(p, slot);
	else if (dice < 80)
		compare_slot(p, slot);
	else if (dice < 84)
		do_revoke(p, slot);
	else if (dice < 87)
		do_expire(p, slot);
	else if (dice < 90)
		do_limit(p, slot);
	else if (dice < 93)
		do_stale();
	else if (dice < 95)
		do_fork(p, q);
	else if (dice < 97)
		do_exit(p);
	else if (dice < 98)
		do_exec(p);
	else {
		let_time_pass((uint64_t)below(50));
		model_expired(&model, host_cycles);
	}
}

static bool run(bool wrong)
{
	model_init(&model);
	model.wrong = wrong;
	diverged = false;
	stale_count = 0;
	memset(stale, 0, sizeof(stale));
	chance = seed * 0x9e3779b97f4a7c15;
	for (step = 0; step < steps && !diverged; step++) {
		one_step();
		if (step % 256 == 0)
			compare_all();
	}
	compare_all();
	for (int p = 0; p < MODEL_PROCESSES; p++)
		if (model.processes[p].alive)
			do_exit(p);
	same("the number of objects left", alive, 0);
	return !diverged;
}

static void random_steps_do_what_the_model_says(void **state)
{
	(void)state;
	printf("# %lu steps of seed %lu\n", steps, seed);
	assert_true(run(false));
}

static void a_wrong_model_is_found_out(void **state)
{
	(void)state;
	assert_false(run(true));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps_do_what_the_model_says),
		cmocka_unit_test(a_wrong_model_is_found_out),
	};

	cap_init();
	cap_expire_start();
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--wrong"))
			return !run(true);
		if (i + 1 < argc && !strcmp(argv[i], "--steps"))
			steps = strtoull(argv[++i], NULL, 0);
		else if (i + 1 < argc && !strcmp(argv[i], "--seed"))
			seed = strtoull(argv[++i], NULL, 0);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
