/* SPDX-License-Identifier: BSD-2-Clause */
/* Asynchronous I/O by rings.  Completions in no certain order are printed in that of their requests. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include "../../user/tests/uring_calls.h"
#include "calls.h"

static struct ring ring;

static void make(void)
{
	if (ring_setup(&ring, 8, 0, 0) < 0)
		_exit(99);
}

/* What io_uring_enter says: these calls tell errors as results, here as of calls. */
static long told(long n)
{
	errno = n < 0 ? (int)-n : 0;
	return n < 0 ? -1 : n;
}

#define SUBMIT(min)            RESULT(told(ring_submit(&ring, min)))
#define REGISTER(what, arg, n) RESULT(told(ring_register(&ring, what, arg, n)))

static void tell(const char *what, const struct abi_cqe *c)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: request %d, flags %x", what, (int)c->user_data, c->flags);
	errno = c->res < 0 ? -c->res : 0;
	calls_result(text, c->res < 0 ? -1 : c->res);
}

/* The next completion. */
static void next(void)
{
	struct abi_cqe c;
	long n = 0;

	while (n >= 0 && !ring_get(&ring, &c))
		n = ring_submit(&ring, 1);
	if (n >= 0)
		tell("completion", &c);
}

/* The next ones, in the order in which they were submitted. */
static void next_ones(unsigned count)
{
	struct abi_cqe all[8];

	for (unsigned i = 0; i < count; i++)
		while (!ring_get(&ring, &all[i]))
			if (ring_submit(&ring, 1) < 0)
				_exit(98);
	for (uint64_t id = 0; id < 16; id++)
		for (unsigned i = 0; i < count; i++)
			if (all[i].user_data == id)
				tell("completion", &all[i]);
}

/* None is there. */
static void none(void)
{
	struct abi_cqe c;

	ring_enter(&ring, 0, 0, IORING_ENTER_GETEVENTS);
	VALUE(ring_get(&ring, &c));
}

static int run(const char *what, struct abi_sqe sqe)
{
	struct abi_cqe c = { 0 };

	ring_put(&ring, &sqe);
	if (told(ring_submit(&ring, 1)) != 1 || !ring_get(&ring, &c)) {
		calls_result(what, -1);
		return -1;
	}
	tell(what, &c);
	return c.res;
}
#define RUN(sqe) run(#sqe, sqe)

static void put(struct abi_sqe sqe, uint64_t user_data, unsigned flags)
{
	sqe.user_data = user_data;
	sqe.flags = (uint8_t)flags;
	ring_put(&ring, &sqe);
}

static struct abi_sqe nop(void)
{
	return sqe_of(IORING_OP_NOP, -1, NULL, 0, 0);
}

static struct abi_sqe with(struct abi_sqe sqe, uint32_t op_flags)
{
	sqe.op_flags = op_flags;
	return sqe;
}

static struct abi_sqe flagged(struct abi_sqe sqe, unsigned flags)
{
	sqe.flags = (uint8_t)flags;
	return sqe;
}

/* --- rings --- */

