/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, sleeping and timers. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

#define NS 1000000000l

static volatile sig_atomic_t caught;

static void handler(int signo)
{
	(void)signo;
	caught++;
}

static long now(clockid_t clock)
{
	struct timespec ts;

	return clock_gettime(clock, &ts) < 0 ? -1 : ts.tv_sec * NS + ts.tv_nsec;
}

/* Through the call itself: the C library may answer without it. */
static long clock_call(clockid_t clock, void *ts)
{
	return syscall(SYS_clock_gettime, clock, ts);
}

static void test_clock_gettime(void)
{
	struct timespec ts, resolution;
	struct timeval tv;
	long before = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME);

	RESULT(clock_call(CLOCK_REALTIME, &ts));
	RESULT(clock_call(CLOCK_MONOTONIC, &ts));
	VALUE(ts.tv_sec * NS + ts.tv_nsec >= before);
	RESULT(clock_call(CLOCK_MONOTONIC_RAW, &ts));
	RESULT(clock_call(CLOCK_BOOTTIME, &ts));
	RESULT(clock_call(CLOCK_REALTIME_COARSE, &ts));
	RESULT(clock_call(CLOCK_PROCESS_CPUTIME_ID, &ts));
	RESULT(clock_call(CLOCK_THREAD_CPUTIME_ID, &ts));
	RESULT(clock_call(99, &ts));
	RESULT(clock_call(-1, &ts));
	RESULT(clock_call(CLOCK_REALTIME, nowhere()));
	RESULT(syscall(SYS_clock_getres, CLOCK_MONOTONIC, &resolution));
	VALUE(resolution.tv_nsec);
	RESULT(syscall(SYS_clock_getres, 99, &resolution));
	RESULT(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
	RESULT(syscall(SYS_gettimeofday, &tv, NULL));
	VALUE(tv.tv_sec * NS + tv.tv_usec * 1000 + 1000 >= real);
	RESULT(syscall(SYS_time, NULL) >= real / NS);
	RESULT(syscall(SYS_time, nowhere()));
	RESULT(syscall(SYS_gettimeofday, nowhere(), NULL));
	RESULT(times(NULL) > 0);
}

static void test_clock_settime(void)
{
	struct timespec ts = { 1000000000, 0 }, bad = { 0, NS };

	RESULT(clock_settime(CLOCK_MONOTONIC, &ts));
	RESULT(clock_settime(CLOCK_REALTIME, &bad));
	RESULT(clock_settime(99, &ts));
	RESULT(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &ts));
}

static void alarm_soon(long us)
{
	struct itimerval it = { .it_value = { 0, us } };
	struct sigaction sa = { .sa_handler = handler };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

static void test_nanosleep(void)
{
	struct timespec ts = { 0, 20000000 }, bad = { 0, NS }, negative = { -1, 0 }, left = { 0, 0 };
	long before = now(CLOCK_MONOTONIC);

	RESULT(syscall(SYS_nanosleep, &ts, NULL));
	VALUE(now(CLOCK_MONOTONIC) - before >= 20000000);
	RESULT(syscall(SYS_nanosleep, &bad, NULL));
	RESULT(syscall(SYS_nanosleep, &negative, NULL));
	RESULT(syscall(SYS_nanosleep, nowhere(), NULL));
	alarm_soon(20000);
	ts = (struct timespec){ 10, 0 };
	RESULT(syscall(SYS_nanosleep, &ts, &left));
	VALUE(left.tv_sec);
	VALUE(caught);
}

static void test_clock_nanosleep(void)
{
	struct timespec ts = { 0, 20000000 }, past = { 0, 1 };
	long before = now(CLOCK_MONOTONIC);

	RESULT(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL));
	VALUE(now(CLOCK_MONOTONIC) - before >= 20000000);
	RESULT(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL));
	RESULT(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL));
	RESULT(syscall(SYS_clock_nanosleep, 99, 0, &ts, NULL));
	RESULT(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL));
	RESULT(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &ts, NULL));
	RESULT(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &past, NULL));
	RESULT(syscall(SYS_clock_nanosleep, ~0 << 3 | 2, TIMER_ABSTIME, &past, NULL)); /* this process */
	RESULT(syscall(SYS_clock_nanosleep, ~0 << 3 | 6, TIMER_ABSTIME, &past, NULL)); /* this thread */
	RESULT(syscall(SYS_clock_nanosleep, ~1 << 3 | 2, TIMER_ABSTIME, &past, NULL)); /* process 1 */
	RESULT(syscall(SYS_clock_nanosleep, ~0 << 3 | 3, TIMER_ABSTIME, &past, NULL));
	ts.tv_nsec = -1;
	RESULT(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL));
	RESULT(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, nowhere(), NULL));
}

static void test_itimers(void)
{
	struct itimerval it = { { 0, 0 }, { 100, 0 } }, old = { { 0, 0 }, { 0, 0 } };

	signal(SIGALRM, handler);
	RESULT(setitimer(ITIMER_REAL, &it, NULL));
	RESULT(getitimer(ITIMER_REAL, &old));
	VALUE(old.it_value.tv_sec >= 98 && old.it_value.tv_sec <= 100);
	RESULT(alarm(5) >= 98);
	RESULT(alarm(0));
	RESULT(alarm(0));
	alarm_soon(20000);
	RESULT(pause());
	VALUE(caught);
	RESULT(getitimer(99, &old));
	RESULT(setitimer(99, &it, NULL));
	it.it_value.tv_usec = 1000000;
	RESULT(setitimer(ITIMER_REAL, &it, NULL));
	RESULT(syscall(SYS_getitimer, ITIMER_REAL, nowhere()));
	it = (struct itimerval){ { 0, 10000 }, { 0, 10000 } };
	signal(SIGVTALRM, handler);
	caught = 0;
	RESULT(setitimer(ITIMER_VIRTUAL, &it, NULL));
	while (caught < 3)
		;
	it = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	RESULT(setitimer(ITIMER_VIRTUAL, &it, &old));
	VALUE(old.it_interval.tv_usec);
}

