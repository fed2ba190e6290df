/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for many things, as epoll(7) has it; all of this holds on Linux, too.  What is Serix's own, rights
 * and revocation, is in cap_epoll.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "child.h"
#include "tap.h"

static int make(void)
{
	int ep = epoll_create1(0);

	need(ep >= 0);
	return ep;
}

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	return epoll_ctl(ep, op, fd, &e) < 0 ? -errno : 0;
}

static int add(int ep, int fd, uint32_t events)
{
	return ctl(ep, EPOLL_CTL_ADD, fd, events, (uint64_t)fd);
}

/* One event: its bits, 0 for none. */
static uint32_t one(int ep, int timeout)
{
	struct epoll_event e[2];
	int n = epoll_wait(ep, e, 2, timeout);

	need(n == 0 || n == 1);
	return n ? e[0].events : 0;
}

static void make_pipe(int fd[2])
{
	need(pipe(fd) == 0);
}

static void put(int fd)
{
	uint64_t n = 1;

	need(write(fd, &n, sizeof(n)) == sizeof(n));
}

static void get(int fd)
{
	uint64_t n;

	need(read(fd, &n, sizeof(n)) == sizeof(n));
}

static void level(void)
{
	int ep = make(), p[2];

	make_pipe(p);
	need(add(ep, p[0], EPOLLIN) == 0 && one(ep, 0) == 0);
	put(p[1]);
	need(one(ep, 0) == EPOLLIN && one(ep, -1) == EPOLLIN);
	get(p[0]);
	need(one(ep, 0) == 0);
	close(p[1]);
	need(one(ep, 0) == EPOLLHUP && one(ep, 0) == EPOLLHUP);
}

static void edge(void)
{
	int ep = make(), e = eventfd(0, 0);

	need(add(ep, e, EPOLLIN | EPOLLET) == 0 && one(ep, 0) == 0);
	put(e);
	need(one(ep, 0) == EPOLLIN && one(ep, 0) == 0);
	put(e); /* each write is an edge, read or not */
	need(one(ep, 0) == EPOLLIN && one(ep, 0) == 0);
	get(e);
	need(one(ep, 0) == 0);
	put(e);
	/* A change of what is asked for looks anew. */
	need(one(ep, 0) == EPOLLIN && ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN | EPOLLET, 0) == 0 &&
	     one(ep, 0) == EPOLLIN);
	need(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN | EPOLLOUT | EPOLLET, 0) == 0 &&
	     one(ep, 0) == (EPOLLIN | EPOLLOUT));
	get(e); /* room for more is an edge, too */
	need(one(ep, 0) == EPOLLOUT && one(ep, 0) == 0);
}

static void edge_of_a_pipe(void)
{
	int ep = make(), p[2];

	make_pipe(p);
	need(add(ep, p[0], EPOLLIN | EPOLLET) == 0);
	put(p[1]);
	need(one(ep, 0) == EPOLLIN && one(ep, 0) == 0);
	put(p[1]); /* something is there already */
	need(one(ep, 0) == EPOLLIN && one(ep, 0) == 0);
	get(p[0]);
	need(one(ep, 0) == 0);
	close(p[1]);
	need(one(ep, 0) == (EPOLLIN | EPOLLHUP) && one(ep, 0) == 0);
}

static void one_shot(void)
{
	int ep = make(), e = eventfd(1, 0);

	need(add(ep, e, EPOLLIN | EPOLLONESHOT) == 0 && one(ep, 0) == EPOLLIN && one(ep, 0) == 0);
	put(e);
	need(one(ep, 0) == 0);
	need(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN | EPOLLONESHOT, 7) == 0 && one(ep, 0) == EPOLLIN &&
	     one(ep, 0) == 0);
	need(add(ep, e, EPOLLIN) == -EEXIST);
}

static void data_and_order(void)
{
	struct epoll_event got[8];
	int ep = make(), e[8];
	unsigned seen = 0;

	for (unsigned i = 0; i < 8; i++) {
		e[i] = eventfd(0, 0);
		need(ctl(ep, EPOLL_CTL_ADD, e[i], EPOLLIN, 0x1234567800000000ull + i) == 0);
	}
	put(e[5]);
	put(e[2]);
	put(e[7]);
	need(epoll_wait(ep, got, 8, 0) == 3 && got[0].data.u64 == 0x1234567800000005ull &&
	     got[1].data.u64 == 0x1234567800000002ull && got[2].data.u64 == 0x1234567800000007ull);
	/* With room for one at a time each has its turn. */
	for (int i = 0; i < 3; i++) {
		need(epoll_wait(ep, got, 1, 0) == 1);
		seen |= 1u << (got[0].data.u64 & 7);
	}
	need(seen == (1u << 5 | 1u << 2 | 1u << 7));
}

