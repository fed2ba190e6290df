/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/cpio.c */
/* newc archives: what is read, what is refused and with what words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kernel/cpio.h>

static char archive[8192];
static size_t used;

static void start(void)
{
	memset(archive, 0, sizeof(archive));
	used = 0;
}

/* Append an entry; name_size and file_size may lie. */
static void add_lying(const char *name, unsigned mode, const char *data, unsigned name_size,
		      unsigned file_size)
{
	size_t data_len = strlen(data);

	used += (size_t)sprintf(archive + used, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
				7, mode, 1, 2, 1, 99, file_size, 3, 4, 5, 6, name_size, 0);
	memcpy(archive + used, name, strlen(name) + 1);
	used = (used + strlen(name) + 1 + 3) & ~3ul;
	memcpy(archive + used, data, data_len);
	used = (used + data_len + 3) & ~3ul;
}

static void add(const char *name, unsigned mode, const char *data)
{
	add_lying(name, mode, data, (unsigned)strlen(name) + 1, (unsigned)strlen(data));
}

/* The bytes in memory of exactly their size, so that the sanitizer sees every access behind them. */
static struct cpio_reader reader;
static char *copy;

static void open_copy(size_t len)
{
	free(copy);
	copy = malloc(len ? len : 1);
	memcpy(copy, archive, len);
	cpio_init(&reader, copy, len);
}

static void an_entry_has_all_its_fields(void **state)
{
	struct cpio_entry e;

	(void)state;
	start();
	add("etc/motd", 0100644, "hello");
	open_copy(used);
	assert_int_equal(cpio_next(&reader, &e), CPIO_ENTRY);
	assert_string_equal(e.name, "etc/motd");
	assert_int_equal(e.name_len, 8);
	assert_int_equal(e.size, 5);
	assert_memory_equal(e.data, "hello", 5);
	assert_int_equal(e.mode, 0100644);
	assert_int_equal(e.ino, 7);
	assert_int_equal(e.uid, 1);
	assert_int_equal(e.gid, 2);
	assert_int_equal(e.mtime, 99);
	assert_int_equal(e.dev_major, 3);
	assert_int_equal(e.dev_minor, 4);
	assert_int_equal(e.rdev_major, 5);
	assert_int_equal(e.rdev_minor, 6);
	assert_int_equal(cpio_next(&reader, &e), CPIO_END);
}

static void archives_follow_one_another_over_zero_padding(void **state)
{
	struct cpio_entry e;

	(void)state;
	start();
	add("a", 0100644, "1");
	add("TRAILER!!!", 0, "");
	used = (used + 511) & ~511ul;
	add("b", 0100644, "22");
	add("TRAILER!!!", 0, "");
	used += 512;
	open_copy(used);
	assert_int_equal(cpio_next(&reader, &e), CPIO_ENTRY);
	assert_string_equal(e.name, "a");
	assert_int_equal(cpio_next(&reader, &e), CPIO_TRAILER);
	assert_int_equal(cpio_next(&reader, &e), CPIO_ENTRY);
	assert_string_equal(e.name, "b");
	assert_int_equal(cpio_next(&reader, &e), CPIO_TRAILER);
	assert_int_equal(cpio_next(&reader, &e), CPIO_END);
}

static void expect_damage(size_t len, const char *words)
{
	struct cpio_entry e;

	open_copy(len);
	assert_int_equal(cpio_next(&reader, &e), CPIO_DAMAGED);
	assert_non_null(strstr(reader.reason, words));
}

static void every_truncation_is_noticed(void **state)
{
	struct cpio_entry e;

	(void)state;
	start();
	add("name", 0100644, "contents");
	for (size_t len = 1; len < used; len++) {
		open_copy(len);
		assert_int_equal(cpio_next(&reader, &e), CPIO_DAMAGED);
	}
}

static void lies_about_sizes_are_refused(void **state)
{
	(void)state;
	start();
	add_lying("x", 0100644, "data", 2, 0xffffffff);
	expect_damage(used, "contents");
	start();
	add_lying("x", 0100644, "data", 0xffffffff, 4);
	expect_damage(used, "name");
	start();
	add_lying("x", 0100644, "data", 0, 4);
	expect_damage(used, "name");
	start();
	add_lying("xyz", 0100644, "data", 3, 4);
	expect_damage(used, "name does not end");
	start();
	add("x", 0100644, "data");
	archive[0] = '1';
	expect_damage(used, "no newc header");
	start();
	add("x", 0100644, "data");
	archive[20] = 'g';
	expect_damage(used, "no number");
}

static void names_may_be_padded(void **state)
{
	struct cpio_entry e;

	(void)state;
	start();
	add_lying("x", 0100644, "", 8, 4);
	memcpy(archive + 120, "data", 4);
	open_copy(124);
	assert_int_equal(cpio_next(&reader, &e), CPIO_ENTRY);
	assert_string_equal(e.name, "x");
	assert_int_equal(e.name_len, 1);
	assert_memory_equal(e.data, "data", 4);
	start();
	add_lying("", 0100644, "data", 4, 0);
	expect_damage(used, "name does not end");
}

static void nothing_and_zeros_are_the_end(void **state)
{
	struct cpio_entry e;

	(void)state;
	start();
	open_copy(0);
	assert_int_equal(cpio_next(&reader, &e), CPIO_END);
	open_copy(1000);
	assert_int_equal(cpio_next(&reader, &e), CPIO_END);
	free(copy);
	copy = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_has_all_its_fields),
		cmocka_unit_test(archives_follow_one_another_over_zero_padding),
		cmocka_unit_test(every_truncation_is_noticed),
		cmocka_unit_test(lies_about_sizes_are_refused),
		cmocka_unit_test(names_may_be_padded),
		cmocka_unit_test(nothing_and_zeros_are_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
