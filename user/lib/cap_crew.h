/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A crew of processes that act on capabilities as they are told, at once on all CPUs.  The controller fills
 * each one's box with the steps of a round; one wake starts all of them, and the last to be through wakes the
 * controller.  What came of each step stays in the box.
 *
 * Boxes lie in memory that all share, for processes of the crew fork and exec in the middle of a round.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <libserix/capability.h>
#include <libserix/process.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cap_model.h"

#define CREW_FD       3       /* the boxes */
#define CREW_BASE     4       /* descriptor of slot 0; those below are everybody's */
#define CREW_STEPS    64      /* of one process, a round */
#define CREW_WAKES    64      /* at once */
#define CREW_PATIENCE 60      /* seconds; on a busy host */
#define CREW_NS       1000000 /* what EXPIRE gives */

/* What exec starts: with --process N it is to call crew_again(N). */
#define CREW_PROGRAM "/usr/lib/serix/tests/cap_model"

enum crew_op {
	CREATE,
	DERIVE,
	GRANT,
	DUP,
	DUP_TO,
	CLOSE,
	READ,
	WRITE,
	STALE,
	LIMIT,
	EXPIRE,
	AWAIT, /* until the slot is free */
	REVOKE,
	FORK,
	EXEC,
	EXIT,
	LIST
};

static inline const char *crew_name(enum crew_op op)
{
	static const char *const names[] = {
		[CREATE] = "create", [DERIVE] = "derive", [GRANT] = "grant",
		[DUP] = "dup",       [DUP_TO] = "dup2",   [CLOSE] = "close",
		[READ] = "a read",   [WRITE] = "a write", [STALE] = "the use of a stale handle",
		[LIMIT] = "limit",   [EXPIRE] = "expire", [AWAIT] = "the end of what has expired",
		[REVOKE] = "revoke", [FORK] = "fork",     [EXEC] = "exec",
		[EXIT] = "exit",     [LIST] = "list",
	};

	return names[op];
}

/* What one process is to do, and what came of it. */
struct crew_step {
	enum crew_op op;
	int slot, to;        /* to: the lowest slot; revoke: how many others may be at work still */
	int other;           /* process */
	uint32_t rights;     /* create: that it is to have */
	bool flag;           /* close-on-exec; revoke: itself, too */
	bool late;           /* it began after this round's revocation had returned */
	cap_handle_t handle; /* a stale one */
	int64_t result;      /* a slot, a number of bytes or of capabilities, 0; a negative errno */
};

struct crew_box {
	_Atomic int pid;
	uint32_t round; /* that its process is at, or has seen */
	int count, next;
	struct crew_step steps[CREW_STEPS];
};

static struct crew {
	_Atomic uint32_t round;   /* counts up; all wait for that */
	_Atomic uint32_t pending; /* processes that are not through with it */
	_Atomic bool revoked;     /* in this round, and the call has returned */
	struct crew_box boxes[MODEL_PROCESSES];
} * crew;

static inline void crew_wait(_Atomic uint32_t *word, uint32_t value, int seconds)
{
	struct timespec t = { seconds, 0 };

	syscall(SYS_futex, word, 0 /* FUTEX_WAIT */, value, seconds ? &t : NULL, NULL, 0);
}

static inline void crew_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, 1 /* FUTEX_WAKE */, CREW_WAKES, NULL, NULL, 0);
}

/* --- steps ---------------------------------------------------------------------------------------------- */

static void crew_work(int me, uint32_t seen) __attribute__((noreturn));

static inline int64_t crew_slot(int64_t handle)
{
	return handle < 0 ? handle : (int64_t)cap_fd(handle) - CREW_BASE;
}

/* The result of a POSIX call. */
static inline int64_t crew_posix(int64_t result)
{
	return result < 0 ? -errno : result;
}

static inline int64_t crew_derive(const struct crew_step *step)
{
	struct cap_derive how = { step->rights, step->flag ? CAP_DERIVE_CLOEXEC : 0, CAP_FOREVER, 0 };
	int64_t handle;
	int pidfd;

	if (step->op == DERIVE)
		return crew_slot(cap_derive(step->slot + CREW_BASE, &how));
	pidfd = pidfd_open(crew->boxes[step->other].pid, 0);
	if (pidfd < 0)
		return pidfd;
	handle = cap_grant(pidfd, step->slot + CREW_BASE, &how);
	close(pidfd);
	return crew_slot(handle);
}

/* The new one waits for the next round. */
static inline int64_t crew_fork(int me, int other)
{
	uint32_t seen = crew->boxes[me].round;
	pid_t pid = fork();

	if (pid == 0)
		crew_work(other, seen);
	if (pid < 0)
		return -errno;
	crew->boxes[other].pid = pid;
	return 0;
}

static inline int64_t crew_exec(int me)
{
	char number[8];

	snprintf(number, sizeof(number), "%d", me);
	execl(CREW_PROGRAM, CREW_PROGRAM, "--process", number, NULL);
	return -errno;
}

