/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one header through which machine code calls up.  Each function says in what context it runs.
 */
#pragma once

#include <kernel/types.h>

struct arch_regs;

/* A page fault.  Interrupts on if they were on where it happened.  In kernel mode at a user address it
 * came from the user-copy routines: false makes them return -EFAULT.  True: retry the access. */
#define FAULT_WRITE (1u << 0)
#define FAULT_EXEC  (1u << 1)
#define FAULT_USER  (1u << 2) /* the access was made in user mode */
#define FAULT_FORCE \
	(1u << 3) /* a debugger's write: to what is private also where the program may only read */
bool trap_page_fault(struct arch_regs *regs, uint64_t addr, unsigned access);

/* Any other exception in user mode, as a signal: Linux numbers for signo and code. */
void trap_user_exception(struct arch_regs *regs, int signo, int code, uint64_t addr);

/* A system call: interrupts on.  Returns its result. */
int64_t syscall_dispatch(struct arch_regs *regs);
/* The result, one from -ERESTARTSYS to -ERESTART_RESTARTBLOCK, is in the registers. */
void syscall_restarts(void);

/* On the way to user mode with interrupts off: deliver signals, reschedule.  May turn them on and off
 * again; on return no work is pending. */
void user_return_work(struct arch_regs *regs);

/* The timer interrupt of this CPU, interrupts off. */
void trap_timer(struct arch_regs *regs);

/* A device interrupt, interrupts off; acknowledged after it returns.  `slot` as given to arch_irq_route. */
#define IRQ_SLOTS 96
void irq_dispatch(unsigned slot);

/* End of any interrupt that came in kernel mode, interrupts off: preempt if asked and allowed. */
void trap_irq_exit(void);
