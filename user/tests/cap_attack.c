/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Revocation under attack: three attackers, each on a CPU of its own, use a mapping and a port through
 * derived capabilities as fast as they can, and a fourth revokes those.  Once the call has returned nothing
 * that they do has an effect.
 *
 * Memory.  The attackers map the object themselves each round (so some are still at it when it is revoked),
 * one as a thread of the revoker, two as processes that share its descriptors.  They write a sequence into
 * the page, directly and through the kernel, until a signal or an error stops them.  The revoker has its
 * own mapping.  After revoking it fills the page with a word that is new in each round.  If that ever
 * changes before all attackers have been stopped, a write got through; an attacker that sees it has read
 * what it must not.
 *
 * Port.  The attackers send without waiting, and with; the revoker empties the queue after revoking.  If a
 * message comes after that, it was sent too late.
 *
 * Give the number of rounds, and for how many seconds at most each part may go on with them.  --smp 4 makes
 * it meaningful.  The comments show how long revoking took.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define PAGE      4096ul
#define WORDS     (PAGE / sizeof(uint64_t))
#define ATTACKERS 3
#define BUCKETS   24

#define PATIENCE_NS 30000000000ull
#define ROUNDS_MIN  30

#define FUTEX_WAIT 0 /* <linux/futex.h> does not come with musl */
#define FUTEX_WAKE 1

enum target { MEMORY, PORT, END };

/* Shared by all. */
struct field {
	_Atomic uint32_t round;   /* the one that attackers are to begin */
	_Atomic uint32_t stopped; /* attackers that have been stopped in it */
	_Atomic uint32_t target;  /* enum target */
	_Atomic int32_t fd;       /* through which */
	_Atomic uint64_t marker;  /* what the page will hold when it is revoked */
	_Atomic uint32_t busy;    /* attackers that are at it */
	_Atomic uint64_t used, refused, signals, violations;
};

static struct field *field;
static int source; /* something to read into the page */

static long futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	const struct timespec second = { .tv_sec = 1 };

	return syscall(SYS_futex, word, op, value, &second, NULL, 0);
}

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	need(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/* --- the attackers ----------------------------------------------------------------------------------- */

static __thread sigjmp_buf escape;
static __thread volatile sig_atomic_t under_attack;

static void on_bus_error(int signo)
{
	(void)signo;
	if (!under_attack)
		_exit(3);
	siglongjmp(escape, 1);
}

/* Once each way that there is to a page.  False: the kernel says that it is gone. */
static bool touch(volatile uint64_t *page, unsigned self, uint64_t n)
{
	page[self + n % 64 * 8] = n;
	if (page[7 + n % 64 * 8] == atomic_load(&field->marker))
		count(&field->violations);
	if (n % 16 == 0 && pread(source, (void *)(page + self), sizeof(*page), 0) < 0) {
		if (errno != EFAULT)
			count(&field->violations);
		return false;
	}
	return true;
}

/* Until it is stopped: it ends by a signal, whatever the kernel says before. */
static void attack_page(volatile uint64_t *page, unsigned self)
{
	if (sigsetjmp(escape, 0)) {
		under_attack = 0;
		count(&field->signals);
		return;
	}
	under_attack = 1;
	for (uint64_t n = 1;; n++) {
		if (!touch(page, self, n))
			page[self] = n;
		if (n == 1)
			atomic_fetch_add(&field->busy, 1);
	}
}

static void attack_memory(unsigned self)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, atomic_load(&field->fd), 0);

	if (page == MAP_FAILED) {
		count(errno == EBADF ? &field->refused : &field->violations);
		atomic_fetch_add(&field->busy, 1);
		return;
	}
	attack_page(page, self);
	if (munmap(page, PAGE) < 0)
		count(&field->violations);
}

static void attack_port(unsigned self)
{
	uint64_t word = self;
	struct message m = { .data = &word, .size = sizeof(word) };
	int err;

	atomic_fetch_add(&field->busy, 1);
	do
		/* One of them waits in line for room. */
		err = port_send(atomic_load(&field->fd), &m, self ? 0 : PULSE_FOREVER) < 0 ? errno : 0;
	while (err == 0 || err == EAGAIN);
	count(err == EBADF ? &field->refused : &field->violations);
}

