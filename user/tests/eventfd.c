/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters with a descriptor, as eventfd(2) has them; all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "child.h"
#include "tap.h"

/* What a read or write says: the number, or a negative errno. */
static int64_t take(int fd)
{
	uint64_t n = 0;
	ssize_t got = read(fd, &n, sizeof(n));

	need(got == -1 || got == sizeof(n));
	return got < 0 ? -errno : (int64_t)n;
}

static int add(int fd, uint64_t n)
{
	ssize_t put = write(fd, &n, sizeof(n));

	need(put == -1 || put == sizeof(n));
	return put < 0 ? -errno : 0;
}

static int events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM };

	need(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static int make(unsigned n, int flags)
{
	int fd = eventfd(n, flags);

	need(fd >= 0);
	return fd;
}

static void counts(void)
{
	int fd = make(3, EFD_NONBLOCK);

	need(take(fd) == 3 && take(fd) == -EAGAIN);
	need(add(fd, 5) == 0 && add(fd, 7) == 0 && take(fd) == 12);
	need(add(fd, 0) == 0 && take(fd) == -EAGAIN);
	need(make(4294967295u, 0) >= 0);
}

static void semaphore(void)
{
	int fd = make(2, EFD_NONBLOCK | EFD_SEMAPHORE);

	need(take(fd) == 1 && take(fd) == 1 && take(fd) == -EAGAIN);
	need(add(fd, 3) == 0 && take(fd) == 1);
	need(events(fd) == (POLLIN | POLLOUT));
}

static void limits(void)
{
	int fd = make(0, EFD_NONBLOCK);

	need(events(fd) == POLLOUT);
	need(add(fd, UINT64_MAX) == -EINVAL);
	need(add(fd, UINT64_MAX - 1) == 0 && events(fd) == POLLIN);
	need(add(fd, 1) == -EAGAIN && add(fd, 0) == 0);
	need(take(fd) == (int64_t)(UINT64_MAX - 1) && events(fd) == POLLOUT);
}

static void errors(void)
{
	int fd = make(1, 0);
	char bytes[16];

	need(eventfd(0, 2) == -1 && errno == EINVAL);
	need(read(fd, bytes, 7) == -1 && errno == EINVAL);
	need(write(fd, bytes, 7) == -1 && errno == EINVAL);
	need(lseek(fd, 5, SEEK_SET) == 0); /* goes nowhere */
	need(write(fd, (void *)8, 8) == -1 && errno == EFAULT);
	need(read(fd, bytes, 16) == 8); /* more room does no harm */
	need(ftruncate(fd, 0) == -1 && errno == EINVAL);
}

static void flags_and_names(void)
{
	int fd = make(0, EFD_CLOEXEC | EFD_NONBLOCK), old = (int)syscall(SYS_eventfd, 6);
	char text[64] = "", path[64];
	struct stat st;

	need(fcntl(fd, F_GETFD) == FD_CLOEXEC &&
	     (fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == (O_NONBLOCK | O_RDWR));
	need(old >= 0 && fcntl(old, F_GETFD) == 0 && take(old) == 6);
	need(fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	need(readlink(path, text, sizeof(text) - 1) > 0 && strcmp(text, "anon_inode:[eventfd]") == 0);
}

static void fdinfo(void)
{
	int fd = make(0x2a, 0);
	char text[512], path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	need(f && fread(text, 1, sizeof(text) - 1, f) > 0);
	text[sizeof(text) - 1] = 0;
	need(strstr(text, "eventfd-count:               2a\n") && strstr(text, "eventfd-id: "));
}

static void vectors(void)
{
	uint64_t n = 9, a = 0;
	struct iovec one = { &n, 8 }, two[2] = { { &a, 4 }, { (char *)&a + 4, 4 } };
	int fd = make(0, 0);

	need(writev(fd, &one, 1) == 8 && readv(fd, two, 2) == 8 && a == 9);
}

/* --- two threads --------------------------------------------------------------------------------- */

static int shared;

static void *add_later(void *arg)
{
	usleep(20000);
	need(add(shared, (uint64_t)(uintptr_t)arg) == 0);
	return NULL;
}

static void *take_later(void *arg)
{
	usleep(20000);
	need(take(shared) == (int64_t)(UINT64_MAX - 1));
	return arg;
}

static void a_read_waits(void)
{
	pthread_t t;

	shared = make(0, 0);
	need(pthread_create(&t, NULL, add_later, (void *)4) == 0 && take(shared) == 4);
	pthread_join(t, NULL);
}

static void a_write_waits(void)
{
	pthread_t t;

	shared = make(0, 0);
	need(add(shared, UINT64_MAX - 1) == 0 && pthread_create(&t, NULL, take_later, NULL) == 0);
	need(add(shared, 5) == 0 && take(shared) == 5);
	pthread_join(t, NULL);
}

static void poll_waits(void)
{
	struct pollfd p;
	pthread_t t;

	shared = make(0, 0);
	p = (struct pollfd){ .fd = shared, .events = POLLIN };
	need(pthread_create(&t, NULL, add_later, (void *)1) == 0 && poll(&p, 1, 5000) == 1 &&
	     p.revents == POLLIN);
	pthread_join(t, NULL);
}

#define TURNS 3000

static int to, fro;

static void *pong(void *arg)
{
	for (int i = 0; i < TURNS; i++)
		need(take(to) == 1 && add(fro, 1) == 0);
	return arg;
}

static void ping_pong(void)
{
	pthread_t t;

	to = make(0, 0);
	fro = make(0, 0);
	need(pthread_create(&t, NULL, pong, NULL) == 0);
	for (int i = 0; i < TURNS; i++)
		need(add(to, 1) == 0 && take(fro) == 1);
	pthread_join(t, NULL);
}

#define ADDERS 4
#define EACH   5000

static void *add_many(void *arg)
{
	for (int i = 0; i < EACH; i++)
		need(add(shared, 1) == 0);
	return arg;
}

/* Nothing is lost and nothing is there twice. */
static void sums_are_exact(void)
{
	pthread_t t[ADDERS];
	int64_t sum = 0;

	shared = make(0, 0);
	for (int i = 0; i < ADDERS; i++)
		need(pthread_create(&t[i], NULL, add_many, NULL) == 0);
	while (sum < ADDERS * EACH)
		sum += take(shared);
	for (int i = 0; i < ADDERS; i++)
		pthread_join(t[i], NULL);
	need(sum == ADDERS * EACH && events(shared) == POLLOUT);
}

static void nothing(int signo)
{
	(void)signo;
}

static void a_signal_ends_a_read(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	int fd = make(0, 0);

	need(sigaction(SIGALRM, &sa, NULL) == 0);
	ualarm(20000, 0);
	need(take(fd) == -EINTR);
}

int main(void)
{
	tap(passes(counts), "what is written adds up, and a read takes it all");
	tap(passes(semaphore), "a semaphore is read one by one");
	tap(passes(limits), "the largest number, and what poll says");
	tap(passes(errors), "errors");
	tap(passes(flags_and_names), "flags, fstat and its name");
	tap(passes(fdinfo), "fdinfo");
	tap(passes(vectors), "readv and writev");
	tap(passes(a_read_waits), "a read waits for a write");
	tap(passes(a_write_waits), "a write waits for room");
	tap(passes(poll_waits), "poll waits");
	tap(passes(ping_pong), "two threads take turns");
	tap(passes(sums_are_exact), "four writers: the sum is exact");
	tap(passes(a_signal_ends_a_read), "a signal ends a read");
	return tap_end();
}
