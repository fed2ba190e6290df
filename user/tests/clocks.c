/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, sleeping, interval timers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

static void *volatile unmapped = (void *)8;

static double read_clock(clockid_t id)
{
	struct timespec t;

	/* Past the C library, which may ask the vDSO. */
	need(syscall(SYS_clock_gettime, id, &t) == 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void clocks_exist(void)
{
	static const clockid_t ids[] = {
		CLOCK_REALTIME,      CLOCK_MONOTONIC,       CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
		CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,   CLOCK_BOOTTIME,
	};
	struct timespec t;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		need(read_clock(ids[i]) >= 0);
		need(syscall(SYS_clock_getres, ids[i], &t) == 0 && t.tv_sec == 0 && t.tv_nsec > 0);
		need(syscall(SYS_clock_getres, ids[i], NULL) == 0);
	}
	need(syscall(SYS_clock_gettime, 99, &t) == -1 && errno == EINVAL);
	need(syscall(SYS_clock_gettime, CLOCK_REALTIME, unmapped) == -1 && errno == EFAULT);
}

static void clocks_agree(void)
{
	struct timeval tv;
	double real = read_clock(CLOCK_REALTIME), tod;
	time_t seconds = (time_t)syscall(SYS_time, NULL);

	need(syscall(SYS_gettimeofday, &tv, NULL) == 0);
	tod = (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
	need(tod >= real - 0.001 && tod - real < 1 && (double)seconds - real < 2 &&
	     real - (double)seconds < 2);
	need(real > 1.6e9); /* somebody set the clock */
	double last = read_clock(CLOCK_MONOTONIC);
	for (int i = 0; i < 2000; i++) {
		double now = read_clock(CLOCK_MONOTONIC);

		need(now >= last);
		last = now;
	}
}

static void cpu_time(void)
{
	double start = read_clock(CLOCK_PROCESS_CPUTIME_ID), thread = read_clock(CLOCK_THREAD_CPUTIME_ID),
	       now;
	struct timespec t = { 0, 50000000 };
	struct tms tms;

	nanosleep(&t, NULL);
	need(read_clock(CLOCK_PROCESS_CPUTIME_ID) - start < 0.04); /* sleeping costs nothing */
	now = read_clock(CLOCK_MONOTONIC);
	while (read_clock(CLOCK_PROCESS_CPUTIME_ID) - start < 0.05)
		need(read_clock(CLOCK_MONOTONIC) - now < 10);
	need(read_clock(CLOCK_THREAD_CPUTIME_ID) - thread >= 0.045);
	need(times(&tms) != (clock_t)-1 && tms.tms_utime + tms.tms_stime >= 3);
}

static void sleeping(void)
{
	struct timespec t = { 0, 30000000 };
	double start = read_clock(CLOCK_MONOTONIC), took;

	need(nanosleep(&t, NULL) == 0);
	took = read_clock(CLOCK_MONOTONIC) - start;
	need(took >= 0.03 && took < 1);
	t.tv_nsec = 1000000000;
	need(nanosleep(&t, NULL) == -1 && errno == EINVAL);
	t.tv_nsec = -1;
	need(nanosleep(&t, NULL) == -1 && errno == EINVAL);
	t = (struct timespec){ -1, 0 };
	need(nanosleep(&t, NULL) == -1 && errno == EINVAL);
	need(nanosleep(unmapped, NULL) == -1 && errno == EFAULT);
	t = (struct timespec){ 0, 0 };
	need(nanosleep(&t, NULL) == 0);
}

static void absolute_sleep(void)
{
	struct timespec t;
	double start = read_clock(CLOCK_MONOTONIC);

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 30000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	need(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0);
	need(read_clock(CLOCK_MONOTONIC) - start >= 0.029);
	start = read_clock(CLOCK_MONOTONIC);
	need(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0); /* past */
	need(read_clock(CLOCK_MONOTONIC) - start < 0.02);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec -= 100;
	need(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL) == 0);
	need(clock_nanosleep(77, 0, &t, NULL) == EINVAL);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signo)
{
	(void)signo;
	alarms++;
}

/* --- sleeping by clocks that others move --- */

static _Atomic int spinner_tid;

static void *spin(void *arg)
{
	(void)arg;
	spinner_tid = (int)syscall(SYS_gettid);
	for (;;)
		;
	return NULL;
}

static void sleeping_by_cpu_time(void)
{
	clockid_t of_thread, own;
	struct timespec t = { 0, 60000000 };
	double start, thread_start;
	pthread_t spinner;

	need(pthread_create(&spinner, NULL, spin, NULL) == 0);
	while (!spinner_tid)
		usleep(1000);
	start = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	need(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL) == 0);
	need(read_clock(CLOCK_PROCESS_CPUTIME_ID) - start >= 0.06);

	/* The clock of another thread, until a time that it will show. */
	need(pthread_getcpuclockid(spinner, &of_thread) == 0);
	thread_start = read_clock(of_thread);
	t.tv_sec = (time_t)(thread_start + 0.05);
	t.tv_nsec = (long)((thread_start + 0.05 - (double)t.tv_sec) * 1e9);
	need(clock_nanosleep(of_thread, TIMER_ABSTIME, &t, NULL) == 0);
	need(read_clock(of_thread) - thread_start >= 0.0499);

	/* One's own stands still while one sleeps. */
	need(pthread_getcpuclockid(pthread_self(), &own) == 0);
	need(clock_nanosleep(own, 0, &t, NULL) == EINVAL);
	need(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL) != 0);
}

