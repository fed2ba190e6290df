/* SPDX-License-Identifier: BSD-2-Clause */
/* The watchdog: it sees workers end, and names those that make no progress. */
#pragma once

#include "load.h"

struct watch {
	struct worker *workers;
	unsigned count;
	unsigned patience; /* seconds without a round until a worker counts as stuck */
	unsigned failed;
	uint64_t seen_rounds[256], seen_ns[256]; /* the last progress of each */
};

/* Look at every worker once; false when all have ended. */
bool watch_step(struct watch *watch);
/* Whatever still runs is killed, and everything is waited for. */
void watch_end(struct watch *watch);
