/* SPDX-License-Identifier: BSD-2-Clause */
/* Monitors of page faults as capabilities: rights, revocation, and that none keeps a revoker waiting. */
#include "cap_files.h"

#include <pthread.h>
#include <sys/mman.h>

#include "monitor.h"

#define PAGE 4096ul

static char *missing(int fd)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	monitor_register(fd, p, 4 * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	return p;
}

static void *touch(void *p)
{
	return (void *)(intptr_t)(*(volatile char *)p + 1);
}

static pthread_t start(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, body, arg) == 0);
	return thread;
}

static intptr_t end_of(pthread_t thread)
{
	void *result;

	need(pthread_join(thread, &result) == 0);
	return (intptr_t)result;
}

static void hearing_and_resolving_are_two_rights(void)
{
	int fd = monitor_new(0), hears = with_rights(fd, FILE_RIGHT_READ);
	int resolves = with_rights(fd, FILE_RIGHT_IOCTL);
	char *p = missing(fd);
	struct abi_uffd_msg msg;
	pthread_t thread = start(touch, p);

	need(outcome(read(resolves, &msg, sizeof(msg))) == -EBADF);
	(void)monitor_next(hears);
	need(monitor_zero(hears, p, PAGE, 0) == -EPERM);
	need(monitor_zero(resolves, p, PAGE, 0) == (int64_t)PAGE && end_of(thread) == 1);
}

static void revoked_it_resolves_nothing_more(void)
{
	int fd = monitor_new(0);
	char *p = missing(fd);
	pthread_t thread = start(touch, p);

	(void)monitor_next(fd);
	need(cap_revoke(cap_handle(fd), 0) == 0);
	need(end_of(thread) == 1 && p[PAGE] == 0);
	need(monitor_zero(fd, p + 2 * PAGE, PAGE, 0) == -EBADF);
}

static int copy_from;

static void *read_byte(void *p)
{
	return (void *)(intptr_t)outcome(read(copy_from, p, 1));
}

static void no_revoker_waits_for_a_monitor(void)
{
	int fd = monitor_new(0), fds[2];
	char *p = missing(fd);
	cap_handle_t victim;
	pthread_t thread;

	need(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
	victim = cap_reduce(fds[0], ALL_RIGHTS);
	copy_from = cap_fd(victim);
	thread = start(read_byte, p);
	(void)monitor_next(fd);
	need(cap_revoke(victim, 0) == 0);
	need(end_of(thread) == -EFAULT);
}

int main(void)
{
	tap(passes(hearing_and_resolving_are_two_rights), "READ hears of faults, IOCTL resolves them");
	tap(passes(revoked_it_resolves_nothing_more), "a revoked monitor lets everybody go on");
	tap(passes(no_revoker_waits_for_a_monitor), "a copy that waits for a page ends for a revocation");
	return tap_end();
}
