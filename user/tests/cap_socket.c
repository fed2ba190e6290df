/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets as capabilities: each right alone, what is accepted, sent and revoked; sockets of who is
 * confined. */
#include "cap_files.h"

#include <libserix/confine.h>
#include <libserix/ipc.h>
#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>

#include "sockets.h"

#define ONLY(s, right) with_rights(s, right)

static const uint32_t all = SOCKET_RIGHT_RECEIVE | SOCKET_RIGHT_SEND | SOCKET_RIGHT_BIND |
			    SOCKET_RIGHT_LISTEN | SOCKET_RIGHT_ACCEPT | SOCKET_RIGHT_CONNECT |
			    SOCKET_RIGHT_GETOPT | SOCKET_RIGHT_SETOPT | SOCKET_RIGHT_SHUTDOWN;

static void is_a_socket(void)
{
	struct cap_info info;
	int s[2];

	pair(SOCK_STREAM, s);
	need(cap_query(cap_handle(s[0]), &info) == 0 && info.type == CAP_TYPE_SOCKET);
	need((info.rights & all) == all && !(info.rights & FILE_RIGHT_EXECUTE));
}

/* --- rights --------------------------------------------------------------------------------------------- */

static void to_receive(void)
{
	int s[2], only, lacks;
	char c;

	pair(SOCK_STREAM, s);
	only = ONLY(s[0], SOCKET_RIGHT_RECEIVE);
	lacks = ONLY(s[0], ~SOCKET_RIGHT_RECEIVE);
	need(write(s[1], "ab", 2) == 2);
	need(outcome(recv(lacks, &c, 1, 0)) == -EPERM && outcome(read(lacks, &c, 1)) == -EPERM);
	need(recv(only, &c, 1, 0) == 1 && read(only, &c, 1) == 1);
	need(outcome(send(only, "x", 1, 0)) == -EPERM && outcome(write(only, "x", 1)) == -EPERM);
	need(outcome(shutdown(only, SHUT_RD)) == -EPERM);
	need(events_of(ONLY(s[0], ~(SOCKET_RIGHT_RECEIVE | SOCKET_RIGHT_ACCEPT))) == POLLNVAL);
}

static void to_send(void)
{
	int s[2], only, lacks;
	char c;

	pair(SOCK_DGRAM, s);
	only = ONLY(s[0], SOCKET_RIGHT_SEND);
	lacks = ONLY(s[0], ~SOCKET_RIGHT_SEND);
	need(outcome(send(lacks, "x", 1, 0)) == -EPERM && outcome(write(lacks, "x", 1)) == -EPERM);
	need(send(only, "x", 1, 0) == 1 && write(only, "y", 1) == 1);
	need(outcome(recv(only, &c, 1, MSG_DONTWAIT)) == -EPERM);
}

