/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports: what goes in comes out, in order and unchanged, and each error that <serix/ipc.h> names. */
#define _GNU_SOURCE
#include <libserix/capability.h>
#include <string.h>
#include <sys/select.h>

#include "ipc.h"

#define THREADS 4
#define CALLS   500

static void between_two_processes(void)
{
	cap_handle_t port = make_port(0);
	struct message m = outgoing("hello", 5);
	pid_t child;

	m.tag = 42;
	child = fork();
	if (child == 0)
		_exit(port_send(port, &m, PULSE_FOREVER) != 0);
	m = incoming();
	need(port_receive(port, &m, PULSE_FOREVER) == 0);
	need(m.size == 5 && memcmp(buffer, "hello", 5) == 0 && m.tag == 42);
	need(m.pid == child && m.uid == 0 && m.gid == 0 && m.reply == 0 && m.badge == 0);
	need((m.rights & PORT_RIGHT_SEND) && m.cap_count == 0 && m.flags == 0);
	need(leaves_with(child, 0));
}

static void call_and_answer(void)
{
	cap_handle_t port = make_port(0);
	struct message m = asking("question", 8);
	pid_t server = fork();

	if (server == 0) {
		m = incoming();
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.reply != 0);
		need(m.size == 8 && memcmp(buffer, "question", 8) == 0);
		m.tag++;
		m.data = "answer";
		m.size = 6;
		need(port_reply(port, &m) == 0);
		need(port_reply(port, &m) == -ESRCH); /* once */
		_exit(0);
	}
	m.tag = 1;
	need(port_call(port, &m, PULSE_FOREVER) == 0);
	need(m.tag == 2 && m.size == 6 && memcmp(buffer, "answer", 6) == 0 && m.pid == server &&
	     m.reply == 0);
	need(leaves_with(server, 0));
}

/* Queued, handed over and answered: the same bytes, with nothing written beside them. */
static void every_size_arrives_as_it_was(void)
{
	static const size_t sizes[] = { 0,     1,     2,     7,     8,     9,      127,   128,  129,
					255,   256,   2047,  4095,  4096,  4097,   8191,  8192, 8193,
					12288, 65535, 65536, 65537, 77777, 131071, 131072 };
	static char out[MESSAGE_MAX], back[MESSAGE_MAX + 1];
	cap_handle_t port = make_port(0);
	pid_t server = fork();

	if (server == 0)
		echo(port);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct message m = { .data = out, .size = sizes[i], .receive = back, .capacity = sizes[i] };

		fill(out, sizes[i], (unsigned)i);
		memset(back, 0x55, sizeof(back));
		need(port_call(port, &m, PULSE_FOREVER) == 0 && m.size == sizes[i]);
		need(memcmp(out, back, sizes[i]) == 0 && back[sizes[i]] == 0x55);
	}
	kill(server, SIGKILL);
}

static void keeps_the_order(void)
{
	cap_handle_t port = make_port(100);
	struct message m;

	for (uint64_t i = 0; i < 100; i++) {
		m = outgoing(&i, sizeof(i));
		m.tag = i;
		need(port_send(port, &m, 0) == 0);
	}
	for (uint64_t i = 0; i < 100; i++) {
		m = incoming();
		need(port_receive(port, &m, 0) == 0 && m.tag == i && memcmp(buffer, &i, 8) == 0);
	}
}

static void refuses_handles(void)
{
	struct message m = outgoing("x", 1);
	cap_handle_t port = make_port(0), n = notification_create(0);

	need(port_send(99, &m, 0) == -EBADF && port_call(-1, &m, MS) == -EBADF);
	need(port_receive(0, &m, 0) == -EBADF && port_reply(1, &m) == -EBADF);
	need(port_send(n, &m, 0) == -EBADF && port_close(n) == -EBADF);
	need(read((int)port, buffer, 1) == -1 && errno == EBADF);
	need(close((int)port) == 0);
	need(port_send(port, &m, 0) == -EBADF && port_receive(port, &m, 0) == -EBADF);
	need(port_close(port) == -EBADF);
}

