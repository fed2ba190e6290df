/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in registers: the same promises as for others (<serix/ipc.h>), and that nothing but the
 * message crosses. */
#define _GNU_SOURCE
#include <errno.h>
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <libserix/small.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define MS 1000000ull

static cap_handle_t port;

static void on_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	need(sched_setaffinity(0, sizeof(one), &one) == 0);
}

static void fill(struct small_message *m, uint64_t size, unsigned seed)
{
	*m = (struct small_message){ .size = size, .tag = seed };
	for (uint64_t i = 0; i < size; i++)
		m->data[i] = (unsigned char)(seed * 7 + i);
}

static bool is_filled(const struct small_message *m, uint64_t size, unsigned seed)
{
	for (uint64_t i = 0; i < MESSAGE_SMALL; i++)
		if (m->data[i] != (i < size ? (unsigned char)(seed * 7 + i) : 0))
			return false;
	return m->size == size && m->tag == seed;
}

/* Answers each call with as many bytes, made of the tag + 1.  Whatever is not as it should be ends it. */
static void serve(void)
{
	struct small_message m = { .cookie = 0 };

	for (;;) {
		unsigned seed;
		uint64_t size, cookie;

		need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
		seed = (unsigned)m.tag;
		size = m.size;
		cookie = m.cookie;
		/* What lies beyond the size is the receiver's business; the kernel hands over none of the
		 * sender's. */
		for (uint64_t i = 0; i < size; i++)
			need(m.data[i] == (unsigned char)(seed * 7 + i));
		need(m.rights & PORT_RIGHT_CALL);
		fill(&m, size, seed + 1);
		m.cookie = cookie;
	}
}

static pid_t start(void (*server)(void))
{
	pid_t child;

	port = port_create(NULL);
	need(port >= 0);
	child = fork();
	need(child >= 0);
	if (child == 0) {
		server();
		_exit(0);
	}
	return child;
}

