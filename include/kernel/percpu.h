/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU data.  GS points at this CPU's struct cpu while in the kernel (arch/x86_64); assembly uses
 * the offsets asserted in arch/x86_64/percpu.c.  A field is written only by its own CPU, with
 * preemption or interrupts off as noted, unless it says [a] (atomic, any CPU).
 */
#pragma once

#include <kernel/compiler.h>

#define MAX_CPUS 256

struct task;
struct runq;
struct tlb_cpu;
struct vm_space;
struct arch_cpu;
struct random_cpu;

/* What a CPU is interrupted by, for /proc/interrupts. */
enum interrupt_kind {
	INTERRUPT_DEVICE,
	INTERRUPT_TIMER,
	INTERRUPT_RESCHEDULE,
	INTERRUPT_CALL,
	INTERRUPT_KINDS,
};

struct cpu {
	struct cpu *self;         /* gs:0 */
	struct task *current;     /* gs:8   the running task */
	uint64_t kernel_stack;    /* gs:16  top of current's kernel stack, for system-call entry */
	uint64_t scratch[2];      /* gs:24  entry code only */
	uint64_t canary;          /* gs:40  stack protector (compiler ABI) */
	uint32_t id;              /* gs:48  0 is the boot CPU */
	uint32_t preempt_count;   /* gs:52  >0: the running task may not be switched out */
	uint32_t irq_depth;       /* gs:56  >0: in an interrupt handler */
	_Atomic uint32_t resched; /* gs:60  [a] non-zero: call schedule() at the next chance */
	uint32_t sched_passes;    /* how often the scheduler has looked for who runs next; interrupts off */
	_Atomic uint32_t resched_watched; /* [a] it waits for a store to `resched`: no interrupt is needed */
	struct runq *runq;
	struct vm_space *vm; /* whose page table is loaded; NULL: the kernel's own.  Interrupts off. */
	struct tlb_cpu
		*untagged; /* its translations, if they have no tags; NULL: they do, or it has none yet */
	struct arch_cpu *arch;
	struct random_cpu *random;            /* [i] its random generator */
	uint64_t interrupts[INTERRUPT_KINDS]; /* how often; interrupts off */
	_Atomic uint64_t page_faults;         /* [a] resolved ones of programs */
};

/* Indexed by cpu id; entries above cpu_count are NULL. */
extern struct cpu *cpus[MAX_CPUS];
extern uint32_t cpu_count;
