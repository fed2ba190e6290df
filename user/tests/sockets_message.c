/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams, seqpackets, messages and options of local sockets: all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "child.h"
#include "sockets.h"
#include "tap.h"

#ifndef SIOCOUTQ
#define SIOCOUTQ TIOCOUTQ
#endif

/* --- datagrams ------------------------------------------------------------------------------------------ */

static void datagrams_have_bounds(void)
{
	char buf[16];
	int s[2];

	pair(SOCK_DGRAM, s);
	need(write(s[0], "abc", 3) == 3 && write(s[0], "", 0) == 0 && write(s[0], "defgh", 5) == 5);
	need(read(s[1], buf, 16) == 3 && memcmp(buf, "abc", 3) == 0);
	need(recv(s[1], buf, 16, 0) == 0);
	need(recv(s[1], buf, 2, 0) == 2 && memcmp(buf, "de", 2) == 0);
	need(recv(s[1], buf, 16, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

static void large_datagrams_are_one_piece(void)
{
	enum { SIZE = 150000 };
	unsigned char *out = malloc(SIZE), *in = malloc(SIZE);
	int s[2];

	for (int i = 0; i < SIZE; i++)
		out[i] = (unsigned char)(i * 13 + i / 97);
	for (int type = SOCK_DGRAM; type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_DGRAM) {
		pair(type, s);
		for (int size = 100; size <= SIZE; size = size < SIZE / 10 ? size * 7 : size + SIZE / 5) {
			need(write(s[0], out, (size_t)size) == size);
			need(read(s[1], in, SIZE) == size && memcmp(in, out, (size_t)size) == 0);
		}
	}
}

static void cut_datagrams_say_so(void)
{
	char buf[4];
	struct iovec iov = { buf, 4 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int s[2];

	pair(SOCK_DGRAM, s);
	need(write(s[0], "abcdefgh", 8) == 8 && write(s[0], "abcdefgh", 8) == 8 && write(s[0], "xy", 2) == 2);
	need(recv(s[1], buf, 4, MSG_TRUNC | MSG_PEEK) == 8);
	need(recv(s[1], buf, 4, MSG_TRUNC) == 8 && memcmp(buf, "abcd", 4) == 0);
	need(raw_recvmsg(s[1], &m, 0) == 4 && m.msg_flags == MSG_TRUNC);
	need(raw_recvmsg(s[1], &m, 0) == 2 && m.msg_flags == 0);
}

static void senders_are_named(void)
{
	struct sockaddr_un name = path_name("rx"), from_name = path_name("tx"), got;
	int rx = bound(SOCK_DGRAM, &name), tx = bound(SOCK_DGRAM, &from_name), anon;
	socklen_t len = sizeof(got);
	char c;

	anon = socket(AF_UNIX, SOCK_DGRAM, 0);
	need(sendto(tx, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == 1);
	need(sendto(anon, "y", 1, 0, (struct sockaddr *)&name, sizeof(name)) == 1);
	need(recvfrom(rx, &c, 1, 0, (struct sockaddr *)&got, &len) == 1 && c == 'x');
	need(len == 3 + strlen(from_name.sun_path) && strcmp(got.sun_path, from_name.sun_path) == 0);
	len = sizeof(got);
	need(recvfrom(rx, &c, 1, 0, (struct sockaddr *)&got, &len) == 1 && c == 'y' && len == 0);
	need(close(tx) == 0);
	need(unlink(name.sun_path) == 0 && unlink(from_name.sun_path) == 0);
}

static void datagram_errors(void)
{
	struct sockaddr_un name = path_name("err");
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), rx, p[2];
	char *big = calloc(1, 300000);

	need(write(s, "x", 1) == -1 && errno == ENOTCONN);
	need(sendto(s, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == ENOENT);
	need(sendto(s, "x", 1, 0, (struct sockaddr *)&name, 1) == -1 && errno == EINVAL);
	need(listen(s, 1) == -1 && errno == EOPNOTSUPP);
	need(accept(s, NULL, NULL) == -1 && errno == EOPNOTSUPP);
	need(send(s, "x", 1, MSG_OOB) == -1 && errno == EOPNOTSUPP);
	rx = bound(SOCK_DGRAM, &name);
	need(sendto(s, big, 300000, 0, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EMSGSIZE);
	need(connect(s, (struct sockaddr *)&name, sizeof(name)) == 0 && write(s, "x", 1) == 1);
	need(connect(s, (struct sockaddr *)&name, sizeof(name)) == 0); /* again, as datagrams may */
	need(close(rx) == 0 && write(s, "x", 1) == -1 && errno == ECONNREFUSED);
	need(write(s, "x", 1) == -1 && errno == ENOTCONN);
	need(sendto(s, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == ECONNREFUSED);
	pair(SOCK_DGRAM, p);
	need(shutdown(p[0], SHUT_WR) == 0 && write(p[0], "x", 1) == -1 && errno == EPIPE);
	need(shutdown(p[0], SHUT_RD) == 0 && write(p[1], "x", 1) == -1 && errno == EPIPE);
	need(unlink(name.sun_path) == 0);
}

static void peer_takes_from_its_own_alone(void)
{
	struct sockaddr_un a = path_name("a"), b = path_name("b");
	int sa = bound(SOCK_DGRAM, &a), sb = bound(SOCK_DGRAM, &b), other = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	need(connect(sa, (struct sockaddr *)&b, sizeof(b)) == 0);
	need(sendto(other, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)) == -1 && errno == EPERM);
	need(connect(other, (struct sockaddr *)&a, sizeof(a)) == -1 && errno == EPERM);
	need(sendto(sb, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)) == 1);
	need(connect(sa, &none, sizeof(none)) == 0);
	need(sendto(other, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)) == 1);
	need(unlink(a.sun_path) == 0 && unlink(b.sun_path) == 0);
}

static void queue_of_datagrams_is_limited(void)
{
	struct sockaddr_un name = path_name("queue");
	int rx = bound(SOCK_DGRAM, &name), tx = connected(SOCK_DGRAM, &name), n = 0;
	pid_t child;
	char c;

	while (send(tx, "x", 1, MSG_DONTWAIT) == 1)
		n++;
	need(errno == EAGAIN && n > 1);
	need(!(events_of(tx) & POLLOUT));
	child = fork();
	if (child == 0) {
		struct pollfd p = { tx, POLLOUT, 0 };

		need(poll(&p, 1, 5000) == 1 && p.revents == POLLOUT);
		_exit(send(tx, "y", 1, 0) != 1);
	}
	pause_ms(20);
	need(read(rx, &c, 1) == 1);
	need(ends_well(child));
	child = fork();
	if (child == 0)
		_exit(send(tx, "z", 1, 0) != 1);
	pause_ms(20);
	for (; n > 0; n--)
		need(read(rx, &c, 1) == 1);
	need(ends_well(child));
	need(unlink(name.sun_path) == 0);
}

static void closing_frees_who_waits(void)
{
	struct sockaddr_un name = path_name("frees");
	int rx = bound(SOCK_DGRAM, &name), tx = connected(SOCK_DGRAM, &name);
	pid_t child;

	while (send(tx, "x", 1, MSG_DONTWAIT) == 1)
		;
	child = fork();
	if (child == 0) {
		need(close(rx) == 0);
		_exit(send(tx, "y", 1, 0) != -1 || errno != ECONNREFUSED);
	}
	pause_ms(20);
	need(close(rx) == 0);
	need(ends_well(child));
	need(unlink(name.sun_path) == 0);
}

/* --- seqpackets ----------------------------------------------------------------------------------------- */

static void seqpackets_are_both(void)
{
	struct sockaddr_un name = path_name("seq");
	int listener = bound(SOCK_SEQPACKET, &name), client, server;
	char buf[8];

	need(listen(listener, 1) == 0);
	client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	need(write(client, "x", 1) == -1 && errno == ENOTCONN);
	need(recv(client, buf, 1, 0) == -1 && errno == ENOTCONN);
	need(connect(client, (struct sockaddr *)&name, sizeof(name)) == 0);
	server = accept(listener, NULL, NULL);
	need(write(client, "abc", 3) == 3 && write(client, "de", 2) == 2);
	need(read(server, buf, 8) == 3 && read(server, buf, 8) == 2);
	need(events_of(server) == POLLOUT);
	need(close(client) == 0 && read(server, buf, 8) == 0);
	need(events_of(server) == (POLLIN | POLLOUT | POLLHUP | POLLRDHUP));
	signal(SIGPIPE, SIG_DFL); /* seqpackets do not signal */
	need(send(server, "x", 1, 0) == -1 && errno == EPIPE);
	need(unlink(name.sun_path) == 0);
}

/* --- messages ------------------------------------------------------------------------------------------- */

static void several_messages_at_once(void)
{
	char out[3][2] = { "a", "b", "c" }, in[4][4];
	struct iovec ov[3], iv[4];
	struct mmsghdr send_[3] = { 0 }, receive[4] = { 0 };
	struct timespec soon = { 0, 1000000 };
	int s[2];

	for (int i = 0; i < 3; i++) {
		ov[i] = (struct iovec){ out[i], (size_t)i + 1 > 2 ? 2 : (size_t)i + 1 };
		send_[i].msg_hdr = (struct msghdr){ .msg_iov = &ov[i], .msg_iovlen = 1 };
	}
	for (int i = 0; i < 4; i++) {
		iv[i] = (struct iovec){ in[i], 4 };
		receive[i].msg_hdr = (struct msghdr){ .msg_iov = &iv[i], .msg_iovlen = 1 };
	}
	pair(SOCK_DGRAM, s);
	need(sendmmsg(s[0], send_, 3, 0) == 3 && send_[0].msg_len == 1 && send_[2].msg_len == 2);
	need(recvmmsg(s[1], receive, 4, MSG_WAITFORONE, NULL) == 3);
	need(receive[0].msg_len == 1 && receive[1].msg_len == 2 && in[2][0] == 'c');
	need(recvmmsg(s[1], receive, 4, MSG_DONTWAIT, NULL) == -1 && errno == EAGAIN);
	need(sendmmsg(s[0], send_, 2, 0) == 2);
	need(recvmmsg(s[1], receive, 2, 0, &soon) == 2);
	soon.tv_nsec = -1;
	need(recvmmsg(s[1], receive, 2, 0, &soon) == -1 && errno == EINVAL);
}

static void message_faults(void)
{
	char buf[4];
	struct iovec iov = { buf, 4 }, wild = { nowhere, 4 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int s[2];

	pair(SOCK_DGRAM, s);
	need(raw_sendmsg(s[0], nowhere, 0) == -1 && errno == EFAULT);
	need(raw_recvmsg(s[0], nowhere, 0) == -1 && errno == EFAULT);
	m.msg_iov = &wild;
	need(raw_sendmsg(s[0], &m, 0) == -1 && errno == EFAULT);
	m.msg_iov = nowhere;
	need(raw_sendmsg(s[0], &m, 0) == -1 && errno == EFAULT);
	m.msg_iov = &iov;
	m.msg_iovlen = IOV_MAX + 1;
	need(raw_sendmsg(s[0], &m, 0) == -1 && errno == EMSGSIZE);
	need(send(s[0], nowhere, 4, 0) == -1 && errno == EFAULT);
	need(write(s[0], "abcd", 4) == 4);
	need(recv(s[1], nowhere, 4, 0) == -1 && errno == EFAULT);
	need(recv(s[1], buf, 4, MSG_DONTWAIT) == -1 && errno == EAGAIN); /* it is gone */
}

static void calls_want_sockets(void)
{
	int fd = open("/dev/null", O_RDWR);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(name);
	struct msghdr m = { 0 };
	int value;

	need(bind(fd, (struct sockaddr *)&name, len) == -1 && errno == ENOTSOCK);
	need(connect(fd, (struct sockaddr *)&name, len) == -1 && errno == ENOTSOCK);
	need(listen(fd, 1) == -1 && errno == ENOTSOCK);
	need(accept(fd, NULL, NULL) == -1 && errno == ENOTSOCK);
	need(send(fd, "x", 1, 0) == -1 && errno == ENOTSOCK);
	need(recv(fd, &value, 1, 0) == -1 && errno == ENOTSOCK);
	need(raw_sendmsg(fd, &m, 0) == -1 && errno == ENOTSOCK);
	need(raw_recvmsg(fd, &m, 0) == -1 && errno == ENOTSOCK);
	need(shutdown(fd, SHUT_RD) == -1 && errno == ENOTSOCK);
	need(getsockname(fd, (struct sockaddr *)&name, &len) == -1 && errno == ENOTSOCK);
	need(getpeername(fd, (struct sockaddr *)&name, &len) == -1 && errno == ENOTSOCK);
	need(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) == -1 && errno == ENOTSOCK);
	need(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 4) == -1 && errno == ENOTSOCK);
	need(close(fd) == 0);
	need(bind(fd, (struct sockaddr *)&name, len) == -1 && errno == EBADF);
	need(send(fd, "x", 1, 0) == -1 && errno == EBADF);
	need(recv(fd, &value, 1, 0) == -1 && errno == EBADF);
	need(accept(fd, NULL, NULL) == -1 && errno == EBADF);
}

static void what_is_no_socket_is_refused(void)
{
	int s[2];

	need(socket(200, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);
	need(socket(-1, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);
	need(socket(AF_UNIX, 0, 0) == -1 && errno == ESOCKTNOSUPPORT);
	need(socket(AF_UNIX, 11, 0) == -1 && errno == EINVAL);
	need(socket(AF_UNIX, SOCK_STREAM | 0x100, 0) == -1 && errno == EINVAL);
	need(socket(AF_UNIX, SOCK_RDM, 0) == -1 && errno == ESOCKTNOSUPPORT);
	need(socket(AF_UNIX, SOCK_STREAM, 5) == -1 && errno == EPROTONOSUPPORT);
	need(socket(AF_UNIX, SOCK_STREAM, AF_UNIX) >= 0);
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)nowhere) == -1 && errno == EFAULT);
	need(socketpair(200, SOCK_STREAM, 0, s) == -1 && errno == EAFNOSUPPORT);
}

/* --- as files ------------------------------------------------------------------------------------------- */

static void sockets_are_files(void)
{
	char text[64], expected[64], link_[64];
	struct stat st;
	ssize_t n;
	int s[2];

	pair(SOCK_STREAM | SOCK_CLOEXEC, s);
	need(fcntl(s[0], F_GETFD) == FD_CLOEXEC && fcntl(s[0], F_GETFL) == O_RDWR);
	need(fstat(s[0], &st) == 0 && st.st_mode == (S_IFSOCK | 0777) && st.st_ino != 0 && st.st_size == 0);
	snprintf(link_, sizeof(link_), "/proc/self/fd/%d", s[0]);
	snprintf(expected, sizeof(expected), "socket:[%lu]", (unsigned long)st.st_ino);
	n = readlink(link_, text, sizeof(text) - 1);
	need(n > 0);
	text[n] = '\0';
	need(strcmp(text, expected) == 0);
	need(open(link_, O_RDWR) == -1 && errno == ENXIO);
	need(lseek(s[0], 0, SEEK_CUR) == -1 && errno == ESPIPE);
	need(pread(s[0], text, 1, 0) == -1 && errno == ESPIPE);
	need(ftruncate(s[0], 0) == -1 && errno == EINVAL);
	need(fsync(s[0]) == -1 && errno == EINVAL);
}

static void counts_of_bytes(void)
{
	char buf[8];
	int s[2], n = -1;

	pair(SOCK_STREAM, s);
	need(ioctl(s[1], FIONREAD, &n) == 0 && n == 0 && ioctl(s[0], SIOCOUTQ, &n) == 0 && n == 0);
	need(write(s[0], "abc", 3) == 3 && write(s[0], "de", 2) == 2);
	need(ioctl(s[1], FIONREAD, &n) == 0 && n == 5 && ioctl(s[0], SIOCOUTQ, &n) == 0 && n >= 5);
	need(read(s[1], buf, 4) == 4 && ioctl(s[1], FIONREAD, &n) == 0 && n == 1);
	need(read(s[1], buf, 4) == 1 && ioctl(s[0], SIOCOUTQ, &n) == 0 && n == 0);
	need(ioctl(s[0], FIONREAD, (int *)nowhere) == -1 && errno == EFAULT);
	need(ioctl(s[0], 0x1234, &n) == -1 && errno == ENOTTY);
	n = 1;
	need(ioctl(s[0], FIONBIO, &n) == 0 && read(s[0], buf, 1) == -1 && errno == EAGAIN);
	pair(SOCK_DGRAM, s);
	need(write(s[0], "abc", 3) == 3 && write(s[0], "de", 2) == 2);
	need(ioctl(s[1], FIONREAD, &n) == 0 && n == 3);
}

/* --- options -------------------------------------------------------------------------------------------- */

static void options_that_tell(void)
{
	int s = socket(AF_UNIX, SOCK_SEQPACKET, 0), value;
	socklen_t len;

	need(option(s, SO_TYPE) == SOCK_SEQPACKET && option(s, SO_DOMAIN) == AF_UNIX &&
	     option(s, SO_PROTOCOL) == 0 && option(s, SO_ERROR) == 0 && option(s, SO_ACCEPTCONN) == 0);
	len = 1;
	value = -1;
	need(getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &len) == 0 && len == 1 && (value & 0xff) == 5);
	need(set_option(s, SO_TYPE, 1) == -1 && errno == ENOPROTOOPT);
	need(set_option(s, SO_ERROR, 1) == -1 && errno == ENOPROTOOPT);
	need(set_option(s, SO_ACCEPTCONN, 1) == -1 && errno == ENOPROTOOPT);
	need(set_option(s, 200, 1) == -1 && errno == ENOPROTOOPT);
	len = 4;
	need(getsockopt(s, SOL_SOCKET, 200, &value, &len) == -1 && errno == ENOPROTOOPT);
	need(getsockopt(s, SOL_SOCKET, SO_TYPE, (int *)nowhere, &len) == -1 && errno == EFAULT);
	need(getsockopt(s, SOL_SOCKET, SO_TYPE, &value, (socklen_t *)nowhere) == -1 && errno == EFAULT);
	need(getsockopt(s, 6, 1, &value, &len) == -1 && errno == EOPNOTSUPP);
	need(setsockopt(s, 6, 1, &value, 4) == -1 && errno == EOPNOTSUPP);
	need(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &value, 3) == -1 && errno == EINVAL);
	need(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, (int *)nowhere, 4) == -1 && errno == EFAULT);
	len = (socklen_t)-1;
	need(getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &len) == -1 && errno == EINVAL);
}

