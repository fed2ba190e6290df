/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How waiting at a port ends: by death, closing, signals and revocation, in each state that a waiter can be
 * in; then the same at moments that nobody chose, where each side must have seen the same outcome.
 *
 * That somebody waits is seen, not assumed after some time: it has said that it is about to, and then sleeps.
 */
#define _GNU_SOURCE
#include <libserix/capability.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "ipc.h"

#define ROUNDS 100

/* --- somebody waits -------------------------------------------------------------------------------- */

/* What a waiter does, through a handle of its own. */
enum wait { RECEIVING, SENDING, CALLING, CALLED, WAITS };

static const char *const names[] = { "a receiver", "a blocked sender", "a caller in the queue",
				     "a received caller" };

/* Where a child says that its next call is the one to wait in. */
static _Atomic bool *about_to_wait;

static int wait_at(cap_handle_t port, enum wait what, uint64_t timeout_ns)
{
	struct message m = asking("x", 1);

	switch (what) {
	case RECEIVING:
		m = incoming();
		return port_receive(port, &m, timeout_ns);
	case SENDING:
		return port_send(port, &m, timeout_ns);
	default:
		return port_call(port, &m, timeout_ns);
	}
}

/* A port in the state that a waiter of this kind waits in. */
static cap_handle_t port_for(enum wait what)
{
	cap_handle_t port = make_port(1);
	struct message m = outgoing("full", 4);

	need(what != SENDING || port_send(port, &m, 0) == 0);
	return port;
}

static void until_it_waits(pid_t child)
{
	while (!atomic_load(about_to_wait))
		pause_ms(1);
	until_state(child, 'S');
}

/* The same; a received call is received here, and *cookie names it. */
static void let_it_wait(pid_t child, cap_handle_t port, enum wait what, uint64_t *cookie)
{
	struct message m = incoming();

	if (what == CALLED) {
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.reply);
		*cookie = m.reply;
	}
	until_it_waits(child);
}

/* A child waits and leaves with 0 if that ended as expected. */
static pid_t waiting_child(cap_handle_t port, enum wait what, int expected)
{
	pid_t child;

	atomic_store(about_to_wait, false);
	child = fork();
	if (child == 0) {
		int err;

		atomic_store(about_to_wait, true);
		err = wait_at(port, what, PULSE_FOREVER);

		if (err != expected)
			printf("# %s: %d, not %d\n", names[what], err, expected);
		fflush(stdout);
		_exit(err != expected);
	}
	return child;
}

/* --- death, closing -------------------------------------------------------------------------------- */

static void closing(void)
{
	for (enum wait what = 0; what < WAITS; what++) {
		cap_handle_t port = port_for(what);
		pid_t child = waiting_child(port, what, -EPIPE);
		uint64_t cookie;

		let_it_wait(child, port, what, &cookie);
		need(port_close(port) == 0);
		need(leaves_with(child, 0));
		for (enum wait again = 0; again < WAITS; again++)
			need(wait_at(port, again, PULSE_FOREVER) == -EPIPE);
		need(port_close(port) == 0);
		close((int)port);
	}
}

static _Atomic bool *received;

/* Only the server may receive; this process keeps what a client has. */
static pid_t server_that(void (*serve)(cap_handle_t), cap_handle_t *port)
{
	cap_handle_t client = cap_reduce(*port, PORT_RIGHT_SEND | PORT_RIGHT_CALL | CAP_RIGHT_GRANT);
	pid_t child = fork();

	need(client >= 0);
	if (child == 0) {
		close((int)client);
		serve(*port);
		_exit(0);
	}
	close((int)*port);
	*port = client;
	return child;
}

static void sleeps(cap_handle_t port)
{
	(void)port;
	pause();
}

static void receives_and_sleeps(cap_handle_t port)
{
	struct message m = incoming();

	need(port_receive(port, &m, PULSE_FOREVER) == 0);
	atomic_store(received, true);
	pause();
}

static void until_received(void)
{
	while (!atomic_load(received))
		pause_ms(1);
	atomic_store(received, false);
}