static void a_signal_ends_sleep_by_cpu_time(void)
{
	struct timespec t = { 100, 0 }, left = { 0, 0 };
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { { 0, 0 }, { 0, 20000 } };

	need(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0);
	need(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &t, &left) == EINTR);
	need(left.tv_sec >= 98 && left.tv_sec <= 100);
}

/* <linux/futex.h> does not come with musl. */
#define FUTEX_LOCK_PI        6
#define FUTEX_WAIT_BITSET    9
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_32             2
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static struct timespec wake_at;
static uint32_t word, owned;
static mqd_t queue;

static long sleep_until_then(void)
{
	return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &wake_at, NULL);
}

static long wait_for_word(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &wake_at, NULL, 1);
}

static long wait_for_words(void)
{
	struct {
		uint64_t value, addr;
		uint32_t flags, reserved;
	} words[] = { { 0, (uintptr_t)&word, FUTEX_32, 0 } };

	return syscall(SYS_futex_waitv, words, 1, 0, &wake_at, CLOCK_REALTIME);
}

static long wait_to_own(void)
{
	return syscall(SYS_futex, &owned, FUTEX_LOCK_PI, 0, &wake_at, NULL, 0);
}

static long wait_for_message(void)
{
	char text[8];

	return mq_timedreceive(queue, text, sizeof(text), NULL, &wake_at);
}

static const struct real_wait {
	long (*wait)(void);
	int result, error;
} real_waits[] = {
	{ sleep_until_then, 0, 0 },          { wait_for_word, -1, ETIMEDOUT },
	{ wait_for_words, -1, ETIMEDOUT },   { wait_to_own, -1, ETIMEDOUT },
	{ wait_for_message, -1, ETIMEDOUT },
};
#define REAL_WAITS (sizeof(real_waits) / sizeof(real_waits[0]))
static _Atomic unsigned begun, ended;

static void *wait_until_then(void *arg)
{
	const struct real_wait *w = arg;

	begun++;
	errno = 0;
	need(w->wait() == w->result && errno == w->error);
	ended++;
	return NULL;
}

