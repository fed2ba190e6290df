/* SPDX-License-Identifier: BSD-2-Clause */
/* Asynchronous I/O by contexts. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "../../user/tests/aio_calls.h"
#include "calls.h"

/* musl's headers lack them. */
#ifndef RWF_HIPRI
#define RWF_HIPRI  1
#define RWF_DSYNC  2
#define RWF_SYNC   4
#define RWF_APPEND 16
#endif

static aio_context ctx;
static struct abi_iocb one;

static long make(unsigned n)
{
	return aio_setup(n, &ctx);
}

/* Submit one and, if it was taken, tell what came of it. */
static void run(const char *what, struct abi_iocb iocb)
{
	struct abi_io_event event = { 0 };

	one = iocb;
	errno = 0;
	if (calls_result(what, aio_one(ctx, &one)) != 1)
		return;
	if (aio_events(ctx, 1, 1, &event, 1000) != 1)
		event.res = 4711; /* nothing came */
	VALUE(event.res);
	VALUE(event.res2);
	VALUE(event.data);
	VALUE(event.obj == (uintptr_t)&one);
}
#define RUN(iocb) run(#iocb, iocb)

static struct abi_iocb with_flags(struct abi_iocb iocb, uint32_t flags, int16_t ioprio, int32_t resfd)
{
	iocb.flags = flags;
	iocb.ioprio = ioprio;
	iocb.resfd = resfd;
	return iocb;
}

static struct abi_iocb with_rw_flags(struct abi_iocb iocb, int32_t rw_flags)
{
	iocb.rw_flags = rw_flags;
	return iocb;
}

static struct abi_iocb with_reserved(struct abi_iocb iocb)
{
	iocb.reserved = 1;
	return iocb;
}

/* --- contexts --- */

static void test_setup(void)
{
	aio_context second = 1;

	RESULT(syscall(SYS_io_setup, 1, nowhere()));
	RESULT(syscall(SYS_io_setup, 1, &second));
	RESULT(make(0));
	RESULT(make(0x7fffffff));
	RESULT(make(0x10000001));
	RESULT(make(1000000));
	RESULT(make(8));
	RESULT(aio_setup(8, &second));
	VALUE(second != ctx);
	VALUE(((struct abi_aio_ring *)ctx)->magic == AIO_RING_MAGIC);
	VALUE(((struct abi_aio_ring *)ctx)->header_length);
	VALUE(((struct abi_aio_ring *)ctx)->compat_features);
	VALUE(((struct abi_aio_ring *)ctx)->incompat_features);
	VALUE(((struct abi_aio_ring *)ctx)->nr >= 8);
	RESULT(aio_destroy(second));
	RESULT(aio_destroy(second));
	RESULT(aio_destroy(0));
	RESULT(aio_destroy(ctx + 1));
	RESULT(aio_destroy((aio_context)nowhere()));
	RESULT(aio_destroy(ctx));
}

static void use_after_fork(void)
{
	struct abi_io_event event;

	RESULT(aio_events(ctx, 0, 1, &event, 0));
	RESULT(aio_one(ctx, &one));
	RESULT(aio_destroy(ctx));
}

static void test_fork(void)
{
	make(4);
	one = aio_of(IOCB_CMD_PWRITE, file_with("f", ""), "x", 1, 0);
	in_child("a child has no contexts", use_after_fork);
	RESULT(aio_one(ctx, &one));
	RESULT(aio_destroy(ctx));
}

/* --- transfers --- */