static void refuses_arguments(void)
{
	struct port_options options = { .queue_limit = PORT_QUEUE_MAX + 1 };
	cap_handle_t port = make_port(0);
	struct message m = outgoing("x", 1);

	need(port_create(&options) == -EINVAL);
	options = (struct port_options){ .flags = 2 };
	need(port_create(&options) == -EINVAL);
	need(port_create((struct port_options *)8) == -EFAULT);
	need(raw(1040, (long)&options, 4, 0) == -EINVAL);

	need(port_send(port, (struct message *)8, 0) == -EFAULT);
	need(port_receive(port, (struct message *)8, 0) == -EFAULT);
	need(port_call(port, (struct message *)8, MS) == -EFAULT);
	need(port_reply(port, (struct message *)8) == -EFAULT);
	m.flags = 64;
	need(port_send(port, &m, 0) == -EINVAL && port_reply_wait(port, &m, 0) == -EINVAL);
	m = outgoing((void *)8, 1);
	need(port_send(port, &m, 0) == -EFAULT && port_call(port, &m, MS) == -EFAULT);
	m = outgoing((void *)8, 5000);
	need(port_send(port, &m, 0) == -EFAULT);
	m = outgoing(buffer, MESSAGE_MAX + 1ul);
	need(port_send(port, &m, 0) == -EMSGSIZE && port_call(port, &m, MS) == -EMSGSIZE);
	m = outgoing(buffer, UINT64_MAX);
	need(port_send(port, &m, 0) == -EMSGSIZE);
	m = outgoing("x", 1);
	need(port_call(port, &m, 0) == -EAGAIN);
	/* None of these left anything behind. */
	m = incoming();
	need(port_receive(port, &m, 0) == -EAGAIN);
}

static void too_large_stays(void)
{
	cap_handle_t port = make_port(0);
	struct message m = outgoing(buffer, 1000);

	need(port_send(port, &m, 0) == 0);
	m = incoming();
	m.capacity = 999;
	need(port_receive(port, &m, 0) == -EMSGSIZE && m.size == 1000);
	m.size = 0;
	need(port_receive(port, &m, PULSE_FOREVER) == -EMSGSIZE && m.size == 1000);
	m.capacity = m.size;
	need(port_receive(port, &m, 0) == 0 && m.size == 1000);
}

/* A receiver that waits with a small buffer hears of it, too; one with room takes the message past it. */
static void too_large_for_who_waits(void)
{
	cap_handle_t port = make_port(0);
	struct message m = incoming();
	pid_t small = fork(), large;

	if (small == 0) {
		m.capacity = 10;
		need(port_receive(port, &m, PULSE_FOREVER) == -EMSGSIZE && m.size == 11);
		_exit(0);
	}
	pause_ms(20);
	large = fork();
	if (large == 0) {
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.size == 12);
		_exit(0);
	}
	pause_ms(20);
	m = outgoing(buffer, 12);
	need(port_send(port, &m, 0) == 0);
	need(leaves_with(large, 0));
	m = outgoing(buffer, 11);
	need(port_send(port, &m, 0) == 0);
	need(leaves_with(small, 0));
}

static void lost_where_it_cannot_be_written(void)
{
	cap_handle_t port = make_port(0);
	struct message m = outgoing("x", 1);
	pid_t child;

	need(port_send(port, &m, 0) == 0);
	m = incoming();
	m.data = (void *)8;
	need(port_receive(port, &m, 0) == -EFAULT);
	m = incoming();
	need(port_receive(port, &m, 0) == -EAGAIN);
	/* A caller hears of it. */
	child = fork();
	if (child == 0) {
		m = asking("x", 1);
		_exit(port_call(port, &m, PULSE_FOREVER) != -EPIPE);
	}
	m.data = (void *)8;
	need(port_receive(port, &m, PULSE_FOREVER) == -EFAULT);
	need(leaves_with(child, 0));
}

static void answers_must_fit(void)
{
	cap_handle_t port = make_port(0);
	struct message m = asking("x", 1);
	pid_t caller = fork();

	if (caller == 0) {
		m.capacity = 4;
		_exit(port_call(port, &m, PULSE_FOREVER) != 0 || m.size != 4);
	}
	m = incoming();
	need(port_receive(port, &m, PULSE_FOREVER) == 0);
	m.data = "12345";
	m.size = 5;
	need(port_reply(port, &m) == -EMSGSIZE);
	m.size = MESSAGE_MAX + 1ul;
	need(port_reply(port, &m) == -EMSGSIZE);
	m.data = (void *)8;
	m.size = 4;
	need(port_reply(port, &m) == -EFAULT);
	m.data = "1234";
	need(port_reply(port, &m) == 0);
	need(leaves_with(caller, 0));
}

