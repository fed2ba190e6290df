/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex(2), beyond what threads.c sees of it: futexes with an owner and their robust lists, who runs at whose
 * urgency because of them, moving waiters to them, waiting for several words, and the errors of all.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "child.h"
#include "tap.h"

enum {
	WAIT,
	WAKE,
	REQUEUE = 3,
	CMP_REQUEUE,
	WAKE_OP,
	LOCK_PI,
	UNLOCK_PI,
	TRYLOCK_PI,
	WAIT_BITSET,
	WAKE_BITSET,
	WAIT_REQUEUE_PI,
	CMP_REQUEUE_PI,
	LOCK_PI2,
	PRIVATE = 128,
	REALTIME = 256,
};
#define WAITERS    0x80000000u
#define OWNER_DIED 0x40000000u
#define TID_MASK   0x3fffffffu

#define SYS_FUTEX_WAITV 449

/* 0 or above, or -errno. */
static int futex(_Atomic uint32_t *word, int op, uint32_t val, const void *timeout, _Atomic uint32_t *word2,
		 uint32_t val3)
{
	long result = syscall(SYS_futex, word, op, val, timeout, word2, val3);

	return result < 0 ? -errno : (int)result;
}

static uint32_t tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static void nap(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

static struct timespec after_ms(int clock, long ms)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static _Atomic uint32_t lock, word;
static int scope = PRIVATE;
static _Atomic int phase, results[16];

static void take(_Atomic uint32_t *at)
{
	uint32_t nobody = 0;

	if (!atomic_compare_exchange_strong(at, &nobody, tid()))
		need(futex(at, LOCK_PI | scope, 0, NULL, NULL, 0) == 0);
	need((atomic_load(at) & TID_MASK) == tid());
}

static void give(_Atomic uint32_t *at)
{
	uint32_t own = tid();

	if (!atomic_compare_exchange_strong(at, &own, 0))
		need(futex(at, UNLOCK_PI | scope, 0, NULL, NULL, 0) == 0);
}

static pthread_t start(void *(*body)(void *), long arg)
{
	pthread_t t;

	need(pthread_create(&t, NULL, body, (void *)arg) == 0);
	return t;
}

/* Until somebody waits for the lock. */
static void await_waiters(_Atomic uint32_t *at)
{
	while (!(atomic_load(at) & WAITERS))
		nap(1000);
	nap(20000);
}

/* --- locking ------------------------------------------------------------------------------------------- */

static void alone(void)
{
	lock = 0;
	need(futex(&lock, LOCK_PI | scope, 0, NULL, NULL, 0) == 0 && lock == tid());
	need(futex(&lock, LOCK_PI | scope, 0, NULL, NULL, 0) == -EDEADLK);
	need(futex(&lock, TRYLOCK_PI | scope, 0, NULL, NULL, 0) == -EDEADLK);
	need(futex(&lock, UNLOCK_PI | scope, 0, NULL, NULL, 0) == 0 && lock == 0);
	need(futex(&lock, UNLOCK_PI | scope, 0, NULL, NULL, 0) == -EPERM);
	need(futex(&lock, TRYLOCK_PI | scope, 0, NULL, NULL, 0) == 0 && lock == tid());
	need(futex(&lock, UNLOCK_PI | scope, 0, NULL, NULL, 0) == 0);
	need(futex(&lock, LOCK_PI2 | scope, 0, NULL, NULL, 0) == 0 && lock == tid());
	need(futex(&lock, UNLOCK_PI | scope, 0, NULL, NULL, 0) == 0);
	need(futex((void *)((char *)&lock + 1), LOCK_PI | scope, 0, NULL, NULL, 0) == -EINVAL);
	need(futex((void *)8, LOCK_PI | scope, 0, NULL, NULL, 0) == -EFAULT);
	need(futex((void *)8, UNLOCK_PI | scope, 0, NULL, NULL, 0) == -EFAULT);
	lock = OWNER_DIED;
	need(futex(&lock, LOCK_PI | scope, 0, NULL, NULL, 0) == 0 && lock == (tid() | OWNER_DIED));
}

static void no_such_owner(void)
{
	lock = 0x3ffffff0;
	need(futex(&lock, LOCK_PI | scope, 0, NULL, NULL, 0) == -ESRCH);
}

static void *try_others(void *arg)
{
	struct timespec real = after_ms(CLOCK_REALTIME, 30), monotonic = after_ms(CLOCK_MONOTONIC, 30);
	struct timespec bad = { 0, 1000000000 };

	need(futex(&lock, TRYLOCK_PI | scope, 0, NULL, NULL, 0) == -EAGAIN);
	need(futex(&lock, LOCK_PI | scope, 0, &real, NULL, 0) == -ETIMEDOUT);
	need(futex(&lock, LOCK_PI2 | scope, 0, &monotonic, NULL, 0) == -ETIMEDOUT);
	real = after_ms(CLOCK_REALTIME, 30);
	need(futex(&lock, LOCK_PI2 | REALTIME | scope, 0, &real, NULL, 0) == -ETIMEDOUT);
	need(futex(&lock, LOCK_PI | scope, 0, &bad, NULL, 0) == -EINVAL);
	need(futex(&lock, LOCK_PI | REALTIME | scope, 0, &real, NULL, 0) == -ENOSYS);
	need(futex(&lock, UNLOCK_PI | scope, 0, NULL, NULL, 0) == -EPERM);
	return arg;
}

static void of_another(void)
{
	lock = 0;
	take(&lock);
	pthread_join(start(try_others, 0), NULL);
	give(&lock);
	need(lock == 0);
}

static long sum;
static long rounds = 2000;

static void *add(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		take(&lock);
		sum++;
		if (i % 32 == 0)
			sched_yield();
		give(&lock);
	}
	return arg;
}

