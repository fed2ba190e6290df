/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduling calls: their ordinary use, and every error that their manual pages name. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include <serix/abi_sched.h>

#include "child.h"
#include "tap.h"

#define NOBODY    65534
#define NO_THREAD 31999

static void *volatile unmapped = (void *)8;

static bool fails(int result, int error)
{
	if (result == -1 && errno == error)
		return true;
	printf("# result %d, errno %d, not %d\n", result, errno, error);
	return false;
}

static int set_scheduler(pid_t pid, int policy, int priority)
{
	struct abi_sched_param param = { priority };

	return (int)syscall(SYS_sched_setscheduler, pid, policy, &param);
}

static int get_scheduler(pid_t pid)
{
	return (int)syscall(SYS_sched_getscheduler, pid);
}

static int get_priority(void)
{
	struct abi_sched_param param = { -1 };

	need(syscall(SYS_sched_getparam, 0, &param) == 0);
	return param.priority;
}

static int set_attr(const struct abi_sched_attr *attr)
{
	return (int)syscall(SYS_sched_setattr, 0, attr, 0);
}

static struct abi_sched_attr get_attr(void)
{
	struct abi_sched_attr attr;

	memset(&attr, 0xff, sizeof(attr));
	need(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) == 0);
	need(attr.size == sizeof(attr));
	return attr;
}

static void become_nobody(void)
{
	need(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

/* --- setscheduler, setparam --------------------------------------------------------------------------- */

static void policies(void)
{
	static const struct {
		int policy, priority;
	} all[] = { { SCHED_FIFO, 1 },  { SCHED_FIFO, 99 }, { SCHED_RR, 50 },
		    { SCHED_BATCH, 0 }, { SCHED_IDLE, 0 },  { SCHED_OTHER, 0 } };

	need(get_scheduler(0) == SCHED_OTHER && get_priority() == 0);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		need(set_scheduler(0, all[i].policy, all[i].priority) == 0);
		need(get_scheduler(getpid()) == all[i].policy && get_priority() == all[i].priority);
	}
	need(set_scheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, 7) == 0);
	need(get_scheduler(0) == (SCHED_RR | SCHED_RESET_ON_FORK));
}

static void setscheduler_errors(void)
{
	need(fails(set_scheduler(0, SCHED_FIFO, 0), EINVAL));
	need(fails(set_scheduler(0, SCHED_FIFO, 100), EINVAL));
	need(fails(set_scheduler(0, SCHED_RR, -1), EINVAL));
	need(fails(set_scheduler(0, SCHED_RR, 257), EINVAL)); /* 1, if somebody cut it */
	need(fails(set_scheduler(0, SCHED_OTHER, 1), EINVAL));
	need(fails(set_scheduler(0, 4, 0), EINVAL));
	need(fails(set_scheduler(0, 256, 0), EINVAL));
	need(fails(set_scheduler(0, -1, 0), EINVAL));
	need(fails(set_scheduler(0, SCHED_DEADLINE, 0), EINVAL)); /* needs sched_setattr */
	need(fails(set_scheduler(-1, SCHED_OTHER, 0), EINVAL));
	need(fails(set_scheduler(NO_THREAD, SCHED_OTHER, 0), ESRCH));
	need(fails((int)syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL));
	need(fails((int)syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, unmapped), EFAULT));
	need(fails(get_scheduler(-1), EINVAL) && fails(get_scheduler(NO_THREAD), ESRCH));
}

static void params(void)
{
	struct abi_sched_param param = { 20 };

	need(set_scheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, 10) == 0);
	need(syscall(SYS_sched_setparam, 0, &param) == 0);
	need(get_scheduler(0) == (SCHED_RR | SCHED_RESET_ON_FORK) && get_priority() == 20);
	param.priority = 0;
	need(fails((int)syscall(SYS_sched_setparam, 0, &param), EINVAL));
	need(fails((int)syscall(SYS_sched_setparam, 0, NULL), EINVAL));
	need(fails((int)syscall(SYS_sched_setparam, 0, unmapped), EFAULT));
	need(fails((int)syscall(SYS_sched_setparam, NO_THREAD, &param), ESRCH));
	need(fails((int)syscall(SYS_sched_setparam, -1, &param), EINVAL));
	need(fails((int)syscall(SYS_sched_getparam, 0, NULL), EINVAL));
	need(fails((int)syscall(SYS_sched_getparam, 0, unmapped), EFAULT));
	need(fails((int)syscall(SYS_sched_getparam, -1, &param), EINVAL));
	need(fails((int)syscall(SYS_sched_getparam, NO_THREAD, &param), ESRCH));
}

