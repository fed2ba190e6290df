/* SPDX-License-Identifier: BSD-2-Clause */
/* A table of classes, found by the address of the name: the linker keeps one copy of equal strings. */
#include <kernel/lockstat.h>

#include <stdatomic.h>

#include <kernel/compiler.h>
#include <kernel/time.h>

#define CLASSES 128u /* a power of two, well above the number of names */

struct counter {
	_Atomic(const char *) name;                   /* NULL: free; set once */
	_Atomic uint64_t contentions, wait, wait_max; /* cycles */
} __aligned(64);

static struct counter counters[CLASSES];

static struct counter *counter_of(const char *name)
{
	uint32_t start = (uint32_t)((uintptr_t)name * 0x9e3779b97f4a7c15ull >> 40);

	for (uint32_t i = 0; i < CLASSES; i++) {
		struct counter *c = &counters[(start + i) % CLASSES];
		const char *there = atomic_load_explicit(&c->name, memory_order_relaxed);

		if (there == name ||
		    (!there && (atomic_compare_exchange_strong(&c->name, &there, name) || there == name)))
			return c;
	}
	return NULL;
}

void lockstat_waited(const char *name, uint64_t cycles)
{
	struct counter *c = counter_of(name);
	uint64_t max;

	if (!c)
		return;
	atomic_fetch_add_explicit(&c->contentions, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->wait, cycles, memory_order_relaxed);
	max = atomic_load_explicit(&c->wait_max, memory_order_relaxed);
	while (cycles > max &&
	       !atomic_compare_exchange_weak_explicit(&c->wait_max, &max, cycles, memory_order_relaxed,
						      memory_order_relaxed))
		;
}

static uint64_t cycles_to_us(uint64_t cycles)
{
	return cycles / (time_cycles_per_sec() / (NSEC_PER_SEC / NSEC_PER_USEC));
}

bool lockstat_get(unsigned n, struct lock_class *out)
{
	for (unsigned i = 0; i < CLASSES; i++) {
		const struct counter *c = &counters[i];
		uint64_t contentions = atomic_load_explicit(&c->contentions, memory_order_relaxed);

		if (contentions == 0 || n-- > 0)
			continue;
		*out = (struct lock_class){
			.name = c->name,
			.contentions = contentions,
			.wait_us = cycles_to_us(atomic_load_explicit(&c->wait, memory_order_relaxed)),
			.wait_max_us = cycles_to_us(atomic_load_explicit(&c->wait_max, memory_order_relaxed)),
		};
		return true;
	}
	return false;
}

void lockstat_reset(void)
{
	for (unsigned i = 0; i < CLASSES; i++) {
		atomic_store_explicit(&counters[i].contentions, 0, memory_order_relaxed);
		atomic_store_explicit(&counters[i].wait, 0, memory_order_relaxed);
		atomic_store_explicit(&counters[i].wait_max, 0, memory_order_relaxed);
	}
}
