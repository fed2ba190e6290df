/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles: a full one names its capability and nothing else for ever; a plain descriptor whatever is there.
 * Lists. */
#include "cap_files.h"

#include <libserix/process.h>
#include <sys/resource.h>

static void lower_half_is_the_descriptor(void)
{
	int fd = file();
	cap_handle_t handle = cap_handle(fd);

	need(handle > 0 && cap_fd(handle) == fd && handle >> 32 > 0);
	need(cap_rights(handle) == cap_rights(fd));
}

/* The slot is in use again, by something else: the old handle is refused by every call that takes one. */
static void refused_by_all(cap_handle_t stale)
{
	struct cap_derive how = { .rights = ALL_RIGHTS, .expires_ns = CAP_FOREVER };
	struct cap_info info;
	struct process_info process;
	int self = pidfd_open(getpid(), 0);

	need(cap_query(stale, &info) == -EBADF);
	need(cap_derive(stale, &how) == -EBADF);
	need(cap_limit(stale, 0) == -EBADF);
	need(cap_expire(stale, 0) == -EBADF);
	need(cap_revoke(stale, 0) == -EBADF);
	need(cap_revoke(stale, CAP_REVOKE_CHILDREN) == -EBADF);
	need(cap_grant(self, stale, &how) == -EBADF && close(self) == 0);
	need(process_info(stale, &process) == -EBADF);
}

static void stale_after_close(void)
{
	int fd = file();
	cap_handle_t stale = cap_handle(fd);

	close(fd);
	refused_by_all(stale);
	need(open("file", O_RDONLY) == fd);
	refused_by_all(stale);
	need(cap_rights(fd) >= 0);
	need(cap_handle(fd) != stale);
}

static void stale_after_dup2(void)
{
	int fd = file(), other = open("file", O_RDONLY);
	cap_handle_t stale = cap_handle(fd);

	need(dup2(other, fd) == fd);
	refused_by_all(stale);
	need(cap_rights(fd) == cap_rights(other));
}

static void stale_after_close_range(void)
{
	int fd = file();
	cap_handle_t stale = cap_handle(fd);

	need(syscall(SYS_close_range, fd, fd, 0) == 0);
	refused_by_all(stale);
}

static void stale_after_revoke(void)
{
	int fd = file();
	cap_handle_t stale = cap_handle(fd);

	need(cap_revoke(stale, 0) == 0);
	refused_by_all(stale);
	need(open("file", O_RDONLY) == fd);
	refused_by_all(stale);
}

static void stale_process(void)
{
	int fd = pidfd_open(getpid(), 0);
	cap_handle_t stale = cap_handle(fd);
	struct process_info info;

	need(process_info(stale, &info) == 0);
	close(fd);
	need(pidfd_open(getpid(), 0) == fd);
	need(process_info(stale, &info) == -EBADF && process_info(fd, &info) == 0);
}

static void never_the_same_twice(void)
{
	enum { ROUNDS = 5000 };
	cap_handle_t last = 0;
	int fd = file(), copy;

	for (int i = 0; i < ROUNDS; i++) {
		cap_handle_t handle;

		copy = dup(fd);
		handle = cap_handle(copy);
		need(handle > 0 && handle != last && cap_fd(handle) == copy);
		need(last == 0 || cap_rights(last) == -EBADF);
		last = handle;
		close(copy);
	}
}

static void forged(void)
{
	int fd = file();
	cap_handle_t handle = cap_handle(fd);

	for (int bit = 32; bit < 63; bit++)
		need((handle ^ (1ll << bit)) >> 32 == 0 || cap_rights(handle ^ (1ll << bit)) == -EBADF);
	need(cap_rights(INT64_MIN) == -EBADF && cap_rights(-1) == -EBADF && cap_rights(INT64_MAX) == -EBADF);
	need(cap_rights(0x7fffffff) == -EBADF && cap_rights(0xffffffffll) == -EBADF);
	for (int i = 0; i < 10000; i++)
		need(cap_rights((cap_handle_t)i << 32 | 900) == -EBADF);
}

static void empty_slots(void)
{
	need(cap_rights(500) == -EBADF && cap_handle(500) == -EBADF && cap_handle(-1) == -EBADF);
	need(cap_limit(500, 0) == -EBADF && cap_revoke(500, 0) == -EBADF && cap_expire(500, 1) == -EBADF);
}

/* --- lists --- */

static void close_all_but_three(void)
{
	need(syscall(SYS_close_range, 3, ~0u, 0) == 0);
}

static void list_shows_all(void)
{
	struct cap_info infos[16], one;
	int n, fd;

	close_all_but_three();
	fd = file();
	need(dup2(fd, 100) == 100 && cap_fd(cap_reduce(fd, FILE_RIGHT_READ)) == 4);
	n = cap_list(-1, -1, infos, 16);
	need(n == 6);
	for (int i = 0; i < n; i++) {
		need(i == 0 || cap_fd(infos[i].handle) > cap_fd(infos[i - 1].handle));
		need(cap_query(infos[i].handle, &one) == 0 && one.tag == infos[i].tag &&
		     one.object == infos[i].object && one.rights == infos[i].rights);
	}
	need(cap_fd(infos[5].handle) == 100 && infos[5].object == infos[3].object);
	need(infos[4].rights == FILE_RIGHT_READ && infos[4].parent_tag == infos[3].tag);
}

