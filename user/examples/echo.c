/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo: a server that answers with what it is sent, and a client that calls it.
 *
 * Shows a server's loop, small calls (in registers) and large ones (pages), and how each side learns that the
 * other has ended.
 */
#include <errno.h>
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <libserix/small.h>

#include "example.h"

static char buffer[MESSAGE_MAX], answer[MESSAGE_MAX];

/* Receive the first message, then answer each and receive the next, in one call, until the port ends. */
static int serve(cap_handle_t port)
{
	struct message m = { .data = buffer, .capacity = sizeof(buffer) };
	int err = port_receive(port, &m, PULSE_FOREVER);

	while (err == 0) {
		err = port_reply_wait(port, &m, PULSE_FOREVER);
		if (err == -EMSGSIZE) { /* a caller that left no room for it: it gets none */
			m.size = 0;
			err = port_reply_wait(port, &m, PULSE_FOREVER);
		}
	}
	return err;
}

/* Up to MESSAGE_SMALL bytes: neither side's memory is touched by the kernel. */
static void call_small(cap_handle_t server, const char *text)
{
	struct small_message m = { .size = strlen(text), .tag = 7 };

	memcpy(m.data, text, m.size);
	must(port_call_small(server, &m, PULSE_FOREVER), "a small call");
	check(m.tag == 7 && m.size == strlen(text) && memcmp(m.data, text, m.size) == 0, "the echo");
	printf("small: %lu bytes: %.*s\n", m.size, (int)m.size, (char *)m.data);
}

/* Up to MESSAGE_MAX bytes: small ones are copied, the pages of large ones shared until somebody writes. */
static void call_large(cap_handle_t server, size_t size)
{
	struct message m = {
		.data = buffer,
		.size = size,
		.receive = answer,
		.capacity = sizeof(answer),
	};

	for (size_t i = 0; i < size; i++)
		buffer[i] = (char)(i * 31 + size);
	must(port_call(server, &m, PULSE_FOREVER), "a call");
	check(m.size == size && memcmp(buffer, answer, size) == 0, "the echo");
	printf("large: %lu bytes came back as they went\n", m.size);
}

int main(void)
{
	cap_handle_t port = must(port_create(NULL), "a port");
	cap_handle_t client = must(cap_reduce(port, PORT_RIGHT_CALL), "a client's capability");
	struct message m = { .data = buffer };
	struct small_message late = { .size = 0 };
	pid_t server = start();

	if (server == 0)
		return serve(port) != -EPIPE;

	call_small(client, "hello, port");
	for (size_t size = 1000; size <= MESSAGE_MAX; size *= 8)
		call_large(client, size);

	/* A client's capability is good for calls and nothing else. */
	check(port_close(client) == -EPERM, "a client cannot close the port");
	m.size = sizeof(buffer);
	check(port_call(client, &m, PULSE_FOREVER) == 0 && m.size == 0, "no room, no echo");
	must(port_close(port), "closing");
	check(port_call_small(client, &late, PULSE_FOREVER) == -EPIPE, "a closed port answers nobody");
	finish(server);
	printf("closed: the server has left\n");
	return 0;
}