static void options_that_are_kept(void)
{
	static const int switches[] = { SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_OOBINLINE, SO_PASSCRED };
	struct linger linger = { 1, 7 };
	socklen_t len = sizeof(linger);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	for (unsigned i = 0; i < sizeof(switches) / sizeof(int); i++) {
		need(option(s, switches[i]) == 0 && set_option(s, switches[i], 5) == 0);
		need(option(s, switches[i]) == 1 && set_option(s, switches[i], 0) == 0);
		need(option(s, switches[i]) == 0);
	}
	need(set_option(s, SO_SNDBUF, 10000) == 0 && option(s, SO_SNDBUF) == 20000);
	need(set_option(s, SO_SNDBUF, 1) == 0 && option(s, SO_SNDBUF) == 4608);
	need(set_option(s, SO_RCVBUF, 10000) == 0 && option(s, SO_RCVBUF) == 20000);
	need(set_option(s, SO_PRIORITY, 3) == 0 && option(s, SO_PRIORITY) == 3);
	need(set_option(s, SO_RCVLOWAT, 3) == 0 && option(s, SO_RCVLOWAT) == 3);
	need(setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, len) == 0);
	linger = (struct linger){ 0 };
	need(getsockopt(s, SOL_SOCKET, SO_LINGER, &linger, &len) == 0 && linger.l_onoff == 1 &&
	     linger.l_linger == 7);
	need(set_option(s, SO_SNDLOWAT, 1) == -1 && errno == ENOPROTOOPT && option(s, SO_SNDLOWAT) == 1);
}

