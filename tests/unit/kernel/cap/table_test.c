/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/cap/table.c kernel/cap/slots.c kernel/cap/capability.c kernel/cap/tree.c */
/* sources: kernel/cap/derive.c kernel/cap/revoke.c kernel/cap/expire.c kernel/cap/object.c kernel/cap/id.c */
/* sources: kernel/lib/siphash.c kernel/lib/bitmap.c kernel/lib/rbtree.c */
/* Capability tables: the descriptor rules of POSIX, rights, expiry, and that no reference is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <kernel/cap.h>
#include <serix/errno.h>

static int released, closed;

static void release(struct kobject *obj)
{
	released++;
	free(obj);
}

static int on_close(struct kobject *obj, const struct cap_table *table)
{
	(void)obj;
	assert_non_null(table);
	closed++;
	return 0;
}

static const struct kobject_ops ops = { .release = release, .closed = on_close };

static struct kobject *new_object(void)
{
	struct kobject *obj = calloc(1, sizeof(*obj));

	kobject_init(obj, OBJECT_FILE, &ops);
	return obj;
}

static struct cap_table *new_table(int files)
{
	struct cap_table *table;

	released = closed = 0;
	assert_int_equal(cap_table_create(&table), 0);
	for (int i = 0; i < files; i++)
		assert_int_equal(cap_install(table, new_object(), CAP_READ | CAP_SEEK, 0, 0), i);
	return table;
}

static void the_lowest_free_slot_is_taken(void **state)
{
	struct cap_table *table = new_table(5);

	(void)state;
	assert_int_equal(cap_close(table, 3), 0);
	assert_int_equal(cap_close(table, 1), 0);
	assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), 1);
	assert_int_equal(cap_dup(table, 0, 0, 0), 3);
	assert_int_equal(cap_dup(table, 0, 10, 0), 10);
	assert_int_equal(cap_dup(table, 0, 0, 0), 5);
	cap_table_put(table);
	assert_int_equal(released, 6);
}

static void missing_rights_have_their_own_errors(void **state)
{
	struct cap_table *table = new_table(1);
	struct capability *cap;

	(void)state;
	assert_int_equal(cap_use(table, 0, OBJECT_FILE, CAP_READ, &cap), 0);
	cap_done(cap);
	assert_int_equal(cap_use(table, 0, OBJECT_FILE, CAP_WRITE, &cap), -EBADF);
	assert_int_equal(cap_use(table, 0, OBJECT_FILE, CAP_CHMOD, &cap), -EPERM);
	assert_int_equal(cap_use(table, 0, OBJECT_DIRECTORY, CAP_READ, &cap), -EBADF);
	assert_int_equal(cap_use(table, 1, OBJECT_NONE, 0, &cap), -EBADF);
	assert_int_equal(cap_use(table, -1, OBJECT_NONE, 0, &cap), -EBADF);
	assert_int_equal(cap_use(table, 1 << 30, OBJECT_NONE, 0, &cap), -EBADF);
	cap_table_put(table);
}

static void dup_to_replaces_and_closes(void **state)
{
	struct cap_table *table = new_table(2);

	(void)state;
	assert_int_equal(cap_dup_to(table, 0, 1, 0), 1);
	assert_int_equal(closed, 1);
	assert_int_equal(released, 1);
	assert_int_equal(cap_dup_to(table, 0, 500, CAP_CLOEXEC), 500);
	assert_int_equal(cap_dup_to(table, 0, 1024, 0), -EBADF);
	assert_int_equal(cap_dup_to(table, 7, 1, 0), -EBADF);
	assert_int_equal(cap_dup_to(table, 0, -1, 0), -EBADF);
	cap_table_put(table);
	assert_int_equal(released, 2);
}

static void the_limit_holds_and_what_is_there_stays(void **state)
{
	struct cap_table *table = new_table(0);
	struct kobject *obj = new_object();

	(void)state;
	for (int i = 0; i < 1024; i++)
		assert_int_equal(cap_install(table, new_object(), CAP_READ, 0, 0), i);
	assert_int_equal(cap_install(table, obj, CAP_READ, 0, 0), -EMFILE);
	assert_int_equal(cap_dup(table, 0, 0, 0), -EMFILE);
	cap_table_set_limit(table, 10);
	assert_int_equal(cap_close(table, 1023), 0);
	assert_int_equal(cap_install(table, obj, CAP_READ, 0, 0), -EMFILE);
	assert_int_equal(cap_close(table, 4), 0);
	assert_int_equal(cap_install(table, obj, CAP_READ, 0, 0), 4);
	cap_table_put(table);
	assert_int_equal(released, 1025);
}

static void fork_derives_and_exec_drops_cloexec(void **state)
{
	struct cap_table *table = new_table(3), *child;
	struct capability *original, *copy;

	(void)state;
	assert_int_equal(cap_set_flags(table, 1, CAP_CLOEXEC), 0);
	assert_int_equal(cap_dup_to(table, 0, 200, 0), 200);
	assert_int_equal(cap_table_fork(table, &child), 0);
	assert_int_equal(cap_next(table, 0, &original), 0);
	assert_int_equal(cap_next(child, 0, &copy), 0);
	assert_ptr_equal(copy->object, original->object);
	assert_ptr_not_equal(copy, original);
	assert_int_equal(copy->depth, original->depth);
	assert_int_equal(copy->rights, original->rights);
	cap_done(original);
	cap_done(copy);

	cap_table_exec(child);
	assert_int_equal(cap_next(child, 1, NULL), 2);
	assert_int_equal(cap_next(child, 3, NULL), 200);
	assert_int_equal(cap_next(child, 201, NULL), -ENOENT);
	assert_int_equal(cap_next(table, 1, NULL), 1);
	cap_table_put(table);
	assert_int_equal(released, 1); /* the one that exec dropped in the child */
	cap_table_put(child);
	assert_int_equal(released, 3);
}