static void answers_need_a_call(void)
{
	cap_handle_t port = make_port(0), other = make_port(0);
	struct message m = asking("x", 1);
	pid_t caller;

	for (uint64_t cookie = 0; cookie < 100; cookie++) {
		m.reply = cookie;
		need(port_reply(port, &m) == -ESRCH);
	}
	m.reply = UINT64_MAX;
	need(port_reply(port, &m) == -ESRCH);
	caller = fork();
	if (caller == 0)
		_exit(port_call(port, &m, PULSE_FOREVER) != 0);
	m = incoming();
	need(port_receive(port, &m, PULSE_FOREVER) == 0);
	need(port_reply(other, &m) == -ESRCH);
	m.reply += 1ull << 24;
	need(port_reply(port, &m) == -ESRCH);
	m.reply -= 1ull << 24;
	need(port_reply(port, &m) == 0);
	need(leaves_with(caller, 0));
	/* In a server's loop a caller that has gone is no error. */
	m.capacity = sizeof(buffer);
	need(port_reply_wait(port, &m, 0) == -EAGAIN);
}

/* Not yet received, a call cannot be answered, also by who guesses its name. */
static void only_received_calls_are_answered(void)
{
	cap_handle_t port = make_port(0);
	struct message m = asking("x", 1);
	uint64_t first;
	pid_t caller = fork();

	if (caller == 0) {
		need(port_call(port, &m, PULSE_FOREVER) == 0);
		m = asking("x", 1);
		_exit(port_call(port, &m, PULSE_FOREVER) != 0);
	}
	m = incoming();
	need(port_receive(port, &m, PULSE_FOREVER) == 0);
	first = m.reply;
	need(port_reply(port, &m) == 0);
	need(poll_in(port, 5000));
	m.reply = first + (1ull << 24); /* the next call's, most likely */
	need(port_reply(port, &m) == -ESRCH);
	m = incoming();
	need(port_receive(port, &m, 0) == 0 && m.reply == first + (1ull << 24));
	need(port_reply(port, &m) == 0);
	need(leaves_with(caller, 0));
}

static void a_full_queue(void)
{
	cap_handle_t port = make_port(3);
	struct message m = outgoing("x", 1);
	uint64_t began;
	pid_t child;

	for (int i = 0; i < 3; i++)
		need(port_send(port, &m, 0) == 0);
	need(port_send(port, &m, 0) == -EAGAIN);
	began = now_ns();
	need(port_send(port, &m, 20 * MS) == -ETIMEDOUT && now_ns() - began >= 20 * MS);
	child = fork();
	if (child == 0) {
		m.tag = 7;
		_exit(port_send(port, &m, PULSE_FOREVER) != 0);
	}
	pause_ms(20);
	for (uint64_t i = 0; i < 4; i++) {
		m = incoming();
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.tag == (i == 3 ? 7 : 0));
	}
	need(port_receive(port, &m, 0) == -EAGAIN);
	need(leaves_with(child, 0));
}

/* Blocked senders are served in the order in which they came, and nobody overtakes them. */
static void blocked_senders_in_order(void)
{
	cap_handle_t port = make_port(1);
	struct message m = outgoing("x", 1);

	m.tag = 100;
	need(port_send(port, &m, 0) == 0);
	for (uint64_t i = 0; i < 8; i++) {
		if (fork() == 0) {
			m.tag = i;
			/* Callers line up with the others; this one is answered at the end. */
			if (i == 4)
				_exit(port_call(port, &m, PULSE_FOREVER) != 0);
			_exit(port_send(port, &m, PULSE_FOREVER) != 0);
		}
		pause_ms(10);
	}
	need(port_send(port, &m, 0) == -EAGAIN);
	for (uint64_t i = 0; i < 9; i++) {
		m = incoming();
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.tag == (i == 0 ? 100 : i - 1));
		need((m.reply != 0) == (m.tag == 4));
		m.size = 0;
		if (m.reply)
			need(port_reply(port, &m) == 0);
	}
	for (int i = 0; i < 8; i++) {
		int status;

		need(wait(&status) > 0 && status == 0);
	}
}

