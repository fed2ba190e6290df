/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages and capabilities, and what programs on Linux use instead.  Two processes take turns on one CPU; a
 * row of a system that lacks the calls is left out.
 */
#define _GNU_SOURCE
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <libserix/small.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ops.h"

/* --- ports ---------------------------------------------------------------------------------------------- */

#define LARGE 65536u

enum { PORT_SEND_SMALL = 1049, PORT_CALL_SMALL, PORT_REPLY_WAIT_SMALL };

static char buffer[LARGE] __attribute__((aligned(4096)));
static char answer[LARGE] __attribute__((aligned(4096)));

/* Bare calls, for their cost and not the library's: the payload is what is in the vector registers anyway. */
static inline long small(long nr, cap_handle_t port, uint64_t size, uint64_t *cookie)
{
	register uint64_t r10 __asm__("r10") = PULSE_FOREVER;
	register uint64_t r8 __asm__("r8") = *cookie;
	register uint64_t r9 __asm__("r9");
	uint64_t tag = 0;

	__asm__ volatile("syscall"
			 : "+a"(nr), "+D"(port), "+S"(size), "+d"(tag), "+r"(r10), "+r"(r8), "=r"(r9)
			 :
			 : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
			   "xmm7");
	*cookie = r9;
	return nr;
}

/* A server in a process of its own; -1: there are no ports here. */
static pid_t start_server(void (*serve)(cap_handle_t), cap_handle_t *port)
{
	pid_t child;

	*port = port_create(NULL);
	if (*port < 0)
		return -1;
	child = fork();
	if (child == 0)
		serve(*port);
	must(child > 0, "fork");
	return child;
}

static void stop_server(pid_t child, cap_handle_t port)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close((int)port);
}

static void serve_small(cap_handle_t port)
{
	uint64_t cookie = 0;
	long size = 0;

	for (;;)
		size = small(PORT_REPLY_WAIT_SMALL, port, (uint64_t)size, &cookie);
}

static uint64_t call_small(unsigned n, uint64_t size)
{
	cap_handle_t port;
	pid_t child = start_server(serve_small, &port);
	uint64_t start, ticks, none = 0;

	if (child < 0)
		return 0;
	for (int i = 0; i < 3; i++)
		must(small(PORT_CALL_SMALL, port, size, &none) == (long)size, "port_call_small");
	start = now();
	for (unsigned i = 0; i < n; i++)
		small(PORT_CALL_SMALL, port, size, &none);
	ticks = now() - start;
	stop_server(child, port);
	return ticks;
}

static uint64_t call_8(unsigned n)
{
	return call_small(n, 8);
}

static uint64_t call_128(unsigned n)
{
	return call_small(n, 128);
}

static void serve_memory(cap_handle_t port)
{
	struct message m = { .data = answer, .capacity = sizeof(answer) };

	for (;;)
		port_reply_wait(port, &m, PULSE_FOREVER);
}

static uint64_t call_memory(unsigned n, uint64_t size, uint32_t flags)
{
	cap_handle_t port;
	pid_t child = start_server(serve_memory, &port);
	uint64_t start = 0;

	if (child < 0)
		return 0;
	for (unsigned i = 0; i < n + 3; i++) {
		struct message m = {
			.data = buffer, .size = size, .receive = buffer, .capacity = LARGE, .flags = flags
		};

		if (i == 3)
			start = now();
		must(port_call(port, &m, PULSE_FOREVER) == 0 && m.size == size, "port_call");
	}
	start = now() - start;
	stop_server(child, port);
	return start;
}

static uint64_t call_1k(unsigned n)
{
	return call_memory(n, 1024, 0);
}

static uint64_t call_4k(unsigned n)
{
	return call_memory(n, 4096, 0);
}

static uint64_t call_64k(unsigned n)
{
	return call_memory(n, LARGE, 0);
}

/* One way: sent and received by one process, so without any switch. */
static uint64_t send_small(unsigned n)
{
	cap_handle_t port = port_create(NULL);
	uint64_t start, ticks, none = 0;

	if (port < 0)
		return 0;
	start = now();
	for (unsigned i = 0; i < n; i++) {
		small(PORT_SEND_SMALL, port, 100, &none);
		none = 0;
		small(PORT_REPLY_WAIT_SMALL, port, 0, &none);
	}
	ticks = now() - start;
	close((int)port);
	return ticks;
}

/* As many as a queue takes by default, then, outside the figure, their receipt. */
static uint64_t send_alone(unsigned n)
{
	cap_handle_t port = port_create(NULL);
	uint64_t start, ticks = 0, none = 0;

	if (port < 0)
		return 0;
	for (unsigned done = 0; done < n; done += PORT_QUEUE_DEFAULT) {
		unsigned some = n - done < PORT_QUEUE_DEFAULT ? n - done : PORT_QUEUE_DEFAULT;

		start = now();
		for (unsigned i = 0; i < some; i++)
			small(PORT_SEND_SMALL, port, 100, &none);
		ticks += now() - start;
		for (unsigned i = 0; i < some; i++) {
			none = 0;
			must(small(PORT_REPLY_WAIT_SMALL, port, 0, &none) == 100, "port_reply_wait_small");
		}
	}
	close((int)port);
	return ticks;
}

