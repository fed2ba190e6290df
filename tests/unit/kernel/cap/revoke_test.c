/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/cap/table.c kernel/cap/slots.c kernel/cap/capability.c kernel/cap/tree.c */
/* sources: kernel/cap/derive.c */
/* sources: kernel/cap/revoke.c kernel/cap/expire.c kernel/cap/query.c kernel/cap/object.c kernel/cap/id.c */
/* sources: kernel/lib/siphash.c kernel/lib/bitmap.c kernel/lib/rbtree.c */
/*
 * The derivation tree: what is derived, copied, closed and revoked in any order leaves exactly the
 * capabilities that a simple model says, the tree never holds twice as many nodes as there are live ones, and
 * in the end all memory is back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <kernel/random.h>
#include <serix/errno.h>

#include "kernel/cap/cap_priv.h"

static int objects, blocks, closed, interrupted;

void random_bytes(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)rand();
}

uint64_t random_u64(void)
{
	return (uint64_t)rand() << 32 | (uint64_t)rand();
}

/* Counting what is allocated: capabilities and trees. */
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
	blocks++;
	return malloc(cache->size);
}

void slab_free(struct slab_cache *cache, void *object)
{
	(void)cache;
	blocks--;
	free(object);
}

static void release(struct kobject *obj)
{
	objects--;
	free(obj);
}

static int on_close(struct kobject *obj, const struct cap_table *table)
{
	(void)obj;
	(void)table;
	closed++;
	return 0;
}

static const struct kobject_ops ops = { .release = release, .closed = on_close };

static struct kobject *new_object(void)
{
	struct kobject *obj = calloc(1, sizeof(*obj));

	kobject_init(obj, OBJECT_FILE, &ops);
	objects++;
	return obj;
}

static void note_interrupt(struct cap_user *user)
{
	(void)user;
	interrupted++;
}

static struct cap_table *new_table(void)
{
	struct cap_table *table;

	assert_int_equal(cap_table_create(&table), 0);
	cap_table_set_limit(table, CAP_SLOTS_MAX);
	return table;
}

static const struct cap_terms all = { .rights = UINT32_MAX };

static bool is_there(struct cap_table *table, cap_handle_t handle)
{
	struct capability *cap;

	if (cap_use(table, handle, OBJECT_NONE, 0, &cap) < 0)
		return false;
	cap_done(cap);
	return true;
}

static void nothing_is_left(void)
{
	assert_int_equal(objects, 0);
	assert_int_equal(blocks, 0);
}

static void chains_are_64_long(void **state)
{
	struct cap_table *table = new_table();
	cap_handle_t last = cap_install(table, new_object(), CAP_READ, 0, 0);
	struct cap_info info;

	(void)state;
	for (uint32_t depth = 1; depth <= CAP_DEPTH_MAX; depth++) {
		last = cap_derive(table, last, &all, table);
		assert_true(last > 0);
		assert_int_equal(cap_query(table, last, &info), 0);
		assert_int_equal(info.depth, depth);
	}
	assert_int_equal(cap_derive(table, last, &all, table), -EMLINK);
	assert_int_equal(cap_dup(table, (int)cap_handle_slot(last), 0, 0), CAP_DEPTH_MAX + 1);
	assert_int_equal(cap_revoke(table, 0, true), 0);
	assert_int_equal(cap_next(table, 0, NULL), -ENOENT);
	cap_table_put(table);
	nothing_is_left();
}

