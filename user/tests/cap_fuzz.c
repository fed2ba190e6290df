/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serix's own system calls under hostile arguments, from several processes with several threads each,
 * as a user without privileges: handles that are stale, foreign or made up, addresses that end in the
 * middle, sizes that are not, all while other threads close, copy, revoke, map and fork what they act
 * on, and signals break in.
 *
 * What it proves is that nothing happens: the kernel does not stop (its debug and KASAN builds look
 * for more than that), every process can be killed, what was used is given back, and capabilities and
 * messages still work.
 *
 *	cap_fuzz [SECONDS [SEED]]
 *
 * A worker that ends is replaced: now and then one is killed, and others kill themselves.  Each is
 * seeded with SEED and its number; what threads do to one another is up to the scheduler.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <poll.h>
#include <serix/confine.h>
#include <serix/process.h>
#include <serix/syscalls.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <time.h>

#include "child.h"
#include "fuzz.h"
#include "tap.h"

#define FIRST_CALL                         1024u
#define LAST_CALL                          1058u
#define HANDLES                            64u
#define MAPPINGS                           8u
#define CALL_NUMBER(nr, name, arity, file) CALL_##name = (nr),
enum call_number { SYSCALL_LIST(CALL_NUMBER) };

/* What the threads of a process share, and do not guard: that is the point. */
static _Atomic int64_t handles[HANDLES]; /* what calls have returned */
static _Atomic uintptr_t mappings[MAPPINGS];
static _Atomic pid_t relative; /* a child or sibling to be named */

/* --- arguments ------------------------------------------------------------------------------------ */

static uint64_t any_handle(struct dice *d)
{
	switch (below(d, 8)) {
	case 0:
		return odd[below(d, ODD)];
	case 1:
		return roll(d) & 0x7fffffff000000ff;
	case 2:
	case 3:
		return below(d, SLOTS);
	default:
		return (uint64_t)atomic_load(&handles[below(d, HANDLES)]);
	}
}

static uint64_t any_address(struct dice *d)
{
	uint64_t at = (uint64_t)arena + (below(d, ARENA) & ~7ul);

	switch (below(d, 12)) {
	case 0:
		return odd[below(d, ODD)];
	case 1:
		return (uint64_t)arena + ARENA - below(d, 160); /* the end is near */
	case 2:
		return (uint64_t)atomic_load(&mappings[below(d, MAPPINGS)]);
	case 3:
		return at + below(d, 8);
	case 4:
		return at & ~4095ul;
	default:
		return at;
	}
}

static uint64_t any_size(struct dice *d, uint64_t right)
{
	switch (below(d, 10)) {
	case 0:
		return odd[below(d, ODD)];
	case 1:
		return right + 1;
	case 2:
		return below(d, MESSAGE_MAX + 2);
	default:
		return right;
	}
}

/* Mostly short, but not always. */
static uint64_t any_time(struct dice *d)
{
	switch (below(d, 8)) {
	case 0:
		return UINT64_MAX;
	case 1:
		return odd[below(d, ODD)];
	case 2:
	case 3:
		return 0;
	default:
		return below(d, 3000000);
	}
}

static struct cap_derive any_terms(struct dice *d)
{
	return (struct cap_derive){
		.rights = one_in(d, 3) ? (uint32_t)roll(d) : UINT32_MAX,
		.flags = (uint32_t)below(d, one_in(d, 16) ? UINT32_MAX : 4),
		.expires_ns = one_in(d, 2) ? CAP_FOREVER : any_time(d),
		.badge = roll(d),
	};
}

/* A message somewhere in the arena, made of what is somewhere else in it. */
static uint64_t any_message(struct dice *d)
{
	uint64_t at = (uint64_t)arena + (below(d, ARENA - 3 * 4096) & ~7ul), caps = any_address(d);
	struct message m = {
		.tag = roll(d),
		.reply = one_in(d, 4) ? roll(d) : below(d, 300),
		.data = (void *)any_address(d),
		.size = one_in(d, 8) ? any_size(d, 64) : below(d, one_in(d, 2) ? 200 : 40000),
		.receive = one_in(d, 2) ? (void *)any_address(d) : NULL,
		.capacity = one_in(d, 4) ? roll(d) : MESSAGE_MAX,
		.caps = (cap_handle_t *)caps,
		.cap_count = (uint32_t)below(d, one_in(d, 6) ? 40 : 3),
		.cap_capacity = (uint32_t)below(d, 20),
		.flags = (uint32_t)below(d, one_in(d, 16) ? 64 : 8),
	};

	if (caps - (uint64_t)arena < ARENA - 4 * 4096)
		for (int i = 0; i < 16; i++)
			((cap_handle_t *)(caps & ~7ul))[i] = (cap_handle_t)any_handle(d);
	if (one_in(d, 3)) {
		m.terms = (struct cap_derive *)((uint64_t)arena + (below(d, ARENA - 4 * 4096) & ~7ul));
		*m.terms = any_terms(d);
	}
	*(struct message *)at = m;
	return one_in(d, 10) ? any_address(d) : at;
}

