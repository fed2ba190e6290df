/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes before there are any: look-ups, argument blocks, names of calls, times from programs. */
#include <kernel/ktest.h>

#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/timespec.h>
#include <serix/errno.h>

static void nothing_is_found(void)
{
	KTEST_EXPECT(process_find(0) == NULL);
	KTEST_EXPECT(process_find(-1) == NULL);
	KTEST_EXPECT(process_find(1) == NULL);
	KTEST_EXPECT(process_find(INT32_MAX) == NULL);
	KTEST_EXPECT(process_next(INT32_MIN) == NULL);
	KTEST_EXPECT(process_next(INT32_MAX) == NULL);
	KTEST_EXPECT(process_count() == 0);
	KTEST_EXPECT(signal_group(1, SIGTERM, NULL) == -ESRCH);
	KTEST_EXPECT(!process_group_in_session(1, 1));
}

static void the_kernel_is_root_without_limits(void)
{
	KTEST_EXPECT(!in_user_thread());
	KTEST_EXPECT(cred_has_privilege(PRIV_SYS_ADMIN));
	KTEST_EXPECT(current_cred()->uid == 0);
	KTEST_EXPECT(current_rlimit(RLIMIT_NOFILE) == RLIM_INFINITY);
}

static void arguments_are_counted(void)
{
	struct exec_args args;

	exec_args_init(&args, 100);
	KTEST_EXPECT(exec_args_add(&args, "one", false) == 0);
	KTEST_EXPECT(exec_args_add(&args, "", false) == 0);
	KTEST_EXPECT(exec_args_add(&args, "E=1", true) == 0);
	KTEST_EXPECT(args.argc == 2 && args.envc == 1);
	KTEST_EXPECT(args.argv_bytes == 5 && args.used == 9);
	KTEST_EXPECT(memcmp(args.text, "one\0\0E=1\0", 9) == 0);
	exec_args_free(&args);
}

/* Strings and their pointers count alike; a refused string leaves no trace. */
static void the_limit_holds(void)
{
	struct exec_args args;
	unsigned n = 0;

	exec_args_init(&args, 1000);
	while (exec_args_add(&args, "12", false) == 0)
		n++;
	KTEST_EXPECT(n * (3 + sizeof(uint64_t)) <= 1000 && (n + 1) * (3 + sizeof(uint64_t)) > 1000);
	KTEST_EXPECT(args.argc == n && args.used == n * 3);
	KTEST_EXPECT(exec_args_add(&args, "12", true) == -E2BIG);
	exec_args_free(&args);
}

static void large_blocks_grow(void)
{
	static char text[5000];
	struct exec_args args;
	bool same = true;

	memset(text, 'x', sizeof(text) - 1);
	exec_args_init(&args, 1 << 20);
	for (int i = 0; i < 40; i++)
		KTEST_EXPECT(exec_args_add(&args, text, false) == 0);
	for (int i = 0; i < 40; i++)
		same &= memcmp(args.text + (size_t)i * sizeof(text), text, sizeof(text)) == 0;
	KTEST_EXPECT(same);
	exec_args_free(&args);
}

static void times_saturate(void)
{
	struct abi_timespec forever = { INT64_MAX, 999999999 }, negative = { -1, 0 },
			    nanos = { 0, 1000000000 };
	struct abi_timespec two = { 2, 5 };

	KTEST_EXPECT(timespec_valid(&forever) && timespec_to_ns(&forever) == TIME_FOREVER);
	KTEST_EXPECT(!timespec_valid(&negative) && !timespec_valid(&nanos));
	KTEST_EXPECT(timespec_to_ns(&two) == 2 * NSEC_PER_SEC + 5);
	KTEST_EXPECT(deadline_after(TIME_FOREVER) == TIME_FOREVER);
	KTEST_EXPECT(deadline_of_real(0) <= time_now_ns());
}

static const struct ktest_case cases[] = {
	{ "look-ups find nothing where nothing is", nothing_is_found },
	{ "the kernel's own work is root's, without limits", the_kernel_is_root_without_limits },
	{ "argument blocks keep strings in order", arguments_are_counted },
	{ "argument blocks end at their limit", the_limit_holds },
	{ "argument blocks grow", large_blocks_grow },
	{ "times from programs saturate", times_saturate },
};

KTEST_SUITE("proc", cases);