static void the_server_dies(void)
{
	for (enum wait what = SENDING; what < WAITS; what++) {
		cap_handle_t port = port_for(what);
		pid_t server = server_that(what == CALLED ? receives_and_sleeps : sleeps, &port);
		pid_t child = waiting_child(port, what, -EPIPE);
		struct pollfd p = { .fd = (int)port };

		until_it_waits(child);
		if (what == CALLED)
			until_received();
		kill(server, SIGKILL);
		need(leaves_with(child, 0));
		need(poll(&p, 1, 5000) == 1 && (p.revents & POLLHUP));
		need(wait_at(port, SENDING, 0) == -EPIPE);
		close((int)port);
		wait(NULL);
	}
}

/* The port lives on, but nobody will answer what the dead process had received. */
static void one_of_two_servers_dies(void)
{
	cap_handle_t port = make_port(0);
	pid_t server = fork(), child;
	struct message m;

	if (server == 0)
		receives_and_sleeps(port);
	child = waiting_child(port, CALLED, -EPIPE);
	until_received();
	kill(server, SIGKILL);
	need(leaves_with(child, 0) && waitpid(server, NULL, 0) == server);
	child = waiting_child(port, CALLED, 0);
	m = incoming();
	need(port_receive(port, &m, PULSE_FOREVER) == 0 && port_reply(port, &m) == 0);
	need(leaves_with(child, 0));
}

/* Giving up the right to receive is enough: by close, by limit, by revocation. */
static void the_last_right_to_receive(void)
{
	for (int way = 0; way < 3; way++) {
		cap_handle_t port = make_port(0), copy = cap_reduce(port, UINT32_MAX);
		cap_handle_t client = cap_reduce(port, PORT_RIGHT_SEND | PORT_RIGHT_CALL);
		cap_handle_t server = cap_reduce(port, PORT_RIGHT_RECEIVE);
		struct message m = outgoing("x", 1);

		need(client >= 0 && server >= 0 && copy >= 0);
		close((int)port);
		close((int)server);
		need(port_send(client, &m, 0) == 0);
		if (way == 0)
			close((int)copy);
		else if (way == 1)
			need(cap_limit(copy, PORT_RIGHT_SEND | PORT_RIGHT_RECEIVE) == 0 &&
			     port_send(client, &m, 0) == 0 && cap_limit(copy, PORT_RIGHT_SEND) == 0);
		else
			need(cap_revoke(copy, 0) == 0);
		need(port_send(client, &m, 0) == -EPIPE);
		close((int)client);
		if (way == 1)
			close((int)copy);
	}
}

static void the_client_dies(void)
{
	for (enum wait what = SENDING; what < WAITS; what++) {
		cap_handle_t port = port_for(what);
		pid_t child = waiting_child(port, what, 0);
		uint64_t cookie = 0;
		struct message m;

		let_it_wait(child, port, what, &cookie);
		kill(child, SIGKILL);
		need(waitpid(child, NULL, 0) == child);
		m = incoming();
		if (what == SENDING)
			need(port_receive(port, &m, 0) == 0 && m.size == 4);
		if (what == CALLED) {
			m.reply = cookie;
			need(port_reply(port, &m) == -ESRCH);
		}
		need(port_receive(port, &m, 0) == -EAGAIN);
		close((int)port);
	}
}

/* --- signals --------------------------------------------------------------------------------------- */

static void nothing(int signo)
{
	(void)signo;
}

static void handle(int flags)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = flags };

	need(sigaction(SIGUSR1, &sa, NULL) == 0);
}

/* What a handler without SA_RESTART ends, in every state; and what is left of it: nothing. */
static void a_handler_runs(void)
{
	handle(0);
	for (enum wait what = 0; what < WAITS; what++) {
		cap_handle_t port = port_for(what);
		pid_t child = waiting_child(port, what, -EINTR);
		struct message m = incoming();
		uint64_t cookie;

		let_it_wait(child, port, what, &cookie);
		kill(child, SIGUSR1);
		need(leaves_with(child, 0));
		m.reply = cookie;
		need(what != CALLED || port_reply(port, &m) == -ESRCH);
		need(what != SENDING || port_receive(port, &m, 0) == 0);
		need(port_receive(port, &m, 0) == -EAGAIN);
		close((int)port);
	}
}

