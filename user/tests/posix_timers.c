/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers that send signals, as timer_create(2) has them; all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define MS 1000000ll
#define S  1000000000ll

/* The calls themselves: the C library has its own ideas of threads. */
struct event {
	uint64_t value;
	int signo, notify, tid, pad[11];
};

static int make_with(clockid_t clock, struct event e)
{
	int id = -1;

	return syscall(SYS_timer_create, clock, &e, &id) < 0 ? -errno : id;
}

static int make(clockid_t clock)
{
	int id = make_with(clock,
			   (struct event){ .value = 0x1234, .signo = SIGRTMIN, .notify = SIGEV_SIGNAL });

	need(id >= 0);
	return id;
}

static struct timespec spec(int64_t ns)
{
	return (struct timespec){ ns / S, ns % S };
}

static int64_t ns_of(struct timespec ts)
{
	return ts.tv_sec * S + ts.tv_nsec;
}

static int64_t now(clockid_t clock)
{
	struct timespec ts;

	need(clock_gettime(clock, &ts) == 0);
	return ns_of(ts);
}

static int set(int id, int flags, int64_t value, int64_t interval)
{
	struct itimerspec its = { spec(interval), spec(value) };

	return (int)syscall(SYS_timer_settime, id, flags, &its, NULL);
}

static struct itimerspec get(int id)
{
	struct itimerspec its;

	need(syscall(SYS_timer_gettime, id, &its) == 0);
	return its;
}

static int overrun(int id)
{
	return (int)syscall(SYS_timer_getoverrun, id);
}

static void block(int signo)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, signo);
	need(sigprocmask(SIG_BLOCK, &s, NULL) == 0);
}

/* The signal that comes within `ms`, or 0. */
static int await(int signo, siginfo_t *si, int ms)
{
	struct timespec ts = spec(ms * MS);
	sigset_t s;
	int got;

	sigemptyset(&s);
	sigaddset(&s, signo);
	got = sigtimedwait(&s, si, &ts);
	need(got == signo || errno == EAGAIN);
	return got == signo ? got : 0;
}

static void once(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	siginfo_t si;

	block(SIGRTMIN);
	for (unsigned i = 0; i < 3; i++) {
		int id = make(clocks[i]);
		int64_t start = now(CLOCK_MONOTONIC);

		need(set(id, 0, 30 * MS, 0) == 0 && await(SIGRTMIN, &si, 5000) &&
		     now(CLOCK_MONOTONIC) - start >= 30 * MS);
		need(si.si_code == SI_TIMER && si.si_value.sival_int == 0x1234 && si.si_overrun == 0);
		need(si.si_timerid == id && !await(SIGRTMIN, &si, 40));
		need(ns_of(get(id).it_value) == 0 && overrun(id) == 0);
	}
}

static void at_a_time(void)
{
	siginfo_t si;
	int id = make(CLOCK_REALTIME);
	int64_t due = now(CLOCK_REALTIME) + 30 * MS;

	block(SIGRTMIN);
	need(set(id, TIMER_ABSTIME, due, 0) == 0 && await(SIGRTMIN, &si, 5000) && now(CLOCK_REALTIME) >= due);
	need(set(id, TIMER_ABSTIME, 1, 0) == 0 && await(SIGRTMIN, &si, 1000));
}

static void repeated(void)
{
	int id = make(CLOCK_MONOTONIC), sum = 0;
	int64_t start = now(CLOCK_MONOTONIC);
	siginfo_t si;

	block(SIGRTMIN);
	need(set(id, 0, 10 * MS, 10 * MS) == 0);
	while (sum < 8) {
		need(await(SIGRTMIN, &si, 5000) && si.si_overrun == overrun(id));
		sum += 1 + si.si_overrun;
	}
	need(now(CLOCK_MONOTONIC) - start >= sum * 10 * MS);
	need(ns_of(get(id).it_interval) == 10 * MS && ns_of(get(id).it_value) > 0 &&
	     ns_of(get(id).it_value) <= 10 * MS);
	need(set(id, 0, 0, 5 * MS) == 0 && ns_of(get(id).it_value) == 0 && ns_of(get(id).it_interval) == 0);
	(void)await(SIGRTMIN, &si, 0);
	need(!await(SIGRTMIN, &si, 40));
}

/* Nobody takes the signal: it is queued once, and says how often it would have been more. */
static void overruns(void)
{
	int id = make(CLOCK_MONOTONIC);
	int64_t start = now(CLOCK_MONOTONIC) + 5 * MS, least, most;
	siginfo_t si;

	block(SIGRTMIN);
	need(set(id, TIMER_ABSTIME, start, 2 * MS) == 0 && overrun(id) == 0);
	usleep(60000);
	least = (now(CLOCK_MONOTONIC) - start) / (2 * MS);
	need(await(SIGRTMIN, &si, 1000));
	most = (now(CLOCK_MONOTONIC) - start) / (2 * MS);
	need(si.si_overrun >= least && si.si_overrun <= most && overrun(id) == si.si_overrun);
	/* An interval that no machine can keep up with. */
	need(set(id, 0, 1, 1) == 0);
	usleep(20000);
	need(await(SIGRTMIN, &si, 1000) && await(SIGRTMIN, &si, 1000) && si.si_overrun >= 0);
	need(syscall(SYS_timer_delete, id) == 0);
}

