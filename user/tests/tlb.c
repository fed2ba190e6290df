/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translations on several CPUs: when munmap, mprotect, madvise, mremap or fork have returned, no thread on
 * any CPU gets through by the old entry.  Give the number of rounds; --smp 4 makes it meaningful.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "child.h"
#include "tap.h"

#define PAGE    4096ul
#define READERS 3

static unsigned rounds = 300;

/* --- one page, and what may be done with it --------------------------------------------------------- */

enum access { NOTHING, READ, WRITE };

static volatile uint64_t *page;
/* Even: the page may be in any state.  Odd: only `allowed` works, and reads give `expected`. */
static _Atomic uint64_t epoch;
static _Atomic int allowed;
static _Atomic uint64_t expected, violations, tries;
static _Atomic bool stop;

static __thread sigjmp_buf escape;

static void on_fault(int signo)
{
	(void)signo;
	siglongjmp(escape, 1);
}

static bool try_read(uint64_t *value)
{
	if (sigsetjmp(escape, 0))
		return false;
	*value = *page;
	return true;
}

static bool try_write(void)
{
	if (sigsetjmp(escape, 0))
		return false;
	page[1] = 1;
	return true;
}

static void *intruder(void *arg)
{
	bool writes = arg != NULL;

	while (!atomic_load(&stop)) {
		uint64_t before = atomic_load(&epoch), value = 0, want = atomic_load(&expected);
		int right = atomic_load(&allowed);
		bool done = writes ? try_write() : try_read(&value);

		atomic_fetch_add_explicit(&tries, 1, memory_order_relaxed);
		if (before % 2 == 0 || atomic_load(&epoch) != before)
			continue;
		if (done && right < (writes ? WRITE : READ))
			atomic_fetch_add(&violations, 1);
		if (done && !writes && value != want)
			atomic_fetch_add(&violations, 1);
	}
	return NULL;
}

/* From now on until the next begin(), others may do this and no more. */
static void settled(enum access access, uint64_t value)
{
	uint64_t start = atomic_load(&tries);

	atomic_store(&allowed, access);
	atomic_store(&expected, value);
	atomic_fetch_add(&epoch, 1);
	for (unsigned i = 0; i < 100 && atomic_load(&tries) < start + 2 * READERS; i++)
		sched_yield();
	atomic_fetch_add(&epoch, 1);
}

static void set(uint64_t value)
{
	page[0] = value;
}

static void *map_page(int prot)
{
	return mmap((void *)page, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void round_of_munmap(uint64_t i)
{
	need(map_page(PROT_READ | PROT_WRITE) == page);
	set(i);
	settled(WRITE, i);
	need(munmap((void *)page, PAGE) == 0);
	settled(NOTHING, 0);
}

static void round_of_mprotect(uint64_t i)
{
	need(map_page(PROT_READ | PROT_WRITE) == page);
	set(i);
	need(mprotect((void *)page, PAGE, PROT_READ) == 0);
	settled(READ, i);
	need(mprotect((void *)page, PAGE, PROT_NONE) == 0);
	settled(NOTHING, 0);
	need(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) == 0);
	settled(WRITE, i);
}

static void round_of_dontneed(uint64_t i)
{
	need(map_page(PROT_READ | PROT_WRITE) == page);
	set(i + 1);
	settled(WRITE, i + 1);
	need(madvise((void *)page, PAGE, MADV_DONTNEED) == 0);
	settled(WRITE, 0);
}

static void round_of_replacing(uint64_t i)
{
	need(map_page(PROT_READ | PROT_WRITE) == page);
	set(i);
	settled(WRITE, i);
	need(map_page(PROT_READ) == page);
	settled(READ, 0);
}

static void round_of_mremap(uint64_t i)
{
	void *away;

	need(map_page(PROT_READ | PROT_WRITE) == page);
	away = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(away != MAP_FAILED);
	set(i);
	settled(WRITE, i);
	need(mremap((void *)page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, away) == away);
	settled(NOTHING, 0);
	need(*(uint64_t *)away == i && munmap(away, PAGE) == 0);
}

static void run_rounds(void (*body)(uint64_t i), unsigned n)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	pthread_t threads[READERS];

	need(sigaction(SIGSEGV, &action, NULL) == 0);
	page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (long i = 0; i < READERS; i++)
		need(pthread_create(&threads[i], NULL, intruder, i == 0 ? (void *)1 : NULL) == 0);
	for (uint64_t i = 1; i <= n && atomic_load(&violations) == 0; i++)
		body(i);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	if (atomic_load(&violations))
		printf("# %lu violations\n", (unsigned long)violations);
	need(atomic_load(&violations) == 0);
}

static void munmap_case(void)
{
	run_rounds(round_of_munmap, rounds);
}

static void mprotect_case(void)
{
	run_rounds(round_of_mprotect, rounds);
}

static void dontneed_case(void)
{
	run_rounds(round_of_dontneed, rounds);
}

static void replacing_case(void)
{
	run_rounds(round_of_replacing, rounds);
}

static void mremap_case(void)
{
	run_rounds(round_of_mremap, rounds);
}

/* --- fork ------------------------------------------------------------------------------------------- */

#define SNAPSHOT_PAGES 4

