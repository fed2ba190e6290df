/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of rings that wait, and what they wait for: events, times, each other; and how they end without
 * it.  All of this holds on Linux, too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <time.h>

#include "tap.h"
#include "uring_steps.h"

#define MS 1000000ll

/* --- polls, timeouts, cancelling ------------------------------------------------------------------------ */

static struct abi_sqe poll_of(int fd, unsigned events)
{
	struct abi_sqe s = sqe_of(IORING_OP_POLL_ADD, fd, NULL, 0, 0);

	s.op_flags = events;
	return s;
}

static struct abi_sqe cancel_of(unsigned opcode, uint64_t user_data)
{
	return sqe_of(opcode, -1, (void *)user_data, 0, 0);
}

static void polls(void)
{
	struct abi_cqe c;
	int p[2];

	make();
	need(pipe(p) == 0);
	need((run(poll_of(p[1], POLLOUT)) & POLLOUT) == POLLOUT);
	put_as(poll_of(p[0], POLLIN), 1, 0);
	need(ring_submit(&ring, 0) == 1 && nothing() && write(p[1], "x", 1) == 1);
	c = next();
	need(c.user_data == 1 && (c.res & POLLIN));
	need(read(p[0], &c, 1) == 1);
	put_as(poll_of(p[0], POLLIN), 2, 0);
	put_as(cancel_of(IORING_OP_POLL_REMOVE, 7), 3, 0);
	need(ring_submit(&ring, 1) == 2 && is(3, -ENOENT));
	put_as(cancel_of(IORING_OP_POLL_REMOVE, 2), 4, 0);
	need(ring_submit(&ring, 2) == 1);
	c = next();
	if (c.user_data == 4)
		need(c.res == 0 && is(2, -ECANCELED));
	else
		need(c.user_data == 2 && c.res == -ECANCELED && is(4, 0));
}

static struct timespec times[4] = { { 0, 20 * MS }, { 1000, 0 }, { 0, 1 }, { -1, 0 } };

static struct abi_sqe timeout_of(const struct timespec *t, unsigned count, unsigned flags)
{
	struct abi_sqe s = sqe_of(IORING_OP_TIMEOUT, -1, t, 1, count);

	s.op_flags = flags;
	return s;
}

static void timeouts(void)
{
	struct abi_sqe s;

	make();
	need(run(timeout_of(&times[0], 0, 0)) == -ETIME);
	need(run(timeout_of((void *)8, 0, 0)) == -EFAULT);
	need(run(timeout_of(&times[3], 0, 0)) == -EINVAL);
	need(run(timeout_of(&times[2], 0, IORING_TIMEOUT_ABS)) == -ETIME);
	put_as(timeout_of(&times[1], 2, 0), 1, 0);
	put_as(nop(), 2, 0);
	put_as(nop(), 3, 0);
	need(ring_submit(&ring, 3) == 3 && is(2, 0) && is(3, 0) && is(1, 0));
	put_as(timeout_of(&times[1], 0, 0), 4, 0);
	put_as(cancel_of(IORING_OP_TIMEOUT_REMOVE, 9), 5, 0);
	need(ring_submit(&ring, 1) == 2 && is(5, -ENOENT));
	/* Sooner than it was to be. */
	s = cancel_of(IORING_OP_TIMEOUT_REMOVE, 4);
	s.off = (uintptr_t)&times[0];
	s.op_flags = IORING_TIMEOUT_UPDATE;
	put_as(s, 6, 0);
	need(ring_submit(&ring, 1) == 1 && is(6, 0) && is(4, -ETIME));
}

static void the_wait_ends(void)
{
	struct abi_uring_events_arg arg = { .timeout = (uintptr_t)&times[0] };

	make();
	need(syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
		     sizeof(arg)) == -1 &&
	     errno == ETIME);
	need(syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
		     4l) == -1 &&
	     errno == EINVAL);
}

