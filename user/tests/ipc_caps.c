/* SPDX-License-Identifier: BSD-2-Clause */
/* Rights to ports, names of ports, and capabilities in messages. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libserix/capability.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "ipc.h"

#define ALL UINT32_MAX

static struct message carrying(cap_handle_t *caps, uint32_t count)
{
	return (struct message){ .caps = caps, .cap_count = count };
}

static struct message taking(cap_handle_t *caps, uint32_t room)
{
	struct message m = incoming();

	m.caps = caps;
	m.cap_capacity = room;
	return m;
}

/* --- rights ---------------------------------------------------------------------------------------- */

static void each_call_needs_its_right(void)
{
	cap_handle_t port = make_port(0), n = notification_create(0);
	cap_handle_t none = cap_reduce(port, 0), receive = cap_reduce(port, PORT_RIGHT_RECEIVE);
	cap_handle_t send = cap_reduce(port, PORT_RIGHT_SEND), call = cap_reduce(port, PORT_RIGHT_CALL);
	struct message m = outgoing("x", 1);
	uint64_t bits;

	need(port_send(none, &m, 0) == -EPERM && port_send(receive, &m, 0) == -EPERM);
	need(port_send(call, &m, 0) == -EPERM && port_send(send, &m, 0) == 0);
	need(port_call(send, &m, MS) == -EPERM && port_call(call, &m, MS) == -ETIMEDOUT);
	need(port_close(send) == -EPERM && port_close(receive) == -EPERM);
	m = incoming();
	need(port_receive(send, &m, 0) == -EPERM && port_receive(none, &m, 0) == -EPERM);
	m.reply = 1;
	need(port_reply(call, &m) == -EPERM && port_reply_wait(call, &m, 0) == -EPERM);
	need(port_receive(receive, &m, 0) == 0);
	need(notification_signal(cap_reduce(n, NOTIFICATION_RIGHT_WAIT), 1) == -EPERM);
	need(notification_wait(cap_reduce(n, NOTIFICATION_RIGHT_SIGNAL), 1, &bits, 0) == -EPERM);
}

/* What a server sees of the capability that a message came through. */
static void messages_show_badge_and_rights(void)
{
	cap_handle_t port = make_port(0);
	struct cap_derive how = { .rights = PORT_RIGHT_SEND | PORT_RIGHT_USER(0) | PORT_RIGHT_USER(7),
				  .flags = CAP_DERIVE_BADGE,
				  .badge = 77,
				  .expires_ns = CAP_FOREVER };
	cap_handle_t client = cap_derive(port, &how), child = cap_reduce(client, PORT_RIGHT_SEND);
	struct message m = outgoing("x", 1);

	need(client >= 0 && child >= 0);
	how.badge = 78;
	need(cap_derive(client, &how) == -EPERM); /* no right to choose another */
	need(port_send(client, &m, 0) == 0 && port_send(child, &m, 0) == 0);
	m = incoming();
	need(port_receive(port, &m, 0) == 0 && m.badge == 77);
	need(m.rights == (PORT_RIGHT_SEND | PORT_RIGHT_USER(0) | PORT_RIGHT_USER(7)));
	need(port_receive(port, &m, 0) == 0 && m.badge == 77 && m.rights == PORT_RIGHT_SEND);
}

/* --- names ----------------------------------------------------------------------------------------- */

static bool listed(const char *name)
{
	char text[4096], line[80];
	int fd = open("/dev/ports", O_RDONLY);
	ssize_t n = read(fd, text + 1, sizeof(text) - 2);

	need(fd >= 0 && n >= 0);
	close(fd);
	text[0] = '\n';
	text[n + 1] = '\0';
	snprintf(line, sizeof(line), "\n%s\n", name);
	return strstr(text, line);
}

