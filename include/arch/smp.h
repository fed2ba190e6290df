/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine contract: starting other CPUs and interrupting them. */
#pragma once

#include <kernel/percpu.h>
#include <kernel/smp.h>

/*
 * Start the processor that platform.cpus[index] describes as CPU `cpu->id`; cpu->current is its idle task,
 * whose stack it runs on, and it ends up in smp_cpu_main().  `cpu` was zeroed but for these; the machine
 * fills in the rest.  After a failure the same `cpu` may be used for another index.
 * 0, or -ETIMEDOUT (it did not answer), -ENOTSUP (it lacks what the boot CPU has), -ENOMEM.
 */
int arch_cpu_start(struct cpu *cpu, uint32_t index) __attribute__((warn_unused_result));
/* No more will be started: give back what that took. */
void arch_start_finish(void);
/* Is platform.cpus[index] the processor that runs this? */
bool arch_cpu_is_this(uint32_t index);

/* Interrupt another CPU. */
void arch_ipi_send(uint32_t cpu, enum ipi ipi);
/* Halt every other CPU, even one that keeps its interrupts off (by NMI). */
void arch_stop_others(void);
/* Where another CPU is: addresses of code, innermost first.  Returns how many; 0: it does not answer even
 * an NMI.  After arch_stop_others(): where it was.  Waits up to 100 ms. */
size_t arch_cpu_where(uint32_t id, uintptr_t *out, size_t max);
