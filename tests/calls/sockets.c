/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets between processes of one machine. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "calls.h"

static struct sockaddr_un named(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strncpy(a.sun_path, name, sizeof(a.sun_path) - 1);
	return a;
}

static int bind_to(int fd, const char *name)
{
	struct sockaddr_un a = named(name);

	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

static int connect_to(int fd, const char *name)
{
	struct sockaddr_un a = named(name);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

static void test_socket(void)
{
	int fd;

	SUCCEEDS(socket(AF_UNIX, SOCK_STREAM, 0));
	SUCCEEDS(socket(AF_UNIX, SOCK_DGRAM, 0));
	SUCCEEDS(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	fd = (int)SUCCEEDS(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	RESULT(fcntl(fd, F_GETFD));
	RESULT(fcntl(fd, F_GETFL));
	RESULT(socket(AF_UNIX, 77, 0));
	RESULT(socket(AF_UNIX, SOCK_STREAM, 77));
	RESULT(socket(77, SOCK_STREAM, 0));
	RESULT(socket(-1, SOCK_STREAM, 0));
	RESULT(listen(open(".", O_RDONLY), 1));
	RESULT(listen(open(".", O_PATH), 1)); /* counts as none */
	RESULT(accept(open(".", O_PATH), NULL, NULL));
	RESULT(send(open(".", O_PATH), "", 1, 0));
	RESULT(lseek(fd, 0, SEEK_SET));
}

static void test_socketpair(void)
{
	struct stat st;
	char text[16] = "";
	int s[2], n;

	RESULT(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	fstat(s[0], &st);
	VALUE((st.st_mode & S_IFMT) == S_IFSOCK);
	RESULT(write(s[0], "abcdef", 6));
	RESULT(ioctl(s[1], FIONREAD, &n));
	VALUE(n);
	RESULT(recv(s[1], text, 3, MSG_PEEK));
	RESULT(read(s[1], text, 4));
	TEXT("text", text, 4);
	RESULT(recv(s[1], text, 16, MSG_DONTWAIT));
	RESULT(recv(s[1], text, 16, MSG_DONTWAIT));
	RESULT(shutdown(s[0], SHUT_WR));
	RESULT(read(s[1], text, 4));
	RESULT(send(s[0], "x", 1, MSG_NOSIGNAL));
	RESULT(shutdown(s[0], 77));
	close(s[1]);
	RESULT(read(s[0], text, 1));
	signal(SIGPIPE, SIG_IGN);
	RESULT(write(s[0], "x", 1));
	RESULT(socketpair(77, SOCK_STREAM, 0, s));
	RESULT(socketpair(AF_UNIX, SOCK_STREAM, 0, nowhere()));
	RESULT(shutdown(0, SHUT_RD));
	RESULT(shutdown(-1, SHUT_RD));
}

static void test_stream(void)
{
	struct sockaddr_un from;
	socklen_t size = sizeof(from);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), accepted,
	    value;

	RESULT(listen(server, 5));
	RESULT(bind_to(server, "name"));
	RESULT(bind_to(server, "again"));
	RESULT(bind_to(client, "name"));
	RESULT(bind_to(client, "missing/name"));
	RESULT(connect_to(client, "name"));
	RESULT(listen(server, 5));
	RESULT(accept(client, NULL, NULL));
	RESULT(connect_to(client, "missing"));
	close(file_with("file", ""));
	RESULT(connect_to(client, "file"));
	RESULT(connect_to(client, "name"));
	RESULT(connect_to(client, "name"));
	accepted = (int)SUCCEEDS(accept(server, (struct sockaddr *)&from, &size));
	VALUE(size);
	RESULT(getpeername(client, (struct sockaddr *)&from, (size = sizeof(from), &size)));
	TEXT("peer", from.sun_path, 4);
	RESULT(getsockname(accepted, (struct sockaddr *)&from, (size = sizeof(from), &size)));
	VALUE(size);
	RESULT(getpeername(server, (struct sockaddr *)&from, &size));
	RESULT(getsockopt(server, SOL_SOCKET, SO_ACCEPTCONN, &value, (size = sizeof(value), &size)));
	VALUE(value);
	RESULT(getsockopt(client, SOL_SOCKET, SO_TYPE, &value, &size));
	VALUE(value);
	RESULT(getsockopt(client, SOL_SOCKET, SO_DOMAIN, &value, &size));
	VALUE(value);
	RESULT(getsockopt(client, SOL_SOCKET, SO_ERROR, &value, &size));
	VALUE(value);
	RESULT(getsockopt(client, SOL_SOCKET, 9999, &value, &size));
	RESULT(getsockopt(client, 9999, 1, &value, &size));
	RESULT(getsockopt(0, SOL_SOCKET, SO_TYPE, &value, &size));
	RESULT(setsockopt(client, SOL_SOCKET, SO_SNDBUF, &value, 1));
	RESULT(setsockopt(client, SOL_SOCKET, 9999, &value, sizeof(value)));
	RESULT(send(client, "hello", 5, 0));
	RESULT(send(client, "x", 1, MSG_OOB) >= -1);
	RESULT(sendto(client, "x", 1, 0, (struct sockaddr *)&from, sizeof(from)));
	close(server);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	RESULT(connect_to(client, "name")); /* the name outlives the socket */
	RESULT(send(client, "x", 1, 0));
	RESULT(recv(client, from.sun_path, 1, 0));
	RESULT(accept(0, NULL, NULL));
	RESULT(accept4(client, NULL, NULL, 77));
	RESULT(listen(0, 1));
	RESULT(bind_to(0, "other"));
	RESULT(connect_to(0, "name"));
	RESULT(connect(client, nowhere(), 16));
	RESULT(connect(client, (struct sockaddr *)&from, 1));
}

static void test_datagram(void)
{
	struct sockaddr_un from, to = named("server");
	socklen_t size = sizeof(from);
	char text[16] = "", large[64];
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0), s[2];

	RESULT(bind_to(server, "server"));
	RESULT(bind_to(client, "client"));
	RESULT(send(client, "x", 1, 0));
	RESULT(sendto(client, "first", 5, 0, (struct sockaddr *)&to, sizeof(to)));
	RESULT(sendto(client, "second", 6, 0, (struct sockaddr *)&to, sizeof(to)));
	RESULT(recvfrom(server, text, 3, 0, (struct sockaddr *)&from, &size));
	TEXT("from", from.sun_path, 6);
	RESULT(recv(server, text, 16, 0)); /* what did not fit is gone */
	TEXT("text", text, 6);
	RESULT(connect_to(client, "server"));
	RESULT(send(client, "", 0, 0));
	RESULT(recv(server, text, 3, 0));
	RESULT(send(client, "abcdef", 6, 0));
	RESULT(recv(server, text, 3, MSG_TRUNC));
	RESULT(listen(client, 1));
	RESULT(accept(client, NULL, NULL));
	close(server);
	RESULT(send(client, "x", 1, 0));
	RESULT(connect_to(client, "server"));
	memset(&to, 0, sizeof(to));
	to.sun_family = 77;
	RESULT(sendto(client, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
	RESULT(send(s[0], "one", 3, 0));
	RESULT(send(s[0], "two", 3, 0));
	RESULT(recv(s[1], large, sizeof(large), 0));
	RESULT(recv(s[1], large, 1, 0));
	RESULT(recv(s[1], large, 1, MSG_DONTWAIT));
	close(s[0]);
	RESULT(recv(s[1], large, 1, 0));
}

static void test_abstract(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "\0calls" };
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + 6, got = sizeof(a);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	RESULT(bind(server, (struct sockaddr *)&a, size));
	RESULT(bind(client, (struct sockaddr *)&a, size));
	listen(server, 1);
	RESULT(connect(client, (struct sockaddr *)&a, size));
	RESULT(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, size - 1));
	RESULT(getpeername(client, (struct sockaddr *)&a, &got));
	VALUE(got);
	server = socket(AF_UNIX, SOCK_DGRAM, 0);
	RESULT(bind(server, (struct sockaddr *)&a, 2)); /* the system chooses a name */
	got = sizeof(a);
	RESULT(getsockname(server, (struct sockaddr *)&a, &got));
	VALUE(got);
}

/* One descriptor and one byte. */
static long pass(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 'b';
	struct iovec io = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(socket, &m, 0);
}

static void test_messages(void)
{
	char control[256], text[16] = "";
	struct iovec io[2] = { { text, 2 }, { text + 2, 4 } };
	struct msghdr m = {
		.msg_iov = io, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct mmsghdr many[2] = { { .msg_hdr = { .msg_iov = io, .msg_iovlen = 1 } },
				   { .msg_hdr = { .msg_iov = io + 1, .msg_iovlen = 1 } } };
	struct timespec none = { 0, 0 };
	struct cmsghdr *c;
	int s[2], fd = file_with("file", "content"), got = -1, on = 1;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	RESULT(pass(s[0], fd));
	RESULT(recvmsg(s[1], &m, 0));
	c = CMSG_FIRSTHDR(&m);
	VALUE(c->cmsg_type);
	VALUE(c->cmsg_len);
	memcpy(&got, CMSG_DATA(c), sizeof(int));
	RESULT(read(got, text, 16));
	TEXT("through the new descriptor", text, 7);
	RESULT(pass(s[0], 999));
	RESULT(pass(fd, fd));
	RESULT(pass(s[0], fd));
	m.msg_controllen = 0;
	RESULT(recvmsg(s[1], &m, 0));
	VALUE(m.msg_flags);
	RESULT(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	write(s[0], "x", 1);
	m.msg_controllen = sizeof(control);
	RESULT(recvmsg(s[1], &m, 0));
	c = CMSG_FIRSTHDR(&m);
	VALUE(c->cmsg_type);
	VALUE(((struct ucred *)CMSG_DATA(c))->pid == getpid());
	RESULT(sendmsg(s[0], nowhere(), 0));
	RESULT(recvmsg(s[1], nowhere(), 0));
	m.msg_iovlen = 2000;
	RESULT(sendmsg(s[0], &m, 0));
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	RESULT(syscall(SYS_sendmmsg, s[0], many, 2, 0));
	VALUE(many[1].msg_len);
	RESULT(syscall(SYS_recvmmsg, s[1], many, 2, 0, &none));
	RESULT(syscall(SYS_recvmmsg, s[1], many, 2, MSG_DONTWAIT, NULL));
	RESULT(syscall(SYS_sendmmsg, -1, many, 2, 0));
}

static void test_polling(void)
{
	struct pollfd p = { .events = POLLIN | POLLOUT | POLLRDHUP };
	struct timeval tv = { 0, 20000 };
	char c;
	int s[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	p.fd = s[0];
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
	write(s[1], "x", 1);
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
	shutdown(s[1], SHUT_WR);
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
	close(s[1]);
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	RESULT(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	RESULT(read(s[0], &c, 1));
	p.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
}

static const struct calls table[] = {
	{ "socket", test_socket },
	{ "socketpair recvfrom sendto shutdown", test_socketpair },
	{ "bind listen accept accept4 connect getsockname getpeername getsockopt setsockopt", test_stream },
	{ "sendto recvfrom", test_datagram },
	{ "bind connect", test_abstract },
	{ "sendmsg recvmsg sendmmsg recvmmsg", test_messages },
	{ "poll setsockopt", test_polling },
};

CALLS_MAIN(table)
