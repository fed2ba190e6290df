/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/mm/slab.c kernel/mm/kmalloc.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <arch/paging.h>
#include <kernel/pmm.h>
#include <kernel/slab.h>

/* --- frames: an arena of host memory, first fit ------------------------------------------------------ */

#define FRAMES 2048

static char *arena;
static struct page pages[FRAMES];
static size_t frames_left = FRAMES, frames_used;

static paddr_t arena_base(void)
{
	return virt_to_phys(arena);
}

struct page *page_of(paddr_t pa)
{
	size_t i = (pa - arena_base()) / PAGE_SIZE;

	return i < FRAMES ? &pages[i] : NULL;
}

paddr_t pmm_alloc_contiguous(size_t count, size_t align, enum page_use use, unsigned flags)
{
	(void)align;
	if (count > frames_left)
		return PADDR_NONE;
	for (size_t i = 0, n = 0; i < FRAMES; i++) {
		n = pages[i].use == PAGE_FREE ? n + 1 : 0;
		if (n < count)
			continue;
		for (i -= n - 1; n-- > 0; pages[i + n].use = (uint8_t)use)
			;
		frames_left -= count;
		frames_used += count;
		if (flags & PMM_ZERO)
			memset(arena + i * PAGE_SIZE, 0, count * PAGE_SIZE);
		return arena_base() + i * PAGE_SIZE;
	}
	return PADDR_NONE;
}

paddr_t pmm_alloc(enum page_use use, unsigned flags)
{
	return pmm_alloc_contiguous(1, 1, use, flags);
}

void pmm_free_contiguous(paddr_t pa, size_t count)
{
	memset(arena + (pa - arena_base()), 0xdd, count * PAGE_SIZE);
	memset(page_of(pa), 0, count * sizeof(struct page));
	frames_left += count;
	frames_used -= count;
}

void pmm_free(paddr_t pa)
{
	pmm_free_contiguous(pa, 1);
}

uint64_t random_u64(void);
uint64_t random_u64(void)
{
	return 0x123456789abcdef1ull;
}

bool cmdline_has(const char *name);
bool cmdline_has(const char *name)
{
	(void)name;
	return false;
}

/* --- tests ------------------------------------------------------------------------------------------- */

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
	before = frames_used;
	for (size_t i = 0; i < COUNT; i++)
		objects[i] = kmalloc(1 + i % 1500);
	assert_true(frames_used > before + 100);
	for (size_t i = 0; i < COUNT; i++)
		kfree(objects[i]);
	assert_true(slab_reap() > 0);
	assert_int_equal(frames_used, before);
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
	size_t n = 0, before, keep = frames_left;

	(void)state;
	before = frames_used;
	frames_left = 20;
	while (n < COUNT && (objects[n] = kmalloc(1000)))
		n++;
	assert_true(n > 30 && n < 20 * 4 + 16);
	assert_null(kmalloc(100000));
	assert_null(kmalloc(SIZE_MAX));
	assert_null(kcalloc(SIZE_MAX / 2, 3));
	while (n > 0)
		kfree(objects[--n]);
	slab_reap();
	assert_int_equal(frames_used, before);
	frames_left = keep;
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
		cmocka_unit_test(objects_do_not_overlap),   cmocka_unit_test(reap_gives_everything_back),
		cmocka_unit_test(running_out_is_not_fatal), cmocka_unit_test(kmalloc_in_random_order),
		cmocka_unit_test(strings_are_copied),       cmocka_unit_test(free_lists_hide_their_links),
	};
	int failed;

	arena = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
	slab_init();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(arena);
	return failed;
}
