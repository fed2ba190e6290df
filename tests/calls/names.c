/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, removing and renaming what is in directories. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "calls.h"

static long links(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 ? -1 : (long)st.st_nlink;
}

static long mode(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 ? -1 : (long)st.st_mode;
}

static void closed_to_others(void)
{
	RESULT(mkdir("closed/new", 0700));
	RESULT(rmdir("closed/inner"));
	RESULT(mkdir("new", 0700));
	RESULT(rmdir("closed"));
}

static void test_mkdir(void)
{
	char name[300];

	RESULT(mkdir("d", 0777));
	VALUE(mode("d"));
	RESULT(mkdir("sticky", 01777));
	VALUE(mode("sticky"));
	RESULT(mkdir("d", 0777));
	RESULT(mkdir("d/inner/", 0777));
	VALUE(links("d"));
	RESULT(mkdir("missing/inner", 0777));
	close(file_with("file", ""));
	RESULT(mkdir("file", 0777));
	RESULT(mkdir("file/inner", 0777));
	RESULT(mkdir("", 0777));
	RESULT(mkdir(nowhere(), 0777));
	RESULT(mkdir(".", 0777));
	RESULT(mkdir("..", 0777));
	symlink("target", "dangling");
	RESULT(mkdir("dangling", 0777));
	memset(name, 'n', 256);
	name[256] = '\0';
	RESULT(mkdir(name, 0777));
	mkdir("closed", 0700);
	mkdir("closed/inner", 0700);
	as_user(1000, "without rights", closed_to_others);
}

static void test_mkdirat(void)
{
	int dir = (mkdir("d", 0755), open("d", O_RDONLY)), file = file_with("file", "");

	RESULT(mkdirat(dir, "inner", 0700));
	VALUE(mode("d/inner"));
	RESULT(mkdirat(file, "inner", 0700));
	RESULT(mkdirat(-1, "inner", 0700));
	RESULT(mkdirat(AT_FDCWD, "beside", 0700));
}

static void test_rmdir(void)
{
	mkdir("d", 0755);
	mkdir("d/inner", 0755);
	close(file_with("file", ""));
	symlink("d", "link");
	RESULT(rmdir("d"));
	RESULT(rmdir("d/inner/."));
	RESULT(rmdir("d/inner/.."));
	RESULT(rmdir("d/inner"));
	RESULT(rmdir("link"));
	RESULT(rmdir("d/"));
	RESULT(rmdir("d"));
	RESULT(rmdir("file"));
	RESULT(rmdir(""));
	RESULT(rmdir("/"));
	RESULT(rmdir("."));
	RESULT(rmdir("/proc"));
	RESULT(rmdir(nowhere()));
}

static void test_link(void)
{
	close(file_with("file", "text"));
	mkdir("d", 0755);
	symlink("file", "sym");
	RESULT(link("file", "again"));
	VALUE(links("file"));
	RESULT(link("file", "again"));
	RESULT(link("missing", "new"));
	RESULT(link("d", "new"));
	RESULT(link("file", "missing/new"));
	RESULT(link("file", "again/new"));
	RESULT(link("file", ""));
	RESULT(link("sym", "sym2")); /* the link itself */
	RESULT((mode("sym2") & S_IFMT) == S_IFLNK);
	RESULT(link("file", "/proc/new"));
	RESULT(link(nowhere(), "new"));
}

static void test_linkat(void)
{
	int fd = file_with("file", "text"), dir = (mkdir("d", 0755), open("d", O_RDONLY));
	char name[64];

	symlink("file", "sym");
	RESULT(linkat(AT_FDCWD, "file", dir, "inner", 0));
	RESULT(linkat(AT_FDCWD, "sym", dir, "followed", AT_SYMLINK_FOLLOW));
	VALUE(links("file"));
	RESULT(linkat(AT_FDCWD, "file", dir, "new", 0x10));
	RESULT(linkat(-1, "file", dir, "new", 0));
	RESULT(linkat(AT_FDCWD, "file", fd, "new", 0));
	RESULT(linkat(fd, "", dir, "empty", AT_EMPTY_PATH));
	unlink("sym");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	RESULT(linkat(AT_FDCWD, name, dir, "by descriptor", AT_SYMLINK_FOLLOW));
	VALUE(links("file"));
	fd = open(".", O_RDWR | O_TMPFILE, 0600);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	RESULT(linkat(AT_FDCWD, name, AT_FDCWD, "was nameless", AT_SYMLINK_FOLLOW));
	VALUE(links("was nameless"));
}