static void test_transfers(void)
{
	char text[16] = "", a[3], b[8];
	struct iovec out[2] = { { "abc", 3 }, { "defgh", 5 } }, in[2] = { { a, 3 }, { b, 8 } };
	struct iovec far[1] = { { nowhere(), 4 } };
	int f = file_with("f", "hello world"), p[2], v[2], reader = open("f", O_RDONLY);
	int directory = open(".", O_RDONLY), path = open("f", O_PATH),
	    appends = open("f", O_WRONLY | O_APPEND);

	RESULT(make(8));
	RESULT(pipe(p));
	RESULT(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
	RUN(aio_of(IOCB_CMD_PREAD, f, text, 5, 6));
	TEXT("text", text, 5);
	RUN(aio_of(IOCB_CMD_PREAD, f, text, 5, 11));
	RUN(aio_of(IOCB_CMD_PREAD, f, text, 0, 0));
	RUN(aio_of(IOCB_CMD_PREAD, f, text, 5, -1));
	RUN(aio_of(IOCB_CMD_PREAD, f, nowhere(), 5, 0));
	RUN(aio_of(IOCB_CMD_PREAD, f, text, -1ul, 0));
	RUN(aio_of(IOCB_CMD_PREAD, f, text, 1ul << 63, 0));
	RUN(aio_of(IOCB_CMD_PREAD, f, (void *)-4096ul, 5, 0));
	RUN(aio_of(IOCB_CMD_PWRITE, f, "HELLO", 5, 0));
	RUN(aio_of(IOCB_CMD_PWRITE, f, nowhere(), 5, 0));
	RUN(aio_of(IOCB_CMD_PWRITE, reader, "HELLO", 5, 0));
	RUN(aio_of(IOCB_CMD_PREAD, appends, text, 5, 0));
	RUN(aio_of(IOCB_CMD_PWRITE, appends, "!", 1, 0));
	RUN(aio_of(IOCB_CMD_PREAD, directory, text, 5, 0));
	RUN(aio_of(IOCB_CMD_PREAD, path, text, 5, 0));
	RUN(aio_of(IOCB_CMD_PREAD, 99, text, 5, 0));
	RUN(aio_of(IOCB_CMD_PREAD, -1, text, 5, 0));
	RUN(aio_of(IOCB_CMD_PWRITEV, f, out, 2, 4));
	RUN(aio_of(IOCB_CMD_PREADV, f, in, 2, 4));
	TEXT("second", b, 5);
	RUN(aio_of(IOCB_CMD_PREADV, f, nowhere(), 2, 4));
	RUN(aio_of(IOCB_CMD_PREADV, f, far, 1, 4));
	RUN(aio_of(IOCB_CMD_PREADV, f, in, 0, 4));
	RUN(aio_of(IOCB_CMD_PREADV, f, in, 1025, 4));
	RUN(aio_of(IOCB_CMD_PREADV, f, in, -1ul, 4));
	RUN(aio_of(IOCB_CMD_PWRITE, p[1], "abcd", 4, 100));
	RUN(aio_of(IOCB_CMD_PREAD, p[0], text, 4, 7));
	RUN(aio_of(IOCB_CMD_PREAD, p[1], text, 4, 7));
	RUN(aio_of(IOCB_CMD_PWRITE, v[0], "abcd", 4, 0));
	RUN(aio_of(IOCB_CMD_PREAD, v[1], text, 4, 0));
	RESULT(lseek(f, 0, SEEK_CUR));
	RESULT(pread(f, text, 16, 0));
	TEXT("file", text, 13);
}

static void test_oddities(void)
{
	int f = file_with("f", "hello world"), e = eventfd(0, EFD_NONBLOCK);
	struct abi_iocb good;
	char text[16];
	uint64_t n;

	RESULT(make(8));
	good = aio_of(IOCB_CMD_PREAD, f, text, 5, 0);
	RUN(with_reserved(good));
	RUN(with_flags(good, 4, 0, 0));
	RUN(with_flags(good, IOCB_FLAG_IOPRIO, 7 << 13, 0));
	RUN(with_flags(good, IOCB_FLAG_IOPRIO, 2 << 13 | 4, 0));
	RUN(with_flags(good, IOCB_FLAG_IOPRIO, 1 << 13 | 4, 0));
	RUN(with_flags(good, IOCB_FLAG_RESFD, 0, e));
	RESULT(read(e, &n, 8));
	VALUE(n);
	RUN(with_flags(good, IOCB_FLAG_RESFD, 0, f));
	RUN(with_flags(good, IOCB_FLAG_RESFD, 0, 99));
	RUN(with_rw_flags(good, 1 << 20));
	RUN(with_rw_flags(good, RWF_HIPRI));
	RUN(with_rw_flags(good, RWF_DSYNC | RWF_SYNC));
	RUN(with_rw_flags(aio_of(IOCB_CMD_PWRITE, f, "end", 3, 0), RWF_APPEND));
	RESULT(lseek(f, 0, SEEK_END));
	RUN(aio_of(IOCB_CMD_FSYNC, f, NULL, 0, 0));
	RUN(aio_of(IOCB_CMD_FDSYNC, f, NULL, 0, 0));
	RUN(aio_of(IOCB_CMD_FSYNC, f, NULL, 1, 0));
	RUN(aio_of(IOCB_CMD_FSYNC, f, NULL, 0, 1));
	RUN(aio_of(IOCB_CMD_FSYNC, f, text, 0, 0));
	RUN(aio_of(IOCB_CMD_FSYNC, e, NULL, 0, 0));
	RUN(with_rw_flags(aio_of(IOCB_CMD_FSYNC, f, NULL, 0, 0), 1));
	RUN(aio_of(IOCB_CMD_NOOP, f, NULL, 0, 0));
	RUN(aio_of(4, f, NULL, 0, 0));
	RUN(aio_of(9, f, NULL, 0, 0));
}

static void test_submit(void)
{
	int f = file_with("f", "");
	struct abi_iocb good = aio_of(IOCB_CMD_PWRITE, f, "x", 1, 0),
			bad = aio_of(IOCB_CMD_PWRITE, 99, "x", 1, 0);
	struct abi_iocb *list[] = { &good, &good, &bad, &good }, *wild[] = { &good, nowhere() };
	struct abi_io_event events[8];

	RESULT(make(8));
	RESULT(aio_submit(ctx, 4, list));
	RESULT(aio_events(ctx, 0, 8, events, 0));
	RESULT(aio_submit(ctx, 2, list + 2));
	RESULT(aio_submit(ctx, 2, wild));
	RESULT(aio_submit(ctx, 1, wild + 1));
	RESULT(aio_submit(ctx, 1, nowhere()));
	RESULT(aio_submit(ctx, 0, nowhere()));
	RESULT(aio_submit(ctx, -1, list));
	RESULT(aio_submit(ctx + 4096, 1, list));
	RESULT(aio_submit(0, 1, list));
	RESULT(aio_events(ctx, 0, 8, events, 0));
	VALUE(good.key);
}

/* --- events --- */

static void test_getevents(void)
{
	struct timespec none = { 0, 0 };
	struct abi_iocb good = aio_of(IOCB_CMD_PWRITE, file_with("f", ""), "x", 1, 0);
	struct abi_iocb *list[] = { &good, &good, &good };
	struct abi_io_event events[8];

	RESULT(make(8));
	RESULT(aio_events(ctx, 0, 8, events, 0));
	RESULT(aio_events(ctx, 1, 8, events, 1));
	RESULT(aio_events(ctx, 2, 1, events, 0));
	RESULT(aio_events(ctx, -1, 1, events, 0));
	RESULT(aio_events(ctx, 0, 0, events, 0));
	RESULT(aio_events(ctx, 0, -1, events, 0));
	RESULT(aio_events(ctx + 4096, 0, 1, events, 0));
	RESULT(syscall(SYS_io_getevents, ctx, 0, 1, events, nowhere()));
	RESULT(aio_submit(ctx, 3, list));
	RESULT(syscall(SYS_io_getevents, ctx, 1, 1, nowhere(), &none));
	RESULT(syscall(SYS_io_getevents, ctx, 1, 2, events, &none));
	RESULT(syscall(SYS_io_getevents, ctx, 1, 2, events, &none));
	RESULT(syscall(SYS_io_getevents, ctx, 1, 2, events, &none));
}

static void nothing(int signo)
{
	(void)signo;
}

static void test_pgetevents(void)
{
	struct timespec soon = { 0, 1000000 }, later = { 10, 0 };
	uint64_t usr1 = 1ull << (SIGUSR1 - 1), empty = 0;
	struct abi_aio_sigset blocks = { (uintptr_t)&usr1, 8 }, opens = { (uintptr_t)&empty, 8 };
	struct abi_aio_sigset short_one = { (uintptr_t)&usr1, 4 }, wild = { (uintptr_t)nowhere(), 8 };
	struct abi_io_event events[2];

	RESULT(make(2));
	signal(SIGUSR1, nothing);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &usr1, NULL, 8);
	RESULT(syscall(SYS_io_pgetevents, ctx, 1, 2, events, &soon, NULL));
	RESULT(syscall(SYS_io_pgetevents, ctx, 1, 2, events, &soon, &blocks));
	RESULT(syscall(SYS_io_pgetevents, ctx, 1, 2, events, &soon, &short_one));
	RESULT(syscall(SYS_io_pgetevents, ctx, 1, 2, events, &soon, &wild));
	RESULT(syscall(SYS_io_pgetevents, ctx, 1, 2, events, &soon, nowhere()));
	raise(SIGUSR1);
	RESULT(syscall(SYS_io_pgetevents, ctx, 1, 2, events, &soon, &blocks));
	RESULT(syscall(SYS_io_pgetevents, ctx, 1, 2, events, &later, &opens));
	RESULT(syscall(SYS_io_pgetevents, ctx, 1, 2, events, &soon, &opens));
}

