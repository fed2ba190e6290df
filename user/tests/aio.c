/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous I/O as io_submit(2) has it: transfers, polls, eventfds, the ring as programs read it, limits,
 * and how contexts end.  All of this holds on Linux, too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "aio_calls.h"
#include "child.h"
#include "tap.h"

static aio_context make(unsigned n)
{
	aio_context ctx;

	need(aio_setup(n, &ctx) == 0 && ctx != 0);
	return ctx;
}

static int file(void)
{
	int fd = memfd_create("aio", 0);

	need(fd >= 0);
	return fd;
}

/* The one event that is there. */
static int64_t result(aio_context ctx)
{
	struct abi_io_event e = { 0 };

	need(aio_events(ctx, 1, 1, &e, 5000) == 1 && e.data == 42 && e.res2 == 0);
	return e.res;
}

static int64_t run(aio_context ctx, struct abi_iocb iocb)
{
	need(aio_one(ctx, &iocb) == 1);
	return result(ctx);
}

/* What io_submit says of a request that never begins. */
static int refused(aio_context ctx, struct abi_iocb iocb)
{
	return aio_one(ctx, &iocb) == -1 ? errno : 0;
}

/* --- transfers ------------------------------------------------------------------------------------------ */

static void reads_and_writes(void)
{
	aio_context ctx = make(8);
	char text[16] = "";
	int fd = file();

	need(run(ctx, aio_of(IOCB_CMD_PWRITE, fd, "hello world", 11, 0)) == 11);
	need(run(ctx, aio_of(IOCB_CMD_PREAD, fd, text, 5, 6)) == 5 && memcmp(text, "world", 5) == 0);
	need(run(ctx, aio_of(IOCB_CMD_PREAD, fd, text, 5, 11)) == 0);
	need(lseek(fd, 0, SEEK_CUR) == 0); /* nobody moved it */
	need(aio_destroy(ctx) == 0);
}

static void vectors(void)
{
	aio_context ctx = make(8);
	char a[3], b[8];
	struct iovec out[2] = { { "abc", 3 }, { "defgh", 5 } }, in[2] = { { a, 3 }, { b, 8 } };
	int fd = file();

	need(run(ctx, aio_of(IOCB_CMD_PWRITEV, fd, out, 2, 4)) == 8);
	need(run(ctx, aio_of(IOCB_CMD_PREADV, fd, in, 2, 4)) == 8);
	need(memcmp(a, "abc", 3) == 0 && memcmp(b, "defgh", 5) == 0);
	need(refused(ctx, aio_of(IOCB_CMD_PREADV, fd, (void *)8, 1, 0)) == EFAULT);
	need(refused(ctx, aio_of(IOCB_CMD_PREADV, fd, in, 2000, 0)) == EINVAL);
}

static void syncs(void)
{
	aio_context ctx = make(8);
	int fd = file();

	need(run(ctx, aio_of(IOCB_CMD_FSYNC, fd, NULL, 0, 0)) == 0);
	need(run(ctx, aio_of(IOCB_CMD_FDSYNC, fd, NULL, 0, 0)) == 0);
	need(refused(ctx, aio_of(IOCB_CMD_FSYNC, fd, NULL, 1, 0)) == EINVAL);
	need(refused(ctx, aio_of(IOCB_CMD_NOOP, fd, NULL, 0, 0)) == EINVAL);
	need(refused(ctx, aio_of(4, fd, NULL, 0, 0)) == EINVAL);
}

static void pipes_have_no_position(void)
{
	aio_context ctx = make(8);
	char text[4] = "";
	int p[2];

	need(pipe(p) == 0);
	need(run(ctx, aio_of(IOCB_CMD_PWRITE, p[1], "abcd", 4, 100)) == 4);
	need(run(ctx, aio_of(IOCB_CMD_PREAD, p[0], text, 4, 7)) == 4 && memcmp(text, "abcd", 4) == 0);
}

