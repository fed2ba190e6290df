/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the in-guest tests and reports in KTAP (docs.kernel.org, "The Kernel Test Anything Protocol"). */
#include <kernel/ktest.h>

#include <stdatomic.h>

#include <kernel/string.h>

extern const struct ktest_suite __ktest_start[], __ktest_end[];

#define REPORTS_MAX 5 /* lines about one case: a failing loop must not drown the rest */

static _Atomic uint32_t case_failures;

void ktest_fail(const char *file, int line, const char *what)
{
	if (atomic_fetch_add(&case_failures, 1) < REPORTS_MAX)
		pr_err("# %s:%d: %s", file, line, what);
}

static int run_suite(const struct ktest_suite *suite)
{
	int failed = 0;

	pr_info("    KTAP version 1");
	pr_info("    # Subtest: %s", suite->name);
	pr_info("    1..%lu", suite->count);
	for (size_t i = 0; i < suite->count; i++) {
		const struct ktest_case *c = &suite->cases[i];
		uint32_t failures;

		atomic_store(&case_failures, 0);
		c->run();
		failures = atomic_load(&case_failures);
		if (failures > REPORTS_MAX)
			pr_err("# and %u more", failures - REPORTS_MAX);
		failed += failures != 0;
		pr_info("    %s %lu %s", failures ? "not ok" : "ok", i + 1, c->name);
	}
	return failed;
}

int ktest_run(const char *filter)
{
	int failed = 0, number = 0, wanted = 0;
	const struct ktest_suite *suite;

	for (suite = __ktest_start; suite < __ktest_end; suite++)
		wanted += !*filter || strcmp(filter, suite->name) == 0;
	pr_info("KTAP version 1");
	pr_info("1..%d", wanted);
	for (suite = __ktest_start; suite < __ktest_end; suite++) {
		int n;

		if (*filter && strcmp(filter, suite->name) != 0)
			continue;
		n = run_suite(suite);
		failed += n;
		pr_info("%s %d %s", n ? "not ok" : "ok", ++number, suite->name);
	}
	return failed;
}
