/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications: bits are set and taken, never lost, and each goes to one waiter. */
#define _GNU_SOURCE
#include <errno.h>
#include <libserix/ipc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "child.h"
#include "now.h"
#include "tap.h"

#define MS     1000000ull
#define ALL    UINT64_MAX
#define ROUNDS 20000

static cap_handle_t make(void)
{
	cap_handle_t n = notification_create(0);

	need(n >= 0);
	return n;
}

static void takes_what_it_asked_for(void)
{
	cap_handle_t n = make();
	uint64_t bits = 0;

	need(notification_wait(n, ALL, &bits, 0) == -EAGAIN);
	need(notification_signal(n, 5) == 0 && notification_signal(n, 5) == 0);
	need(notification_wait(n, 4 | 2, &bits, 0) == 0 && bits == 4);
	need(notification_wait(n, 4 | 2, &bits, 0) == -EAGAIN);
	need(notification_wait(n, ALL, &bits, PULSE_FOREVER) == 0 && bits == 1);
}

static void refuses_nonsense(void)
{
	cap_handle_t n = make();
	uint64_t bits;

	need(notification_create(8) == -EINVAL);
	need(notification_wait(n, 0, &bits, 0) == -EINVAL);
	need(notification_signal(77, 1) == -EBADF && notification_wait(-1, 1, &bits, 0) == -EBADF);
	need(notification_signal(0, 1) == -EBADF); /* a file */
	/* Bits that cannot be delivered are not lost. */
	need(notification_signal(n, 9) == 0 && notification_wait(n, 8, (uint64_t *)8, 0) == -EFAULT);
	need(notification_wait(n, ALL, &bits, 0) == 0 && bits == 9);
	close((int)n);
	need(notification_signal(n, 1) == -EBADF);
}

static void waits_for_a_time(void)
{
	cap_handle_t n = make();
	uint64_t bits, began = now_ns();

	need(notification_wait(n, 1, &bits, 20 * MS) == -ETIMEDOUT);
	need(now_ns() - began >= 20 * MS);
	/* Bits of others do not wake it. */
	need(notification_signal(n, 2) == 0);
	need(notification_wait(n, 1, &bits, 20 * MS) == -ETIMEDOUT);
}

static void wakes_another_process(void)
{
	cap_handle_t n = make(), back = make();
	uint64_t bits;
	int status;
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < 1000; i++)
			if (notification_wait(n, 1, &bits, PULSE_FOREVER) || notification_signal(back, 2))
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < 1000; i++)
		need(notification_signal(n, 1) == 0 && notification_wait(back, 2, &bits, PULSE_FOREVER) == 0);
	need(waitpid(child, &status, 0) == child && status == 0);
}

static cap_handle_t shared;
static _Atomic uint64_t taken[4];

static void *taker(void *arg)
{
	int me = (int)(intptr_t)arg;
	uint64_t mask = me < 2 ? 1ull << me : 12, bits;

	for (;;) {
		need(notification_wait(shared, mask | 1ull << 63, &bits, PULSE_FOREVER) == 0);
		need((bits & ~(mask | 1ull << 63)) == 0);
		for (int b = 0; b < 4; b++)
			if (bits & (1ull << b))
				atomic_fetch_add(&taken[b], 1);
		if (bits >> 63) {
			need(notification_signal(shared, 1ull << 63) == 0); /* for the next one */
			return NULL;
		}
	}
}

/* Each bit that is set after it was taken is taken once, by one whose mask has it. */
static void several_waiters(void)
{
	pthread_t threads[4];

	shared = make();
	for (int i = 0; i < 4; i++)
		need(pthread_create(&threads[i], NULL, taker, (void *)(intptr_t)i) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t before = atomic_load(&taken[i % 4]);

		need(notification_signal(shared, 1ull << (i % 4)) == 0);
		while (atomic_load(&taken[i % 4]) == before)
			sched_yield();
	}
	need(notification_signal(shared, 1ull << 63) == 0);
	for (int i = 0; i < 4; i++)
		need(pthread_join(threads[i], NULL) == 0);
	for (int b = 0; b < 4; b++)
		need(atomic_load(&taken[b]) == ROUNDS / 4);
}

static void *signals_later(void *arg)
{
	struct timespec ts = { 0, 20 * 1000000 };

	nanosleep(&ts, NULL);
	need(notification_signal(*(cap_handle_t *)arg, 1) == 0);
	return NULL;
}

static void polls(void)
{
	cap_handle_t n = make();
	struct pollfd p = { .fd = (int)n, .events = POLLIN | POLLOUT };
	pthread_t t;
	uint64_t bits;

	need(poll(&p, 1, 0) == 0);
	need(pthread_create(&t, NULL, signals_later, &n) == 0);
	need(poll(&p, 1, 5000) == 1 && p.revents == POLLIN);
	need(pthread_join(t, NULL) == 0);
	need(notification_wait(n, ALL, &bits, 0) == 0);
	need(poll(&p, 1, 0) == 0);
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void alarm_in(long ms)
{
	struct itimerval it = { .it_value = { 0, ms * 1000 } };

	need(setitimer(ITIMER_REAL, &it, NULL) == 0);
}

static void ends_with_a_handler_and_goes_on_without(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	cap_handle_t n = make();
	uint64_t bits, began;

	sigaction(SIGALRM, &sa, NULL);
	alarm_in(20);
	need(notification_wait(n, 1, &bits, PULSE_FOREVER) == -EINTR);
	/* Stopped and continued, it keeps its deadline. */
	began = now_ns();
	if (fork() == 0) {
		struct timespec ts = { 0, 20 * 1000000 };

		nanosleep(&ts, NULL);
		kill(getppid(), SIGSTOP);
		nanosleep(&ts, NULL);
		kill(getppid(), SIGCONT);
		_exit(0);
	}
	need(notification_wait(n, 1, &bits, 150 * MS) == -ETIMEDOUT);
	need(now_ns() - began >= 150 * MS && now_ns() - began < 300 * MS);
}

static void *floods(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		need(notification_signal(*(cap_handle_t *)arg, 1) == 0);
	need(notification_signal(*(cap_handle_t *)arg, 2) == 0);
	return NULL;
}

/* A signal that races with the time-out is seen by it or stays for the next look. */
static void time_out_against_signal(void)
{
	cap_handle_t n = make();
	uint64_t bits, seen = 0;
	pthread_t t;

	need(pthread_create(&t, NULL, floods, &n) == 0);
	while (!(seen & 2)) {
		int err = notification_wait(n, ALL, &bits, 1000);

		need(err == 0 || err == -ETIMEDOUT);
		if (err == 0)
			seen |= bits;
	}
	need(pthread_join(t, NULL) == 0);
	need(notification_wait(n, ALL, &bits, 0) == -EAGAIN);
}

int main(void)
{
	tap(passes(takes_what_it_asked_for), "bits are set once and taken by mask");
	tap(passes(refuses_nonsense), "refusals; what cannot be delivered stays");
	tap(passes(waits_for_a_time), "a time-out, not ended by others' bits");
	tap(passes(wakes_another_process), "a thousand turns between two processes");
	tap(passes(several_waiters), "each bit goes to one waiter that wants it");
	tap(passes(polls), "poll");
	tap(passes(ends_with_a_handler_and_goes_on_without), "signals");
	tap(passes(time_out_against_signal), "a time-out races with signals");
	return tap_end();
}
