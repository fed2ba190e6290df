/* SPDX-License-Identifier: BSD-2-Clause */
#include "audit_ring.h"

#include <kernel/compiler.h>
#include <kernel/string.h>

_Static_assert(sizeof(struct audit_record) % sizeof(uint64_t) == 0, "a record is whole words");

/* --- the ring --------------------------------------------------------------------------------------- */

static uint64_t stamp_of(uint64_t n)
{
	return 2 * n + 2;
}

/* A slot with an odd stamp belongs to who made it so; one that is newer than n stays. */
static bool claim(struct audit_slot *slot, uint64_t n)
{
	uint64_t stamp = atomic_load_explicit(&slot->stamp, memory_order_relaxed);

	return stamp % 2 == 0 && stamp < stamp_of(n) &&
	       atomic_compare_exchange_strong_explicit(&slot->stamp, &stamp, stamp_of(n) - 1,
						       memory_order_acquire, memory_order_relaxed);
}

bool audit_ring_put(struct audit_ring *ring, const struct audit_record *record)
{
	uint64_t n = atomic_fetch_add_explicit(&ring->end, 1, memory_order_relaxed);
	struct audit_slot *slot = &ring->slots[n % AUDIT_SLOTS];
	uint64_t words[AUDIT_WORDS];

	if (!claim(slot, n))
		return false;
	/* Readers who see a word of the new record see that the stamp has changed, too. */
	atomic_thread_fence(memory_order_release);
	memcpy(words, record, sizeof(words));
	for (size_t i = 0; i < AUDIT_WORDS; i++)
		atomic_store_explicit(&slot->words[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&slot->stamp, stamp_of(n), memory_order_release);
	return true;
}

bool audit_ring_get(struct audit_ring *ring, uint64_t n, struct audit_record *out)
{
	struct audit_slot *slot = &ring->slots[n % AUDIT_SLOTS];
	uint64_t words[AUDIT_WORDS];

	if (atomic_load_explicit(&slot->stamp, memory_order_acquire) != stamp_of(n))
		return false;
	for (size_t i = 0; i < AUDIT_WORDS; i++)
		words[i] = atomic_load_explicit(&slot->words[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&slot->stamp, memory_order_relaxed) != stamp_of(n))
		return false;
	memcpy(out, words, sizeof(words));
	return true;
}

/* --- the limit -------------------------------------------------------------------------------------- */

/* A bucket's state in one word, so that it changes in one step: 24 bits of pid, 24 of seconds, 16 of
 * count. */
struct share {
	uint32_t pid, second, count;
};

#define SHARE_BITS(n) ((1u << (n)) - 1)

static struct share unpack(uint64_t state)
{
	return (struct share){
		.pid = (uint32_t)(state >> 40),
		.second = (uint32_t)(state >> 16) & SHARE_BITS(24),
		.count = (uint32_t)state & SHARE_BITS(16),
	};
}

static uint64_t pack(struct share s)
{
	return (uint64_t)s.pid << 40 | (uint64_t)s.second << 16 | s.count;
}

/* A process that finds another in its bucket puts it out, and starts anew: none can use up what is
 * another's. */
static bool process_may(struct audit_limit *limit, int32_t pid, uint32_t second, uint32_t *dropped)
{
	_Atomic uint64_t *place = &limit->buckets[(uint32_t)pid % AUDIT_BUCKETS].state;
	uint64_t old = atomic_load_explicit(place, memory_order_relaxed);
	struct share s;

	do {
		s = unpack(old);
		*dropped = 0;
		if (s.pid != ((uint32_t)pid & SHARE_BITS(24))) {
			s = (struct share){ .pid = (uint32_t)pid & SHARE_BITS(24), .second = second };
		} else if (s.second != second) {
			*dropped = s.count > AUDIT_PROCESS_BURST ? s.count - AUDIT_PROCESS_BURST : 0;
			s.second = second;
			s.count = 0;
		}
		s.count = MIN(s.count + 1, SHARE_BITS(16));
	} while (!atomic_compare_exchange_weak_explicit(place, &old, pack(s), memory_order_relaxed,
							memory_order_relaxed));
	return s.count <= AUDIT_PROCESS_BURST;
}

static bool all_may(struct audit_limit *limit, uint32_t second)
{
	uint64_t old = atomic_load_explicit(&limit->all, memory_order_relaxed), new;

	do {
		bool same = old >> 32 == second;

		if (same && (uint32_t)old >= AUDIT_ALL_BURST)
			return false;
		new = (uint64_t)second << 32 | (same ? (uint32_t)old + 1 : 1);
	} while (!atomic_compare_exchange_weak_explicit(&limit->all, &old, new, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

void audit_limit_drop(struct audit_limit *limit, int32_t pid)
{
	atomic_fetch_add_explicit(&limit->buckets[(uint32_t)pid % AUDIT_BUCKETS].dropped, 1,
				  memory_order_relaxed);
}

bool audit_limit_pass(struct audit_limit *limit, int32_t pid, uint64_t now_ns, uint32_t *dropped)
{
	uint32_t second = (uint32_t)(now_ns >> 30) & SHARE_BITS(24); /* nearly */

	if (process_may(limit, pid, second, dropped) && all_may(limit, second))
		return true;
	audit_limit_drop(limit, pid);
	return false;
}

uint64_t audit_limit_dropped(const struct audit_limit *limit)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < AUDIT_BUCKETS; i++)
		sum += atomic_load_explicit(&limit->buckets[i].dropped, memory_order_relaxed);
	return sum;
}