static void cancels(void)
{
	struct abi_sqe s;
	char text[8];
	int p[2];

	make();
	need(pipe(p) == 0);
	put_as(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 1, 0);
	put_as(cancel_of(IORING_OP_ASYNC_CANCEL, 7), 2, 0);
	need(ring_submit(&ring, 1) == 2 && is(2, -ENOENT));
	put_as(cancel_of(IORING_OP_ASYNC_CANCEL, 1), 3, IOSQE_CQE_SKIP_SUCCESS);
	need(ring_submit(&ring, 1) == 1 && is(1, -ECANCELED));
	put_as(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 4, 0);
	put_as(poll_of(p[0], POLLIN), 4, 0);
	s = cancel_of(IORING_OP_ASYNC_CANCEL, 4);
	s.op_flags = IORING_ASYNC_CANCEL_ALL;
	put_as(s, 5, IOSQE_CQE_SKIP_SUCCESS);
	need(ring_submit(&ring, 2) == 3 && is(4, -ECANCELED) && is(4, -ECANCELED) && nothing());
}

/* --- chains --------------------------------------------------------------------------------------------- */

static void links(void)
{
	int fd = file(), p[2];
	char text[8] = "";

	make();
	need(pipe(p) == 0);
	put_as(sqe_of(IORING_OP_WRITE, fd, "abcd", 4, 0), 1, IOSQE_IO_LINK);
	put_as(sqe_of(IORING_OP_READ, fd, text, 4, 0), 2, IOSQE_IO_LINK);
	put_as(sqe_of(IORING_OP_WRITE, p[1], text, 4, 0), 3, 0);
	need(ring_submit(&ring, 3) == 3 && is(1, 4) && is(2, 4) && is(3, 4));
	/* A short read breaks it. */
	put_as(sqe_of(IORING_OP_READ, fd, text, 8, 0), 1, IOSQE_IO_LINK);
	put_as(nop(), 2, IOSQE_IO_LINK);
	put_as(nop(), 3, 0);
	put_as(nop(), 4, 0);
	need(ring_submit(&ring, 4) == 4 && is(1, 4) && is(2, -ECANCELED) && is(3, -ECANCELED) && is(4, 0));
	put_as(sqe_of(IORING_OP_READ, fd, text, 8, 0), 1, IOSQE_IO_HARDLINK);
	put_as(nop(), 2, 0);
	need(ring_submit(&ring, 2) == 2 && is(1, 4) && is(2, 0));
	/* The second waits for the first. */
	need(read(p[0], text, 4) == 4);
	put_as(poll_of(p[0], POLLIN), 1, IOSQE_IO_LINK);
	put_as(sqe_of(IORING_OP_READ, p[0], text, 2, 0), 2, 0);
	need(ring_submit(&ring, 0) == 2 && nothing() && write(p[1], "xy", 2) == 2);
	need(next().user_data == 1 && is(2, 2));
}

static void link_timeouts(void)
{
	struct abi_sqe limit = sqe_of(IORING_OP_LINK_TIMEOUT, -1, &times[0], 1, 0);
	struct abi_cqe a, b;
	char text[8];
	int p[2];

	make();
	need(pipe(p) == 0);
	put_as(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 1, IOSQE_IO_LINK);
	put_as(limit, 2, 0);
	need(ring_submit(&ring, 2) == 2);
	a = next();
	b = next();
	need(a.user_data + b.user_data == 3);
	need((a.user_data == 1 ? a : b).res == -ECANCELED && (a.user_data == 1 ? b : a).res == -ETIME);
	put_as(nop(), 1, IOSQE_IO_LINK);
	put_as(limit, 2, IOSQE_IO_LINK);
	put_as(nop(), 3, 0);
	need(ring_submit(&ring, 3) == 3);
	for (int i = 0; i < 3; i++) {
		a = next();
		need(a.res == (a.user_data == 2 ? -ECANCELED : 0));
	}
	need(run(limit) == -EINVAL);
}

static void drains(void)
{
	char text[8];
	int p[2];

	make();
	need(pipe(p) == 0);
	put_as(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 1, 0);
	put_as(nop(), 2, IOSQE_IO_DRAIN);
	put_as(nop(), 3, 0);
	need(ring_submit(&ring, 0) == 3 && nothing());
	need(write(p[1], "x", 1) == 1 && is(1, 1) && is(2, 0) && is(3, 0));
}