/* What fails before it begins is io_submit's result, what fails later an event's. */
static void errors(void)
{
	aio_context ctx = make(8);
	struct abi_iocb good = aio_of(IOCB_CMD_PWRITE, file(), "x", 1, 0),
			bad = aio_of(IOCB_CMD_PWRITE, 99, "x", 1, 0), odd;
	struct abi_iocb *both[] = { &good, &bad };
	int read_only = open("/", O_RDONLY), p[2];

	need(pipe(p) == 0);
	need(aio_submit(ctx, 2, both) == 1 && result(ctx) == 1);
	need(aio_one(ctx, &bad) == -1 && errno == EBADF);
	need(refused(ctx, aio_of(IOCB_CMD_PWRITE, p[0], "x", 1, 0)) == EBADF);
	need(refused(ctx, aio_of(IOCB_CMD_PREAD, read_only, "x", 1, 0)) == EINVAL);
	need(refused(ctx, aio_of(IOCB_CMD_PWRITE, good.fd, "x", 1, -1)) == EINVAL);
	need(refused(ctx, aio_of(IOCB_CMD_PWRITE, good.fd, "x", -1ul, 0)) == EINVAL);
	need(run(ctx, aio_of(IOCB_CMD_PWRITE, good.fd, (void *)8, 1, 0)) == -EFAULT);
	odd = good;
	odd.reserved = 1;
	need(refused(ctx, odd) == EINVAL);
	odd = good;
	odd.rw_flags = 1 << 20;
	need(refused(ctx, odd) == EOPNOTSUPP);
	odd = good;
	odd.flags = IOCB_FLAG_IOPRIO;
	odd.ioprio = 7 << 13;
	need(refused(ctx, odd) == EINVAL);
	need(aio_submit(ctx, 1, (void *)8) == -1 && errno == EFAULT);
	need(aio_one(ctx, (void *)8) == -1 && errno == EFAULT);
	need(aio_submit(ctx, -1, both) == -1 && errno == EINVAL);
	need(aio_submit(ctx, 0, both) == 0);
	need(aio_submit(ctx + 4096, 1, both) == -1 && errno == EINVAL);
}

/* --- polls ---------------------------------------------------------------------------------------------- */

static void polls(void)
{
	aio_context ctx = make(8);
	struct abi_io_event e;
	struct abi_iocb p0, p1;
	int p[2];

	need(pipe(p) == 0);
	p0 = aio_poll_of(p[0], POLLIN);
	p1 = aio_poll_of(p[1], POLLOUT);
	need(aio_one(ctx, &p0) == 1 && aio_events(ctx, 0, 1, &e, 0) == 0);
	need(aio_one(ctx, &p1) == 1 && result(ctx) == POLLOUT);
	need(write(p[1], "x", 1) == 1 && aio_events(ctx, 1, 1, &e, 5000) == 1);
	/* Linux tells more than was asked for, now and then. */
	need(e.obj == (uintptr_t)&p0 && (e.res & POLLIN));
	need(aio_one(ctx, &p0) == 1 && (result(ctx) & POLLIN)); /* it still is */
	need(read(p[0], &e, 1) == 1 && aio_one(ctx, &p0) == 1 && close(p[1]) == 0);
	need(result(ctx) == POLLHUP);
	need(refused(ctx, aio_of(IOCB_CMD_POLL, p[0], (void *)POLLIN, 1, 0)) == EINVAL);
	need(refused(ctx, aio_of(IOCB_CMD_POLL, p[0], (void *)0x10001, 0, 0)) == EINVAL);
	need(refused(ctx, aio_poll_of(99, POLLIN)) == EBADF);
}

/* What nobody has told of its end is told when somebody ends it. */
static void cancels(void)
{
	aio_context ctx = make(8);
	struct abi_iocb poll;
	struct abi_io_event e;
	int p[2];

	need(pipe(p) == 0);
	poll = aio_poll_of(p[0], POLLIN);
	need(aio_cancel(ctx, &poll) == -1 && errno == EINVAL);
	need(aio_one(ctx, &poll) == 1);
	need(aio_cancel(ctx, &poll) == -1 && errno == EINPROGRESS && result(ctx) == 0);
	need(aio_cancel(ctx, &poll) == -1 && errno == EINVAL);
	need(aio_cancel(ctx, (void *)8) == -1 && errno == EFAULT);
	poll.key = 7;
	need(aio_cancel(ctx, &poll) == -1 && errno == EINVAL);
	need(aio_one(ctx, &poll) == 1 && aio_destroy(ctx) == 0);
	need(aio_events(ctx, 0, 1, &e, 0) == -1 && errno == EINVAL);
}

/* A poll keeps its file: the reader of this pipe is there until the poll ends. */
static void a_poll_keeps_its_file(void)
{
	aio_context ctx = make(8);
	struct abi_iocb poll;
	int p[2];

	signal(SIGPIPE, SIG_IGN);
	need(pipe(p) == 0);
	poll = aio_poll_of(p[0], POLLIN);
	need(aio_one(ctx, &poll) == 1 && close(p[0]) == 0);
	need(write(p[1], "x", 1) == 1 && (result(ctx) & POLLIN));
	while (write(p[1], "x", 1) == 1) /* the poll's end lets go of it a little later */
		usleep(1000);
	need(errno == EPIPE);
}