/* With SA_RESTART, and after a stop, waiting goes on; a call that a server has does not begin anew. */
static void waiting_goes_on(bool by_stopping)
{
	handle(SA_RESTART);
	for (enum wait what = 0; what < WAITS; what++) {
		cap_handle_t port = port_for(what);
		pid_t child = waiting_child(port, what, what == CALLED ? -EINTR : 0);
		struct message m = outgoing("y", 1);
		uint64_t cookie;

		let_it_wait(child, port, what, &cookie);
		kill(child, by_stopping ? SIGSTOP : SIGUSR1);
		if (by_stopping) {
			until_state(child, 'T');
			kill(child, SIGCONT);
		}
		pause_ms(5); /* which only makes it likelier that it waits again */
		if (what == RECEIVING)
			need(port_send(port, &m, 0) == 0);
		m = incoming();
		for (int i = 0; i < 2 && what == SENDING; i++)
			need(port_receive(port, &m, PULSE_FOREVER) == 0);
		if (what == CALLING)
			need(port_receive(port, &m, PULSE_FOREVER) == 0 && port_reply(port, &m) == 0);
		need(leaves_with(child, 0));
		need(port_receive(port, &m, 0) == -EAGAIN);
		close((int)port);
	}
}

static void a_restarting_handler(void)
{
	waiting_goes_on(false);
}

static void stopped_and_continued(void)
{
	waiting_goes_on(true);
}

#define LIMIT (100 * MS)

/* Stopped until the deadline is over: how long it waited all in all. */
static uint64_t stopped_while_waiting(enum wait what)
{
	cap_handle_t port = port_for(what);
	uint64_t began = now_ns(), took;
	pid_t child;

	atomic_store(about_to_wait, false);
	child = fork();
	if (child == 0) {
		atomic_store(about_to_wait, true);
		_exit(wait_at(port, what, LIMIT) != -ETIMEDOUT);
	}
	until_it_waits(child);
	kill(child, SIGSTOP);
	while (now_ns() - began < LIMIT + 20 * MS)
		pause_ms(5);
	kill(child, SIGCONT);
	need(leaves_with(child, 0));
	took = now_ns() - began;
	close((int)port);
	return took;
}

/* The deadline is the one that it began with: from SIGCONT on it never takes as long again.  A machine that
 * is busy makes any wait long, so the shortest of some counts. */
static void time_outs_survive_a_stop(void)
{
	for (enum wait what = 0; what <= CALLING; what++) {
		uint64_t shortest = UINT64_MAX;

		for (int i = 0; i < 20 && shortest >= 2 * LIMIT; i++) {
			uint64_t took = stopped_while_waiting(what);

			need(took >= LIMIT);
			shortest = took < shortest ? took : shortest;
		}
		need(shortest < 2 * LIMIT);
	}
}

/* --- revocation ------------------------------------------------------------------------------------ */

static void revoked_while_it_waits(void)
{
	for (enum wait what = 0; what < WAITS; what++) {
		cap_handle_t port = port_for(what), client = cap_reduce(port, UINT32_MAX);
		pid_t child = waiting_child(client, what, -EBADF);
		struct message m = incoming();
		uint64_t cookie;

		need(client >= 0);
		let_it_wait(child, port, what, &cookie);
		need(cap_revoke(client, 0) == 0);
		need(leaves_with(child, 0));
		m.reply = cookie;
		need(what != CALLED || port_reply(port, &m) == -ESRCH);
		need(what != SENDING || port_receive(port, &m, 0) == 0);
		need(port_receive(port, &m, 0) == -EAGAIN);
		close((int)port);
	}
}

