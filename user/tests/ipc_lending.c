/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server runs as urgently as its most urgent caller, and no longer than that one waits.
 *
 * All is on one CPU.  A realtime spinner wants that CPU all the time; the client is more urgent than it, the
 * servers, ordinary tasks, are less.  So while a call goes on the spinner makes no step if and only if the
 * server has the client's urgency, and after it the server makes none.  No time is measured: that the machine
 * is slow changes nothing.  Realtime tasks get 95% of a second, which only a look at what should not happen
 * can see: those looks have some attempts.
 */
#define _GNU_SOURCE
#include <libserix/capability.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "ipc.h"

enum { LOW = 20, SPINNER = 30, CLIENT = 40, CONTROL = 50 }; /* SCHED_FIFO; servers: 0, SCHED_OTHER */

#define WORK     200000 /* steps for one call */
#define ATTEMPTS 5

/* Who is to begin: bits of `go`. */
#define GO_SPINNER 1u
#define GO_LOW     2u
#define GO_URGENT  4u

enum tag { PLAIN, WAKES_URGENT, FOR_EVER };

struct progress {
	_Atomic uint64_t spins; /* of the spinner */
	_Atomic uint64_t steps; /* of servers at work */
};

static struct progress *seen;

static cap_handle_t go;

static void set_priority(int priority)
{
	struct sched_param param = { .sched_priority = priority };

	need(syscall(SYS_sched_setscheduler, 0, priority ? SCHED_FIFO : SCHED_OTHER, &param) == 0);
}

/* A process that does something at that priority and goes with this one; sleeping when this returns. */
static pid_t begin(void (*does)(const void *), const void *arg, int priority)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		set_priority(priority);
		does(arg);
		_exit(0);
	}
	until_state(pid, 'S');
	return pid;
}

static void wait_for(uint64_t bit)
{
	uint64_t bits;

	need(notification_wait(go, bit, &bits, PULSE_FOREVER) == 0);
}

static void spins(const void *unused)
{
	(void)unused;
	wait_for(GO_SPINNER);
	for (;;)
		atomic_fetch_add(&seen->spins, 1);
}

static void setup(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	need(sched_setaffinity(0, sizeof(first), &first) == 0);
	set_priority(CONTROL);
	go = notification_create(0);
	need(go >= 0);
	atomic_store(&seen->spins, 0);
	atomic_store(&seen->steps, 0);
	begin(spins, NULL, SPINNER);
}

/* --- servers and clients --------------------------------------------------------------------------- */

struct server {
	cap_handle_t port, next; /* next: whom it asks; 0: it works itself */
};

/* Among equals it gives way, or who lends to it could never say that it waits no longer. */
static void work(uint64_t tag)
{
	if (tag == WAKES_URGENT)
		need(notification_signal(go, GO_URGENT) == 0);
	for (uint64_t n = 0; tag == FOR_EVER || n < WORK; n++) {
		atomic_fetch_add(&seen->steps, 1);
		if (tag == FOR_EVER && n % 256 == 0)
			sched_yield();
	}
}

static void serves(const void *arg)
{
	const struct server *self = arg;

	for (;;) {
		struct message m = incoming(), asked = { 0 };

		need(port_receive(self->port, &m, PULSE_FOREVER) == 0);
		asked.tag = m.tag;
		if (self->next)
			need(port_call(self->next, &asked, PULSE_FOREVER) == 0);
		else
			work(m.tag);
		m.size = 0;
		need(port_reply(self->port, &m) == 0);
	}
}

static void answers_and_works_on(const void *arg)
{
	const struct server *self = arg;
	struct message m = incoming();

	need(port_receive(self->port, &m, PULSE_FOREVER) == 0);
	work(PLAIN);
	m.size = 0;
	need(port_reply(self->port, &m) == 0);
	work(FOR_EVER);
}

struct client {
	cap_handle_t port;
	uint64_t timeout_ns;
	uint64_t begins; /* the bit that it waits for */
	enum tag tag;
	int expected;
};

static void calls(const void *arg)
{
	const struct client *self = arg;
	struct message m = { .tag = self->tag };
	int err;

	if (self->begins)
		wait_for(self->begins);
	err = port_call(self->port, &m, self->timeout_ns);
	if (err != self->expected)
		printf("# %d, not %d\n", err, self->expected);
	fflush(stdout);
	_exit(err != self->expected);
}

/* The CPU is wanted by the spinner, and it does not get it while this calls. */
static void calls_unhindered(cap_handle_t port)
{
	struct message m = { .tag = PLAIN };
	uint64_t before;

	need(notification_signal(go, GO_SPINNER) == 0);
	before = atomic_load(&seen->spins);
	need(port_call(port, &m, PULSE_FOREVER) == 0);
	need(atomic_load(&seen->spins) == before);
}

static void urgent(const void *arg)
{
	const struct client *self = arg;

	wait_for(self->begins);
	calls_unhindered(self->port);
}

/* --- what can be seen ------------------------------------------------------------------------------ */

/* With the spinner at it, for a while: who made steps. */
static bool only(_Atomic uint64_t *moves, _Atomic uint64_t *rests)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		uint64_t moving = atomic_load(moves), resting = atomic_load(rests);

		pause_ms(5);
		if (atomic_load(moves) != moving && atomic_load(rests) == resting)
			return true;
	}
	return false;
}

static bool server_is_urgent(void)
{
	return only(&seen->steps, &seen->spins);
}

static bool server_is_ordinary(void)
{
	return only(&seen->spins, &seen->steps);
}

