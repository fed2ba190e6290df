/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine and the schedule of its CPUs. */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "calls.h"

/* The C libraries disagree with the kernel, and with each other, on these. */
static long setscheduler(int pid, int policy, int priority)
{
	return syscall(SYS_sched_setscheduler, pid, policy, &priority);
}

static void test_uname(void)
{
	struct utsname names;

	RESULT(uname(&names));
	TEXT("machine", names.machine, strlen(names.machine));
	RESULT(sethostname("other", 5));
	uname(&names);
	TEXT("node", names.nodename, strlen(names.nodename));
	RESULT(sethostname("x", -1));
	RESULT(sethostname(nowhere(), 5));
	RESULT(syscall(SYS_sethostname,
		       "0123456789012345678901234567890123456789012345678901234567890123456789", 65));
	RESULT(setdomainname("domain", 6));
	uname(&names);
	TEXT("domain", names.domainname, strlen(names.domainname));
	RESULT(syscall(SYS_uname, nowhere()));
}

static void test_sysinfo(void)
{
	struct sysinfo info;

	RESULT(sysinfo(&info));
	VALUE(info.mem_unit);
	VALUE(info.totalram > info.freeram);
	VALUE(info.procs > 1);
	RESULT(syscall(SYS_sysinfo, nowhere()));
}

static void test_getrandom(void)
{
	char bytes[300];

	RESULT(syscall(SYS_getrandom, bytes, 256, 0));
	RESULT(syscall(SYS_getrandom, bytes, 300, 1));
	RESULT(syscall(SYS_getrandom, bytes, 1, 4 /* GRND_INSECURE */));
	RESULT(syscall(SYS_getrandom, bytes, 1, 8));
	RESULT(syscall(SYS_getrandom, bytes, 1, 6));
	RESULT(syscall(SYS_getrandom, nowhere(), 8, 0));
	RESULT(syscall(SYS_getrandom, bytes, 0, 0));
}

static void test_personality(void)
{
	RESULT(syscall(SYS_personality, 0xffffffff));
	RESULT(syscall(SYS_personality, 0x0040000 /* ADDR_NO_RANDOMIZE */));
	RESULT(syscall(SYS_personality, 0));
	RESULT(syscall(SYS_personality, 0));
}

static void test_syslog(void)
{
	char text[64];

	RESULT(syscall(SYS_syslog, 10 /* the size of the buffer */, NULL, 0) > 0);
	RESULT(syscall(SYS_syslog, 3, text, -1));
	RESULT(syscall(SYS_syslog, 3, NULL, 10));
	RESULT(syscall(SYS_syslog, 77, text, 10));
	RESULT(syscall(SYS_syslog, 8, NULL, 9)); /* there are eight levels */
}

static void test_reboot(void)
{
	RESULT(syscall(SYS_reboot, 1, 2, 0x01234567, NULL));
	RESULT(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x77777777, NULL));
	RESULT(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef /* CAD_ON */, NULL));
}

static void test_affinity(void)
{
	unsigned long mask[16] = { 0 };
	unsigned cpu = 99, node = 99;

	RESULT(syscall(SYS_sched_getaffinity, 0, 8, mask));
	VALUE(mask[0]);
	RESULT(syscall(SYS_sched_getaffinity, 0, 7, mask));
	RESULT(syscall(SYS_sched_getaffinity, 0, 0, mask));
	RESULT(syscall(SYS_sched_getaffinity, 1000000, 8, mask));
	RESULT(syscall(SYS_sched_setaffinity, 0, 8, mask));
	mask[0] = 0;
	RESULT(syscall(SYS_sched_setaffinity, 0, 8, mask));
	RESULT(syscall(SYS_sched_setaffinity, 0, 8, nowhere()));
	RESULT(syscall(SYS_sched_setaffinity, 1000000, 8, mask));
	RESULT(syscall(SYS_getcpu, &cpu, &node, NULL));
	VALUE(cpu);
	VALUE(node);
	RESULT(syscall(SYS_getcpu, NULL, NULL, NULL));
	RESULT(syscall(SYS_getcpu, nowhere(), NULL, NULL));
	RESULT(syscall(SYS_sched_yield));
}

static void user_schedules(void)
{
	RESULT(setscheduler(0, SCHED_FIFO, 1));
	RESULT(setscheduler(0, SCHED_BATCH, 0));
	RESULT(setscheduler(0, SCHED_OTHER, 0));
	RESULT(setscheduler(1, SCHED_OTHER, 0));
}

static void test_scheduler(void)
{
	int parameter = 77;
	struct timespec slice;

	RESULT(syscall(SYS_sched_getscheduler, 0));
	RESULT(setscheduler(0, SCHED_FIFO, 10));
	RESULT(syscall(SYS_sched_getscheduler, 0));
	RESULT(syscall(SYS_sched_getparam, 0, &parameter));
	VALUE(parameter);
	RESULT(setscheduler(0, SCHED_FIFO, 100));
	RESULT(setscheduler(0, SCHED_FIFO, 0));
	RESULT(setscheduler(0, SCHED_RR, 5));
	parameter = 7;
	RESULT(syscall(SYS_sched_setparam, 0, &parameter));
	RESULT(syscall(SYS_sched_rr_get_interval, 0, &slice));
	VALUE(slice.tv_nsec);
	RESULT(setscheduler(0, SCHED_OTHER, 1));
	RESULT(setscheduler(0, SCHED_OTHER, 0));
	RESULT(setscheduler(0, SCHED_BATCH, 0));
	RESULT(setscheduler(0, SCHED_IDLE, 0));
	RESULT(setscheduler(0, 77, 0));
	RESULT(setscheduler(1000000, SCHED_OTHER, 0));
	RESULT(setscheduler(-1, SCHED_OTHER, 0));
	RESULT(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL));
	RESULT(syscall(SYS_sched_getscheduler, -1));
	RESULT(syscall(SYS_sched_getscheduler, 1000000));
	RESULT(syscall(SYS_sched_getparam, 0, NULL));
	RESULT(syscall(SYS_sched_get_priority_max, SCHED_FIFO));
	RESULT(syscall(SYS_sched_get_priority_min, SCHED_FIFO));
	RESULT(syscall(SYS_sched_get_priority_max, SCHED_OTHER));
	RESULT(syscall(SYS_sched_get_priority_max, 77));
	as_user(1000, "without rights", user_schedules);
}

static const struct calls table[] = {
	{ "uname sethostname setdomainname", test_uname },
	{ "sysinfo", test_sysinfo },
	{ "getrandom", test_getrandom },
	{ "personality", test_personality },
	{ "syslog", test_syslog },
	{ "reboot", test_reboot },
	{ "sched_getaffinity sched_setaffinity getcpu sched_yield", test_affinity },
	{ "sched_setscheduler sched_getscheduler sched_setparam sched_getparam", test_scheduler },
};

CALLS_MAIN(table)