static void setup(const char *what, unsigned entries, unsigned flags, unsigned cq_entries)
{
	struct ring r;

	if (calls_result(what, told(ring_setup(&r, entries, flags, cq_entries))) < 0)
		return;
	VALUE(r.p.sq_entries);
	VALUE(r.p.cq_entries);
	VALUE(*ring_word(&r, r.p.sq_off.ring_mask));
	VALUE(*ring_word(&r, r.p.cq_off.ring_mask));
	VALUE(*ring_word(&r, r.p.sq_off.flags));
	ring_end(&r);
}
#define SETUP(entries, flags, cq) \
	setup("io_uring_setup(" #entries ", " #flags ", " #cq ")", entries, flags, cq)

static void test_setup(void)
{
	struct abi_uring_params p = { .reserved = { 1 } };
	struct stat st;

	SETUP(0, 0, 0);
	SETUP(1, 0, 0);
	SETUP(5, 0, 0);
	SETUP(32768, 0, 0);
	SETUP(32769, 0, 0);
	SETUP(40000, IORING_SETUP_CLAMP, 0);
	SETUP(4, IORING_SETUP_CQSIZE, 100);
	SETUP(8, IORING_SETUP_CQSIZE, 4);
	SETUP(8, IORING_SETUP_CQSIZE, 0);
	SETUP(8, IORING_SETUP_CQSIZE, 65537);
	SETUP(8, IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP, 100000);
	SETUP(8, 1u << 30, 0);
	SETUP(8, IORING_SETUP_R_DISABLED, 0);
	SETUP(8, IORING_SETUP_SUBMIT_ALL, 0);
	SETUP(8, IORING_SETUP_COOP_TASKRUN, 0);
	RESULT(syscall(SYS_io_uring_setup, 8, nowhere()));
	RESULT(syscall(SYS_io_uring_setup, 8, &p));
	make();
	RESULT(fcntl(ring.fd, F_GETFD));
	RESULT(fcntl(ring.fd, F_GETFL));
	RESULT(fstat(ring.fd, &st));
	VALUE(st.st_mode);
	RESULT(read(ring.fd, &st, 8));
	RESULT(write(ring.fd, &st, 8));
	RESULT(lseek(ring.fd, 0, SEEK_SET));
	RESULT((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, ring.fd, 0x4000000));
}

static void test_enter(void)
{
	struct timespec soon = { 0, 1000000 }, wrong = { 0, -1 };
	struct abi_uring_events_arg arg = { .timeout = (uintptr_t)&soon };
	int f = file_with("f", "");

	RESULT(syscall(SYS_io_uring_enter, f, 0, 0, 0, NULL, 0l));
	RESULT(syscall(SYS_io_uring_enter, 99, 0, 0, 0, NULL, 0l));
	make();
	RESULT(told(ring_enter(&ring, 0, 0, 1u << 20)));
	RESULT(told(ring_enter(&ring, 0, 0, 0)));
	RESULT(told(ring_enter(&ring, 5, 0, 0)));
	RESULT(told(ring_enter(&ring, 0, 0, IORING_ENTER_GETEVENTS)));
#define ENTER(arg, size)                                                                                 \
	RESULT(syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, \
		       arg, size))
	ENTER(&arg, sizeof(arg));
	ENTER(&arg, 4l);
	ENTER(nowhere(), sizeof(arg));
	arg.timeout = (uintptr_t)&wrong;
	ENTER(&arg, sizeof(arg));
	arg = (struct abi_uring_events_arg){ .sigmask = 8, .sigmask_size = 8 };
	ENTER(&arg, sizeof(arg));
	arg = (struct abi_uring_events_arg){ .sigmask = 8, .sigmask_size = 4 };
	ENTER(&arg, sizeof(arg));
	for (uint64_t i = 0; i < 4; i++)
		put(nop(), i, 0);
	RESULT(told(ring_enter(&ring, 2, 2, IORING_ENTER_GETEVENTS)));
	RESULT(told(ring_enter(&ring, 8, 2, IORING_ENTER_GETEVENTS)));
	for (int i = 0; i < 4; i++)
		next();
	none();
}

static void test_poll(void)
{
	struct pollfd p;

	make();
	p = (struct pollfd){ .fd = ring.fd, .events = POLLIN | POLLOUT };
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
	put(nop(), 1, 0);
	SUBMIT(0);
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
	next();
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
}

/* --- transfers --- */