static void eventfds(void)
{
	aio_context ctx = make(8);
	struct abi_iocb write_one = aio_of(IOCB_CMD_PWRITE, file(), "x", 1, 0), poll;
	int e = eventfd(0, EFD_NONBLOCK), p[2];
	uint64_t n;

	need(pipe(p) == 0);
	write_one.flags = IOCB_FLAG_RESFD;
	write_one.resfd = e;
	need(run(ctx, write_one) == 1 && run(ctx, write_one) == 1 && read(e, &n, 8) == 8 && n == 2);
	write_one.resfd = p[1];
	need(refused(ctx, write_one) == EINVAL);
	write_one.resfd = 99;
	need(refused(ctx, write_one) == EBADF);
	poll = aio_poll_of(p[0], POLLIN);
	poll.flags = IOCB_FLAG_RESFD;
	poll.resfd = e;
	need(fcntl(e, F_SETFL, 0) == 0 && aio_one(ctx, &poll) == 1 && write(p[1], "x", 1) == 1);
	need(read(e, &n, 8) == 8 && n == 1 && (result(ctx) & POLLIN));
}

/* --- collecting ----------------------------------------------------------------------------------------- */

static void timeouts(void)
{
	aio_context ctx = make(8);
	struct abi_io_event e[4];
	struct abi_iocb one = aio_of(IOCB_CMD_PWRITE, file(), "x", 1, 0), *list[] = { &one, &one, &one };
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	need(aio_events(ctx, 1, 1, e, 30) == 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	need((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 29);
	need(aio_submit(ctx, 3, list) == 3);
	need(aio_events(ctx, 4, 4, e, 10) == 3 && aio_events(ctx, 0, 4, e, 0) == 0);
	need(aio_events(ctx, 2, 1, e, 0) == -1 && errno == EINVAL);
	need(aio_events(ctx, -1, 1, e, 0) == -1 && errno == EINVAL);
	need(aio_submit(ctx, 3, list) == 3 && aio_events(ctx, 1, 2, e, -1) == 2);
	need(aio_events(ctx, 1, 4, (void *)8, -1) == -1 && errno == EFAULT);
	need(aio_events(ctx, 1, 4, e, -1) == 1);
}

static void noted(int signo)
{
	(void)signo;
}

static void signals(void)
{
	struct sigaction action = { .sa_handler = noted };
	struct {
		const sigset_t *mask;
		size_t size;
	} set;
	aio_context ctx = make(8);
	struct abi_io_event e;
	sigset_t none, alarm_only;

	sigaction(SIGALRM, &action, NULL);
	ualarm(20000, 0);
	need(aio_events(ctx, 1, 1, &e, -1) == -1 && errno == EINTR);
	sigemptyset(&none);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	need(sigprocmask(SIG_BLOCK, &alarm_only, NULL) == 0 && raise(SIGALRM) == 0);
	set.mask = &none;
	set.size = 8;
	need(syscall(SYS_io_pgetevents, ctx, 1l, 1l, &e, NULL, &set) == -1 && errno == EINTR);
	set.size = 7;
	need(syscall(SYS_io_pgetevents, ctx, 1l, 1l, &e, NULL, &set) == -1 && errno == EINVAL);
	need(sigprocmask(SIG_BLOCK, NULL, &none) == 0 && sigismember(&none, SIGALRM));
}

/* Programs take events out of the ring without a call. */
static void the_ring(void)
{
	aio_context ctx = make(8);
	volatile struct abi_aio_ring *ring = (void *)ctx;
	struct abi_iocb one = aio_of(IOCB_CMD_PWRITE, file(), "x", 1, 0);
	struct abi_io_event e;

	need(ring->magic == 0xa10a10a1 && ring->header_length == 32 && ring->incompat_features == 0 &&
	     ring->nr >= 8);
	need(ring->head == 0 && ring->tail == 0);
	need(aio_one(ctx, &one) == 1 && ring->tail == 1 && ring->events[0].res == 1);
	need(ring->events[0].obj == (uintptr_t)&one && ring->events[0].data == 42);
	ring->head = 1;
	need(aio_events(ctx, 0, 1, &e, 0) == 0);
}

/* What a program writes there is its own affair. */
static void a_forged_ring(void)
{
	aio_context ctx = make(8);
	volatile struct abi_aio_ring *ring = (void *)ctx;
	struct abi_iocb one = aio_of(IOCB_CMD_PWRITE, file(), "x", 1, 0);
	struct abi_io_event e[8];

	for (unsigned i = 0; i < 2000; i++) {
		ring->head = i * 2654435761u;
		ring->tail = ~i;
		ring->nr = i << 20;
		ring->magic = 0;
		need(aio_one(ctx, &one) == 1 || errno == EAGAIN);
		need(aio_events(ctx, 0, 8, e, 0) >= 0);
	}
	need(aio_destroy(ctx) == 0);
}

/* Events that are not collected keep their places. */
static void a_full_ring(void)
{
	aio_context ctx = make(1);
	struct abi_iocb one = aio_of(IOCB_CMD_PWRITE, file(), "x", 1, 0);
	volatile struct abi_aio_ring *ring = (void *)ctx;
	struct abi_io_event *all = calloc(ring->nr, sizeof(*all));
	uint32_t room = ring->nr, n = 0;

	while (aio_one(ctx, &one) == 1)
		n++;
	need(errno == EAGAIN && n <= room - 1 && n >= 1);
	need(aio_events(ctx, 1, room, all, -1) == n && aio_one(ctx, &one) == 1);
}

/* --- contexts ------------------------------------------------------------------------------------------- */

static long number_in(const char *path)
{
	FILE *f = fopen(path, "r");
	long n = -1;

	need(f && fscanf(f, "%ld", &n) == 1);
	fclose(f);
	return n;
}

static void limits(void)
{
	long most = number_in("/proc/sys/fs/aio-max-nr"), before = number_in("/proc/sys/fs/aio-nr");
	aio_context ctx = make(100), other;

	need(number_in("/proc/sys/fs/aio-nr") == before + 100);
	need(aio_setup((unsigned)most, &other) == -1 && errno == EAGAIN);
	need(aio_setup(0, &other) == -1 && errno == EINVAL);
	need(aio_setup(0xffffffff, &other) == -1 && (errno == EINVAL || errno == EAGAIN));
	other = 1;
	need(syscall(SYS_io_setup, 1, &other) == -1 && errno == EINVAL);
	need(syscall(SYS_io_setup, 1, 8) == -1 && errno == EFAULT);
	need(aio_destroy(ctx) == 0 && number_in("/proc/sys/fs/aio-nr") == before);
	need(aio_destroy(ctx) == -1 && errno == EINVAL);
	need(aio_destroy(0) == -1 && errno == EINVAL);
}

static void exit_ends_contexts(void)
{
	long before = number_in("/proc/sys/fs/aio-nr");
	int p[2], status;
	pid_t pid;

	need(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		struct abi_iocb poll = aio_poll_of(p[0], POLLIN);

		need(aio_one(make(50), &poll) == 1);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(number_in("/proc/sys/fs/aio-nr") == before);
}

static void children_have_none(void)
{
	aio_context ctx = make(8);
	struct abi_iocb one = aio_of(IOCB_CMD_PWRITE, file(), "x", 1, 0);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		need(aio_one(ctx, &one) == -1 && errno == EINVAL);
		need(aio_destroy(ctx) == -1 && errno == EINVAL);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0 && run(ctx, one) == 1);
}

static aio_context shared;

static void *destroy_later(void *arg)
{
	usleep(20000);
	need(aio_destroy(shared) == 0);
	return arg;
}

static void who_waits_hears_of_the_end(void)
{
	struct abi_io_event e;
	pthread_t t;

	shared = make(8);
	need(pthread_create(&t, NULL, destroy_later, NULL) == 0);
	need(aio_events(shared, 1, 1, &e, -1) == -1 && errno == EINVAL);
	pthread_join(t, NULL);
}

int main(void)
{
	tap(passes(reads_and_writes), "read and write, at their own positions");
	tap(passes(vectors), "vectors");
	tap(passes(syncs), "syncs, and numbers that mean nothing");
	tap(passes(pipes_have_no_position), "pipes take no notice of positions");
	tap(passes(errors), "errors at once, and later");
	tap(passes(polls), "polls");
	tap(passes(cancels), "polls that are ended");
	tap(passes(a_poll_keeps_its_file), "a poll keeps its file until it ends");
	tap(passes(eventfds), "eventfds hear of it");
	tap(passes(timeouts), "io_getevents waits, and no longer than it should");
	tap(passes(signals), "signals end the wait");
	tap(passes(the_ring), "the ring as a program reads it");
	tap(passes(a_forged_ring), "a ring that the program overwrites");
	tap(passes(a_full_ring), "a full ring");
	tap(passes(limits), "limits");
	tap(passes(exit_ends_contexts), "exit ends contexts");
	tap(passes(children_have_none), "a child does not have its parent's");
	tap(passes(who_waits_hears_of_the_end), "io_destroy ends waits");
	return tap_end();
}