static void rights_only_shrink(void **state)
{
	struct cap_table *table = new_table();
	struct cap_terms terms = { .rights = CAP_READ | CAP_EXEC };
	struct capability *cap;
	cap_handle_t child, grandchild;

	(void)state;
	assert_int_equal(cap_install(table, new_object(), CAP_READ | CAP_WRITE, 0, 0), 0);
	child = cap_derive(table, 0, &terms, table);
	grandchild = cap_derive(table, child, &all, table);
	assert_int_equal(cap_use(table, grandchild, OBJECT_NONE, CAP_READ, &cap), 0);
	assert_int_equal(atomic_load(&cap->rights), CAP_READ);
	cap_done(cap);
	assert_int_equal(cap_use(table, grandchild, OBJECT_NONE, CAP_WRITE, &cap), -EBADF);
	assert_int_equal(cap_use(table, child, OBJECT_NONE, CAP_EXEC, &cap), -EPERM);
	assert_int_equal(cap_limit(table, child, 0), 0);
	assert_int_equal(cap_use(table, child, OBJECT_NONE, CAP_READ, &cap), -EBADF);
	assert_int_equal(cap_use(table, grandchild, OBJECT_NONE, CAP_READ, &cap), 0);
	cap_done(cap);
	terms.badged = true;
	assert_int_equal(cap_derive(table, 0, &terms, table), -EPERM);
	cap_table_put(table);
	nothing_is_left();
}

static void stale_handles_never_name_something_new(void **state)
{
	struct cap_table *table = new_table();
	cap_handle_t first, second;

	(void)state;
	assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), 0);
	first = cap_derive(table, 0, &all, table);
	assert_int_equal(cap_handle_slot(first), 1);
	assert_int_equal(cap_close(table, first), 0);
	second = cap_derive(table, 0, &all, table);
	assert_int_equal(cap_handle_slot(second), 1);
	assert_int_not_equal(first, second);
	assert_false(is_there(table, first));
	assert_int_equal(cap_close(table, first), -EBADF);
	assert_true(is_there(table, second));
	assert_true(is_there(table, 1));
	cap_table_put(table);
	nothing_is_left();
}

static void a_slot_out_of_generations_is_not_used_again(void **state)
{
	struct cap_table *table = new_table();
	cap_handle_t handle;

	(void)state;
	assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), 0);
	handle = cap_derive(table, 0, &all, table);
	assert_int_equal(cap_close(table, handle), 0);
	table->slots.first.slots[1].reused = INT32_MAX - 1;
	handle = cap_derive(table, 0, &all, table);
	assert_int_equal(handle >> 32, INT32_MAX);
	assert_int_equal(cap_close(table, handle), 0);
	assert_false(is_there(table, handle));
	assert_int_equal(cap_dup(table, 0, 0, 0), 2);
	assert_int_equal(cap_dup_to(table, 0, 1, 0), -EBADF);
	cap_table_put(table);
	nothing_is_left();
}

static void revocation_takes_the_subtree_everywhere(void **state)
{
	struct cap_table *a = new_table(), *b = new_table(), *c;
	cap_handle_t child, there, sibling;

	(void)state;
	assert_int_equal(cap_install(a, new_object(), CAP_READ, 0, 0), 0);
	child = cap_derive(a, 0, &all, a);
	sibling = cap_derive(a, 0, &all, a);
	there = cap_derive(a, child, &all, b);
	assert_int_equal(cap_table_fork(b, &c), 0);
	assert_true(is_there(c, 0));
	assert_int_equal(cap_revoke(a, child, true), 0);
	assert_false(is_there(a, child));
	assert_false(is_there(b, there));
	assert_false(is_there(c, 0));
	assert_true(is_there(a, 0));
	assert_true(is_there(a, sibling));
	assert_int_equal(cap_revoke(a, 0, false), 0);
	assert_false(is_there(a, sibling));
	assert_true(is_there(a, 0));
	child = cap_derive(a, 0, &all, b);
	assert_true(is_there(b, child));
	cap_table_put(a);
	cap_table_put(b);
	cap_table_put(c);
	nothing_is_left();
}