static void test_transfers(void)
{
	char text[16] = "", a[3], b[8];
	struct iovec out[2] = { { "abc", 3 }, { "defgh", 5 } }, in[2] = { { a, 3 }, { b, 8 } };
	int f = file_with("f", "hello world"), p[2], reader = open("f", O_RDONLY);

	make();
	RESULT(pipe(p));
	RUN(sqe_of(IORING_OP_READ, f, text, 5, 6));
	TEXT("text", text, 5);
	RUN(sqe_of(IORING_OP_READ, f, text, 5, 11));
	RUN(sqe_of(IORING_OP_READ, f, text, 5, -1ul));
	RESULT(lseek(f, 0, SEEK_CUR));
	RUN(sqe_of(IORING_OP_READ, f, text, 5, -2ul));
	RUN(sqe_of(IORING_OP_READ, f, nowhere(), 5, 0));
	RUN(sqe_of(IORING_OP_READ, -1, text, 5, 0));
	RUN(sqe_of(IORING_OP_READ, 99, text, 5, 0));
	RUN(sqe_of(IORING_OP_WRITE, reader, text, 5, 0));
	RUN(sqe_of(IORING_OP_WRITEV, f, out, 2, 4));
	RUN(sqe_of(IORING_OP_READV, f, in, 2, 4));
	RUN(sqe_of(IORING_OP_READV, f, in, 1025, 4));
	RUN(sqe_of(IORING_OP_READV, f, nowhere(), 2, 4));
	RUN(with(sqe_of(IORING_OP_READ, f, text, 5, 0), 1 << 20));
	RUN(with(sqe_of(IORING_OP_WRITE, f, "end", 3, 0), 16)); /* RWF_APPEND */
	RUN(sqe_of(IORING_OP_FSYNC, f, NULL, 0, 0));
	RUN(with(sqe_of(IORING_OP_FSYNC, f, NULL, 0, 0), IORING_FSYNC_DATASYNC));
	RUN(with(sqe_of(IORING_OP_FSYNC, f, NULL, 0, 0), 2));
	RUN(sqe_of(IORING_OP_FSYNC, f, text, 0, 0));
	RUN(sqe_of(IORING_OP_FSYNC, p[0], NULL, 0, 0));
	RUN(sqe_of(IORING_OP_FALLOCATE, f, (void *)100, 0, 0));
	RUN(sqe_of(IORING_OP_FALLOCATE, f, (void *)0, 0, 0));
	RESULT(lseek(f, 0, SEEK_END));
	RUN(sqe_of(IORING_OP_FADVISE, f, NULL, 100, 0));
	RUN(with(sqe_of(IORING_OP_FADVISE, f, NULL, 100, 0), 77));
	RUN(sqe_of(IORING_OP_MADVISE, -1, ring.rings, 4096, 0));
	RUN(with(sqe_of(IORING_OP_MADVISE, -1, ring.rings, 4096, 0), 7777));
	RUN(sqe_of(IORING_OP_SYNC_FILE_RANGE, f, NULL, 0, 0));
	RUN(sqe_of(IORING_OP_WRITE, p[0], "x", 1, 0));
	put(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 1, 0);
	SUBMIT(0);
	none();
	RESULT(write(p[1], "abc", 3));
	next();
	put(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 2, 0);
	SUBMIT(0);
	RESULT(close(p[1]));
	next();
}

static void test_oddities(void)
{
	struct abi_sqe s;

	make();
	RUN(nop());
	RUN(sqe_of(200, 0, NULL, 0, 0));
	RUN(sqe_of(IORING_OP_LAST, 0, NULL, 0, 0));
	RUN(flagged(nop(), 0x80));
	RUN(flagged(nop(), IOSQE_ASYNC));
	RUN(flagged(nop(), IOSQE_FIXED_FILE));
	RUN(flagged(sqe_of(IORING_OP_READ, 0, NULL, 0, 0), IOSQE_FIXED_FILE));
	RUN(flagged(nop(), IOSQE_BUFFER_SELECT));
	RUN(flagged(sqe_of(IORING_OP_WRITE, 1, "", 0, 0), IOSQE_BUFFER_SELECT));
	s = nop();
	s.personality = 1;
	RUN(s);
	s = nop();
	s.ioprio = 1;
	RUN(s);
	s = nop();
	s.buf_index = 1;
	RUN(s);
	/* An index that cannot be is no request. */
	ring_put(&ring, &s);
	ring_word(&ring, ring.p.sq_off.array)[(ring.tail - 1) % 8] = 1000;
	SUBMIT(0);
	VALUE(*ring_word(&ring, ring.p.sq_off.dropped));
	none();
	/* The first one that is none ends the call, and is told. */
	put(nop(), 1, 0);
	put(sqe_of(200, 0, NULL, 0, 0), 2, 0);
	put(nop(), 3, 0);
	SUBMIT(0);
	next_ones(2);
	SUBMIT(0);
	next();
}