static void silent(void)
{
	int id = make_with(CLOCK_MONOTONIC, (struct event){ .notify = SIGEV_NONE });

	need(id >= 0 && set(id, 0, 20 * MS, 0) == 0 && ns_of(get(id).it_value) > 0);
	usleep(30000);
	need(ns_of(get(id).it_value) == 0);
	need(set(id, 0, 10 * MS, 20 * MS) == 0);
	usleep(35000);
	need(ns_of(get(id).it_value) > 0 && ns_of(get(id).it_value) <= 20 * MS && overrun(id) == 0);
}

static void by_default(void)
{
	siginfo_t si;
	int id = -1;

	block(SIGALRM);
	need(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id) == 0 && set(id, 0, 1 * MS, 0) == 0);
	need(await(SIGALRM, &si, 5000) && si.si_value.sival_int == id);
}

static _Atomic int caught_by;

static void caught(int signo, siginfo_t *si, void *context)
{
	(void)signo;
	(void)context;
	if (si->si_code == SI_TIMER && si->si_value.sival_int == 77)
		caught_by = (int)syscall(SYS_gettid);
}

static _Atomic int tid;
static _Atomic int over;

static void *stay(void *arg)
{
	tid = (int)syscall(SYS_gettid);
	while (!over)
		usleep(1000);
	return arg;
}

static void to_a_thread(void)
{
	struct sigaction sa = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
	struct event e = { .value = 77, .signo = SIGUSR1, .notify = 4 };
	pthread_t t;
	int id;

	need(sigaction(SIGUSR1, &sa, NULL) == 0 && pthread_create(&t, NULL, stay, NULL) == 0);
	while (!tid)
		usleep(1000);
	e.tid = tid;
	id = make_with(CLOCK_MONOTONIC, e);
	need(id >= 0 && set(id, 0, 1 * MS, 1 * MS) == 0);
	while (!caught_by)
		usleep(1000);
	need(caught_by == tid);
	over = 1;
	pthread_join(t, NULL);
	usleep(5000);
	need(set(id, 0, 1 * MS, 1 * MS) == 0 && syscall(SYS_timer_delete, id) == 0);
	e.tid = 1 + (getpid() == 1);
	need(make_with(CLOCK_MONOTONIC, e) == -EINVAL);
}

static void burn(int64_t ns, clockid_t clock)
{
	int64_t start = now(clock);

	while (now(clock) - start < ns)
		;
}

static void cpu_clocks(void)
{
	static const clockid_t clocks[] = { CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	siginfo_t si;

	block(SIGRTMIN);
	for (unsigned i = 0; i < 2; i++) {
		int id = make(clocks[i]);
		int64_t start = now(clocks[i]);

		need(set(id, 0, 30 * MS, 0) == 0 && !await(SIGRTMIN, &si, 50)); /* asleep: no time passes */
		burn(80 * MS, clocks[i]);
		need(await(SIGRTMIN, &si, 0) && now(clocks[i]) - start >= 30 * MS && si.si_code == SI_TIMER);
		need(ns_of(get(id).it_value) == 0);
	}
}

static void errors(void)
{
	struct event e = { .signo = SIGRTMIN, .notify = SIGEV_SIGNAL };
	struct itimerspec its = { { 0, 0 }, { 0, 1000000000 } };
	int id = make(CLOCK_MONOTONIC);

	need(make_with(99, e) == -EINVAL && make_with(CLOCK_MONOTONIC_RAW, e) == -EOPNOTSUPP);
	need(make_with(CLOCK_MONOTONIC_COARSE, e) == -EOPNOTSUPP);
	need(make_with(CLOCK_MONOTONIC, (struct event){ .signo = 0 }) == -EINVAL);
	need(make_with(CLOCK_MONOTONIC, (struct event){ .signo = 65 }) == -EINVAL);
	need(make_with(CLOCK_MONOTONIC, (struct event){ .signo = 10, .notify = 9 }) == -EINVAL);
	need(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, (void *)8) == -1 && errno == EFAULT);
	need(syscall(SYS_timer_create, CLOCK_MONOTONIC, (void *)8, &id) == -1 && errno == EFAULT);
	need(syscall(SYS_timer_settime, id, 0, &its, NULL) == -1 && errno == EINVAL);
	need(syscall(SYS_timer_settime, id, 0, NULL, NULL) == -1 && errno == EINVAL);
	need(set(999, 0, 1, 0) == -1 && errno == EINVAL);
	need(syscall(SYS_timer_gettime, 999, &its) == -1 && errno == EINVAL);
	need(overrun(999) == -1 && errno == EINVAL);
	need(syscall(SYS_timer_delete, id) == 0 && syscall(SYS_timer_delete, id) == -1 && errno == EINVAL);
}

