/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages: what is called is answered, once, to who asked, byte for byte; who waits learns of a time-out
 * and of the other side's end.  Servers answer with every bit of the tag and of the data inverted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <libserix/small.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define US 1000ul

static _Alignas(PAGE) uint8_t sent[MESSAGE_MAX + PAGE], received[MESSAGE_MAX + PAGE];

static cap_handle_t make_port(void)
{
	struct port_options options = { .queue_limit = 1 + draw_below(8) };
	cap_handle_t port = port_create(&options);

	expect(port >= 0);
	return port;
}

/* To the end of the port, or with whatever else the last call came to. */
static int serve(cap_handle_t port)
{
	struct message m = { .data = received + draw_below(2) * draw_below(PAGE), .capacity = MESSAGE_MAX };
	int err = port_receive(port, &m, PULSE_FOREVER);

	while (err == 0) {
		uint8_t *data = m.data;

		for (size_t i = 0; i < m.size; i++)
			data[i] ^= 0xff;
		m.tag = ~m.tag;
		m.flags = draw_below(2) ? MESSAGE_MOVE : 0;
		err = port_reply_wait(port, &m, PULSE_FOREVER);
	}
	return err;
}

static pid_t start_server(cap_handle_t port)
{
	pid_t pid = start_child();

	if (pid == 0) {
		expect(serve(port) == -EPIPE);
		_exit(5);
	}
	return pid;
}

/* --- calls between processes ----------------------------------------------------------------------- */

/* Each path, and what lies at their limits. */
static unsigned any_size(void)
{
	switch (draw_below(4)) {
	case 0:
		return draw_below(MESSAGE_SMALL + 2);
	case 1:
		return draw_below(PAGE + 2);
	case 2:
		return draw_below(MESSAGE_MAX + 1);
	default:
		return draw_below(MESSAGE_MAX / PAGE + 1) * PAGE;
	}
}

static uint8_t byte_of(uint64_t seed, size_t at)
{
	return (uint8_t)(seed >> at % 8 * 8) + (uint8_t)(at / 8 * 37);
}

static void call_once(cap_handle_t port)
{
	struct message m = {
		.tag = draw(),
		.data = sent + draw_below(2) * draw_below(PAGE),
		.size = any_size(),
		.receive = received + draw_below(2) * draw_below(PAGE),
		.capacity = MESSAGE_MAX,
		.flags = draw_below(2) ? MESSAGE_MOVE : 0,
	};
	const uint8_t *answer = m.receive;
	uint64_t size = m.size, tag = m.tag;
	bool moved = m.flags;
	uint8_t *data = m.data;

	for (size_t i = 0; i < size; i++)
		data[i] = byte_of(tag, i);
	expect(port_call(port, &m, PULSE_FOREVER) == 0);
	expect(m.size == size && m.tag == ~tag);
	for (size_t i = 0; i < size; i++)
		expect(answer[i] + byte_of(tag, i) == 0xff);
	for (size_t i = 0; i < size && !moved; i++)
		expect(data[i] == byte_of(tag, i)); /* what the server does to its copy is not seen */
}

static void processes_call(void)
{
	cap_handle_t port = make_port();
	pid_t server = start_server(port), other = start_child();

	for (unsigned i = 1 + draw_below(10); i > 0; i--)
		call_once(port);
	if (other == 0)
		_exit(0);
	expect_exit(other, 0);
	expect(port_close(port) == 0);
	expect_exit(server, 5);
	close(cap_fd(port));
}

/* --- calls between threads, through registers and memory ------------------------------------------- */

struct caller {
	cap_handle_t port;
	uint64_t seed;
};

static void *serve_small(void *arg)
{
	const struct caller *self = arg;
	struct small_message m = { .cookie = 0 };

	while (port_reply_wait_small(self->port, &m, PULSE_FOREVER) == 0) {
		expect(m.tag == scramble(m.badge, m.size) && m.data[0] == (uint8_t)m.badge);
		m.tag = ~m.tag;
	}
	return NULL;
}

static void *serve_any(void *arg)
{
	const struct caller *self = arg;
	uint8_t data[MESSAGE_SMALL];
	struct message m = { .data = data, .capacity = sizeof(data) };
	int err = port_receive(self->port, &m, PULSE_FOREVER);

	while (err == 0) {
		expect(m.tag == scramble(m.badge, m.size) && data[0] == (uint8_t)m.badge);
		m.tag = ~m.tag;
		err = port_reply_wait(self->port, &m, PULSE_FOREVER);
	}
	expect(err == -EPIPE);
	return NULL;
}