static void ranges(void)
{
	static const int none[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE };

	need(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_FIFO) == 1);
	need(sched_get_priority_max(SCHED_RR) == 99 && sched_get_priority_min(SCHED_RR) == 1);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		need(sched_get_priority_max(none[i]) == 0 && sched_get_priority_min(none[i]) == 0);
	need(fails(sched_get_priority_max(4), EINVAL) && fails(sched_get_priority_min(-1), EINVAL));
}

static void intervals(void)
{
	struct timespec t;

	need(syscall(SYS_sched_rr_get_interval, 0, &t) == 0 && t.tv_sec == 0 && t.tv_nsec > 0);
	need(set_scheduler(0, SCHED_RR, 5) == 0);
	need(syscall(SYS_sched_rr_get_interval, 0, &t) == 0 && t.tv_sec == 0 && t.tv_nsec == 100000000);
	need(set_scheduler(0, SCHED_FIFO, 5) == 0);
	need(syscall(SYS_sched_rr_get_interval, 0, &t) == 0 && t.tv_sec == 0 && t.tv_nsec == 0);
	need(fails((int)syscall(SYS_sched_rr_get_interval, 0, unmapped), EFAULT));
	need(fails((int)syscall(SYS_sched_rr_get_interval, -1, &t), EINVAL));
	need(fails((int)syscall(SYS_sched_rr_get_interval, NO_THREAD, &t), ESRCH));
}

/* --- attributes ---------------------------------------------------------------------------------------- */

static void attributes(void)
{
	struct abi_sched_attr attr = { .size = SCHED_ATTR_SIZE_V0, .policy = SCHED_BATCH, .nice = 3 }, got;

	need(set_attr(&attr) == 0);
	got = get_attr();
	need(got.policy == SCHED_BATCH && got.nice == 3 && got.priority == 0 && got.flags == 0);
	attr = (struct abi_sched_attr){
		.size = sizeof(attr), .policy = SCHED_FIFO, .priority = 12, .flags = SCHED_FLAG_RESET_ON_FORK
	};
	need(set_attr(&attr) == 0);
	got = get_attr();
	need(got.policy == SCHED_FIFO && got.priority == 12 && got.flags == SCHED_FLAG_RESET_ON_FORK);
	need(getpriority(PRIO_PROCESS, 0) == 3);                               /* kept for later */
	attr = (struct abi_sched_attr){ .policy = SCHED_OTHER, .nice = -100 }; /* size 0: the first version */
	need(set_attr(&attr) == 0 && get_attr().nice == -20);
	attr.nice = 100;
	need(set_attr(&attr) == 0 && get_attr().nice == 19);
}

static void kept_attributes(void)
{
	struct abi_sched_attr attr = { .size = sizeof(attr), .policy = SCHED_RR, .priority = 30 };

	need(set_attr(&attr) == 0);
	attr = (struct abi_sched_attr){
		.size = sizeof(attr), .policy = SCHED_OTHER, .priority = 31, .flags = SCHED_FLAG_KEEP_POLICY
	};
	need(set_attr(&attr) == 0);
	need(get_scheduler(0) == SCHED_RR && get_priority() == 31);
	attr = (struct abi_sched_attr){
		.size = sizeof(attr), .policy = SCHED_FIFO, .priority = 5, .flags = SCHED_FLAG_KEEP_PARAMS
	};
	need(set_attr(&attr) == 0);
	need(get_scheduler(0) == SCHED_FIFO && get_priority() == 31);
}

