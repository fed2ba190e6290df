/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's capabilities, where they are shown, and memory between processes.  The same on Linux; call by call
 * they are in tests/calls/privileges.c and privileged.c. */
#define _GNU_SOURCE
#include "linuxcap.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tap.h"

static uint64_t permitted(void)
{
	return caps_of(0).permitted;
}

static void by_user(void)
{
	need(permitted() == FULL);
	need(setgid(1000) == 0 && setuid(1000) == 0);
	need(permitted() == 0);
}

static void headers(void)
{
	struct header header = { 0, 0 };
	struct data data[2] = { 0 };

	need(syscall(SYS_capget, &header, NULL) == 0 && header.version == VERSION_3);
	header.version = 1;
	need(FAILS(syscall(SYS_capget, &header, data), EINVAL));
	header.pid = -1;
	need(FAILS(syscall(SYS_capget, &header, data), EINVAL));
	header.pid = 4000000;
	need(FAILS(syscall(SYS_capget, &header, data), ESRCH));
	need(FAILS(syscall(SYS_capget, 8, data), EFAULT));
}

static void set_what_is(void)
{
	struct header header = { VERSION_3, 0 };
	struct data data[2] = { 0 };

	need(syscall(SYS_capget, &header, data) == 0 && syscall(SYS_capset, &header, data) == 0);
	need(setgid(1000) == 0 && setuid(1000) == 0);
	need(FAILS(syscall(SYS_capset, &header, data), EPERM));
	memset(data, 0, sizeof(data));
	need(syscall(SYS_capset, &header, data) == 0);
}

/* The value of a line of /proc/self/status. */
static uint64_t line_of_status(const char *name)
{
	static char text[8192];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);
	const char *line;

	close(fd);
	need(len > 0);
	text[len] = '\0';
	line = strstr(text, name);
	need(line != NULL);
	return strtoull(line + strlen(name), NULL, 16);
}

static void shown(void)
{
	char last[16] = "";
	int fd = open("/proc/sys/kernel/cap_last_cap", O_RDONLY);

	need(read(fd, last, sizeof(last) - 1) == 3 && strcmp(last, "40\n") == 0);
	need(caps_set(BIT(CAP_KILL) | BIT(CAP_SETPCAP), FULL, BIT(CAP_CHOWN)) == 0);
	need(prctl(PR_CAPBSET_DROP, 40, 0, 0, 0) == 0);
	need(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == 0);
	need(line_of_status("CapInh:") == BIT(CAP_CHOWN) && line_of_status("CapPrm:") == FULL);
	need(line_of_status("CapEff:") == (BIT(CAP_KILL) | BIT(CAP_SETPCAP)));
	need(line_of_status("CapBnd:") == (FULL & ~BIT(40)) && line_of_status("CapAmb:") == BIT(CAP_CHOWN));
}

/* What was dropped is gone, what was kept works, and what is not in effect can be taken up again. */
static void in_part(void)
{
	pid_t pid = sleeper();

	need(prctl(PR_SET_KEEPCAPS, 1) == 0 && setgid(1000) == 0 && setuid(1000) == 0);
	need(FAILS(kill(pid, 0), EPERM));
	need(caps_set(BIT(CAP_KILL), BIT(CAP_KILL) | BIT(CAP_SYS_ADMIN), 0) == 0);
	need(kill(pid, 0) == 0);
	need(FAILS(sethostname("x", 1), EPERM) && FAILS(chown("/etc", 0, 0), EPERM));
	need(caps_of(0).effective == BIT(CAP_KILL));
	need(caps_set(BIT(CAP_SYS_ADMIN), BIT(CAP_SYS_ADMIN), 0) == 0);
	need(FAILS(kill(pid, 0), EPERM));
	need(FAILS(caps_set(0, BIT(CAP_KILL), 0), EPERM));
	need(caps_set(0, 0, 0) == 0 && permitted() == 0);
}

static void by_prctl(void)
{
	need(prctl(PR_CAPBSET_READ, 0) == 1 && prctl(PR_CAPBSET_READ, 40) == 1);
	need(FAILS(prctl(PR_CAPBSET_READ, 41), EINVAL));
	need(prctl(PR_GET_KEEPCAPS, 0) == 0 && prctl(PR_GET_SECUREBITS) == 0 && prctl(PR_GET_SECCOMP) == 0);
	need(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 3, 0, 0) == 0);
	need(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0);
	need(FAILS(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0), EINVAL));
	need(FAILS(prctl(4711, 0), EINVAL));
}

static void between_processes(void)
{
	static char secret[20000], here[20000];
	struct iovec local[2] = { { here, 5000 }, { here + 5000, 15000 } },
		     remote = { secret, sizeof(secret) };
	pid_t pid;

	memset(secret, 's', sizeof(secret));
	pid = sleeper();
	memset(secret, 0, sizeof(secret));
	need(process_vm_readv(pid, local, 2, &remote, 1, 0) == sizeof(secret));
	need(here[0] == 's' && here[5000] == 's' && here[19999] == 's');
	memset(here, 'w', sizeof(here));
	need(process_vm_writev(pid, local, 2, &remote, 1, 0) == sizeof(secret));
	memset(here, 0, sizeof(here));
	need(process_vm_readv(pid, local, 2, &remote, 1, 0) == sizeof(secret) && here[9999] == 'w');
	need(FAILS(process_vm_readv(pid, local, 2, &remote, 1, 1), EINVAL));
	need(FAILS(process_vm_readv(4000000, local, 2, &remote, 1, 0), ESRCH));
	remote.iov_base = (void *)8;
	need(FAILS(process_vm_readv(pid, local, 2, &remote, 1, 0), EFAULT));
	remote.iov_base = secret;
	need(FAILS(process_vm_readv(pid, local, 2000, &remote, 1, 0), EINVAL));
	need(setgid(1000) == 0 && setuid(1000) == 0);
	need(FAILS(process_vm_readv(pid, local, 2, &remote, 1, 0), EPERM));
}

int main(void)
{
	tap(passes(by_user), "user 0 has all, others none");
	tap(passes(in_part), "what is dropped is gone, what is kept works");
	tap(passes(shown), "/proc shows all five sets and the last number");
	tap(passes(headers), "capget's versions and refusals");
	tap(passes(set_what_is), "capset sets what is so already");
	tap(passes(by_prctl), "what prctl says of capabilities");
	tap(passes(between_processes), "process_vm_readv and writev, for who may look");
	return tap_end();
}