static void exclusion(void)
{
	pthread_t t[8];

	lock = 0;
	for (int i = 0; i < 8; i++)
		t[i] = start(add, 0);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	need(sum == 8 * rounds && (lock & TID_MASK) == 0);
}

static void exclusion_of_processes(void)
{
	struct {
		_Atomic uint32_t lock;
		volatile long sum;
	} *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	scope = 0;
	for (int n = 0; n < 4; n++) {
		if (fork() == 0) {
			for (long i = 0; i < rounds / 2; i++) {
				take(&shared->lock);
				shared->sum++;
				if (i % 32 == 0)
					sched_yield();
				give(&shared->lock);
			}
			_exit(0);
		}
	}
	for (int n = 0; n < 4; n++)
		need(wait(&status) > 0 && status == 0);
	need(shared->sum == 4 * (rounds / 2));
}

static _Atomic uint32_t second;

static void *second_first(void *arg)
{
	take(&second);
	phase = 1;
	need(futex(&lock, LOCK_PI | scope, 0, NULL, NULL, 0) == 0);
	give(&lock);
	give(&second);
	return arg;
}

static void circle(void)
{
	pthread_t t;

	lock = second = 0;
	take(&lock);
	t = start(second_first, 0);
	await_waiters(&lock);
	need(futex(&second, LOCK_PI | scope, 0, NULL, NULL, 0) == -EDEADLK);
	give(&lock);
	pthread_join(t, NULL);
}

/* --- urgency -------------------------------------------------------------------------------------------- */

static void set_policy(int policy, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	need(syscall(SYS_sched_setscheduler, 0, policy, &p) == 0);
}

static void stay_on_one_cpu(void)
{
	cpu_set_t set;
	unsigned cpu;

	need(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	need(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static volatile int stop_spinning, spun_out;

static void *owner_low(void *arg)
{
	set_policy(SCHED_FIFO, 10);
	take(&lock);
	phase = 1;
	while (phase < 3) /* the others are there now */
		nap(1000);
	for (volatile int i = 0; i < 100000; i++)
		;
	give(&lock);
	return arg;
}

static void *spinner_middle(void *arg)
{
	set_policy(SCHED_FIFO, 20);
	while (phase < 3)
		nap(1000);
	for (long i = 0; !stop_spinning; i++) {
		if (i == 200000000)
			spun_out = 1;
	}
	return arg;
}

static void *wants_high(void *arg)
{
	set_policy(SCHED_FIFO, 30);
	phase = 2;
	need(futex(&lock, LOCK_PI | scope, 0, NULL, NULL, 0) == 0);
	results[1] = spun_out;
	stop_spinning = 1;
	give(&lock);
	return arg;
}

/* Three tasks on one CPU: the middle one would keep the low one from giving the lock to the high one. */
static void inversion(void)
{
	struct sched_param p = { .sched_priority = 50 };
	pthread_t low, middle, high;

	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p) < 0) {
		need(errno == EPERM);
		return;
	}
	stay_on_one_cpu();
	lock = 0;
	low = start(owner_low, 0);
	middle = start(spinner_middle, 0);
	while (phase < 1)
		nap(1000);
	high = start(wants_high, 0);
	while (phase < 2 || !(lock & WAITERS))
		nap(1000);
	phase = 3;
	pthread_join(high, NULL);
	pthread_join(low, NULL);
	pthread_join(middle, NULL);
	need(results[1] == 0);
}

static _Atomic int order[4], entered;

static void *in_order(void *arg)
{
	set_policy(SCHED_FIFO, (int)(long)arg);
	need(futex(&lock, LOCK_PI | scope, 0, NULL, NULL, 0) == 0);
	order[entered++] = (int)(long)arg;
	give(&lock);
	return NULL;
}

static void most_urgent_first(void)
{
	static const int priorities[] = { 5, 15, 10 };
	struct sched_param p = { .sched_priority = 50 };
	pthread_t t[3];

	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p) < 0)
		return;
	lock = 0;
	take(&lock);
	for (int i = 0; i < 3; i++) {
		t[i] = start(in_order, priorities[i]);
		nap(30000);
	}
	give(&lock);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	need(order[0] == 15 && order[1] == 10 && order[2] == 5);
}

