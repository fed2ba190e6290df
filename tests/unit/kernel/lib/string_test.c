/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's string routines, under names of their own, against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <serix/errno.h>

#define memcpy  k_memcpy
#define memmove k_memmove
#define memset  k_memset
#define memcmp  k_memcmp
#define memchr  k_memchr
#define strlen  k_strlen
#define strnlen k_strnlen
#define strcmp  k_strcmp
#define strncmp k_strncmp
#define strchr  k_strchr
#define strrchr k_strrchr
#define strstr  k_strstr
#define strlcpy k_strlcpy
#define strlcat k_strlcat
#include "kernel/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr

#define SIZE 300

static void fill_random(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rand();
}

static void moves_agree_with_libc_at_every_overlap(void **state)
{
	uint8_t a[SIZE], b[SIZE];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand() % 120, from = (size_t)rand() % (SIZE - 120),
		       to = (size_t)rand() % (SIZE - 120);

		fill_random(a, SIZE);
		memcpy(b, a, SIZE);
		memmove(a + to, a + from, n);
		k_memmove(b + to, b + from, n);
		assert_memory_equal(a, b, SIZE);
	}
}

static void copy_and_set_touch_exactly_their_bytes(void **state)
{
	(void)state;
	for (size_t n = 0; n < 130; n++) {
		/* Exact allocations: the address sanitizer sees one byte too many. */
		uint8_t *src = malloc(n + 1), *dst = malloc(n + 1);

		fill_random(src, n + 1);
		k_memset(dst, 0xa5, n + 1);
		for (size_t i = 0; i <= n; i++)
			assert_int_equal(dst[i], 0xa5);
		k_memcpy(dst, src, n);
		assert_memory_equal(dst, src, n);
		assert_int_equal(dst[n], 0xa5);
		free(src);
		free(dst);
	}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void comparisons_agree_with_libc(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		char a[24], b[24];
		size_t n = (size_t)rand() % 20;

		for (size_t i = 0; i < 23; i++) {
			a[i] = (char)("ab\xff"[rand() % 3]);
			b[i] = rand() % 8 ? a[i] : (char)("ab\xff"[rand() % 3]);
		}
		a[(size_t)rand() % 24] = b[(size_t)rand() % 24] = '\0';
		a[23] = b[23] = '\0';
		assert_int_equal(sign(k_memcmp(a, b, n)), sign(memcmp(a, b, n)));
		assert_int_equal(sign(k_strcmp(a, b)), sign(strcmp(a, b)));
		assert_int_equal(sign(k_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		assert_int_equal(k_strlen(a), strlen(a));
		assert_int_equal(k_strnlen(a, n), strnlen(a, n));
		assert_ptr_equal(k_strchr(a, 'b'), strchr(a, 'b'));
		assert_ptr_equal(k_strchr(a, 0), strchr(a, 0));
		assert_ptr_equal(k_strrchr(a, 'b'), strrchr(a, 'b'));
		assert_ptr_equal(k_strstr(a, "ab"), strstr(a, "ab"));
		assert_ptr_equal(k_strstr(a, ""), a);
		assert_ptr_equal(k_memchr(a, 'b', n), memchr(a, 'b', n));
	}
}

static void strlcpy_and_strlcat_cut_and_terminate(void **state)
{
	char buf[6] = "xxxxx";

	(void)state;
	assert_int_equal(k_strlcpy(buf, "abc", sizeof(buf)), 3);
	assert_string_equal(buf, "abc");
	assert_int_equal(k_strlcat(buf, "defg", sizeof(buf)), 7);
	assert_string_equal(buf, "abcde");
	assert_int_equal(k_strlcpy(buf, "longer than it", sizeof(buf)), 14);
	assert_string_equal(buf, "longe");
	assert_int_equal(k_strlcpy(buf, "abc", 0), 3);
	assert_string_equal(buf, "longe");
}

static void numbers_parse_or_say_why_not(void **state)
{
	const char *end;
	uint64_t v = 7;

	(void)state;
	assert_int_equal(parse_u64("123k", &end, &v), 0);
	assert_int_equal(v, 123);
	assert_string_equal(end, "k");
	assert_int_equal(parse_u64("0xFFffFFffFFffFFff", NULL, &v), 0);
	assert_int_equal(v, UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551615", NULL, &v), 0);
	assert_int_equal(v, UINT64_MAX);
	v = 7;
	assert_int_equal(parse_u64("18446744073709551616", NULL, &v), -ERANGE);
	assert_int_equal(parse_u64("", NULL, &v), -EINVAL);
	assert_int_equal(parse_u64("-1", NULL, &v), -EINVAL);
	assert_int_equal(v, 7);
	assert_int_equal(parse_u64("0x", &end, &v), 0);
	assert_int_equal(v, 0);
	assert_string_equal(end, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_agree_with_libc_at_every_overlap),
		cmocka_unit_test(copy_and_set_touch_exactly_their_bytes),
		cmocka_unit_test(comparisons_agree_with_libc),
		cmocka_unit_test(strlcpy_and_strlcat_cut_and_terminate),
		cmocka_unit_test(numbers_parse_or_say_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