static void to_connect_also_names_receivers(void)
{
	struct sockaddr_un name = path_name("cap.rx");
	int rx = bound(SOCK_DGRAM, &name), s = socket(AF_UNIX, SOCK_DGRAM, 0);
	int lacks = ONLY(s, ~SOCKET_RIGHT_CONNECT);

	need(rx >= 0);
	need(outcome(connect(lacks, (struct sockaddr *)&name, sizeof(name))) == -EPERM);
	need(outcome(sendto(lacks, "x", 1, 0, (struct sockaddr *)&name, sizeof(name))) == -EPERM);
	need(sendto(s, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == 1);
	need(connect(ONLY(s, SOCKET_RIGHT_CONNECT), (struct sockaddr *)&name, sizeof(name)) == 0);
	need(send(lacks, "x", 1, 0) == 1);
	need(unlink(name.sun_path) == 0);
}

static void to_bind_listen_accept(void)
{
	struct sockaddr_un name = path_name("cap.listen");
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	need(outcome(bind(ONLY(s, ~SOCKET_RIGHT_BIND), (struct sockaddr *)&name, sizeof(name))) == -EPERM);
	need(bind(ONLY(s, SOCKET_RIGHT_BIND), (struct sockaddr *)&name, sizeof(name)) == 0);
	need(outcome(listen(ONLY(s, ~SOCKET_RIGHT_LISTEN), 1)) == -EPERM);
	need(listen(ONLY(s, SOCKET_RIGHT_LISTEN), 1) == 0);
	connected(SOCK_STREAM, &name);
	need(outcome(accept(ONLY(s, ~SOCKET_RIGHT_ACCEPT), NULL, NULL)) == -EPERM);
	need(events_of(ONLY(s, SOCKET_RIGHT_ACCEPT | SOCKET_RIGHT_SEND)) == POLLIN);
	need(accept(ONLY(s, SOCKET_RIGHT_ACCEPT), NULL, NULL) >= 0);
	need(unlink(name.sun_path) == 0);
}

static void to_ask_and_set(void)
{
	struct sockaddr_un name;
	socklen_t len = sizeof(name), four = 4;
	int s[2], lacks, value = 1;

	pair(SOCK_STREAM, s);
	lacks = ONLY(s[0], ~(SOCKET_RIGHT_GETOPT | SOCKET_RIGHT_SETOPT));
	need(outcome(getsockopt(lacks, SOL_SOCKET, SO_TYPE, &value, &four)) == -EPERM);
	need(outcome(setsockopt(lacks, SOL_SOCKET, SO_PASSCRED, &value, 4)) == -EPERM);
	need(outcome(getsockname(lacks, (struct sockaddr *)&name, &len)) == -EPERM);
	need(outcome(getpeername(lacks, (struct sockaddr *)&name, &len)) == -EPERM);
	need(getsockopt(ONLY(s[0], SOCKET_RIGHT_GETOPT), SOL_SOCKET, SO_TYPE, &value, &four) == 0);
	need(setsockopt(ONLY(s[0], SOCKET_RIGHT_SETOPT), SOL_SOCKET, SO_PASSCRED, &value, 4) == 0);
	need(outcome(shutdown(ONLY(s[0], ~SOCKET_RIGHT_SHUTDOWN), SHUT_WR)) == -EPERM);
	need(shutdown(ONLY(s[0], SOCKET_RIGHT_SHUTDOWN), SHUT_WR) == 0);
}

/* --- accepted ------------------------------------------------------------------------------------------- */

static void accepted_come_from_the_listener(void)
{
	struct sockaddr_un name = path_name("cap.from");
	int listener = bound(SOCK_STREAM, &name), client, server, limited;
	struct cap_info mine, its;
	cap_handle_t lent;
	char c;

	need(listen(listener, 5) == 0);
	client = connected(SOCK_STREAM, &name);
	lent = cap_reduce(listener, SOCKET_RIGHT_ACCEPT | SOCKET_RIGHT_RECEIVE);
	need(lent >= 0);
	limited = accept(cap_fd(lent), NULL, NULL);
	need(limited >= 0 && cap_query(lent, &mine) == 0 && cap_query(cap_handle(limited), &its) == 0);
	need(its.parent_tag == mine.tag && its.type == CAP_TYPE_SOCKET && its.object != mine.object);
	need(write(client, "x", 1) == 1 && read(limited, &c, 1) == 1);
	need(outcome(send(limited, "x", 1, 0)) == -EPERM);
	need(cap_revoke(lent, 0) == 0);
	need(outcome(read(limited, &c, 1)) == -EBADF && read(client, &c, 1) == 0);
	client = connected(SOCK_STREAM, &name);
	server = accept(listener, NULL, NULL);
	need(server >= 0 && close(listener) == 0); /* closing is not revoking */
	need(write(server, "x", 1) == 1 && read(client, &c, 1) == 1);
	need(unlink(name.sun_path) == 0);
}

/* --- sent ----------------------------------------------------------------------------------------------- */

struct one {
	struct msghdr m;
	struct iovec iov;
	char byte;
	union {
		struct cmsghdr align;
		char control[CMSG_SPACE(sizeof(int))];
	};
};

static void prepare(struct one *x)
{
	memset(x, 0, sizeof(*x));
	x->iov = (struct iovec){ &x->byte, 1 };
	x->m = (struct msghdr){ .msg_iov = &x->iov, .msg_iovlen = 1, .msg_control = x->control };
	x->m.msg_controllen = sizeof(x->control);
}

static int send_fd(int to, int fd)
{
	struct one x;
	struct cmsghdr *c;

	prepare(&x);
	c = CMSG_FIRSTHDR(&x.m);
	*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return outcome(raw_sendmsg(to, &x.m, MSG_DONTWAIT));
}

/* The descriptor; -1: none came, and the message says that something is missing. */
static int receive_fd(int from)
{
	struct one x;
	int fd;

	prepare(&x);
	need(raw_recvmsg(from, &x.m, 0) == 1);
	if (!CMSG_FIRSTHDR(&x.m)) {
		need(x.m.msg_flags & MSG_CTRUNC);
		return -1;
	}
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&x.m)), sizeof(fd));
	return fd;
}