static void names(void)
{
	const struct cap_derive all = { .rights = ALL, .expires_ns = CAP_FOREVER };
	int registry = open("/dev/ports", O_RDWR), reading = open("/dev/ports", O_RDONLY);
	cap_handle_t port = make_port(0), client;
	struct message m = outgoing("x", 1);

	need(registry >= 0 && reading >= 0);
	need(port_open("test.names") == -ENOENT && !listed("test.names"));
	need(port_register(registry, port, "test.names") == 0 && listed("test.names"));
	need(port_register(registry, port, "test.names") == -EEXIST);
	need(port_register(registry, port, "test.more") == 0 && listed("test.more"));
	client = port_open("test.names");
	need(client >= 0 && port_send(client, &m, 0) == 0);
	m = incoming();
	need(port_receive(port, &m, 0) == 0 && !(m.rights & (PORT_RIGHT_RECEIVE | PORT_RIGHT_CONTROL)));
	need(port_receive(client, &m, 0) == -EPERM && port_close(client) == -EPERM);
	need(port_register(registry, client, "test.third") == -EPERM);
	/* Refusals. */
	need(port_register(reading, port, "test.third") == -EBADF);
	need(port_register(99, port, "test.third") == -EBADF &&
	     port_register(registry, 98, "test.third") == -EBADF);
	need(port_register(open("/dev/null", O_RDWR), port, "test.third") == -EINVAL);
	need(port_connect(open("/dev/null", O_RDWR), "test.names", &all) == -EINVAL);
	need(port_register(registry, port, "") == -EINVAL && port_register(registry, port, "a/b") == -EINVAL);
	need(port_register(registry, port, "a\nb") == -EINVAL);
	need(port_register(registry, port, (const char *)8) == -EFAULT);
	need(port_register(registry, port,
			   "0123456789012345678901234567890123456789012345678901234567890123") ==
	     -ENAMETOOLONG);
	need(port_connect(registry, "test.names", (const struct cap_derive *)8) == -EFAULT);
	/* Names end with their port, which nobody keeps alive by a name. */
	need(close((int)port) == 0);
	need(!listed("test.names") && !listed("test.more") && port_open("test.names") == -ENOENT);
	m = outgoing("x", 1);
	need(port_send(client, &m, 0) == -EPIPE);
}

/* Whoever registered takes back the name and everything that was handed out under it. */
static void names_are_revoked(void)
{
	int registry = open("/dev/ports", O_RDWR);
	cap_handle_t port = make_port(0), offered = cap_reduce(port, ALL & ~CAP_RIGHT_GRANT), client;
	struct message m = outgoing("x", 1);

	need(port_register(registry, offered, "test.revoked") == 0);
	client = port_open("test.revoked");
	need(client >= 0 && port_send(client, &m, 0) == 0);
	need(cap_revoke(offered, 0) == 0);
	need(port_send(client, &m, 0) == -EBADF && !listed("test.revoked"));
	need(port_open("test.revoked") == -ENOENT);
	need(port_send(port, &m, 0) == 0); /* the port lives */
	/* Closing is no revocation: the name stays. */
	offered = cap_reduce(port, ALL);
	need(port_register(registry, offered, "test.revoked") == 0 && close(cap_fd(offered)) == 0);
	client = port_open("test.revoked");
	need(client >= 0 && port_send(client, &m, 0) == 0 && listed("test.revoked"));
	need(port_close(port) == 0 && !listed("test.revoked"));
	need(port_register(registry, port, "test.dead") == -EPIPE);
}

/* --- in messages ----------------------------------------------------------------------------------- */

static void sixteen_arrive(void)
{
	cap_handle_t port = make_port(0), sent[MESSAGE_CAPS], got[MESSAGE_CAPS];
	struct message m = carrying(sent, MESSAGE_CAPS);
	uint64_t bits;
	pid_t child;

	for (unsigned i = 0; i < MESSAGE_CAPS; i++)
		sent[i] = notification_create(0);
	child = fork();
	if (child == 0) {
		m = taking(got, MESSAGE_CAPS);
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.cap_count == MESSAGE_CAPS &&
		     m.flags == 0);
		for (unsigned i = 0; i < MESSAGE_CAPS; i++) {
			need(fcntl(cap_fd(got[i]), F_GETFD) == FD_CLOEXEC);
			need(notification_signal(got[i], 1ull << i) == 0);
		}
		_exit(0);
	}
	need(port_send(port, &m, PULSE_FOREVER) == 0);
	need(leaves_with(child, 0));
	for (unsigned i = 0; i < MESSAGE_CAPS; i++)
		need(notification_wait(sent[i], ALL, &bits, 0) == 0 && bits == 1ull << i);
}

