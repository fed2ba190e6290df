/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's capabilities by the user, what prctl says of them, and memory between processes. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "child.h"
#include "tap.h"

#define FAILS(call, e) ((call) == -1 && errno == (e))
#define VERSION_3      0x20080522u
#define FULL           0x1ffffffffffull

struct header {
	uint32_t version;
	int pid;
};

struct data {
	uint32_t effective, permitted, inheritable;
};

static uint64_t permitted(void)
{
	struct header header = { VERSION_3, 0 };
	struct data data[2] = { 0 };

	need(syscall(SYS_capget, &header, data) == 0);
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
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
	tap(passes(by_user), "the superuser has all, others none");
	tap(passes(headers), "capget's versions and refusals");
	tap(passes(set_what_is), "capset sets what is so already");
	tap(passes(by_prctl), "what prctl says of capabilities");
	tap(passes(between_processes), "process_vm_readv and writev, for who may look");
	return tap_end();
}
