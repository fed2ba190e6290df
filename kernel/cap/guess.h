/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who imports tokens that do not exist is guessing.  A few are free.  Then each look-up, right or wrong, has
 * to wait for its turn, and turns come the more slowly the more was guessed; they come back to normal as time
 * goes by without.  What was guessed in all is never forgotten: at the limit, if there is one, the answer is
 * to take everything away.
 *
 * Pure: also built on the host.  Guarded by the table's lock.
 */
#pragma once

#include <kernel/types.h>

#define GUESS_FREE         4u
#define GUESS_DELAY_NS     1000000ull     /* the first; each is twice as long as the one before, */
#define GUESS_DELAY_MAX_NS 1000000000ull  /* up to this */
#define GUESS_FORGIVE_NS   10000000000ull /* one of those that make for delays, in this time */

struct cap_guesses {
	uint32_t wrong;       /* ever */
	uint32_t limit;       /* of them; 0: none */
	uint32_t recent;      /* not forgiven yet */
	uint64_t next_ns;     /* monotonic: no look-up before */
	uint64_t forgiven_ns; /* up to when time has been counted */
};

/* May a look-up be made now?  0: yes, the turn is taken.  Else try again at the time returned. */
uint64_t cap_guess_turn(struct cap_guesses *g, uint64_t now_ns);
/* It was wrong.  True: that was the last one allowed, or one too many. */
bool cap_guess_wrong(struct cap_guesses *g, uint64_t now_ns);
/* From now on at most so many in all; a limit is never raised. */
void cap_guess_limit(struct cap_guesses *g, uint32_t limit);
