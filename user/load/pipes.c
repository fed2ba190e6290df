/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes: what goes in comes out, whole, in order and once; ends are seen as ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define CHUNK 20000u

static uint8_t stream_byte(uint64_t seed, size_t at)
{
	return (uint8_t)(scramble(seed, at / 8) >> at % 8 * 8);
}

static _Noreturn void write_stream(int fd, uint64_t seed, size_t length)
{
	static uint8_t data[CHUNK];
	size_t at = 0;

	while (at < length) {
		size_t n = 1 + draw_below(CHUNK);
		ssize_t done;

		n = n < length - at ? n : length - at;
		for (size_t i = 0; i < n; i++)
			data[i] = stream_byte(seed, at + i);
		done = write(fd, data, n);
		expect(done == (ssize_t)n); /* a blocking write of a pipe is never short */
		at += n;
	}
	_exit(3);
}

/* Read until the end, with or without waiting in read itself. */
static size_t read_stream(int fd, uint64_t seed, bool nonblocking)
{
	static uint8_t data[CHUNK];
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	size_t at = 0;

	if (nonblocking)
		expect(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	for (;;) {
		ssize_t n = read(fd, data, 1 + draw_below(CHUNK));

		if (n < 0 && nonblocking && errno == EAGAIN) {
			expect(poll(&ready, 1, -1) == 1 && (ready.revents & (POLLIN | POLLHUP)));
			continue;
		}
		expect(n >= 0);
		if (n == 0)
			return at;
		for (ssize_t i = 0; i < n; i++)
			expect(data[i] == stream_byte(seed, at + (size_t)i));
		at += (size_t)n;
	}
}

static void stream(void)
{
	size_t length = draw_below(200000);
	uint64_t seed = draw();
	int ends[2];
	pid_t pid;

	expect(pipe(ends) == 0);
	pid = start_child();
	if (pid == 0) {
		close(ends[0]);
		write_stream(ends[1], seed, length);
	}
	close(ends[1]);
	expect(read_stream(ends[0], seed, draw_below(2)) == length);
	close(ends[0]);
	expect_exit(pid, 3);
}

/* Processes in a ring hand a number round, each adding one. */
static void ring(void)
{
	unsigned members = 2 + draw_below(4), laps = 1 + draw_below(30);
	int first[2], in, out[2];
	pid_t pids[8];
	uint32_t token = 0;

	expect(pipe(first) == 0);
	in = first[0];
	for (unsigned i = 0; i < members; i++) {
		expect(pipe(out) == 0);
		pids[i] = start_child();
		if (pids[i] == 0) {
			close(first[1]);
			close(out[0]);
			while (read(in, &token, sizeof(token)) == sizeof(token)) {
				token++;
				expect(write(out[1], &token, sizeof(token)) == sizeof(token));
			}
			_exit(4);
		}
		close(in);
		close(out[1]);
		in = out[0];
	}
	for (unsigned i = 0; i < laps; i++) {
		expect(write(first[1], &token, sizeof(token)) == sizeof(token));
		expect(read(in, &token, sizeof(token)) == sizeof(token));
		expect(token == (i + 1) * members);
	}
	close(first[1]);
	expect(read(in, &token, sizeof(token)) == 0);
	close(in);
	for (unsigned i = 0; i < members; i++)
		expect_exit(pids[i], 4);
}

/* Many writers, one pipe: what is no longer than PIPE_BUF is never torn. */
static void shared_pipe(void)
{
	struct {
		uint32_t writer, number, sum;
	} message;
	unsigned writers = 2 + draw_below(3), count = 20 + draw_below(50), next[8] = { 0 }, total = 0;
	pid_t pids[8];
	int ends[2];

	expect(pipe(ends) == 0);
	for (unsigned i = 0; i < writers; i++) {
		pids[i] = start_child();
		if (pids[i] == 0) {
			for (unsigned j = 0; j < count; j++) {
				message.writer = i;
				message.number = j;
				message.sum = (uint32_t)scramble(i, j);
				expect(write(ends[1], &message, sizeof(message)) == sizeof(message));
			}
			_exit(0);
		}
	}
	close(ends[1]);
	while (read(ends[0], &message, sizeof(message)) == sizeof(message)) {
		expect(message.writer < writers && message.number == next[message.writer]++);
		expect(message.sum == (uint32_t)scramble(message.writer, message.number));
		total++;
	}
	expect(total == writers * count);
	close(ends[0]);
	for (unsigned i = 0; i < writers; i++)
		expect_exit(pids[i], 0);
}

/* A write nobody can read: SIGPIPE for one who does not ignore it, EPIPE for one who does. */
static void broken(void)
{
	bool ignore = draw_below(2);
	int ends[2], status;
	pid_t pid;

	expect(pipe(ends) == 0);
	pid = start_child();
	if (pid == 0) {
		close(ends[0]);
		signal(SIGPIPE, ignore ? SIG_IGN : SIG_DFL);
		for (;;) {
			if (write(ends[1], "x", 1) < 0)
				_exit(errno == EPIPE ? 6 : 7);
		}
	}
	close(ends[1]);
	sleep_us(draw_below(500));
	close(ends[0]);
	expect(waitpid(pid, &status, 0) == pid);
	if (ignore)
		expect(WIFEXITED(status) && WEXITSTATUS(status) == 6);
	else
		expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void pipe_round(void)
{
	static void (*const ways[])(void) = { stream, ring, shared_pipe, broken };

	one_of(ways, 4);
}

const struct kind pipe_kind = { .name = "pipe", .round = pipe_round };