/* Another capability of the same process is revoked: who waits does not notice, also in a received call. */
static void something_else_is_revoked(void)
{
	for (enum wait what = 0; what < WAITS; what++) {
		cap_handle_t port = port_for(what), other = make_port(0);
		pid_t child = waiting_child(port, what, 0);
		struct message m = outgoing("y", 1);
		uint64_t cookie;

		let_it_wait(child, port, what, &cookie);
		need(cap_revoke(other, 0) == 0);
		pause_ms(2);
		if (what == RECEIVING)
			need(port_send(port, &m, 0) == 0);
		m = incoming();
		for (int i = 0; i < 2 && what == SENDING; i++)
			need(port_receive(port, &m, PULSE_FOREVER) == 0);
		if (what == CALLING)
			need(port_receive(port, &m, PULSE_FOREVER) == 0 && port_reply(port, &m) == 0);
		m.reply = cookie;
		m.size = 0;
		if (what == CALLED)
			need(port_reply(port, &m) == 0);
		need(leaves_with(child, 0));
		close((int)port);
	}
}

/* --- at any moment --------------------------------------------------------------------------------- */

static cap_handle_t shared, through; /* the server's handle, the clients' */
static _Atomic long answered, refused;
static unsigned seed = 1;

static void a_moment(void)
{
	seed = seed * 1664525 + 1013904223;
	for (unsigned i = 0; i < (seed >> 16) % 4; i++)
		sched_yield();
	for (volatile unsigned i = 0; i < (seed >> 20) % 3000; i++)
		;
}

static void *serves(void *arg)
{
	struct message m = incoming();
	int err;

	while ((err = port_receive(shared, &m, PULSE_FOREVER)) == 0) {
		m.size = 1;
		err = port_reply(shared, &m);
		if (!m.reply)
			continue;
		need(err == 0 || err == -ESRCH);
		atomic_fetch_add(err == 0 ? &answered : &refused, 1);
	}
	need(err == -EPIPE);
	return arg;
}

static pthread_t begin_serving(void)
{
	pthread_t t;

	shared = make_port(2);
	through = shared;
	atomic_store(&answered, 0);
	atomic_store(&refused, 0);
	need(pthread_create(&t, NULL, serves, NULL) == 0);
	return t;
}

static void end_serving(pthread_t t)
{
	need(port_close(shared) == 0 && pthread_join(t, NULL) == 0);
	close((int)shared);
}

/* A call was answered if and only if the server's answer was taken. */
static void time_out_against_answer(void)
{
	pthread_t t = begin_serving();
	long done = 0;

	for (int i = 0; i < 10 * ROUNDS; i++) {
		struct message m = outgoing("x", 1);
		char in[1];
		int err;

		m.receive = in;
		m.capacity = 1;
		err = port_call(through, &m, 1000 + (uint64_t)i * 37 % 100000);
		need(err == 0 || err == -ETIMEDOUT);
		done += err == 0;
	}
	end_serving(t);
	printf("# %ld answered, %ld too late\n", done, (long)atomic_load(&refused));
	need(done == atomic_load(&answered));
}

static void signal_against_answer(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	pthread_t t;
	sigset_t mask;
	long done = 0;

	sigaction(SIGALRM, &sa, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	need(pthread_sigmask(SIG_BLOCK, &mask, NULL) == 0);
	t = begin_serving(); /* which no signal disturbs */
	need(pthread_sigmask(SIG_UNBLOCK, &mask, NULL) == 0);
	for (int i = 0; i < 5 * ROUNDS; i++) {
		struct itimerval once = { .it_value = { 0, 1 + i * 37 % 600 } };
		struct message m = outgoing("x", 1);
		char in[1];
		int err;

		m.receive = in;
		m.capacity = 1;
		need(setitimer(ITIMER_REAL, &once, NULL) == 0);
		err = port_call(through, &m, PULSE_FOREVER);
		need(err == 0 || err == -EINTR);
		done += err == 0;
	}
	need(setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, NULL) == 0);
	end_serving(t);
	printf("# %ld of %d answered\n", done, 5 * ROUNDS);
	need(done == atomic_load(&answered));
}

static void *calls_until_it_ends(void *arg)
{
	int *last = arg;

	do {
		struct message m = outgoing("x", 1);
		char in[1];

		m.receive = in;
		m.capacity = 1;
		*last = port_call(through, &m, PULSE_FOREVER);
	} while (*last == 0);
	return NULL;
}

static void *sends_until_it_ends(void *arg)
{
	struct message m = outgoing("x", 1);

	while ((*(int *)arg = port_send(through, &m, PULSE_FOREVER)) == 0)
		;
	return NULL;
}

