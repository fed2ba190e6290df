/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparing the time-stamp counter of a processor that starts with that of the one that starts it. */
#pragma once

struct cpu;

void tsc_prepare(void); /* before it is started */
/* On the new processor: measure and, where that is possible, correct; while the other one is in tsc_answer().
 */
void tsc_compare(struct cpu *cpu);
/* On the one that starts it, which then tells the log.  -ETIMEDOUT: the new one has gone silent. */
int tsc_answer(struct cpu *cpu) __attribute__((warn_unused_result));
