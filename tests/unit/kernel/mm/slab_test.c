/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/slab.c kernel/mm/slab_cache.c kernel/mm/kmalloc.c kernel/mm/pmm.c kernel/mm/frame_run.c
 */
/* sources: kernel/mm/pmm_stats.c kernel/mm/zone.c kernel/mm/frame_map.c kernel/mm/bit_tree.c */
/* sources: kernel/lib/bitmap.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <kernel/pmm.h>
#include <kernel/slab.h>

#include "host/ram.h"

static size_t frames_used(void)
{
	return pmm_used_memory() / PAGE_SIZE;
}

/* Take frames until only `left` are free; they are linked through themselves. */
static paddr_t *hoard(size_t left)
{
	paddr_t *head = NULL, *frame;

	while (pmm_free_memory() / PAGE_SIZE > left) {
		frame = (paddr_t *)pmm_alloc(PAGE_KERNEL, 0);
		*frame = (paddr_t)head;
		head = frame;
	}
	return head;
}

static void unhoard(paddr_t *head)
{
	while (head) {
		paddr_t *next = (paddr_t *)*head;

		pmm_free((paddr_t)head);
		head = next;
	}
}

#define COUNT 3000

static unsigned char *objects[COUNT];
static size_t sizes[COUNT];

static struct slab_stats stats_of(const char *name)
{
	struct slab_stats stats;

	for (size_t i = 0; slab_get_stats(i, &stats); i++) {
		if (strcmp(stats.name, name) == 0)
			return stats;
	}
	fail_msg("no cache %s", name);
	return stats;
}

static void objects_do_not_overlap(void **state)
{
	static const size_t object_sizes[] = { 8, 24, 100, 520, 1500, 4096, 9000 };
	static const char *const names[] = { "a8", "a24", "a100", "a520", "a1500", "a4096", "a9000" };

	(void)state;
	for (size_t c = 0; c < sizeof(object_sizes) / sizeof(object_sizes[0]); c++) {
		struct slab_cache *cache = slab_create(names[c], object_sizes[c], c == 2 ? 64 : 0);
		size_t n = object_sizes[c] > 1000 ? 100 : COUNT;

		for (size_t i = 0; i < n; i++) {
			objects[i] = slab_alloc(cache);
			assert_non_null(objects[i]);
			assert_int_equal((uintptr_t)objects[i] % (c == 2 ? 64 : 8), 0);
			memset(objects[i], (int)i, object_sizes[c]);
		}
		assert_int_equal(stats_of(names[c]).objects_used, n);
		for (size_t i = 0; i < n; i++) {
			for (size_t b = 0; b < object_sizes[c]; b++)
				assert_int_equal(objects[i][b], (unsigned char)i);
		}
		for (size_t i = 0; i < n; i++)
			slab_free(cache, objects[(i * 7919) % n]);
		assert_int_equal(stats_of(names[c]).objects_used, 0);
	}
}

static void reap_gives_everything_back(void **state)
{
	size_t before;

	(void)state;
	slab_reap();
	before = frames_used();
	for (size_t i = 0; i < COUNT; i++)
		objects[i] = kmalloc(1 + i % 1500);
	assert_true(frames_used() > before + 100);
	for (size_t i = 0; i < COUNT; i++)
		kfree(objects[i]);
	assert_true(slab_reap() > 0);
	assert_int_equal(frames_used(), before);
}

/* What lies in a free object names no object: who overwrites or reads it learns and directs nothing. */
static void free_lists_hide_their_links(void **state)
{
	struct slab_cache *cache = slab_create("links", 64, 0);
	unsigned char *low, *high;

	(void)state;
	for (size_t i = 0; i < 600; i++)
		objects[i] = slab_alloc(cache);
	low = high = objects[0];
	for (size_t i = 1; i < 600; i++) {
		low = objects[i] < low ? objects[i] : low;
		high = objects[i] > high ? objects[i] : high;
	}
	/* Every tenth stays, so that no slab is given back. */
	for (size_t i = 0; i < 600; i++) {
		if (i % 10 != 0)
			slab_free(cache, objects[i]);
	}
	for (size_t i = 0; i < 600; i++) {
		unsigned char *link;

		memcpy(&link, objects[i], sizeof(link));
		assert_false(i % 10 != 0 && link >= low && link <= high);
	}
	for (size_t i = 0; i < 600; i += 10)
		slab_free(cache, objects[i]);
}

static void running_out_is_not_fatal(void **state)
{
	volatile size_t too_much = SIZE_MAX; /* the compiler would warn */
	size_t n = 0, before;
	paddr_t *hoarded;

	(void)state;
	slab_reap();
	before = frames_used();
	hoarded = hoard(20);
	while (n < COUNT && (objects[n] = kmalloc(1000)))
		n++;
	assert_true(n > 30 && n < 20 * 4 + 16);
	assert_null(kmalloc(100000));
	assert_null(kmalloc(too_much));
	assert_null(kcalloc(too_much / 2, 3));
	while (n > 0)
		kfree(objects[--n]);
	unhoard(hoarded);
	slab_reap();
	assert_int_equal(frames_used(), before);
}

/* A cache that ends gives everything back, and its place to the next one. */
static void caches_end(void **state)
{
	size_t before;

	(void)state;
	slab_reap();
	before = frames_used();
	for (int round = 0; round < 300; round++) {
		struct slab_cache *cache = slab_create("short-lived", 40, 0);
		void *object = slab_alloc(cache);

		assert_int_equal(slab_destroy_cache(cache), 1);
		assert_int_equal(stats_of("short-lived").objects_used, 1);
		slab_free(cache, object);
		assert_int_equal(slab_destroy_cache(cache), 0);
	}
	assert_int_equal(frames_used(), before);
}

static void kmalloc_in_random_order(void **state)
{
	(void)state;
	srandom(4);
	memset(objects, 0, sizeof(objects));
	for (int step = 0; step < 100000; step++) {
		size_t i = (size_t)random() % 300, size = (size_t)random() % (random() % 20 ? 2000 : 30000);

		if (objects[i] && random() % 3 == 0) {
			size_t keep = size < sizes[i] ? size : sizes[i];

			objects[i] = krealloc(objects[i], size);
			assert_non_null(objects[i]);
			for (size_t b = 0; b < keep; b++)
				assert_int_equal(objects[i][b], (unsigned char)i);
		} else if (objects[i]) {
			for (size_t b = 0; b < sizes[i]; b++)
				assert_int_equal(objects[i][b], (unsigned char)i);
			kfree(objects[i]);
			objects[i] = NULL;
			continue;
		} else {
			objects[i] = kzalloc(size);
			assert_non_null(objects[i]);
			assert_int_equal((uintptr_t)objects[i] % 16, 0);
			for (size_t b = 0; b < size; b++)
				assert_int_equal(objects[i][b], 0);
		}
		sizes[i] = size;
		memset(objects[i], (int)i, size);
	}
	for (size_t i = 0; i < 300; i++)
		kfree(objects[i]);
}

static void strings_are_copied(void **state)
{
	char *copy = kstrdup("serix");

	(void)state;
	assert_string_equal(copy, "serix");
	kfree(copy);
	kfree(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_do_not_overlap),
		cmocka_unit_test(reap_gives_everything_back),
		cmocka_unit_test(running_out_is_not_fatal),
		cmocka_unit_test(kmalloc_in_random_order),
		cmocka_unit_test(strings_are_copied),
		cmocka_unit_test(free_lists_hide_their_links),
		cmocka_unit_test(caches_end),
	};

	host_ram_map(16 << 20);
	host_ram_init();
	slab_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
