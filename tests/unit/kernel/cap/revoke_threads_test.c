/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/cap/table.c kernel/cap/slots.c kernel/cap/capability.c kernel/cap/tree.c */
/* sources: kernel/cap/derive.c */
/* sources: kernel/cap/revoke.c kernel/cap/expire.c kernel/cap/query.c kernel/cap/object.c kernel/cap/id.c */
/* sources: kernel/lib/siphash.c kernel/lib/bitmap.c kernel/lib/rbtree.c */
/*
 * Derive, dup, close, fork, use, hold and revoke against each other on several CPUs, which are threads here,
 * under the thread sanitizer: no race, nothing revoked can be used after the revocation has returned, nothing
 * escapes it, and in the end all memory is back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <kernel/assert.h>
#include <kernel/random.h>
#include <serix/errno.h>

#include "host/threads.h"
#include "host/tsan.h"
#include "kernel/cap/cap_priv.h"

#define THREADS 4
#define ROUNDS  1000
#define STEPS   40

static _Atomic int objects, blocks;

void random_bytes(void *buf, size_t len)
{
	memset(buf, 1, len);
}

uint64_t random_u64(void)
{
	static _Atomic uint64_t n;

	return atomic_fetch_add(&n, 0x9e3779b97f4a7c15) + 1;
}

struct slab_cache {
	size_t size;
};

struct slab_cache *slab_create(const char *name, size_t size, size_t align)
{
	struct slab_cache *cache = malloc(sizeof(*cache));

	(void)name;
	(void)align;
	cache->size = size;
	return cache;
}

void *slab_alloc(struct slab_cache *cache)
{
	atomic_fetch_add(&blocks, 1);
	return malloc(cache->size);
}

void slab_free(struct slab_cache *cache, void *object)
{
	(void)cache;
	atomic_fetch_sub(&blocks, 1);
	memset(object, 0xdd, cache->size);
	free(object);
}

static void release(struct kobject *obj)
{
	atomic_fetch_sub(&objects, 1);
	free(obj);
}

static const struct kobject_ops ops = { .release = release };

static struct kobject *new_object(void)
{
	struct kobject *obj = calloc(1, sizeof(*obj));

	kobject_init(obj, OBJECT_FILE, &ops);
	atomic_fetch_add(&objects, 1);
	return obj;
}

static void no_interrupt(struct cap_user *user)
{
	(void)user;
}

static const struct cap_terms all = { .rights = UINT32_MAX };
static struct cap_table *tables[THREADS]; /* each thread's own, into which the others derive */
static pthread_barrier_t barrier;
static _Atomic bool stop;

/* What a revocation of slot 0 in table 0 must not leave anywhere: counted by the object that it names. */
static uint64_t doomed_object;

/* --- what threads do ------------------------------------------------------------------------------------ */

struct worker {
	unsigned id, seed;
	uint64_t used;
};

static void told(struct capability *cap, void *arg)
{
	(void)cap;
	atomic_fetch_add((_Atomic int *)arg, 1);
}

static const struct cap_holder_ops holder = { .revoked = told };

/* Hold one for a moment, then let go or settle. */
static void hold_one(struct cap_table *table, int slot, struct cap_table *to, bool settle)
{
	_Atomic int times = 0;
	struct capability *from, *held;

	if (cap_use(table, slot, OBJECT_NONE, 0, &from) < 0)
		return;
	if (cap_derive_held(from, &all, &holder, &times, &held) == 0) {
		host_yield();
		if (!settle || cap_settle(held, to, 0) < 0)
			cap_drop(held);
		ASSERT(atomic_load(&times) <= 1);
	}
	cap_done(from);
}

static void use_one(struct worker *w, struct cap_table *table, int slot)
{
	struct capability *cap;

	if (cap_use(table, slot, OBJECT_NONE, 0, &cap) < 0)
		return;
	w->used += cap->object->id != 0;
	host_yield();
	cap_done(cap);
}

static void copy_table(struct cap_table *table)
{
	struct cap_table *copy;

	if (cap_table_fork(table, &copy) == 0)
		cap_table_put(copy);
}

