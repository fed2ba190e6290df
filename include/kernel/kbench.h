/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In-guest benchmarks.  Each file in tests/kernel named *_bench.c defines one suite; the kernel started with
 * `kbench` (or `kbench=SUITE`) runs them after start-up in a kernel thread, prints one line a row,
 *
 *	bench: NAME COUNT
 *
 * and powers off.  COUNT is cycles of one operation: under QEMU's -icount shift=0, instructions.
 */
#pragma once

#include <arch/cpu.h>
#include <kernel/compiler.h>

/* So many operations in one run are run once: long enough to wait for, and their average is steady. */
#define KBENCH_LONG 1000000u

struct kbench_row {
	const char *name;
	unsigned n;                  /* operations in one run */
	uint64_t (*run)(unsigned n); /* the cycles that they took, set-up excluded; 0: not possible here */
};

struct kbench_suite {
	const char *name;
	const struct kbench_row *rows;
	size_t count;
};

#define KBENCH_SUITE(suite_name, suite_rows)                                                \
	static const struct kbench_suite kbench_suite_def __used                            \
		__attribute__((section(".kbench"), aligned(8))) = { suite_name, suite_rows, \
								    ARRAY_SIZE(suite_rows) }

/* A row that is nothing but one operation in a loop, between set-up and clearing away. */
#define KBENCH_LOOP(name, before, operation, after)      \
	static uint64_t name(unsigned n)                 \
	{                                                \
		uint64_t start, cycles;                  \
                                                         \
		before;                                  \
		start = arch_cycles();                   \
		for (unsigned i = 0; i < n; i++) {       \
			operation;                       \
			__asm__ volatile("" : : "r"(i)); \
		}                                        \
		cycles = arch_cycles() - start;          \
		after;                                   \
		return cycles;                           \
	}

/* Run the suite with that name, or all for "". */
void kbench_run(const char *filter);