static void errors(void)
{
	int ep = make(), e = eventfd(0, 0), file = open("/proc/self/exe", O_RDONLY);
	struct epoll_event ev = { .events = EPOLLIN };

	need(epoll_create1(1) == -1 && errno == EINVAL);
	need(syscall(SYS_epoll_create, 0) == -1 && errno == EINVAL && syscall(SYS_epoll_create, 1) >= 0);
	need(add(ep, ep, EPOLLIN) == -EINVAL && add(e, ep, EPOLLIN) == -EINVAL);
	need(add(ep, 999, EPOLLIN) == -EBADF && add(999, e, EPOLLIN) == -EBADF);
	need(add(ep, file, EPOLLIN) == -EPERM);
	need(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN, 0) == -ENOENT && ctl(ep, EPOLL_CTL_DEL, e, 0, 0) == -ENOENT);
	need(ctl(ep, 9, e, EPOLLIN, 0) == -EINVAL);
	need(epoll_ctl(ep, EPOLL_CTL_ADD, e, NULL) == -1 && errno == EFAULT);
	need(epoll_wait(ep, &ev, 0, 0) == -1 && errno == EINVAL);
	need(epoll_wait(ep, &ev, -1, 0) == -1 && errno == EINVAL);
	need(epoll_wait(e, &ev, 1, 0) == -1 && errno == EINVAL);
	need(epoll_wait(999, &ev, 1, 0) == -1 && errno == EBADF);
	need(syscall(SYS_epoll_wait, ep, (char *)-4096, 1, 0) == -1 && errno == EFAULT);
	need(read(ep, &ev, sizeof(ev)) == -1 && errno == EINVAL);
	need(write(ep, &ev, sizeof(ev)) == -1 && errno == EINVAL);
	need(add(ep, e, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT) == -EINVAL);
	need(add(ep, make(), EPOLLIN | EPOLLEXCLUSIVE) == -EINVAL);
	need(add(ep, e, EPOLLIN | EPOLLEXCLUSIVE) == 0 && ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN, 0) == -EINVAL);
	need(ctl(ep, EPOLL_CTL_DEL, e, 0, 0) == 0 && ctl(ep, EPOLL_CTL_DEL, e, 0, 0) == -ENOENT);
	need(add(ep, e, EPOLLIN | EPOLLWAKEUP) == 0);
}

/* An event that cannot be written is not lost. */
static void a_bad_address(void)
{
	int ep = make(), e = eventfd(1, 0);
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
	need(add(ep, e, EPOLLIN | EPOLLONESHOT) == 0);
	need(epoll_wait(ep, (void *)(page + 4096), 1, 0) == -1 && errno == EFAULT);
	need(one(ep, 0) == EPOLLIN);
	/* Of two the first is written. */
	need(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN, 0) == 0 && add(ep, eventfd(1, 0), EPOLLIN) == 0);
	need(epoll_wait(ep, (void *)(page + 4096 - 12), 2, 0) == 1);
}

static void by_file_and_number(void)
{
	int ep = make(), e = eventfd(0, 0), copy = dup(e);
	struct epoll_event got[4];

	need(add(ep, e, EPOLLIN) == 0 && add(ep, copy, EPOLLIN) == 0 && add(ep, copy, EPOLLIN) == -EEXIST);
	put(e);
	need(epoll_wait(ep, got, 4, 0) == 2);
	/* What is closed is watched while the file is open elsewhere; nobody can name it, though. */
	close(copy);
	need(epoll_wait(ep, got, 4, 0) == 2 && ctl(ep, EPOLL_CTL_DEL, copy, 0, 0) == -EBADF);
	close(e);
	need(epoll_wait(ep, got, 4, 0) == 0);
	need(eventfd(1, 0) == e && one(ep, 0) == 0 && add(ep, e, EPOLLIN) == 0 && one(ep, 0) == EPOLLIN);
}

static void inherited(void)
{
	int ep = make(), e = eventfd(0, 0);
	pid_t pid;
	int status;

	need(add(ep, e, EPOLLIN) == 0);
	pid = fork();
	if (pid == 0) {
		put(e);
		_exit(one(ep, 1000) != EPOLLIN);
	}
	close(e); /* the child has it still */
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(one(ep, 0) == 0); /* and now nobody has */
}

