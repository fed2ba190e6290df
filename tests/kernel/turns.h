/* SPDX-License-Identifier: BSD-2-Clause */
/* Two workers that run in turns, each asleep while the other has its turn: by handing the CPU over where that
 * is possible and `by_handoff` says so, else by waking and sleeping. */
#pragma once

#include "sched_worker.h"

#define TURNS_WARM 100u

struct turns {
	struct worker workers[2];
	bool by_handoff;
	uint64_t burst_ns[2];           /* CPU time that each uses in a turn; 0: next to none */
	_Atomic unsigned turn;          /* whose it is: the parity */
	_Atomic uint64_t handed, woken; /* how the turn was passed */
	_Atomic uint64_t out_of_turn;   /* how often both were on it: never */
	unsigned measured;              /* round trips from turn TURNS_WARM on that `cycles` is for */
	uint64_t cycles;
};

/* Started by worker_go() on both.  0 has the first turn. */
void turns_create(struct turns *t, bool by_handoff, const struct sched_policy *policy, uint32_t cpu);
void turns_go(struct turns *t);
void turns_join(struct turns *t);
