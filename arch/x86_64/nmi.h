/* SPDX-License-Identifier: BSD-2-Clause */
/* Non-maskable interrupts.  Private to arch/x86_64. */
#pragma once

struct arch_regs;

/* In the handler: any lock may be held by what was interrupted. */
void nmi_handle(const struct arch_regs *regs);
/* From an ordinary interrupt: say what the handler noted. */
void nmi_report(void);
