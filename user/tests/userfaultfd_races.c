/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that fault all the time in monitored memory, beside a monitor that serves them and, in turn,
 * whatever ends a registration or the one who waits: closing, unregistering, unmapping, dropping pages, fork,
 * watching writes, kill and exit.  Nobody may hang, and no thread may see a page that nobody brought.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "child.h"
#include "monitor.h"
#include "tap.h"

#define PAGE    4096ul
#define PAGES   32ul
#define THREADS 4

static char *area;
static int fd;
static atomic_bool over, closed;
static atomic_ulong rounds;
static char source[PAGE];
static atomic_bool wrong;

/* Each page is brought full of 's', or of zeroes. */
static void *fault_all_the_time(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (!atomic_load(&over)) {
		volatile char *p = area + (unsigned)rand_r(&seed) % PAGES * PAGE + 100;
		char seen;

		if (rand_r(&seed) % 4 == 0)
			*(p + 1) = 'w';
		seen = *p;
		if (seen != 's' && seen != 0)
			atomic_store(&wrong, true);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

/* The kernel's copies fault as well. */
static void *copy_all_the_time(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	int fds[2];

	need(pipe(fds) == 0);
	while (!atomic_load(&over)) {
		need(write(fds[1], source, 1) == 1);
		need(read(fds[0], area + (unsigned)rand_r(&seed) % PAGES * PAGE + 100, 1) == 1);
	}
	return NULL;
}

static void serve(const struct abi_uffd_msg *msg, unsigned n)
{
	char *p = (char *)(uintptr_t)msg->address;

	if (msg->flags & UFFD_PAGEFAULT_FLAG_WP)
		(void)monitor_protect(fd, p, PAGE, 0);
	else if (n % 3 == 0)
		(void)monitor_zero(fd, p, PAGE, 0);
	else
		(void)monitor_copy(fd, p, source, PAGE, n % 3 == 1 ? UFFDIO_COPY_MODE_WP : 0);
	/* One that was there already, or has gone. */
	(void)ioctl(fd, UFFDIO_WAKE, &(struct abi_uffdio_range){ (uintptr_t)p, PAGE });
}

static void *serve_all_the_time(void *arg)
{
	struct abi_uffd_msg msg[4];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned n = 0;

	while (!atomic_load(&closed)) {
		ssize_t got = read(fd, msg, sizeof(msg));

		if (got <= 0)
			poll(&p, 1, 20);
		for (ssize_t i = 0; i < got / (ssize_t)sizeof(msg[0]); i++)
			serve(&msg[i], n++);
	}
	return arg;
}

static pthread_t start(void *(*body)(void *), uintptr_t arg)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, body, (void *)arg) == 0);
	return thread;
}