/* --- one call -------------------------------------------------------------------------------------- */

static void a_server_is_as_urgent_as_its_caller(void)
{
	struct server server = { make_port(0), 0 };

	setup();
	begin(serves, &server, 0);
	/* Again at once: the server has answered, but had no chance to come back. */
	for (int i = 0; i < 3; i++)
		calls_unhindered(server.port);
	need(atomic_load(&seen->steps) == 3 * WORK);
	need(server_is_ordinary());
}

static void the_loan_ends_with_the_answer(void)
{
	struct server server = { make_port(0), 0 };

	setup();
	begin(answers_and_works_on, &server, 0);
	calls_unhindered(server.port);
	need(server_is_ordinary());
}

static void along_two_servers(void)
{
	struct server second = { make_port(0), 0 }, first = { make_port(0), second.port };

	setup();
	begin(serves, &second, 0);
	begin(serves, &first, 0);
	calls_unhindered(first.port);
	need(atomic_load(&seen->steps) == WORK);
}

/* --- more callers ---------------------------------------------------------------------------------- */

/* A caller that is less urgent than the spinner is served; in the middle of that an urgent one comes. */
static void comes_while_busy(const struct server *at)
{
	struct client low = { at->port, PULSE_FOREVER, GO_LOW, WAKES_URGENT, 0 };
	struct client high = { .port = at->port, .begins = GO_URGENT };
	pid_t first = begin(calls, &low, LOW), second = begin(urgent, &high, CLIENT);

	need(notification_signal(go, GO_LOW) == 0);
	need(leaves_with(second, 0));
	need(atomic_load(&seen->steps) == 2 * WORK);
	need(server_is_ordinary());
	(void)first; /* which the spinner keeps from hearing its answer */
}

static void an_urgent_caller_while_busy(void)
{
	struct server server = { make_port(0), 0 };

	setup();
	begin(serves, &server, 0);
	comes_while_busy(&server);
}

static void an_urgent_caller_while_the_next_is_busy(void)
{
	struct server second = { make_port(0), 0 }, first = { make_port(0), second.port };

	setup();
	begin(serves, &second, 0);
	begin(serves, &first, 0);
	comes_while_busy(&first);
}

/* --- calls that end early -------------------------------------------------------------------------- */

enum end { TIME_OUT, SIGNAL, DEATH, REVOCATION };

static void nothing(int signo)
{
	(void)signo;
}

static void ends_early(enum end how, int expected)
{
	struct server server = { make_port(0), 0 };
	cap_handle_t through = cap_reduce(server.port, UINT32_MAX);
	struct client client = { through, how == TIME_OUT ? 20 * MS : PULSE_FOREVER, GO_URGENT, FOR_EVER,
				 expected };
	struct sigaction sa = { .sa_handler = nothing };
	pid_t caller;
	int status;

	need(through >= 0 && sigaction(SIGUSR1, &sa, NULL) == 0);
	setup();
	begin(serves, &server, 0);
	caller = begin(calls, &client, CLIENT);
	need(notification_signal(go, GO_SPINNER | GO_URGENT) == 0);
	need(how == TIME_OUT || server_is_urgent());
	if (how == REVOCATION)
		need(cap_revoke(through, 0) == 0);
	else if (how != TIME_OUT)
		need(kill(caller, how == DEATH ? SIGKILL : SIGUSR1) == 0);
	need(waitpid(caller, &status, 0) == caller);
	need(how == DEATH ? WIFSIGNALED(status) : status == 0);
	need(server_is_ordinary());
}

static void until_a_time_out(void)
{
	ends_early(TIME_OUT, -ETIMEDOUT);
}

static void until_a_signal(void)
{
	ends_early(SIGNAL, -EINTR);
}

static void until_the_caller_dies(void)
{
	ends_early(DEATH, 0);
}

static void until_a_revocation(void)
{
	ends_early(REVOCATION, -EBADF);
}

/* The middle of a chain: its caller hears of it, and whom it had asked is ordinary again. */
static void until_a_server_dies(void)
{
	struct server second = { make_port(0), 0 }, first = { make_port(0), second.port };
	struct client client = { first.port, PULSE_FOREVER, GO_URGENT, FOR_EVER, -EPIPE };
	pid_t middle, caller;

	setup();
	begin(serves, &second, 0);
	middle = begin(serves, &first, 0);
	caller = begin(calls, &client, CLIENT);
	need(notification_signal(go, GO_SPINNER | GO_URGENT) == 0);
	need(server_is_urgent());
	need(kill(middle, SIGKILL) == 0);
	need(leaves_with(caller, 0) && waitpid(middle, NULL, 0) == middle);
	need(server_is_ordinary());
}

int main(void)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return 1;
	tap(passes(a_server_is_as_urgent_as_its_caller), "a server is as urgent as its caller");
	tap(passes(the_loan_ends_with_the_answer), "the loan ends with the answer");
	tap(passes(along_two_servers), "along a chain of two servers");
	tap(passes(an_urgent_caller_while_busy), "an urgent caller comes while the server is busy");
	tap(passes(an_urgent_caller_while_the_next_is_busy),
	    "the same, and the server waits for the next one");
	tap(passes(until_a_time_out), "the loan ends with a time-out");
	tap(passes(until_a_signal), "the loan ends with a signal");
	tap(passes(until_the_caller_dies), "the loan ends with the caller");
	tap(passes(until_a_revocation), "the loan ends with a revocation");
	tap(passes(until_a_server_dies), "the loan ends with a server in the chain");
	return tap_end();
}
