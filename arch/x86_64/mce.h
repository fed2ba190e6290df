/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine checks: what the hardware says when it breaks. */
#pragma once

struct arch_regs;

void mce_init_cpu(void);
void mce_handle(const struct arch_regs *regs) __attribute__((noreturn));