/* One that gives up lets those behind it move up. */
static void a_blocked_sender_gives_up(void)
{
	cap_handle_t port = make_port(1);
	struct message m = outgoing("x", 1);
	pid_t first, second;

	need(port_send(port, &m, 0) == 0);
	first = fork();
	if (first == 0) {
		m.tag = 1;
		_exit(port_send(port, &m, 60 * MS) != -ETIMEDOUT);
	}
	pause_ms(20);
	second = fork();
	if (second == 0) {
		m.tag = 2;
		_exit(port_send(port, &m, PULSE_FOREVER) != 0);
	}
	need(leaves_with(first, 0));
	for (uint64_t i = 0; i < 2; i++) {
		m = incoming();
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.tag == 2 * i);
	}
	need(leaves_with(second, 0));
}

static void time_outs(void)
{
	cap_handle_t port = make_port(0);
	struct message m = incoming();
	uint64_t began = now_ns();

	need(port_receive(port, &m, 0) == -EAGAIN && now_ns() - began < 1000 * MS);
	began = now_ns();
	need(port_receive(port, &m, 20 * MS) == -ETIMEDOUT && now_ns() - began >= 20 * MS);
	began = now_ns();
	m = asking("x", 1);
	need(port_call(port, &m, 20 * MS) == -ETIMEDOUT && now_ns() - began >= 20 * MS);
	/* Nothing is left of it. */
	m = incoming();
	need(port_receive(port, &m, 0) == -EAGAIN);
	m.reply = 0;
	need(port_reply_wait(port, &m, 1) == -ETIMEDOUT);
}

static void a_late_answer(void)
{
	cap_handle_t port = make_port(0);
	struct message m = asking("x", 1);
	pid_t caller = fork();

	if (caller == 0)
		_exit(port_call(port, &m, 30 * MS) != -ETIMEDOUT);
	m = incoming();
	need(port_receive(port, &m, PULSE_FOREVER) == 0);
	need(leaves_with(caller, 0));
	need(port_reply(port, &m) == -ESRCH);
}

static void polls(void)
{
	cap_handle_t port = make_port(1);
	struct message m = outgoing("x", 1);
	struct pollfd p = { .fd = (int)port, .events = POLLIN | POLLOUT };
	fd_set in, out;

	need(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	need(port_send(port, &m, 0) == 0);
	need(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET((int)port, &in);
	FD_SET((int)port, &out);
	need(select((int)port + 1, &in, &out, NULL, NULL) == 1);
	need(FD_ISSET((int)port, &in) && !FD_ISSET((int)port, &out));
	m = incoming();
	need(port_receive(port, &m, 0) == 0);
	/* Woken by a message, and by room. */
	p.events = POLLIN;
	if (fork() == 0) {
		pause_ms(20);
		m = outgoing("x", 1);
		_exit(port_send(port, &m, 0) != 0);
	}
	need(poll(&p, 1, 5000) == 1 && p.revents == POLLIN);
	p.events = POLLOUT;
	if (fork() == 0) {
		pause_ms(20);
		m = incoming();
		_exit(port_receive(port, &m, 0) != 0);
	}
	need(poll(&p, 1, 5000) == 1 && p.revents == POLLOUT);
	/* And by its end. */
	p.events = 0;
	if (fork() == 0) {
		pause_ms(20);
		_exit(port_close(port) != 0);
	}
	need(poll(&p, 1, 5000) == 1 && (p.revents & POLLHUP));
}

static cap_handle_t shared;

static void *serve(void *arg)
{
	char mine[256];
	struct message m = { .data = mine, .capacity = sizeof(mine) };
	int err = port_receive(shared, &m, PULSE_FOREVER);

	(void)arg;
	while (err == 0) {
		for (size_t i = 0; i < m.size; i++)
			mine[i]++;
		m.data = mine;
		err = port_reply_wait(shared, &m, PULSE_FOREVER);
	}
	need(err == -EPIPE);
	return NULL;
}

static void ask_often(uint64_t seed)
{
	for (int i = 0; i < CALLS; i++) {
		char out[256], in[256];
		size_t size = (seed * 31 + (uint64_t)i * 7) % sizeof(out);
		struct message m = { .data = out, .size = size, .receive = in, .capacity = size };

		fill(out, size, (unsigned)(seed + (uint64_t)i));
		m.tag = seed << 32 | (uint64_t)i;
		need(port_call(shared, &m, PULSE_FOREVER) == 0);
		need(m.tag == (seed << 32 | (uint64_t)i) && m.size == size);
		for (size_t b = 0; b < size; b++)
			need(in[b] == (char)(out[b] + 1));
	}
}

static void servers_with_many_threads(void)
{
	pthread_t threads[THREADS];
	int status;

	shared = make_port(4);
	for (uint64_t i = 0; i < 2 * THREADS; i++) {
		if (fork() == 0) {
			ask_often(i);
			_exit(0);
		}
	}
	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&threads[i], NULL, serve, NULL) == 0);
	for (int i = 0; i < 2 * THREADS; i++)
		need(wait(&status) > 0 && status == 0);
	need(port_close(shared) == 0);
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(threads[i], NULL) == 0);
}

