/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings against a model: a round performs random operations on a stretch of addresses, and keeps beside it
 * what each page must hold and allow.  Pages are compared in the process itself and in a forked child.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define PAGES 64

enum state {
	HOLE,
	READ_ONLY,
	WRITABLE,
	NO_ACCESS,
};

static struct model {
	uint8_t *base;
	struct {
		enum state state;
		uint64_t tag; /* what its words follow from; 0: all zero */
	} page[PAGES];
} model;

static uint64_t word_of(uint64_t tag, size_t i)
{
	return tag ? scramble(tag, i) : 0;
}

static uint64_t *page_at(unsigned page)
{
	return (uint64_t *)(model.base + page * PAGE);
}

/* Some words of the page, its first and last among them. */
static void check_page(unsigned page)
{
	uint64_t tag = model.page[page].tag;
	volatile uint64_t *words = page_at(page);

	if (model.page[page].state != READ_ONLY && model.page[page].state != WRITABLE)
		return;
	for (size_t i = 0; i < 512; i += 73)
		expect(words[i] == word_of(tag, i));
}

static void check_all(void)
{
	for (unsigned i = 0; i < PAGES; i++)
		check_page(i);
}

static void fill_page(unsigned page)
{
	uint64_t tag = draw() | 1;

	if (model.page[page].state != WRITABLE)
		return;
	check_page(page);
	for (size_t i = 0; i < 512; i++)
		page_at(page)[i] = word_of(tag, i);
	model.page[page].tag = tag;
}

struct range {
	unsigned first, count;
};

static struct range draw_range(void)
{
	unsigned first = draw_below(PAGES);

	return (struct range){ first, 1 + draw_below(PAGES - first) % 16 };
}

static void set_range(struct range r, enum state state, bool keep)
{
	for (unsigned i = r.first; i < r.first + r.count; i++)
		model.page[i] = (__typeof__(model.page[i])){ state, keep ? model.page[i].tag : 0 };
}

static bool without_holes(struct range r)
{
	for (unsigned i = r.first; i < r.first + r.count; i++)
		if (model.page[i].state == HOLE)
			return false;
	return true;
}

static void map_some(struct range r)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (draw_below(4) ? 0 : MAP_POPULATE);

	expect(mmap(page_at(r.first), r.count * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) ==
	       page_at(r.first));
	set_range(r, WRITABLE, false);
}

static void unmap_some(struct range r)
{
	expect(munmap(page_at(r.first), r.count * PAGE) == 0);
	/* Addresses stay ours: nobody else in this process maps anything meanwhile. */
	set_range(r, HOLE, false);
}

static void protect_some(struct range r)
{
	static const int bits[] = {
		[READ_ONLY] = PROT_READ, [WRITABLE] = PROT_READ | PROT_WRITE, [NO_ACCESS] = PROT_NONE
	};
	enum state state = READ_ONLY + draw_below(3);

	if (!without_holes(r))
		return;
	expect(mprotect(page_at(r.first), r.count * PAGE, bits[state]) == 0);
	set_range(r, state, true);
}

static void forget_some(struct range r)
{
	if (!without_holes(r))
		return;
	expect(madvise(page_at(r.first), r.count * PAGE, MADV_DONTNEED) == 0);
	for (unsigned i = r.first; i < r.first + r.count; i++)
		model.page[i].tag = 0;
}

/* One page moves over another: its contents go along, and it leaves a hole. */
static void move_one(struct range r)
{
	unsigned to = draw_below(PAGES);

	if (to == r.first || model.page[r.first].state == HOLE)
		return;
	expect(mremap(page_at(r.first), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page_at(to)) ==
	       page_at(to));
	model.page[to] = model.page[r.first];
	model.page[r.first].state = HOLE;
	model.page[r.first].tag = 0;
}

/* A mapping of its own grows, by moving if it must, and shrinks again. */
static void resize(void)
{
	unsigned small = 1 + draw_below(8), large = small + draw_below(64);
	uint64_t tag = draw() | 1, *words = map_pages(small);

	for (size_t i = 0; i < small * 512; i++)
		words[i] = word_of(tag, i);
	words = mremap(words, small * PAGE, large * PAGE, MREMAP_MAYMOVE);
	expect(words != MAP_FAILED);
	for (size_t i = 0; i < large * 512; i += 61)
		expect(words[i] == (i < small * 512 ? word_of(tag, i) : 0));
	expect(mremap(words, large * PAGE, PAGE, 0) == words);
	expect(words[511] == word_of(tag, 511));
	expect(munmap(words, PAGE) == 0);
}

/* A child sees the same, and what it writes stays with it. */
static void check_in_child(void)
{
	pid_t pid = start_child();

	if (pid == 0) {
		check_all();
		for (unsigned i = 0; i < PAGES; i++)
			fill_page(i);
		check_all();
		_exit(0);
	}
	for (unsigned i = 0; i < 4; i++)
		fill_page(draw_below(PAGES));
	expect_exit(pid, 0);
	check_all();
}

static void operate(void)
{
	static void (*const operations[])(struct range) = { map_some,    unmap_some, protect_some,
							    forget_some, move_one,   map_some };

	operations[draw_below(6)](draw_range());
	for (unsigned i = 0; i < 6; i++)
		fill_page(draw_below(PAGES));
}

static void map_round(void)
{
	unsigned count = 5 + draw_below(30);

	model.base = map_pages(PAGES);
	set_range((struct range){ 0, PAGES }, WRITABLE, false);
	for (unsigned i = 0; i < count; i++)
		operate();
	check_all();
	if (draw_below(3) == 0)
		resize();
	if (draw_below(3) == 0)
		check_in_child();
	expect(munmap(model.base, PAGES * PAGE) == 0);
}

const struct kind map_kind = { .name = "map", .round = map_round };
