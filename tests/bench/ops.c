/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions per operation, as the time stamp counter tells them under QEMU's -icount shift=0, where one
 * tick is one instruction.  Prints "NAME<TAB>COUNT" lines; tests/bench/run makes the table.
 *
 * Each row is a function that performs its operation n times and returns the ticks that took, set-up
 * excluded.  The median of some such runs, divided by n and less the cost of an empty loop, is the
 * figure.  Operations go by bare system calls wherever the C library's own work would blur them.  The
 * same binary measures Linux: as process 1 it first makes the few things it needs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ops.h"

#define RUNS     5u
#define PAGE     4096ul
#define PAGES    256u /* touched in one run of a fault row */
#define ENTRIES  98u  /* with . and .. one hundred */
#define DIR_PATH "/tmp/bench"

/* musl has no <linux/futex.h>. */
#define FUTEX_WAIT         0
#define FUTEX_WAKE         1
#define FUTEX_PRIVATE_FLAG 128

static char self[PATH_MAX];
static char block[1 << 20] __attribute__((aligned(4096)));

/* --- system calls ---------------------------------------------------------------------------------- */

LOOP(empty, , , )
LOOP(null_call, , call(SYS_getppid, 0, 0, 0), )
LOOP(unknown_call, , call(900, 0, 0, 0), )
LOOP(clock_get, struct timespec ts, clock_gettime(CLOCK_MONOTONIC, &ts), )

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

LOOP(sigaction_row, struct kernel_sigaction act = { .handler = SIG_IGN },
     call5(SYS_rt_sigaction, SIGUSR2, (long)&act, 0, 8, 0), )
LOOP(sigprocmask_row, uint64_t set = 1u << (SIGUSR2 - 1),
     call5(SYS_rt_sigprocmask, i & 1, (long)&set, 0, 8, 0), )

static void on_signal(int signo)
{
	(void)signo;
}

LOOP(signal_self, signal(SIGUSR1, on_signal); long pid = getpid();
     long tid = call(SYS_gettid, 0, 0, 0), call(SYS_tgkill, pid, tid, SIGUSR1), )

/* --- files ----------------------------------------------------------------------------------------- */

static int must_open(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	must(fd >= 0, path);
	return fd;
}

/* A file of `size` bytes, every page of it in the cache. */
static int filled(size_t size)
{
	int fd = must_open(DIR_PATH "/data", O_RDWR | O_CREAT | O_TRUNC);

	must(write(fd, block, size) == (ssize_t)size, "write");
	return fd;
}

LOOP(read_zero, char c; int fd = must_open("/dev/zero", O_RDONLY), call(SYS_read, fd, (long)&c, 1), close(fd))
LOOP(write_null, char c = 0;
     int fd = must_open("/dev/null", O_WRONLY), call(SYS_write, fd, (long)&c, 1), close(fd))
LOOP(open_close, , call(SYS_close, call(SYS_open, (long)DIR_PATH "/file", O_RDONLY, 0), 0, 0), )
LOOP(stat_row, struct stat st, call(SYS_stat, (long)DIR_PATH "/file", (long)&st, 0), )
LOOP(fstat_row, struct stat st;
     int fd = must_open(DIR_PATH "/file", O_RDONLY), call(SYS_fstat, fd, (long)&st, 0), close(fd))
LOOP(create_unlink, ,
     call(SYS_close, call(SYS_open, (long)DIR_PATH "/new", O_RDWR | O_CREAT | O_EXCL, 0644), 0, 0);
     call(SYS_unlink, (long)DIR_PATH "/new", 0, 0), )
LOOP(write_4k, int fd = filled(PAGE), pwrite(fd, block, PAGE, 0), close(fd))
LOOP(read_4k, int fd = filled(PAGE), pread(fd, block, PAGE, 0), close(fd))
LOOP(read_1m, int fd = filled(sizeof(block)), pread(fd, block, sizeof(block), 0), close(fd))
LOOP(getdents_100, int fd = must_open(DIR_PATH "/many", O_RDONLY | O_DIRECTORY),
     call(SYS_lseek, fd, 0, SEEK_SET);
     call(SYS_getdents64, fd, (long)block, 32768), close(fd))

