/* SPDX-License-Identifier: BSD-2-Clause */
#include "guess.h"

#include <kernel/compiler.h>

static uint64_t delay_ns(const struct cap_guesses *g)
{
	uint32_t doublings;

	if (g->recent < GUESS_FREE)
		return 0;
	doublings = MIN(g->recent - GUESS_FREE, 32u);
	return MIN(GUESS_DELAY_NS << doublings, GUESS_DELAY_MAX_NS);
}

static void forgive(struct cap_guesses *g, uint64_t now_ns)
{
	uint64_t n;

	if (now_ns <= g->forgiven_ns)
		return;
	n = (now_ns - g->forgiven_ns) / GUESS_FORGIVE_NS;
	g->forgiven_ns += n * GUESS_FORGIVE_NS;
	g->recent -= (uint32_t)MIN(n, (uint64_t)g->recent);
}

uint64_t cap_guess_turn(struct cap_guesses *g, uint64_t now_ns)
{
	forgive(g, now_ns);
	if (now_ns < g->next_ns)
		return g->next_ns;
	g->next_ns = now_ns + delay_ns(g);
	return 0;
}

bool cap_guess_wrong(struct cap_guesses *g, uint64_t now_ns)
{
	if (g->recent == 0)
		g->forgiven_ns = now_ns; /* time before the first guess forgives nothing */
	if (g->recent < UINT32_MAX)
		g->recent++;
	if (g->wrong < UINT32_MAX)
		g->wrong++;
	g->next_ns = MAX(g->next_ns, now_ns + delay_ns(g));
	return g->limit && g->wrong >= g->limit;
}

void cap_guess_limit(struct cap_guesses *g, uint32_t limit)
{
	if (limit && (g->limit == 0 || limit < g->limit))
		g->limit = limit;
}