static void nested(void)
{
	int inner = make(), outer = make(), e = eventfd(0, 0);
	struct pollfd p = { .fd = outer, .events = POLLIN };

	need(add(inner, e, EPOLLIN) == 0 && add(outer, inner, EPOLLIN) == 0);
	need(poll(&p, 1, 0) == 0 && one(outer, 0) == 0);
	put(e);
	need(poll(&p, 1, 0) == 1 && one(outer, 0) == EPOLLIN && one(inner, 0) == EPOLLIN);
	get(e);
	need(poll(&p, 1, 0) == 0 && one(outer, 0) == 0);
	put(e);
	need(one(outer, 1000) == EPOLLIN);
	close(inner);
	need(poll(&p, 1, 0) == 0 && one(outer, 0) == 0);
}

static void nested_edge(void)
{
	int inner = make(), outer = make(), e = eventfd(0, 0);

	need(add(inner, e, EPOLLIN) == 0 && add(outer, inner, EPOLLIN | EPOLLET) == 0);
	put(e);
	need(one(outer, 0) == EPOLLIN && one(outer, 0) == 0 && one(inner, 0) == EPOLLIN);
	put(e);
	need(one(outer, 0) == EPOLLIN && one(outer, 0) == 0);
}

static void no_circles(void)
{
	int ep[3] = { make(), make(), make() };

	need(add(ep[0], ep[1], EPOLLIN) == 0 && add(ep[1], ep[2], EPOLLIN) == 0);
	need(add(ep[2], ep[0], EPOLLIN) == -ELOOP && add(ep[1], ep[0], EPOLLIN) == -ELOOP);
	close(ep[1]);
	need(add(ep[2], ep[0], EPOLLIN) == 0);
}

/* One in the other: five reach, however they are put together. */
static void not_too_deep(void)
{
	int ep[8], e = eventfd(0, 0), n;

	for (int i = 0; i < 8; i++)
		ep[i] = make();
	need(add(ep[0], e, EPOLLIN) == 0);
	for (n = 1; n < 8; n++)
		if (add(ep[n], ep[n - 1], EPOLLIN) < 0)
			break;
	need(n == 5);
	put(e);
	need(one(ep[4], 0) == EPOLLIN);
}