static void *attacker(void *arg)
{
	unsigned self = (unsigned)(uintptr_t)arg;
	uint32_t round = 0, now;

	pin((int)self + 1);
	for (;;) {
		while ((now = atomic_load(&field->round)) == round)
			futex(&field->round, FUTEX_WAIT, round);
		round = now;
		switch (atomic_load(&field->target)) {
		case MEMORY:
			attack_memory(self);
			break;
		case PORT:
			attack_port(self);
			break;
		default:
			return NULL;
		}
		if (atomic_fetch_add(&field->stopped, 1) + 1 == ATTACKERS)
			futex(&field->stopped, FUTEX_WAKE, 1);
	}
}

static int attacker_process(void *arg)
{
	attacker(arg);
	return 0;
}

/* --- the revoker ------------------------------------------------------------------------------------- */

static cap_handle_t object, port;
static volatile uint64_t *own; /* the object, mapped through its original capability */

static uint64_t histogram[BUCKETS], slowest_ns;
static uint64_t seed = 88172645463325252u;

static uint64_t random_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void note_latency(uint64_t ns)
{
	unsigned bucket = 0;

	for (uint64_t us = ns / 1000; us > 0 && bucket < BUCKETS - 1; us /= 2)
		bucket++;
	histogram[bucket]++;
	slowest_ns = ns > slowest_ns ? ns : slowest_ns;
}

static void show_histogram(const char *what)
{
	printf("# %s: revoke took, in us\n", what);
	for (unsigned i = 0; i < BUCKETS; i++) {
		if (histogram[i] > 0)
			printf("# %8lu to %8lu: %lu\n", i ? 1ul << (i - 1) : 0, 1ul << i, histogram[i]);
	}
	printf("# slowest: %lu us\n", slowest_ns / 1000);
	memset(histogram, 0, sizeof(histogram));
	slowest_ns = 0;
}

/* A capability to be revoked, one or two derivations from `original`; attackers use the last. */
static cap_handle_t derive_chain(cap_handle_t original, uint32_t rights, cap_handle_t *leaf)
{
	cap_handle_t root = cap_reduce(original, rights);

	need(root >= 0);
	*leaf = root;
	if (random_number() % 2)
		*leaf = cap_reduce(root, rights);
	need(*leaf >= 0);
	return root;
}

static void begin_round(enum target target, cap_handle_t leaf)
{
	unsigned busy = (unsigned)(random_number() % (ATTACKERS + 1));

	atomic_store(&field->stopped, 0);
	atomic_store(&field->busy, 0);
	atomic_store(&field->target, target);
	atomic_store(&field->fd, cap_fd(leaf));
	atomic_fetch_add(&field->round, 1);
	futex(&field->round, FUTEX_WAKE, INT_MAX);
	while (atomic_load(&field->busy) < busy)
		sched_yield();
	for (uint64_t spins = random_number() % 2000; spins > 0; spins--)
		__asm__ volatile("pause");
}

static void revoke(cap_handle_t root)
{
	uint64_t start = now_ns();

	need(cap_revoke(root, 0) == 0);
	note_latency(now_ns() - start);
}

static bool all_stopped(void)
{
	return atomic_load(&field->stopped) == ATTACKERS;
}

/* An attacker that goes on for ever is one that nothing stops. */
static void wait_until_stopped(void)
{
	uint64_t give_up = now_ns() + PATIENCE_NS;
	uint32_t n;

	while ((n = atomic_load(&field->stopped)) < ATTACKERS) {
		need(now_ns() < give_up);
		futex(&field->stopped, FUTEX_WAIT, n);
	}
}

static bool is_filled(const volatile uint64_t *page, uint64_t marker)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (page[i] != marker)
			return false;
	}
	return true;
}

static bool memory_round(void)
{
	uint64_t marker = random_number() | 1ull << 63;
	cap_handle_t leaf,
		root = derive_chain(object, FILE_RIGHT_READ | FILE_RIGHT_WRITE | FILE_RIGHT_MAP, &leaf);
	bool unchanged = true;

	atomic_store(&field->marker, marker);
	begin_round(MEMORY, leaf);
	revoke(root);
	for (size_t i = 0; i < WORDS; i++)
		own[i] = marker;
	for (int look = 0; look < 20 && !all_stopped(); look++)
		unchanged &= is_filled(own, marker);
	wait_until_stopped();
	unchanged &= is_filled(own, marker);
	/* Not to be taken for the next round's. */
	atomic_store(&field->marker, 0);
	for (size_t i = 0; i < WORDS; i++)
		own[i] = 0;
	return unchanged;
}