static void *call_both_ways(void *arg)
{
	const struct caller *self = arg;

	for (unsigned i = 0; i < 60; i++) {
		uint64_t size = 1 + scramble(self->seed, i) % MESSAGE_SMALL, tag = scramble(self->seed, size);
		struct small_message s = { .size = size, .tag = tag, .data = { (uint8_t)self->seed } };
		struct message m = { .tag = tag, .data = s.data, .size = size, .capacity = sizeof(s.data) };

		if (i % 3 == 0) {
			expect(port_call(self->port, &m, PULSE_FOREVER) == 0);
			s.size = m.size;
			s.tag = m.tag;
		} else {
			expect(port_call_small(self->port, &s, PULSE_FOREVER) == 0);
		}
		expect(s.size == size && s.tag == ~tag && s.data[0] == (uint8_t)self->seed);
	}
	return NULL;
}

static void threads_call(void)
{
	cap_handle_t port = make_port();
	struct caller server = { .port = port }, callers[3];
	pthread_t servers[2], threads[3];

	expect(pthread_create(&servers[0], NULL, serve_small, &server) == 0);
	expect(pthread_create(&servers[1], NULL, serve_any, &server) == 0);
	for (unsigned i = 0; i < 3; i++) {
		struct cap_derive how = { .rights = PORT_RIGHT_CALL,
					  .flags = CAP_DERIVE_BADGE,
					  .expires_ns = CAP_FOREVER,
					  .badge = draw() };

		callers[i] = (struct caller){ cap_derive(port, &how), how.badge };
		expect(callers[i].port >= 0);
		expect(pthread_create(&threads[i], NULL, call_both_ways, &callers[i]) == 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		expect(pthread_join(threads[i], NULL) == 0);
		expect(close(cap_fd(callers[i].port)) == 0);
	}
	expect(port_close(port) == 0);
	expect(pthread_join(servers[0], NULL) == 0 && pthread_join(servers[1], NULL) == 0);
	close(cap_fd(port));
}

/* --- capabilities in messages ---------------------------------------------------------------------- */

/* Reads the memory that it is sent, signals what it is sent, and answers with a way to reach it. */
static _Noreturn void serve_capabilities(cap_handle_t port)
{
	struct cap_derive how = { .rights = PORT_RIGHT_SEND, .expires_ns = CAP_FOREVER };
	cap_handle_t got[2], own = make_port();
	struct message m = { .caps = got, .cap_capacity = 2 };
	const uint64_t *words;

	expect(port_receive(port, &m, PULSE_FOREVER) == 0 && m.cap_count == 2);
	words = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, cap_fd(got[1]), 0);
	expect(words != MAP_FAILED);
	for (size_t i = 0; i < 2 * PAGE / sizeof(*words); i++)
		expect(words[i] == scramble(m.tag, i));
	expect(notification_signal(got[0], words[0]) == 0);
	m.caps = &own;
	m.cap_count = 1;
	m.terms = &how;
	expect(port_reply(port, &m) == 0);
	m = (struct message){ .capacity = 0 };
	expect(port_receive(own, &m, PULSE_FOREVER) == 0 && m.tag == words[1]);
	_exit(7);
}

static void capabilities_travel(void)
{
	cap_handle_t port = make_port(), give[2] = { notification_create(0), memfd_create("load", 0) }, reply;
	struct cap_derive terms[2] = {
		{ .rights = NOTIFICATION_RIGHT_SIGNAL, .expires_ns = CAP_FOREVER },
		{ .rights = FILE_RIGHT_READ | FILE_RIGHT_MAP, .expires_ns = 60000000000ul },
	};
	struct message m = { .tag = draw(), .caps = give, .cap_count = 2, .cap_capacity = 1, .terms = terms };
	uint64_t words[2 * PAGE / 8], bits;
	cap_handle_t bell = give[0], memory = give[1];
	pid_t server = start_child();

	if (server == 0)
		serve_capabilities(port);
	expect(bell >= 0 && memory >= 0);
	for (size_t i = 0; i < 2 * PAGE / 8; i++)
		words[i] = scramble(m.tag, i);
	expect(write(cap_fd(memory), words, sizeof(words)) == sizeof(words));
	expect(port_call(port, &m, PULSE_FOREVER) == 0 && m.cap_count == 1);
	reply = give[0];
	expect(notification_wait(bell, UINT64_MAX, &bits, 0) == 0 && bits == words[0]);
	m = (struct message){ .tag = words[1] };
	expect(port_send(reply, &m, PULSE_FOREVER) == 0);
	expect_exit(server, 7);
	expect(port_send(reply, &m, 0) == -EPIPE);
	close(cap_fd(reply));
	close(cap_fd(bell));
	close(cap_fd(memory));
	close(cap_fd(port));
}

