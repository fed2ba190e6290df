/* SPDX-License-Identifier: BSD-2-Clause */
/* mount, umount2, pivot_root: options of tmpfs, flags of each mount, binds, moves, what /proc shows.  Runs on
 * Linux, too (as root: it takes a name space of its own there). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define FAILS(call, error)                                                                              \
	do {                                                                                            \
		errno = 0;                                                                              \
		long r_ = (long)(call);                                                                 \
		if (r_ != -1 || errno != (error))                                                       \
			printf("# %s: result %ld, errno %d, expected %d\n", #call, r_, errno, (error)); \
		tap(r_ == -1 && errno == (error), #call " -> " #error);                                 \
	} while (0)

#define IS(e) tap((e), #e)

static int touch(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0755);

	return fd < 0 ? -1 : close(fd);
}

static bool there(const char *name)
{
	return access(name, F_OK) == 0;
}

/* Does a file of /proc have a line with all of these in it? */
static bool line_with(const char *file, const char *a, const char *b)
{
	static char text[32768];
	int fd = open(file, O_RDONLY);
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, a) && strstr(line, b))
			return true;
	return false;
}

static void tmpfs_options(void)
{
	struct statfs fs;
	struct stat st;
	char buf[4096] = "";
	int fd, full = 0;

	mkdir("t", 0755);
	IS(mount("none", "t", "tmpfs", MS_NOSUID, "size=64k,mode=710,uid=7,gid=8,nr_inodes=4") == 0);
	IS(stat("t", &st) == 0 && (st.st_mode & 07777) == 0710 && st.st_uid == 7 && st.st_gid == 8);
	IS(statfs("t", &fs) == 0 && fs.f_blocks == 16 && fs.f_files == 4);
	IS(line_with("/proc/self/mounts", "/t tmpfs rw,nosuid", "size=64k,nr_inodes=4,mode=710,uid=7,gid=8"));
	IS(touch("t/1") == 0 && touch("t/2") == 0 && touch("t/3") == 0);
	FAILS(touch("t/4"), ENOSPC);
	IS(unlink("t/3") == 0 && touch("t/4") == 0);
	fd = open("t/1", O_WRONLY);
	while (write(fd, buf, sizeof(buf)) == sizeof(buf))
		full++;
	IS(full == 16 && errno == ENOSPC);
	IS(mount("none", "t", NULL, MS_REMOUNT, "size=128k") == 0 &&
	   write(fd, buf, sizeof(buf)) == sizeof(buf));
	FAILS(mount("none", "t", NULL, MS_REMOUNT, "size=4k"), EINVAL);
	FAILS(mount("none", "t", NULL, MS_REMOUNT, "nonsense=1"), EINVAL);
	FAILS(umount2("t", 0), EBUSY);
	close(fd);
	IS(umount2("t", 0) == 0);
	FAILS(mount("none", "t", "tmpfs", 0, "size=x"), EINVAL);
	FAILS(mount("none", "t", "tmpfs", 0, "color=red"), EINVAL);
	FAILS(mount("none", "t", "nofs", 0, NULL), ENODEV);
	FAILS(mount("none", "missing", "tmpfs", 0, NULL), ENOENT);
	FAILS(umount2("t", 0), EINVAL);
	FAILS(umount2("t", 0x100), EINVAL);
}