static uint64_t put_terms(struct dice *d)
{
	uint64_t at = (uint64_t)arena + (below(d, ARENA - 3 * 4096) & ~7ul);

	*(struct cap_derive *)at = any_terms(d);
	return one_in(d, 10) ? any_address(d) : at;
}

static uint64_t put_name(struct dice *d)
{
	uint64_t at = (uint64_t)arena + below(d, ARENA - 3 * 4096);

	snprintf((char *)at, 16, "fuzz.%u", (unsigned)below(d, 8));
	return one_in(d, 6) ? any_address(d) : at;
}

/* --- the calls ------------------------------------------------------------------------------------ */

static void choose(struct dice *d, uint64_t nr, uint64_t a[6])
{
	for (int i = 0; i < 6; i++)
		a[i] = one_in(d, 2) ? odd[below(d, ODD)] : any_address(d);
	if (one_in(d, 40))
		return;
	a[0] = any_handle(d);
	switch (nr) {
	case CALL_mem_create:
		a[0] = below(d, 6);
		a[1] = one_in(d, 8) ? odd[below(d, ODD)] : below(d, 1 << 18);
		a[2] = below(d, 8);
		break;
	case CALL_mem_share:
		a[1] = roll(d);
		a[2] = below(d, 4);
		break;
	case CALL_cap_derive:
		a[1] = put_terms(d);
		a[2] = any_size(d, sizeof(struct cap_derive));
		break;
	case CALL_cap_revoke:
		a[1] = below(d, 3);
		break;
	case CALL_cap_query:
		a[2] = any_size(d, sizeof(struct cap_info));
		break;
	case CALL_cap_limit:
		a[1] = roll(d) | roll(d) | roll(d);
		break;
	case CALL_cap_list:
		a[0] = one_in(d, 2) ? UINT64_MAX : a[0];
		a[1] = any_handle(d);
		a[2] = any_address(d);
		a[3] = any_size(d, 10);
		a[4] = any_size(d, sizeof(struct cap_info));
		break;
	case CALL_cap_expire:
		a[1] = any_time(d);
		break;
	case CALL_cap_grant:
		a[1] = any_handle(d);
		a[2] = put_terms(d);
		a[3] = any_size(d, sizeof(struct cap_derive));
		break;
	case CALL_cap_export:
		a[1] = any_address(d);
		break;
	case CALL_cap_import:
		a[0] = any_address(d);
		a[1] = put_terms(d);
		a[2] = any_size(d, sizeof(struct cap_derive));
		break;
	case CALL_process_control:
		a[1] = below(d, 5);
		a[2] = any_address(d);
		a[3] = any_size(d, a[1] == PROCESS_INFO ? sizeof(struct process_info) : 56);
		break;
	case CALL_port_create:
		a[0] = one_in(d, 2) ? 0 : any_address(d);
		a[1] = any_size(d, sizeof(struct port_options));
		break;
	case CALL_port_register:
		a[1] = any_handle(d);
		a[2] = put_name(d);
		break;
	case CALL_port_connect:
		a[1] = put_name(d);
		a[2] = put_terms(d);
		a[3] = any_size(d, sizeof(struct cap_derive));
		break;
	case CALL_port_send:
	case CALL_port_receive:
	case CALL_port_call:
	case CALL_port_reply:
	case CALL_port_reply_wait:
		a[1] = any_message(d);
		a[2] = any_time(d);
		break;
	case CALL_port_send_small:
	case CALL_port_call_small:
	case CALL_port_reply_wait_small:
		a[1] = one_in(d, 8) ? any_size(d, 128) : below(d, 130);
		a[3] = any_time(d);
		a[4] = one_in(d, 2) ? 0 : below(d, 300);
		break;
	case CALL_notification_create:
		a[0] = below(d, 3);
		break;
	case CALL_notification_signal:
		a[1] = roll(d);
		break;
	case CALL_notification_wait:
		a[1] = roll(d);
		a[2] = any_address(d);
		a[3] = any_time(d);
		break;
	}
}

static bool is_for_good(uint64_t nr)
{
	return nr == CALL_cap_enter || nr == CALL_cap_confine;
}

static void keep(struct dice *d, int64_t handle)
{
	if (handle >= 0)
		atomic_store(&handles[below(d, HANDLES)], handle);
}

static void make_one_call(struct dice *d)
{
	uint64_t nr = FIRST_CALL + below(d, LAST_CALL - FIRST_CALL + 1), a[6];
	int64_t result;

	if (is_for_good(nr))
		return;
	choose(d, nr, a);
	result = enter(nr, a);
	if (nr != CALL_cap_list)
		keep(d, result);
	atomic_fetch_add_explicit(done, 1, memory_order_relaxed);
}

/* --- what happens meanwhile ----------------------------------------------------------------------- */

