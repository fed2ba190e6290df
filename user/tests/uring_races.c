/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings used from many threads at once: requests that wait while others wake, cancel and close what they wait
 * for, threads and processes that end with requests under way, rings that go.  Each child must end by itself,
 * and the kernel must not stop: its debug builds look for more than that.
 *
 *	uring_races [seconds for each]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "child.h"
#include "tap.h"
#include "uring_calls.h"

#define THREADS 4

static int seconds = 1;
static time_t end;
static struct ring ring;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int pipes[2];
static struct timespec soon = { 0, 100000 };

static bool more(void)
{
	return time(NULL) < end;
}

static void start(void)
{
	int p[2];

	need(pipe2(p, O_NONBLOCK) == 0 && ring_setup(&ring, 64, 0, 0) == 0);
	pipes[0] = p[0];
	pipes[1] = p[1];
	end = time(NULL) + seconds;
}

static void submit(struct abi_sqe s)
{
	pthread_mutex_lock(&lock);
	ring_put(&ring, &s);
	ring_submit(&ring, 0);
	pthread_mutex_unlock(&lock);
}

static void collect(void)
{
	struct abi_cqe c;

	pthread_mutex_lock(&lock);
	ring_enter(&ring, 0, 0, IORING_ENTER_GETEVENTS);
	while (ring_get(&ring, &c))
		;
	pthread_mutex_unlock(&lock);
}

static struct abi_sqe any(unsigned n)
{
	static char byte[THREADS * 64];
	struct abi_sqe s = sqe_of(IORING_OP_NOP, -1, NULL, 0, 0);

	switch (n % 7) {
	case 0:
		s = sqe_of(IORING_OP_READ, pipes[0], byte, 1, -1ul);
		break;
	case 1:
		s = sqe_of(IORING_OP_POLL_ADD, pipes[0], NULL, 0, 0);
		s.op_flags = POLLIN;
		break;
	case 2:
		s = sqe_of(IORING_OP_WRITE, pipes[1], "x", 1, -1ul);
		break;
	case 3:
		s = sqe_of(IORING_OP_TIMEOUT, -1, &soon, 1, 0);
		break;
	case 4:
		s = sqe_of(IORING_OP_ASYNC_CANCEL, -1, (void *)(uintptr_t)(n / 7 % 8), 0, 0);
		break;
	case 5:
		s = sqe_of(IORING_OP_TIMEOUT_REMOVE, -1, (void *)(uintptr_t)(n / 7 % 8), 0, 0);
		break;
	}
	s.user_data = n % 8;
	return s;
}

static void *mix(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg * 1000;

	while (more()) {
		submit(any(n++ * 2654435761u >> 8));
		if (n % 16 == 0)
			collect();
	}
	return NULL;
}

static void together(void)
{
	pthread_t t[THREADS];

	start();
	for (uintptr_t i = 0; i < THREADS; i++)
		need(pthread_create(&t[i], NULL, mix, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ring_end(&ring);
}

static void *few(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg;

	for (int i = 0; i < 8; i++)
		submit(any(n + (unsigned)i));
	return NULL;
}

/* Threads that end at once, while others wake what they wait for. */
static void threads_end(void)
{
	pthread_t t[THREADS];

	start();
	for (unsigned round = 0; more(); round++) {
		for (uintptr_t i = 0; i < THREADS; i++)
			need(pthread_create(&t[i], NULL, few, (void *)(i + round)) == 0);
		for (int i = 0; i < THREADS; i++)
			pthread_join(t[i], NULL);
		collect();
	}
}

/* Processes that end, by exit, exec or a signal, in the middle of it. */
static void processes_end(void)
{
	end = time(NULL) + seconds;
	for (unsigned round = 0; more(); round++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			time_t whole = end;
			pthread_t t;

			start();
			end = whole + 5;
			need(pthread_create(&t, NULL, mix, NULL) == 0);
			few((void *)(uintptr_t)round);
			usleep(round % 8 * 500);
			if (round % 3 == 0)
				execl("/bin/true", "true", NULL);
			if (round % 3 == 1)
				raise(SIGKILL);
			_exit(0);
		}
		need(pid > 0 && waitpid(pid, &status, 0) == pid);
	}
}

/* A ring that goes while its requests are woken. */
static void rings_end(void)
{
	end = time(NULL) + seconds;
	while (more()) {
		time_t whole = end;
		int p[2];

		start();
		end = whole;
		p[0] = pipes[0];
		p[1] = pipes[1];
		few((void *)0);
		need(write(p[1], "xx", 2) == 2);
		ring_end(&ring);
		close(p[0]);
		close(p[1]);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		seconds = atoi(argv[1]);
	tap(passes(together), "many threads, one ring");
	tap(passes(threads_end), "threads end with requests under way");
	tap(passes(processes_end), "processes end with requests under way");
	tap(passes(rings_end), "rings end with requests under way");
	return tap_end();
}
