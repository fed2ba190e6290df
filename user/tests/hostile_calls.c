/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every system call number from 0 to 1100 with arguments that no honest program passes.  Each number has
 * a child of its own, which may get errors, die, or hang (then it is killed); afterwards the parent must
 * still be able to work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define LAST_CALL   1100
#define PATIENCE_MS 300

static const uint64_t hostile[] = {
	0,
	8,
	0x00007fffffffffff, /* the last user byte */
	0x00007ffffffff001,
	0x0000800000000000, /* not canonical */
	0xffff7fffffffffff,
	0xffff800000000000, /* direct map */
	0xffff800000100008,
	0xffffffff80200000, /* kernel text */
	0xfffffffffffffff8,
	0xffffffffffffffff,
	0x0000000010000000, /* user, but unmapped */
};
#define NOBODY  65534
#define HOSTILE (sizeof(hostile) / sizeof(hostile[0]))

static long call(long nr, const uint64_t a[6])
{
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];
	long result = nr;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* All arguments alike, then small descriptors and sizes in front of bad pointers. */
static void torment(long nr)
{
	static const uint64_t first[] = { 0, 1, 3, 0xffffffffffffff9c /* AT_FDCWD */ };
	pid_t self = getpid();
	uint64_t a[6];

	for (size_t i = 0; i < HOSTILE * (1 + sizeof(first) / sizeof(first[0])); i++) {
		uint64_t bad = hostile[i % HOSTILE];

		for (int k = 0; k < 6; k++)
			a[k] = bad;
		if (i >= HOSTILE)
			a[0] = first[i / HOSTILE - 1];
		if (i >= HOSTILE && i % 2)
			a[2] = 4096;
		/* A copy of this process has done its part. */
		if (call(nr, a) == 0 && getpid() != self)
			_exit(0);
	}
	_exit(0);
}

static void sleep_ms(int ms)
{
	struct timespec t = { 0, ms * 1000000l };

	nanosleep(&t, NULL);
}

/* True once the child is gone, by itself or killed. */
static bool gone(pid_t pid)
{
	int status, waited = 0;

	while (waited < PATIENCE_MS) {
		if (waitpid(pid, &status, WNOHANG | __WALL) == pid)
			return true;
		sleep_ms(waited < 10 ? 1 : 10);
		waited += waited < 10 ? 1 : 10;
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	return waitpid(pid, &status, __WALL) == pid;
}

/* Small numbers may be pids: of this program, or of the shell that waits for it. */
static bool sends_signals(long nr)
{
	return nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill || nr == SYS_rt_sigqueueinfo ||
	       nr == SYS_rt_tgsigqueueinfo;
}

static bool survives(long nr)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		/* Its terminal is not to be reconfigured under the reader of the report. */
		close(0);
		close(1);
		close(2);
		if (sends_signals(nr) && setuid(NOBODY) < 0)
			_exit(1);
		torment(nr);
	}
	return pid > 0 && gone(pid);
}

int main(void)
{
	int failed = 0;

	signal(SIGCHLD, SIG_DFL);
	for (long nr = 0; nr <= LAST_CALL; nr++) {
		if (!survives(nr)) {
			printf("# call %ld: %d\n", nr, errno);
			failed++;
		}
		/* Copies that a hostile clone left behind. */
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
	}
	tap(failed == 0, "every call number with hostile arguments");
	tap(system("echo alive > /tmp/alive && rm /tmp/alive") == 0, "programs still run");
	return tap_end();
}