static void step(struct worker *w)
{
	struct cap_table *mine = tables[w->id], *other = tables[(unsigned)rand_r(&w->seed) % THREADS];
	int slot = rand_r(&w->seed) % 12;

	switch (rand_r(&w->seed) % 12) {
	case 0 ... 2:
		(void)!cap_derive(mine, slot, &all, other);
		break;
	case 3:
		(void)!cap_dup(mine, slot, 0, 0);
		break;
	case 4:
		(void)!cap_dup_to(mine, slot, 1 + rand_r(&w->seed) % 11, 0);
		break;
	case 5:
	case 6:
		if (slot || w->id)
			cap_close(mine, slot);
		break;
	case 7:
		use_one(w, other, slot);
		break;
	case 8:
		copy_table(other);
		break;
	case 9:
		hold_one(mine, slot, other, rand_r(&w->seed) % 2);
		break;
	case 10:
		(void)!cap_revoke(mine, slot, w->id != 0 && rand_r(&w->seed) % 2);
		break;
	case 11:
		(void)!cap_limit(mine, slot, CAP_READ);
		break;
	}
}

static bool names_the_doomed(struct cap_table *table)
{
	struct capability *cap;
	bool found = false;

	for (int slot = -1; (slot = cap_next(table, slot + 1, &cap)) >= 0;) {
		found |= cap->object->id == doomed_object;
		cap_done(cap);
	}
	return found;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	host_cpu_start();
	host_current_task = (struct task *)w; /* only an identity */
	for (int round = 0; round < ROUNDS; round++) {
		if (w->id == 0) {
			struct kobject *obj = new_object();

			cap_close(tables[0], 0);
			doomed_object = obj->id;
			ASSERT(cap_install(tables[0], obj, CAP_READ | CAP_WRITE, 0, 0) == 0);
		}
		pthread_barrier_wait(&barrier);
		for (int i = 0; i < STEPS; i++)
			step(w);
		/* The others go on while this revokes what they derive from. */
		if (w->id == 0)
			ASSERT(cap_revoke(tables[0], 0, true) == 0);
		else
			for (int i = 0; i < STEPS; i++)
				step(w);
		if (w->id == 0)
			for (int i = 0; i < THREADS; i++)
				ASSERT(!names_the_doomed(tables[i]));
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void nothing_races_and_nothing_escapes(void **state)
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(cap_table_create(&tables[i]), 0);
		cap_table_set_limit(tables[i], 100);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .id = i, .seed = i + 1 };
		pthread_create(&threads[i], NULL, work, &workers[i]);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < THREADS; i++)
		cap_table_put(tables[i]);
	assert_int_equal(atomic_load(&objects), 0);
	assert_int_equal(atomic_load(&blocks), 0);
}

/* --- a victim that does nothing but derive -------------------------------------------------------------- */

static void *derive_for_ever(void *arg)
{
	struct worker *w = arg;
	unsigned n = 0;

	host_cpu_start();
	host_current_task = (struct task *)w;
	pthread_barrier_wait(&barrier);
	while (!atomic_load(&stop)) {
		cap_handle_t handle = cap_derive(tables[1], rand_r(&w->seed) % 50, &all, tables[1]);

		n += handle >= 0;
	}
	w->used = n;
	return NULL;
}

static void deriving_in_a_loop_does_not_hold_it_up(void **state)
{
	struct worker workers[3];
	pthread_t threads[3];

	(void)state;
	atomic_store(&stop, false);
	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 2; i++)
		assert_int_equal(cap_table_create(&tables[i]), 0);
	assert_int_equal(cap_install(tables[0], new_object(), CAP_READ, 0, 0), 0);
	assert_true(cap_derive(tables[0], 0, &all, tables[1]) >= 0);
	for (unsigned i = 0; i < 3; i++) {
		workers[i] = (struct worker){ .id = i, .seed = i + 1 };
		pthread_create(&threads[i], NULL, derive_for_ever, &workers[i]);
	}
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 20; i++) {
		for (int n = 0; n < 50; n++)
			host_yield();
		assert_int_equal(cap_revoke(tables[0], 0, false), 0);
		assert_int_equal(cap_next(tables[1], 0, NULL), -ENOENT);
		assert_true(cap_derive(tables[0], 0, &all, tables[1]) >= 0);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	cap_table_put(tables[0]);
	cap_table_put(tables[1]);
	assert_int_equal(atomic_load(&objects), 0);
	assert_int_equal(atomic_load(&blocks), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_races_and_nothing_escapes),
		cmocka_unit_test(deriving_in_a_loop_does_not_hold_it_up),
	};

	cap_init();
	cap_interrupt_user = no_interrupt;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