/* Callers, senders and servers at work when the port is closed, or their capability revoked. */
static void ends_while_all_are_busy(bool by_revocation)
{
	for (int i = 0; i < ROUNDS / 3; i++) {
		pthread_t server = begin_serving(), client[4];
		int last[4], expected = by_revocation ? -EBADF : -EPIPE;

		if (by_revocation)
			through = cap_reduce(shared, UINT32_MAX);
		for (int c = 0; c < 4; c++)
			need(pthread_create(&client[c], NULL,
					    c % 2 ? calls_until_it_ends : sends_until_it_ends,
					    &last[c]) == 0);
		a_moment();
		need(by_revocation ? cap_revoke(through, 0) == 0 : port_close(shared) == 0);
		for (int c = 0; c < 4; c++) {
			need(pthread_join(client[c], NULL) == 0);
			need(last[c] == expected);
		}
		end_serving(server);
	}
}

static void closing_while_all_are_busy(void)
{
	ends_while_all_are_busy(false);
}

static void revoking_while_all_are_busy(void)
{
	ends_while_all_are_busy(true);
}

static void serves_for_ever(cap_handle_t port)
{
	echo(port);
}

/* A server killed at any moment: every client learns of it. */
static void a_server_killed_while_all_are_busy(void)
{
	for (int i = 0; i < ROUNDS / 6; i++) {
		pthread_t client[2];
		int last[2];
		pid_t server;

		through = make_port(2);
		server = server_that(serves_for_ever, &through);
		for (int c = 0; c < 2; c++)
			need(pthread_create(&client[c], NULL, c ? calls_until_it_ends : sends_until_it_ends,
					    &last[c]) == 0);
		a_moment();
		kill(server, SIGKILL);
		for (int c = 0; c < 2; c++) {
			need(pthread_join(client[c], NULL) == 0);
			need(last[c] == -EPIPE);
		}
		need(waitpid(server, NULL, 0) == server);
		close((int)through);
	}
}

/* Clients killed at any moment: the server does not notice, and nothing of theirs stays. */
static void clients_killed_while_all_are_busy(void)
{
	pthread_t t = begin_serving();
	struct message m = asking("x", 1);

	for (int i = 0; i < ROUNDS / 3; i++) {
		pid_t child = fork();
		int last;

		if (child == 0) {
			if (i % 2)
				calls_until_it_ends(&last);
			else
				sends_until_it_ends(&last);
			_exit(0);
		}
		a_moment();
		kill(child, SIGKILL);
		need(waitpid(child, NULL, 0) == child);
	}
	m.receive = &m.reserved; /* the server thread has the buffer */
	m.capacity = 4;
	need(port_call(through, &m, PULSE_FOREVER) == 0);
	end_serving(t);
}

int main(void)
{
	about_to_wait = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (about_to_wait == MAP_FAILED)
		return 1;
	received = about_to_wait + 1;
	tap(passes(closing), "closing wakes everybody");
	tap(passes(the_server_dies), "the server dies, in each state of its clients");
	tap(passes(one_of_two_servers_dies), "one of two servers dies");
	tap(passes(the_last_right_to_receive), "the last right to receive: closed, given up, revoked");
	tap(passes(the_client_dies), "the client dies, in each state");
	tap(passes(a_handler_runs), "a signal handler, in each state");
	tap(passes(a_restarting_handler), "a signal handler with SA_RESTART");
	tap(passes(stopped_and_continued), "stopped and continued");
	tap(passes(time_outs_survive_a_stop), "time-outs survive a stop");
	tap(passes(revoked_while_it_waits), "revoked, in each state");
	tap(passes(something_else_is_revoked), "something else is revoked, in each state");
	tap(passes(time_out_against_answer), "a time-out races with the answer");
	tap(passes(signal_against_answer), "a signal races with the answer");
	tap(passes(closing_while_all_are_busy), "closing races with everything");
	tap(passes(revoking_while_all_are_busy), "revocation races with everything");
	tap(passes(a_server_killed_while_all_are_busy), "a server killed at any moment");
	tap(passes(clients_killed_while_all_are_busy), "clients killed at any moment");
	return tap_end();
}
