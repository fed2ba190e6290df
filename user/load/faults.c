/* SPDX-License-Identifier: BSD-2-Clause */
/* Page faults: copies on write keep processes apart, first touches give zeros, forbidden ones a signal. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"

#define MAX_PAGES 200u
#define THREADS   4u

static uint64_t checksum(const uint64_t *words, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum = (sum << 7 | sum >> 57) ^ words[i];
	return sum;
}

static void scribble(uint64_t *words, unsigned pages)
{
	for (unsigned i = draw_below(pages); i > 0; i--)
		words[draw_below(pages * 512)] = draw();
}

/* Parent and children change the same pages at the same time; nobody sees the others. */
static void copy_on_write(void)
{
	unsigned pages = 1 + draw_below(MAX_PAGES), children = 1 + draw_below(4);
	uint64_t *words = map_pages(pages), before, after;
	pid_t pids[4];

	for (size_t i = 0; i < pages * 512ul; i += 1 + draw_below(60))
		words[i] = draw();
	before = checksum(words, pages * 512ul);
	for (unsigned i = 0; i < children; i++) {
		pids[i] = start_child();
		if (pids[i] != 0)
			continue;
		expect(checksum(words, pages * 512ul) == before);
		for (unsigned j = 0; j <= i; j++)
			draw(); /* go another way than the others */
		scribble(words, pages);
		before = checksum(words, pages * 512ul);
		sched_yield();
		expect(checksum(words, pages * 512ul) == before);
		_exit(0);
	}
	scribble(words, pages);
	after = checksum(words, pages * 512ul);
	for (unsigned i = 0; i < children; i++)
		expect_exit(pids[i], 0);
	expect(checksum(words, pages * 512ul) == after);
	expect(munmap(words, pages * PAGE) == 0);
}

/* Memory that parent and child do share, touched first by either. */
static void shared(void)
{
	unsigned pages = 1 + draw_below(MAX_PAGES);
	uint64_t seed = draw();
	uint64_t *words = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	expect(words != MAP_FAILED);
	pid = start_child();
	for (size_t i = pid == 0; i < pages * 512ul; i += 2)
		words[i] = scramble(seed, i);
	if (pid == 0)
		_exit(0);
	expect_exit(pid, 0);
	for (size_t i = 0; i < pages * 512ul; i++)
		expect(words[i] == scramble(seed, i));
	expect(munmap(words, pages * PAGE) == 0);
}

/* Threads touch the same new pages at the same time; no one's byte is lost. */
static struct {
	uint8_t *bytes;
	unsigned pages, threads;
	pthread_barrier_t start;
} crowd;

static void *touch(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	pthread_barrier_wait(&crowd.start);
	for (unsigned i = 0; i < crowd.pages; i++) {
		uint8_t *byte = crowd.bytes + i * PAGE + me * 64;

		expect(*byte == 0);
		*byte = (uint8_t)(me + i + 1);
	}
	return NULL;
}

static void first_touch(void)
{
	pthread_t t[THREADS];

	crowd.pages = 1 + draw_below(MAX_PAGES);
	crowd.threads = 2 + draw_below(THREADS - 1);
	crowd.bytes = map_pages(crowd.pages);
	pthread_barrier_init(&crowd.start, NULL, crowd.threads);
	for (unsigned i = 0; i < crowd.threads; i++)
		expect(pthread_create(&t[i], NULL, touch, (void *)(uintptr_t)i) == 0);
	for (unsigned i = 0; i < crowd.threads; i++)
		expect(pthread_join(t[i], NULL) == 0);
	for (unsigned i = 0; i < crowd.pages; i++)
		for (unsigned me = 0; me < crowd.threads; me++)
			expect(crowd.bytes[i * PAGE + me * 64] == (uint8_t)(me + i + 1));
	expect(munmap(crowd.bytes, crowd.pages * PAGE) == 0);
}

/* What must not be touched gives SIGSEGV with the address, and the program goes on. */
static sigjmp_buf escape;
static void *volatile fault_address;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)context;
	fault_address = info->si_addr;
	siglongjmp(escape, 1);
}

static void expect_fault(volatile char *at, bool write)
{
	fault_address = NULL;
	if (sigsetjmp(escape, 1) == 0) {
		if (write)
			*at = 1;
		else
			(void)*at;
		expect(!"faulted");
	}
	expect(fault_address == (void *)at);
}

static void forbidden(void)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	char *pages = map_pages(4);

	expect(sigaction(SIGSEGV, &act, NULL) == 0);
	for (unsigned i = 1 + draw_below(20); i > 0; i--) {
		char *at = pages + draw_below(4 * PAGE);

		*at = (char)(i | 1);
		expect(mprotect(pages, 4 * PAGE, PROT_READ) == 0);
		expect_fault(at, true);
		expect(*at == (char)(i | 1));
		expect(mprotect(pages, 4 * PAGE, PROT_NONE) == 0);
		expect_fault(at, draw_below(2));
		expect(mprotect(pages, 4 * PAGE, PROT_READ | PROT_WRITE) == 0);
		expect(*at == (char)(i | 1));
	}
	expect(munmap(pages, 4 * PAGE) == 0);
	expect_fault(pages + draw_below(4 * PAGE), draw_below(2));
	signal(SIGSEGV, SIG_DFL);
}

/* Deep recursion: the stack grows, in a child that then ends. */
static unsigned descend(unsigned depth)
{
	volatile char frame[3000];

	frame[0] = (char)depth;
	return depth == 0 ? 0 : descend(depth - 1) + (frame[0] == (char)depth);
}

static void stack_growth(void)
{
	unsigned depth = draw_below(500);
	pid_t pid = start_child();

	if (pid == 0)
		_exit(descend(depth) == depth ? 2 : 3);
	expect_exit(pid, 2);
}

static void fault_round(void)
{
	static void (*const ways[])(void) = { copy_on_write, shared, first_touch, forbidden, stack_growth };

	one_of(ways, 5);
}

const struct kind fault_kind = { .name = "fault", .round = fault_round };
