/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far apart are two counters?  One side notes its own reading, asks for the other's, and notes its own
 * again when the answer is there.  The other reading was taken in between: at the middle, give or take half
 * the time that passed.  The quickest of several rounds says it best.
 */
#pragma once

#include <kernel/types.h>

struct tsc_round {
	uint64_t sent, there, received; /* own, the other's, own */
};

struct tsc_offset {
	int64_t cycles; /* to be added to the own counter */
	uint64_t error; /* give or take */
};

static inline struct tsc_offset tsc_offset_of(const struct tsc_round *rounds, unsigned n)
{
	struct tsc_offset best = { 0, UINT64_MAX };

	for (unsigned i = 0; i < n; i++) {
		uint64_t half = (rounds[i].received - rounds[i].sent) / 2;

		if (half < best.error)
			best = (struct tsc_offset){ (int64_t)(rounds[i].there - rounds[i].sent - half),
						    half };
	}
	return best;
}

/* Beyond doubt.  What is in doubt nobody can notice: to hand a reading over takes as long. */
static inline bool tsc_is_off(const struct tsc_offset *offset)
{
	uint64_t size = offset->cycles < 0 ? -(uint64_t)offset->cycles : (uint64_t)offset->cycles;

	return size > offset->error;
}