/* --- owners that end ------------------------------------------------------------------------------------ */

static void *end_as_owner(void *arg)
{
	take(&lock);
	phase = 1;
	await_waiters(&lock);
	syscall(SYS_exit, 0);
	return arg;
}

static void *lock_it(void *arg)
{
	results[(long)arg] = futex(&lock, LOCK_PI | scope, 0, NULL, NULL, 0);
	results[8] = (int)((lock & (TID_MASK | OWNER_DIED)) == (tid() | OWNER_DIED));
	lock &= ~OWNER_DIED;
	give(&lock);
	return NULL;
}

/* Without a robust list, too, those who wait get it. */
static void owner_ends(void)
{
	pthread_t t[3];

	lock = 0;
	memset((void *)results, 0xff, sizeof(results));
	(void)start(end_as_owner, 0);
	while (!phase)
		nap(1000);
	for (int i = 0; i < 3; i++)
		t[i] = start(lock_it, i);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 3; i++)
		need(results[i] == 0);
}

struct robust_entry {
	struct robust_entry *next;
	_Atomic uint32_t word;
};
static struct {
	struct robust_entry *first;
	long offset;
	struct robust_entry *pending;
} head;
static struct robust_entry entry, pending_entry;

static void *end_robustly(void *arg)
{
	bool pi = arg;

	entry.next = (struct robust_entry *)&head;
	head.first = (void *)((uintptr_t)&entry | pi);
	head.offset = offsetof(struct robust_entry, word);
	head.pending = NULL;
	need(syscall(SYS_set_robust_list, &head, sizeof(head)) == 0);
	entry.word = tid();
	phase = 1;
	await_waiters(&entry.word);
	syscall(SYS_exit, 0);
	return NULL;
}

static void robust_pi(void)
{
	entry.word = 0;
	(void)start(end_robustly, 1);
	while (!phase)
		nap(1000);
	need(futex(&entry.word, LOCK_PI | scope, 0, NULL, NULL, 0) == 0);
	need((entry.word & (TID_MASK | OWNER_DIED)) == (tid() | OWNER_DIED));
}

static void robust_plain(void)
{
	uint32_t seen;

	scope = 0; /* who ends wakes those who wait as for shared memory */
	entry.word = 0;
	(void)start(end_robustly, 0);
	while (!phase)
		nap(1000);
	seen = atomic_fetch_or(&entry.word, WAITERS) | WAITERS;
	while (futex(&entry.word, WAIT | scope, seen, NULL, NULL, 0) == -EINTR)
		;
	need(entry.word == (OWNER_DIED | WAITERS));
}

static void *end_pending(void *arg)
{
	head.first = (void *)&head;
	head.offset = offsetof(struct robust_entry, word);
	head.pending = &pending_entry;
	need(syscall(SYS_set_robust_list, &head, sizeof(head)) == 0);
	while (phase < 1)
		nap(1000);
	nap(30000);
	atomic_store(&pending_entry.word, 0);
	syscall(SYS_exit, 0); /* released, but nobody was woken */
	return arg;
}

static void robust_pending(void)
{
	struct timespec ts = { 20, 0 };

	scope = 0;
	pending_entry.word = WAITERS | 1;
	(void)start(end_pending, 0);
	phase = 1;
	need(futex(&pending_entry.word, WAIT | scope, WAITERS | 1, &ts, NULL, 0) != -ETIMEDOUT);
}

/* --- moving waiters ------------------------------------------------------------------------------------- */

static void *wait_and_own(void *arg)
{
	struct timespec ts = after_ms(CLOCK_MONOTONIC, 20000);
	int result;

	atomic_fetch_add(&phase, 1);
	do
		result = futex(&word, WAIT_REQUEUE_PI | scope, 0, &ts, &lock, 0);
	while (result == -EINTR);
	results[(long)arg] = result;
	if (result == 0) {
		need((lock & TID_MASK) == tid());
		sum++;
		give(&lock);
	}
	return NULL;
}

