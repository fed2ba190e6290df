/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes, pipes, capabilities and what is behind them leave nothing behind: free memory is where it was,
 * caches that /proc/meminfo reports counted as free.  `leaks COUNT` sets how many of each (2000).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <libserix/process.h>
#include <libserix/ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc_kib.h"
#include "tap.h"

/* Per-CPU caches, and pages of this program touched for the first time. */
#define SLACK_KIB (192 + 64 * sysconf(_SC_NPROCESSORS_ONLN))

static const char *self;

static bool run_program(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl(self, self, "child", (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool use_pipe(void)
{
	char byte = 'x';
	int ends[2];

	if (pipe(ends) < 0)
		return false;
	if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
		return false;
	close(ends[0]);
	close(ends[1]);
	return true;
}

/* With messages of each path still in the queue. */
static bool use_port(void)
{
	static char large[MESSAGE_MAX];
	cap_handle_t port = port_create(NULL);
	struct message m = { .data = large };
	bool works = port >= 0;

	for (m.size = 1; m.size <= sizeof(large); m.size *= 32)
		works &= port_send(port, &m, 0) == 0;
	m.size = sizeof(large);
	works &= port_call(port, &m, 1) == -ETIMEDOUT;
	return works && close(cap_fd(port)) == 0;
}

/* Some arrive, some are revoked on the way, some are never received. */
static bool send_capabilities(void)
{
	cap_handle_t port = port_create(NULL), sent[3], got[3];
	struct message m = { .caps = sent, .cap_count = 3 };
	bool works = true;

	for (int i = 0; i < 3; i++)
		sent[i] = i < 2 ? notification_create(0) : port_create(NULL);
	m.terms = (struct cap_derive[]){ { UINT32_MAX, 0, CAP_FOREVER, 0 },
					 { UINT32_MAX, 0, CAP_FOREVER, 0 },
					 { PORT_RIGHT_SEND, 0, CAP_FOREVER, 0 } };
	works &= port_send(port, &m, 0) == 0 && port_send(port, &m, 0) == 0;
	works &= cap_revoke(sent[1], 0) == 0;
	m = (struct message){ .caps = got, .cap_capacity = 3 };
	works &= port_receive(port, &m, 0) == 0 && m.cap_count == 3 && got[1] == -1;
	works &= close(cap_fd(got[0])) == 0 && close(cap_fd(got[2])) == 0;
	works &= close(cap_fd(sent[0])) == 0 && close(cap_fd(sent[2])) == 0;
	return works && close(cap_fd(port)) == 0;
}

/* A call that is answered by a process that then ends with the next one received. */
static bool lose_server(void)
{
	cap_handle_t port = port_create(NULL), client = cap_reduce(port, PORT_RIGHT_CALL);
	char data[8192] = "x";
	struct message m = { .data = data, .size = sizeof(data), .capacity = sizeof(data) };
	pid_t pid = fork();
	bool works;

	if (pid == 0) {
		if (port_receive(port, &m, PULSE_FOREVER) == 0)
			port_reply_wait(port, &m, PULSE_FOREVER);
		_exit(0);
	}
	works = close(cap_fd(port)) == 0;
	works &= port_call(client, &m, PULSE_FOREVER) == 0 && port_call(client, &m, PULSE_FOREVER) == -EPIPE;
	return works && close(cap_fd(client)) == 0 && waitpid(pid, NULL, 0) == pid;
}

/* Ended in each way: closed, revoked with all below, expired. */
static bool grow_tree(void)
{
	cap_handle_t root = notification_create(0), node = root, brief, last = -1;

	for (int i = 0; i < 20; i++) {
		node = cap_reduce(node, UINT32_MAX);
		last = cap_reduce(node, NOTIFICATION_RIGHT_SIGNAL);
		if (i % 3 == 0)
			close(cap_fd(last));
	}
	brief = cap_lend(root, UINT32_MAX, 1000);
	while (notification_signal(brief, 1) == 0)
		;
	return cap_revoke(root, 0) == 0 && notification_signal(last, 1) == -EBADF;
}

static bool take_back_mapping(void)
{
	int memory = memfd_create("leaks", 0);
	cap_handle_t lent = cap_reduce(memory, UINT32_MAX);
	char *at;
	bool works = ftruncate(memory, 16384) == 0;

	at = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, cap_fd(lent), 0);
	if (at == MAP_FAILED)
		return false;
	memset(at, 1, 16384);
	works &= cap_revoke(lent, 0) == 0 && munmap(at, 16384) == 0;
	return works && close(memory) == 0;
}

static bool use_notification(void)
{
	cap_handle_t n = notification_create(0);
	uint64_t bits;

	return notification_signal(n, 3) == 0 && notification_wait(n, 1, &bits, 0) == 0 &&
	       notification_wait(n, 1, &bits, 1) == -ETIMEDOUT && close(cap_fd(n)) == 0;
}

static bool use_ring(void)
{
	struct ring_handles handles;
	struct ring ring;
	char text[6] = "";

	if (ring_create(RING_SIZE_MIN, &handles) < 0 || ring_attach(handles.memory, handles.bell, &ring) < 0)
		return false;
	if (ring_produce(&ring, "bytes", 6, 0) < 0)
		return false;
	ring.mine = 0; /* now the other side */
	if (ring_consume(&ring, text, 6, 0) < 0 || strcmp(text, "bytes") != 0)
		return false;
	ring_detach(&ring);
	return close(handles.memory) == 0 && close(cap_fd(handles.bell)) == 0;
}

/* One of a process that has ended, with something granted into it meanwhile. */
static bool use_pidfd(void)
{
	struct cap_derive how = { .rights = UINT32_MAX, .expires_ns = CAP_FOREVER };
	pid_t pid = fork();
	bool works;
	int pidfd;

	if (pid == 0)
		for (;;)
			pause();
	pidfd = pidfd_open(pid, 0);
	works = pidfd >= 0 && cap_grant(pidfd, cap_handle(pidfd), &how) >= 0;
	works &= pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0 && waitpid(pid, NULL, 0) == pid;
	return works && pidfd_send_signal(pidfd, 0, NULL, 0) == -ESRCH && close(pidfd) == 0;
}

static void measure(const char *name, bool (*once)(void), int count)
{
	bool works = true;
	long before, after;

	for (int i = 0; i < 50; i++)
		works &= once();
	before = free_kib();
	for (int i = 0; i < count; i++)
		works &= once();
	after = free_kib();
	printf("# %s: %ld KiB free before, %ld after\n", name, before, after);
	tap(works, name);
	tap(before > 0 && after + SLACK_KIB >= before, "memory is back");
}

int main(int argc, char *argv[])
{
	int count = 2000;

	self = argv[0];
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return 0;
	if (argc > 1)
		count = atoi(argv[1]);
	measure("fork, exec and wait", run_program, count);
	measure("pipes", use_pipe, count);
	measure("ports with messages in the queue", use_port, count);
	measure("capabilities in messages", send_capabilities, count);
	measure("servers that end", lose_server, count);
	measure("trees of capabilities", grow_tree, count);
	measure("mappings taken back", take_back_mapping, count);
	measure("notifications", use_notification, count);
	measure("rings", use_ring, count);
	measure("pidfds", use_pidfd, count);
	return tap_end();
}