static void old_value(void)
{
	struct itimerspec its = { spec(7 * S), spec(5 * S) }, old;
	int id = make(CLOCK_MONOTONIC);

	need(syscall(SYS_timer_settime, id, 0, &its, &old) == 0 && ns_of(old.it_value) == 0);
	its.it_value.tv_sec = 9;
	need(syscall(SYS_timer_settime, id, 0, &its, &old) == 0 && ns_of(old.it_interval) == 7 * S);
	need(ns_of(old.it_value) > 4 * S && ns_of(old.it_value) <= 5 * S);
}

/* Its signal stays when the timer goes. */
static void deleted_while_pending(void)
{
	siginfo_t si;
	int id = make(CLOCK_MONOTONIC);

	block(SIGRTMIN);
	need(set(id, 0, 1, 1 * MS) == 0);
	usleep(5000);
	need(syscall(SYS_timer_delete, id) == 0);
	(void)await(SIGRTMIN, &si, 0);
	need(!await(SIGRTMIN, &si, 20));
}

static void each_has_its_signal(void)
{
	unsigned seen = 0;
	siginfo_t si;

	block(SIGUSR1);
	for (int i = 0; i < 5; i++) {
		int id = make_with(CLOCK_MONOTONIC, (struct event){ .value = (uint64_t)i, .signo = SIGUSR1 });

		need(id >= 0 && set(id, 0, 1 * MS, 0) == 0);
	}
	usleep(20000);
	/* Of a standard signal, too: each timer has a record of its own. */
	for (int i = 0; i < 5; i++) {
		need(await(SIGUSR1, &si, 1000));
		seen |= 1u << si.si_value.sival_int;
	}
	need(seen == 31 && !await(SIGUSR1, &si, 10));
}

static void the_limit(void)
{
	struct rlimit limit = { 0, 0 };
	struct event e = { .signo = SIGRTMIN };

	need(setrlimit(RLIMIT_SIGPENDING, &limit) == 0 && make_with(CLOCK_MONOTONIC, e) == -EAGAIN);
}

static void not_inherited(void)
{
	int id = make(CLOCK_MONOTONIC), status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(overrun(id) == -1 && errno == EINVAL ? 0 : 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void ignored(void)
{
	siginfo_t si;
	int id = make(CLOCK_MONOTONIC);

	need(signal(SIGRTMIN, SIG_IGN) != SIG_ERR && set(id, 0, 1, 100) == 0);
	usleep(20000);
	need(set(id, 0, 0, 0) == 0);
	block(SIGRTMIN);
	(void)await(SIGRTMIN, &si, 0);
	need(signal(SIGRTMIN, SIG_DFL) != SIG_ERR && set(id, 0, 1 * MS, 0) == 0 &&
	     await(SIGRTMIN, &si, 1000));
}

static void in_proc(void)
{
	char text[512] = "", wanted[256];
	int id = make(CLOCK_BOOTTIME);
	FILE *f = fopen("/proc/self/timers", "r");

	need(f && fread(text, 1, sizeof(text) - 1, f) > 0);
	snprintf(wanted, sizeof(wanted), "ID: %d\nsignal: %d/%016x\nnotify: signal/pid.%d\nClockID: 7\n", id,
		 SIGRTMIN, 0x1234, getpid());
	need(strstr(text, wanted) != NULL);
}

static void *churn(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (!over) {
		int id = make_with(CLOCK_MONOTONIC,
				   (struct event){ .value = 77, .signo = SIGUSR1, .notify = SIGEV_SIGNAL });

		if (id < 0)
			continue;
		need(set(id, 0, 1 + rand_r(&seed) % 200000, rand_r(&seed) % 3 ? 50000 : 0) == 0);
		if (rand_r(&seed) % 2)
			usleep((unsigned)rand_r(&seed) % 300);
		need(syscall(SYS_timer_delete, id) == 0);
	}
	return arg;
}

static void races(void)
{
	struct sigaction sa = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_RESTART };
	pthread_t t[4];

	need(sigaction(SIGUSR1, &sa, NULL) == 0);
	for (int i = 0; i < 4; i++)
		need(pthread_create(&t[i], NULL, churn, (void *)(uintptr_t)(i + 1)) == 0);
	for (int64_t start = now(CLOCK_MONOTONIC); now(CLOCK_MONOTONIC) - start < 500 * MS;)
		usleep(10000);
	over = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

int main(void)
{
	tap(passes(once), "once, on three clocks");
	tap(passes(at_a_time), "at a time");
	tap(passes(repeated), "again and again");
	tap(passes(overruns), "overruns are counted, to the tick");
	tap(passes(silent), "without a signal");
	tap(passes(by_default), "SIGALRM by default");
	tap(passes(to_a_thread), "to one thread");
	tap(passes(cpu_clocks), "by CPU time");
	tap(passes(errors), "errors");
	tap(passes(old_value), "what was left");
	tap(passes(deleted_while_pending), "deleted while its signal is pending");
	tap(passes(each_has_its_signal), "each timer has its own signal");
	tap(passes(the_limit), "RLIMIT_SIGPENDING");
	tap(passes(not_inherited), "a child has none");
	tap(passes(ignored), "an ignored signal");
	tap(passes(in_proc), "/proc/self/timers");
	tap(passes(races), "made, expired and deleted at once");
	return tap_end();
}
