/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of CPUs, and the proof that assembly and C agree on every shared layout. */
#include <kernel/percpu.h>

#include <arch/context.h>
#include <kernel/sched.h>
#include <serix/errno.h>

#include "cpu.h"
#include "x86.h"

struct cpu *cpus[MAX_CPUS];
uint32_t cpu_count;

#define ASSERT_OFFSET(type, field, number) \
	_Static_assert(offsetof(struct type, field) == (number), #type "." #field " moved: see offsets.inc")

ASSERT_OFFSET(cpu, self, CPU_OFFSET_SELF);
ASSERT_OFFSET(cpu, self, 0);
ASSERT_OFFSET(cpu, current, CPU_OFFSET_CURRENT);
ASSERT_OFFSET(cpu, current, 8);
ASSERT_OFFSET(cpu, kernel_stack, 16);
ASSERT_OFFSET(cpu, scratch, 24);
ASSERT_OFFSET(cpu, canary, 40); /* -mstack-protector-guard-offset */
ASSERT_OFFSET(cpu, preempt_count, CPU_OFFSET_PREEMPT);
ASSERT_OFFSET(cpu, resched, CPU_OFFSET_RESCHED);
ASSERT_OFFSET(cpu, resched, 60);
ASSERT_OFFSET(task, work, 84);

ASSERT_OFFSET(arch_regs, r15, 0);
ASSERT_OFFSET(arch_regs, r14, 8);
ASSERT_OFFSET(arch_regs, r13, 16);
ASSERT_OFFSET(arch_regs, r12, 24);
ASSERT_OFFSET(arch_regs, rbp, 32);
ASSERT_OFFSET(arch_regs, rbx, 40);
ASSERT_OFFSET(arch_regs, r11, 48);
ASSERT_OFFSET(arch_regs, rcx, 56);
ASSERT_OFFSET(arch_regs, rax, 64);
ASSERT_OFFSET(arch_regs, rdi, 72);
ASSERT_OFFSET(arch_regs, rsi, 80);
ASSERT_OFFSET(arch_regs, rdx, 88);
ASSERT_OFFSET(arch_regs, r10, 96);
ASSERT_OFFSET(arch_regs, r8, 104);
ASSERT_OFFSET(arch_regs, r9, 112);
ASSERT_OFFSET(arch_regs, vector, 120);
ASSERT_OFFSET(arch_regs, error, 128);
ASSERT_OFFSET(arch_regs, rip, 136);
ASSERT_OFFSET(arch_regs, cs, 144);
ASSERT_OFFSET(arch_regs, rflags, 152);
ASSERT_OFFSET(arch_regs, rsp, 160);
ASSERT_OFFSET(arch_regs, ss, 168);
_Static_assert(sizeof(struct arch_regs) == 176, "struct arch_regs changed: see offsets.inc");
_Static_assert(REGS_VECTOR_SYSCALL == 256, "REGS_VECTOR_SYSCALL: see offsets.inc");
_Static_assert(ERESTARTSYS == 512 && ERESTART_RESTARTBLOCK == 516, "restarts: see offsets.inc");
_Static_assert(SEL_USER_DATA == 0x2b && SEL_USER_CODE == 0x33, "selectors: see offsets.inc");

_Static_assert(offsetof(struct tss, ist) == 36 && sizeof(struct tss) == 104, "the CPU fixes this layout");