static void what_is_closed_in_the_middle_still_passes_revocation_on(void **state)
{
	struct cap_table *table = new_table();
	cap_handle_t mid, one, two;
	int with_all;

	(void)state;
	assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), 0);
	mid = cap_derive(table, 0, &all, table);
	one = cap_derive(table, mid, &all, table);
	two = cap_derive(table, mid, &all, table);
	with_all = blocks;
	assert_int_equal(cap_close(table, mid), 0);
	assert_int_equal(blocks, with_all); /* two hang below it: it stays */
	assert_int_equal(cap_close(table, one), 0);
	assert_int_equal(blocks, with_all - 2); /* one does not need it */
	assert_int_equal(cap_revoke(table, 0, false), 0);
	assert_false(is_there(table, two));
	cap_table_put(table);
	nothing_is_left();
}

static void copies_of_copies_do_not_make_the_tree_high(void **state)
{
	struct cap_table *table = new_table();
	struct capability *cap;
	int fd = cap_install(table, new_object(), CAP_READ, 0, 0);

	(void)state;
	for (int i = 0; i < 1000; i++)
		fd = cap_dup(table, fd, 0, 0);
	assert_int_equal(cap_use(table, fd, OBJECT_NONE, 0, &cap), 0);
	assert_in_range(cap->height, 1, CAP_HEIGHT_MAX);
	cap_done(cap);
	/* Each copy that outlives what it was copied from comes nearer to the root again. */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(cap_close(table, i), 0);
	for (int i = 0; i < 1000; i++) {
		int next = cap_dup(table, fd, 0, 0);

		assert_true(next >= 0);
		assert_int_equal(cap_close(table, fd), 0);
		fd = next;
	}
	assert_true(cap_derive(table, fd, &all, table) >= 0);
	cap_table_put(table);
	nothing_is_left();
}

struct holder {
	struct capability *cap;
	int told;
};

static void tell(struct capability *cap, void *arg)
{
	struct holder *h = arg;

	assert_ptr_equal(h->cap, cap);
	h->told++;
}

static void tell_and_drop(struct capability *cap, void *arg)
{
	tell(cap, arg);
	cap_drop(cap);
}

static const struct cap_holder_ops keeps = { .revoked = tell }, drops = { .revoked = tell_and_drop };

static struct holder hold(struct cap_table *table, cap_handle_t handle, const struct cap_holder_ops *how,
			  struct holder *h)
{
	struct capability *from;

	assert_int_equal(cap_use(table, handle, OBJECT_NONE, 0, &from), 0);
	assert_int_equal(cap_derive_held(from, &all, how, h, &h->cap), 0);
	cap_done(from);
	return *h;
}

static void holders_are_told_once(void **state)
{
	struct cap_table *table = new_table();
	struct holder kept = { 0 }, dropped = { 0 }, early = { 0 }, settled = { 0 };
	cap_handle_t handle, mid;

	(void)state;
	assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), 0);
	mid = cap_derive(table, 0, &all, table);
	hold(table, mid, &keeps, &kept);
	hold(table, mid, &drops, &dropped);
	hold(table, mid, &keeps, &early);
	hold(table, mid, &keeps, &settled);
	cap_drop(early.cap);
	handle = cap_settle(settled.cap, table, 0);
	assert_true(is_there(table, handle));
	assert_int_equal(cap_revoke(table, mid, true), 0);
	assert_int_equal(kept.told, 1);
	assert_int_equal(dropped.told, 1);
	assert_int_equal(early.told, 0);
	assert_int_equal(settled.told, 0);
	assert_false(is_there(table, handle));
	assert_int_equal(cap_settle(kept.cap, table, 0), -EBADF);
	cap_drop(kept.cap);
	cap_table_put(table);
	nothing_is_left();
}

static void a_held_one_can_be_revoked_by_its_holder(void **state)
{
	struct cap_table *table = new_table();
	struct holder h = { 0 };

	(void)state;
	assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), 0);
	hold(table, 0, &keeps, &h);
	assert_true(cap_derive_from(h.cap, &all, table) > 0);
	assert_int_equal(cap_revoke_from(h.cap, true), 0);
	assert_int_equal(h.told, 1);
	assert_false(is_there(table, 1));
	cap_drop(h.cap);
	cap_table_put(table);
	nothing_is_left();
}

