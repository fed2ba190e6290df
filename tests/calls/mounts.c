/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounting, and the root of a process. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"

static void test_mount(void)
{
	struct stat before, after;
	int fd;

	mkdir("m", 0755);
	mkdir("other", 0755);
	close(file_with("file", ""));
	close(file_with("m/hidden", ""));
	stat("m", &before);
	RESULT(mount("none", "m", "tmpfs", 0, "mode=0700,size=1m"));
	stat("m", &after);
	VALUE(after.st_mode);
	VALUE(after.st_dev != before.st_dev);
	RESULT(access("m/hidden", F_OK));
	RESULT(mount("none", "missing", "tmpfs", 0, NULL));
	RESULT(mount("none", "file", "tmpfs", 0, NULL));
	RESULT(mount("none", "m", "nosuchfs", 0, NULL));
	RESULT(mount("none", "m", "tmpfs", 0, "nosuchoption=1"));
	RESULT(mount("none", nowhere(), "tmpfs", 0, NULL));
	close(file_with("m/file", "text"));
	RESULT(rename("m/file", "moved"));
	RESULT(link("m/file", "linked"));
	RESULT(rmdir("m"));
	RESULT(mount("m", "other", NULL, MS_BIND, NULL));
	RESULT(access("other/file", F_OK));
	RESULT(mount(NULL, "other", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	RESULT(open("other/file", O_RDWR));
	RESULT(open("other/new", O_RDWR | O_CREAT, 0600));
	RESULT(unlink("other/file"));
	RESULT(chmod("other/file", 0600));
	RESULT(access("other/file", W_OK));
	SUCCEEDS(open("m/file", O_RDWR));
	RESULT(umount2("other", 0));
	fd = open("m/file", O_RDONLY);
	RESULT(umount2("m", 0));
	RESULT(umount2("m", MNT_DETACH));
	RESULT(access("m/hidden", F_OK));
	VALUE(fcntl(fd, F_GETFD));
	RESULT(umount2("m", 0));
	RESULT(umount2("missing", 0));
	RESULT(umount2("m", 0x100));
	RESULT(umount2(nowhere(), 0));
}

static void test_expire(void)
{
	int fd;

	mkdir("m", 0755);
	RESULT(mount("none", "m", "tmpfs", 0, NULL));
	RESULT(umount2("m", MNT_EXPIRE | MNT_DETACH));
	RESULT(umount2("m", MNT_EXPIRE | MNT_FORCE));
	RESULT(umount2("/", MNT_EXPIRE));
	RESULT(umount2("m", MNT_EXPIRE));
	RESULT(access("m/file", F_OK)); /* somebody was there */
	RESULT(umount2("m", MNT_EXPIRE));
	fd = open("m", O_RDONLY);
	RESULT(umount2("m", MNT_EXPIRE));
	close(fd);
	RESULT(umount2("m", MNT_EXPIRE));
	RESULT(umount2("m", MNT_EXPIRE));
	RESULT(umount2("m", MNT_EXPIRE));
}

static void test_mount_flags(void)
{
	struct statvfs fs;

	mkdir("m", 0755);
	RESULT(mount("none", "m", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	statvfs("m", &fs);
	VALUE(fs.f_flag & (ST_NOSUID | ST_RDONLY));
	RESULT(mknod("m/null", S_IFCHR | 0666, 0x103));
	RESULT(open("m/null", O_RDONLY));
	close(file_with("m/program", "#!/bin/sh\n"));
	chmod("m/program", 0755);
	RESULT(access("m/program", X_OK));
	RESULT(execl("m/program", "m/program", NULL));
	RESULT(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	RESULT(open("m/new", O_RDWR | O_CREAT, 0600));
	RESULT(mount(NULL, "m", NULL, MS_PRIVATE, NULL));
	RESULT(umount2("m", 0));
	RESULT(mount("none", "m", "proc", 0, NULL));
	RESULT(access("m/self/stat", R_OK));
	RESULT(umount2("m", 0));
}

static void in_new_root(void)
{
	RESULT(chroot("root"));
	RESULT(chdir("/"));
	RESULT(access("/inside", F_OK));
	RESULT(access("/../../inside", F_OK));
	RESULT(access("/proc", F_OK));
	RESULT(access("/link", F_OK));
}

static void test_chroot(void)
{
	mkdir("root", 0755);
	close(file_with("root/inside", ""));
	symlink("/inside", "root/link");
	RESULT(chroot("missing"));
	RESULT(chroot("root/inside"));
	RESULT(chroot(nowhere()));
	in_child("a root of its own", in_new_root);
}

static const struct calls table[] = {
	{ "mount umount2", test_mount },
	{ "umount2", test_expire },
	{ "mount", test_mount_flags },
	{ "chroot", test_chroot },
};

CALLS_MAIN(table)