/* --- polls, timeouts, cancelling --- */

static struct abi_sqe poll_of(int fd, unsigned events)
{
	return with(sqe_of(IORING_OP_POLL_ADD, fd, NULL, 0, 0), events);
}

static struct abi_sqe cancel_of(unsigned opcode, uint64_t user_data)
{
	return sqe_of(opcode, -1, (void *)user_data, 0, 0);
}

static void test_polls(void)
{
	char text[8];
	int p[2];

	make();
	RESULT(pipe(p));
	RUN(poll_of(99, POLLIN));
	RUN(sqe_of(IORING_OP_POLL_ADD, p[0], "", 0, 0));
	RUN(sqe_of(IORING_OP_POLL_ADD, p[0], NULL, 16, 0));
	RUN(poll_of(p[1], POLLOUT));
	put(poll_of(p[0], POLLIN), 1, 0);
	SUBMIT(0);
	none();
	RESULT(write(p[1], "x", 1));
	next();
	RESULT(read(p[0], text, 1));
	put(poll_of(p[0], POLLIN), 2, 0);
	SUBMIT(0);
	RUN(cancel_of(IORING_OP_POLL_REMOVE, 7));
	put(cancel_of(IORING_OP_POLL_REMOVE, 2), 3, IOSQE_CQE_SKIP_SUCCESS);
	SUBMIT(1);
	next();
	put(poll_of(p[0], POLLIN), 4, 0);
	SUBMIT(0);
	RESULT(close(p[1]));
	next();
}

static struct timespec soon = { 0, 1000000 }, later = { 1000, 0 }, past = { 0, 1 }, negative = { -1, 0 };

static struct abi_sqe timeout_of(const struct timespec *t, unsigned count, unsigned flags)
{
	return with(sqe_of(IORING_OP_TIMEOUT, -1, t, 1, count), flags);
}

static void test_timeouts(void)
{
	struct abi_sqe s;

	make();
	RUN(timeout_of(&soon, 0, 0));
	RUN(timeout_of(&past, 0, IORING_TIMEOUT_ABS));
	RUN(timeout_of(&past, 0, IORING_TIMEOUT_ABS | IORING_TIMEOUT_REALTIME));
	RUN(timeout_of(&past, 0, IORING_TIMEOUT_ABS | IORING_TIMEOUT_BOOTTIME));
	RUN(timeout_of(&past, 0, IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME));
	RUN(timeout_of(&negative, 0, 0));
	RUN(timeout_of(nowhere(), 0, 0));
	RUN(timeout_of(&soon, 0, 1u << 20));
	RUN(timeout_of(&soon, 0, IORING_TIMEOUT_UPDATE));
	RUN(sqe_of(IORING_OP_TIMEOUT, -1, &soon, 2, 0));
	put(timeout_of(&later, 2, 0), 1, 0);
	SUBMIT(0);
	put(nop(), 2, 0);
	put(nop(), 3, 0);
	SUBMIT(3);
	next_ones(3);
	put(timeout_of(&later, 0, 0), 4, 0);
	SUBMIT(0);
	RUN(cancel_of(IORING_OP_TIMEOUT_REMOVE, 9));
	s = cancel_of(IORING_OP_TIMEOUT_REMOVE, 9);
	s.off = (uintptr_t)&soon;
	RUN(with(s, IORING_TIMEOUT_UPDATE));
	s = cancel_of(IORING_OP_TIMEOUT_REMOVE, 4);
	s.off = (uintptr_t)&soon;
	s.op_flags = IORING_TIMEOUT_UPDATE;
	RUN(s);
	next();
	put(timeout_of(&later, 0, 0), 5, 0);
	SUBMIT(0);
	put(cancel_of(IORING_OP_TIMEOUT_REMOVE, 5), 6, IOSQE_CQE_SKIP_SUCCESS);
	SUBMIT(1);
	next();
	none();
}