/* How many are in the queue, all of them taken. */
static unsigned empty_queue(void)
{
	uint64_t word;
	struct message m;
	unsigned n = 0;

	for (;;) {
		m = (struct message){ .data = &word, .capacity = sizeof(word) };
		if (port_receive(port, &m, 0) < 0)
			break;
		n++;
	}
	need(errno == EAGAIN);
	return n;
}

static bool port_round(void)
{
	cap_handle_t leaf, root = derive_chain(port, PORT_RIGHT_SEND, &leaf);
	unsigned late = 0;

	begin_round(PORT, leaf);
	for (uint64_t n = random_number() % 4; n > 0; n--)
		atomic_fetch_add(&field->used, empty_queue());
	revoke(root);
	atomic_fetch_add(&field->used, empty_queue());
	for (int look = 0; look < 20 && !all_stopped(); look++)
		late += empty_queue();
	wait_until_stopped();
	return late + empty_queue() == 0;
}

/* --- all together ------------------------------------------------------------------------------------ */

static char stacks[ATTACKERS][65536] __attribute__((aligned(64)));

static void start_attackers(pthread_t *thread)
{
	struct sigaction action = { .sa_handler = on_bus_error, .sa_flags = SA_NODEFER };

	field = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	source = memfd_create("source", 0);
	need(field != MAP_FAILED && source >= 0 && write(source, &(uint64_t){ 1 }, 8) == 8);
	need(sigaction(SIGBUS, &action, NULL) == 0);
	for (uintptr_t i = 1; i < ATTACKERS; i++)
		need(clone(attacker_process, stacks[i] + sizeof(stacks[i]), CLONE_FILES | SIGCHLD,
			   (void *)i) > 0);
	need(pthread_create(thread, NULL, attacker, NULL) == 0);
	pin(0);
}

static bool end_attackers(pthread_t thread)
{
	int status, failed = 0;

	atomic_store(&field->target, END);
	atomic_fetch_add(&field->round, 1);
	futex(&field->round, FUTEX_WAKE, INT_MAX);
	pthread_join(thread, NULL);
	for (int i = 1; i < ATTACKERS; i++)
		failed += wait(&status) < 0 || status != 0;
	return failed == 0;
}

static unsigned rounds = 300;
static uint64_t budget_ns = UINT64_MAX;

/* Run a part of the test until its time is over; how many rounds went wrong. */
static unsigned run(bool (*one_round)(void), const char *what, unsigned *done)
{
	uint64_t start = now_ns();
	unsigned wrong = 0, n;

	for (n = 0; n < rounds && (n < ROUNDS_MIN || now_ns() - start < budget_ns); n++)
		wrong += !one_round();
	show_histogram(what);
	*done = n;
	return wrong;
}

static void memory_part(void)
{
	unsigned done, wrong = run(memory_round, "a mapping", &done);

	printf("# %u rounds: %lu attackers were stopped by a signal, %lu did not get to map\n", done,
	       field->signals, field->refused);
	tap(wrong == 0, "nothing is written after its mapping was revoked");
	tap(field->violations == 0 && field->signals > 0, "nothing is read, and nothing else goes wrong");
	tap(field->signals + field->refused == (uint64_t)done * ATTACKERS, "every attacker was stopped");
}

static void port_part(void)
{
	unsigned done, wrong;

	field->refused = 0;
	wrong = run(port_round, "a port", &done);
	printf("# %u rounds: %lu messages had arrived before\n", done, field->used);
	tap(wrong == 0, "no message is sent after the capability was revoked");
	tap(field->violations == 0 && field->refused == (uint64_t)done * ATTACKERS && field->used > 0,
	    "every sender was stopped");
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		budget_ns = strtoull(argv[2], NULL, 10) * 1000000000u;
	object = memfd_create("object", 0);
	port = port_create(NULL);
	need(object >= 0 && port >= 0 && ftruncate((int)object, PAGE) == 0);
	own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, (int)object, 0);
	need(own != MAP_FAILED);
	start_attackers(&thread);
	memory_part();
	port_part();
	tap(end_attackers(thread), "the attackers are sound");
	return tap_end();
}
