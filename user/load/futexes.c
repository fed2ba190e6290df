/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that meet in mutexes, conditions, barriers and semaphores: nothing is lost, nothing comes twice. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"

#define THREADS 6
#define SLOTS   4

/* One at a time, although what they change is not atomic. */
static struct counting {
	pthread_mutex_t mutex;
	unsigned per_thread;
	volatile uint64_t count, check;
} counting;

static void *count_up(void *arg)
{
	struct counting *c = arg;

	for (unsigned i = 0; i < c->per_thread; i++) {
		pthread_mutex_lock(&c->mutex);
		expect(c->check == scramble(c->count, 1));
		c->count++;
		c->check = scramble(c->count, 1);
		pthread_mutex_unlock(&c->mutex);
	}
	return arg;
}

static void start_threads(pthread_t *t, unsigned n, void *(*body)(void *), void *arg)
{
	for (unsigned i = 0; i < n; i++)
		expect(pthread_create(&t[i], NULL, body, arg) == 0);
}

static void join_threads(pthread_t *t, unsigned n, void *wanted)
{
	void *result;

	for (unsigned i = 0; i < n; i++)
		expect(pthread_join(t[i], &result) == 0 && result == wanted);
}

static void prepare_counting(struct counting *c, bool shared)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	pthread_mutex_init(&c->mutex, &attr);
	c->per_thread = 50 + draw_below(500);
	c->count = 0;
	c->check = scramble(0, 1);
}

static void mutex_threads(void)
{
	unsigned threads = 2 + draw_below(THREADS - 1);
	pthread_t t[THREADS];

	prepare_counting(&counting, false);
	start_threads(t, threads, count_up, &counting);
	join_threads(t, threads, &counting);
	expect(counting.count == (uint64_t)threads * counting.per_thread);
}

/* The same between processes: a futex in shared memory. */
static void mutex_processes(void)
{
	struct counting *c =
		mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned processes = 2 + draw_below(3);
	pid_t pids[4];

	expect(c != MAP_FAILED);
	prepare_counting(c, true);
	for (unsigned i = 0; i < processes; i++) {
		pids[i] = start_child();
		if (pids[i] == 0) {
			count_up(c);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < processes; i++)
		expect_exit(pids[i], 0);
	expect(c->count == (uint64_t)processes * c->per_thread);
	expect(munmap(c, sizeof(*c)) == 0);
}

/* A bounded queue with one producer and several consumers; each number arrives once. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t filled, emptied;
	unsigned slots[SLOTS], head, tail, total;
	_Atomic uint64_t sum;
} queue;

static void *consume(void *arg)
{
	unsigned last = 0, got;

	do {
		pthread_mutex_lock(&queue.mutex);
		while (queue.head == queue.tail)
			pthread_cond_wait(&queue.filled, &queue.mutex);
		got = queue.slots[queue.tail++ % SLOTS];
		pthread_cond_signal(&queue.emptied);
		pthread_mutex_unlock(&queue.mutex);
		expect(got > last || got == 0); /* 0 is the end */
		last = got;
		queue.sum += got;
	} while (got);
	return arg;
}

static void produce(unsigned number)
{
	pthread_mutex_lock(&queue.mutex);
	while (queue.head - queue.tail == SLOTS)
		pthread_cond_wait(&queue.emptied, &queue.mutex);
	queue.slots[queue.head++ % SLOTS] = number;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.mutex);
}

static void conditions(void)
{
	unsigned consumers = 1 + draw_below(THREADS), total = 50 + draw_below(300);
	pthread_t t[THREADS];

	memset(&queue, 0, sizeof(queue));
	pthread_mutex_init(&queue.mutex, NULL);
	pthread_cond_init(&queue.filled, NULL);
	pthread_cond_init(&queue.emptied, NULL);
	start_threads(t, consumers, consume, NULL);
	for (unsigned i = 1; i <= total; i++)
		produce(i);
	for (unsigned i = 0; i < consumers; i++)
		produce(0);
	join_threads(t, consumers, NULL);
	expect(queue.sum == (uint64_t)total * (total + 1) / 2);
}

/* Nobody is a phase ahead or behind. */
static pthread_barrier_t barrier;
static _Atomic unsigned arrived;
static unsigned members, phases;

static void *meet(void *arg)
{
	for (unsigned i = 0; i < phases; i++) {
		arrived++;
		pthread_barrier_wait(&barrier);
		expect(arrived == (i + 1) * members);
		pthread_barrier_wait(&barrier);
	}
	return arg;
}

static void barriers(void)
{
	pthread_t t[THREADS];

	members = 2 + draw_below(THREADS - 1);
	phases = 1 + draw_below(20);
	arrived = 0;
	pthread_barrier_init(&barrier, NULL, members);
	start_threads(t, members, meet, NULL);
	join_threads(t, members, NULL);
	pthread_barrier_destroy(&barrier);
}

/* Two threads in strict turns. */
static sem_t turns[2];
static unsigned rally;

static void *play(void *arg)
{
	unsigned me = *(unsigned *)arg;

	for (unsigned i = 0; i < 100; i++) {
		while (sem_wait(&turns[me]) < 0)
			;
		expect(rally % 2 == me);
		rally++;
		sem_post(&turns[!me]);
	}
	return NULL;
}

static void semaphores(void)
{
	static unsigned sides[2] = { 0, 1 };
	pthread_t t[2];

	rally = 0;
	sem_init(&turns[0], 0, 1);
	sem_init(&turns[1], 0, 0);
	start_threads(&t[0], 1, play, &sides[0]);
	start_threads(&t[1], 1, play, &sides[1]);
	join_threads(t, 2, NULL);
	expect(rally == 200);
}

static void futex_round(void)
{
	static void (*const ways[])(void) = { mutex_threads, mutex_processes, conditions, barriers,
					      semaphores };

	one_of(ways, 5);
}

const struct kind futex_kind = { .name = "futex", .round = futex_round };