/* Programs made for a later kernel: what is larger has to be zero in the part that is unknown here. */
static void growing_attributes(void)
{
	struct {
		struct abi_sched_attr attr;
		uint64_t later[2];
	} big = { .attr = { .size = sizeof(big), .policy = SCHED_OTHER } };

	need(set_attr(&big.attr) == 0);
	big.later[1] = 1;
	need(fails(set_attr(&big.attr), E2BIG) && big.attr.size == sizeof(struct abi_sched_attr));
	big.attr.size = SCHED_ATTR_SIZE_V0 - 1;
	need(fails(set_attr(&big.attr), E2BIG) && big.attr.size == sizeof(struct abi_sched_attr));
	big.attr.size = 4097;
	need(fails(set_attr(&big.attr), E2BIG));
	memset(&big, 0xff, sizeof(big));
	need(syscall(SYS_sched_getattr, 0, &big, SCHED_ATTR_SIZE_V0, 0) == 0);
	need(big.attr.size == SCHED_ATTR_SIZE_V0 && big.attr.util_min == UINT32_MAX);
	need(syscall(SYS_sched_getattr, 0, &big, sizeof(big), 0) == 0);
	need(big.attr.size == sizeof(big.attr) && big.later[0] == UINT64_MAX);
}

static void attribute_errors(void)
{
	struct abi_sched_attr attr = { .size = sizeof(attr) };

	need(fails((int)syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL));
	need(fails((int)syscall(SYS_sched_setattr, 0, unmapped, 0), EFAULT));
	need(fails((int)syscall(SYS_sched_setattr, -1, &attr, 0), EINVAL));
	need(fails((int)syscall(SYS_sched_setattr, 0, &attr, 1), EINVAL));
	need(fails((int)syscall(SYS_sched_setattr, NO_THREAD, &attr, 0), ESRCH));
	attr.flags = 1 << 20;
	need(fails(set_attr(&attr), EINVAL));
	attr.flags = SCHED_FLAG_UTIL_CLAMP_MIN;
	need(fails(set_attr(&attr), EOPNOTSUPP));
	attr.size = SCHED_ATTR_SIZE_V0; /* has no such fields */
	need(fails(set_attr(&attr), EINVAL));
	attr = (struct abi_sched_attr){ .size = sizeof(attr), .policy = UINT32_MAX };
	need(fails(set_attr(&attr), EINVAL));
	attr.policy = SCHED_OTHER + 256;
	need(fails(set_attr(&attr), EINVAL));
	attr = (struct abi_sched_attr){ .size = sizeof(attr), .policy = SCHED_FIFO, .priority = 257 };
	need(fails(set_attr(&attr), EINVAL));
	need(fails((int)syscall(SYS_sched_getattr, 0, NULL, sizeof(attr), 0), EINVAL));
	need(fails((int)syscall(SYS_sched_getattr, 0, &attr, SCHED_ATTR_SIZE_V0 - 1, 0), EINVAL));
	need(fails((int)syscall(SYS_sched_getattr, 0, &attr, 4097, 0), EINVAL));
	need(fails((int)syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 1), EINVAL));
	need(fails((int)syscall(SYS_sched_getattr, -1, &attr, sizeof(attr), 0), EINVAL));
	need(fails((int)syscall(SYS_sched_getattr, NO_THREAD, &attr, sizeof(attr), 0), ESRCH));
	need(fails((int)syscall(SYS_sched_getattr, 0, unmapped, sizeof(attr), 0), EFAULT));
}

#define MS 1000000ull

static struct abi_sched_attr deadline(uint64_t runtime, uint64_t dl, uint64_t period)
{
	return (struct abi_sched_attr){ .size = sizeof(struct abi_sched_attr),
					.policy = SCHED_DEADLINE,
					.runtime = runtime,
					.deadline = dl,
					.period = period };
}

static void deadline_policy(void)
{
	struct abi_sched_attr attr = deadline(MS, 10 * MS, 0), got;

	need(set_attr(&attr) == 0);
	got = get_attr();
	need(got.policy == SCHED_DEADLINE && got.runtime == MS && got.deadline == 10 * MS);
	need(got.period == 10 * MS);           /* as the deadline */
	need(fork() == -1 && errno == EAGAIN); /* what was admitted is for one */
	need(sched_yield() == 0);
	attr = (struct abi_sched_attr){ .size = sizeof(attr), .policy = SCHED_OTHER };
	need(set_attr(&attr) == 0 && get_attr().runtime == 0);
}

