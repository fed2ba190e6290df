/* SPDX-License-Identifier: BSD-2-Clause */
/* User and group ids, and what follows from them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

#include "calls.h"

/* The kernel's calls: a C library's apply to all threads. */
static long set2(long call, int a, int b)
{
	return syscall(call, a, b);
}

static void show_users(void)
{
	uid_t r, e, s;

	getresuid(&r, &e, &s);
	VALUE(r);
	VALUE(e);
	VALUE(s);
}

static void show_groups(void)
{
	gid_t r, e, s;

	getresgid(&r, &e, &s);
	VALUE(r);
	VALUE(e);
	VALUE(s);
}

static void root_sets_user(void)
{
	RESULT(syscall(SYS_setuid, 5));
	show_users();
	RESULT(syscall(SYS_setuid, 0));
	RESULT(syscall(SYS_setuid, 5));
	RESULT(syscall(SYS_setuid, -1));
}

static void effective_and_back(void)
{
	RESULT(syscall(SYS_setresuid, -1, 5, -1));
	show_users();
	RESULT(syscall(SYS_setresuid, 7, -1, -1));
	RESULT(syscall(SYS_setuid, 7));
	RESULT(syscall(SYS_setuid, 0));
	show_users();
	RESULT(syscall(SYS_setresuid, 1, 2, 3));
	show_users();
	RESULT(syscall(SYS_setresuid, 3, 1, 2));
	RESULT(syscall(SYS_setresuid, 4, -1, -1));
}

static void both_users(void)
{
	RESULT(set2(SYS_setreuid, 5, 6));
	show_users();
	RESULT(set2(SYS_setreuid, 6, 5));
	show_users();
	RESULT(set2(SYS_setreuid, 9, -1));
	RESULT(set2(SYS_setreuid, -1, 9));
}

static void groups_of_root(void)
{
	RESULT(syscall(SYS_setresgid, 1, 2, 3));
	show_groups();
	RESULT(set2(SYS_setregid, 5, 6));
	show_groups();
	RESULT(syscall(SYS_setgid, 7));
	show_groups();
	RESULT(syscall(SYS_setgid, -1));
	VALUE(getgid());
	VALUE(getegid());
}

static void groups_of_users(void)
{
	RESULT(syscall(SYS_setgid, 7));
	RESULT(syscall(SYS_setgid, 1000));
	RESULT(set2(SYS_setregid, 7, -1));
	RESULT(syscall(SYS_setresgid, -1, 7, -1));
	RESULT(setgroups(0, NULL));
}

static void test_users(void)
{
	show_users();
	VALUE(getuid());
	VALUE(geteuid());
	in_child("setuid by root", root_sets_user);
	in_child("setresuid", effective_and_back);
	in_child("setreuid", both_users);
}

static void test_groups(void)
{
	in_child("root's groups", groups_of_root);
	as_user(1000, "a user's groups", groups_of_users);
}

static void test_supplementary(void)
{
	gid_t list[3] = { 5, 6, 7 }, back[3] = { 0 };

	RESULT(syscall(SYS_setgroups, 3, list));
	RESULT(syscall(SYS_getgroups, 0, NULL));
	RESULT(syscall(SYS_getgroups, 3, back));
	VALUE(back[2]);
	RESULT(syscall(SYS_getgroups, 2, back));
	RESULT(syscall(SYS_getgroups, -1, back));
	RESULT(syscall(SYS_getgroups, 3, nowhere()));
	RESULT(syscall(SYS_setgroups, 65537, list));
	RESULT(syscall(SYS_setgroups, 3, nowhere()));
	RESULT(syscall(SYS_setgroups, 0, NULL));
	RESULT(syscall(SYS_getgroups, 0, NULL));
}

static void by_group(void)
{
	gid_t list[1] = { 77 };

	setgroups(1, list);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	SUCCEEDS(open("group's", O_RDONLY));
	RESULT(open("group's", O_WRONLY));
	RESULT(open("owner's", O_RDONLY)); /* the owner's bits hold for the owner, whatever the others' */
}

static void test_permissions(void)
{
	close(file_with("group's", ""));
	chown("group's", 0, 77);
	chmod("group's", 0640);
	close(file_with("owner's", ""));
	chown("owner's", 1000, 0);
	chmod("owner's", 0077);
	in_child("by a supplementary group", by_group);
}

static void own_fs_user(void)
{
	RESULT(syscall(SYS_setfsuid, 5));
	RESULT(syscall(SYS_setfsuid, -1));
	RESULT(syscall(SYS_setfsgid, 6));
	RESULT(syscall(SYS_setfsgid, -1));
	RESULT(open("secret", O_RDONLY));
}

static void test_fs_ids(void)
{
	close(file_with("secret", ""));
	chmod("secret", 0600);
	in_child("ids for files alone", own_fs_user);
}

static void users_may_not(void)
{
	struct timeval tv = { 0, 0 };

	RESULT(chroot("."));
	RESULT(sethostname("x", 1));
	RESULT(settimeofday(&tv, NULL));
	RESULT(kill(1, SIGTERM));
	RESULT(mknod("device", S_IFCHR | 0600, 0x103));
	RESULT(syscall(SYS_mount, "none", ".", "tmpfs", 0, NULL));
	RESULT(syscall(SYS_umount2, ".", 0));
	RESULT(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
}

static void test_without_rights(void)
{
	chmod(".", 0777);
	as_user(1000, "what root alone may", users_may_not);
}

static const struct calls table[] = {
	{ "setuid setreuid setresuid getuid geteuid getresuid", test_users },
	{ "setgid setregid setresgid getgid getegid getresgid", test_groups },
	{ "setgroups getgroups", test_supplementary },
	{ "setgroups open", test_permissions },
	{ "setfsuid setfsgid", test_fs_ids },
	{ "chroot sethostname settimeofday kill mknod mount umount2 reboot", test_without_rights },
};

CALLS_MAIN(table)