/* Put something new into a slot of the child: the handle that the parent had for what was there is no name
 * for it. */
static void is_stale_in(struct cap_table *child, cap_handle_t handle)
{
	struct capability *cap;

	assert_int_equal(cap_dup_to(child, 1, (int)cap_handle_slot(handle), 0), cap_handle_slot(handle));
	assert_int_equal(cap_use(child, handle, OBJECT_NONE, 0, &cap), -EBADF);
	assert_int_not_equal(cap_handle_of(child, (int)cap_handle_slot(handle)), handle);
}

static cap_handle_t handle_in(struct cap_table *table, int slot)
{
	assert_int_equal(cap_dup_to(table, 1, slot, 0), slot);
	return cap_handle_of(table, slot);
}

/* Also where the parent has nothing near any more, and where what it has does not reach the child. */
static void what_is_stale_in_the_parent_is_stale_in_the_child(void **state)
{
	static const int slots[] = { 0, 63, 200, 5000, 70000 };
	struct cap_table *table = new_table(2), *child;
	cap_handle_t handles[5], expired;
	struct capability *cap;

	(void)state;
	host_cycles = 0;
	cap_table_set_limit(table, 100000);
	for (int i = 0; i < 5; i++) {
		handles[i] = handle_in(table, slots[i]);
		assert_int_equal(cap_close(table, handles[i]), 0);
	}
	expired = handle_in(table, 300);
	assert_int_equal(cap_use(table, 300, OBJECT_NONE, 0, &cap), 0);
	atomic_store(&cap->expires, 1000);
	cap_done(cap);
	host_cycles = 1000;
	assert_int_equal(cap_table_fork(table, &child), 0);
	for (int i = 0; i < 5; i++)
		is_stale_in(child, handles[i]);
	is_stale_in(child, expired);
	host_cycles = 0;
	cap_table_put(table);
	cap_table_put(child);
}

/* Descriptors that were closed cost a child nothing. */
static void a_child_is_as_large_as_it_needs_to_be(void **state)
{
	struct cap_table *table = new_table(1), *child;

	(void)state;
	assert_int_equal(cap_dup_to(table, 0, 900, 0), 900);
	assert_int_equal(cap_dup_to(table, 0, 100, 0), 100);
	assert_int_equal(cap_close(table, 900), 0);
	assert_int_equal(cap_table_fork(table, &child), 0);
	assert_int_equal(cap_table_size(child), 128);
	assert_int_equal(cap_next(child, 1, NULL), 100);
	assert_int_equal(cap_next(child, 101, NULL), -ENOENT);
	cap_table_put(child);
	cap_table_put(table);
}

static void an_expired_capability_is_gone(void **state)
{
	struct cap_table *table = new_table(1);
	struct capability *cap;
	uint32_t flags;

	(void)state;
	assert_int_equal(cap_use(table, 0, OBJECT_FILE, CAP_READ, &cap), 0);
	atomic_store(&cap->expires, 1000);
	cap_done(cap);
	host_cycles = 999;
	assert_int_equal(cap_use(table, 0, OBJECT_FILE, CAP_READ, &cap), 0);
	cap_done(cap);
	host_cycles = 1000;
	assert_int_equal(cap_use(table, 0, OBJECT_FILE, CAP_READ, &cap), -EBADF);
	assert_int_equal(cap_dup(table, 0, 0, 0), -EBADF);
	assert_int_equal(cap_get_flags(table, 0, &flags), -EBADF);
	assert_int_equal(cap_next(table, 0, NULL), -ENOENT);
	cap_table_put(table);
	assert_int_equal(released, 1);
}

static void random_use_loses_no_reference(void **state)
{
	struct cap_table *table = new_table(0);
	int made = 0;

	(void)state;
	for (int step = 0; step < 30000; step++) {
		int slot = rand() % 150, err;
		struct kobject *obj;

		switch (rand() % 5) {
		case 0:
			obj = new_object();
			assert_true(cap_install(table, obj, CAP_READ, 0, 0) >= 0);
			made++;
			break;
		case 1:
			err = cap_dup(table, slot, (uint32_t)(rand() % 150), 0);
			assert_true(err >= 0 || err == -EBADF || err == -EMFILE);
			break;
		case 2:
			err = cap_dup_to(table, slot, rand() % 150, 0);
			assert_true(err >= 0 || err == -EBADF);
			break;
		default:
			cap_close(table, slot);
		}
	}
	cap_table_put(table);
	assert_int_equal(released, made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lowest_free_slot_is_taken),
		cmocka_unit_test(missing_rights_have_their_own_errors),
		cmocka_unit_test(dup_to_replaces_and_closes),
		cmocka_unit_test(the_limit_holds_and_what_is_there_stays),
		cmocka_unit_test(fork_derives_and_exec_drops_cloexec),
		cmocka_unit_test(what_is_stale_in_the_parent_is_stale_in_the_child),
		cmocka_unit_test(a_child_is_as_large_as_it_needs_to_be),
		cmocka_unit_test(an_expired_capability_is_gone),
		cmocka_unit_test(random_use_loses_no_reference),
	};

	cap_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