static void deadline_errors(void)
{
	struct abi_sched_attr attr;

	attr = deadline(0, 10 * MS, 10 * MS);
	need(fails(set_attr(&attr), EINVAL));
	attr = deadline(20 * MS, 10 * MS, 10 * MS);
	need(fails(set_attr(&attr), EINVAL));
	attr = deadline(MS, 20 * MS, 10 * MS);
	need(fails(set_attr(&attr), EINVAL));
	attr = deadline(100, 1000, 1000); /* too short */
	need(fails(set_attr(&attr), EINVAL));
	attr = deadline(MS, 1ull << 63, 1ull << 63);
	need(fails(set_attr(&attr), EINVAL));
	attr = deadline(MS, 10 * MS, 10 * MS);
	attr.flags = SCHED_FLAG_DL_OVERRUN;
	need(fails(set_attr(&attr), EOPNOTSUPP));
}

/* Children of 60% each, one more than there are processors and then as many again: some must be refused. */
static void too_many_deadlines(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), admitted = 0, refused = 0;
	int answers[2];
	char answer;

	need(pipe(answers) == 0);
	for (long i = 0; i < 2 * cpus; i++) {
		if (fork() == 0) {
			struct abi_sched_attr attr = deadline(60 * MS, 100 * MS, 100 * MS);

			answer = set_attr(&attr) == 0 ? 'y' : errno == EBUSY ? 'n' : '?';
			need(write(answers[1], &answer, 1) == 1);
			alarm(3); /* its death gives the share back */
			pause();
		}
		need(read(answers[0], &answer, 1) == 1 && answer != '?');
		admitted += answer == 'y';
		refused += answer == 'n';
	}
	printf("# %ld of 60%% each on %ld CPUs, %ld refused\n", admitted, cpus, refused);
	fflush(stdout);
	need(admitted > 0 && refused > 0 && admitted * 60 <= cpus * 100);
}

/* --- who may ------------------------------------------------------------------------------------------- */

static void without_privilege(void)
{
	struct abi_sched_attr attr = deadline(MS, 10 * MS, 10 * MS);

	become_nobody();
	need(fails(set_scheduler(0, SCHED_FIFO, 1), EPERM));
	need(fails(set_scheduler(1, SCHED_OTHER, 0), EPERM));
	need(fails(set_attr(&attr), EPERM));
	need(set_scheduler(0, SCHED_BATCH, 0) == 0);
	need(set_scheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, 0) == 0);
	need(fails(set_scheduler(0, SCHED_BATCH, 0), EPERM)); /* the flag cannot be taken back */
	need(set_scheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, 0) == 0);
	need(get_scheduler(1) == SCHED_OTHER); /* looking is free */
}

static void idle_is_left_by_privilege_only(void)
{
	struct rlimit some = { 20, 20 };

	if (fork() == 0) {
		become_nobody();
		need(set_scheduler(0, SCHED_IDLE, 0) == 0);
		need(fails(set_scheduler(0, SCHED_OTHER, 0), EPERM));
		_exit(0);
	}
	need(setrlimit(RLIMIT_NICE, &some) == 0); /* 20: nice 0 */
	become_nobody();
	need(set_scheduler(0, SCHED_IDLE, 0) == 0);
	need(set_scheduler(0, SCHED_OTHER, 0) == 0);
}

static void limits_give_rights(void)
{
	struct rlimit rtprio = { 10, 10 }, nice_limit = { 25, 25 };

	need(setrlimit(RLIMIT_RTPRIO, &rtprio) == 0 && setrlimit(RLIMIT_NICE, &nice_limit) == 0);
	become_nobody();
	need(set_scheduler(0, SCHED_FIFO, 10) == 0);
	need(fails(set_scheduler(0, SCHED_FIFO, 11), EPERM));
	need(set_scheduler(0, SCHED_RR, 3) == 0);
	need(set_scheduler(0, SCHED_OTHER, 0) == 0);
	need(setpriority(PRIO_PROCESS, 0, -5) == 0); /* 20 - 25 */
	need(setpriority(PRIO_PROCESS, 0, -6) == -1 && errno == EACCES);
}

static void privileged_threads_keep_their_urgency(void)
{
	struct rlimit none = { 0, 0 };

	need(setrlimit(RLIMIT_RTPRIO, &none) == 0 && set_scheduler(0, SCHED_FIFO, 20) == 0);
	become_nobody();
	need(set_scheduler(0, SCHED_FIFO, 15) == 0); /* down is free */
	need(fails(set_scheduler(0, SCHED_FIFO, 16), EPERM));
	need(fails(set_scheduler(0, SCHED_RR, 15), EPERM)); /* another policy needs a limit */
}