static inline int64_t crew_list(void)
{
	struct cap_info info[MODEL_SLOTS + CREW_BASE];
	int n = cap_list(-1, -1, info, MODEL_SLOTS + CREW_BASE);

	return n < 0 ? n : n - CREW_BASE;
}

/* What has expired is in nobody's list any more, but has its slot until the kernel's thread has run. */
static inline int64_t crew_await(int fd)
{
	time_t start = time(NULL);

	while (time(NULL) - start <= CREW_PATIENCE) {
		int copy = fcntl(0, F_DUPFD, fd);

		if (copy >= 0)
			close(copy);
		if (copy == fd)
			return 0;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

/* In the middle of the round, while others come and go. */
static inline int64_t crew_revoke(const struct crew_step *step)
{
	int err;

	while (crew->pending > (uint32_t)step->to + 1)
		sched_yield();
	err = cap_revoke(step->slot + CREW_BASE, step->flag ? 0 : CAP_REVOKE_CHILDREN);
	crew->revoked = true;
	return err;
}

static inline int64_t crew_perform(const struct crew_step *step, int me)
{
	int fd = step->slot + CREW_BASE, flags = step->flag ? O_CLOEXEC : 0;
	struct cap_info info;
	char byte = 0;

	switch (step->op) {
	case EXIT:
		return 0;
	case CREATE:
		return crew_slot(crew_posix(open("/dev/zero", O_RDWR | flags)));
	case DERIVE:
	case GRANT:
		return crew_derive(step);
	case DUP:
		return crew_slot(
			crew_posix(fcntl(fd, step->flag ? F_DUPFD_CLOEXEC : F_DUPFD, step->to + CREW_BASE)));
	case DUP_TO:
		return crew_slot(crew_posix(dup3(fd, step->to + CREW_BASE, flags)));
	case CLOSE:
		return crew_posix(close(fd));
	case READ:
		return crew_posix(read(fd, &byte, 1));
	case WRITE:
		return crew_posix(write(fd, &byte, 1));
	case STALE:
		return cap_query(step->handle, &info);
	case LIMIT:
		return cap_limit(fd, step->rights);
	case EXPIRE:
		return cap_expire(fd, CREW_NS);
	case AWAIT:
		return crew_await(fd);
	case REVOKE:
		return crew_revoke(step);
	case FORK:
		return crew_fork(me, step->other);
	case EXEC:
		return crew_exec(me);
	case LIST:
		return crew_list();
	}
	return -ENOSYS;
}

/* --- a process ------------------------------------------------------------------------------------------ */

static inline void crew_answer(void)
{
	if (atomic_fetch_sub(&crew->pending, 1) == 1)
		crew_wake(&crew->pending);
}

/* What is left to do of this round. */
static inline void crew_go_on(int me)
{
	struct crew_box *box = &crew->boxes[me];
	bool exits = false;

	while (box->next < box->count) {
		struct crew_step *step = &box->steps[box->next++];

		exits |= step->op == EXIT;
		step->late = crew->revoked;
		step->result = crew_perform(step, me);
	}
	crew_answer();
	if (exits)
		_exit(0);
}

static void crew_work(int me, uint32_t seen)
{
	for (;;) {
		uint32_t round;

		while ((round = crew->round) == seen)
			crew_wait(&crew->round, seen, 0);
		seen = crew->boxes[me].round = round;
		crew_go_on(me);
	}
}

/* Behind exec: that step is over. */
static inline void crew_again(int me)
{
	struct crew_box *box;

	crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_SHARED, CREW_FD, 0);
	if (crew == MAP_FAILED)
		_exit(1);
	box = &crew->boxes[me];
	box->steps[box->next - 1].result = 0;
	crew_go_on(me);
	crew_work(me, box->round);
}

/* --- the controller's side ------------------------------------------------------------------------------ */

/* The boxes, and the first process; its table has as many slots as the model's. */
static inline int crew_start(void)
{
	struct rlimit limit = { MODEL_SLOTS + CREW_BASE, MODEL_SLOTS + CREW_BASE };
	int fd = memfd_create("crew", 0);
	pid_t pid;

	if (fd != CREW_FD || ftruncate(fd, sizeof(*crew)) < 0)
		return -1;
	crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (crew == MAP_FAILED)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			_exit(1);
		crew_work(0, 0);
	}
	crew->boxes[0].pid = pid;
	return pid < 0 ? -1 : 0;
}

/* One round of all `count` processes that there are.  How many have not answered in the end. */
static inline uint32_t crew_run(uint32_t count)
{
	time_t start = time(NULL);
	uint32_t left;

	crew->revoked = false;
	crew->pending = count;
	crew->round++;
	crew_wake(&crew->round);
	while ((left = crew->pending) != 0 && time(NULL) - start <= 2 * CREW_PATIENCE)
		crew_wait(&crew->pending, left, 1);
	return left;
}