/* --- time-outs ------------------------------------------------------------------------------------- */

/* A call that ended early and its answer never both succeed, nor both fail. */
static void answers_come_late(void)
{
	cap_handle_t port = make_port();
	unsigned answered = 0;
	pid_t server = start_child();
	struct message m = { 0 };

	if (server == 0) {
		while (port_receive(port, &m, PULSE_FOREVER) == 0) {
			int err;

			sleep_us(draw_below(1500));
			err = port_reply(port, &m);
			expect(err == 0 || err == -ESRCH);
			answered += err == 0;
		}
		_exit((int)answered);
	}
	for (unsigned i = 0; i < 12; i++) {
		int err;

		m = (struct message){ .tag = i };
		err = port_call(port, &m, (1 + draw_below(2000)) * US);
		expect((err == 0 && m.tag == i) || err == -ETIMEDOUT);
		answered += err == 0;
	}
	expect(port_close(port) == 0);
	expect_exit(server, (int)answered);
	close(cap_fd(port));
}

static void nobody_comes(void)
{
	cap_handle_t port = make_port();
	uint64_t wait_ns = (1 + draw_below(1000)) * US, began;
	struct message m = { 0 };
	int err;

	while ((err = port_send(port, &m, 0)) == 0)
		;
	expect(err == -EAGAIN);
	began = now_ns();
	expect(port_send(port, &m, wait_ns) == -ETIMEDOUT && now_ns() - began >= wait_ns);
	began = now_ns();
	expect(port_call(port, &m, wait_ns) == -ETIMEDOUT && now_ns() - began >= wait_ns);
	while ((err = port_receive(port, &m, 0)) == 0)
		;
	expect(err == -EAGAIN);
	began = now_ns();
	expect(port_receive(port, &m, wait_ns) == -ETIMEDOUT && now_ns() - began >= wait_ns);
	close(cap_fd(port));
}

/* --- one side ends --------------------------------------------------------------------------------- */

static _Noreturn void call_to_the_end(cap_handle_t port)
{
	for (uint64_t tag = 0;; tag++) {
		struct message m = {
			.tag = tag, .data = sent, .size = tag * 97 % 9000, .capacity = MESSAGE_MAX
		};
		int err = port_call(port, &m, PULSE_FOREVER);

		expect(err == -EPIPE || (err == 0 && m.tag == ~tag));
		if (err < 0)
			_exit(8);
	}
}

/* Its callers all learn of it, whether their calls were queued or received. */
static void the_server_dies(void)
{
	cap_handle_t port = make_port(), client = cap_reduce(port, PORT_RIGHT_CALL);
	pid_t callers[3], server = start_server(port);

	close(cap_fd(port)); /* the server's alone */
	for (unsigned i = 0; i < 3; i++) {
		callers[i] = start_child();
		if (callers[i] == 0)
			call_to_the_end(client);
	}
	sleep_us(draw_below(3000));
	expect(kill(server, SIGKILL) == 0 && waitpid(server, NULL, 0) == server);
	for (unsigned i = 0; i < 3; i++)
		expect_exit(callers[i], 8);
	close(cap_fd(client));
}

/* Nothing is left of it with the server. */
static void the_client_dies(void)
{
	cap_handle_t port = make_port();
	struct message m = { .data = received, .capacity = MESSAGE_MAX };
	pid_t client = start_child();

	if (client == 0)
		call_to_the_end(port);
	for (unsigned i = draw_below(4); i > 0; i--) {
		expect(port_receive(port, &m, PULSE_FOREVER) == 0);
		m.tag = ~m.tag;
		expect(port_reply(port, &m) == 0);
	}
	if (draw_below(2))
		expect(port_receive(port, &m, PULSE_FOREVER) == 0);
	else
		sleep_us(draw_below(300));
	expect(kill(client, SIGKILL) == 0 && waitpid(client, NULL, 0) == client);
	expect(port_reply(port, &m) == -ESRCH);
	expect(port_receive(port, &m, 0) == -EAGAIN);
	close(cap_fd(port));
}

static void ipc_round(void)
{
	static void (*const ways[])(void) = { processes_call,    threads_call, capabilities_travel,
					      answers_come_late, nobody_comes, the_server_dies,
					      the_client_dies };

	one_of(ways, sizeof(ways) / sizeof(ways[0]));
}

const struct kind ipc_kind = { .name = "ipc", .round = ipc_round, .serix = true };
