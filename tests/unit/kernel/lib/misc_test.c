/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/bitmap.c kernel/lib/cmdline.c kernel/lib/chacha20.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <kernel/bitmap.h>
#include <kernel/chacha20.h>
#include <kernel/cmdline.h>
#include <serix/errno.h>

#define BITS 300

static void bitmap_agrees_with_an_array_of_flags(void **state)
{
	uint64_t map[BITMAP_WORDS(BITS)] = { 0 };
	bool flags[BITS] = { 0 };

	(void)state;
	for (int round = 0; round < 5000; round++) {
		size_t start = (size_t)rand() % BITS, count = (size_t)rand() % (BITS - start + 1), next;
		bool value = rand() % 2;

		(value ? bitmap_set_range : bitmap_clear_range)(map, start, count);
		for (size_t i = 0; i < count; i++)
			flags[start + i] = value;
		for (size_t i = 0; i < BITS; i++)
			assert_int_equal(bitmap_test(map, i), flags[i]);
		start = (size_t)rand() % BITS;
		for (next = start; next < BITS && !flags[next]; next++)
			;
		assert_int_equal(bitmap_next_set(map, BITS, start), next);
		for (next = start; next < BITS && flags[next]; next++)
			;
		assert_int_equal(bitmap_next_clear(map, BITS, start), next);
	}
}

static void expect_found(const char *line, const char *name, int err, const char *value)
{
	char buf[16] = "untouched";

	assert_int_equal(cmdline_find(line, name, buf, sizeof(buf)), err);
	if (err == 0)
		assert_string_equal(buf, value);
}

static void command_line_words_are_found(void **state)
{
	(void)state;
	expect_found("a=1 b c=3", "a", 0, "1");
	expect_found("a=1 b c=3", "b", 0, "");
	expect_found("a=1 b c=3", "d", -ENOENT, NULL);
	expect_found("aa=1 a=2", "a", 0, "2");
	expect_found("a=1 a=2", "a", 0, "2");
	expect_found(" \t a=\"x y\"  b", "a", 0, "x y");
	expect_found("a=\"unfinished b=2", "b", -ENOENT, NULL);
	expect_found("a=0123456789abcdef", "a", -ENOSPC, NULL);
	expect_found("", "a", -ENOENT, NULL);
}

static void command_line_words_are_numbered(void **state)
{
	char word[8];

	(void)state;
	assert_int_equal(cmdline_word("one \"t w\" three", 1, word, sizeof(word)), 0);
	assert_string_equal(word, "t w");
	assert_int_equal(cmdline_word("one two", 2, word, sizeof(word)), -ENOENT);
	assert_int_equal(cmdline_word("one toolongword", 1, word, sizeof(word)), -ENOSPC);
}

/* RFC 8439, section 2.3.2. */
static void chacha20_gives_the_published_block(void **state)
{
	static const uint8_t expected[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
		0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
		0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
		0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
		0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	uint8_t key_bytes[32], out[64];
	uint32_t key[8], nonce[3] = { 0x09000000, 0x4a000000, 0 };

	(void)state;
	for (int i = 0; i < 32; i++)
		key_bytes[i] = (uint8_t)i;
	memcpy(key, key_bytes, sizeof(key));
	chacha20_block(key, 1, nonce, out);
	assert_memory_equal(out, expected, sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bitmap_agrees_with_an_array_of_flags),
		cmocka_unit_test(command_line_words_are_found),
		cmocka_unit_test(command_line_words_are_numbered),
		cmocka_unit_test(chacha20_gives_the_published_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
