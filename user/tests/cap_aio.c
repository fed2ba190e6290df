/* SPDX-License-Identifier: BSD-2-Clause */
/* Asynchronous I/O and capabilities: the rights of descriptors hold, and a revocation ends what waits. */
#include "cap_files.h"

#include <poll.h>
#include <sys/eventfd.h>

#include "aio_calls.h"

static aio_context ctx;

static void make(void)
{
	need(aio_setup(8, &ctx) == 0);
}

static int64_t result(void)
{
	struct abi_io_event e = { 0 };

	need(aio_events(ctx, 1, 1, &e, 5000) == 1);
	return e.res;
}

static int refused(struct abi_iocb iocb)
{
	return aio_one(ctx, &iocb) == -1 ? errno : 0;
}

static void rights_hold(void)
{
	char text[8] = "";
	int fd = file();

	make();
	need(refused(aio_of(IOCB_CMD_PWRITE, with_rights(fd, FILE_RIGHT_READ | FILE_RIGHT_SEEK), "x", 1,
			    0)) == EBADF);
	need(refused(aio_of(IOCB_CMD_PREAD, with_rights(fd, FILE_RIGHT_WRITE), text, 1, 0)) == EBADF);
	need(refused(aio_of(IOCB_CMD_PREAD, with_rights(fd, FILE_RIGHT_READ), text, 1, 0)) == 0 &&
	     result() == -EPERM);
	need(refused(aio_of(IOCB_CMD_FSYNC, with_rights(fd, FILE_RIGHT_STAT), NULL, 0, 0)) == EBADF);
}

static void polls_need_rights(void)
{
	int p[2];

	make();
	need(pipe(p) == 0);
	need(refused(aio_poll_of(with_rights(p[0], FILE_RIGHT_STAT), POLLIN)) == EPERM);
	need(refused(aio_poll_of(with_rights(p[0], FILE_RIGHT_READ), POLLIN)) == 0);
}

static void revocation_ends_a_poll(void)
{
	struct abi_iocb poll;
	int p[2], victim;

	make();
	need(pipe(p) == 0);
	victim = with_rights(p[0], ALL_RIGHTS);
	poll = aio_poll_of(victim, POLLIN);
	need(aio_one(ctx, &poll) == 1 && cap_revoke(victim, 0) == 0 && result() == -EBADF);
	/* Of another descriptor of the same file. */
	poll.fd = p[0];
	victim = with_rights(p[0], ALL_RIGHTS);
	need(aio_one(ctx, &poll) == 1 && cap_revoke(victim, 0) == 0);
	need(write(p[1], "x", 1) == 1 && result() == POLLIN);
}

static void a_revoked_eventfd_hears_nothing(void)
{
	int p[2], e = eventfd(0, EFD_NONBLOCK), victim;
	struct abi_iocb poll;
	uint64_t n;

	make();
	need(pipe(p) == 0);
	victim = with_rights(e, ALL_RIGHTS);
	poll = aio_poll_of(p[0], POLLIN);
	poll.flags = IOCB_FLAG_RESFD;
	poll.resfd = victim;
	need(aio_one(ctx, &poll) == 1 && cap_revoke(victim, 0) == 0 && write(p[1], "x", 1) == 1);
	need(result() == POLLIN && read(e, &n, 8) == -1 && errno == EAGAIN);
	poll.resfd = with_rights(e, FILE_RIGHT_READ);
	need(refused(poll) == EBADF);
}

int main(void)
{
	tap(passes(rights_hold), "what a descriptor does not grant, io_submit does not do");
	tap(passes(polls_need_rights), "nor does it tell");
	tap(passes(revocation_ends_a_poll), "a revocation ends a poll, and no other");
	tap(passes(a_revoked_eventfd_hears_nothing), "an eventfd that was taken away hears nothing");
	return tap_end();
}
