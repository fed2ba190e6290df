/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Revocation under attack: three attackers, each on a CPU of its own, use a mapping and a port through
 * derived capabilities as fast as they can, and a fourth revokes those, in each round both, the one or the
 * other first.  Once the call has returned nothing that they do has an effect.
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
 * Attackers live through all rounds, and whoever waits sleeps: an emulated CPU that spins for another takes
 * the real one away that the other needs.
 *
 * Give the number of rounds, and for how many seconds at most to go on with them.  --smp 4 makes it
 * meaningful.  The comments show how long revoking took.
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
#include "now.h"
#include "tap.h"

#define PAGE      4096ul
#define WORDS     (PAGE / sizeof(uint64_t))
#define ATTACKERS 3
#define BUCKETS   24

#define PATIENCE_NS 30000000000ull
#define ROUNDS_MIN  30

#define FUTEX_WAIT 0 /* <linux/futex.h> does not come with musl */
#define FUTEX_WAKE 1

/* Shared by all. */
struct field {
	_Atomic uint32_t round;     /* the one that attackers are to begin */
	_Atomic uint32_t stopped;   /* attackers that have been stopped in it */
	_Atomic uint32_t busy;      /* attackers that are at it */
	_Atomic bool over;          /* there is no further round */
	_Atomic int32_t page, port; /* descriptors to go through */
	_Atomic uint64_t marker;    /* what the page will hold when it is revoked */
	_Atomic uint64_t signals, unmapped, unsent, sent, violations;
};

static struct field *field;
static int source; /* something to read into the page */

static long futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	const struct timespec second = { .tv_sec = 1 };

	return syscall(SYS_futex, word, op, value, &second, NULL, 0);
}

/* One more, which somebody may wait for. */
static void arrive(_Atomic uint32_t *counter)
{
	atomic_fetch_add(counter, 1);
	futex(counter, FUTEX_WAKE, 1);
}

/* Let others have the processor that emulates this one. */
static void relax(void)
{
	__asm__ volatile("pause");
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
			arrive(&field->busy);
		if (n % 128 == 0)
			relax();
	}
}