static void others_in_sticky(void)
{
	RESULT(unlink("sticky/file"));
	RESULT(rename("sticky/file", "sticky/new"));
	RESULT(unlink("closed/file"));
	close(file_with("sticky/mine", ""));
	RESULT(unlink("sticky/mine"));
}

static void test_unlink(void)
{
	char c = 0;
	int fd = file_with("file", "text");

	mkdir("d", 0755);
	RESULT(unlink("file"));
	RESULT(read(fd, &c, 1)); /* open files outlive their names */
	RESULT(unlink("file"));
	RESULT(unlink("d"));
	RESULT(unlink(""));
	RESULT(unlink("d/missing"));
	close(file_with("file", ""));
	RESULT(unlink("file/"));
	RESULT(unlink("file/below"));
	symlink("file", "sym");
	RESULT(unlink("sym"));
	VALUE(links("file"));
	RESULT(unlink(nowhere()));
	mkdir("sticky", 0777);
	chmod("sticky", 01777);
	mkdir("closed", 0755);
	close(file_with("sticky/file", ""));
	close(file_with("closed/file", ""));
	as_user(1000, "without rights", others_in_sticky);
}

static void test_unlinkat(void)
{
	int dir = (mkdir("d", 0755), open("d", O_RDONLY));

	close(file_with("d/file", ""));
	mkdir("d/inner", 0755);
	RESULT(unlinkat(dir, "inner", 0));
	RESULT(unlinkat(dir, "file", AT_REMOVEDIR));
	RESULT(unlinkat(dir, "inner", AT_REMOVEDIR));
	RESULT(unlinkat(dir, "file", 0));
	RESULT(unlinkat(dir, "file", 1));
	RESULT(unlinkat(-1, "file", 0));
}

static void test_symlink(void)
{
	char text[PATH_MAX], small[3];
	int dir = (mkdir("d", 0755), open("d", O_RDONLY));

	RESULT(symlink("target", "link"));
	RESULT(symlink("target", "link"));
	RESULT(symlink("", "empty"));
	RESULT(symlink("target", ""));
	RESULT(symlink("target", "missing/link"));
	RESULT(symlink("target", "d/"));
	RESULT(symlink(nowhere(), "new"));
	RESULT(symlinkat("target", dir, "inner"));
	RESULT(symlinkat("target", -1, "inner"));
	RESULT(readlink("link", text, sizeof(text)));
	TEXT("target", text, 6);
	RESULT(readlink("link", small, 3));
	RESULT(readlink("link", text, 0));
	RESULT(readlink("d", text, sizeof(text)));
	RESULT(readlink("missing", text, sizeof(text)));
	RESULT(readlink("link/below", text, sizeof(text)));
	RESULT(readlinkat(dir, "inner", text, sizeof(text)));
	RESULT(readlinkat(dir, "", text, sizeof(text)));
	RESULT(readlinkat(open("link", O_PATH | O_NOFOLLOW), "", text, sizeof(text)));
	RESULT(readlink("link", nowhere(), 10));
	VALUE(mode("link"));
}

static void test_rename(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	close(file_with("file", "text"));
	close(file_with("other", "longer"));
	RESULT(rename("file", "moved"));
	VALUE(links("file"));
	RESULT(rename("moved", "other")); /* replaces */
	VALUE(links("other"));
	RESULT(rename("missing", "new"));
	RESULT(rename("other", "a"));
	RESULT(rename("a", "other"));
	RESULT(rename("a", "b"));
	mkdir("a", 0755);
	mkdir("b/full", 0755);
	RESULT(rename("a", "b"));
	RESULT(rename("b", "b/full/under"));
	RESULT(rename("b/full", "b"));
	RESULT(rename("other", "other"));
	link("other", "same");
	RESULT(rename("other", "same")); /* two names of one file: nothing happens */
	VALUE(links("other"));
	RESULT(rename("other", "missing/new"));
	RESULT(rename("other", ""));
	RESULT(rename("a/.", "new"));
	RESULT(rename("a", "b/.."));
	RESULT(rename("other", "/proc/new"));
	RESULT(rename("other/", "new"));
	RESULT(rename("a/", "renamed/"));
	RESULT(rename(nowhere(), "new"));
}