static void what_was_reached_through_a_capability_goes_with_it(void **state)
{
	struct cap_table *table = new_table();
	struct capability *via, *cap;

	(void)state;
	assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), 0);
	assert_int_equal(cap_use(table, 0, OBJECT_NONE, 0, &via), 0);
	assert_int_equal(cap_install_via(table, via, new_object(), CAP_READ | CAP_WRITE, 0, 0), 1);
	cap_done(via);
	assert_int_equal(cap_use(table, 1, OBJECT_NONE, 0, &cap), 0);
	assert_int_equal(atomic_load(&cap->rights), CAP_READ);
	assert_int_equal(cap->depth, 0);
	cap_done(cap);
	assert_int_equal(cap_revoke(table, 0, true), 0);
	assert_false(is_there(table, 1));
	cap_table_put(table);
	nothing_is_left();
}

static void calls_under_way_are_interrupted(void **state)
{
	struct cap_table *table = new_table();
	struct cap_user user;
	struct capability *use, *closed_in_use, *none;

	(void)state;
	interrupted = 0;
	cap_table_join(table, &user);
	assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), 0);
	assert_int_equal(cap_dup(table, 0, 0, 0), 1);
	assert_int_equal(cap_dup(table, 0, 0, 0), 2);
	assert_int_equal(cap_use(table, 1, OBJECT_NONE, 0, &use), 0);
	assert_int_equal(cap_use(table, 2, OBJECT_NONE, 0, &closed_in_use), 0);
	assert_int_equal(cap_close(table, 2), 0);
	assert_int_equal(cap_use(table, 0, OBJECT_NONE, 0, &none), 0);
	cap_revoke_begin(none, false);
	assert_int_equal(interrupted, 2);
	assert_true(cap_is_revoked(use));
	assert_true(cap_is_revoked(closed_in_use));
	assert_false(list_empty(&none->revoked));
	cap_done(use);
	cap_done(closed_in_use);
	assert_true(list_empty(&none->revoked));
	cap_done(none);
	cap_table_leave(table, &user);
	cap_table_put(table);
	nothing_is_left();
}

static void the_dead_take_nothing_in(void **state)
{
	struct cap_table *a = new_table(), *b = new_table();

	(void)state;
	assert_int_equal(cap_install(a, new_object(), CAP_READ, 0, 0), 0);
	cap_table_pin(b);
	cap_table_put(b);
	assert_int_equal(cap_derive(a, 0, &all, b), -ESRCH);
	cap_table_unpin(b);
	cap_table_put(a);
	nothing_is_left();
}

static void a_million_fit_and_come_back(void **state)
{
	struct cap_table *table = new_table();
	struct kobject *obj = new_object();

	(void)state;
	assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), 0);
	for (uint32_t i = 1; i < CAP_SLOTS_MAX; i++)
		assert_int_equal(cap_handle_slot(cap_derive(table, 0, &all, table)), i);
	assert_int_equal(cap_install(table, obj, CAP_READ, 0, 0), -EMFILE);
	assert_int_equal(cap_close(table, 777777), 0);
	assert_int_equal(cap_close(table, 4096), 0);
	assert_int_equal(cap_install(table, obj, CAP_READ, 0, 4097), 777777);
	assert_int_equal(cap_next(table, 4096, NULL), 4097);
	assert_int_equal(cap_revoke(table, 0, false), 0);
	assert_int_equal(cap_next(table, 1, NULL), 777777);
	cap_table_put(table);
	nothing_is_left();
}

/* --- against a model ------------------------------------------------------------------------------------ */

#define TABLES 4
#define NODES  4000

/* Parents stay for ever here: revocation goes through all that were ever derived. */
struct node {
	int parent;
	int table, slot; /* -1: gone */
	cap_handle_t handle;
};

static struct node nodes[NODES];
static int node_count;