static void moving(bool owned)
{
	pthread_t t[4];
	int moved = 0;

	lock = word = 0;
	sum = 0;
	if (owned)
		take(&lock);
	for (int i = 0; i < 4; i++)
		t[i] = start(wait_and_own, i);
	while (phase < 4)
		nap(1000);
	nap(50000);
	need(futex(&word, CMP_REQUEUE_PI | scope, 1, (void *)10, &lock, 1) == -EAGAIN);
	need(futex(&word, CMP_REQUEUE_PI | scope, 2, (void *)10, &lock, 0) == -EINVAL);
	need(futex(&word, WAKE | scope, 1, NULL, NULL, 0) == -EINVAL);
	for (int tries = 0; moved < 4 && tries < 100; tries++) {
		int n = futex(&word, CMP_REQUEUE_PI | scope, 1, (void *)1, &lock, 0);

		need(n >= 0 && n <= 2);
		moved += n;
		nap(10000);
	}
	need(moved == 4);
	if (owned)
		give(&lock);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 4; i++)
		need(results[i] == 0);
	need(sum == 4 && (lock & TID_MASK) == 0);
}

static void moving_owned(void)
{
	moving(true);
}

static void moving_free(void)
{
	moving(false);
}

static void moving_errors(void)
{
	struct timespec ts = after_ms(CLOCK_MONOTONIC, 30);

	lock = word = 0;
	need(futex(&word, WAIT_REQUEUE_PI | scope, 1, NULL, &lock, 0) == -EAGAIN);
	need(futex(&word, WAIT_REQUEUE_PI | scope, 0, NULL, &word, 0) == -EINVAL);
	need(futex(&word, WAIT_REQUEUE_PI | scope, 0, &ts, &lock, 0) == -ETIMEDOUT);
	need(futex(&word, CMP_REQUEUE_PI | scope, 1, (void *)1, &word, 0) == -EINVAL);
	need(futex(&word, CMP_REQUEUE_PI | scope, 1, (void *)1, &lock, 0) == 0);
}

/* --- several words -------------------------------------------------------------------------------------- */

struct waitv {
	uint64_t val, addr;
	uint32_t flags, reserved;
};
static _Atomic uint32_t words[128];

static int waitv(struct waitv *v, unsigned n, unsigned flags, const struct timespec *ts, int clock)
{
	long result = syscall(SYS_FUTEX_WAITV, v, n, flags, ts, clock);

	return result < 0 ? -errno : (int)result;
}

static void *wake_seventh(void *arg)
{
	nap(50000);
	while (futex(&words[7], WAKE | scope, 1, NULL, NULL, 0) == 0)
		nap(1000);
	return arg;
}

static void several(void)
{
	struct timespec ts;
	struct waitv v[129];
	pthread_t t;

	for (int i = 0; i < 128; i++)
		v[i] = (struct waitv){ 0, (uint64_t)&words[i], 2 | PRIVATE, 0 };
	need(waitv(v, 0, 0, NULL, 0) == -EINVAL && waitv(v, 129, 0, NULL, 0) == -EINVAL);
	need(waitv(NULL, 1, 0, NULL, 0) == -EINVAL && waitv(v, 1, 1, NULL, 0) == -EINVAL);
	need(waitv((void *)8, 1, 0, NULL, 0) == -EFAULT);
	ts = after_ms(CLOCK_MONOTONIC, 30);
	need(waitv(v, 128, 0, &ts, 7) == -EINVAL && waitv(v, 128, 0, &ts, CLOCK_MONOTONIC) == -ETIMEDOUT);
	ts = after_ms(CLOCK_REALTIME, 30);
	need(waitv(v, 128, 0, &ts, CLOCK_REALTIME) == -ETIMEDOUT);
	words[100] = 1;
	need(waitv(v, 128, 0, NULL, 0) == -EAGAIN);
	words[100] = 0;
	t = start(wake_seventh, 0);
	need(waitv(v, 128, 0, NULL, 0) == 7);
	pthread_join(t, NULL);
	v[3].flags = PRIVATE;
	need(waitv(v, 4, 0, NULL, 0) == -EINVAL);
	v[3].flags = 2;
	v[3].reserved = 1;
	need(waitv(v, 4, 0, NULL, 0) == -EINVAL);
}

/* --- the older commands --------------------------------------------------------------------------------- */

