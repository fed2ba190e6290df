/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: */
/* The kernel's printf against the C library's, directive by directive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define vsnprintf k_vsnprintf
#define snprintf  k_snprintf
#include "kernel/lib/format.c"
#undef vsnprintf
#undef snprintf

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

#define SAME(...)                                                               \
	do {                                                                    \
		char want[128], got[128];                                       \
		int n = snprintf(want, sizeof(want), __VA_ARGS__);              \
		assert_int_equal(k_snprintf(got, sizeof(got), __VA_ARGS__), n); \
		assert_string_equal(got, want);                                 \
	} while (0)

static void every_integer_directive_agrees_with_libc(void **state)
{
	static const char *const flags[] = { "", "-", "0", "+", " ", "#", "-0", "+-", "#0", "+ " };
	static const char *const widths[] = { "", "1", "8", "20", ".0", ".3", "8.3", "3.8", "20.12" };
	static const char kinds[] = "diuxXo";
	static const long values[] = { 0, 1, -1, 42, 255, INT_MAX, INT_MIN, LONG_MAX, LONG_MIN };

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (const char *k = kinds; *k; k++)
				for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
					char fmt[32];

					snprintf(fmt, sizeof(fmt), "<%%%s%sl%c>", flags[f], widths[w], *k);
					SAME(fmt, values[v]);
					snprintf(fmt, sizeof(fmt), "<%%%s%s%c>", flags[f], widths[w], *k);
					SAME(fmt, (int)values[v]);
					snprintf(fmt, sizeof(fmt), "<%%%s%shh%c>", flags[f], widths[w], *k);
					SAME(fmt, (int)values[v]);
					snprintf(fmt, sizeof(fmt), "<%%%s%sh%c>", flags[f], widths[w], *k);
					SAME(fmt, (int)values[v]);
				}
}

static void strings_and_characters_agree_with_libc(void **state)
{
	(void)state;
	SAME("%s|%10s|%-10s|%.2s|%10.2s|%-6.1s|", "abc", "abc", "abc", "abc", "abc", "abc");
	SAME("%c|%3c|%-3c|%%|", 'x', 'y', 'z');
	SAME("%*d|%-*d|%.*s|%*d", 6, 12, 6, 12, 2, "abc", -6, 12);
	SAME("%zu %td %jd", (size_t)1, (ptrdiff_t)-2, (intmax_t)-3);
	SAME("%p", (void *)0x1234);
}

static void a_short_buffer_is_cut_and_the_length_told(void **state)
{
	char buf[8];

	(void)state;
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(k_snprintf(buf, 4, "%d", 123456), 6);
	assert_memory_equal(buf, "123\0xxxx", 8);
	assert_int_equal(k_snprintf(NULL, 0, "%s", "abc"), 3);
	assert_int_equal(scnprintf(buf, 4, "%d", 123456), 3);
	assert_int_equal(scnprintf(buf, 0, "%d", 123456), 0);
}

static void odd_formats_do_no_harm(void **state)
{
	const char *volatile nothing = NULL;
	char buf[32];

	(void)state;
	assert_int_equal(k_snprintf(buf, sizeof(buf), "a%"), 1);
	assert_string_equal(buf, "a");
	k_snprintf(buf, sizeof(buf), "%y");
	assert_string_equal(buf, "%y");
	k_snprintf(buf, sizeof(buf), "%s", nothing);
	assert_string_equal(buf, "(null)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_integer_directive_agrees_with_libc),
		cmocka_unit_test(strings_and_characters_agree_with_libc),
		cmocka_unit_test(a_short_buffer_is_cut_and_the_length_told),
		cmocka_unit_test(odd_formats_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