static void refusals_send_nothing(void)
{
	cap_handle_t port = make_port(0), n = notification_create(0), sent[MESSAGE_CAPS + 1];
	struct cap_derive how[2] = { { .rights = ALL, .expires_ns = CAP_FOREVER }, { .flags = 64 } };
	struct message m;

	for (unsigned i = 0; i <= MESSAGE_CAPS; i++)
		sent[i] = n;
	m = carrying(sent, MESSAGE_CAPS + 1);
	need(port_send(port, &m, 0) == -EMSGSIZE);
	m = carrying((cap_handle_t *)8, 1);
	need(port_send(port, &m, 0) == -EFAULT);
	m = carrying(sent, 2);
	sent[1] = 99;
	need(port_send(port, &m, 0) == -EBADF);
	sent[1] = cap_reduce(n, ALL & ~CAP_RIGHT_GRANT);
	need(sent[1] >= 0 && port_send(port, &m, 0) == -EPERM && port_call(port, &m, MS) == -EPERM);
	sent[1] = n;
	m.terms = how;
	need(port_send(port, &m, 0) == -EINVAL);
	m.terms = (struct cap_derive *)8;
	need(port_send(port, &m, 0) == -EFAULT);
	how[1] = (struct cap_derive){ .rights = ALL, .flags = CAP_DERIVE_BADGE, .expires_ns = CAP_FOREVER };
	m.terms = how;
	sent[1] = cap_reduce(n, ALL & ~CAP_RIGHT_BADGE);
	need(port_send(port, &m, 0) == -EPERM);
	m = incoming();
	need(port_receive(port, &m, 0) == -EAGAIN);
}