/* All that wait until tomorrow wait no longer when somebody makes it tomorrow; a step back moves nobody. */
static void waiting_while_the_clock_is_set(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	pthread_t waiters[REAL_WAITS];
	struct timespec now, later;

	owned = (uint32_t)syscall(SYS_gettid);
	mq_unlink("/clocks");
	queue = mq_open("/clocks", O_CREAT | O_RDWR, 0600, &attr);
	need(queue >= 0 && clock_gettime(CLOCK_REALTIME, &now) == 0);
	wake_at = now;
	wake_at.tv_sec += 86400;
	for (unsigned i = 0; i < REAL_WAITS; i++)
		need(pthread_create(&waiters[i], NULL, wait_until_then, (void *)&real_waits[i]) == 0);
	while (begun < REAL_WAITS)
		usleep(1000);
	usleep(20000);
	need(clock_settime(CLOCK_REALTIME, &now) == 0 && ended == 0);
	later = wake_at;
	later.tv_sec += 1;
	need(clock_settime(CLOCK_REALTIME, &later) == 0);
	for (unsigned i = 0; i < REAL_WAITS; i++)
		need(pthread_join(waiters[i], NULL) == 0);
	need(ended == REAL_WAITS && clock_settime(CLOCK_REALTIME, &now) == 0);
}

static void interval_timer(void)
{
	struct itimerval t = { { 0, 10000 }, { 0, 20000 } }, old;
	double start = read_clock(CLOCK_MONOTONIC), took;

	signal(SIGALRM, on_alarm);
	need(setitimer(ITIMER_REAL, &t, NULL) == 0);
	need(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 10000);
	need(old.it_value.tv_sec == 0 && old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 20000);
	while (alarms < 5)
		pause();
	took = read_clock(CLOCK_MONOTONIC) - start;
	need(took >= 0.059 && took < 1);
	t = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	need(setitimer(ITIMER_REAL, &t, &old) == 0 && old.it_interval.tv_usec == 10000);
	need(getitimer(ITIMER_REAL, &old) == 0 && old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
	t.it_value.tv_usec = 1000000;
	need(setitimer(ITIMER_REAL, &t, NULL) == -1 && errno == EINVAL);
	need(setitimer(9, &t, NULL) == -1 && errno == EINVAL);
}

static void alarm_call(void)
{
	need(alarm(100) == 0);
	need(alarm(0) == 100);
	need(alarm(0) == 0);
	signal(SIGALRM, on_alarm);
	need(alarm(1) == 0);
	pause();
	need(alarms == 1 && alarm(0) == 0);
}

/* Timers are the process's: exec keeps them, fork does not. */
static void alarm_and_fork(void)
{
	int status;
	pid_t pid;

	alarm(100);
	pid = fork();
	if (pid == 0)
		_exit(alarm(0) == 0 ? 0 : 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(alarm(0) == 100);
}

static void set_clock_needs_privilege(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (geteuid() == 0)
		need(setresuid(1000, 1000, 1000) == 0);
	need(syscall(SYS_clock_settime, CLOCK_REALTIME, &t) == -1 && errno == EPERM);
	need(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &t) == -1 && errno == EINVAL);
}

int main(void)
{
	tap(passes(clocks_exist), "every clock can be read");
	tap(passes(clocks_agree), "clocks agree and do not run backwards");
	tap(passes(cpu_time), "CPU time counts work and not sleep");
	tap(passes(sleeping), "nanosleep");
	tap(passes(absolute_sleep), "clock_nanosleep to a point in time");
	tap(passes(sleeping_by_cpu_time), "clock_nanosleep by CPU time");
	tap(passes(a_signal_ends_sleep_by_cpu_time), "a signal ends it, and what is left is told");
	tap(passes(waiting_while_the_clock_is_set), "who waits until a real time follows the clock");
	tap(passes(interval_timer), "setitimer");
	tap(passes(alarm_call), "alarm");
	tap(passes(alarm_and_fork), "a child inherits no timer");
	tap(passes(set_clock_needs_privilege), "setting the clock needs privilege");
	return tap_end();
}
