/* SPDX-License-Identifier: BSD-2-Clause */
/* User and group ids, limits, priorities, names of the machine.  Run as root to see all of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

static void *volatile unmapped = (void *)8;

static bool uids(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;

	return syscall(SYS_getresuid, &a, &b, &c) == 0 && a == r && b == e && c == s && getuid() == r &&
	       geteuid() == e;
}

static bool gids(gid_t r, gid_t e, gid_t s)
{
	gid_t a, b, c;

	return syscall(SYS_getresgid, &a, &b, &c) == 0 && a == r && b == e && c == s && getgid() == r &&
	       getegid() == e;
}

/* The raw calls: the C library's do more. */
static void give_up_root(void)
{
	need(syscall(SYS_setresuid, 10, 20, 30) == 0 && uids(10, 20, 30));
	need(syscall(SYS_setresuid, -1, 10, -1) == 0 && uids(10, 10, 30));
	need(syscall(SYS_setresuid, 40, -1, -1) == -1 && errno == EPERM && uids(10, 10, 30));
	need(syscall(SYS_setresuid, 30, 30, 10) == 0 && uids(30, 30, 10));
}

static void setuid_forms(void)
{
	need(syscall(SYS_setuid, 50) == 0 && uids(50, 50, 50));
	need(syscall(SYS_setuid, 0) == -1 && errno == EPERM);
	need(syscall(SYS_setuid, 50) == 0);
}

static void seteuid_and_back(void)
{
	need(syscall(SYS_setresuid, -1, 60, -1) == 0 && uids(0, 60, 0));
	need(syscall(SYS_setuid, 0) == 0 && uids(0, 0, 0));
	need(syscall(SYS_setreuid, 70, 80) == 0 && uids(70, 80, 80));
	need(syscall(SYS_setreuid, -1, 70) == 0 && uids(70, 70, 80));
	need(syscall(SYS_setreuid, 99, -1) == -1 && errno == EPERM);
	need(syscall(SYS_setreuid, -1, 80) == 0 && uids(70, 80, 80));
}

static void group_ids(void)
{
	need(syscall(SYS_setresgid, 10, 20, 30) == 0 && gids(10, 20, 30));
	need(syscall(SYS_setregid, 1, 2) == 0 && gids(1, 2, 2));
	need(syscall(SYS_setgid, 5) == 0 && gids(5, 5, 5));
	need(syscall(SYS_setresuid, 9, 9, 9) == 0);
	need(syscall(SYS_setgid, 6) == -1 && errno == EPERM && gids(5, 5, 5));
	need(syscall(SYS_setgid, 5) == 0);
}

static void supplementary_groups(void)
{
	gid_t groups[3] = { 7, 8, 9 }, now[32];

	need(syscall(SYS_setgroups, 3, groups) == 0);
	need(getgroups(0, NULL) == 3 && getgroups(32, now) == 3 && memcmp(groups, now, sizeof(groups)) == 0);
	need(getgroups(2, now) == -1 && errno == EINVAL);
	need(syscall(SYS_setgroups, 70000, groups) == -1 && errno == EINVAL);
	need(syscall(SYS_setgroups, 3, unmapped) == -1 && errno == EFAULT);
	need(syscall(SYS_setresuid, 9, 9, 9) == 0);
	need(syscall(SYS_setgroups, 3, groups) == -1 && errno == EPERM);
}

static void fs_ids(void)
{
	need(setfsuid(77) == 0 && setfsuid((uid_t)-1) == 77);
	need(setfsgid(78) == 0 && setfsgid((gid_t)-1) == 78);
}

static void limits(void)
{
	struct rlimit now, set, old;

	need(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur <= now.rlim_max);
	set = (struct rlimit){ 20, now.rlim_max };
	need(prlimit(0, RLIMIT_NOFILE, &set, &old) == 0 && old.rlim_cur == now.rlim_cur);
	need(fcntl(0, F_DUPFD, 19) == 19);
	need(fcntl(0, F_DUPFD, 20) == -1 && errno == EINVAL);
	need(dup2(0, 20) == -1 && errno == EBADF);
	for (int i = 0; i < 30; i++)
		if (dup(0) < 0)
			break;
	need(dup(0) == -1 && errno == EMFILE);
	set = (struct rlimit){ 30, 20 };
	need(setrlimit(RLIMIT_NOFILE, &set) == -1 && errno == EINVAL);
	need(getrlimit(99, &now) == -1 && errno == EINVAL);
	set = (struct rlimit){ 10, 10 };
	need(setrlimit(RLIMIT_NOFILE, &set) == 0);
	if (geteuid() == 0)
		need(syscall(SYS_setresuid, 9, 9, 9) == 0);
	set.rlim_max = 11;
	need(setrlimit(RLIMIT_NOFILE, &set) == -1 && errno == EPERM);
}

