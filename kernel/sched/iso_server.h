/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The constant-bandwidth server's arithmetic (Abeni and Buttazzo, "Integrating multimedia applications in
 * hard real-time systems", 1998), without locks or clocks: also compiled and tested on the host.
 *
 * A server has a budget of `runtime` until an absolute deadline, and is scheduled by that deadline.  A period
 * after the last one it gets a new budget and a new deadline; who used up the budget waits for that.  Over
 * any time it uses no more than runtime / period of a CPU, whatever the task does.
 */
#pragma once

#include <kernel/sched_entity.h>

#define BANDWIDTH_FULL     (1ull << 20) /* one whole CPU */
#define ISO_PART_PERCENT   95u          /* of all CPUs: the rest is for everybody else */
#define ISO_RUNTIME_MIN_NS 1024u        /* less than this the clocks cannot keep apart */
#define ISO_PERIOD_MAX_NS  (1ull << 42) /* products of two times fit 128 bits, of budget and period 63 */

bool iso_params_valid(const struct sched_policy *p);
uint64_t iso_bandwidth(uint64_t runtime_ns, uint64_t period_ns);
/* May `wanted` be admitted when `total` is, on so many CPUs? */
bool iso_admissible(uint64_t total, uint64_t wanted, uint32_t cpus);

/* A fresh budget that counts from now. */
void iso_start(struct sched_iso *e, const struct sched_policy *p, uint64_t now);
/* It wants to run again after a sleep: what is left of budget and deadline may be kept only if using it up
 * until then stays within the bandwidth. */
void iso_wake(struct sched_iso *e, const struct sched_policy *p, uint64_t now);
/* It used up its budget: when will there be more?  May be now or before: then iso_replenish() at once. */
uint64_t iso_next_period(const struct sched_iso *e, const struct sched_policy *p);
/* The next period has begun. */
void iso_replenish(struct sched_iso *e, const struct sched_policy *p, uint64_t now);
