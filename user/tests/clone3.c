/* SPDX-License-Identifier: BSD-2-Clause */
/* clone3(2): sizes of its structure, what is refused, CLONE_CLEAR_SIGHAND; and small questions of prctl(2).
 * */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include "child.h"
#include "tap.h"

#define SYS_CLONE3    435
#define CLEAR_SIGHAND 0x100000000ull
#define INTO_CGROUP   0x200000000ull
#define SIGHAND       0x800ull
#define VM            0x100ull
#define DETACHED      0x400000ull

struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size;
	uint64_t cgroup, more[8];
};

static long clone3(struct args *args, size_t size)
{
	long result = syscall(SYS_CLONE3, args, size);

	return result < 0 ? -errno : result;
}

static int child_status(struct args *args, size_t size, int (*body)(void))
{
	long pid = clone3(args, size);
	int status;

	if (pid == 0)
		_exit(body());
	need(pid > 0 && waitpid((pid_t)pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int seven(void)
{
	return 7;
}

static void sizes(void)
{
	struct args args = { .exit_signal = SIGCHLD };

	need(child_status(&args, 64, seven) == 7 && child_status(&args, 80, seven) == 7);
	need(child_status(&args, 88, seven) == 7 && child_status(&args, sizeof(args), seven) == 7);
	need(clone3(&args, 63) == -EINVAL && clone3(&args, 4097) == -E2BIG);
	args.more[7] = 1;
	need(clone3(&args, sizeof(args)) == -E2BIG);
	need(clone3((void *)8, 88) == -EFAULT);
}

static void refused(void)
{
	struct args args = { .exit_signal = SIGCHLD, .set_tid_size = 1 };

	need(clone3(&args, 88) == -EINVAL);
	args = (struct args){ .exit_signal = SIGCHLD, .set_tid = 4096 };
	need(clone3(&args, 88) == -EINVAL);
	args = (struct args){ .exit_signal = 0x100 };
	need(clone3(&args, 88) == -EINVAL);
	args = (struct args){ .flags = CLEAR_SIGHAND | SIGHAND | VM, .exit_signal = SIGCHLD };
	need(clone3(&args, 88) == -EINVAL);
	args = (struct args){ .flags = DETACHED, .exit_signal = SIGCHLD };
	need(clone3(&args, 88) == -EINVAL);
	args = (struct args){ .flags = 1ull << 60, .exit_signal = SIGCHLD };
	need(clone3(&args, 88) == -EINVAL);
	args = (struct args){ .exit_signal = SIGCHLD, .stack = 4096 };
	need(clone3(&args, 88) == -EINVAL);
}

static void handler(int signo)
{
	(void)signo;
}

static int handlers_left(void)
{
	struct sigaction a, b;

	sigaction(SIGUSR1, NULL, &a);
	sigaction(SIGUSR2, NULL, &b);
	return (a.sa_handler != SIG_DFL) + 2 * (b.sa_handler != SIG_IGN);
}

static void clears_handlers(void)
{
	struct args args = { .flags = CLEAR_SIGHAND, .exit_signal = SIGCHLD };

	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	need(child_status(&args, 88, handlers_left) == 0);
	args.flags = 0;
	need(child_status(&args, 88, handlers_left) == 1);
}

static void questions(void)
{
	need(prctl(PR_CAPBSET_READ, 0, 0, 0, 0) >= 0 && prctl(PR_CAPBSET_READ, 40, 0, 0, 0) >= 0);
	need(prctl(PR_CAPBSET_READ, 64, 0, 0, 0) < 0 && errno == EINVAL);
	need(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0 && prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == 0);
	need(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0, 0, 0) == 0);
	need(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0);
	need(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0) < 0 && errno == EINVAL);
	need(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
	need(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0) < 0 && errno == EINVAL);
}

int main(void)
{
	tap(passes(sizes), "the three sizes of the structure, larger ones with zeros behind");
	tap(passes(refused), "what makes no sense together");
	tap(passes(clears_handlers), "CLONE_CLEAR_SIGHAND: handlers go, ignored signals stay ignored");
	tap(passes(questions), "prctl: what is not there is off");
	return tap_end();
}
