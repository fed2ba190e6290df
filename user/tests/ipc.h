/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of ports share. */
#pragma once

#include <errno.h>
#include <libserix/ipc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "child.h"
#include "now.h"
#include "tap.h"

#define MS 1000000ull

static char buffer[MESSAGE_MAX];

static inline cap_handle_t make_port(uint32_t limit)
{
	struct port_options options = { .queue_limit = limit };
	cap_handle_t port = port_create(&options);

	need(port >= 0);
	return port;
}

static inline struct message outgoing(const void *data, size_t size)
{
	return (struct message){ .data = (void *)(uintptr_t)data, .size = size };
}

static inline struct message incoming(void)
{
	return (struct message){ .data = buffer, .capacity = sizeof(buffer) };
}

/* For a call: the answer goes to `buffer`. */
static inline struct message asking(const void *data, size_t size)
{
	struct message m = outgoing(data, size);

	m.receive = buffer;
	m.capacity = sizeof(buffer);
	return m;
}

static inline void pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static inline bool leaves_with(pid_t child, int code)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static inline bool poll_in(cap_handle_t handle, int timeout_ms)
{
	struct pollfd p = { .fd = (int)handle, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLIN);
}

static inline long raw(long number, long a, long b, long c)
{
	long result = syscall(number, a, b, c);

	return result == -1 ? -errno : result;
}

static inline void fill(char *data, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (char)(seed >> 24);
	}
}

/* A server that answers with what it was sent, until the port ends. */
static inline void echo(cap_handle_t port)
{
	struct message m = incoming();
	int err = port_receive(port, &m, PULSE_FOREVER);

	while (err == 0)
		err = port_reply_wait(port, &m, PULSE_FOREVER);
	_exit(err != -EPIPE);
}