static void test_renameat2(void)
{
	int dir = (mkdir("d", 0755), open("d", O_RDONLY));

	close(file_with("file", "text"));
	close(file_with("d/inner", "longer"));
	RESULT(renameat(AT_FDCWD, "file", dir, "file"));
	RESULT(renameat(dir, "file", AT_FDCWD, "file"));
	RESULT(syscall(SYS_renameat2, AT_FDCWD, "file", dir, "inner", 1 /* RENAME_NOREPLACE */));
	RESULT(syscall(SYS_renameat2, AT_FDCWD, "file", dir, "new", 1));
	RESULT(syscall(SYS_renameat2, dir, "new", dir, "inner", 2 /* RENAME_EXCHANGE */));
	RESULT(open("d/new", O_RDONLY) >= 0);
	RESULT(syscall(SYS_renameat2, dir, "new", dir, "missing", 2));
	RESULT(syscall(SYS_renameat2, dir, "new", AT_FDCWD, "d", 2));
	RESULT(syscall(SYS_renameat2, dir, "new", dir, "inner", 3));
	RESULT(syscall(SYS_renameat2, dir, "new", dir, "inner", 64));
	RESULT(syscall(SYS_renameat2, dir, "new", dir, "inner", 0));
	RESULT(renameat(-1, "file", dir, "file"));
}

static void tell_whiteout(const char *name)
{
	struct stat st;

	if (RESULT(lstat(name, &st)) < 0)
		return;
	VALUE(st.st_mode);
	VALUE(st.st_rdev);
	VALUE(st.st_uid);
	VALUE(st.st_nlink);
}

static void hide_a_name(void)
{
	close(file_with("mine", "text"));
	RESULT(syscall(SYS_renameat2, AT_FDCWD, "mine", AT_FDCWD, "yours", 4));
	tell_whiteout("mine");
	RESULT(mknod("hidden", S_IFCHR, 0));
	RESULT(mknod("hidden", S_IFCHR | 0600, 0));
	RESULT(mknod("device", S_IFCHR, 1));
	RESULT(mknod("device", S_IFBLK, 0));
	RESULT(open("mine", O_RDONLY));
}

static void test_whiteout(void)
{
	umask(0);
	mkdir("d", 0755);
	mkdir("e", 0755);
	close(file_with("a", "text"));
	close(file_with("b", "text"));
#define WHITEOUT(from, to, flags) RESULT(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 4 | (flags)))
	WHITEOUT("a", "b", 2);
	WHITEOUT("a", "b", 1);
	WHITEOUT("missing", "b", 0);
	WHITEOUT("a", "c", 1);
	tell_whiteout("a");
	RESULT(open("a", O_RDONLY));
	RESULT(open("a", O_RDWR | O_CREAT, 0644));
	WHITEOUT("c", "b", 0);
	tell_whiteout("c");
	RESULT(access("b", F_OK));
	WHITEOUT("b", "d/b", 0);
	tell_whiteout("b");
	WHITEOUT("e", "d/e", 0);
	tell_whiteout("e");
	RESULT(access("d/e", F_OK));
	link("d/b", "d/c");
	WHITEOUT("d/b", "d/c", 0);
	tell_whiteout("d/b");
	WHITEOUT("d", "d/e/f", 0);
	WHITEOUT("a", "/proc/a", 0);
	RESULT(unlink("a"));
	RESULT(access("a", F_OK));
	WHITEOUT("/proc/uptime", "/proc/version", 0);
	mkdir("open", 0777);
	chdir("open");
	as_user(1000, "another user", hide_a_name);
}

static void may_not_enter(void)
{
	RESULT(chdir("closed"));
	RESULT(chdir("closed/inner"));
}

static void test_chdir(void)
{
	char text[PATH_MAX], *end;
	int dir, file = file_with("file", "");

	mkdir("d", 0755);
	mkdir("closed", 0700);
	RESULT(chdir("file"));
	RESULT(chdir("missing"));
	RESULT(chdir(""));
	RESULT(chdir(nowhere()));
	as_user(1000, "without rights", may_not_enter);
	dir = open("d", O_RDONLY);
	RESULT(fchdir(dir));
	getcwd(text, sizeof(text));
	end = strrchr(text, '/');
	TEXT("last part", end, strlen(end));
	RESULT(fchdir(file));
	RESULT(fchdir(-1));
	RESULT(chdir(".."));
	RESULT(access("file", F_OK));
	RESULT(syscall(SYS_getcwd, text, 2));
	RESULT(syscall(SYS_getcwd, text, 0));
	RESULT(syscall(SYS_getcwd, nowhere(), 4096));
	chdir("d");
	rmdir("../d");
	RESULT(syscall(SYS_getcwd, text, sizeof(text)));
	RESULT(mkdir("new", 0700));
	RESULT(chdir("/"));
	RESULT(syscall(SYS_getcwd, text, sizeof(text)));
	RESULT(chdir("../../.."));
	RESULT(syscall(SYS_getcwd, text, sizeof(text)));
}