static void sending_is_granting(void)
{
	int fd = file(), s[2], mine, its;
	struct cap_info from, to;

	pair(SOCK_STREAM, s);
	mine = with_rights(fd, FILE_RIGHT_READ | FILE_RIGHT_SEEK | CAP_RIGHT_GRANT);
	need(send_fd(s[0], mine) == 0);
	its = receive_fd(s[1]);
	need(cap_query(cap_handle(mine), &from) == 0 && cap_query(cap_handle(its), &to) == 0);
	need(to.parent_tag == from.tag && to.depth == from.depth + 1 && to.object == from.object);
	need(to.rights == from.rights && works(cap_handle(its)));
	need(outcome(write(its, "x", 1)) == -EBADF);
	need(cap_revoke(cap_handle(mine), CAP_REVOKE_CHILDREN) == 0);
	need(outcome(read(its, &its, 1)) == -EBADF && works(cap_handle(mine)));
}

static void who_may_not_grant_may_not_send(void)
{
	int s[2];

	pair(SOCK_STREAM, s);
	need(send_fd(s[0], with_rights(file(), ~CAP_RIGHT_GRANT)) == -EPERM);
	need(outcome(recv(s[1], s, 1, MSG_DONTWAIT)) == -EAGAIN);
}

static void revoked_under_way_is_missing(void)
{
	int fd = file(), s[2], mine = with_rights(fd, ALL_RIGHTS);

	pair(SOCK_STREAM, s);
	need(send_fd(s[0], mine) == 0 && cap_revoke(cap_handle(mine), 0) == 0);
	need(receive_fd(s[1]) == -1);
	need(works(cap_handle(fd)));
}

static void passed_on_so_often(void)
{
	int s[2], fd = file(), next, n = 0, err = 0;

	pair(SOCK_STREAM, s);
	for (; n < 2 * CAP_DEPTH_MAX && (err = send_fd(s[0], fd)) == 0; n++) {
		next = receive_fd(s[1]);
		need(close(fd) == 0);
		fd = next;
	}
	need(err == -ETOOMANYREFS && n == CAP_DEPTH_MAX && works(cap_handle(fd)));
}

static void ports_are_handed_over_otherwise(void)
{
	struct port_options options = { 0 };
	cap_handle_t port = port_create(&options);
	int s[2];

	pair(SOCK_STREAM, s);
	need(port >= 0 && send_fd(s[0], cap_fd(port)) == -EPERM);
	need(send_fd(s[0], with_rights(cap_fd(port), ~PORT_RIGHT_RECEIVE)) == 0);
	need(receive_fd(s[1]) >= 0);
}

/* --- revoked -------------------------------------------------------------------------------------------- */

static cap_handle_t victim;

static void *revoke_later(void *unused)
{
	usleep(50000);
	need(cap_revoke(victim, 0) == 0);
	return unused;
}