static void map_one(struct dice *d)
{
	_Atomic uintptr_t *place = &mappings[below(d, MAPPINGS)];
	uintptr_t old;
	void *new = mmap(NULL, 4 * 4096, (int)below(d, 4), one_in(d, 2) ? MAP_SHARED : MAP_PRIVATE,
			 (int)any_handle(d), 0);

	old = atomic_exchange(place, new == MAP_FAILED ? 0 : (uintptr_t) new);
	if (old)
		munmap((void *)old, 4 * 4096);
}

static void poll_some(struct dice *d)
{
	struct pollfd fds[8];

	for (int i = 0; i < 8; i++)
		fds[i] = (struct pollfd){ .fd = (int)any_handle(d), .events = (short)roll(d) };
	poll(fds, 8, (int)below(d, 3));
}

/* A child that gives up what it may, and goes on a little. */
static void confined_child(struct dice *d)
{
	struct confine_rule *rules = (struct confine_rule *)arena;
	struct confinement what = {
		.deny = (uint32_t)roll(d) & CONFINE_ALL,
		.rules = rules,
		.memory = one_in(d, 4) ? any_time(d) : 0,
		.expires_ns = one_in(d, 3) ? any_time(d) : 0,
		.token_guesses = (uint32_t)below(d, 4),
	};

	d->state ^= 0x9e3779b97f4a7c15;
	if (what.deny & CONFINE_NO_PATHS)
		what.rule_count = (uint32_t)below(d, 70);
	for (unsigned i = 0; i < 70; i++)
		rules[i] = (struct confine_rule){ (int32_t)below(d, SLOTS), (uint32_t)roll(d) & 0xffff };
	for (int i = 0; i < 18; i++)
		syscall(CALL_cap_confine, one_in(d, 8) ? any_address(d) : (uint64_t)&what,
			any_size(d, sizeof(what)));
	if (one_in(d, 3))
		syscall(CALL_cap_enter, below(d, 3));
	for (int i = 0; i < 300; i++)
		make_one_call(d);
	_exit(0);
}

static void fork_one(struct dice *d)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(2);
		signal(SIGALRM, SIG_DFL);
		confined_child(d);
	}
	if (pid < 0)
		return;
	atomic_store(&relative, pid);
	if (one_in(d, 3))
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void do_something_else(struct dice *d)
{
	int fd = (int)any_handle(d), pipes[2];

	switch (below(d, 12)) {
	case 0:
		keep(d, dup(fd));
		break;
	case 1:
		dup2(fd, (int)below(d, SLOTS));
		break;
	case 2:
	case 3:
		close(fd);
		break;
	case 4:
		map_one(d);
		break;
	case 5:
		poll_some(d);
		break;
	case 6:
		if (one_in(d, 6))
			fork_one(d);
		break;
	case 7:
		keep(d, syscall(SYS_pidfd_open, one_in(d, 2) ? getpid() : atomic_load(&relative),
				one_in(d, 2) ? 0 : 0200));
		break;
	case 8:
		keep(d, syscall(SYS_pidfd_getfd, fd, below(d, SLOTS), 0));
		break;
	case 9:
		if (pipe2(pipes, O_NONBLOCK) == 0) {
			keep(d, pipes[0]);
			keep(d, pipes[1]);
		}
		break;
	case 10:
		keep(d, open(one_in(d, 2) ? "/dev/ports" : "/tmp", one_in(d, 2) ? O_RDWR : O_RDONLY));
		break;
	default:
		(void)!write(fd, arena, below(d, 5000));
		break;
	}
}

/* --- workers -------------------------------------------------------------------------------------- */

static void *run_thread(void *arg)
{
	struct dice d = { (uint64_t)(uintptr_t)arg };

	for (;;) {
		make_one_call(&d);
		if (one_in(&d, 3))
			do_something_else(&d);
	}
	return NULL;
}

static void work(uint64_t seed)
{
	struct dice d = { seed };

	prepare_worker(NOBODY);
	atomic_store(&relative, getpid());
	run_threads(&d, run_thread);
}

/* --- afterwards ----------------------------------------------------------------------------------- */

static void still_works(void)
{
	char text[] = "hello";
	struct message m = { .data = text, .size = sizeof(text), .capacity = sizeof(text) };
	cap_handle_t port = port_create(NULL), child;

	need(port >= 0);
	child = cap_reduce(port, UINT32_MAX);
	need(child >= 0 && port_send(child, &m, 0) == 0 && port_receive(port, &m, 0) == 0);
	need(cap_revoke(port, CAP_REVOKE_CHILDREN) == 0 && port_send(child, &m, 0) == -EBADF);
}

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 0) : 20, before, workers;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	if (make_counter() < 0)
		return 2;
	run_workers(1, seed, work); /* what the kernel keeps for the next time is not lost */
	before = free_memory();
	workers = run_workers(seconds, seed, work);
	printf("# %llu calls of %llu workers, seed %llu\n", (unsigned long long)*done,
	       (unsigned long long)workers, (unsigned long long)seed);
	tap(*done > 0, "hostile calls have been made, and all who made them could be killed");
	tap(gives_back(before), "their memory is free again");
	tap(passes(still_works), "capabilities and messages work as before");
	return tap_end();
}
