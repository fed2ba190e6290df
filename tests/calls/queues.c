/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX message queues, by the kernel's own calls: names come without the slash. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

static struct mq_attr small = { .mq_maxmsg = 2, .mq_msgsize = 8 };
static const struct timespec past = { 1, 0 }, wrong = { 0, -1 };

static long mq_make(const char *name, int flags, struct mq_attr *attr)
{
	return syscall(SYS_mq_open, name, flags, 0600, attr);
}

static long mq_remove(const char *name)
{
	return syscall(SYS_mq_unlink, name);
}

static long put(long q, const char *text, size_t size, unsigned priority, const struct timespec *until)
{
	return syscall(SYS_mq_timedsend, q, text, size, priority, until);
}

static long get(long q, char *text, size_t size, unsigned *priority, const struct timespec *until)
{
	return syscall(SYS_mq_timedreceive, q, text, size, priority, until);
}

static void stranger(void)
{
	RESULT(mq_make("calls", O_RDWR, NULL));
	RESULT(mq_remove("calls"));
	RESULT(mq_make("calls", O_CREAT | O_EXCL | O_RDWR, NULL));
	struct mq_attr many = { .mq_maxmsg = 11, .mq_msgsize = 8 },
		       long_ones = { .mq_maxmsg = 1, .mq_msgsize = 8193 };
	RESULT(mq_make("calls-2", O_CREAT | O_RDWR, &many));
	RESULT(mq_make("calls-2", O_CREAT | O_RDWR, &long_ones));
}

static void test_open(void)
{
	struct mq_attr bad = { .mq_maxmsg = 0, .mq_msgsize = 8 };
	char name[300];
	long q;

	mq_remove("calls");
	RESULT(mq_make("calls", O_RDWR, NULL));
	RESULT(mq_make("calls", O_CREAT | O_RDWR, &bad));
	bad = (struct mq_attr){ .mq_maxmsg = 1, .mq_msgsize = -1 };
	RESULT(mq_make("calls", O_CREAT | O_RDWR, &bad));
	q = SUCCEEDS(mq_make("calls", O_CREAT | O_RDWR | O_NONBLOCK, &small));
	RESULT(fcntl((int)q, F_GETFD));
	VALUE(fcntl((int)q, F_GETFL) & ~0100000);
	RESULT(mq_make("calls", O_CREAT | O_EXCL | O_RDWR, NULL));
	RESULT(mq_make("calls", O_ACCMODE, NULL));
	SUCCEEDS(mq_make("calls", O_RDONLY, NULL));
	RESULT(mq_make("calls", O_RDWR, nowhere()));
	RESULT(mq_make(nowhere(), O_RDWR, NULL));
	RESULT(mq_make("", O_CREAT | O_RDWR, NULL));
	RESULT(mq_make("/calls", O_RDWR, NULL));
	RESULT(mq_make("a/b", O_CREAT | O_RDWR, NULL));
	RESULT(mq_make(".", O_RDWR, NULL));
	RESULT(mq_make("..", O_RDWR, NULL));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	RESULT(mq_make(name, O_RDWR, NULL));
	as_user(1000, "another user", stranger);
	RESULT(mq_remove("calls"));
	RESULT(mq_remove("calls"));
	RESULT(mq_remove("a/b"));
	RESULT(mq_remove(""));
	RESULT(mq_remove(nowhere()));
}

static void test_transfer(void)
{
	struct pollfd p = { .events = POLLIN | POLLOUT };
	unsigned priority = 0;
	char text[16] = "";
	struct stat st;
	long q, reader;

	mq_remove("calls");
	q = SUCCEEDS(mq_make("calls", O_CREAT | O_RDWR, &small));
	reader = SUCCEEDS(mq_make("calls", O_RDONLY | O_NONBLOCK, NULL));
	p.fd = (int)q;
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
	RESULT(put(q, "low", 3, 1, NULL));
	RESULT(put(q, "high", 4, 32767, NULL));
	RESULT(put(q, "more", 4, 0, &past));
	RESULT(put(q, "more", 4, 32768, NULL));
	RESULT(put(q, "too long.", 9, 0, NULL));
	RESULT(put(q, "x", 1, 0, &wrong));
	RESULT(put(q, "x", 1, 0, nowhere()));
	RESULT(put(q, nowhere(), 1, 0, NULL));
	RESULT(put(reader, "x", 1, 0, NULL));
	RESULT(put(0, "x", 1, 0, NULL));
	RESULT(put(-1, "x", 1, 0, NULL));
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
	RESULT(get(q, text, 7, NULL, NULL));
	RESULT(get(reader, text, 8, &priority, NULL));
	VALUE(priority);
	TEXT("text", text, 4);
	RESULT(get(reader, nowhere(), 8, NULL, NULL));
	RESULT(get(reader, text, 8, NULL, NULL));
	RESULT(get(q, text, 8, NULL, &past));
	RESULT(get(q, text, 8, NULL, &wrong));
	RESULT(get(0, text, 8, NULL, NULL));
	RESULT(write((int)q, "x", 1));
	fstat((int)q, &st);
	VALUE(st.st_mode);
	VALUE(st.st_size);
	TEXT("status", text, (size_t)RESULT(pread((int)q, text, 16, 0)));
	RESULT(mq_remove("calls"));
}

static void test_notify(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	long q;

	mq_remove("calls");
	q = SUCCEEDS(mq_make("calls", O_CREAT | O_RDWR, &small));
	RESULT(syscall(SYS_mq_notify, q, NULL));
	RESULT(syscall(SYS_mq_notify, q, &event));
	RESULT(syscall(SYS_mq_notify, q, &event));
	RESULT(put(q, "x", 1, 0, NULL));
	RESULT(syscall(SYS_mq_notify, q, &event));
	event.sigev_notify = 77;
	RESULT(syscall(SYS_mq_notify, q, &event));
	event = (struct sigevent){ .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	RESULT(syscall(SYS_mq_notify, q, &event));
	RESULT(syscall(SYS_mq_notify, q, nowhere()));
	RESULT(syscall(SYS_mq_notify, 0, NULL));
	RESULT(syscall(SYS_mq_notify, -1, NULL));
	RESULT(mq_remove("calls"));
}

static void test_attributes(void)
{
	struct mq_attr set = { .mq_flags = O_NONBLOCK, .mq_maxmsg = 5 }, old;
	long q;

	mq_remove("calls");
	q = SUCCEEDS(mq_make("calls", O_CREAT | O_RDWR, NULL));
	RESULT(syscall(SYS_mq_getsetattr, q, &set, &old));
	VALUE(old.mq_flags);
	VALUE(old.mq_maxmsg);
	VALUE(old.mq_msgsize);
	VALUE(old.mq_curmsgs);
	RESULT(syscall(SYS_mq_getsetattr, q, NULL, &old));
	VALUE(old.mq_flags);
	set.mq_flags = O_APPEND;
	RESULT(syscall(SYS_mq_getsetattr, q, &set, NULL));
	RESULT(syscall(SYS_mq_getsetattr, q, NULL, nowhere()));
	RESULT(syscall(SYS_mq_getsetattr, q, nowhere(), NULL));
	RESULT(syscall(SYS_mq_getsetattr, 0, NULL, &old));
	RESULT(mq_remove("calls"));
}

static const struct calls table[] = {
	{ "mq_open mq_unlink", test_open },
	{ "mq_timedsend mq_timedreceive", test_transfer },
	{ "mq_notify", test_notify },
	{ "mq_getsetattr", test_attributes },
};

CALLS_MAIN(table)