static void test_cancel(void)
{
	char text[8];
	int p[2];

	make();
	RESULT(pipe(p));
	put(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 1, 0);
	SUBMIT(0);
	RUN(cancel_of(IORING_OP_ASYNC_CANCEL, 7));
	RUN(with(cancel_of(IORING_OP_ASYNC_CANCEL, 1), 1u << 20));
	RUN(with(cancel_of(IORING_OP_ASYNC_CANCEL, 1), IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY));
	RUN(sqe_of(IORING_OP_ASYNC_CANCEL, -1, (void *)1, 1, 0));
	put(cancel_of(IORING_OP_ASYNC_CANCEL, 1), 3, IOSQE_CQE_SKIP_SUCCESS);
	SUBMIT(1);
	next();
	RUN(with(cancel_of(IORING_OP_ASYNC_CANCEL, 4), IORING_ASYNC_CANCEL_ALL));
	put(poll_of(p[0], POLLIN), 4, 0);
	put(poll_of(p[0], POLLIN), 4, 0);
	SUBMIT(0);
	put(with(cancel_of(IORING_OP_ASYNC_CANCEL, 4), IORING_ASYNC_CANCEL_ALL), 5, IOSQE_CQE_SKIP_SUCCESS);
	SUBMIT(2);
	next_ones(2);
	none();
}

/* --- chains --- */

static void test_links(void)
{
	int f = file_with("f", ""), p[2];
	char text[8] = "";

	make();
	RESULT(pipe(p));
	put(sqe_of(IORING_OP_WRITE, f, "abcd", 4, 0), 1, IOSQE_IO_LINK);
	put(sqe_of(IORING_OP_READ, f, text, 4, 0), 2, IOSQE_IO_LINK);
	put(sqe_of(IORING_OP_WRITE, p[1], text, 4, 0), 3, 0);
	SUBMIT(3);
	next_ones(3);
	put(sqe_of(IORING_OP_READ, f, text, 8, 0), 1, IOSQE_IO_LINK);
	put(nop(), 2, IOSQE_IO_LINK);
	put(nop(), 3, 0);
	SUBMIT(3);
	next_ones(3);
	put(sqe_of(IORING_OP_READ, f, text, 8, 0), 1, IOSQE_IO_HARDLINK);
	put(nop(), 2, 0);
	SUBMIT(2);
	next_ones(2);
	RUN(sqe_of(IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 0));
	put(nop(), 1, IOSQE_CQE_SKIP_SUCCESS);
	put(sqe_of(IORING_OP_READ, 99, NULL, 0, 0), 2, IOSQE_CQE_SKIP_SUCCESS);
	SUBMIT(1);
	next();
	none();
}

static void test_drain(void)
{
	char text[8];
	int p[2];

	make();
	RESULT(pipe(p));
	put(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 1, 0);
	put(nop(), 2, IOSQE_IO_DRAIN);
	SUBMIT(0);
	none();
	RESULT(write(p[1], "x", 1));
	next_ones(2);
}

/* --- names and sockets --- */