static void *wait_for_word(void *arg)
{
	atomic_fetch_add(&phase, 1);
	results[(long)arg] = futex(&word, WAIT | scope, 0, NULL, NULL, 0);
	return NULL;
}

static void counts(void)
{
	pthread_t t[4];

	word = second = 0;
	for (int i = 0; i < 4; i++)
		t[i] = start(wait_for_word, i);
	while (phase < 4)
		nap(1000);
	nap(50000);
	need(futex(&word, WAKE | scope, 0, NULL, NULL, 0) == 1); /* at least one */
	need(futex(&word, CMP_REQUEUE | scope, 0, (void *)1, &second, 1) == -EAGAIN);
	need(futex(&word, CMP_REQUEUE | scope, 0, (void *)1, &second, 0) == 1);
	need(futex(&word, REQUEUE | scope, 1, (void *)1, &second, 0) == 2);
	need(futex(&second, WAKE | scope, 100, NULL, NULL, 0) == 2);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void wake_op_errors(void)
{
	word = second = 5;
	need(futex(&word, WAKE_OP | scope, 1, (void *)1, &second, 0u << 28 | 9u << 12) == 0 && second == 9);
	need(futex(&word, WAKE_OP | scope, 1, (void *)1, &second, 1u << 28 | 0xfffu << 12) == 0 &&
	     second == 8);
	need(futex(&word, WAKE_OP | scope, 1, (void *)1, &second, 8u << 28 | 2u << 28 | 33u << 12) == 0);
	need(second == (8 | 2));
	need(futex(&word, WAKE_OP | scope, 1, (void *)1, &second, 7u << 28) == -ENOSYS);
	need(futex(&word, WAKE_OP | scope, 1, (void *)1, &second, 15u << 24) == -ENOSYS);
	need(futex(&word, WAKE_OP | scope, 1, (void *)1, (void *)((char *)&second + 2), 0) == -EINVAL);
	need(futex(&word, WAKE_OP | scope, 1, (void *)1, (void *)8, 0) == -EFAULT);
	need(futex(&word, 99 | scope, 0, NULL, NULL, 0) == -ENOSYS);
	need(futex(&word, WAIT_BITSET | scope, 0, NULL, NULL, 0) == -EINVAL);
	need(futex(&word, WAKE_BITSET | scope, 1, NULL, NULL, 0) == -EINVAL);
	need(futex(&word, WAKE | REALTIME | scope, 1, NULL, NULL, 0) == -ENOSYS);
	need(futex(&word, WAKE | scope, 1, NULL, NULL, 0) == 0);
}

/* Nobody finds out that the memory is gone; the time does run out. */
static void *wait_in_hole(void *at)
{
	struct timespec ts = { 0, 200000000 };

	phase = 1;
	results[0] = futex(at, WAIT | PRIVATE, 0, &ts, NULL, 0);
	return NULL;
}

static void unmapped(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t t = start(wait_in_hole, (long)at);

	while (!phase)
		nap(1000);
	nap(50000);
	need(munmap(at, 4096) == 0);
	pthread_join(t, NULL);
	need(results[0] == -ETIMEDOUT);
	need(futex(at, WAIT | PRIVATE, 0, NULL, NULL, 0) == -EFAULT);
	need(futex(at, LOCK_PI | PRIVATE, 0, NULL, NULL, 0) == -EFAULT);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = atol(argv[1]);
	tap(passes(counts), "waking and moving: how many");
	tap(passes(wake_op_errors), "WAKE_OP, and errors");
	tap(passes(unmapped), "memory that goes while somebody waits there");
	tap(passes(alone), "a futex with an owner: lock, try, unlock, and their errors");
	tap(passes(no_such_owner), "an owner that there is not");
	tap(passes(of_another), "of another thread: EAGAIN, time-outs by either clock, EPERM");
	tap(passes(exclusion), "one owner at a time, of threads");
	tap(passes(exclusion_of_processes), "and of processes");
	tap(passes(circle), "to wait in a circle is EDEADLK");
	tap(passes(inversion), "the owner runs at the urgency of who waits");
	tap(passes(most_urgent_first), "the most urgent waiter gets it");
	tap(passes(owner_ends), "an owner that ends leaves it to those who wait");
	tap(passes(robust_pi), "robust, with an owner: EOWNERDEAD");
	tap(passes(robust_plain), "robust, without");
	tap(passes(robust_pending), "robust, released by halves");
	tap(passes(moving_owned), "waiters are moved to a futex that somebody owns");
	tap(passes(moving_free), "or get it at once");
	tap(passes(moving_errors), "errors of moving");
	tap(passes(several), "waiting for several words");
	return tap_end();
}
