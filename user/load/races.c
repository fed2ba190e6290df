/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that use memory while another takes it away, protects it or forks.  What a call has taken away
 * must be gone from every processor when the call returns: a thread that learns of the return and still
 * sees or reaches the page has found a translation that was not shot down.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"

#define THREADS 3
#define LAPS    30u

static struct {
	volatile uint64_t *page;
	_Atomic uint64_t epoch; /* what the calls that have returned have done */
	_Atomic bool stop;
} race;

static void start_race(pthread_t *t, void *(*body)(void *), unsigned pages)
{
	race.page = map_pages(pages);
	race.epoch = 0;
	race.stop = false;
	for (unsigned i = 0; i < THREADS; i++)
		expect(pthread_create(&t[i], NULL, body, NULL) == 0);
}

static void end_race(pthread_t *t, unsigned pages)
{
	race.stop = true;
	for (unsigned i = 0; i < THREADS; i++)
		expect(pthread_join(t[i], NULL) == 0);
	expect(munmap((void *)race.page, pages * PAGE) == 0);
}

static void linger(void)
{
	for (volatile unsigned i = draw_below(3000); i > 0; i--)
		;
	if (draw_below(4) == 0)
		sched_yield();
}

/* Epoch k says: the page that held k has been thrown away. */
static void *read_page(void *arg)
{
	while (!race.stop) {
		uint64_t gone = race.epoch, seen = *race.page;

		expect(seen == 0 || seen > gone);
	}
	return arg;
}

static void throw_away(void)
{
	pthread_t t[THREADS];

	start_race(t, read_page, 1);
	for (uint64_t k = 1; k <= LAPS; k++) {
		*race.page = k;
		linger();
		expect(madvise((void *)race.page, PAGE, MADV_DONTNEED) == 0);
		race.epoch = k;
	}
	end_race(t, 1);
}

/* The same by mapping anew over the old. */
static void map_over(void)
{
	pthread_t t[THREADS];
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	start_race(t, read_page, 1);
	for (uint64_t k = 1; k <= LAPS; k++) {
		*race.page = k;
		linger();
		expect(mmap((void *)race.page, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == race.page);
		race.epoch = k;
	}
	end_race(t, 1);
}

/* Every thread has its own way out of a fault. */
static _Thread_local sigjmp_buf escape;

static void on_fault(int signo)
{
	(void)signo;
	siglongjmp(escape, 1);
}

/* An odd epoch says: nobody can write the page. */
static void *write_page(void *arg)
{
	while (!race.stop) {
		volatile uint64_t before = race.epoch;

		if (sigsetjmp(escape, 1) != 0)
			continue;
		race.page[1] = before;
		atomic_thread_fence(memory_order_seq_cst); /* first the write, then the look */
		expect(before % 2 == 0 || race.epoch != before);
	}
	return arg;
}

static void protect(void)
{
	pthread_t t[THREADS];

	signal(SIGSEGV, on_fault);
	start_race(t, write_page, 1);
	for (unsigned k = 0; k < LAPS; k++) {
		linger();
		expect(mprotect((void *)race.page, PAGE, PROT_READ) == 0);
		race.epoch++;
		linger();
		race.epoch++; /* while the call runs, anything goes */
		expect(mprotect((void *)race.page, PAGE, PROT_READ | PROT_WRITE) == 0);
	}
	end_race(t, 1);
	signal(SIGSEGV, SIG_DFL);
}

/* Threads write on while the process forks: the child's copy stands still. */
static void *write_words(void *arg)
{
	uint64_t n = 0;

	while (!race.stop)
		for (unsigned i = 0; i < 4; i++)
			race.page[i * 512 + 7] = ++n;
	return arg;
}

static void fork_under_way(void)
{
	pthread_t t[THREADS];

	start_race(t, write_words, 4);
	for (unsigned k = 0; k < 4; k++) {
		pid_t pid = start_child();

		if (pid == 0) {
			uint64_t seen[4];

			for (unsigned i = 0; i < 4; i++)
				seen[i] = race.page[i * 512 + 7];
			for (unsigned lap = 0; lap < 10; lap++) {
				linger();
				for (unsigned i = 0; i < 4; i++)
					expect(race.page[i * 512 + 7] == seen[i]);
			}
			_exit(0);
		}
		expect_exit(pid, 0);
	}
	end_race(t, 4);
}

/* Faults and unmapping of the same pages at once: each touch works or is a signal, never anything else. */
static void *touch_pages(void *arg)
{
	volatile unsigned i = 0;

	while (!race.stop) {
		i = i + 1;
		if (sigsetjmp(escape, 1) == 0)
			race.page[i % 16 * 512] = 1;
	}
	return arg;
}

static void unmap_under_way(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	pthread_t t[THREADS];

	signal(SIGSEGV, on_fault);
	start_race(t, touch_pages, 16);
	for (unsigned k = 0; k < LAPS; k++) {
		linger();
		expect(munmap((void *)race.page, 16 * PAGE) == 0);
		linger();
		expect(mmap((void *)race.page, 16 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == race.page);
	}
	end_race(t, 16);
	signal(SIGSEGV, SIG_DFL);
}

static void race_round(void)
{
	static void (*const ways[])(void) = { throw_away, map_over, protect, fork_under_way,
					      unmap_under_way };

	one_of(ways, 5);
}

const struct kind race_kind = { .name = "race", .round = race_round };