static void exclusive(void)
{
	int a = make(), b = make(), e = eventfd(0, 0);

	need(add(a, e, EPOLLIN | EPOLLEXCLUSIVE) == 0 && add(b, e, EPOLLIN | EPOLLEXCLUSIVE) == 0);
	put(e);
	need(one(a, 0) == EPOLLIN);
	get(e);
	need(one(a, 0) == 0 && one(b, 0) == 0);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	need(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void times(void)
{
	struct timespec ts = { 0, 30000000 }, bad = { 0, 1000000000 };
	struct epoll_event ev;
	int ep = make();
	uint64_t start = now_ms();

	need(one(ep, 30) == 0 && now_ms() - start >= 30);
	start = now_ms();
	need(syscall(SYS_epoll_pwait2, ep, &ev, 1, &ts, NULL, 0) == 0 && now_ms() - start >= 30);
	need(syscall(SYS_epoll_pwait2, ep, &ev, 1, &bad, NULL, 0) == -1 && errno == EINVAL);
	need(syscall(SYS_epoll_pwait2, ep, &ev, 1, (void *)8, NULL, 0) == -1 && errno == EFAULT);
}

static volatile sig_atomic_t signals;

static void count(int signo)
{
	(void)signo;
	signals++;
}

static void masks(void)
{
	struct sigaction sa = { .sa_handler = count, .sa_flags = SA_RESTART };
	struct epoll_event ev;
	sigset_t block, none;
	int ep = make();

	need(sigaction(SIGALRM, &sa, NULL) == 0);
	ualarm(20000, 0);
	need(epoll_wait(ep, &ev, 1, 5000) == -1 && errno == EINTR && signals == 1); /* never restarted */
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	need(sigprocmask(SIG_BLOCK, &block, NULL) == 0 && raise(SIGALRM) == 0);
	need(epoll_wait(ep, &ev, 1, 10) == 0 && signals == 1);
	need(epoll_pwait(ep, &ev, 1, 5000, &none) == -1 && errno == EINTR && signals == 2);
	need(raise(SIGALRM) == 0 && signals == 2);
	need(syscall(SYS_epoll_pwait, ep, &ev, 1, 0, &none, 4) == -1 && errno == EINVAL);
}

static void fdinfo(void)
{
	int ep = make(), e = eventfd(0, 0);
	char text[512] = "", path[64], wanted[64];
	FILE *f;

	need(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET, 0xabcdef) == 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
	f = fopen(path, "r");
	need(f && fread(text, 1, sizeof(text) - 1, f) > 0);
	snprintf(wanted, sizeof(wanted), "tfd: %8d events: 80000019 data:           abcdef", e);
	need(strstr(text, wanted) != NULL);
}

/* --- threads --------------------------------------------------------------------------------------- */

static int shared_ep, shared_fd;

static void *put_later(void *arg)
{
	usleep(20000);
	put(shared_fd);
	return arg;
}

static void waits(void)
{
	pthread_t t;

	shared_ep = make();
	shared_fd = eventfd(0, 0);
	need(add(shared_ep, shared_fd, EPOLLIN) == 0 && pthread_create(&t, NULL, put_later, NULL) == 0);
	need(one(shared_ep, -1) == EPOLLIN);
	pthread_join(t, NULL);
}

static void *add_later(void *arg)
{
	usleep(20000);
	need(add(shared_ep, shared_fd, EPOLLIN) == 0);
	return arg;
}

/* Who waits hears of what is added meanwhile. */
static void added_while_waiting(void)
{
	pthread_t t;

	shared_ep = make();
	shared_fd = eventfd(1, 0);
	need(pthread_create(&t, NULL, add_later, NULL) == 0 && one(shared_ep, -1) == EPOLLIN);
	pthread_join(t, NULL);
}

#define WAITERS 8
#define EVENTS  4000

static _Atomic int taken;
static int sources[4];

static void *take_events(void *arg)
{
	struct epoll_event ev;

	while (taken < EVENTS) {
		int n = epoll_wait(shared_ep, &ev, 1, 100);
		uint64_t got;

		need(n >= 0);
		if (n == 0)
			continue;
		need(read(ev.data.fd, &got, sizeof(got)) == sizeof(got));
		taken += (int)got;
		need(ctl(shared_ep, EPOLL_CTL_MOD, ev.data.fd, EPOLLIN | EPOLLONESHOT,
			 (uint64_t)ev.data.fd) == 0);
	}
	return arg;
}

/* One-shot items go to one thread at a time: a blocking read of what was reported never waits. */
static void one_shot_storm(void)
{
	pthread_t t[WAITERS];

	shared_ep = make();
	for (int i = 0; i < 4; i++) {
		sources[i] = eventfd(0, 0);
		need(add(shared_ep, sources[i], EPOLLIN | EPOLLONESHOT) == 0);
	}
	for (int i = 0; i < WAITERS; i++)
		need(pthread_create(&t[i], NULL, take_events, NULL) == 0);
	for (int i = 0; i < EVENTS; i++)
		put(sources[i % 4]);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(t[i], NULL);
	need(taken == EVENTS);
}

static void *take_edges(void *arg)
{
	while (taken < EVENTS) {
		uint64_t got;

		if (one(shared_ep, 100) && read(shared_fd, &got, sizeof(got)) == sizeof(got))
			taken += (int)got;
	}
	return arg;
}

static void edge_storm(void)
{
	pthread_t t[WAITERS];

	shared_ep = make();
	shared_fd = eventfd(0, EFD_NONBLOCK);
	taken = 0;
	need(add(shared_ep, shared_fd, EPOLLIN | EPOLLET) == 0);
	for (int i = 0; i < WAITERS; i++)
		need(pthread_create(&t[i], NULL, take_edges, NULL) == 0);
	for (int i = 0; i < EVENTS; i++)
		put(shared_fd);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(t[i], NULL);
	need(taken == EVENTS);
}

static _Atomic bool over;

static void *churn(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (!over) {
		int e = eventfd((unsigned)rand_r(&seed) % 2, EFD_NONBLOCK);

		if (e < 0)
			continue;
		(void)add(shared_ep, e, EPOLLIN | (rand_r(&seed) % 2 ? EPOLLET : 0));
		if (rand_r(&seed) % 2)
			put(e);
		if (rand_r(&seed) % 3 == 0)
			(void)ctl(shared_ep, EPOLL_CTL_DEL, e, 0, 0);
		close(e);
	}
	return arg;
}

static void *look(void *arg)
{
	struct epoll_event ev[4];
	struct pollfd p = { .fd = shared_ep, .events = POLLIN };

	while (!over)
		if (epoll_wait(shared_ep, ev, 4, 1) < 0 || poll(&p, 1, 0) < 0)
			need(false);
	return arg;
}

/* Files come, are watched and go, while others wait for them. */
static void closing_race(void)
{
	pthread_t t[4];

	shared_ep = make();
	for (int i = 0; i < 2; i++) {
		need(pthread_create(&t[i], NULL, churn, (void *)(uintptr_t)(i + 1)) == 0);
		need(pthread_create(&t[i + 2], NULL, look, NULL) == 0);
	}
	usleep(700000);
	over = true;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	need(one(shared_ep, 0) == 0);
}

static int chain[4];

static void *rebuild(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (!over) {
		int a = rand_r(&seed) % 4, b = rand_r(&seed) % 4;

		if (rand_r(&seed) % 2)
			(void)ctl(chain[a], EPOLL_CTL_ADD, chain[b], EPOLLIN, 0);
		else
			(void)ctl(chain[a], EPOLL_CTL_DEL, chain[b], 0, 0);
		put(shared_fd);
	}
	return arg;
}

static void *ask(void *arg)
{
	struct epoll_event ev[8];

	while (!over)
		for (int i = 0; i < 4; i++)
			need(epoll_wait(chain[i], ev, 8, 0) >= 0);
	return arg;
}

/* Epolls watch each other in changing order, and never in a circle. */
static void nesting_race(void)
{
	pthread_t t[4];

	shared_fd = eventfd(0, 0);
	for (int i = 0; i < 4; i++) {
		chain[i] = make();
		need(add(chain[i], shared_fd, EPOLLIN | EPOLLET) == 0);
	}
	for (int i = 0; i < 2; i++) {
		need(pthread_create(&t[i], NULL, rebuild, (void *)(uintptr_t)(i + 1)) == 0);
		need(pthread_create(&t[i + 2], NULL, ask, NULL) == 0);
	}
	usleep(700000);
	over = true;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

#define MANY 2000

/* However many are watched, those that are ready come at once. */
static void many(void)
{
	struct rlimit limit = { MANY + 100, MANY + 100 };
	struct epoll_event ev[8];
	static int e[MANY];
	int ep;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		need(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= MANY + 100);
		limit.rlim_cur = limit.rlim_max;
		need(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	}
	ep = make();
	for (int i = 0; i < MANY; i++) {
		e[i] = eventfd(0, 0);
		need(e[i] >= 0 && add(ep, e[i], EPOLLIN) == 0);
	}
	put(e[1234]);
	need(epoll_wait(ep, ev, 8, 0) == 1 && ev[0].data.fd == e[1234]);
	for (int i = 0; i < MANY; i++)
		close(e[i]);
	need(one(ep, 0) == 0);
}

int main(void)
{
	tap(passes(level), "level: what is ready is told each time");
	tap(passes(edge), "edge: each event is told once");
	tap(passes(edge_of_a_pipe), "edges of a pipe");
	tap(passes(one_shot), "one shot: until it is asked for anew");
	tap(passes(data_and_order), "the caller's data, in the order of the events, each in its turn");
	tap(passes(errors), "errors");
	tap(passes(a_bad_address), "an event that cannot be written is not lost");
	tap(passes(by_file_and_number), "a watch is named by file and number, and ends with the file");
	tap(passes(inherited), "a child has the same watches");
	tap(passes(nested), "an epoll in an epoll");
	tap(passes(nested_edge), "edges through an epoll");
	tap(passes(no_circles), "no circles");
	tap(passes(not_too_deep), "not too deep");
	tap(passes(exclusive), "exclusive watches");
	tap(passes(times), "time-outs");
	tap(passes(masks), "signals and masks");
	tap(passes(fdinfo), "fdinfo");
	tap(passes(waits), "waits for an event");
	tap(passes(added_while_waiting), "hears of what is added while it waits");
	tap(passes(one_shot_storm), "eight threads, one shot: nothing lost, nothing twice");
	tap(passes(edge_storm), "eight threads, edges: nothing lost");
	tap(passes(closing_race), "files close while they are watched");
	tap(passes(nesting_race), "epolls watch each other in changing order");
	tap(passes(many), "two thousand watches");
	return tap_end();
}
