/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers: nothing ends early, and everything ends; how late depends on the load, and is not judged. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

static volatile sig_atomic_t alarms;

static void on_alarm(int signo)
{
	(void)signo;
	alarms++;
}

static struct timespec in_ns(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
}

static void sleep_until(void)
{
	uint64_t end = now_ns() + draw_below(5000000);
	struct timespec at = in_ns(end);

	expect(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == 0);
	expect(now_ns() >= end);
}

static void sleep_for(void)
{
	unsigned ns = draw_below(5000000);
	struct timespec time = in_ns(ns);
	uint64_t start = now_ns();

	expect(nanosleep(&time, NULL) == 0);
	expect(now_ns() - start >= ns);
}

static void wait_for_nothing(void)
{
	int ends[2], ms = (int)draw_below(6);
	uint64_t start;

	expect(pipe(ends) == 0);
	struct pollfd quiet = { .fd = ends[0], .events = POLLIN };
	struct timeval time = { 0, ms * 1000 };
	fd_set set;

	start = now_ns();
	expect(poll(&quiet, 1, ms) == 0);
	expect(now_ns() - start >= (uint64_t)ms * 1000000);
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	start = now_ns();
	expect(select(ends[0] + 1, &set, NULL, NULL, &time) == 0);
	expect(now_ns() - start >= (uint64_t)ms * 1000000);
	close(ends[0]);
	close(ends[1]);
}

/* An interval timer comes again and again, never before its time. */
static void interval(void)
{
	unsigned us = 500 + draw_below(3000), count = 1 + draw_below(5);
	struct itimerval on = { { 0, us }, { 0, us } }, off = { { 0, 0 }, { 0, 0 } };
	uint64_t start;

	alarms = 0;
	signal(SIGALRM, on_alarm);
	start = now_ns();
	expect(setitimer(ITIMER_REAL, &on, NULL) == 0);
	while (alarms < (int)count)
		poll(NULL, 0, 100); /* a signal ends it; were one lost, the next would */
	expect(now_ns() - start >= count * us * 1000ul);
	expect(setitimer(ITIMER_REAL, &off, NULL) == 0);
	signal(SIGALRM, SIG_DFL);
}

/* A sleep that a signal ends says how much is left. */
static void interrupted_sleep(void)
{
	unsigned us = 1000 + draw_below(2000); /* again and again: the first may come before the sleep */
	struct itimerval on = { { 0, us }, { 0, us } }, off = { { 0, 0 }, { 0, 0 } };
	struct timespec long_time = { 1000, 0 }, left = { 0, 0 };
	struct sigaction act = { .sa_handler = on_alarm };

	expect(sigaction(SIGALRM, &act, NULL) == 0);
	expect(setitimer(ITIMER_REAL, &on, NULL) == 0);
	expect(nanosleep(&long_time, &left) == -1 && errno == EINTR);
	expect(left.tv_sec > 0 && left.tv_sec < 1000);
	expect(setitimer(ITIMER_REAL, &off, NULL) == 0);
	signal(SIGALRM, SIG_DFL);
}

static uint64_t used_ns(void)
{
	struct timespec used;

	expect(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* Processor time passes for who runs, and no faster than time itself.  A thread's: in the process's, threads
 * of an earlier round may still be ending on other CPUs. */
static void processor_time(void)
{
	uint64_t start = now_ns(), before = used_ns(), wanted = before + draw_below(3000000), used;

	while ((used = used_ns()) < wanted)
		;
	expect(used - before <= now_ns() - start);
}

static void timed_condition(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	struct timespec end, now;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += draw_below(4000000);
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	pthread_mutex_lock(&mutex);
	expect(pthread_cond_timedwait(&never, &mutex, &end) == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
	clock_gettime(CLOCK_REALTIME, &now);
	expect(now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec));
}

static void timed_signal(void)
{
	struct timespec time = in_ns(draw_below(3000000));
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	expect(sigtimedwait(&set, NULL, &time) == -1 && errno == EAGAIN);
}

/* The clock never goes back, whichever processor answers. */
static void monotonic(void)
{
	uint64_t last = now_ns();

	for (unsigned i = 0; i < 500; i++) {
		uint64_t now = now_ns();

		expect(now >= last);
		last = now;
		if (i % 50 == 0)
			sched_yield();
	}
}

static void timer_round(void)
{
	static void (*const ways[])(void) = { sleep_until,     sleep_for,         wait_for_nothing,
					      interval,        interrupted_sleep, processor_time,
					      timed_condition, timed_signal,      monotonic };

	one_of(ways, 9);
}

const struct kind timer_kind = { .name = "timer", .round = timer_round };