/* Answers in another order than calls, from another thread than received them. */
static void answers_from_elsewhere(void)
{
	cap_handle_t port = make_port(0);
	uint64_t cookies[8];
	struct message m;

	for (uint64_t i = 0; i < 8; i++) {
		if (fork() == 0) {
			m = asking(&i, sizeof(i));
			need(port_call(port, &m, PULSE_FOREVER) == 0);
			_exit(m.size != 8 || memcmp(buffer, &i, 8) != 0);
		}
	}
	for (int i = 0; i < 8; i++) {
		uint64_t who;

		m = incoming();
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.size == 8);
		memcpy(&who, buffer, 8);
		need(who < 8);
		cookies[who] = m.reply;
	}
	if (fork() == 0) {
		for (uint64_t i = 8; i-- > 0;) {
			m = outgoing(&i, sizeof(i));
			m.reply = cookies[i];
			need(port_reply(port, &m) == 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 9; i++) {
		int status;

		need(wait(&status) > 0 && status == 0);
	}
}

static void *call_for_an_answer(void *port)
{
	struct message m = asking("?", 1);

	return (void *)(intptr_t)port_call(*(cap_handle_t *)port, &m, PULSE_FOREVER);
}

static void *read_until_revoked(void *fd)
{
	char c;

	return (void *)(intptr_t)(read(*(int *)fd, &c, 1) < 0 ? errno : 0);
}

/* Something else that its process uses is revoked while a call waits: no business of the call's. */
static void another_capability_is_revoked(void)
{
	cap_handle_t port = make_port(0), part;
	struct message m = incoming();
	pthread_t caller, reader;
	int ends[2], fd;
	void *result;

	need(pipe(ends) == 0);
	part = cap_reduce(cap_handle(ends[0]), FILE_RIGHT_READ);
	fd = cap_fd(part);
	need(part >= 0 && pthread_create(&reader, NULL, read_until_revoked, &fd) == 0);
	need(pthread_create(&caller, NULL, call_for_an_answer, &port) == 0);
	need(port_receive(port, &m, PULSE_FOREVER) == 0);
	pause_ms(50);
	need(cap_revoke(part, 0) == 0);
	need(pthread_join(reader, &result) == 0 && result == (void *)EBADF);
	pause_ms(50);
	m.size = 0;
	need(port_reply(port, &m) == 0);
	need(pthread_join(caller, &result) == 0 && result == NULL);
}

int main(void)
{
	tap(passes(between_two_processes), "a message from one process to another");
	tap(passes(call_and_answer), "a call and its answer");
	tap(passes(every_size_arrives_as_it_was), "every size arrives as it was");
	tap(passes(keeps_the_order), "messages keep their order");
	tap(passes(refuses_handles), "handles of nothing, of other things, of closed ports");
	tap(passes(refuses_arguments), "wrong arguments leave nothing behind");
	tap(passes(too_large_stays), "a message too large for the buffer stays");
	tap(passes(too_large_for_who_waits), "waiting receivers with small buffers");
	tap(passes(lost_where_it_cannot_be_written), "a buffer that is not there");
	tap(passes(answers_must_fit), "an answer must fit");
	tap(passes(answers_need_a_call), "an answer needs a call");
	tap(passes(only_received_calls_are_answered), "only received calls can be answered");
	tap(passes(a_full_queue), "a full queue: refusal, time-out, waiting");
	tap(passes(blocked_senders_in_order), "blocked senders in order");
	tap(passes(a_blocked_sender_gives_up), "a blocked sender gives up");
	tap(passes(time_outs), "time-outs");
	tap(passes(a_late_answer), "an answer that comes too late");
	tap(passes(polls), "poll and select");
	tap(passes(another_capability_is_revoked), "a call goes on when something else is revoked");
	tap(passes(servers_with_many_threads), "a server with many threads");
	tap(passes(answers_from_elsewhere), "answers in any order, from any thread");
	return tap_end();
}
