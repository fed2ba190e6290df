/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In-guest tests.  Each file in tests/kernel defines one suite; the kernel started with `ktest` (or
 * `ktest=SUITE`) runs them after start-up in a kernel thread, prints KTAP on the log and powers off.
 */
#pragma once

#include <kernel/printk.h>

struct ktest_case {
	const char *name; /* the rule it proves */
	void (*run)(void);
};

struct ktest_suite {
	const char *name;
	const struct ktest_case *cases;
	size_t count;
};

/* Marks the running case as failed and says where; the case goes on. */
void ktest_fail(const char *file, int line, const char *what);

#define KTEST_EXPECT(e)                                     \
	do {                                                \
		if (!(e))                                   \
			ktest_fail(__FILE__, __LINE__, #e); \
	} while (0)

#define KTEST_SUITE(suite_name, suite_cases)                                                \
	static const struct ktest_suite ktest_suite_def __used                              \
		__attribute__((section(".ktest"), aligned(8))) = { suite_name, suite_cases, \
								   ARRAY_SIZE(suite_cases) }

/* Run what the command line asks for; returns the number of failed cases. */
int ktest_run(const char *filter);
