/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the in-guest tests and reports in KTAP (docs.kernel.org, "The Kernel Test Anything Protocol"). */
#include <kernel/ktest.h>

#include <stdatomic.h>

#include <kernel/string.h>

extern const struct ktest_suite __ktest_start[], __ktest_end[];

static _Atomic bool case_failed;

void ktest_fail(const char *file, int line, const char *what)
{
	atomic_store(&case_failed, true);
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

		atomic_store(&case_failed, false);
		c->run();
		failed += atomic_load(&case_failed);
		pr_info("    %s %lu %s", atomic_load(&case_failed) ? "not ok" : "ok", i + 1, c->name);
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
