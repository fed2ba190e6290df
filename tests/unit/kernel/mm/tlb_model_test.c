/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: */
/*
 * A model of kernel/mm/tlb.c's argument, every interleaving of it: one CPU with tagged translations that runs
 * a space, rests in it, goes away and comes back as it likes, and two flushers that each replace a page and
 * free the old one (steps F1 to F5 and L1 to L5 there).  No interleaving may use a page that was freed.  The
 * model with L1 and L2 exchanged must fail, or it would prove nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define FLUSHERS 2 /* one page each */

enum { TLB_NONE, TLB_OLD, TLB_NEW };
enum { F_CHANGE, F_COUNT, F_LOOK_MASK, F_LOOK_LAZY, F_WAIT, F_FREE, F_DONE };
enum {
	RUNNING, /* interrupts on */
	RESTING, /* interrupts on, lazy */
	BACK_1,
	BACK_2,
	BACK_3,
	LEAVE_1,
	LEAVE_2,
	AWAY, /* interrupts on */
	LOAD_1,
	LOAD_2,
	LOAD_3,
	LOAD_4,
};

struct state {
	uint8_t replaced[FLUSHERS], freed[FLUSHERS], at[FLUSHERS], own_gen[FLUSHERS], request[FLUSHERS];
	uint8_t gen, mask, lazy;
	uint8_t cpu, loaded, read_gen, followed, tlb[FLUSHERS];
};

#define TABLE (1u << 22)

static struct state *seen;
static unsigned seen_count;
static bool exchanged; /* the broken variant: the generation is read first */
static bool used_freed;

static bool remember(const struct state *s)
{
	uint64_t hash = 14695981039346656037ull;
	const uint8_t *bytes = (const uint8_t *)s;

	for (size_t i = 0; i < sizeof(*s); i++)
		hash = (hash ^ bytes[i]) * 1099511628211ull;
	for (uint32_t i = (uint32_t)(hash >> 20) % TABLE;; i = (i + 1) % TABLE) {
		if (seen[i].gen == 0) { /* never in a state */
			seen[i] = *s;
			assert_true(++seen_count < TABLE / 2);
			return true;
		}
		if (memcmp(&seen[i], s, sizeof(*s)) == 0)
			return false;
	}
}

static void explore(struct state s);

static void forget(struct state *s)
{
	memset(s->tlb, TLB_NONE, sizeof(s->tlb));
}

static void flusher_step(struct state s, unsigned f)
{
	switch (s.at[f]) {
	case F_CHANGE:
		s.replaced[f] = 1;
		s.at[f] = F_COUNT;
		break;
	case F_COUNT:
		s.own_gen[f] = ++s.gen;
		s.at[f] = F_LOOK_MASK;
		break;
	case F_LOOK_MASK:
		s.at[f] = s.mask ? F_LOOK_LAZY : F_FREE;
		break;
	case F_LOOK_LAZY:
		s.request[f] = !s.lazy;
		s.at[f] = s.lazy ? F_FREE : F_WAIT;
		break;
	case F_WAIT:
		if (s.request[f])
			return;
		s.at[f] = F_FREE;
		break;
	case F_FREE:
		s.freed[f] = 1;
		s.at[f] = F_DONE;
		break;
	default:
		return;
	}
	explore(s);
}

/* flush_here() */
static void take_request(struct state s, unsigned f)
{
	s.request[f] = 0;
	if (s.loaded && s.lazy) {
		s.loaded = s.mask = 0;
		s.cpu = AWAY;
	} else if (s.loaded && s.followed + 1 == s.own_gen[f]) {
		s.tlb[f] = TLB_NONE;
		s.followed = s.own_gen[f];
	} else if (s.loaded && s.followed < s.own_gen[f]) {
		s.followed = s.gen;
		forget(&s);
	}
	explore(s);
}

static void catch_up(struct state *s)
{
	if (s->read_gen != s->followed)
		forget(s);
	s->followed = s->read_gen;
	s->loaded = 1;
	s->cpu = RUNNING;
}

static void go_to(struct state s, unsigned where)
{
	s.cpu = (uint8_t)where;
	s.lazy = where == RESTING ? 1 : s.lazy;
	explore(s);
}

static void cpu_step(struct state s)
{
	switch (s.cpu) {
	case RUNNING:
		go_to(s, RESTING);
		go_to(s, LEAVE_1);
		return;
	case RESTING:
		go_to(s, BACK_1);
		go_to(s, LEAVE_1);
		return;
	case AWAY:
		go_to(s, LOAD_1);
		return;
	case BACK_1:
	case BACK_2:
		if ((s.cpu == BACK_1) != exchanged)
			s.lazy = 0;
		else
			s.read_gen = s.gen;
		s.cpu++;
		break;
	case LEAVE_1:
		s.loaded = 0;
		s.cpu = LEAVE_2;
		break;
	case LEAVE_2:
		s.mask = 0;
		s.cpu = AWAY;
		break;
	case LOAD_1:
		s.lazy = 0;
		s.cpu = LOAD_2;
		break;
	case LOAD_2:
	case LOAD_3:
		if ((s.cpu == LOAD_2) != exchanged)
			s.mask = 1;
		else
			s.read_gen = s.gen;
		s.cpu++;
		break;
	default: /* BACK_3, LOAD_4 */
		catch_up(&s);
	}
	explore(s);
}

static void explore(struct state s)
{
	if (!remember(&s))
		return;
	cpu_step(s);
	for (unsigned f = 0; f < FLUSHERS; f++) {
		flusher_step(s, f);
		if (s.request[f] && (s.cpu == RUNNING || s.cpu == RESTING || s.cpu == AWAY))
			take_request(s, f);
		if (s.loaded && s.tlb[f] == TLB_NONE) { /* by an access, or on speculation */
			struct state filled = s;

			filled.tlb[f] = s.replaced[f] ? TLB_NEW : TLB_OLD;
			explore(filled);
		}
		if (s.cpu == RUNNING && s.tlb[f] == TLB_OLD && s.freed[f])
			used_freed = true;
	}
}

static bool finds_a_stale_use(bool broken)
{
	struct state start = { .gen = 1, .mask = 1, .cpu = RUNNING, .loaded = 1, .followed = 1 };

	seen = calloc(TABLE, sizeof(*seen));
	assert_non_null(seen);
	seen_count = 0;
	exchanged = broken;
	used_freed = false;
	explore(start);
	free(seen);
	return used_freed;
}

static void no_interleaving_uses_a_freed_page(void **state)
{
	(void)state;
	assert_false(finds_a_stale_use(false));
	assert_true(seen_count > 1000);
}

static void reading_the_generation_first_would_be_wrong(void **state)
{
	(void)state;
	assert_true(finds_a_stale_use(true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_interleaving_uses_a_freed_page),
		cmocka_unit_test(reading_the_generation_first_would_be_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