static pthread_t begin_to_revoke(int fd)
{
	pthread_t thread;

	victim = cap_reduce(fd, ALL_RIGHTS);
	need(victim >= 0 && pthread_create(&thread, NULL, revoke_later, NULL) == 0);
	return thread;
}

static void receiver_is_woken(void)
{
	struct timeval forever = { 1000, 0 };
	pthread_t thread;
	int s[2];
	char c;

	pair(SOCK_STREAM, s);
	thread = begin_to_revoke(s[0]);
	need(outcome(read(cap_fd(victim), &c, 1)) == -EBADF && pthread_join(thread, NULL) == 0);
	need(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever)) == 0);
	thread = begin_to_revoke(s[0]);
	need(outcome(recv(cap_fd(victim), &c, 1, 0)) == -EBADF && pthread_join(thread, NULL) == 0);
	need(write(s[1], "x", 1) == 1 && read(s[0], &c, 1) == 1);
}

static void sender_is_woken(void)
{
	static char buf[4096];
	pthread_t thread;
	int s[2];

	pair(SOCK_STREAM, s);
	while (send(s[0], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	thread = begin_to_revoke(s[0]);
	need(outcome(write(cap_fd(victim), buf, 1)) == -EBADF && pthread_join(thread, NULL) == 0);
}

static void accept_and_connect_are_woken(void)
{
	struct sockaddr_un name = path_name("cap.wake");
	int listener = bound(SOCK_STREAM, &name), s;
	pthread_t thread;

	need(listen(listener, 0) == 0);
	thread = begin_to_revoke(listener);
	need(outcome(accept(cap_fd(victim), NULL, NULL)) == -EBADF && pthread_join(thread, NULL) == 0);
	connected(SOCK_STREAM, &name);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	thread = begin_to_revoke(s);
	need(outcome(connect(cap_fd(victim), (struct sockaddr *)&name, sizeof(name))) == -EBADF);
	need(pthread_join(thread, NULL) == 0);
	need(accept(listener, NULL, NULL) >= 0);
	need(connect(s, (struct sockaddr *)&name, sizeof(name)) == 0);
	need(unlink(name.sun_path) == 0);
}

/* --- confined ------------------------------------------------------------------------------------------- */

static struct sockaddr_un abstract = { AF_UNIX, "\0serix cap_socket" };
#define ABSTRACT_LEN 19

static bool reaches(int s, const struct sockaddr_un *name, socklen_t len)
{
	return connect(s, (const struct sockaddr *)name, len) == 0 || errno == ECONNREFUSED;
}

static void pairs_alone(int had, int refused)
{
	int s[2];
	char c;

	for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++)
		need(socket(AF_UNIX, type, 0) == -1);
	need(outcome(socket(AF_UNIX, SOCK_STREAM, 0)) == -refused);
	need(!reaches(had, &abstract, ABSTRACT_LEN) && errno == refused);
	need(outcome(bind(had, (struct sockaddr *)&abstract, ABSTRACT_LEN)) == -refused);
	need(outcome(bind(had, (struct sockaddr *)&abstract, 2)) == -refused);
	need(outcome(sendto(had, "x", 1, 0, (struct sockaddr *)&abstract, ABSTRACT_LEN)) == -refused);
	pair(SOCK_DGRAM, s);
	need(write(s[0], "x", 1) == 1 && read(s[1], &c, 1) == 1);
}

static void no_network(void)
{
	struct sockaddr_un name = path_name("cap.net");
	const struct confinement what = { .deny = CONFINE_NO_NETWORK };
	int rx = bound(SOCK_DGRAM, &name), had = socket(AF_UNIX, SOCK_DGRAM, 0);

	need(cap_confine(&what, sizeof(what)) == 0);
	pairs_alone(had, EACCES);
	/* Paths are no names of the network's. */
	need(sendto(had, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == 1 && rx >= 0);
	need(unlink(name.sun_path) == 0);
}

static void capability_mode(void)
{
	struct sockaddr_un name = path_name("cap.mode"), other = path_name("cap.mode2");
	int rx = bound(SOCK_DGRAM, &name), had = socket(AF_UNIX, SOCK_DGRAM, 0);
	int kept = connected(SOCK_DGRAM, &name);
	char c;

	need(cap_enter(CAP_ENTER) == 1 || cap_enter(0) == 1);
	pairs_alone(had, EPERM);
	need(!reaches(had, &name, sizeof(name)));
	need(bind(had, (struct sockaddr *)&other, sizeof(other)) == -1);
	need(sendto(had, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == -1);
	need(write(kept, "x", 1) == 1 && read(rx, &c, 1) == 1); /* what it holds it holds */
}

static void places_hold_for_names(void)
{
	struct sockaddr_un outside = path_name("cap.out"), inside = { AF_UNIX, "/tmp/cap.in/s" };
	struct confinement what = { .deny = CONFINE_NO_PATHS, .rule_count = 1 };
	struct sockaddr_un link_ = { AF_UNIX, "/tmp/cap.in/link" }, made = { AF_UNIX, "/tmp/cap.out2" };
	struct confine_rule rule = { .rights = CONFINE_WRITE };
	int rx = bound(SOCK_DGRAM, &outside), s = socket(AF_UNIX, SOCK_DGRAM, 0), t;

	mkdir("/tmp/cap.in", 0755);
	unlink(inside.sun_path);
	unlink(link_.sun_path);
	need(symlink(outside.sun_path, link_.sun_path) == 0 && rx >= 0);
	rule.fd = open("/tmp/cap.in", O_PATH | O_DIRECTORY);
	what.rules = &rule;
	need(rule.fd >= 0 && cap_confine(&what, sizeof(what)) == 0);
	need(!reaches(s, &outside, sizeof(outside)) && errno == EACCES);
	need(!reaches(s, &link_, sizeof(link_)) && errno == EACCES);
	need(outcome(bind(s, (struct sockaddr *)&made, sizeof(made))) == -EACCES);
	need(!reaches(s, &abstract, ABSTRACT_LEN) && errno == EACCES);
	t = bound(SOCK_DGRAM, &inside);
	need(connect(s, (struct sockaddr *)&inside, sizeof(inside)) == 0 && write(s, "x", 1) == 1 && t >= 0);
}

int main(void)
{
	tap(passes(is_a_socket), "a socket's capability has the type and rights of one");
	tap(passes(to_receive), "RECEIVE alone, and all but it");
	tap(passes(to_send), "SEND alone, and all but it");
	tap(passes(to_connect_also_names_receivers), "CONNECT, also for a name with a message");
	tap(passes(to_bind_listen_accept), "BIND, LISTEN, ACCEPT");
	tap(passes(to_ask_and_set), "GETOPT, SETOPT, SHUTDOWN");
	tap(passes(accepted_come_from_the_listener), "what is accepted is derived from the listener's");
	tap(passes(sending_is_granting),
	    "a descriptor sent is derived from the sender's, and revoked with it");
	tap(passes(who_may_not_grant_may_not_send), "without GRANT it cannot be sent");
	tap(passes(revoked_under_way_is_missing), "what is revoked under way is missing");
	tap(passes(passed_on_so_often), "passed on CAP_DEPTH_MAX times, then ETOOMANYREFS");
	tap(passes(ports_are_handed_over_otherwise), "a port's right to receive cannot be sent");
	tap(passes(receiver_is_woken), "revocation wakes who receives, with a time-out, too");
	tap(passes(sender_is_woken), "revocation wakes who sends");
	tap(passes(accept_and_connect_are_woken), "revocation wakes who accepts or connects");
	tap(passes(no_network), "without network: pairs alone, no abstract names");
	tap(passes(capability_mode), "in capability mode: pairs alone, no names at all");
	tap(passes(places_hold_for_names), "names of sockets obey the places of a confinement");
	return tap_end();
}
