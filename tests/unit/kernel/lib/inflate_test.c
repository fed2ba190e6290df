/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/inflate.c */
/* DEFLATE and gzip against gzip(1): every kind of block, members one after the other, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kernel/inflate.h>

#define SIZE (300 * 1024)

static struct inflate_state *tables;
static uint8_t plain[SIZE], packed[2 * SIZE], out[SIZE];

static int make_tables(void **state)
{
	(void)state;
	tables = malloc(inflate_state_size());
	return tables ? 0 : -1;
}

static int free_tables(void **state)
{
	(void)state;
	free(tables);
	return 0;
}

/* Compress with gzip(1) at the given level; the length. */
static size_t gzip(const uint8_t *data, size_t len, int level, uint8_t *to)
{
	char name[] = "/tmp/inflate-XXXXXX", command[128];
	int fd = mkstemp(name);
	size_t n = 0, got;
	FILE *pipe;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
	snprintf(command, sizeof(command), "gzip -%d -c %s", level, name);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((got = fread(to + n, 1, sizeof(packed) - n, pipe)) > 0)
		n += got;
	assert_int_equal(pclose(pipe), 0);
	unlink(name);
	return n;
}

static void fill_text(void)
{
	for (size_t i = 0; i < SIZE; i++)
		plain[i] = (uint8_t)("the quick brown fox jumps over the lazy dog\n"[(i * 7 + i / 97) % 44]);
}

static void fill_noise(void)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < SIZE; i++) {
		x = x * 1664525 + 1013904223;
		plain[i] = (uint8_t)(x >> 24);
	}
}

static void fill_runs(void)
{
	memset(plain, 0, SIZE);
	memset(plain + 1000, 'x', 100000);
}

static void round_trip(size_t len, int level)
{
	size_t n = gzip(plain, len, level, packed), consumed = 0, length = 0;

	memset(out, 0xaa, sizeof(out));
	assert_int_equal(gzip_measure(tables, packed, n, &consumed, &length), INFLATE_OK);
	assert_int_equal(length, len);
	assert_int_equal(consumed, n);
	assert_int_equal(gzip_member(tables, packed, n, out, len, &consumed, &length), INFLATE_OK);
	assert_int_equal(consumed, n);
	assert_int_equal(length, len);
	assert_memory_equal(out, plain, len);
	if (len > 0)
		assert_int_equal(gzip_member(tables, packed, n, out, len - 1, &consumed, &length),
				 INFLATE_NO_SPACE);
}

static void what_gzip_packs_comes_back(void **state)
{
	static void (*const fills[])(void) = { fill_text, fill_noise, fill_runs };
	static const size_t sizes[] = { 0, 1, 5, 300, 40000, SIZE };

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(fills); f++) {
		fills[f]();
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
			round_trip(sizes[s], 1);
			round_trip(sizes[s], 9);
		}
	}
}

static void members_are_taken_one_at_a_time(void **state)
{
	size_t first, second, consumed, length;

	(void)state;
	fill_text();
	first = gzip(plain, 1000, 6, packed);
	second = gzip(plain + 1000, 500, 6, packed + first);
	assert_int_equal(gzip_member(tables, packed, first + second, out, SIZE, &consumed, &length),
			 INFLATE_OK);
	assert_int_equal(consumed, first);
	assert_int_equal(length, 1000);
	assert_int_equal(gzip_member(tables, packed + first, second, out, SIZE, &consumed, &length),
			 INFLATE_OK);
	assert_int_equal(consumed, second);
	assert_memory_equal(out, plain + 1000, 500);
}

static void every_truncation_is_noticed(void **state)
{
	size_t n, consumed, length;

	(void)state;
	fill_text();
	n = gzip(plain, 2000, 9, packed);
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1); /* the sanitizer watches its end */

		memcpy(exact, packed, cut);
		assert_int_equal(gzip_member(tables, exact, cut, out, SIZE, &consumed, &length),
				 INFLATE_TRUNCATED);
		free(exact);
	}
}

static void every_flipped_bit_is_noticed(void **state)
{
	size_t n, consumed, length;

	(void)state;
	fill_text();
	n = gzip(plain, 600, 9, packed);
	for (size_t bit = 80; bit < n * 8; bit++) {
		enum inflate_result result;

		packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		result = gzip_member(tables, packed, n, out, SIZE, &consumed, &length);
		/* In the header's name nothing is protected; the text itself must be right or refused. */
		if (result == INFLATE_OK) {
			assert_int_equal(length, 600);
			assert_memory_equal(out, plain, 600);
		}
		packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void impossible_streams_are_refused(void **state)
{
	static const uint8_t far_back[] = { 0x4b, 0x04, 0x72, 0x00 }; /* a match before the start */
	static const uint8_t reserved[] = { 0x07 };                   /* block type 3 */
	static const uint8_t bad_stored[] = {
		0x01, 0x05, 0x00, 0x00, 0x00, 'h'
	}; /* length and complement disagree */
	static const uint8_t good_stored[] = { 0x01, 0x02, 0x00, 0xfd, 0xff, 'h', 'i' };
	size_t consumed, length;

	(void)state;
	assert_int_not_equal(inflate_raw(tables, far_back, sizeof(far_back), out, SIZE, &consumed, &length),
			     INFLATE_OK);
	assert_int_equal(inflate_raw(tables, reserved, sizeof(reserved), out, SIZE, &consumed, &length),
			 INFLATE_DAMAGED);
	assert_int_equal(inflate_raw(tables, bad_stored, sizeof(bad_stored), out, SIZE, &consumed, &length),
			 INFLATE_DAMAGED);
	assert_int_equal(inflate_raw(tables, good_stored, sizeof(good_stored), out, SIZE, &consumed, &length),
			 INFLATE_OK);
	assert_int_equal(length, 2);
	assert_memory_equal(out, "hi", 2);
}

static void the_checksum_is_the_known_one(void **state)
{
	(void)state;
	assert_int_equal(gzip_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(gzip_crc32(gzip_crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_gzip_packs_comes_back),
		cmocka_unit_test(members_are_taken_one_at_a_time),
		cmocka_unit_test(every_truncation_is_noticed),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(impossible_streams_are_refused),
		cmocka_unit_test(the_checksum_is_the_known_one),
	};

	return cmocka_run_group_tests(tests, make_tables, free_tables);
}