static void skipped(void)
{
	make();
	put_as(nop(), 1, IOSQE_CQE_SKIP_SUCCESS);
	put_as(sqe_of(IORING_OP_READ, 99, NULL, 0, 0), 2, IOSQE_CQE_SKIP_SUCCESS);
	need(ring_submit(&ring, 1) == 2 && is(2, -EBADF) && nothing());
}

/* --- ends ----------------------------------------------------------------------------------------------- */

static void *submit_and_leave(void *arg)
{
	put_as(poll_of(*(int *)arg, POLLIN), 1, 0);
	need(ring_submit(&ring, 0) == 1);
	return NULL;
}

static void a_thread_ends(void)
{
	pthread_t t;
	int p[2];

	make();
	need(pipe(p) == 0 && pthread_create(&t, NULL, submit_and_leave, p) == 0);
	pthread_join(t, NULL);
	need(is(1, -ECANCELED));
}

/* The thread that submitted sleeps elsewhere: its requests go on all the same, and its call, too. */
static void *submit_and_sleep(void *arg)
{
	int *p = arg, go = 0;
	char text[4];

	put_as(sqe_of(IORING_OP_READ, p[0], text, 4, 0), 1, 0);
	need(ring_submit(&ring, 0) == 1 && write(p[3], "s", 1) == 1);
	need(read(p[4], &go, 1) == 1);
	return NULL;
}

static void a_thread_sleeps(void)
{
	int p[6];
	pthread_t t;
	char c;

	make();
	need(pipe(p) == 0 && pipe(p + 2) == 0 && pipe(p + 4) == 0);
	need(pthread_create(&t, NULL, submit_and_sleep, p) == 0 && read(p[2], &c, 1) == 1);
	need(write(p[1], "abcd", 4) == 4 && is(1, 4));
	need(write(p[5], "g", 1) == 1 && pthread_join(t, NULL) == 0);
}

static void close_ends_requests(void)
{
	int p[2];

	signal(SIGPIPE, SIG_IGN);
	make();
	need(pipe(p) == 0);
	put_as(poll_of(p[0], POLLIN), 1, 0);
	need(ring_submit(&ring, 0) == 1 && close(p[0]) == 0 && write(p[1], "", 0) == 0);
	ring_end(&ring);
	for (int i = 0; i < 500 && write(p[1], "x", 1) == 1; i++)
		usleep(10000);
	need(write(p[1], "x", 1) == -1 && errno == EPIPE);
}

static void calls_go_on(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int p[2], q[2], ep = epoll_create1(0);
	char text[4];

	make();
	need(pipe(p) == 0 && pipe(q) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, q[0], &e) == 0);
	put_as(timeout_of(&times[0], 0, 0), 1, IOSQE_IO_LINK);
	put_as(nop(), 2, 0);
	put_as(sqe_of(IORING_OP_READ, p[0], text, 4, 0), 3, 0);
	need(ring_submit(&ring, 0) == 3);
	/* Nobody but the timeout interrupts this. */
	need(usleep(60000) == 0 && is(1, -ETIME) && is(2, -ECANCELED));
	put_as(timeout_of(&times[0], 0, 0), 1, 0);
	need(ring_submit(&ring, 0) == 1 && epoll_wait(ep, &e, 1, 60) == 0 && is(1, -ETIME));
}

int main(void)
{
	tap(passes(polls), "polls");
	tap(passes(timeouts), "timeouts");
	tap(passes(the_wait_ends), "the wait has a timeout, too");
	tap(passes(cancels), "requests that are cancelled");
	tap(passes(links), "links");
	tap(passes(link_timeouts), "timeouts of links");
	tap(passes(drains), "drains");
	tap(passes(skipped), "success that is not told");
	tap(passes(a_thread_ends), "requests end with their thread");
	tap(passes(a_thread_sleeps), "and go on while it sleeps");
	tap(passes(close_ends_requests), "closing the ring ends them");
	tap(passes(calls_go_on), "calls that are disturbed go on");
	return tap_end();
}
