/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many CPUs: starting them, and asking something of the others.
 *
 * CPU ids are dense from 0 (the one that booted).  A CPU is in `cpus_online` from the moment it can take
 * interrupts and run tasks; it stays there: CPUs are not taken out.  One that does not answer is reported
 * and gets no id.
 */
#pragma once

#include <kernel/cpumask.h>

/* Start every processor of `platform.cpus` (at most maxcpus= of them).  Runs in a thread of the boot CPU. */
void smp_init(void);

extern struct cpumask cpus_online;

enum ipi {
	IPI_RESCHEDULE, /* look at cpu->resched */
	IPI_CALL,       /* run the functions queued by smp_call */
	IPI_COUNT,
};

/*
 * Run fn(arg) on every online CPU of `targets`; return when all have finished.  On other CPUs it runs in
 * interrupt context; on this one, if it is among them, directly, with interrupts off.  The caller has
 * interrupts on (two callers must be able to serve each other) and holds no lock that fn, or a CPU that
 * keeps its interrupts off, may be waiting for.
 */
void smp_call(const struct cpumask *targets, void (*fn)(void *arg), void *arg);
void smp_call_one(uint32_t cpu, void (*fn)(void *arg), void *arg);

/* Make `cpu` look at its run queue again: sets its resched flag and interrupts it where it is not this one.
 */
void smp_reschedule(uint32_t cpu);

/* panic and power-off: every other CPU halts, whatever it is doing. */
void smp_stop_others(void);

/* From the machine's interrupt entry. */
void ipi_handle(enum ipi ipi);
/* Where a started CPU enters the generic kernel, on its idle task's stack, interrupts off. */
void smp_cpu_main(void) __noreturn;