static void make_devices(void)
{
	RESULT(mknod("public/null", S_IFCHR | 0666, makedev(1, 3)));
	RESULT(mknod("public/fifo", S_IFIFO | 0666, 0));
}

static void test_mknod(void)
{
	int dir = (mkdir("d", 0755), open("d", O_RDONLY));
	struct stat st;
	char c;

	RESULT(mknod("fifo", S_IFIFO | 0666, 0));
	VALUE(mode("fifo"));
	RESULT(mknod("fifo", S_IFIFO | 0666, 0));
	RESULT(mknod("regular", S_IFREG | 0600, 0));
	RESULT(mknod("plain", 0600, 0));
	VALUE(mode("plain"));
	RESULT(mknod("socket", S_IFSOCK | 0600, 0));
	VALUE(mode("socket"));
	RESULT(mknod("directory", S_IFDIR | 0700, 0));
	RESULT(mknod("odd", S_IFLNK | 0700, 0));
	RESULT(mknod("/dev/another-zero", S_IFCHR | 0600, makedev(1, 5)));
	stat("/dev/another-zero", &st);
	VALUE(st.st_rdev == makedev(1, 5));
	RESULT(read(open("/dev/another-zero", O_RDONLY), &c, 1));
	unlink("/dev/another-zero");
	/* Mounted nodev. */
	RESULT(mknod("/dev/shm/zero", S_IFCHR | 0600, makedev(1, 5)));
	RESULT(open("/dev/shm/zero", O_RDONLY));
	unlink("/dev/shm/zero");
	RESULT(mknod("strange", S_IFCHR | 0600, makedev(250, 77)));
	RESULT(open("strange", O_RDONLY));
	RESULT(open("socket", O_RDONLY));
	RESULT(mknodat(dir, "inner", S_IFIFO | 0600, 0));
	RESULT(mknodat(-1, "inner", S_IFIFO | 0600, 0));
	RESULT(mknod("missing/fifo", S_IFIFO | 0600, 0));
	mkdir("public", 0777);
	chmod("public", 0777);
	as_user(1000, "without rights", make_devices);
}

struct entry64 {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static void test_getdents64(void)
{
	char buffer[1024];
	int dir, seen = 0, dots = 0, types = 0;
	long n;

	mkdir("d", 0755);
	for (int i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "d/entry %d", i);
		close(file_with(name, ""));
	}
	dir = open("d", O_RDONLY);
	while ((n = syscall(SYS_getdents64, dir, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + n;) {
			struct entry64 *e = (struct entry64 *)at;

			dots += e->name[0] == '.';
			seen += strncmp(e->name, "entry ", 6) == 0;
			types += e->type == DT_REG;
			at += e->reclen;
		}
	}
	RESULT(n);
	VALUE(seen);
	VALUE(dots);
	VALUE(types);
	RESULT(lseek(dir, 0, SEEK_SET));
	RESULT(syscall(SYS_getdents64, dir, buffer, 10));
	RESULT(syscall(SYS_getdents64, dir, nowhere(), 1024));
	RESULT(syscall(SYS_getdents64, -1, buffer, sizeof(buffer)));
	RESULT(syscall(SYS_getdents64, open("d/entry 1", O_RDONLY), buffer, sizeof(buffer)));
	RESULT(syscall(SYS_getdents, dir, buffer, sizeof(buffer)) > 0);
	rmdir("gone");
	mkdir("gone", 0700);
	dir = open("gone", O_RDONLY);
	rmdir("gone");
	RESULT(syscall(SYS_getdents64, dir, buffer, sizeof(buffer)));
}

static const struct calls table[] = {
	{ "mkdir", test_mkdir },         { "mkdirat", test_mkdirat },
	{ "rmdir", test_rmdir },         { "link", test_link },
	{ "linkat", test_linkat },       { "unlink", test_unlink },
	{ "unlinkat", test_unlinkat },   { "symlink symlinkat readlink readlinkat", test_symlink },
	{ "rename", test_rename },       { "renameat renameat2", test_renameat2 },
	{ "renameat2", test_whiteout },  { "chdir fchdir getcwd", test_chdir },
	{ "mknod mknodat", test_mknod }, { "getdents getdents64", test_getdents64 },
};

CALLS_MAIN(table)