static void less_room_than_capabilities(void)
{
	cap_handle_t port = make_port(0), sent[3], got[3] = { -7, -7, -7 };
	struct rlimit limit = { 0, 0 };
	struct message m = carrying(sent, 3);

	for (int i = 0; i < 3; i++)
		sent[i] = notification_create(0);
	need(port_send(port, &m, 0) == 0 && port_send(port, &m, 0) == 0 && port_send(port, &m, 0) == 0);
	m = taking(got, 1);
	need(port_receive(port, &m, 0) == 0 && m.cap_count == 1 && m.flags == MESSAGE_TRUNCATED_CAPS);
	need(got[0] >= 0 && got[1] == -7);
	m = taking(NULL, 0);
	need(port_receive(port, &m, 0) == 0 && m.cap_count == 0 && m.flags == MESSAGE_TRUNCATED_CAPS);
	/* No room in the table. */
	limit.rlim_cur = limit.rlim_max = (rlim_t)cap_fd(got[0]) + 1;
	need(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	m = taking(got, 3);
	need(port_receive(port, &m, 0) == 0 && m.cap_count == 3 && m.flags == MESSAGE_TRUNCATED_CAPS);
	need(got[0] == -1 && got[1] == -1 && got[2] == -1);
}

static void revoked_under_way(void)
{
	cap_handle_t port = make_port(0), sent[3], got[3];
	struct message m = carrying(sent, 3);

	for (int i = 0; i < 3; i++)
		sent[i] = notification_create(0);
	need(port_send(port, &m, 0) == 0);
	need(cap_revoke(sent[1], 0) == 0);
	need(close((int)sent[2]) == 0); /* which changes nothing for what is under way */
	m = taking(got, 3);
	need(port_receive(port, &m, 0) == 0 && m.cap_count == 3 && m.flags == 0);
	need(got[0] >= 0 && got[1] == -1 && got[2] >= 0);
	/* What has arrived is revoked with the sender's. */
	need(notification_signal(got[0], 1) == 0 && cap_revoke(sent[0], 0) == 0);
	need(notification_signal(got[0], 1) == -EBADF && notification_signal(got[2], 1) == 0);
}

static void moved(void)
{
	cap_handle_t port = make_port(1), sent[2] = { notification_create(0), notification_create(0) },
		     got[2];
	struct message m = carrying(sent, 2);

	m.flags = MESSAGE_MOVE_CAPS;
	need(port_send(port, &m, 0) == 0);
	need(notification_signal(sent[0], 1) == -EBADF && notification_signal(sent[1], 1) == -EBADF);
	/* Not when it could not be sent. */
	sent[0] = sent[1] = notification_create(0);
	need(port_send(port, &m, 0) == -EAGAIN && port_send(port, &m, MS) == -ETIMEDOUT);
	need(notification_signal(sent[0], 1) == 0);
	m = taking(got, 2);
	need(port_receive(port, &m, 0) == 0 && notification_signal(got[0], 1) == 0);
}

static void on_other_terms(void)
{
	cap_handle_t port = make_port(0), sent[2] = { notification_create(0), make_port(0) }, got[2];
	struct cap_derive how[2] = {
		{ .rights = NOTIFICATION_RIGHT_SIGNAL, .expires_ns = CAP_FOREVER },
		{ .rights = PORT_RIGHT_SEND, .flags = CAP_DERIVE_BADGE, .badge = 5, .expires_ns = 60 * MS },
	};
	struct message m = carrying(sent, 2), x = outgoing("x", 1);
	uint64_t bits;

	m.terms = how;
	need(port_send(port, &m, 0) == 0);
	m = taking(got, 2);
	need(port_receive(port, &m, 0) == 0);
	need(notification_signal(got[0], 1) == 0 && notification_wait(got[0], 1, &bits, 0) == -EPERM);
	need(port_send(got[1], &x, 0) == 0);
	m = incoming();
	need(port_receive(sent[1], &m, 0) == 0 && m.badge == 5);
	pause_ms(80);
	need(port_send(got[1], &x, 0) == -EBADF); /* it has expired */
}

/* How a server gives each client a handle of its own, and a client a place to be reached at. */
static void in_calls_and_answers(void)
{
	cap_handle_t port = make_port(0), mine = notification_create(0), got[2] = { -7, -7 };
	struct message m = carrying(&mine, 1);
	pid_t server = fork();

	if (server == 0) {
		cap_handle_t theirs, own = make_port(0);
		struct cap_derive how = { .rights = PORT_RIGHT_SEND, .expires_ns = CAP_FOREVER };

		m = taking(&theirs, 1);
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.reply && m.cap_count == 1);
		m.caps = &own;
		m.cap_count = 1;
		m.terms = &how;
		m.size = 0;
		need(port_reply(port, &m) == 0 && notification_signal(theirs, 4) == 0);
		m = incoming();
		need(port_receive(own, &m, PULSE_FOREVER) == 0 && m.tag == 9);
		_exit(0);
	}
	m.cap_capacity = 1;
	need(port_call(port, &m, PULSE_FOREVER) == 0 && m.cap_count == 1 && mine >= 0);
	got[0] = mine; /* written over with what came */
	m = (struct message){ .tag = 9 };
	need(port_send(got[0], &m, PULSE_FOREVER) == 0);
	need(leaves_with(server, 0));
}

/* --- the right to receive -------------------------------------------------------------------------- */