/* --- nice ---------------------------------------------------------------------------------------------- */

static void nice_values(void)
{
	need(setpriority(PRIO_PROCESS, 0, 5) == 0 && getpriority(PRIO_PROCESS, 0) == 5);
	need(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 15);
	need(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
	need(setpriority(PRIO_PROCESS, 0, -100) == 0 && getpriority(PRIO_PROCESS, 0) == -20);
	need(get_attr().nice == -20);
	if (fork() == 0) {
		need(getpriority(PRIO_PROCESS, 0) == -20);
		_exit(0);
	}
	need(setpgid(0, 0) == 0 && setpriority(PRIO_PGRP, 0, 4) == 0);
	need(getpriority(PRIO_PGRP, getpid()) == 4);
	need(getpriority(PRIO_USER, 0) <= 4);
	need(setpriority(3, 0, 0) == -1 && errno == EINVAL);
	need(getpriority(-1, 0) == -1 && errno == EINVAL);
	need(setpriority(PRIO_PROCESS, NO_THREAD, 0) == -1 && errno == ESRCH);
	need(getpriority(PRIO_USER, 4242) == -1 && errno == ESRCH);
}

static void nice_needs_rights(void)
{
	become_nobody();
	need(setpriority(PRIO_PROCESS, 0, 5) == 0);
	need(setpriority(PRIO_PROCESS, 0, 4) == -1 && errno == EACCES);
	need(setpriority(PRIO_PROCESS, 1, 5) == -1 && errno == EPERM);
}

/* CPU time of a child that spins on CPU 0 with this nice value until it is killed. */
static pid_t spin_with(int nice_value)
{
	pid_t pid = fork();
	cpu_set_t one;

	if (pid)
		return pid;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	need(sched_setaffinity(0, sizeof(one), &one) == 0);
	need(setpriority(PRIO_PROCESS, 0, nice_value) == 0);
	for (;;)
		;
}

static double cpu_time_of(pid_t pid)
{
	struct timespec t;

	need(clock_gettime((clockid_t)(~(unsigned)pid << 3 | 2), &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Five steps of nice are a factor of three: 1.25 each. */
static void nice_has_an_effect(void)
{
	pid_t fast = spin_with(0), slow = spin_with(5);
	struct timespec t = { 0, 200000000 };
	double a, b;

	nanosleep(&t, NULL);
	a = cpu_time_of(fast);
	b = cpu_time_of(slow);
	t = (struct timespec){ 2, 0 };
	nanosleep(&t, NULL);
	a = cpu_time_of(fast) - a;
	b = cpu_time_of(slow) - b;
	kill(fast, SIGKILL);
	kill(slow, SIGKILL);
	printf("# %.3f s and %.3f s: %.2f\n", a, b, a / b);
	need(a / b > 2.4 && a / b < 3.8);
}

/* --- fork ---------------------------------------------------------------------------------------------- */

static bool child_has(int policy, int nice_value)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(get_scheduler(0) == policy && getpriority(PRIO_PROCESS, 0) == nice_value ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void inheritance(void)
{
	need(set_scheduler(0, SCHED_FIFO, 5) == 0 && child_has(SCHED_FIFO, 0));
	need(set_scheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, 5) == 0 && child_has(SCHED_OTHER, 0));
	need(set_scheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, 0) == 0);
	need(setpriority(PRIO_PROCESS, 0, -3) == 0 && child_has(SCHED_OTHER, 0));
	need(setpriority(PRIO_PROCESS, 0, 3) == 0 && child_has(SCHED_OTHER, 3));
	need(set_scheduler(0, SCHED_BATCH, 0) == 0 && child_has(SCHED_BATCH, 3));
}

/* --- processors ------------------------------------------------------------------------------------------
 */

static void affinity(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), size;
	unsigned cpu, node;
	uint64_t mask[16] = { 0 };

	size = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	need(size > 0 && size % 8 == 0 && size * 8 >= cpus);
	need(__builtin_popcountll(mask[0]) == (cpus > 64 ? 64 : cpus));
	for (long i = 0; i < cpus && i < 64; i++) {
		uint64_t one[16] = { 1ull << i }, got[16] = { 0 };

		need(syscall(SYS_sched_setaffinity, 0, sizeof(one), one) == 0);
		need(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && cpu == (unsigned)i);
		need(syscall(SYS_sched_getaffinity, getpid(), sizeof(got), got) == size && got[0] == one[0]);
	}
	mask[0] = ~0ull; /* CPUs that do not exist do no harm */
	need(syscall(SYS_sched_setaffinity, 0, 8, mask) == 0);
	need(syscall(SYS_sched_setaffinity, 0, 1, mask) == 0); /* a short mask has no others */
}

static void affinity_errors(void)
{
	uint64_t mask[16] = { 0 };

	need(fails((int)syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask), EINVAL));
	need(fails((int)syscall(SYS_sched_setaffinity, 0, 0, mask), EINVAL));
	mask[15] = 1ull << 63;
	need(fails((int)syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask), EINVAL));
	mask[0] = 1;
	need(fails((int)syscall(SYS_sched_setaffinity, 0, 8, unmapped), EFAULT));
	need(fails((int)syscall(SYS_sched_setaffinity, NO_THREAD, 8, mask), ESRCH));
	need(fails((int)syscall(SYS_sched_getaffinity, 0, 4, mask), EINVAL));
	need(fails((int)syscall(SYS_sched_getaffinity, 0, 12, mask), EINVAL));
	need(fails((int)syscall(SYS_sched_getaffinity, 0, 0, mask), EINVAL));
	need(fails((int)syscall(SYS_sched_getaffinity, 0, 8, unmapped), EFAULT));
	need(fails((int)syscall(SYS_sched_getaffinity, NO_THREAD, 8, mask), ESRCH));
	need(fails((int)syscall(SYS_getcpu, unmapped, NULL, NULL), EFAULT));
	need(syscall(SYS_getcpu, NULL, NULL, NULL) == 0);
	become_nobody();
	need(fails((int)syscall(SYS_sched_setaffinity, 1, 8, mask), EPERM));
	need(syscall(SYS_sched_getaffinity, 1, 8, mask) == 8);
}