/* --- waiting for many ------------------------------------------------------------------------------ */

static int quiet[2];

/* `count` descriptors of the read end of an empty pipe, from 100 on. */
static void many_fds(unsigned count, struct pollfd *fds)
{
	must(pipe(quiet) == 0, "pipe");
	for (unsigned i = 0; i < count; i++) {
		must(dup2(quiet[0], 100 + (int)i) >= 0, "dup2");
		fds[i] = (struct pollfd){ .fd = 100 + (int)i, .events = POLLIN };
	}
}

static void close_many(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(100 + (int)i);
	close(quiet[0]);
	close(quiet[1]);
}

static uint64_t poll_many(unsigned n, unsigned count)
{
	struct pollfd fds[100];
	uint64_t start, ticks;

	many_fds(count, fds);
	start = now();
	for (unsigned i = 0; i < n; i++)
		call(SYS_poll, (long)fds, count, 0);
	ticks = now() - start;
	close_many(count);
	return ticks;
}

static uint64_t select_many(unsigned n, unsigned count)
{
	fd_set wanted;
	struct pollfd fds[100];
	uint64_t start, ticks;

	many_fds(count, fds);
	FD_ZERO(&wanted);
	for (unsigned i = 0; i < count; i++)
		FD_SET(fds[i].fd, &wanted);
	start = now();
	for (unsigned i = 0; i < n; i++) {
		struct timeval none = { 0, 0 };
		fd_set set;

		memcpy(&set, &wanted, 32); /* descriptors below 256 */
		call5(SYS_select, 100 + count, (long)&set, 0, 0, (long)&none);
	}
	ticks = now() - start;
	close_many(count);
	return ticks;
}

static uint64_t poll_10(unsigned n)
{
	return poll_many(n, 10);
}
static uint64_t poll_100(unsigned n)
{
	return poll_many(n, 100);
}
static uint64_t select_10(unsigned n)
{
	return select_many(n, 10);
}
static uint64_t select_100(unsigned n)
{
	return select_many(n, 100);
}

static uint64_t epoll_ready(unsigned n)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd[2], ep = epoll_create1(0);
	uint64_t start, ticks;

	if (ep < 0)
		return 0;
	must(pipe(fd) == 0 && write(fd[1], "x", 1) == 1, "pipe");
	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &event) == 0, "epoll_ctl");
	start = now();
	for (unsigned i = 0; i < n; i++)
		call5(SYS_epoll_wait, ep, (long)&event, 1, 0, 0);
	ticks = now() - start;
	close(fd[0]);
	close(fd[1]);
	close(ep);
	return ticks;
}

/* --- memory ---------------------------------------------------------------------------------------- */

static volatile char *map(size_t size, int flags, int fd)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	must(at != MAP_FAILED, "mmap");
	return at;
}

static uint64_t touch(volatile char *at, unsigned pages, bool write)
{
	uint64_t start = now();

	for (unsigned i = 0; i < pages; i++)
		if (write)
			at[i * PAGE] = 1;
		else
			(void)at[i * PAGE];
	return now() - start;
}