static void begin(pthread_t *threads, bool copies)
{
	memset(source, 's', sizeof(source));
	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(area != MAP_FAILED);
	fd = monitor_new(0);
	monitor_register(fd, area, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
	for (uintptr_t i = 0; i < THREADS; i++)
		threads[i] = start(copies && i % 2 ? copy_all_the_time : fault_all_the_time, i + 1);
	threads[THREADS] = start(serve_all_the_time, 0);
}

static void finish(pthread_t *threads)
{
	atomic_store(&over, true);
	for (int i = 0; i <= THREADS; i++) {
		/* Who faults is served to the end. */
		atomic_store(&closed, i == THREADS || atomic_load(&closed));
		need(pthread_join(threads[i], NULL) == 0);
	}
	need(!atomic_load(&wrong) && atomic_load(&rounds) > 0);
}

static void short_while(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
}

static void drop_and_watch(void)
{
	pthread_t threads[THREADS + 1];
	unsigned seed = 5;

	begin(threads, true);
	for (int i = 0; i < 300; i++) {
		char *p = area + (unsigned)rand_r(&seed) % (PAGES - 4) * PAGE;

		if (i % 2)
			need(madvise(p, 4 * PAGE, MADV_DONTNEED) == 0);
		else
			need(monitor_protect(fd, p, 4 * PAGE, UFFDIO_WRITEPROTECT_MODE_WP) == 0);
		if (i % 16 == 0)
			short_while();
	}
	finish(threads);
}

static void register_and_unregister(void)
{
	pthread_t threads[THREADS + 1];

	begin(threads, true);
	for (int i = 0; i < 100; i++) {
		char *p = area + (unsigned)i % 4 * 8 * PAGE;

		monitor_unregister(fd, p, 8 * PAGE);
		need(madvise(p, 8 * PAGE, MADV_DONTNEED) == 0);
		if (i % 8 == 0)
			short_while();
		monitor_register(fd, p, 8 * PAGE, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
	}
	/* Who waits goes on when nothing is registered. */
	monitor_unregister(fd, area, PAGES * PAGE);
	finish(threads);
}

static void map_anew(void)
{
	pthread_t threads[THREADS + 1];

	begin(threads, true);
	for (int i = 0; i < 100; i++) {
		need(mmap(area, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			  -1, 0) == area);
		if (i % 8 == 0)
			short_while();
		monitor_register(fd, area, PAGES * PAGE,
				 UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
	}
	monitor_unregister(fd, area, PAGES * PAGE);
	finish(threads);
}

static void close_beside(void)
{
	for (int i = 0; i < 10; i++) {
		pthread_t threads[THREADS + 1];

		atomic_store(&over, false);
		atomic_store(&closed, false);
		begin(threads, true);
		short_while();
		/* Nobody serves any more: all of them wait soon. */
		atomic_store(&closed, true);
		need(pthread_join(threads[THREADS], NULL) == 0);
		need(madvise(area, PAGES * PAGE, MADV_DONTNEED) == 0);
		short_while();
		close(fd);
		threads[THREADS] = start(fault_all_the_time, 9);
		finish(threads);
		need(munmap(area, PAGES * PAGE) == 0);
	}
}

static void fork_beside(void)
{
	pthread_t threads[THREADS + 1];

	begin(threads, false);
	for (int i = 0; i < 12; i++) {
		int status = -1;
		pid_t child = fork();

		if (child == 0) {
			/* Unmonitored: whatever was not there reads as zero. */
			for (unsigned long n = 0; n < PAGES; n++) {
				char seen = *(volatile char *)(area + n * PAGE + 100);

				if (seen != 's' && seen != 0)
					_exit(1);
			}
			_exit(0);
		}
		need(child > 0 && waitpid(child, &status, 0) == child && status == 0);
		need(madvise(area, PAGES * PAGE, MADV_DONTNEED) == 0);
	}
	finish(threads);
}

/* A process of which every thread may be waiting at any moment is killed, or leaves, or becomes another. */
static void leave(int how)
{
	pthread_t threads[THREADS + 1];

	begin(threads, true);
	if (how == 1) {
		atomic_store(&closed, true);
		(void)pthread_join(threads[THREADS], NULL);
		(void)madvise(area, PAGES * PAGE, MADV_DONTNEED);
	}
	short_while();
	if (how == 1)
		_exit(0);
	if (how == 2)
		execl("/bin/true", "true", NULL);
	for (;;)
		(void)madvise(area, PAGES * PAGE, MADV_DONTNEED);
}

static void end_beside(void)
{
	for (int i = 0; i < 24; i++) {
		int status = -1;
		pid_t child = fork();

		if (child == 0)
			leave(i % 3);
		need(child > 0);
		if (i % 3 == 0) {
			nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
			need(kill(child, SIGKILL) == 0);
		}
		need(waitpid(child, &status, 0) == child);
		need(i % 3 == 0 ? WIFSIGNALED(status) : status == 0);
	}
}

int main(void)
{
	tap(passes(drop_and_watch), "pages are dropped and watched beside faults");
	tap(passes(register_and_unregister), "memory is registered and unregistered beside faults");
	tap(passes(map_anew), "memory is replaced beside faults");
	tap(passes(close_beside), "the monitor closes beside faults");
	tap(passes(fork_beside), "fork beside faults");
	tap(passes(end_beside), "kill, exit and exec beside faults");
	return tap_end();
}