/* --- polls, and what is cancelled --- */

static void test_poll(void)
{
	struct abi_io_event event;
	struct abi_iocb in;
	int p[2];

	RESULT(make(4));
	RESULT(pipe(p));
	RUN(aio_poll_of(p[1], POLLOUT));
	RUN(aio_of(IOCB_CMD_POLL, p[0], (void *)POLLIN, 1, 0));
	RUN(aio_of(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 1));
	RUN(aio_of(IOCB_CMD_POLL, p[0], (void *)0x10001, 0, 0));
	RUN(with_rw_flags(aio_poll_of(p[1], POLLOUT), 1));
	RUN(aio_poll_of(99, POLLIN));
	in = aio_poll_of(p[0], POLLIN);
	RESULT(aio_one(ctx, &in));
	RESULT(aio_events(ctx, 0, 1, &event, 0));
	RESULT(write(p[1], "x", 1));
	RESULT(aio_events(ctx, 1, 1, &event, 1000));
	VALUE(event.res & POLLIN);
	RESULT(read(p[0], &event, 1));
	RESULT(aio_one(ctx, &in));
	RESULT(close(p[1]));
	RESULT(aio_events(ctx, 1, 1, &event, 1000));
	VALUE(event.res);
}

static void test_cancel(void)
{
	struct abi_io_event event = { 0 };
	struct abi_iocb in;
	int p[2];

	RESULT(make(4));
	RESULT(pipe(p));
	in = aio_poll_of(p[0], POLLIN);
	RESULT(aio_cancel(ctx, &in));
	RESULT(aio_cancel(ctx, nowhere()));
	RESULT(aio_one(ctx, &in));
	RESULT(aio_cancel(ctx + 4096, &in));
	in.key = 1;
	RESULT(aio_cancel(ctx, &in));
	in.key = 0;
	RESULT(aio_cancel(ctx, &in));
	RESULT(aio_events(ctx, 1, 1, &event, 1000));
	VALUE(event.res);
	RESULT(aio_cancel(ctx, &in));
	RESULT(aio_one(ctx, &in));
	RESULT(aio_destroy(ctx));
	RESULT(aio_events(ctx, 0, 1, &event, 0));
}

static const struct calls table[] = {
	{ "io_setup io_destroy", test_setup }, { "io_setup", test_fork },
	{ "io_submit", test_transfers },       { "io_submit", test_oddities },
	{ "io_submit", test_submit },          { "io_getevents", test_getevents },
	{ "io_pgetevents", test_pgetevents },  { "io_submit", test_poll },
	{ "io_cancel", test_cancel },
};

CALLS_MAIN(table)