static void process_limit(void)
{
	struct rlimit set = { 3, 3 };

	if (geteuid() != 0)
		return;
	need(syscall(SYS_setresuid, 23456, 23456, 23456) == 0 && setrlimit(RLIMIT_NPROC, &set) == 0);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		need(pid >= 0);
		if (pid == 0) {
			usleep(100000);
			_exit(0);
		}
	}
	need(fork() == -1 && errno == EAGAIN);
	wait(NULL);
	wait(NULL);
	pid_t pid = fork();
	need(pid >= 0);
	if (pid == 0)
		_exit(0);
	wait(NULL);
}

static void limits_are_inherited(void)
{
	struct rlimit set = { 123, 1000 }, now;
	int status;
	pid_t pid;

	need(setrlimit(RLIMIT_NOFILE, &set) == 0);
	pid = fork();
	if (pid == 0)
		_exit(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 123 ? 0 : 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void priorities(void)
{
	need(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 20);
	need(setpriority(PRIO_PROCESS, 0, 5) == 0 && getpriority(PRIO_PROCESS, 0) == 5);
	need(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
	need(syscall(SYS_getpriority, PRIO_PROCESS, 32766) == -1 && errno == ESRCH);
	need(syscall(SYS_getpriority, 9, 0) == -1 && errno == EINVAL);
	if (geteuid() == 0)
		need(syscall(SYS_setresuid, 9, 9, 9) == 0);
	need(setpriority(PRIO_PROCESS, 0, 3) == -1 && errno == EACCES);
}

static int set_os_type(const char *name)
{
	int fd = open("/proc/sys/kernel/ostype", O_WRONLY), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, name, strlen(name)) < 0)
		err = errno;
	close(fd);
	return err;
}

static bool system_is(const char *name)
{
	struct utsname u;

	return uname(&u) == 0 && strcmp(u.sysname, name) == 0;
}

/* For programs that know Linux alone root may give the system another name, which Linux does not let. */
static void system_name(void)
{
	struct utsname was;

	need(uname(&was) == 0);
	if (strcmp(was.sysname, "Linux") == 0)
		return;
	need(set_os_type("Linux\n") == 0 && system_is("Linux"));
	need(set_os_type("\n") == EINVAL && system_is("Linux"));
	need(set_os_type(was.sysname) == 0 && system_is(was.sysname));
	need(syscall(SYS_setresuid, 9, 9, 9) == 0 && set_os_type("Linux\n") == EACCES &&
	     system_is(was.sysname));
}

static void machine_name(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	need(uname(&u) == 0 && strcmp(u.machine, "x86_64") == 0 && u.nodename[0] && u.version[0] &&
	     u.sysname[0]);
	need(sscanf(u.release, "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 1)));
	need(syscall(SYS_uname, unmapped) == -1 && errno == EFAULT);
	if (geteuid() == 0)
		need(syscall(SYS_setresuid, 9, 9, 9) == 0);
	need(sethostname("x", 1) == -1 && errno == EPERM);
	need(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0) == -1 && errno == EPERM);
}

static void memory_and_load(void)
{
	struct sysinfo s;

	need(sysinfo(&s) == 0 && s.mem_unit >= 1 && s.totalram > 0 && s.freeram <= s.totalram &&
	     s.procs >= 1);
}

static void randomness(void)
{
	uint64_t a[64] = { 0 }, b[64] = { 0 };

	need(getrandom(a, sizeof(a), 0) == sizeof(a) && getrandom(b, sizeof(b), GRND_NONBLOCK) == sizeof(b));
	need(memcmp(a, b, sizeof(a)) != 0);
	need(getrandom(a, 0, 0) == 0);
	need(getrandom(a, 8, 0x100) == -1 && errno == EINVAL);
	need(syscall(SYS_getrandom, unmapped, 8, 0) == -1 && errno == EFAULT);
}

static void wrong_magic(void)
{
	if (geteuid() != 0)
		return;
	need(syscall(SYS_reboot, 1, 2, 0x01234567, 0) == -1 && errno == EINVAL);
	need(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x77777777, 0) == -1 && errno == EINVAL);
}

int main(void)
{
	if (geteuid() == 0) {
		tap(passes(give_up_root), "setresuid");
		tap(passes(setuid_forms), "setuid of root is for good");
		tap(passes(seteuid_and_back), "setreuid");
		tap(passes(group_ids), "group ids");
		tap(passes(supplementary_groups), "supplementary groups");
		tap(passes(fs_ids), "setfsuid and setfsgid answer the old id");
		tap(passes(system_name), "root may name the system");
	}
	tap(passes(limits), "limits are checked and enforced");
	tap(passes(process_limit), "RLIMIT_NPROC");
	tap(passes(limits_are_inherited), "a child inherits limits");
	tap(passes(priorities), "nice values");
	tap(passes(machine_name), "uname, and what only root may do");
	tap(passes(memory_and_load), "sysinfo");
	tap(passes(randomness), "getrandom");
	tap(passes(wrong_magic), "reboot wants its magic numbers");
	return tap_end();
}