static void test_names(void)
{
	char x[256];
	int fd;

	make();
	RUN(sqe_of(IORING_OP_MKDIRAT, AT_FDCWD, "d", 0755, 0));
	RUN(sqe_of(IORING_OP_MKDIRAT, AT_FDCWD, "d", 0755, 0));
	fd = RUN(with(sqe_of(IORING_OP_OPENAT, AT_FDCWD, "d/f", 0644, 0), O_CREAT | O_RDWR));
	RUN(with(sqe_of(IORING_OP_OPENAT, AT_FDCWD, nowhere(), 0644, 0), O_RDONLY));
	RUN(with(sqe_of(IORING_OP_OPENAT, AT_FDCWD, "missing", 0, 0), O_RDONLY));
	RUN(sqe_of(IORING_OP_STATX, AT_FDCWD, "d/f", 0x7ff, (uintptr_t)x));
	RUN(sqe_of(IORING_OP_LINKAT, AT_FDCWD, "d/f", (unsigned)AT_FDCWD, (uintptr_t) "d/g"));
	RUN(sqe_of(IORING_OP_SYMLINKAT, AT_FDCWD, "g", 0, (uintptr_t) "d/l"));
	RUN(sqe_of(IORING_OP_RENAMEAT, AT_FDCWD, "d/g", (unsigned)AT_FDCWD, (uintptr_t) "d/h"));
	RUN(sqe_of(IORING_OP_UNLINKAT, AT_FDCWD, "d/h", 0, 0));
	RUN(sqe_of(IORING_OP_UNLINKAT, AT_FDCWD, "d/h", 0, 0));
	RUN(with(sqe_of(IORING_OP_UNLINKAT, AT_FDCWD, "d", 0, 0), AT_REMOVEDIR));
	RUN(with(sqe_of(IORING_OP_UNLINKAT, AT_FDCWD, "d", 0, 0), 1));
	RUN(sqe_of(IORING_OP_CLOSE, fd, NULL, 0, 0));
	RUN(sqe_of(IORING_OP_CLOSE, fd, NULL, 0, 0));
	RUN(sqe_of(IORING_OP_CLOSE, ring.fd, NULL, 0, 0));
	RUN(flagged(sqe_of(IORING_OP_MKDIRAT, AT_FDCWD, "e", 0755, 0), IOSQE_FIXED_FILE));
}

