/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors and credentials that go over local sockets: all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "child.h"
#include "sockets.h"
#include "tap.h"

#define MANY 253

/* A message of one byte with up to MANY descriptors, and one to receive it. */
struct message {
	struct msghdr m;
	struct iovec iov;
	char byte;
	union {
		struct cmsghdr align;
		char control[CMSG_SPACE(sizeof(int) * (MANY + 1)) + CMSG_SPACE(sizeof(struct ucred))];
	};
};

static void prepare(struct message *x, size_t control)
{
	memset(x, 0, sizeof(*x));
	x->byte = 'x';
	x->iov = (struct iovec){ &x->byte, 1 };
	x->m = (struct msghdr){ .msg_iov = &x->iov, .msg_iovlen = 1 };
	x->m.msg_control = control ? x->control : NULL;
	x->m.msg_controllen = control;
}

static ssize_t send_fds(int to, const int *fds, int count)
{
	struct message x;
	struct cmsghdr *c;

	prepare(&x, CMSG_SPACE(sizeof(int) * (size_t)count));
	c = CMSG_FIRSTHDR(&x.m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)count);
	return raw_sendmsg(to, &x.m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t send_fd(int to, int fd)
{
	return send_fds(to, &fd, 1);
}

/* How many came; *flags as recvmsg has them. */
static int receive_fds(int from, int *fds, int room, int flags, int *got_flags)
{
	struct message x;
	struct cmsghdr *c;
	int count;

	prepare(&x, room ? CMSG_LEN(sizeof(int) * (size_t)room) : 0);
	need(raw_recvmsg(from, &x.m, flags) == 1 && x.byte == 'x');
	if (got_flags)
		*got_flags = x.m.msg_flags;
	c = CMSG_FIRSTHDR(&x.m);
	if (!c)
		return 0;
	need(c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS);
	count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(c), sizeof(int) * (size_t)count);
	return count;
}

static int receive_fd(int from, int flags)
{
	int fd, got;

	need(receive_fds(from, &fd, 1, flags, &got) == 1 && !(got & MSG_CTRUNC));
	return fd;
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_ino == sb.st_ino && sa.st_dev == sb.st_dev;
}

