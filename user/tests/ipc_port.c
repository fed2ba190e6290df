/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports: messages from one process to another, and each error that <serix/ipc.h> names. */
#define _GNU_SOURCE
#include <errno.h>
#include <libserix/ipc.h>
#include <string.h>

#include "child.h"
#include "tap.h"

#define MS 1000000ull

static char buffer[MESSAGE_MAX];

static struct message outgoing(const void *data, size_t size)
{
	return (struct message){ .data = (void *)data, .size = size };
}

static struct message incoming(void)
{
	return (struct message){ .data = buffer, .capacity = sizeof(buffer) };
}

static void between_two_processes(void)
{
	cap_handle_t port = port_create(NULL);
	struct message m = outgoing("hello", 5);
	pid_t child;
	int status;

	need(port >= 0);
	m.tag = 42;
	child = fork();
	if (child == 0)
		_exit(port_send(port, &m, PULSE_FOREVER) != 0);
	m = incoming();
	need(port_receive(port, &m, PULSE_FOREVER) == 0);
	need(m.size == 5 && memcmp(buffer, "hello", 5) == 0 && m.tag == 42);
	need(m.pid == child && m.reply == 0 && (m.rights & PORT_RIGHT_SEND));
	need(waitpid(child, &status, 0) == child && status == 0);
}

static void call_and_answer(void)
{
	cap_handle_t port = port_create(NULL);
	struct message m;

	need(port >= 0);
	if (fork() == 0) {
		m = incoming();
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.reply != 0);
		m.tag++;
		m.data = "answer";
		m.size = 6;
		_exit(port_reply(port, &m) != 0);
	}
	m = (struct message){
		.tag = 1, .data = "question", .size = 8, .receive = buffer, .capacity = sizeof(buffer)
	};
	need(port_call(port, &m, PULSE_FOREVER) == 0);
	need(m.tag == 2 && m.size == 6 && memcmp(buffer, "answer", 6) == 0);
}

int main(void)
{
	tap(passes(between_two_processes), "a message from one process to another");
	tap(passes(call_and_answer), "a call and its answer");
	return tap_end();
}
