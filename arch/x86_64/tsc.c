/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Equal time-stamp counters.  All CPUs read the time from their own counter with the same parameters
 * (kernel/core/time.c).  Reset starts the counters together, but firmware may write to them, and a processor
 * that was plugged in later counts from there.  A write to IA32_TSC_ADJUST moves the counter by what it
 * changes (Intel SDM vol. 3B, 17.17.3, "Time-Stamp Counter Adjustment"); CPUID.(EAX=7,ECX=0):EBX[1] tells
 * whether it is there.
 */
#include "tsc.h"

#include <stdatomic.h>

#include <arch/cpu.h>
#include <kernel/preempt.h>
#include <kernel/printk.h>
#include <kernel/time.h>
#include <serix/errno.h>

#include "cpu.h"
#include "tsc_offset.h"
#include "x86.h"

/* At most so many rounds.  On real processors they take some microseconds together, but a virtual one may
 * have to wait in each until the host runs the other: then the first that are too slow are the last. */
#define ROUNDS    16u
#define ENOUGH_NS NSEC_PER_MSEC
#define DONE      UINT32_MAX
#define SILENT_NS NSEC_PER_SEC

/* Question n is answered once both are n. */
static struct {
	_Atomic uint32_t asked;    /* written by the new processor */
	_Atomic uint32_t answered; /* written by the other one, after `cycles` */
	uint64_t cycles;
} talk;

void tsc_prepare(void)
{
	atomic_store(&talk.answered, 0);
	atomic_store(&talk.asked, 0);
}

/* --- on the new one --------------------------------------------------------------------------------- */

/* If the other one has given up, this one waits for the INIT that is on its way. */
static struct tsc_round ask(uint32_t question)
{
	struct tsc_round r;

	r.sent = arch_cycles_ordered();
	atomic_store(&talk.asked, question);
	while (atomic_load(&talk.answered) != question)
		arch_cpu_relax();
	r.received = arch_cycles_ordered();
	r.there = talk.cycles;
	return r;
}

static struct tsc_offset measure(uint32_t first)
{
	uint64_t enough = time_cycles_per_sec() / (NSEC_PER_SEC / ENOUGH_NS);
	struct tsc_round rounds[ROUNDS];
	uint32_t n = 0;

	do {
		rounds[n] = ask(first + n);
		n++;
	} while (n < ROUNDS && rounds[n - 1].received - rounds[0].sent < enough);
	return tsc_offset_of(rounds, n);
}

void tsc_compare(struct cpu *cpu)
{
	struct tsc_offset offset = measure(1);

	if (tsc_is_off(&offset) && cpu_features.tsc_adjust) {
		msr_write(MSR_TSC_ADJUST, msr_read(MSR_TSC_ADJUST) + (uint64_t)offset.cycles);
		cpu->arch->tsc_corrected = offset.cycles;
		offset = measure(1 + ROUNDS);
	}
	cpu->arch->tsc_offset = tsc_is_off(&offset) ? offset.cycles : 0;
	atomic_store(&talk.asked, DONE);
}

/* --- on the one that starts it ---------------------------------------------------------------------- */

static int answer_all(void)
{
	uint64_t end = time_now_ns() + SILENT_NS;
	uint32_t question, last = 0;

	while ((question = atomic_load(&talk.asked)) != DONE) {
		if (question != last) {
			talk.cycles = arch_cycles_ordered();
			atomic_store(&talk.answered, question);
			last = question;
			end = time_now_ns() + SILENT_NS;
		} else if (time_now_ns() >= end) {
			return -ETIMEDOUT;
		}
		arch_cpu_relax();
	}
	return 0;
}

int tsc_answer(struct cpu *cpu)
{
	int err;

	preempt_disable();
	err = answer_all();
	preempt_enable();
	if (err < 0)
		return err;
	if (cpu->arch->tsc_corrected)
		pr_notice("clock: the counter of CPU %u was moved by %ld cycles", cpu->id,
			  cpu->arch->tsc_corrected);
	if (cpu->arch->tsc_offset)
		pr_warn("clock: the counter of CPU %u is %ld cycles behind: time is not the same on all CPUs",
			cpu->id, cpu->arch->tsc_offset);
	return 0;
}