/* --- notifications -------------------------------------------------------------------------------------- */

static uint64_t signal_only(unsigned n)
{
	cap_handle_t note = notification_create(0);
	uint64_t start = now();

	if (note < 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		notification_signal(note, 1);
	start = now() - start;
	close((int)note);
	return start;
}

static uint64_t signal_wait(unsigned n)
{
	cap_handle_t note = notification_create(0);
	uint64_t start = now(), bits;

	if (note < 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		notification_signal(note, 1);
		notification_wait(note, 1, &bits, PULSE_FOREVER);
	}
	start = now() - start;
	close((int)note);
	return start;
}

/* --- what others have ----------------------------------------------------------------------------------- */

static char socket_buffer[65536];

/* All of it, however many pieces it comes in. */
static bool read_all(int fd, unsigned size)
{
	long n;

	for (unsigned done = 0; done < size; done += (unsigned)n) {
		n = call(SYS_read, fd, (long)socket_buffer, size - done);
		if (n <= 0)
			return false;
	}
	return true;
}

static uint64_t unix_round_trips(unsigned n, unsigned size)
{
	uint64_t start = 0;
	int fd[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0)
		return 0;
	child = fork();
	if (child == 0) {
		close(fd[0]);
		while (read_all(fd[1], size))
			call(SYS_write, fd[1], (long)socket_buffer, size);
		_exit(0);
	}
	close(fd[1]);
	for (unsigned i = 0; i < n + 3; i++) {
		if (i == 3)
			start = now();
		call(SYS_write, fd[0], (long)socket_buffer, size);
		read_all(fd[0], size);
	}
	start = now() - start;
	close(fd[0]);
	waitpid(child, NULL, 0);
	return start;
}

static uint64_t unix_1(unsigned n)
{
	return unix_round_trips(n, 1);
}

static uint64_t unix_4k(unsigned n)
{
	return unix_round_trips(n, 4096);
}

static uint64_t unix_64k(unsigned n)
{
	return unix_round_trips(n, 65536);
}

static uint64_t unix_datagram(unsigned n)
{
	uint64_t start;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) < 0)
		return 0;
	call(SYS_write, fd[0], (long)socket_buffer, 100);
	call(SYS_read, fd[1], (long)socket_buffer, 100);
	start = now();
	for (unsigned i = 0; i < n; i++) {
		call(SYS_write, fd[0], (long)socket_buffer, 100);
		call(SYS_read, fd[1], (long)socket_buffer, 100);
	}
	start = now() - start;
	close(fd[0]);
	close(fd[1]);
	return start;
}

/* A word in memory that two processes share. */
static void play(volatile int *turn, int mine, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		while (*turn != mine)
			call5(SYS_futex, (long)turn, 0, !mine, 0, 0);
		*turn = !mine;
		call5(SYS_futex, (long)turn, 1, 1, 0, 0);
	}
}

static uint64_t futex_processes(unsigned n)
{
	volatile int *turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t start;
	pid_t child;

	must(turn != MAP_FAILED, "mmap");
	child = fork();
	if (child == 0) {
		play(turn, 1, n + 2);
		_exit(0);
	}
	play(turn, 0, 2);
	start = now();
	play(turn, 0, n);
	start = now() - start;
	waitpid(child, NULL, 0);
	munmap((void *)turn, 4096);
	return start;
}

const struct row ipc_rows[] = {
	{ "futex round trip, processes", futex_processes, 200 },
	{ "AF_UNIX round trip, 1 B", unix_1, 200 },
	{ "AF_UNIX round trip, 4 KiB", unix_4k, 200 },
	{ "AF_UNIX round trip, 64 KiB", unix_64k, 50 },
	{ "AF_UNIX, one 100 B datagram", unix_datagram, 500 },
	{ "call+reply, 8 B in registers", call_8, 500 },
	{ "call+reply, 128 B in registers", call_128, 500 },
	{ "call+reply, 1 KiB", call_1k, 200 },
	{ "call+reply, 4 KiB", call_4k, 200 },
	{ "call+reply, 64 KiB", call_64k, 50 },
	{ "send alone, 100 B", send_alone, 192 },
	{ "send and receive, 100 B", send_small, 200 },
	{ "notification, signal", signal_only, 200 },
	{ "notification, signal and wait", signal_wait, 200 },
};
const size_t ipc_row_count = sizeof(ipc_rows) / sizeof(ipc_rows[0]);