static void affinity_is_inherited_and_shown(void)
{
	uint64_t mask = 1;
	char text[2048];
	int fd, status;

	need(syscall(SYS_sched_setaffinity, 0, 8, &mask) == 0);
	if (fork() == 0) {
		need(syscall(SYS_sched_getaffinity, 0, 8, &mask) == 8 && mask == 1);
		_exit(0);
	}
	need(wait(&status) > 0 && status == 0);
	fd = open("/proc/self/status", O_RDONLY);
	need(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	need(strstr(text, "\nCpus_allowed_list:\t0\n") != NULL);
}

/* --- I/O priorities --------------------------------------------------------------------------------------
 */

#define IOPRIO(class, level) ((class) << IOPRIO_CLASS_SHIFT | (level))

static void io_priorities(void)
{
	need(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) == 0);
	need(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO(IOPRIO_CLASS_BE, 6)) == 0);
	need(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, getpid()) == IOPRIO(IOPRIO_CLASS_BE, 6));
	need(fails((int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO(IOPRIO_CLASS_BE, 8)), EINVAL));
	need(fails((int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO(4, 0)), EINVAL));
	need(fails((int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO(IOPRIO_CLASS_NONE, 1)),
		   EINVAL));
	need(fails((int)syscall(SYS_ioprio_set, 9, 0, 0), EINVAL));
	need(fails((int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, NO_THREAD), ESRCH));
	need(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO(IOPRIO_CLASS_RT, 0)) == 0);
	become_nobody();
	need(fails((int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO(IOPRIO_CLASS_RT, 0)), EPERM));
	need(fails((int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 1, IOPRIO(IOPRIO_CLASS_BE, 0)), EPERM));
}

/* --- RLIMIT_RTTIME -----------------------------------------------------------------------------------------
 */

static volatile sig_atomic_t warned;

static void warn(int signo)
{
	(void)signo;
	warned++;
}