static void test_sockets(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "s" };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), v[2];
	struct iovec iov = { "defg", 4 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	char text[8] = "";

	make();
	signal(SIGPIPE, SIG_DFL);
	RESULT(bind(listener, (void *)&name, sizeof(name)));
	RESULT(listen(listener, 4));
	RUN(sqe_of(IORING_OP_CONNECT, client, &name, 0, sizeof(name)));
	RUN(sqe_of(IORING_OP_CONNECT, client, &name, 0, sizeof(name)));
	SUCCEEDS(RUN(sqe_of(IORING_OP_ACCEPT, listener, NULL, 0, 0)));
	RUN(sqe_of(IORING_OP_ACCEPT, client, NULL, 0, 0));
	RUN(with(sqe_of(IORING_OP_ACCEPT, listener, NULL, 0, 0), 1));
	put(sqe_of(IORING_OP_ACCEPT, listener, NULL, 0, 0), 1, 0);
	SUBMIT(0);
	none();
	RESULT(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
	RUN(with(sqe_of(IORING_OP_RECV, v[1], text, 8, 0), MSG_DONTWAIT));
	RUN(sqe_of(IORING_OP_SEND, v[0], "abc", 3, 0));
	RUN(sqe_of(IORING_OP_RECV, v[1], text, 8, 0));
	RUN(sqe_of(IORING_OP_RECV, 1, text, 8, 0));
	RUN(sqe_of(IORING_OP_SENDMSG, v[0], &m, 1, 0));
	RUN(sqe_of(IORING_OP_SENDMSG, v[0], nowhere(), 1, 0));
	iov = (struct iovec){ text, 8 };
	RUN(sqe_of(IORING_OP_RECVMSG, v[1], &m, 1, 0));
	RUN(sqe_of(IORING_OP_SHUTDOWN, v[0], NULL, SHUT_WR, 0));
	RUN(sqe_of(IORING_OP_SHUTDOWN, v[0], NULL, 77, 0));
	RUN(sqe_of(IORING_OP_RECV, v[1], text, 8, 0));
	RUN(sqe_of(IORING_OP_SEND, v[0], "x", 1, 0)); /* and no signal */
}

/* --- what is registered --- */

static void test_buffers(void)
{
	/* In one mapping: Linux wants that. */
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[2] = { { memory, 4096 }, { memory + 4096, 4096 } };
	struct abi_sqe s;
	int f = file_with("f", "");

	make();
	REGISTER(IORING_UNREGISTER_BUFFERS, NULL, 0);
	REGISTER(IORING_REGISTER_BUFFERS, nowhere(), 2);
	REGISTER(IORING_REGISTER_BUFFERS, NULL, 2);
	REGISTER(IORING_REGISTER_BUFFERS, iov, 0);
	REGISTER(IORING_REGISTER_BUFFERS, iov, 20000);
	REGISTER(IORING_REGISTER_BUFFERS, iov, 2);
	REGISTER(IORING_REGISTER_BUFFERS, iov, 2);
	memcpy(memory, "abcd", 4);
	RUN(sqe_of(IORING_OP_WRITE_FIXED, f, memory, 4, 0));
	s = sqe_of(IORING_OP_READ_FIXED, f, memory + 5000, 4, 0);
	RUN(s);
	s.buf_index = 1;
	RUN(s);
	s.len = 8192;
	RUN(s);
	s.buf_index = 2;
	RUN(s);
	REGISTER(IORING_UNREGISTER_BUFFERS, NULL, 1);
	REGISTER(IORING_UNREGISTER_BUFFERS, NULL, 0);
	RUN(sqe_of(IORING_OP_WRITE_FIXED, f, memory, 4, 0));
	iov[0].iov_base = nowhere();
	REGISTER(IORING_REGISTER_BUFFERS, iov, 1);
	iov[0] = (struct iovec){ NULL, 4096 };
	REGISTER(IORING_REGISTER_BUFFERS, iov, 1);
	iov[0] = (struct iovec){ memory, 0 };
	REGISTER(IORING_REGISTER_BUFFERS, iov, 1);
}

static void test_files(void)
{
	int fds[3] = { file_with("f", ""), -1, file_with("g", "") }, wild[1] = { 99 }, other[1] = { fds[2] };
	struct abi_uring_files_update up = { .offset = 1, .fds = (uintptr_t)other };
	struct abi_sqe s = flagged(sqe_of(IORING_OP_WRITE, 0, "abc", 3, 0), IOSQE_FIXED_FILE);

	make();
	REGISTER(IORING_UNREGISTER_FILES, NULL, 0);
	REGISTER(IORING_REGISTER_FILES_UPDATE, &up, 1);
	REGISTER(IORING_REGISTER_FILES, wild, 1);
	REGISTER(IORING_REGISTER_FILES, nowhere(), 1);
	REGISTER(IORING_REGISTER_FILES, NULL, 1);
	REGISTER(IORING_REGISTER_FILES, fds, 0);
	REGISTER(IORING_REGISTER_FILES, &ring.fd, 1);
	REGISTER(IORING_REGISTER_FILES, fds, 3);
	REGISTER(IORING_REGISTER_FILES, fds, 3);
	RUN(s);
	s.fd = 1;
	RUN(s);
	REGISTER(IORING_REGISTER_FILES_UPDATE, &up, 1);
	RUN(s);
	s.fd = 3;
	RUN(s);
	other[0] = -1;
	REGISTER(IORING_REGISTER_FILES_UPDATE, &up, 1);
	up.offset = 3;
	REGISTER(IORING_REGISTER_FILES_UPDATE, &up, 1);
	up.offset = 0;
	REGISTER(IORING_REGISTER_FILES_UPDATE, &up, 0);
	REGISTER(IORING_REGISTER_FILES_UPDATE, &up, 4);
	REGISTER(IORING_REGISTER_FILES_UPDATE, nowhere(), 1);
	other[0] = 99;
	REGISTER(IORING_REGISTER_FILES_UPDATE, &up, 1);
	REGISTER(IORING_UNREGISTER_FILES, NULL, 0);
	REGISTER(IORING_UNREGISTER_FILES, NULL, 0);
}

static void test_register(void)
{
	int e = eventfd(0, EFD_NONBLOCK), f = file_with("f", "");
	char bytes[16 + 256 * 8] = "";
	struct abi_uring_probe *probe = (void *)bytes;
	uint64_t n;

	make();
	RESULT(syscall(SYS_io_uring_register, f, 0, NULL, 0));
	RESULT(syscall(SYS_io_uring_register, 99, 0, NULL, 0));
	REGISTER(200, NULL, 0);
	REGISTER(IORING_REGISTER_EVENTFD, &f, 1);
	REGISTER(IORING_REGISTER_EVENTFD, nowhere(), 1);
	REGISTER(IORING_REGISTER_EVENTFD, &e, 2);
	REGISTER(IORING_UNREGISTER_EVENTFD, NULL, 0);
	REGISTER(IORING_REGISTER_EVENTFD, &e, 1);
	REGISTER(IORING_REGISTER_EVENTFD, &e, 1);
	RUN(nop());
	RESULT(read(e, &n, 8));
	VALUE(n);
	REGISTER(IORING_UNREGISTER_EVENTFD, NULL, 0);
	RUN(nop());
	RESULT(read(e, &n, 8));
	REGISTER(IORING_REGISTER_PROBE, bytes, 256);
	VALUE(probe->last_op >= IORING_OP_LINKAT);
	VALUE(probe->ops[IORING_OP_READ].flags);
	REGISTER(IORING_REGISTER_PROBE, bytes, 256);
	REGISTER(IORING_REGISTER_PROBE, nowhere(), 256);
	REGISTER(IORING_REGISTER_PROBE, NULL, 256);
	REGISTER(IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	RESULT(told(ring_setup(&ring, 8, IORING_SETUP_R_DISABLED, 0)) >= 0);
	put(nop(), 1, 0);
	SUBMIT(1);
	REGISTER(IORING_REGISTER_ENABLE_RINGS, NULL, 1);
	REGISTER(IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	REGISTER(IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	SUBMIT(1);
	next();
}

static void test_overflow(void)
{
	if (ring_setup(&ring, 4, IORING_SETUP_CQSIZE, 4) < 0)
		_exit(99);
	for (uint64_t i = 0; i < 12; i++) {
		put(nop(), i, 0);
		SUBMIT(0);
	}
	VALUE(*ring_word(&ring, ring.p.sq_off.flags) & IORING_SQ_CQ_OVERFLOW);
	for (uint64_t i = 0; i < 12; i++)
		next();
	none();
	VALUE(*ring_word(&ring, ring.p.sq_off.flags) & IORING_SQ_CQ_OVERFLOW);
	VALUE(*ring_word(&ring, ring.p.cq_off.overflow));
}

static const struct calls table[] = {
	{ "io_uring_setup", test_setup },       { "io_uring_enter", test_enter },
	{ "io_uring_enter", test_poll },        { "io_uring_enter", test_transfers },
	{ "io_uring_enter", test_oddities },    { "io_uring_enter", test_polls },
	{ "io_uring_enter", test_timeouts },    { "io_uring_enter", test_cancel },
	{ "io_uring_enter", test_links },       { "io_uring_enter", test_drain },
	{ "io_uring_enter", test_names },       { "io_uring_enter", test_sockets },
	{ "io_uring_register", test_buffers },  { "io_uring_register", test_files },
	{ "io_uring_register", test_register }, { "io_uring_enter", test_overflow },
};

CALLS_MAIN(table)
