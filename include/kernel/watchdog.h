/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lockup detectors, for kernel code that keeps a CPU to itself:
 *
 *	hard lockup  the CPU takes no interrupts; its neighbour notices
 *	soft lockup  it takes interrupts, but does not let the scheduler in
 *
 * Both are reported with the place of every CPU.  On the command line: `nowatchdog`; `watchdog_thresh=`
 * seconds until a hard lockup is reported, twice that for a soft one (10); `watchdog_panic`, to stop there.
 */
#pragma once

/* Start watching every online CPU.  In a thread. */
void watchdog_init(void);