/* Never queued: else a port could be alive in nothing but its own queue. */
static void a_right_to_receive_is_handed_over(void)
{
	cap_handle_t port = make_port(0), given = make_port(0), got;
	struct message m = carrying(&given, 1);
	pid_t child;

	need(port_send(port, &m, 0) == -EAGAIN && port_send(port, &m, 10 * MS) == -ETIMEDOUT);
	m.caps = &port; /* itself */
	need(port_send(port, &m, 10 * MS) == -ETIMEDOUT);
	m.caps = &given;
	child = fork();
	if (child == 0) {
		m = taking(&got, 1);
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && got >= 0);
		echo(got);
	}
	m.flags = MESSAGE_MOVE_CAPS;
	{
		cap_handle_t client =
			cap_reduce(given, PORT_RIGHT_SEND | PORT_RIGHT_CALL | PORT_RIGHT_CONTROL);
		struct message ask = asking("ask", 3);

		need(port_send(port, &m, PULSE_FOREVER) == 0);
		need(port_call(client, &ask, PULSE_FOREVER) == 0 && ask.size == 3);
		need(port_close(client) == 0);
	}
	need(leaves_with(child, 0));
}

/* While it waits to be handed over others wait behind it, in order. */
static void others_wait_behind_it(void)
{
	cap_handle_t port = make_port(0), given = make_port(0), got[1];
	struct message m = carrying(&given, 1);
	pid_t first = fork(), second;

	if (first == 0)
		_exit(port_send(port, &m, PULSE_FOREVER) != 0);
	pause_ms(15);
	m = outgoing("x", 1);
	need(port_send(port, &m, 0) == -EAGAIN);
	second = fork();
	if (second == 0)
		_exit(port_send(port, &m, PULSE_FOREVER) != 0);
	pause_ms(15);
	m = taking(got, 1);
	need(poll_in(port, 0) && port_receive(port, &m, 0) == 0 && m.cap_count == 1);
	need(port_receive(port, &m, 0) == 0 && m.size == 1);
	need(leaves_with(first, 0) && leaves_with(second, 0));
}

/* --- memory ---------------------------------------------------------------------------------------- */

/* No user gets more than a part of the memory into queues; what is taken out can be sent again. */
static void queues_are_bounded(void)
{
	struct port_options large = { .queue_limit = PORT_QUEUE_MAX };
	cap_handle_t port = port_create(&large);
	struct message m = outgoing(buffer, MESSAGE_MAX);
	int sent = 0, err;
	pid_t child;

	need(port >= 0);
	memset(buffer, 1, sizeof(buffer));
	while ((err = port_send(port, &m, 0)) == 0)
		sent++;
	need(err == -ENOMEM && sent > 20);
	m = incoming();
	need(port_receive(port, &m, 0) == 0);
	m = outgoing(buffer, MESSAGE_MAX);
	need(port_send(port, &m, 0) == 0 && port_send(port, &m, 0) == -ENOMEM);
	/* Another user has an account of its own. */
	child = fork();
	if (child == 0)
		_exit(setuid(1000) != 0 || port_send(port, &m, 0) != 0);
	need(leaves_with(child, 0));
	need(port_close(port) == 0);
	port = make_port(0);
	need(port_send(port, &m, 0) == 0);
	printf("# %d messages\n", sent);
}

int main(void)
{
	tap(passes(each_call_needs_its_right), "each call needs its right");
	tap(passes(messages_show_badge_and_rights), "messages show badge and rights");
	tap(passes(names), "names: registered, listed, connected to, gone with their port");
	tap(passes(names_are_revoked), "names and what came of them are revoked");
	tap(passes(sixteen_arrive), "sixteen capabilities arrive");
	tap(passes(refusals_send_nothing), "a capability that may not be sent: nothing is");
	tap(passes(less_room_than_capabilities), "less room than capabilities");
	tap(passes(revoked_under_way), "revoked under way, and after");
	tap(passes(moved), "moved capabilities");
	tap(passes(on_other_terms), "fewer rights, a badge, a time");
	tap(passes(in_calls_and_answers), "capabilities in calls and answers");
	tap(passes(a_right_to_receive_is_handed_over), "a right to receive is handed over, never queued");
	tap(passes(others_wait_behind_it), "others wait behind it");
	tap(passes(queues_are_bounded), "a user's messages take a part of the memory only");
	return tap_end();
}