static void attack_memory(unsigned self)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, atomic_load(&field->page), 0);

	if (page == MAP_FAILED) {
		count(errno == EBADF ? &field->unmapped : &field->violations);
		arrive(&field->busy);
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

	arrive(&field->busy);
	do {
		/* One of them waits in line for room. */
		err = port_send(atomic_load(&field->port), &m, self ? 0 : PULSE_FOREVER) < 0 ? errno : 0;
		relax();
	} while (err == 0 || err == EAGAIN);
	count(err == EBADF ? &field->unsent : &field->violations);
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
		if (atomic_load(&field->over))
			return NULL;
		if ((round + self) % 2 == 0)
			attack_memory(self);
		attack_port(self);
		if ((round + self) % 2 != 0)
			attack_memory(self);
		arrive(&field->stopped);
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

/* How long revoking took. */
struct latency {
	uint64_t histogram[BUCKETS], slowest_ns;
};

static struct latency of_mapping, of_port;
static uint64_t seed = 88172645463325252u;

static uint64_t random_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void note_latency(struct latency *l, uint64_t ns)
{
	unsigned bucket = 0;

	for (uint64_t us = ns / 1000; us > 0 && bucket < BUCKETS - 1; us /= 2)
		bucket++;
	l->histogram[bucket]++;
	l->slowest_ns = ns > l->slowest_ns ? ns : l->slowest_ns;
}

static void show_latency(const struct latency *l, const char *what)
{
	printf("# revoking %s took, in us\n", what);
	for (unsigned i = 0; i < BUCKETS; i++) {
		if (l->histogram[i] > 0)
			printf("# %8lu to %8lu: %lu\n", i ? 1ul << (i - 1) : 0, 1ul << i, l->histogram[i]);
	}
	printf("# slowest: %lu us\n", l->slowest_ns / 1000);
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

static bool all_stopped(void)
{
	return atomic_load(&field->stopped) == ATTACKERS;
}

/* An attacker that goes on for ever is one that nothing stops. */
static void wait_for(_Atomic uint32_t *counter, uint32_t value)
{
	uint64_t give_up = now_ns() + PATIENCE_NS;
	uint32_t n;

	while ((n = atomic_load(counter)) < value) {
		need(now_ns() < give_up);
		futex(counter, FUTEX_WAIT, n);
	}
}

static void begin_round(cap_handle_t page_leaf, cap_handle_t port_leaf)
{
	atomic_store(&field->stopped, 0);
	atomic_store(&field->busy, 0);
	atomic_store(&field->page, cap_fd(page_leaf));
	atomic_store(&field->port, cap_fd(port_leaf));
	atomic_fetch_add(&field->round, 1);
	futex(&field->round, FUTEX_WAKE, INT_MAX);
	wait_for(&field->busy, (uint32_t)(random_number() % (ATTACKERS + 1)));
	for (uint64_t n = random_number() % 8; n > 0; n--)
		relax();
	for (volatile uint64_t n = random_number() % 2000; n > 0; n--)
		;
}

static void revoke(cap_handle_t root, struct latency *l)
{
	uint64_t start = now_ns();

	need(cap_revoke(root, 0) == 0);
	note_latency(l, now_ns() - start);
}

static bool is_filled(const volatile uint64_t *page, uint64_t marker)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (page[i] != marker)
			return false;
	}
	return true;
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

/* Whether nothing is written afterwards, as far as can be seen at once. */
static bool revoke_page(cap_handle_t root, uint64_t marker)
{
	bool unchanged = true;

	revoke(root, &of_mapping);
	for (size_t i = 0; i < WORDS; i++)
		own[i] = marker;
	for (int look = 0; look < 20 && !all_stopped(); look++)
		unchanged &= is_filled(own, marker);
	return unchanged;
}

/* How many messages come afterwards. */
static unsigned revoke_port(cap_handle_t root)
{
	unsigned late = 0;

	for (uint64_t n = random_number() % 4; n > 0; n--)
		atomic_fetch_add(&field->sent, empty_queue());
	revoke(root, &of_port);
	atomic_fetch_add(&field->sent, empty_queue());
	for (int look = 0; look < 20 && !all_stopped(); look++)
		late += empty_queue();
	return late;
}

static unsigned rounds_written, rounds_sent; /* in which something came too late */

static void one_round(void)
{
	uint64_t marker = random_number() | 1ull << 63;
	cap_handle_t page_leaf, port_leaf;
	cap_handle_t page_root =
		derive_chain(object, FILE_RIGHT_READ | FILE_RIGHT_WRITE | FILE_RIGHT_MAP, &page_leaf);
	cap_handle_t port_root = derive_chain(port, PORT_RIGHT_SEND, &port_leaf);
	bool page_first = random_number() % 2, unchanged = true;
	unsigned late;

	atomic_store(&field->marker, marker);
	begin_round(page_leaf, port_leaf);
	if (page_first)
		unchanged = revoke_page(page_root, marker);
	late = revoke_port(port_root);
	if (!page_first)
		unchanged = revoke_page(page_root, marker);
	wait_for(&field->stopped, ATTACKERS);
	rounds_written += !(unchanged && is_filled(own, marker));
	rounds_sent += late + empty_queue() > 0;
	/* Not to be taken for the next round's. */
	atomic_store(&field->marker, 0);
	for (size_t i = 0; i < WORDS; i++)
		own[i] = 0;
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

	atomic_store(&field->over, true);
	atomic_fetch_add(&field->round, 1);
	futex(&field->round, FUTEX_WAKE, INT_MAX);
	pthread_join(thread, NULL);
	for (int i = 1; i < ATTACKERS; i++)
		failed += wait(&status) < 0 || status != 0;
	return failed == 0;
}

static void judge(uint64_t rounds)
{
	show_latency(&of_mapping, "what was mapped");
	show_latency(&of_port, "a port");
	printf("# %lu rounds: %lu attackers were stopped by a signal, %lu did not get to map, %lu messages "
	       "had arrived\n",
	       rounds, field->signals, field->unmapped, field->sent);
	tap(rounds_written == 0, "nothing is written after its mapping was revoked");
	tap(rounds_sent == 0, "no message is sent after the capability was revoked");
	tap(field->violations == 0, "nothing is read, and nothing else goes wrong");
	tap(field->signals > 0 && field->signals + field->unmapped == rounds * ATTACKERS,
	    "every attacker on the page was stopped");
	tap(field->sent > 0 && field->unsent == rounds * ATTACKERS, "every sender was stopped");
}

int main(int argc, char **argv)
{
	uint64_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 300, done;
	uint64_t end = argc > 2 ? now_ns() + strtoul(argv[2], NULL, 10) * 1000000000u : UINT64_MAX;
	pthread_t thread;

	object = memfd_create("object", 0);
	port = port_create(NULL);
	need(object >= 0 && port >= 0 && ftruncate((int)object, PAGE) == 0);
	own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, (int)object, 0);
	need(own != MAP_FAILED);
	seed ^= now_ns();
	start_attackers(&thread);
	for (done = 0; done < rounds && (done < ROUNDS_MIN || now_ns() < end); done++)
		one_round();
	judge(done);
	tap(end_attackers(thread), "the attackers are sound");
	return tap_end();
}
