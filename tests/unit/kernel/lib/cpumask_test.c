/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/cpumask.c kernel/lib/format.c kernel/lib/string.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <kernel/cpumask.h>

static char text[1200];

static const char *map(const struct cpumask *mask, uint32_t cpus)
{
	cpumask_print_map(mask, cpus, text, sizeof(text));
	return text;
}

static const char *list(const struct cpumask *mask)
{
	cpumask_print_list(mask, text, sizeof(text));
	return text;
}

static struct cpumask some(const uint8_t *cpus, size_t n)
{
	struct cpumask mask = { { 0 } };

	for (size_t i = 0; i < n; i++)
		cpumask_set(&mask, cpus[i]);
	return mask;
}

/* The widths are those that Linux 6.1 prints for so many possible CPUs. */
static void maps(void **state)
{
	static const uint8_t few[] = { 0, 2, 3 }, far[] = { 1, 32, 63, 64, 255 };
	struct cpumask a = some(few, 3), b = some(far, 5);

	(void)state;
	assert_string_equal(map(&a, 4), "d");
	assert_string_equal(map(&a, 8), "0d");
	assert_string_equal(map(&a, 32), "0000000d");
	assert_string_equal(map(&a, 33), "0,0000000d");
	assert_string_equal(map(&b, 256),
			    "80000000,00000000,00000000,00000000,00000000,00000001,80000001,00000002");
}

static void lists(void **state)
{
	static const uint8_t mixed[] = { 0, 1, 2, 5, 7, 8, 63, 64, 65, 254, 255 };
	struct cpumask none = { { 0 } }, one = cpumask_of(200), all = CPUMASK_ALL, m = some(mixed, 11);

	(void)state;
	assert_string_equal(list(&none), "");
	assert_string_equal(list(&one), "200");
	assert_string_equal(list(&all), "0-255");
	assert_string_equal(list(&m), "0-2,5,7-8,63-65,254-255");
}

static void text_is_cut_to_its_room(void **state)
{
	struct cpumask all = CPUMASK_ALL;
	char small[4];

	(void)state;
	assert_int_equal(cpumask_print_list(&all, small, sizeof(small)), 3);
	assert_string_equal(small, "0-2");
	assert_int_equal(cpumask_print_map(&all, 256, small, sizeof(small)), 3);
	assert_string_equal(small, "fff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps),
		cmocka_unit_test(lists),
		cmocka_unit_test(text_is_cut_to_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
