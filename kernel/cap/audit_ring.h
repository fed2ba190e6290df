/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of what happened: a ring of records that any number of CPUs write to and read from at once
 * without a lock, in any context, and a limit to how much of it one process, and all together, may fill.
 * Pure: also built on the host.
 */
#pragma once

#include <stdatomic.h>

#include <kernel/cap_audit.h>

#define AUDIT_WORDS (sizeof(struct audit_record) / sizeof(uint64_t))
#define AUDIT_SLOTS 256u

/* Records are numbered; number n is in slot n % AUDIT_SLOTS until n + AUDIT_SLOTS comes. */
struct audit_slot {
	_Atomic uint64_t stamp; /* 2n + 1: n is being written; 2n + 2: it is there */
	_Atomic uint64_t words[AUDIT_WORDS];
};

struct audit_ring {
	_Atomic uint64_t end; /* the next record's number */
	struct audit_slot slots[AUDIT_SLOTS];
};

/* False: its place is still being written to by somebody a whole round behind. */
bool audit_ring_put(struct audit_ring *ring, const struct audit_record *record);
/* Record number n.  False: it is not there any more, or not yet. */
bool audit_ring_get(struct audit_ring *ring, uint64_t n, struct audit_record *out);

#define AUDIT_PROCESS_BURST 32u  /* a second */
#define AUDIT_ALL_BURST     200u /* a second, of all processes */
#define AUDIT_BUCKETS       64u

struct audit_limit {
	struct {
		_Atomic uint64_t state;   /* process, second, count */
		_Atomic uint64_t dropped; /* for good */
	} buckets[AUDIT_BUCKETS];
	_Atomic uint64_t all; /* second, count */
};

/* May the process have another record?  `*dropped` is then how many it could not have in the second that it
 * was heard of last. */
bool audit_limit_pass(struct audit_limit *limit, int32_t pid, uint64_t now_ns, uint32_t *dropped);
/* Count one that came to nothing for another reason. */
void audit_limit_drop(struct audit_limit *limit, int32_t pid);
/* All that were dropped since the start. */
uint64_t audit_limit_dropped(const struct audit_limit *limit);