static void list_in_pieces(void)
{
	struct cap_info whole[64], one;
	cap_handle_t after = -1;
	int fd, n;

	close_all_but_three();
	fd = file();
	for (int i = 0; i < 40; i++)
		need(dup(fd) >= 0);
	n = cap_list(-1, -1, whole, 64);
	need(n == 44);
	for (int i = 0; i < n; i++) {
		need(cap_list(-1, after, &one, 1) == 1 && one.handle == whole[i].handle);
		after = one.handle;
	}
	need(cap_list(-1, after, &one, 1) == 0);
}

static void list_goes_on_behind_a_gap(void)
{
	struct cap_info infos[8];
	cap_handle_t middle;
	int fd = file();

	need(dup2(fd, 50) == 50 && dup2(fd, 60) == 60);
	middle = cap_handle(50);
	close(50);
	need(cap_list(-1, middle, infos, 8) == 1 && cap_fd(infos[0].handle) == 60);
}

static void list_arguments(void)
{
	struct cap_info info;

	need(cap_list(-1, -1, &info, 0) == 0);
	need(cap_list(-1, -1, (void *)8, 1) == -EFAULT);
	need(syscall(1031, -1, -1l, &info, 1, sizeof(info) - 1) == -1 && errno == EINVAL);
	need(cap_list(999, -1, &info, 1) == -EBADF);
	need(cap_list(STDOUT_FILENO, -1, &info, 1) == -EBADF);
}

static void list_of_another_process(void)
{
	struct cap_info mine[32], its[32];
	int fd = file(), n, m, pidfd;
	pid_t pid = sleeper();

	n = cap_list(-1, -1, mine, 32);
	pidfd = pidfd_open(pid, 0);
	m = cap_list(pidfd, -1, its, 32);
	need(n == m && n > fd);
	for (int i = 0; i < n; i++) {
		need(mine[i].object == its[i].object && mine[i].tag != its[i].tag);
		need(cap_fd(mine[i].handle) == cap_fd(its[i].handle));
		need(its[i].parent_tag == mine[i].tag);
	}
	kill(pid, SIGKILL);
	need(waitpid(pid, NULL, 0) == pid);
	need(cap_list(pidfd, -1, its, 32) == -ESRCH);
}

static void list_needs_inspect(void)
{
	struct cap_info info;
	pid_t pid = sleeper();
	int pidfd = pidfd_open(pid, 0);

	need(cap_list(with_rights(pidfd, ALL_RIGHTS & ~PROCESS_RIGHT_INSPECT), -1, &info, 1) == -EPERM);
	need(cap_list(with_rights(pidfd, PROCESS_RIGHT_INSPECT), -1, &info, 1) == 1);
	kill(pid, SIGKILL);
}

static void list_of_a_strangers_process(void)
{
	struct cap_info info;
	pid_t pid = sleeper();

	need(setgid(1234) == 0 && setuid(1234) == 0);
	need(cap_list(pidfd_open(pid, 0), -1, &info, 1) == -EPERM);
}

static void tags_are_unique(void)
{
	static struct cap_info infos[300];
	int fd = file(), n;

	for (int i = 0; i < 250; i++)
		need(dup(fd) >= 0);
	n = cap_list(-1, -1, infos, 300);
	need(n > 250);
	for (int i = 0; i < n; i++) {
		need(infos[i].tag != 0);
		for (int k = 0; k < i; k++)
			need(infos[i].tag != infos[k].tag);
	}
}

int main(void)
{
	tap(passes(lower_half_is_the_descriptor), "a handle is a descriptor and a generation");
	tap(passes(stale_after_close), "after close the handle is refused, also when the slot is used again");
	tap(passes(stale_after_dup2), "after dup2 over it");
	tap(passes(stale_after_close_range), "after close_range");
	tap(passes(stale_after_revoke), "after its revocation");
	tap(passes(stale_process), "a process's");
	tap(passes(never_the_same_twice), "5,000 uses of a slot: no handle comes twice");
	tap(passes(forged), "made-up handles are refused");
	tap(passes(empty_slots), "empty slots");
	tap(passes(list_shows_all), "cap_list shows every slot in order");
	tap(passes(list_in_pieces), "cap_list one by one");
	tap(passes(list_goes_on_behind_a_gap), "cap_list goes on behind one that is gone");
	tap(passes(list_arguments), "cap_list: bad arguments");
	tap(passes(list_of_another_process), "cap_list of another process");
	tap(passes(list_needs_inspect), "cap_list of another process needs INSPECT");
	tap(passes(list_of_a_strangers_process), "cap_list of another user's process is refused");
	tap(passes(tags_are_unique), "tags tell all capabilities apart");
	return tap_end();
}