static bool below(int node, int root)
{
	while (node >= 0 && node != root)
		node = nodes[node].parent;
	return node == root;
}

static int at(int table, int slot)
{
	for (int i = 0; i < node_count; i++)
		if (nodes[i].table == table && nodes[i].slot == slot)
			return i;
	return -1;
}

static int some_live(void)
{
	for (int tries = 0; tries < 100; tries++) {
		int i = node_count ? rand() % node_count : 0;

		if (node_count && nodes[i].slot >= 0)
			return i;
	}
	return -1;
}

static void add_node(int parent, int table, cap_handle_t handle)
{
	int slot = (int)cap_handle_slot(handle);

	assert_true(handle >= 0);
	assert_int_equal(at(table, slot), -1);
	nodes[node_count++] = (struct node){ parent, table, slot, handle };
}

static void random_use_agrees_with_a_model(void **state)
{
	struct cap_table *tables[TABLES];

	(void)state;
	for (int i = 0; i < TABLES; i++)
		tables[i] = new_table();
	node_count = 0;
	while (node_count < NODES) {
		int n = some_live(), live = 0, to = rand() % TABLES, what = n < 0 ? 0 : rand() % 12;
		cap_handle_t handle;
		struct cap_info info;

		switch (what) {
		case 0:
			add_node(-1, to, cap_install(tables[to], new_object(), CAP_READ, 0, 0));
			break;
		case 1 ... 4:
			handle = cap_derive(tables[nodes[n].table], nodes[n].handle, &all, tables[to]);
			if (handle != -EMLINK)
				add_node(n, to, handle);
			break;
		case 5:
		case 6:
			add_node(n, nodes[n].table, cap_dup(tables[nodes[n].table], nodes[n].slot, 0, 0));
			break;
		case 7 ... 10:
			assert_int_equal(cap_close(tables[nodes[n].table], nodes[n].handle), 0);
			nodes[n].slot = -1;
			break;
		case 11:
			assert_int_equal(cap_revoke(tables[nodes[n].table], nodes[n].handle, rand() % 2), 0);
			for (int i = 0; i < node_count; i++)
				if (nodes[i].slot >= 0 && below(i, n) &&
				    (i != n || !is_there(tables[nodes[n].table], nodes[n].handle)))
					nodes[i].slot = -1;
			break;
		}
		if (node_count % 64)
			continue;
		for (int i = 0; i < node_count; i++) {
			if (nodes[i].slot < 0)
				continue;
			live++;
			assert_int_equal(cap_query(tables[nodes[i].table], nodes[i].handle, &info), 0);
		}
		assert_true(blocks <= 3 * live); /* with the trees */
	}
	for (int t = 0; t < TABLES; t++)
		for (int slot = -1; (slot = cap_next(tables[t], slot + 1, NULL)) >= 0;)
			assert_true(at(t, slot) >= 0);
	for (int i = 0; i < TABLES; i++)
		cap_table_put(tables[i]);
	nothing_is_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_are_64_long),
		cmocka_unit_test(rights_only_shrink),
		cmocka_unit_test(stale_handles_never_name_something_new),
		cmocka_unit_test(a_slot_out_of_generations_is_not_used_again),
		cmocka_unit_test(revocation_takes_the_subtree_everywhere),
		cmocka_unit_test(what_is_closed_in_the_middle_still_passes_revocation_on),
		cmocka_unit_test(copies_of_copies_do_not_make_the_tree_high),
		cmocka_unit_test(holders_are_told_once),
		cmocka_unit_test(a_held_one_can_be_revoked_by_its_holder),
		cmocka_unit_test(what_was_reached_through_a_capability_goes_with_it),
		cmocka_unit_test(calls_under_way_are_interrupted),
		cmocka_unit_test(the_dead_take_nothing_in),
		cmocka_unit_test(a_million_fit_and_come_back),
		cmocka_unit_test(random_use_agrees_with_a_model),
	};

	cap_init();
	cap_interrupt_user = note_interrupt;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