/* What the flags of one mount forbid. */
static void mount_flags(void)
{
	int fd;

	mkdir("f", 0755);
	IS(mount("none", "f", "tmpfs", 0, NULL) == 0);
	IS(mknod("f/null", S_IFCHR | 0666, makedev(1, 3)) == 0 && touch("f/prog") == 0);
	IS(mount("none", "f", NULL, MS_REMOUNT | MS_RDONLY | MS_NODEV | MS_NOEXEC, NULL) == 0);
	FAILS(touch("f/new"), EROFS);
	FAILS(unlink("f/prog"), EROFS);
	FAILS(chmod("f/prog", 0700), EROFS);
	FAILS(open("f/null", O_RDONLY), EACCES);
	FAILS(execl("f/prog", "prog", (char *)NULL), EACCES);
	fd = open("f/prog", O_RDONLY);
	FAILS(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
	close(fd);
	IS(line_with("/proc/self/mountinfo", "/f ro,nodev,noexec", "tmpfs"));
	IS(mount("none", "f", NULL, MS_REMOUNT, NULL) == 0 && touch("f/new") == 0);
	/* A bind has flags of its own. */
	mkdir("g", 0755);
	IS(mount("f", "g", NULL, MS_BIND, NULL) == 0 && there("g/prog"));
	IS(mount(NULL, "g", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
	FAILS(touch("g/more"), EROFS);
	IS(touch("f/more") == 0 && there("g/more"));
	IS(umount("g") == 0 && umount("f") == 0);
}

/* A set-user-id program does not get its owner's identity on a nosuid mount. */
static void nosuid(const char *self)
{
	char buf[65536];
	int in = open(self, O_RDONLY), out, status = -1;
	ssize_t n;

	mkdir("s", 0755);
	mount("none", "s", "tmpfs", 0, "mode=755");
	out = open("s/prog", O_CREAT | O_WRONLY, 0755);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		(void)!write(out, buf, (size_t)n);
	close(in);
	close(out);
	chmod("s/prog", 04755);
	for (int round = 0; round < 2; round++) {
		if (fork() == 0) {
			if (setresgid(9, 9, 9) < 0 || setresuid(9, 9, 9) < 0)
				_exit(99);
			execl("s/prog", "prog", "euid", (char *)NULL);
			_exit(98);
		}
		wait(&status);
		IS(WIFEXITED(status) && WEXITSTATUS(status) == (round == 0 ? 0 : 9));
		mount("none", "s", NULL, MS_REMOUNT | MS_NOSUID, NULL);
	}
	umount("s");
}

static void binds_and_moves(void)
{
	struct stat a, b;

	mkdir("x", 0755);
	mkdir("y", 0755);
	mount("none", "x", "tmpfs", 0, NULL);
	mkdir("x/sub", 0755);
	mkdir("x/other", 0755);
	touch("x/file");
	mount("deep", "x/sub", "tmpfs", 0, NULL);
	touch("x/sub/leaf");
	IS(mount("x", "y", NULL, MS_BIND, NULL) == 0 && there("y/sub") && !there("y/sub/leaf"));
	IS(umount("y") == 0);
	IS(mount("x", "y", NULL, MS_BIND | MS_REC, NULL) == 0 && there("y/sub/leaf"));
	IS(stat("x/sub", &a) == 0 && stat("y/sub", &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
	FAILS(umount("y"), EBUSY);
	IS(umount2("y", MNT_DETACH) == 0 && !there("y/file") && there("x/sub/leaf"));
	IS(mount("x/sub", "y", NULL, MS_MOVE, NULL) == 0 && there("y/leaf") && !there("x/sub/leaf"));
	FAILS(mount("x/other", "y", NULL, MS_MOVE, NULL), EINVAL);
	FAILS(mount("x", "x/other", NULL, MS_MOVE, NULL), ELOOP);
	IS(umount("y") == 0);
	/* A part of a file system, and a file onto a file. */
	IS(mount("x/other", "y", NULL, MS_BIND, NULL) == 0);
	IS(line_with("/proc/self/mountinfo", " /other ", "/y "));
	touch("plain");
	FAILS(mount("plain", "y", NULL, MS_BIND, NULL), ENOTDIR);
	IS(mount("x/file", "plain", NULL, MS_BIND, NULL) == 0 && umount("plain") == 0);
	IS(umount("y") == 0);
	symlink("x", "link");
	FAILS(umount2("link", UMOUNT_NOFOLLOW), EINVAL);
	IS(line_with("/proc/self/mountstats", "device none mounted on ", "/x with fstype tmpfs"));
	IS(mount(NULL, "x", NULL, MS_PRIVATE, NULL) == 0 &&
	   mount(NULL, "x", NULL, MS_PRIVATE | MS_REC, NULL) == 0);
	IS(mount(NULL, "x", NULL, MS_SLAVE, NULL) == 0);
	FAILS(mount(NULL, "x/other", NULL, MS_PRIVATE, NULL), EINVAL);
	FAILS(mount(NULL, "x", NULL, MS_PRIVATE | MS_SHARED, NULL), EINVAL);
	IS(umount("x") == 0);
}

static void unprivileged(void)
{
	int status;

	if (fork() == 0) {
		bool right =
			setresuid(9, 9, 9) == 0 && mount("none", "t", "tmpfs", 0, NULL) < 0 && errno == EPERM;

		right = right && umount("t") < 0 && errno == EPERM;
		_exit(right && syscall(SYS_pivot_root, "t", "t") < 0 && errno == EPERM ? 0 : 1);
	}
	wait(&status);
	IS(status == 0);
}

/* The way of containers: a new root, with the old one below it. */
static void pivot(void)
{
	char old[4096], inside[6000];
	struct stat before, after;

	mkdir("r", 0755);
	IS(mount("none", "r", "tmpfs", 0, NULL) == 0);
	mkdir("r/put", 0755);
	touch("r/mark");
	mkdir("plain_dir", 0755);
	FAILS(syscall(SYS_pivot_root, "missing", "r/put"), ENOENT);
	FAILS(syscall(SYS_pivot_root, "r/mark", "r/put"), ENOTDIR);
	FAILS(syscall(SYS_pivot_root, "r", "/"), EBUSY);
	(void)!getcwd(old, sizeof(old));
	stat(".", &before);
	IS(syscall(SYS_pivot_root, "r", "r/put") == 0);
	IS(there("/mark") && there("/put"));
	snprintf(inside, sizeof(inside), "/put%s", old);
	IS(stat(inside, &after) == 0 && after.st_ino == before.st_ino && after.st_dev == before.st_dev);
	/* And back, for who shares the name space. */
	strcat(inside, "/r");
	IS(syscall(SYS_pivot_root, "/put", inside) == 0);
	IS(!there("/mark") && there("/proc/self/mounts") && chdir(old) == 0 && there("r/mark"));
	IS(umount2("r", MNT_DETACH) == 0 && !there("r/mark"));
}

int main(int argc, char **argv)
{
	char dir[] = "/mnt/mounts-XXXXXX";

	if (argc > 1 && strcmp(argv[1], "euid") == 0)
		return (int)geteuid();
	/* Where there are name spaces: away from the machine's own, onto a root that may be left. */
	if (unshare(CLONE_NEWNS) == 0)
		mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL);
	if (mount("none", "/mnt", "tmpfs", 0, "mode=755") < 0 || !mkdtemp(dir) || chdir(dir) < 0 ||
	    chmod(dir, 0755) < 0)
		return 1;
	tmpfs_options();
	mount_flags();
	nosuid(argv[0]);
	binds_and_moves();
	unprivileged();
	if (fork() == 0) {
		pivot();
		exit(tap_end());
	}
	wait(&argc);
	return argc != 0;
}