/* 100 ms of realtime without a sleep is allowed, a second is deadly; sleeping starts it anew. */
static void spin_in_realtime(void)
{
	struct rlimit limit = { 100000, 1000000 };
	struct timespec nap = { 0, 5000000 };
	double start;

	signal(SIGXCPU, warn);
	need(setrlimit(RLIMIT_RTTIME, &limit) == 0 && set_scheduler(0, SCHED_FIFO, 1) == 0);
	for (int i = 0; i < 6; i++) {
		start = cpu_time_of(getpid());
		while (cpu_time_of(getpid()) - start < 0.03)
			;
		nanosleep(&nap, NULL);
	}
	need(warned == 0);
	start = cpu_time_of(getpid());
	while (cpu_time_of(getpid()) - start < 0.3)
		;
	need(warned == 1);
	for (;;)
		;
}

static bool realtime_without_sleep_is_limited(void)
{
	int status = status_of(spin_in_realtime);

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	printf("# status %x\n", status);
	return false;
}

/* --- on all processors at once -------------------------------------------------------------------------- */

static void try_everything_on(pid_t pid)
{
	uint64_t mask = 1ull << pid % 4 | 1;
	struct abi_sched_attr attr;
	char path[64], text[512];
	int fd;

	syscall(SYS_sched_setaffinity, pid, 8, &mask);
	set_scheduler(pid, pid % 2 ? SCHED_BATCH : SCHED_OTHER, 0);
	syscall(SYS_sched_getattr, pid, &attr, sizeof(attr), 0);
	setpriority(PRIO_PROCESS, (id_t)pid, pid % 5);
	setpriority(PRIO_PGRP, 0, pid % 5);
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, pid % 2 ? "stat" : "sched");
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		(void)!read(fd, text, sizeof(text));
		close(fd);
	}
}

/* Children come and go while others change how they are scheduled: nobody is found half gone. */
static void who_leaves_is_left_alone(void)
{
	int status;

	need(setpgid(0, 0) == 0);
	for (int maker = 0; maker < 2; maker++) {
		if (fork())
			continue;
		for (int i = 0; i < 150; i++) {
			pid_t pid = fork();

			if (pid == 0)
				_exit(0);
			need(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
		}
		_exit(0);
	}
	for (int other = 0; other < 2; other++) {
		if (fork())
			continue;
		for (pid_t i = 0, base = getpid(); i < 400; i++)
			try_everything_on(base + 1 + i % 300);
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		need(wait(&status) > 0 && status == 0);
}

int main(void)
{
	tap(passes(policies), "policies are set and read");
	tap(passes(setscheduler_errors), "errors of sched_setscheduler");
	tap(passes(params), "sched_setparam keeps the policy; its errors");
	tap(passes(ranges), "the ranges of priorities");
	tap(passes(intervals), "sched_rr_get_interval");
	tap(passes(attributes), "sched_setattr and sched_getattr");
	tap(passes(kept_attributes), "sched_setattr keeps what it is asked to keep");
	tap(passes(growing_attributes), "attributes of other versions");
	tap(passes(attribute_errors), "errors of sched_setattr and sched_getattr");
	tap(passes(deadline_policy), "SCHED_DEADLINE");
	tap(passes(deadline_errors), "errors of SCHED_DEADLINE");
	tap(passes(too_many_deadlines), "SCHED_DEADLINE: what does not fit is refused");
	tap(passes(without_privilege), "what needs privilege");
	tap(passes(idle_is_left_by_privilege_only), "SCHED_IDLE is left by privilege or RLIMIT_NICE");
	tap(passes(limits_give_rights), "RLIMIT_RTPRIO and RLIMIT_NICE give rights");
	tap(passes(privileged_threads_keep_their_urgency),
	    "a realtime thread may lower itself without privilege");
	tap(passes(nice_values), "nice values");
	tap(passes(nice_needs_rights), "nice values need rights");
	tap(passes(nice_has_an_effect), "five steps of nice are a third of the CPU");
	tap(passes(inheritance), "children inherit, or are reset");
	tap(passes(affinity), "sched_setaffinity moves; getcpu says where");
	tap(passes(affinity_errors), "errors of sched_setaffinity, sched_getaffinity and getcpu");
	tap(passes(affinity_is_inherited_and_shown), "CPUs are inherited, and shown in /proc");
	tap(passes(io_priorities), "I/O priorities are kept; their errors");
	tap(realtime_without_sleep_is_limited(), "RLIMIT_RTTIME: SIGXCPU, then SIGKILL");
	tap(passes(who_leaves_is_left_alone), "changes of threads that are leaving");
	return tap_end();
}
