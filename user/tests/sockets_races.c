/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local sockets used from many threads at once: ends that close while others send, listeners that go while
 * others connect, receivers that change, sockets sent in circles.  Nothing hangs or is mixed up, and when all
 * is closed the kernel has as many sockets as before (where /proc/slabinfo tells: on Serix).
 *
 *	sockets_races [seconds for each]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "child.h"
#include "sockets.h"
#include "tap.h"

#define THREADS 4
#define ENDS    6

static int seconds = 2;
static time_t end;
static _Atomic int ends[ENDS]; /* descriptors that all threads use; closed and made anew all the time */
static struct sockaddr_un names[2];

static bool more(void)
{
	return time(NULL) < end;
}

/* The descriptor that was there is closed: whoever uses it meanwhile gets an error, or another socket. */
static void put(int slot, int fd)
{
	int old = atomic_exchange(&ends[slot], fd);

	if (old > 0)
		close(old);
}

static void send_fd(int to, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { control, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	struct cmsghdr *c = (struct cmsghdr *)control;

	m.msg_controllen = sizeof(control);
	*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	raw_sendmsg(to, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void receive_fd(int from, unsigned flags)
{
	char control[CMSG_SPACE(sizeof(int) * 4)], data[8];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	struct cmsghdr *c;
	int fd;

	m.msg_controllen = sizeof(control);
	if (raw_recvmsg(from, &m, MSG_DONTWAIT | flags) < 0)
		return;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	close(fd);
}

static void make_pair(int type, int slot)
{
	int s[2];

	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s) < 0)
		return;
	put(slot, s[0]);
	put((slot + 1) % ENDS, s[1]);
}

static void anything(unsigned *seed)
{
	char buf[5000] = { 0 };
	int slot = rand_r(seed) % ENDS, fd = atomic_load(&ends[slot]),
	    other = atomic_load(&ends[rand_r(seed) % ENDS]);
	int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	switch (rand_r(seed) % 12) {
	case 0:
		make_pair(types[rand_r(seed) % 3], slot);
		break;
	case 1:
		shutdown(fd, rand_r(seed) % 3);
		break;
	case 2:
	case 3:
		send_fd(fd, other);
		break;
	case 4:
		receive_fd(fd, rand_r(seed) % 2 ? MSG_PEEK : 0);
		break;
	case 5:
	case 6:
		send(fd, buf, (size_t)rand_r(seed) % sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case 7:
		recv(fd, buf, sizeof(buf), MSG_DONTWAIT | (rand_r(seed) % 4 ? 0 : MSG_PEEK));
		break;
	case 8:
		put(slot, socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
		break;
	case 9:
		if (connect(fd, (struct sockaddr *)&names[rand_r(seed) % 2], sizeof(names[0])) == 0 &&
		    rand_r(seed) % 4 == 0)
			connect(fd, &none, sizeof(none));
		break;
	case 10: {
		struct pollfd p[2] = { { fd, POLLIN | POLLOUT, 0 }, { other, POLLIN | POLLOUT, 0 } };

		poll(p, 2, (int)(rand_r(seed) % 2));
		break;
	}
	default:
		set_option(fd, SO_PASSCRED, (int)(rand_r(seed) % 2));
	}
}

static void *do_anything(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (more())
		anything(&seed);
	return NULL;
}

static void run(void *(*work)(void *))
{
	pthread_t threads[THREADS];

	end = time(NULL) + seconds;
	for (uintptr_t i = 0; i < THREADS; i++)
		need(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) == 0);
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(threads[i], NULL) == 0);
}

static void anything_goes(void)
{
	for (int i = 0; i < 2; i++) {
		snprintf(names[i].sun_path, sizeof(names[i].sun_path), "/tmp/races.%d", i);
		names[i].sun_family = AF_UNIX;
		unlink(names[i].sun_path);
		fcntl(bound(SOCK_DGRAM, &names[i]), F_SETFL, O_NONBLOCK);
	}
	run(do_anything);
}

/* --- listeners ------------------------------------------------------------------------------------------ */

static struct sockaddr_un meeting = { AF_UNIX, "\0serix races" };
#define MEETING_LEN 14

static void serve(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c;

	if (bind(s, (struct sockaddr *)&meeting, MEETING_LEN) == 0 && listen(s, 2) == 0) {
		for (int i = 0; i < 20 && more(); i++) {
			struct pollfd p = { s, POLLIN, 0 };
			char byte;

			if (poll(&p, 1, 10) != 1 || (c = accept(s, NULL, NULL)) < 0)
				continue;
			if (read(c, &byte, 1) == 1)
				write(c, &byte, 1);
			close(c);
		}
	}
	close(s);
}

static void visit(unsigned *seed)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	char c = (char)rand_r(seed), got;

	if (connect(s, (struct sockaddr *)&meeting, MEETING_LEN) == 0 && rand_r(seed) % 4) {
		if (send(s, &c, 1, MSG_NOSIGNAL) == 1 && read(s, &got, 1) == 1)
			need(got == c);
	}
	close(s);
}

static void *serve_or_visit(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (more()) {
		if (seed % 2)
			serve();
		else
			visit(&seed);
		if (arg != (void *)1)
			seed = seed / 2 * 2;
	}
	return NULL;
}

static void listeners_come_and_go(void)
{
	run(serve_or_visit);
}

/* --- a stream of several ------------------------------------------------------------------------------- */

static int stream[2];
static _Atomic unsigned long written, received;

/* Each byte is worth its value: none is lost, none comes twice. */
static void *half_write_half_read(void *arg)
{
	unsigned char buf[3000];
	unsigned seed = (unsigned)(uintptr_t)arg;
	bool writer = seed % 2;

	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (unsigned char)(i * seed);
	while (more()) {
		size_t size = (size_t)rand_r(&seed) % sizeof(buf);
		ssize_t n = writer ? send(stream[0], buf, size, MSG_DONTWAIT)
				   : recv(stream[1], buf, size, MSG_DONTWAIT);
		unsigned long sum = 0;

		for (ssize_t i = 0; i < n; i++)
			sum += buf[i];
		atomic_fetch_add(writer ? &written : &received, sum);
	}
	return NULL;
}

static void many_on_one_stream(void)
{
	unsigned char buf[4096];
	ssize_t n;

	pair(SOCK_STREAM, stream);
	run(half_write_half_read);
	while ((n = recv(stream[1], buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		for (ssize_t i = 0; i < n; i++)
			received += buf[i];
	need(written > 0 && written == received);
}

/* --- what is left --------------------------------------------------------------------------------------- */

/* Sockets that the kernel has; -1: it does not tell. */
static long sockets_there(void)
{
	char line[256];
	FILE *f = fopen("/proc/slabinfo", "r");
	long n = -1;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "unix_socket ", 12) == 0)
			n = atol(line + 12);
	if (f)
		fclose(f);
	return n;
}

static bool nothing_left(long before)
{
	for (int i = 0; i < 100 && sockets_there() > before; i++)
		pause_ms(100);
	if (sockets_there() > before)
		printf("# %ld sockets before, %ld now\n", before, sockets_there());
	return sockets_there() <= before;
}

int main(int argc, char **argv)
{
	long before = sockets_there();

	if (argc > 1)
		seconds = atoi(argv[1]);
	tap(passes(anything_goes), "four threads do anything with six sockets");
	tap(nothing_left(before), "and leave none behind, in whatever circles they were");
	tap(passes(listeners_come_and_go), "listeners come and go while others connect");
	tap(passes(many_on_one_stream), "two write and two read one stream: no byte lost or doubled");
	tap(nothing_left(before), "nothing is left");
	return tap_end();
}