static void low_water_is_waited_for(void)
{
	char buf[8];
	pid_t child;
	int s[2];

	pair(SOCK_STREAM, s);
	need(set_option(s[1], SO_RCVLOWAT, 4) == 0 && write(s[0], "ab", 2) == 2);
	child = fork();
	if (child == 0) {
		pause_ms(20);
		_exit(write(s[0], "cd", 2) != 2);
	}
	need(read(s[1], buf, 8) == 4 && ends_well(child));
}

static void time_outs_end_waits(void)
{
	struct timeval t = { 0, 30000 }, got, bad = { 0, 1000000 };
	struct sockaddr_un name = path_name("timeout");
	static char buf[65536];
	socklen_t len = sizeof(got);
	int s[2], listener;

	pair(SOCK_STREAM, s);
	need(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof(bad)) == -1 && errno == EDOM);
	need(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, 4) == -1 && errno == EINVAL);
	need(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &got, &len) == 0 && got.tv_sec == 0 &&
	     got.tv_usec == 0);
	need(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
	need(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) == 0);
	need(getsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &got, &len) == 0 && got.tv_usec >= 28000 && len == 16);
	need(read(s[0], buf, 1) == -1 && errno == EAGAIN);
	while (write(s[0], buf, sizeof(buf)) > 0)
		;
	need(errno == EAGAIN);
	listener = bound(SOCK_STREAM, &name);
	need(listen(listener, 1) == 0 && setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
	need(accept(listener, NULL, NULL) == -1 && errno == EAGAIN);
	need(unlink(name.sun_path) == 0);
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void signals_end_waits(void)
{
	struct sigaction once = { .sa_handler = on_alarm };
	struct timeval t = { 5, 0 };
	struct itimerval soon = { .it_value = { 0, 20000 } };
	char c;
	int s[2];

	pair(SOCK_STREAM, s);
	need(sigaction(SIGALRM, &once, NULL) == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0);
	need(read(s[0], &c, 1) == -1 && errno == EINTR);
	once.sa_flags = SA_RESTART;
	need(sigaction(SIGALRM, &once, NULL) == 0);
	need(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
	need(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	need(read(s[0], &c, 1) == -1 && errno == EINTR); /* with a time-out it is not begun anew */
}

int main(void)
{
	tap(passes(datagrams_have_bounds), "datagrams keep their bounds");
	tap(passes(large_datagrams_are_one_piece), "large datagrams are one piece");
	tap(passes(cut_datagrams_say_so), "MSG_TRUNC: asked for, and told");
	tap(passes(senders_are_named), "recvfrom names the sender, or nobody");
	tap(passes(datagram_errors), "errors of datagram sockets");
	tap(passes(peer_takes_from_its_own_alone), "a connected datagram socket takes from its peer alone");
	tap(passes(queue_of_datagrams_is_limited), "a full queue: EAGAIN, poll and send wait for room");
	tap(passes(closing_frees_who_waits), "closing ends a send that waits for room");
	tap(passes(seqpackets_are_both), "seqpackets are connected and keep bounds");
	tap(passes(several_messages_at_once), "sendmmsg and recvmmsg");
	tap(passes(message_faults), "bad memory in messages");
	tap(passes(calls_want_sockets), "ENOTSOCK and EBADF");
	tap(passes(what_is_no_socket_is_refused), "families, types, protocols that are none");
	tap(passes(sockets_are_files), "fstat, fcntl, /proc/self/fd");
	tap(passes(counts_of_bytes), "FIONREAD, SIOCOUTQ, FIONBIO");
	tap(passes(options_that_tell), "options that tell; errors of options");
	tap(passes(options_that_are_kept), "options that are kept");
	tap(passes(low_water_is_waited_for), "SO_RCVLOWAT");
	tap(passes(time_outs_end_waits), "SO_RCVTIMEO, SO_SNDTIMEO");
	tap(passes(signals_end_waits), "signals and time-outs");
	return tap_end();
}