static volatile uint64_t *counters; /* one at the start of each page */

static void *count(void *arg)
{
	unsigned own = (unsigned)(uintptr_t)arg;

	while (!atomic_load(&stop))
		counters[own * PAGE / 8]++;
	return NULL;
}

/* The parent's threads go on writing; what the child sees stands still, and is its own. */
static void fork_case(void)
{
	pthread_t threads[READERS];
	int status;

	counters =
		mmap(NULL, SNAPSHOT_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (uintptr_t i = 0; i < READERS; i++)
		need(pthread_create(&threads[i], NULL, count, (void *)i) == 0);
	for (unsigned i = 0; i < 20 + rounds / 20; i++) {
		pid_t pid = fork();

		need(pid >= 0);
		if (pid == 0) {
			uint64_t seen[READERS];

			for (unsigned n = 0; n < READERS; n++)
				seen[n] = counters[n * PAGE / 8];
			for (unsigned again = 0; again < 2000; again++) {
				for (unsigned n = 0; n < READERS; n++) {
					if (counters[n * PAGE / 8] != seen[n])
						_exit(1);
				}
			}
			for (unsigned n = 0; n < READERS; n++)
				counters[n * PAGE / 8] = 0;
			_exit(0);
		}
		need(waitpid(pid, &status, 0) == pid && status == 0);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		need(counters[i * PAGE / 8] != 0);
	}
}

/* --- storms ----------------------------------------------------------------------------------------- */

#define STORM_THREADS 4

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void fill(uint64_t *words, unsigned long pages, uint64_t seed)
{
	for (unsigned long i = 0; i < pages; i++)
		words[i * PAGE / 8] = words[i * PAGE / 8 + 511] = seed + i;
}

static bool intact(const uint64_t *words, unsigned long pages, uint64_t seed)
{
	for (unsigned long i = 0; i < pages; i++) {
		if (words[i * PAGE / 8] != seed + i || words[i * PAGE / 8 + 511] != seed + i)
			return false;
	}
	return true;
}

/* A frame that is given away while another CPU still reaches it shows up as a wrong word. */
static bool storm_step(uint64_t *state, unsigned long most)
{
	unsigned long pages = 1 + next_random(state) % most, part;
	uint64_t seed = next_random(state);
	uint64_t *words =
		mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool good;

	if (words == MAP_FAILED)
		return false;
	fill(words, pages, seed);
	part = next_random(state) % pages;
	switch (next_random(state) % 4) {
	case 0:
		mprotect(words + part * PAGE / 8, PAGE, PROT_READ);
		break;
	case 1:
		madvise(words + part * PAGE / 8, (pages - part) * PAGE, MADV_DONTNEED);
		fill(words, pages, seed);
		break;
	case 2:
		words = mremap(words, pages * PAGE, (pages + 3) * PAGE, MREMAP_MAYMOVE);
		if (words == MAP_FAILED)
			return false;
		munmap(words + pages * PAGE / 8, 3 * PAGE);
		break;
	default:
		break;
	}
	good = intact(words, pages, seed);
	munmap(words, pages * PAGE);
	return good;
}

static unsigned long storm_pages;
static unsigned storm_rounds;

static void *storm(void *arg)
{
	uint64_t state = 0x9e3779b97f4a7c15ull * ((uintptr_t)arg + 1);

	for (unsigned i = 0; i < storm_rounds; i++) {
		if (!storm_step(&state, storm_pages))
			return (void *)1;
	}
	return NULL;
}

static void run_storm(unsigned long pages, unsigned n, bool forks)
{
	pthread_t threads[STORM_THREADS];
	void *result;
	int status;

	storm_pages = pages;
	storm_rounds = n;
	for (uintptr_t i = 0; i < STORM_THREADS; i++)
		need(pthread_create(&threads[i], NULL, storm, (void *)i) == 0);
	for (unsigned i = 0; forks && i < 5 + n / 50; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(storm((void *)(uintptr_t)(100 + i)) == NULL ? 0 : 3);
		need(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	}
	for (unsigned i = 0; i < STORM_THREADS; i++) {
		pthread_join(threads[i], &result);
		need(result == NULL);
	}
}

static void small_storm(void)
{
	run_storm(16, rounds, false);
}

static void large_storm(void) /* large pages among them */
{
	run_storm(3000, rounds / 100 + 3, false);
}

static void fork_storm(void)
{
	run_storm(16, rounds / 8, true);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = (unsigned)atoi(argv[1]);
	tap(passes(munmap_case), "munmap: nobody gets at the page afterwards");
	tap(passes(mprotect_case), "mprotect: rights that were taken are gone, rights that were given work");
	tap(passes(dontneed_case), "madvise(MADV_DONTNEED): the old contents are gone");
	tap(passes(replacing_case), "mmap over a page: nobody sees or writes the old one");
	tap(passes(mremap_case), "mremap: nobody gets at the old place");
	tap(passes(fork_case), "fork: the child's view stands still while the parent's threads write");
	tap(passes(small_storm), "a storm of small mappings keeps every word");
	tap(passes(large_storm), "a storm of large mappings keeps every word");
	tap(passes(fork_storm), "a storm with forks keeps every word");
	return tap_end();
}