static uint64_t fault_anonymous(unsigned n)
{
	volatile char *at = map(n * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t ticks;

	at[0] = 1; /* the page tables exist already */
	at[(n - 1) * PAGE] = 1;
	ticks = touch(at + PAGE, n - 2, true);
	munmap((void *)at, n * PAGE);
	return ticks;
}

/* Page by page in descending order, so that each is a mapping of its own: Linux maps up to sixteen pages
 * around the one that is missing, as far as the mapping goes. */
static uint64_t fault_file(unsigned n)
{
	int fd = filled(n * PAGE);
	volatile char *at = map(n * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t ticks;

	at[0] = 1; /* the page tables exist already */
	at[(n - 1) * PAGE] = 1;
	for (unsigned i = 1; i < n - 1; i++)
		must(mmap((char *)at + i * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd,
			  (off_t)((n - i) * PAGE)) != MAP_FAILED,
		     "mmap");
	ticks = touch(at + PAGE, n - 2, false);
	munmap((void *)at, n * PAGE);
	close(fd);
	return ticks;
}

static uint64_t fault_cow(unsigned n)
{
	volatile uint64_t *ticks = (volatile uint64_t *)map(PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	volatile char *at = map(n * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t result;
	pid_t child;

	touch(at, n, true);
	child = fork();
	if (child == 0) {
		*ticks = touch(at, n, true);
		_exit(0);
	}
	must(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	result = *ticks;
	munmap((void *)at, n * PAGE);
	munmap((void *)ticks, PAGE);
	return result;
}

static uint64_t unmap_pages(unsigned n)
{
	volatile char *at = map(n * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t start;

	touch(at, n, true);
	start = now();
	munmap((void *)at, n * PAGE);
	return now() - start;
}

LOOP(map_unmap, , munmap((void *)map(65536, MAP_PRIVATE | MAP_ANONYMOUS, -1), 65536), )
LOOP(brk_row, long at = call(SYS_brk, 0, 0, 0), call(SYS_brk, at + 65536, 0, 0); call(SYS_brk, at, 0, 0), )

/* --- processes and threads ------------------------------------------------------------------------- */

LOOP(yield_alone, , call(SYS_sched_yield, 0, 0, 0), )

static void reap(pid_t child)
{
	kill(child, SIGKILL);
	must(waitpid(child, NULL, 0) == child, "waitpid");
}

/* In the realtime class turns are strict; where that is refused, the default class has to do.  0: back to
 * that. */
static bool set_realtime(int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return call(SYS_sched_setscheduler, 0, priority ? SCHED_FIFO : SCHED_OTHER, (long)&param) == 0;
}

/* Two processes that do nothing but yield; the scheduler may well let one go on, so both count. */
static uint64_t yield_other(unsigned n)
{
	volatile uint64_t *theirs = (volatile uint64_t *)map(PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	bool realtime = set_realtime(1);
	uint64_t start, ticks, before, yields;
	pid_t child = fork();

	for (; child == 0; ++*theirs)
		call(SYS_sched_yield, 0, 0, 0);
	must(child > 0, "fork");
	call(SYS_sched_yield, 0, 0, 0);
	before = *theirs;
	start = now();
	for (unsigned i = 0; i < n; i++)
		call(SYS_sched_yield, 0, 0, 0);
	ticks = now() - start;
	yields = *theirs - before;
	reap(child);
	munmap((void *)theirs, PAGE);
	if (realtime)
		set_realtime(0);
	must(yields * 10 > n * 9, "the scheduler does not alternate");
	return ticks * n / (n + yields);
}

/* The same for two threads: no other page tables. */
static volatile uint64_t yields_of_thread;
static volatile bool yield_end;

static void *yield_on(void *unused)
{
	for (; !yield_end; yields_of_thread++)
		call(SYS_sched_yield, 0, 0, 0);
	return unused;
}

static uint64_t yield_thread(unsigned n)
{
	bool realtime = set_realtime(1); /* the thread inherits it */
	uint64_t start, ticks, before, yields;
	pthread_t thread;

	yield_end = false;
	must(pthread_create(&thread, NULL, yield_on, NULL) == 0, "pthread_create");
	call(SYS_sched_yield, 0, 0, 0);
	before = yields_of_thread;
	start = now();
	for (unsigned i = 0; i < n; i++)
		call(SYS_sched_yield, 0, 0, 0);
	ticks = now() - start;
	yields = yields_of_thread - before;
	yield_end = true;
	pthread_join(thread, NULL);
	if (realtime)
		set_realtime(0);
	must(yields * 10 > n * 9, "the scheduler does not alternate");
	return ticks * n / (n + yields);
}

static void echo(int from, int to)
{
	char c;

	while (call(SYS_read, from, (long)&c, 1) == 1)
		call(SYS_write, to, (long)&c, 1);
}

static uint64_t ping(unsigned n, int to, int from)
{
	uint64_t start = now();
	char c = 0;

	for (unsigned i = 0; i < n; i++) {
		call(SYS_write, to, (long)&c, 1);
		call(SYS_read, from, (long)&c, 1);
	}
	return now() - start;
}

static int there[2], back[2];

static void open_pipes(void)
{
	must(pipe(there) == 0 && pipe(back) == 0, "pipe");
}

static void close_pipes(void)
{
	for (int i = 0; i < 2; i++) {
		close(there[i]);
		close(back[i]);
	}
}

static uint64_t pipe_processes(unsigned n)
{
	uint64_t ticks;
	pid_t child;

	open_pipes();
	child = fork();
	if (child == 0)
		echo(there[0], back[1]);
	must(child > 0, "fork");
	ping(2, there[1], back[0]);
	ticks = ping(n, there[1], back[0]);
	reap(child);
	close_pipes();
	return ticks;
}

static void *echo_thread(void *unused)
{
	(void)unused;
	echo(there[0], back[1]);
	return NULL;
}

static uint64_t pipe_threads(unsigned n)
{
	pthread_t thread;
	uint64_t ticks;

	open_pipes();
	must(pthread_create(&thread, NULL, echo_thread, NULL) == 0, "pthread_create");
	ping(2, there[1], back[0]);
	ticks = ping(n, there[1], back[0]);
	close(there[1]);
	pthread_join(thread, NULL);
	close(there[0]);
	close(back[0]);
	close(back[1]);
	return ticks;
}

static uint64_t pipe_message(unsigned n)
{
	char message[100] = { 0 };
	uint64_t start, ticks;

	open_pipes();
	start = now();
	for (unsigned i = 0; i < n; i++) {
		call(SYS_write, there[1], (long)message, sizeof(message));
		call(SYS_read, there[0], (long)message, sizeof(message));
	}
	ticks = now() - start;
	close_pipes();
	return ticks;
}

static volatile int turn;
static unsigned futex_rounds;

static void futex(int op, int value)
{
	call5(SYS_futex, (long)&turn, op | FUTEX_PRIVATE_FLAG, value, 0, 0);
}

static void play(int mine, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		while (turn != mine)
			futex(FUTEX_WAIT, !mine);
		turn = !mine;
		futex(FUTEX_WAKE, 1);
	}
}

static void *futex_partner(void *unused)
{
	(void)unused;
	play(1, futex_rounds);
	return NULL;
}

static uint64_t futex_threads(unsigned n)
{
	pthread_t thread;
	uint64_t start, ticks;

	turn = 0;
	futex_rounds = n + 2;
	must(pthread_create(&thread, NULL, futex_partner, NULL) == 0, "pthread_create");
	play(0, 2);
	start = now();
	play(0, n);
	ticks = now() - start;
	pthread_join(thread, NULL);
	return ticks;
}

/* From a futex wake-up to the woken thread's next instruction; being more urgent, that runs at once. */
static uint64_t woken_at, wake_ticks;

static void *sleep_again(void *rounds)
{
	set_realtime(2);
	for (unsigned i = 0; i < (unsigned)(uintptr_t)rounds; i++) {
		while (turn == (int)i)
			futex(FUTEX_WAIT, (int)i);
		wake_ticks += now() - woken_at;
	}
	return NULL;
}

static uint64_t wake_to_run(unsigned n)
{
	pthread_t thread;

	if (!set_realtime(1))
		return 0;
	turn = 0;
	wake_ticks = 0;
	must(pthread_create(&thread, NULL, sleep_again, (void *)(uintptr_t)n) == 0, "pthread_create");
	call(SYS_sched_yield, 0, 0, 0); /* it becomes more urgent, and goes to sleep */
	for (unsigned i = 0; i < n; i++) {
		woken_at = now();
		turn = (int)i + 1;
		futex(FUTEX_WAKE, 1);
	}
	pthread_join(thread, NULL);
	set_realtime(0);
	return wake_ticks;
}

static void *nothing(void *unused)
{
	return unused;
}

static uint64_t thread_create(unsigned n)
{
	uint64_t start = now();

	for (unsigned i = 0; i < n; i++) {
		pthread_t thread;

		must(pthread_create(&thread, NULL, nothing, NULL) == 0, "pthread_create");
		pthread_join(thread, NULL);
	}
	return now() - start;
}

/* The programs that are forked are small. */
static uint64_t fork_start(void)
{
	madvise(block, sizeof(block), MADV_DONTNEED);
	return now();
}

static uint64_t fork_exit(unsigned n)
{
	uint64_t start = fork_start();

	for (unsigned i = 0; i < n; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		must(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	}
	return now() - start;
}

/* A process that holds so many pages more, all of them written. */
static uint64_t fork_large(unsigned n, size_t size)
{
	volatile char *at = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t ticks;

	for (size_t i = 0; i < size; i += PAGE)
		at[i] = 1;
	ticks = fork_exit(n);
	munmap((void *)at, size);
	return ticks;
}

static uint64_t fork_1m(unsigned n)
{
	return fork_large(n, 1ul << 20);
}
static uint64_t fork_256m(unsigned n)
{
	return fork_large(n, 256ul << 20);
}

static uint64_t fork_exec(unsigned n)
{
	static char *const argv[] = { self, "exit", NULL };
	static char *const envp[] = { NULL };
	uint64_t start = fork_start();

	for (unsigned i = 0; i < n; i++) {
		int status = 0;
		pid_t child = fork();

		if (child == 0) {
			execve(self, argv, envp);
			_exit(1);
		}
		must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "exec");
	}
	return now() - start;
}

/* --- the table ------------------------------------------------------------------------------------- */

static const struct row rows[] = {
	{ "null system call (getppid)", null_call, 1000 },
	{ "unknown call", unknown_call, 1000 },
	{ "clock_gettime (vDSO)", clock_get, 1000 },
	{ "read 1 byte /dev/zero", read_zero, 1000 },
	{ "write 1 byte /dev/null", write_null, 1000 },
	{ "open+close", open_close, 500 },
	{ "stat", stat_row, 500 },
	{ "fstat", fstat_row, 500 },
	{ "create+unlink", create_unlink, 200 },
	{ "write 4 KiB", write_4k, 500 },
	{ "re-read 4 KiB", read_4k, 500 },
	{ "re-read 1 MiB", read_1m, 8 },
	{ "getdents, 100 entries", getdents_100, 50 },
	{ "select 10 fds", select_10, 200 },
	{ "select 100 fds", select_100, 50 },
	{ "poll 10 fds", poll_10, 200 },
	{ "poll 100 fds", poll_100, 50 },
	{ "epoll_wait, ready", epoll_ready, 200 },
	{ "sigaction", sigaction_row, 500 },
	{ "sigprocmask", sigprocmask_row, 500 },
	{ "signal to self, handled", signal_self, 200 },
	{ "page fault, anonymous", fault_anonymous, PAGES },
	{ "page fault, page cache", fault_file, PAGES },
	{ "copy-on-write fault", fault_cow, PAGES },
	{ "unmap one page", unmap_pages, PAGES },
	{ "mmap+munmap 64 KiB untouched", map_unmap, 200 },
	{ "brk grow+shrink", brk_row, 200 },
	{ "sched_yield alone", yield_alone, 500 },
	{ "yield to other process (switch)", yield_other, 500 },
	{ "yield to other thread (switch)", yield_thread, 500 },
	{ "wake-up to run, thread", wake_to_run, 200 },
	{ "pipe round trip, processes", pipe_processes, 200 },
	{ "pipe round trip, threads", pipe_threads, 200 },
	{ "futex round trip, threads", futex_threads, 200 },
	{ "pipe, one 100 B message", pipe_message, 500 },
	{ "fork+exit+wait", fork_exit, 20 },
	{ "fork+exit+wait, 1 MiB touched", fork_1m, 20 },
	{ "fork+exit+wait, 256 MiB touched", fork_256m, 4 },
	{ "fork+exec+wait", fork_exec, 20 },
	{ "thread create+join", thread_create, 50 },
};

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Per operation, in hundredths of an instruction. */
static uint64_t median(uint64_t (*run)(unsigned), unsigned n)
{
	uint64_t ticks[RUNS];

	run(n < 8 ? n : 8); /* whatever the first time alone costs */
	for (unsigned i = 0; i < RUNS; i++)
		ticks[i] = run(n);
	qsort(ticks, RUNS, sizeof(ticks[0]), ascending);
	return ticks[RUNS / 2] * 100 / n;
}

static void report(const struct row *row, uint64_t loop)
{
	uint64_t cost = median(row->run, row->n);

	if (cost == 0)
		return; /* not to be had here */
	printf("%s\t%lu\n", row->name, (cost - loop + 50) / 100);
	fflush(stdout);
}

/* For tests/bench/profile. */
static void repeat(const struct row *row)
{
	puts("repeating");
	fflush(stdout);
	for (;;)
		row->run(row->n);
}

/* By a part of its name; all without any. */
static bool is_wanted(const struct row *row, char **words)
{
	bool any = !*words;

	for (; !any && *words; words++)
		any = strstr(row->name, *words) != NULL;
	return any;
}

static void measure_all(const struct row *row, size_t count, char **words, bool forever, uint64_t loop)
{
	for (const struct row *end = row + count; row < end; row++) {
		if (!is_wanted(row, words))
			continue;
		if (forever)
			repeat(row);
		report(row, loop);
	}
}

static void make_files(void)
{
	char path[64];

	mkdir(DIR_PATH, 0755);
	mkdir(DIR_PATH "/many", 0755);
	close(must_open(DIR_PATH "/file", O_RDWR | O_CREAT));
	for (unsigned i = 0; i < ENTRIES; i++) {
		snprintf(path, sizeof(path), DIR_PATH "/many/entry%02u", i);
		close(must_open(path, O_RDWR | O_CREAT));
	}
	memset(block, 'x', sizeof(block));
}

/* Process 1 of a root file system that holds nothing but this program. */
static void make_system(void)
{
	mkdir("/dev", 0755);
	mkdir("/tmp", 0777);
	mknod("/dev/zero", S_IFCHR | 0666, makedev(1, 5));
	mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));
	mknod("/dev/console", S_IFCHR | 0600, makedev(5, 1));
	must_open("/dev/console", O_RDWR);
	dup2(0, 1);
	dup2(0, 2);
}

int main(int argc, char **argv)
{
	bool alone = getpid() == 1;
	bool forever = argc > 1 && strcmp(argv[1], "forever") == 0;
	char *all[] = { NULL }, **words = alone ? all : argv + 1 + forever;
	uint64_t loop;

	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return 0;
	if (alone)
		make_system();
	must(realpath(argv[0], self) != NULL, argv[0]);
	make_files();
	loop = median(empty, 1000);
	measure_all(rows, sizeof(rows) / sizeof(rows[0]), words, forever, loop);
	measure_all(filter_rows, filter_row_count, words, forever, loop);
	measure_all(ipc_rows, ipc_row_count, words, forever, loop);
	if (alone) {
		puts("end");
		fflush(stdout);
		reboot(RB_POWER_OFF);
	}
	return 0;
}
