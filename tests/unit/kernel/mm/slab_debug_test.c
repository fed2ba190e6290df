/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/kmalloc.c kernel/mm/pmm.c kernel/mm/frame_run.c kernel/mm/pmm_stats.c */
/* sources: kernel/mm/zone.c kernel/mm/frame_map.c kernel/mm/bit_tree.c kernel/lib/bitmap.c */
/*
 * What debug builds notice: each mistake ends in a report that names the cache and what happened.  The slabs
 * are compiled into this file as a debug build has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* The lock-order check is not what is tested here. */
#include <kernel/lockdep.h>

#define SERIX_DEBUG
#include "kernel/mm/slab.c"
#include "kernel/mm/slab_cache.c"
#include "kernel/mm/slab_debug.c"

#include "host/ram.h"

static struct slab_cache *cache;
static jmp_buf after_panic;
static char panic_text[200], log_text[2000];

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(panic_text, sizeof(panic_text), fmt, args);
	va_end(args);
	longjmp(after_panic, 1);
}

void printk(enum log_level level, const char *fmt, ...)
{
	size_t used = strlen(log_text);
	va_list args;

	(void)level;
	va_start(args, fmt);
	vsnprintf(log_text + used, sizeof(log_text) - used, fmt, args);
	va_end(args);
}

static int fresh_cache(void **state)
{
	(void)state;
	cache = slab_create("victim", 40, 0);
	return 0;
}

#define EXPECT_REPORT(mistake, text)                           \
	do {                                                   \
		panic_text[0] = '\0';                          \
		if (setjmp(after_panic) == 0) {                \
			mistake;                               \
			fail_msg("not noticed");               \
		}                                              \
		assert_non_null(strstr(panic_text, "victim")); \
		assert_non_null(strstr(panic_text, text));     \
	} while (0)

static void use_after_free(void **state)
{
	char *object = slab_alloc(cache);

	(void)state;
	slab_free(cache, object);
	object[20] = 1;
	EXPECT_REPORT((void)!slab_alloc(cache), "written after it was freed, at +20");
}

static void double_free(void **state)
{
	char *object = slab_alloc(cache);

	(void)state;
	slab_free(cache, object);
	EXPECT_REPORT(slab_free(cache, object), "freed twice");
}

static void overflow(void **state)
{
	char *object = slab_alloc(cache);

	(void)state;
	object[slab_object_size(cache)] = 1;
	EXPECT_REPORT(slab_free(cache, object), "written past its end");
}

static void overflow_of_a_free_object(void **state)
{
	char *object = slab_alloc(cache);

	(void)state;
	slab_free(cache, object);
	object[slab_object_size(cache)] = 1;
	EXPECT_REPORT((void)!slab_alloc(cache), "past its end while free");
}

static void fresh_objects_hold_nothing_old(void **state)
{
	unsigned char *object = slab_alloc(cache);

	(void)state;
	memset(object, 0x11, 40);
	slab_free(cache, object);
	assert_int_equal(object[0], POISON_FREE);
	object = slab_alloc(cache);
	for (int i = 0; i < 40; i++)
		assert_int_equal(object[i], POISON_NEW);
	slab_free(cache, object);
}

static __noinline void take(void **objects, size_t n)
{
	while (n-- > 0)
		objects[n] = slab_alloc(cache);
}

/* A leak names how many objects each place in the code has taken and not freed. */
static void leaks_are_counted_by_place(void **state)
{
	void *many[5], *one;

	(void)state;
	take(many, 5);
	one = slab_alloc(cache);
	log_text[0] = '\0';
	assert_int_equal(slab_destroy_cache(cache), 6);
	assert_non_null(strstr(log_text, "victim: 6 of"));
	assert_non_null(strstr(log_text, ", 1"));
	assert_non_null(strstr(log_text, ", 5"));
	for (size_t i = 0; i < 5; i++)
		slab_free(cache, many[i]);
	slab_free(cache, one);
	assert_int_equal(slab_destroy_cache(cache), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(use_after_free, fresh_cache),
		cmocka_unit_test_setup(double_free, fresh_cache),
		cmocka_unit_test_setup(overflow, fresh_cache),
		cmocka_unit_test_setup(overflow_of_a_free_object, fresh_cache),
		cmocka_unit_test_setup(fresh_objects_hold_nothing_old, fresh_cache),
		cmocka_unit_test_setup(leaks_are_counted_by_place, fresh_cache),
	};

	host_ram_map(16 << 20);
	host_ram_init();
	slab_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