static int open_count(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* --- descriptors ---------------------------------------------------------------------------------------- */

static void passes_by(int type)
{
	int s[2], p[2], got;
	char c;

	pair(type, s);
	need(pipe(p) == 0 && send_fd(s[0], p[1]) == 1 && close(p[1]) == 0);
	got = receive_fd(s[1], 0);
	need(fcntl(got, F_GETFD) == 0);
	need(write(got, "y", 1) == 1 && read(p[0], &c, 1) == 1 && c == 'y');
	need(close(got) == 0 && read(p[0], &c, 1) == 0);
}

static void descriptors_pass(void)
{
	passes_by(SOCK_STREAM);
	passes_by(SOCK_DGRAM);
	passes_by(SOCK_SEQPACKET);
}

static void cloexec_is_asked_for(void)
{
	int s[2];

	pair(SOCK_STREAM, s);
	need(send_fd(s[0], 0) == 1);
	need(fcntl(receive_fd(s[1], MSG_CMSG_CLOEXEC), F_GETFD) == FD_CLOEXEC);
}

static void many_pass_and_one_more_does_not(void)
{
	int out[MANY + 1], in[MANY + 1], s[2];

	pair(SOCK_DGRAM, s);
	for (int i = 0; i <= MANY; i++)
		out[i] = s[0];
	need(send_fds(s[0], out, MANY + 1) == -1 && errno == EINVAL);
	need(send_fds(s[0], out, MANY) == 1 && receive_fds(s[1], in, MANY, 0, NULL) == MANY);
	need(same_file(in[MANY - 1], s[0]));
}

static void too_little_room_cuts(void)
{
	int out[] = { 0, 1, 2 }, in[3], s[2], flags, before = 0;

	pair(SOCK_STREAM, s);
	before = open_count();
	need(send_fds(s[0], out, 3) == 1);
	need(receive_fds(s[1], in, 2, 0, &flags) == 2 && (flags & MSG_CTRUNC));
	need(open_count() == before + 2);
	need(send_fds(s[0], out, 3) == 1);
	need(receive_fds(s[1], in, 0, 0, &flags) == 0 && (flags & MSG_CTRUNC));
	need(send_fds(s[0], out, 3) == 1 && read(s[1], &flags, 1) == 1);
	need(open_count() == before + 2);
}

static void no_more_slots_cut(void)
{
	struct rlimit limit;
	int out[] = { 0, 1, 2 }, in[3], s[2], flags, next;

	pair(SOCK_STREAM, s);
	next = dup(0);
	need(close(next) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = (rlim_t)next + 2;
	need(send_fds(s[0], out, 3) == 1 && setrlimit(RLIMIT_NOFILE, &limit) == 0);
	need(receive_fds(s[1], in, 3, 0, &flags) == 2 && (flags & MSG_CTRUNC));
}

static void peeked_descriptors_come_again(void)
{
	int s[2], a, b;

	pair(SOCK_STREAM, s);
	need(send_fd(s[0], s[0]) == 1);
	a = receive_fd(s[1], MSG_PEEK);
	b = receive_fd(s[1], 0);
	need(a != b && same_file(a, s[0]) && same_file(b, s[0]));
}

static void streams_stop_behind_descriptors(void)
{
	struct message x;
	char buf[8];
	int s[2];

	pair(SOCK_STREAM, s);
	need(write(s[0], "a", 1) == 1 && send_fd(s[0], 0) == 1 && write(s[0], "b", 1) == 1);
	prepare(&x, CMSG_SPACE(sizeof(int)));
	x.iov = (struct iovec){ buf, 8 };
	need(raw_recvmsg(s[1], &x.m, 0) == 2 && memcmp(buf, "ax", 2) == 0 && CMSG_FIRSTHDR(&x.m));
	need(read(s[1], buf, 8) == 1 && buf[0] == 'b');
}

static void bad_control_is_refused(void)
{
	struct message x;
	struct cmsghdr *c;
	int s[2], bad = 1000;

	pair(SOCK_STREAM, s);
	need(send_fd(s[0], bad) == -1 && errno == EBADF);
	need(send_fd(s[0], -1) == -1 && errno == EBADF);
	prepare(&x, CMSG_SPACE(sizeof(int)));
	c = CMSG_FIRSTHDR(&x.m);
	*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = 77, .cmsg_len = CMSG_LEN(4) };
	need(raw_sendmsg(s[0], &x.m, 0) == -1 && errno == EINVAL);
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = 3;
	need(raw_sendmsg(s[0], &x.m, 0) == -1 && errno == EINVAL);
	c->cmsg_len = 1000;
	need(raw_sendmsg(s[0], &x.m, 0) == -1 && errno == EINVAL);
	x.m.msg_control = nowhere;
	need(raw_sendmsg(s[0], &x.m, 0) == -1 && errno == EFAULT);
	prepare(&x, 0);
	need(recv(s[1], &bad, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

static void closing_lets_go(void)
{
	struct pollfd p;
	int s[2], pipe_[2];
	char c;

	pair(SOCK_STREAM, s);
	need(pipe(pipe_) == 0 && send_fd(s[0], pipe_[1]) == 1 && close(pipe_[1]) == 0);
	p = (struct pollfd){ pipe_[0], POLLIN, 0 };
	need(poll(&p, 1, 50) == 0);
	need(close(s[0]) == 0 && close(s[1]) == 0);
	need(poll(&p, 1, 5000) == 1 && read(pipe_[0], &c, 1) == 0);
}

/* Sent to oneself, and closed: nobody can ever receive it.  The pipe that goes with it tells when it is
 * gone. */
static void cycles_are_collected(void)
{
	struct pollfd p;
	int s[2], pipe_[2];
	char c;

	pair(SOCK_STREAM, s);
	need(pipe(pipe_) == 0);
	need(send_fd(s[0], s[1]) == 1 && send_fd(s[0], pipe_[1]) == 1 && send_fd(s[1], s[0]) == 1);
	need(close(s[0]) == 0 && close(s[1]) == 0 && close(pipe_[1]) == 0);
	/* Linux looks when a socket is closed. */
	pair(SOCK_STREAM, s);
	need(close(s[0]) == 0 && close(s[1]) == 0);
	p = (struct pollfd){ pipe_[0], POLLIN, 0 };
	need(poll(&p, 1, 5000) == 1 && read(pipe_[0], &c, 1) == 0);
}

/* A cycle that somebody can still reach stays. */
static void reachable_cycles_stay(void)
{
	int s[2], t[2], pipe_[2], got, again[2];
	char c;

	pair(SOCK_STREAM, s);
	pair(SOCK_STREAM, t);
	need(pipe(pipe_) == 0);
	need(send_fd(t[0], t[1]) == 1 && send_fd(t[0], pipe_[1]) == 1 && send_fd(s[0], t[1]) == 1);
	need(close(t[0]) == 0 && close(t[1]) == 0 && close(pipe_[1]) == 0);
	pair(SOCK_STREAM, again);
	need(close(again[0]) == 0 && close(again[1]) == 0);
	pause_ms(2500);
	got = receive_fd(s[1], 0);
	need(same_file(receive_fd(got, 0), got));
	need(write(receive_fd(got, 0), "z", 1) == 1 && read(pipe_[0], &c, 1) == 1 && c == 'z');
}

/* In a connection that nobody has accepted. */
static void cycles_through_a_backlog_are_collected(void)
{
	struct sockaddr_un name = path_name("cycle");
	int listener = bound(SOCK_STREAM, &name), client, pipe_[2], s[2];
	struct pollfd p;
	char c;

	need(listen(listener, 1) == 0 && pipe(pipe_) == 0);
	client = connected(SOCK_STREAM, &name);
	need(send_fd(client, listener) == 1 && send_fd(client, pipe_[1]) == 1);
	need(unlink(name.sun_path) == 0);
	need(close(client) == 0 && close(listener) == 0 && close(pipe_[1]) == 0);
	pair(SOCK_STREAM, s);
	need(close(s[0]) == 0 && close(s[1]) == 0);
	p = (struct pollfd){ pipe_[0], POLLIN, 0 };
	need(poll(&p, 1, 5000) == 1 && read(pipe_[0], &c, 1) == 0);
}

/* Each in the queue of the next: letting go of the last lets go of all, however long the chain is. */
static void long_chains_end(void)
{
	int last[2], next[2], pipe_[2];
	struct pollfd p;
	char c;

	need(pipe(pipe_) == 0);
	pair(SOCK_STREAM, last);
	need(send_fd(last[0], pipe_[1]) == 1 && close(pipe_[1]) == 0);
	for (int i = 0; i < 300; i++) {
		pair(SOCK_STREAM, next);
		need(send_fd(next[0], last[1]) == 1);
		need(close(last[0]) == 0 && close(last[1]) == 0);
		memcpy(last, next, sizeof(last));
	}
	need(close(last[0]) == 0 && close(last[1]) == 0);
	p = (struct pollfd){ pipe_[0], POLLIN, 0 };
	need(poll(&p, 1, 10000) == 1 && read(pipe_[0], &c, 1) == 0);
}

static void too_many_under_way(void)
{
	struct rlimit limit;
	int s[2], n = 0;

	if (getuid() == 0)
		need(setgid(12345) == 0 && setuid(12345) == 0);
	need(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = 20;
	need(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	pair(SOCK_STREAM, s);
	while (n < 100 && send_fd(s[0], 0) == 1)
		n++;
	need(errno == ETOOMANYREFS && n >= 20 && n <= 22);
	receive_fd(s[1], 0);
	receive_fd(s[1], 0);
	need(send_fd(s[0], 0) == 1);
}

/* --- credentials ---------------------------------------------------------------------------------------- */

static ssize_t send_cred(int to, struct ucred cred)
{
	struct message x;
	struct cmsghdr *c;

	prepare(&x, CMSG_SPACE(sizeof(cred)));
	c = CMSG_FIRSTHDR(&x.m);
	*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS };
	c->cmsg_len = CMSG_LEN(sizeof(cred));
	memcpy(CMSG_DATA(c), &cred, sizeof(cred));
	return raw_sendmsg(to, &x.m, 0);
}

static struct ucred receive_cred(int from)
{
	struct message x;
	struct ucred cred;
	struct cmsghdr *c;

	prepare(&x, sizeof(x.control));
	need(raw_recvmsg(from, &x.m, 0) == 1);
	c = CMSG_FIRSTHDR(&x.m);
	need(c && c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof(cred)));
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	return cred;
}

static void credentials_by(int type)
{
	struct ucred cred;
	pid_t child;
	int s[2];

	pair(type, s);
	need(write(s[0], "x", 1) == 1); /* before anybody asked */
	need(set_option(s[1], SO_PASSCRED, 1) == 0);
	cred = receive_cred(s[1]);
	need(cred.pid == 0 && cred.uid == 65534 && cred.gid == 65534);
	child = fork();
	if (child == 0)
		_exit(write(s[0], "x", 1) != 1);
	cred = receive_cred(s[1]);
	need(cred.pid == child && cred.uid == getuid() && cred.gid == getgid() && ends_well(child));
	need(send_cred(s[0], (struct ucred){ getpid(), getuid(), getgid() }) == 1);
	need(receive_cred(s[1]).pid == getpid());
}

static void credentials_are_told(void)
{
	credentials_by(SOCK_STREAM);
	credentials_by(SOCK_DGRAM);
	credentials_by(SOCK_SEQPACKET);
}

static void nobody_lies(void)
{
	int s[2];

	pair(SOCK_STREAM, s);
	need(set_option(s[1], SO_PASSCRED, 1) == 0);
	if (getuid() == 0) {
		need(send_cred(s[0], (struct ucred){ 1, 12, 34 }) == 1 && receive_cred(s[1]).uid == 12);
		need(send_cred(s[0], (struct ucred){ 30000, 0, 0 }) == -1 && errno == ESRCH);
		need(setgid(12345) == 0 && setuid(12345) == 0);
	}
	need(send_cred(s[0], (struct ucred){ 1, getuid(), getgid() }) == -1 && errno == EPERM);
	need(send_cred(s[0], (struct ucred){ getpid(), 0, getgid() }) == -1 && errno == EPERM);
	need(send_cred(s[0], (struct ucred){ getpid(), getuid(), 0 }) == -1 && errno == EPERM);
	need(send_cred(s[0], (struct ucred){ getpid(), getuid(), getgid() }) == 1);
}

static void senders_are_not_mixed(void)
{
	char buf[8];
	int s[2];

	pair(SOCK_STREAM, s);
	need(set_option(s[1], SO_PASSCRED, 1) == 0);
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(write(s[0], "ab", 2) != 2);
		need(ends_well(child));
	}
	need(read(s[1], buf, 8) == 2 && read(s[1], buf, 8) == 2);
}

static void asking_names_the_asker(void)
{
	struct sockaddr_un got;
	socklen_t len = sizeof(got);
	struct sockaddr_un name = path_name("ask");
	int rx = bound(SOCK_DGRAM, &name), tx = socket(AF_UNIX, SOCK_DGRAM, 0);
	char c;

	need(set_option(tx, SO_PASSCRED, 1) == 0);
	need(sendto(tx, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == 1);
	need(recvfrom(rx, &c, 1, 0, (struct sockaddr *)&got, &len) == 1 && len == 8 && got.sun_path[0] == 0);
	need(unlink(name.sun_path) == 0);
}

int main(void)
{
	tap(passes(descriptors_pass), "a descriptor passes, by each type of socket");
	tap(passes(cloexec_is_asked_for), "MSG_CMSG_CLOEXEC");
	tap(passes(many_pass_and_one_more_does_not), "SCM_MAX_FD descriptors, and one more");
	tap(passes(too_little_room_cuts), "MSG_CTRUNC: what has no room is closed");
	tap(passes(no_more_slots_cut), "RLIMIT_NOFILE cuts what is received");
	tap(passes(peeked_descriptors_come_again), "MSG_PEEK gives copies");
	tap(passes(streams_stop_behind_descriptors), "a read of a stream stops behind descriptors");
	tap(passes(bad_control_is_refused), "control messages that are none");
	tap(passes(closing_lets_go), "closing lets go of what was not received");
	tap(passes(cycles_are_collected), "a cycle of sockets under way is collected");
	tap(passes(reachable_cycles_stay), "one that can be reached is not");
	tap(passes(cycles_through_a_backlog_are_collected), "a cycle through a backlog is collected");
	tap(passes(long_chains_end), "a chain of 300 sockets in each other's queues ends");
	tap(passes(too_many_under_way), "ETOOMANYREFS");
	tap(passes(credentials_are_told), "SO_PASSCRED and SCM_CREDENTIALS");
	tap(passes(nobody_lies), "credentials that are not the sender's");
	tap(passes(senders_are_not_mixed), "bytes of two senders are not mixed");
	tap(passes(asking_names_the_asker), "SO_PASSCRED gives the sender a name");
	return tap_end();
}
