/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine checks and NMIs: what the hardware says when it breaks. */
#pragma once

struct arch_regs;

void mce_init_cpu(void);
void mce_handle(const struct arch_regs *regs) __attribute__((noreturn));
/* In the NMI handler: take note, nothing else.  Any lock may be held by what was interrupted. */
void nmi_handle(void);
/* From an ordinary interrupt: say what the NMI handler noted. */
void nmi_report(void);