static void test_timers(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec it = { { 0, 0 }, { 0, 10000000 } }, old;
	int timer = -1;

	signal(SIGUSR1, handler);
	RESULT(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
	RESULT(syscall(SYS_timer_settime, timer, 0, &it, NULL));
	while (!caught)
		usleep(1000);
	VALUE(caught);
	RESULT(syscall(SYS_timer_gettime, timer, &old));
	VALUE(old.it_value.tv_nsec);
	RESULT(syscall(SYS_timer_getoverrun, timer));
	it.it_value.tv_nsec = NS;
	RESULT(syscall(SYS_timer_settime, timer, 0, &it, NULL));
	RESULT(syscall(SYS_timer_delete, timer));
	RESULT(syscall(SYS_timer_delete, timer));
	RESULT(syscall(SYS_timer_gettime, timer, &old));
	RESULT(syscall(SYS_timer_settime, 999, 0, &old, NULL));
	RESULT(syscall(SYS_timer_getoverrun, 999));
	RESULT(syscall(SYS_timer_create, 99, &event, &timer));
	event.sigev_signo = 65;
	RESULT(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
	event.sigev_notify = 99;
	RESULT(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
	RESULT(syscall(SYS_timer_create, CLOCK_MONOTONIC, nowhere(), &timer));
}

static void test_timerfd(void)
{
	struct itimerspec it = { { 0, 0 }, { 0, 10000000 } }, old;
	uint64_t times = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	VALUE(fd >= 0);
	RESULT(read(fd, &times, 8));
	RESULT(timerfd_settime(fd, 0, &it, NULL));
	usleep(30000);
	RESULT(read(fd, &times, 8));
	VALUE(times);
	RESULT(read(fd, &times, 4));
	RESULT(timerfd_gettime(fd, &old));
	VALUE(old.it_value.tv_nsec);
	RESULT(timerfd_create(99, 0));
	RESULT(timerfd_create(CLOCK_MONOTONIC, 1));
	RESULT(timerfd_settime(0, 0, &it, NULL));
	RESULT(timerfd_settime(-1, 0, &it, NULL));
	RESULT(timerfd_settime(fd, 99, &it, NULL));
	it.it_value.tv_nsec = NS;
	RESULT(timerfd_settime(fd, 0, &it, NULL));
	RESULT(write(fd, &times, 8));
}

static void as_stranger(void)
{
	struct timezone zone = { 60, 0 };

	RESULT(syscall(SYS_settimeofday, NULL, &zone));
	RESULT(syscall(SYS_settimeofday, NULL, NULL));
	RESULT(syscall(SYS_settimeofday, NULL, nowhere()));
}

/* What the kernel says and what the vDSO says. */
static void tell_zone(void)
{
	struct timezone zone = { 77, 77 };
	struct timeval tv;

	RESULT(syscall(SYS_gettimeofday, NULL, &zone));
	VALUE(zone.tz_minuteswest);
	VALUE(zone.tz_dsttime);
	RESULT(gettimeofday(&tv, NULL));
}

static void test_zone(void)
{
	struct timezone zone = { -60, 4 }, far = { 901, 0 }, near = { -900, -1 };
	struct timeval now, wrong = { 0, 1000000 };

	gettimeofday(&now, NULL);
	RESULT(syscall(SYS_settimeofday, &now,
		       &zone)); /* with a time: the first zone alone would move Linux's */
	tell_zone();
	RESULT(syscall(SYS_settimeofday, NULL, &far));
	tell_zone();
	RESULT(syscall(SYS_settimeofday, NULL, &near));
	tell_zone();
	RESULT(syscall(SYS_settimeofday, NULL, NULL));
	RESULT(syscall(SYS_settimeofday, &wrong, &zone));
	RESULT(syscall(SYS_settimeofday, NULL, nowhere()));
	RESULT(syscall(SYS_settimeofday, nowhere(), NULL));
	as_user(1000, "another user", as_stranger);
	zone = (struct timezone){ 0, 0 };
	RESULT(syscall(SYS_settimeofday, NULL, &zone));
	tell_zone();
	RESULT(syscall(SYS_gettimeofday, NULL, nowhere()));
}

static const struct calls table[] = {
	{ "clock_gettime clock_getres gettimeofday time times", test_clock_gettime },
	{ "clock_settime", test_clock_settime },
	{ "gettimeofday settimeofday", test_zone },
	{ "nanosleep", test_nanosleep },
	{ "clock_nanosleep", test_clock_nanosleep },
	{ "setitimer getitimer alarm pause", test_itimers },
	{ "timer_create timer_settime timer_gettime timer_delete", test_timers },
	{ "timerfd_create timerfd_settime timerfd_gettime", test_timerfd },
};

CALLS_MAIN(table)