static void stop(pid_t child)
{
	int status;

	need(kill(child, SIGKILL) == 0);
	need(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static bool same_bytes(const struct small_message *m, uint64_t size, unsigned seed)
{
	for (uint64_t i = 0; i < size; i++)
		if (m->data[i] != (unsigned char)(seed * 7 + i))
			return false;
	return m->size == size && m->tag == seed;
}

static void call_every_size(void)
{
	pid_t child = start(serve);

	for (unsigned n = 0; n < 3000; n++) {
		uint64_t size = n % (MESSAGE_SMALL + 1);
		struct small_message m;

		fill(&m, size, n);
		need(port_call_small(port, &m, PULSE_FOREVER) == 0);
		need(same_bytes(&m, size, n + 1));
		need(m.cookie == 0 && m.badge == 0);
	}
	stop(child);
}

static void calls_on_one_cpu(void)
{
	on_one_cpu();
	call_every_size();
}

/* --- what is the sender's and not the message's ---------------------------------------------------- */

#define SECRET 0x5ec4e75ec4e7ull

/* Call with all vector registers full of a secret, of which `size` bytes are sent. */
static long call_full_of_secrets(uint64_t size)
{
	static const uint64_t secret[4] = { SECRET, SECRET, SECRET, SECRET };
	register uint64_t timeout __asm__("r10") = PULSE_FOREVER;
	register uint64_t r8 __asm__("r8") = SECRET;
	register uint64_t r9 __asm__("r9") = SECRET;
	cap_handle_t to = port;
	uint64_t tag = 0;
	long result = 1050;
	bool avx = __builtin_cpu_supports("avx");

	if (avx)
		__asm__ volatile("vmovups (%0), %%ymm0; vmovups (%0), %%ymm1; vmovups (%0), %%ymm2;"
				 "vmovups (%0), %%ymm3; vmovups (%0), %%ymm4; vmovups (%0), %%ymm5;"
				 "vmovups (%0), %%ymm6; vmovups (%0), %%ymm7; vmovups (%0), %%ymm8;"
				 "vmovups (%0), %%ymm15"
				 :
				 : "r"(secret)
				 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
				   "xmm15");
	else
		__asm__ volatile("movups (%0), %%xmm0; movups (%0), %%xmm1; movups (%0), %%xmm2;"
				 "movups (%0), %%xmm3; movups (%0), %%xmm4; movups (%0), %%xmm5;"
				 "movups (%0), %%xmm6; movups (%0), %%xmm7; movups (%0), %%xmm8;"
				 "movups (%0), %%xmm15"
				 :
				 : "r"(secret)
				 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
				   "xmm15");
	__asm__ volatile("syscall"
			 : "+a"(result), "+D"(to), "+S"(size), "+d"(tag), "+r"(timeout), "+r"(r8), "+r"(r9)
			 :
			 : "rcx", "r11", "memory");
	return result;
}

/* Receive with vector registers that hold a value of one's own, and store all of them. */
static long receive_all(uint64_t cookie, uint64_t *next, unsigned char xmm[256], unsigned char upper[256])
{
	static const uint64_t own[4] = { 1, 1, 1, 1 };
	register uint64_t timeout __asm__("r10") = PULSE_FOREVER;
	register uint64_t r8 __asm__("r8") = cookie;
	register uint64_t r9 __asm__("r9") = 0;
	cap_handle_t from = port;
	uint64_t tag = 0, size = 0;
	long result = 1051;
	bool avx = __builtin_cpu_supports("avx");

	if (avx)
		__asm__ volatile("vmovups (%0), %%ymm0; vmovups %%ymm0, %%ymm1; vmovups %%ymm0, %%ymm2;"
				 "vmovups %%ymm0, %%ymm3; vmovups %%ymm0, %%ymm4; vmovups %%ymm0, %%ymm5;"
				 "vmovups %%ymm0, %%ymm6; vmovups %%ymm0, %%ymm7; vmovups %%ymm0, %%ymm8;"
				 "vmovups %%ymm0, %%ymm15"
				 :
				 : "r"(own)
				 : "memory");
	__asm__ volatile("syscall"
			 : "+a"(result), "+D"(from), "+S"(size), "+d"(tag), "+r"(timeout), "+r"(r8), "+r"(r9)
			 :
			 : "rcx", "r11", "memory");
	__asm__ volatile("movups %%xmm0, (%0); movups %%xmm1, 16(%0); movups %%xmm2, 32(%0);"
			 "movups %%xmm3, 48(%0); movups %%xmm4, 64(%0); movups %%xmm5, 80(%0);"
			 "movups %%xmm6, 96(%0); movups %%xmm7, 112(%0); movups %%xmm8, 128(%0);"
			 "movups %%xmm15, 240(%0)"
			 :
			 : "r"(xmm)
			 : "memory");
	if (avx)
		__asm__ volatile(
			"vextractf128 $1, %%ymm0, (%0); vextractf128 $1, %%ymm1, 16(%0);"
			"vextractf128 $1, %%ymm2, 32(%0); vextractf128 $1, %%ymm7, 112(%0);"
			"vextractf128 $1, %%ymm8, 128(%0); vextractf128 $1, %%ymm15, 240(%0); vzeroupper"
			:
			: "r"(upper)
			: "memory");
	*next = r9;
	return result;
}

static bool has_secret(const unsigned char *bytes, size_t size)
{
	static const uint64_t secret = SECRET;

	/* Four bytes of it in a row, wherever. */
	for (size_t i = 0; i + 4 <= size; i++)
		for (size_t k = 0; k + 4 <= 6; k++)
			if (memcmp(bytes + i, (const unsigned char *)&secret + k, 4) == 0)
				return true;
	return false;
}

static void look_for_secrets(void)
{
	uint64_t cookie = 0;

	for (;;) {
		unsigned char xmm[256] = { 0 }, upper[256] = { 0 };
		long size = receive_all(cookie, &cookie, xmm, upper);

		need(size >= 0 && size <= (long)MESSAGE_SMALL);
		need(!has_secret(xmm + size, sizeof(xmm) - (size_t)size));
		need(!has_secret(upper, sizeof(upper)));
	}
}

static void nothing_else_crosses(void)
{
	pid_t child;

	on_one_cpu();
	child = start(look_for_secrets);
	for (uint64_t size = 0; size <= MESSAGE_SMALL; size++)
		for (int i = 0; i < 4; i++)
			need(call_full_of_secrets(size) == 0);
	stop(child);
}

/* --- one way, errors, ends ------------------------------------------------------------------------- */

static void sends_arrive_in_order(void)
{
	struct small_message m;
	pid_t child;

	port = port_create(NULL);
	need(port >= 0);
	child = fork();
	if (child == 0) {
		for (unsigned n = 0; n < 500; n++) {
			fill(&m, n % 129, n);
			need(port_send_small(port, &m, PULSE_FOREVER) == 0);
		}
		_exit(0);
	}
	for (unsigned n = 0; n < 500; n++) {
		m.cookie = 0;
		need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
		need(is_filled(&m, n % 129, n) && m.cookie == 0);
	}
}

static void errors_are_told(void)
{
	struct small_message m;
	struct message large = { .data = (void *)"x", .size = 1 };
	static char buffer[200];

	port = port_create(NULL);
	fill(&m, MESSAGE_SMALL, 0);
	m.size = MESSAGE_SMALL + 1;
	need(port_call_small(port, &m, PULSE_FOREVER) == -EMSGSIZE);
	m.size = 1;
	need(port_call_small(99, &m, PULSE_FOREVER) == -EBADF);
	need(port_call_small(port, &m, 0) == -EAGAIN);
	need(port_call_small(port, &m, 5 * MS) == -ETIMEDOUT);
	m.cookie = 0;
	need(port_reply_wait_small(port, &m, 0) == -EAGAIN);
	need(port_reply_wait_small(port, &m, 5 * MS) == -ETIMEDOUT);
	/* An answer to nobody is no error; but then there is nothing to receive. */
	m.cookie = 12345;
	need(port_reply_wait_small(port, &m, 5 * MS) == -ETIMEDOUT);
	/* What does not fit stays. */
	large.data = buffer;
	large.size = sizeof(buffer);
	need(port_send(port, &large, PULSE_FOREVER) == 0);
	m.cookie = 0;
	need(port_reply_wait_small(port, &m, PULSE_FOREVER) == -EMSGSIZE);
	large = (struct message){ .data = buffer, .capacity = sizeof(buffer) };
	need(port_receive(port, &large, 0) == 0 && large.size == sizeof(buffer));
}

static void register_and_memory_forms_mix(void)
{
	struct small_message s;
	struct message m;
	static char buffer[200];

	port = port_create(NULL);
	if (fork() == 0) {
		/* A small call is received and answered through memory, and the other way round. */
		m = (struct message){ .data = buffer, .capacity = sizeof(buffer) };
		need(port_receive(port, &m, PULSE_FOREVER) == 0 && m.size == 3 &&
		     memcmp(buffer, "abc", 3) == 0);
		m.size = 2;
		m.tag = 9;
		need(port_reply(port, &m) == 0);
		s.cookie = 0;
		need(port_reply_wait_small(port, &s, PULSE_FOREVER) == 0 && s.size == 4);
		s.data[0] = 'z';
		port_reply_wait_small(port, &s, 0);
		_exit(0);
	}
	s = (struct small_message){ .size = 3, .tag = 1, .data = "abc" };
	need(port_call_small(port, &s, PULSE_FOREVER) == 0);
	need(s.size == 2 && s.tag == 9 && memcmp(s.data, "ab", 2) == 0);
	m = (struct message){
		.data = (void *)"wxyz", .size = 4, .receive = buffer, .capacity = sizeof(buffer)
	};
	need(port_call(port, &m, PULSE_FOREVER) == 0 && m.size == 4 && memcmp(buffer, "zxyz", 4) == 0);
}

static void answer_too_large(void)
{
	struct small_message s = { .size = 1 };
	static char buffer[200];

	port = port_create(NULL);
	if (fork() == 0) {
		struct message m = { .data = buffer, .capacity = sizeof(buffer) };

		need(port_receive(port, &m, PULSE_FOREVER) == 0);
		m.size = sizeof(buffer);
		need(port_reply(port, &m) == -EMSGSIZE);
		m.size = 1;
		_exit(port_reply(port, &m) != 0);
	}
	need(port_call_small(port, &s, PULSE_FOREVER) == 0 && s.size == 1);
}

static void answer_once_then_die(void)
{
	struct small_message m = { .cookie = 0 };

	need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
	need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
	_exit(0); /* the second call is received and never answered */
}

static void a_dying_server_ends_the_call(void)
{
	struct cap_derive may_call = { .rights = PORT_RIGHT_CALL, .expires_ns = CAP_FOREVER };
	struct small_message m = { .size = 1 };
	cap_handle_t original;
	pid_t child;

	on_one_cpu();
	child = start(answer_once_then_die);
	/* Nobody else could ever answer. */
	original = port;
	port = cap_derive(original, &may_call);
	need(port >= 0 && close((int)original) == 0);
	need(port_call_small(port, &m, PULSE_FOREVER) == 0);
	need(port_call_small(port, &m, PULSE_FOREVER) == -EPIPE);
	need(waitpid(child, NULL, 0) == child);
}

static volatile sig_atomic_t signals;

static void count_signal(int signo)
{
	(void)signo;
	signals++;
}

static void receive_and_hold(void)
{
	struct small_message m = { .cookie = 0 };
	struct timespec t = { .tv_nsec = 300 * MS };

	need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
	nanosleep(&t, NULL);
	/* The caller has left: told by the next message only. */
	m.size = 7;
	need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
	m.size = 2;
	need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
}

/* A signal ends a call that was received: it cannot be done twice. */
static void a_signal_ends_the_call(void)
{
	struct small_message m = { .size = 1 };
	struct sigaction sa = { .sa_handler = count_signal, .sa_flags = SA_RESTART };
	pid_t child;

	on_one_cpu();
	need(sigaction(SIGALRM, &sa, NULL) == 0);
	child = start(receive_and_hold);
	ualarm(100000, 0);
	need(port_call_small(port, &m, PULSE_FOREVER) == -EINTR && signals == 1);
	m.size = 1;
	need(port_call_small(port, &m, PULSE_FOREVER) == 0 && m.size == 2);
	stop(child);
}

static pid_t interrupter(pid_t whom, int times)
{
	pid_t child = fork();

	if (child == 0) {
		while (times-- > 0) {
			struct timespec t = { .tv_nsec = 2 * MS };

			kill(whom, SIGALRM);
			nanosleep(&t, NULL);
		}
		_exit(0);
	}
	return child;
}

static void serve_with_handler(void)
{
	struct sigaction sa = { .sa_handler = count_signal, .sa_flags = SA_RESTART };

	need(sigaction(SIGALRM, &sa, NULL) == 0);
	serve();
}

/* Signals at a server that waits: it goes on waiting, and answers nothing twice. */
static void signals_do_not_disturb_a_server(void)
{
	pid_t child, other;
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	need(sigaction(SIGALRM, &ignore, NULL) == 0);
	on_one_cpu();
	child = start(serve_with_handler);
	for (unsigned n = 0; n < 10; n++) {
		struct small_message m;

		fill(&m, 5, n);
		need(port_call_small(port, &m, PULSE_FOREVER) == 0);
	}
	other = interrupter(child, 100);
	for (unsigned n = 0; n < 3000; n++) {
		struct small_message m;

		fill(&m, n % 129, n);
		need(port_call_small(port, &m, PULSE_FOREVER) == 0 && same_bytes(&m, n % 129, n + 1));
	}
	need(waitpid(other, NULL, 0) == other);
	stop(child);
}

/* --- several at once ------------------------------------------------------------------------------- */

#define CLIENTS 6
#define CALLS   1500

static void *call_many(void *arg)
{
	unsigned base = (unsigned)(uintptr_t)arg * 100000;

	for (unsigned n = 0; n < CALLS; n++) {
		struct small_message m;

		fill(&m, n % 129, base + n);
		need(port_call_small(port, &m, n % 3 ? PULSE_FOREVER : 1000 * MS) == 0);
		need(same_bytes(&m, n % 129, base + n + 1));
	}
	return NULL;
}

static void *serve_thread(void *arg)
{
	(void)arg;
	serve();
	return NULL;
}

static void serve_by_three(void)
{
	pthread_t t;

	for (int i = 0; i < 2; i++)
		need(pthread_create(&t, NULL, serve_thread, NULL) == 0);
	serve();
}

static void many_callers_and_servers(void)
{
	pid_t child = start(serve_by_three);
	pthread_t t[CLIENTS];

	for (uintptr_t i = 0; i < CLIENTS; i++)
		need(pthread_create(&t[i], NULL, call_many, (void *)i) == 0);
	for (int i = 0; i < CLIENTS; i++)
		need(pthread_join(t[i], NULL) == 0);
	stop(child);
}

static void many_on_one_cpu(void)
{
	on_one_cpu();
	many_callers_and_servers();
}

/* A call that one thread receives and another answers: the first has gone, and with it what it was lent. */
static void *receive_one(void *arg)
{
	uint64_t *cookie = arg;
	struct small_message m = { .cookie = 0 };

	need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
	*cookie = m.cookie;
	return NULL;
}

static void serve_by_one_thread_each(void)
{
	for (;;) {
		struct small_message m = { .size = 1 };
		struct timespec pause = { .tv_nsec = 3 * MS };
		pthread_t t;

		need(pthread_create(&t, NULL, receive_one, &m.cookie) == 0 && pthread_join(t, NULL) == 0);
		nanosleep(&pause, NULL); /* joined a moment before it leaves */
		need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
		m.size = 2;
		need(port_reply_wait_small(port, &m, 0) == -EAGAIN);
	}
}

static void answered_for_a_thread_that_left(void)
{
	pid_t child;

	on_one_cpu();
	child = start(serve_by_one_thread_each);
	for (unsigned n = 0; n < 50; n++) {
		struct small_message m = { .size = 1 };
		struct timespec t = { .tv_nsec = 3 * MS };

		nanosleep(&t, NULL); /* the thread waits by now, as a rule */
		need(port_call_small(port, &m, PULSE_FOREVER) == 0 && m.size == 1);
		/* By a parcel, whose loan is another. */
		m.size = 1;
		need(port_call_small(port, &m, 60000 * MS) == 0 && m.size == 2);
	}
	stop(child);
}

/* A chain: the server of one port calls another for each call that it serves. */
static cap_handle_t second;

static void serve_by_calling(void)
{
	struct small_message m = { .cookie = 0 };

	for (;;) {
		uint64_t cookie;

		need(port_reply_wait_small(port, &m, PULSE_FOREVER) == 0);
		cookie = m.cookie;
		need(port_call_small(second, &m, PULSE_FOREVER) == 0);
		m.cookie = cookie;
	}
}

static void a_chain_of_calls(void)
{
	pid_t last, middle;

	on_one_cpu();
	last = start(serve);
	second = port;
	middle = start(serve_by_calling);
	for (unsigned n = 0; n < 2000; n++) {
		struct small_message m;

		fill(&m, 100, n);
		need(port_call_small(port, &m, PULSE_FOREVER) == 0 && same_bytes(&m, 100, n + 1));
	}
	stop(middle);
	stop(last);
}

/* A caller of a higher nice value, and then of a lower one, than its server's. */
static void callers_of_other_urgency(void)
{
	pid_t child;

	on_one_cpu();
	child = start(serve);
	for (int nice = -5; nice <= 5; nice += 5) {
		need(setpriority(PRIO_PROCESS, 0, nice) == 0);
		for (unsigned n = 0; n < 300; n++) {
			struct small_message m;

			fill(&m, n % 129, n);
			need(port_call_small(port, &m, PULSE_FOREVER) == 0 && same_bytes(&m, n % 129, n + 1));
		}
	}
	stop(child);
}

int main(void)
{
	tap(passes(call_every_size), "calls of every size from 0 to 128 bytes");
	tap(passes(calls_on_one_cpu), "the same on one CPU");
	tap(passes(nothing_else_crosses),
	    "nothing of the sender's registers but the message reaches the receiver");
	tap(passes(sends_arrive_in_order), "messages sent arrive whole and in order");
	tap(passes(errors_are_told), "sizes, handles, time-outs, messages that do not fit");
	tap(passes(register_and_memory_forms_mix), "register and memory forms understand each other");
	tap(passes(answer_too_large), "an answer that does not fit fails for the server");
	tap(passes(a_dying_server_ends_the_call), "a server that dies ends the call it had received");
	tap(passes(a_signal_ends_the_call), "a signal ends a call that was received");
	tap(passes(signals_do_not_disturb_a_server), "signals do not disturb a server");
	tap(passes(many_callers_and_servers), "many callers and servers");
	tap(passes(many_on_one_cpu), "many callers and servers on one CPU");
	tap(passes(answered_for_a_thread_that_left), "a call answered for a thread that has left");
	tap(passes(a_chain_of_calls), "a chain of calls");
	tap(passes(callers_of_other_urgency), "callers more and less urgent than their server");
	return tap_end();
}
