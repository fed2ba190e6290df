/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads for scheduler tests: each does what its `work` says from when it is let go until it is told to
 * stop, and stays to be looked at until it is joined.
 *
 * The machine under test may be a few threads on a busy host.  So the tests judge by the CPU time that the
 * kernel charged and by the order of events, not by the clock on the wall.
 */
#pragma once

#include <kernel/sched.h>
#include <kernel/wait.h>

struct worker {
	struct task *task;
	void (*work)(struct worker *w);
	_Atomic bool go, stop, done, leave;
	_Atomic uint64_t count; /* for `work` */
	uint64_t start_run_ns;  /* CPU time at worker_mark() */
};

#define ON_ANY_CPU UINT32_MAX

/* A worker that waits to be let go, on one CPU or on any.  The test fails when there is none. */
void worker_create(struct worker *w, void (*work)(struct worker *w), const struct sched_policy *policy,
		   uint32_t cpu);
void worker_go(struct worker *w);
/* Tell it to stop, wait until it did, and let it end. */
void worker_join(struct worker *w);

/* Spin until told to stop, counting. */
void work_spin(struct worker *w);

struct sched_task_stats worker_stats(const struct worker *w);
uint64_t worker_run_ns(const struct worker *w);
/* CPU time since the mark. */
void worker_mark(struct worker *w);
uint64_t worker_ran_ns(const struct worker *w);

/* The running thread controls the workers: it goes before all of them but ISO ones.  And back. */
void control_begin(uint32_t cpu);
void control_end(void);
void control_sleep(uint64_t ns);

struct sched_policy policy_fair(int nice);
struct sched_policy policy_batch(uint8_t policy, int nice);
struct sched_policy policy_realtime(uint8_t policy, uint8_t priority);
struct sched_policy policy_iso(uint64_t runtime_ns, uint64_t period_ns);
