/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of a file: kind, permissions, owners, times, the file system that holds it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "calls.h"

static void stat_in_closed(void)
{
	struct stat st;

	RESULT(stat("closed/file", &st));
	RESULT(stat("closed", &st));
}

static void test_stat(void)
{
	struct stat st;

	close(file_with("file", "text"));
	symlink("file", "link");
	symlink("missing", "dangling");
	RESULT(stat("file", &st));
	VALUE(st.st_mode);
	VALUE(st.st_size);
	VALUE(st.st_nlink);
	VALUE(st.st_blksize);
	VALUE(st.st_uid);
	RESULT(stat("link", &st));
	VALUE((st.st_mode & S_IFMT) == S_IFREG);
	RESULT(lstat("link", &st));
	VALUE((st.st_mode & S_IFMT) == S_IFLNK);
	VALUE(st.st_size);
	RESULT(stat("dangling", &st));
	RESULT(lstat("dangling", &st));
	RESULT(stat("missing", &st));
	RESULT(stat("file/below", &st));
	RESULT(stat("", &st));
	RESULT(stat("file/", &st));
	RESULT(lstat("link/", &st));
	RESULT(syscall(SYS_stat, nowhere(), &st));
	RESULT(syscall(SYS_stat, "file", nowhere()));
	RESULT(syscall(SYS_fstat, -1, &st));
	RESULT(syscall(SYS_fstat, open("file", O_RDONLY), nowhere()));
	mkdir("closed", 0700);
	close(file_with("closed/file", ""));
	as_user(1000, "without rights", stat_in_closed);
}

static void test_newfstatat(void)
{
	int dir = (mkdir("d", 0755), open("d", O_RDONLY)), fd = file_with("d/file", "text");
	struct stat st;

	symlink("file", "d/link");
	RESULT(fstatat(dir, "file", &st, 0));
	RESULT(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW));
	VALUE((st.st_mode & S_IFMT) == S_IFLNK);
	RESULT(syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH));
	VALUE(st.st_size);
	RESULT(syscall(SYS_newfstatat, fd, "", &st, 0));
	RESULT(fstatat(fd, "file", &st, 0));
	RESULT(fstatat(-1, "file", &st, 0));
	RESULT(syscall(SYS_newfstatat, dir, "file", &st, 0x10000));
	RESULT(syscall(SYS_newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH));
}

struct statx_head {
	unsigned mask, blksize;
	unsigned long attributes;
	unsigned nlink, uid, gid;
	unsigned short mode, spare;
	unsigned long ino, size, rest[30];
};

static void test_statx(void)
{
	int fd = file_with("file", "text");
	struct statx_head x = { 0 };

	RESULT(syscall(SYS_statx, AT_FDCWD, "file", 0, 0x7ff, &x));
	VALUE((x.mask & 0x7ff) == 0x7ff);
	VALUE(x.mode);
	VALUE(x.size);
	VALUE(x.nlink);
	RESULT(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, &x));
	RESULT(syscall(SYS_statx, fd, "", 0, 0x7ff, &x));
	RESULT(syscall(SYS_statx, AT_FDCWD, "missing", 0, 0x7ff, &x));
	RESULT(syscall(SYS_statx, AT_FDCWD, "file", 0x10000, 0x7ff, &x));
	RESULT(syscall(SYS_statx, AT_FDCWD, "file", 0, 0x80000000u, &x));
	RESULT(syscall(SYS_statx, AT_FDCWD, "file", 0x6000, 0x7ff, &x));
	RESULT(syscall(SYS_statx, AT_FDCWD, "file", 0, 0x7ff, nowhere()));
	RESULT(syscall(SYS_statx, -1, "file", 0, 0x7ff, &x));
	RESULT(syscall(SYS_statx, AT_FDCWD, "file", 0, 0x1fff,
		       &x)); /* with the time of birth and the mount */
	VALUE(x.mask & 0x1fff);
	VALUE(x.attributes & 0x2000); /* where a mount begins */
	VALUE(x.rest[12] != 0);       /* number of the mount */
	VALUE(x.rest[4] != 0);        /* seconds of birth */
	RESULT(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, &x));
	VALUE(x.mask & 0x1fff);
	RESULT(syscall(SYS_statx, AT_FDCWD, "/proc", 0, 0x7ff, &x));
	VALUE(x.attributes & 0x2000);
}

static void chmod_of_others(void)
{
	RESULT(chmod("file", 0777));
	RESULT(chown("file", 1000, 1000));
	RESULT(utime("file", NULL));
	RESULT(utimensat(AT_FDCWD, "file", NULL, 0));
	RESULT(chmod("mine", 06755));
	RESULT(chown("mine", 0, -1));
	RESULT(chown("mine", -1, 0));
	RESULT(chown("mine", -1, -1));
}

static void test_chmod(void)
{
	int fd = file_with("file", "text"), dir = (mkdir("d", 0755), open("d", O_RDONLY));
	struct stat st;

	RESULT(chmod("file", 04711));
	stat("file", &st);
	VALUE(st.st_mode);
	RESULT(fchmod(fd, 0640));
	fstat(fd, &st);
	VALUE(st.st_mode);
	RESULT(chmod("file", 0177777));
	fstat(fd, &st);
	VALUE(st.st_mode);
	RESULT(chmod("missing", 0600));
	RESULT(chmod("file/below", 0600));
	RESULT(chmod("", 0600));
	RESULT(chmod(nowhere(), 0600));
	RESULT(fchmod(-1, 0600));
	close(file_with("d/file", ""));
	RESULT(fchmodat(dir, "file", 0700, 0));
	stat("d/file", &st);
	VALUE(st.st_mode);
	RESULT(fchmodat(-1, "file", 0700, 0));
	chmod("file", 0644);
	close(file_with("mine", ""));
	chown("mine", 1000, 1000);
	as_user(1000, "of others' files", chmod_of_others);
	stat("mine", &st);
	VALUE(st.st_mode);
}

static void test_chown(void)
{
	int fd = file_with("file", "text"), dir = (mkdir("d", 0755), open("d", O_RDONLY));
	struct stat st;

	chmod("file", 06755);
	RESULT(chown("file", 1, 2));
	stat("file", &st);
	VALUE(st.st_uid);
	VALUE(st.st_gid);
	VALUE(st.st_mode); /* without the set-id bits */
	RESULT(fchown(fd, -1, 3));
	fstat(fd, &st);
	VALUE(st.st_uid);
	VALUE(st.st_gid);
	symlink("file", "link");
	RESULT(lchown("link", 7, 7));
	lstat("link", &st);
	VALUE(st.st_uid);
	RESULT(chown("link", 8, 8));
	stat("file", &st);
	VALUE(st.st_uid);
	RESULT(chown("missing", 1, 1));
	RESULT(lchown("missing", 1, 1));
	RESULT(fchown(-1, 1, 1));
	RESULT(chown(nowhere(), 1, 1));
	close(file_with("d/file", ""));
	RESULT(fchownat(dir, "file", 5, 5, 0));
	RESULT(fchownat(fd, "", 6, 6, AT_EMPTY_PATH));
	RESULT(fchownat(dir, "file", 5, 5, 0x20));
	RESULT(fchownat(-1, "file", 5, 5, 0));
}

static void what_others_may(void)
{
	RESULT(access("file", R_OK));
	RESULT(access("file", W_OK));
	RESULT(access("file", X_OK));
	RESULT(access("file", F_OK));
	RESULT(access("closed/file", F_OK));
	RESULT(faccessat(AT_FDCWD, "group", R_OK, 0));
}

static void test_access(void)
{
	int dir = (mkdir("d", 0755), open("d", O_RDONLY));

	close(file_with("file", "text"));
	RESULT(access("file", F_OK));
	RESULT(access("file", R_OK | W_OK));
	RESULT(access("file", X_OK)); /* root too needs an x somewhere */
	chmod("file", 0);
	RESULT(access("file", R_OK | W_OK));
	chmod("file", 0744);
	RESULT(access("file", X_OK));
	RESULT(access("missing", F_OK));
	RESULT(access("file", 8));
	RESULT(access("", F_OK));
	RESULT(access(nowhere(), F_OK));
	symlink("missing", "dangling");
	RESULT(access("dangling", F_OK));
	RESULT(faccessat(dir, ".", X_OK, 0));
	RESULT(faccessat(-1, "file", F_OK, 0));
	RESULT(syscall(SYS_faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
	RESULT(syscall(SYS_faccessat2, AT_FDCWD, "file", F_OK, AT_EACCESS));
	RESULT(syscall(SYS_faccessat2, AT_FDCWD, "file", F_OK, 0x10000));
	RESULT(syscall(SYS_faccessat2, dir, "", R_OK, AT_EMPTY_PATH));
	mkdir("closed", 0700);
	close(file_with("group", ""));
	chmod("group", 0604);
	chown("group", 0, 1000);
	as_user(1000, "without rights", what_others_may);
}

static void test_umask(void)
{
	struct stat st;

	RESULT(umask(077));
	RESULT(umask(07777));
	RESULT(umask(022));
	umask(0137);
	close(open("file", O_CREAT | O_RDWR, 0777));
	stat("file", &st);
	VALUE(st.st_mode);
}

static void test_utimes(void)
{
	struct utimbuf when = { 1000, 2000 };
	struct timeval tv[2] = { { 10, 500000 }, { 20, 250000 } }, bad[2] = { { 0, 1000000 }, { 0, 0 } };
	struct timespec ts[2] = { { 5, 123456789 }, { 6, UTIME_OMIT } },
			wrong[2] = { { 0, 1000000000 }, { 0, 0 } };
	int fd = file_with("file", "text"), dir = (mkdir("d", 0755), open("d", O_RDONLY));
	struct stat st;

	RESULT(utime("file", &when));
	stat("file", &st);
	VALUE(st.st_atime);
	VALUE(st.st_mtime);
	RESULT(utime("missing", &when));
	RESULT(syscall(SYS_utimes, "file", tv));
	stat("file", &st);
	VALUE(st.st_atim.tv_nsec);
	VALUE(st.st_mtime);
	RESULT(syscall(SYS_utimes, "file", bad));
	RESULT(utimensat(AT_FDCWD, "file", ts, 0));
	stat("file", &st);
	VALUE(st.st_atim.tv_nsec);
	VALUE(st.st_mtime);
	RESULT(utimensat(AT_FDCWD, "file", wrong, 0));
	RESULT(utimensat(AT_FDCWD, "file", ts, 0x10));
	RESULT(utimensat(AT_FDCWD, "missing", ts, 0));
	RESULT(futimens(fd, ts));
	RESULT(futimens(-1, ts));
	RESULT(syscall(SYS_futimesat, dir, "../file", tv));
	RESULT(syscall(SYS_futimesat, -1, "file", tv));
	symlink("file", "link");
	RESULT(utimensat(AT_FDCWD, "link", ts, AT_SYMLINK_NOFOLLOW));
	lstat("link", &st);
	VALUE(st.st_atime);
	RESULT(syscall(SYS_utimensat, AT_FDCWD, "file", nowhere(), 0));
}

static void test_statfs(void)
{
	struct statfs fs;
	int fd = file_with("file", "text");

	RESULT(statfs(".", &fs));
	VALUE(fs.f_type == 0x01021994); /* tmpfs */
	VALUE(fs.f_bsize);
	VALUE(fs.f_namelen);
	RESULT(statfs("/proc", &fs));
	VALUE(fs.f_type);
	RESULT(fstatfs(fd, &fs));
	RESULT(statfs("missing", &fs));
	RESULT(statfs("file/below", &fs));
	RESULT(fstatfs(-1, &fs));
	RESULT(syscall(SYS_statfs, ".", nowhere()));
}

static void test_xattr(void)
{
	int fd = file_with("file", "text");
	char text[64];

	RESULT(getxattr("missing", "user.a", text, sizeof(text)));
	RESULT(fgetxattr(-1, "user.a", text, sizeof(text)));
	RESULT(setxattr("file", "", "v", 1, 0));
	RESULT(setxattr("file", "user.a", "v", 1, 0x10));
	RESULT(fsetxattr(-1, "user.a", "v", 1, 0));
	RESULT(listxattr("missing", text, sizeof(text)));
	RESULT(fremovexattr(-1, "user.a"));
	RESULT(lgetxattr("file", "user.a", nowhere(), 0) < 0);
	RESULT(flistxattr(fd, text, 0));
	symlink("missing", "dangling");
	RESULT(lsetxattr("missing", "user.a", "v", 1, 0));
	RESULT(lsetxattr("file", "user.a", "v", 1, 4));
	RESULT(getxattr("dangling", "user.a", text, sizeof(text)));
	RESULT(lgetxattr("missing", "user.a", text, sizeof(text)));
	RESULT(llistxattr("dangling", text, 0));
	RESULT(llistxattr("missing", text, 0));
	RESULT(removexattr("missing", "user.a"));
	RESULT(lremovexattr("missing", "user.a"));
	/* The file comes first, then flags, then the name. */
	RESULT(setxattr("dangling", "trusted.a", "v", 1, 4));
	RESULT(setxattr("file", "", "v", 1, 4));
	RESULT(setxattr("file", "", "v", 1 << 20, 0));
}

static char long_name[300];

/* tmpfs of 6.1 has these, and user.* from 6.6 on. */
static void test_trusted_xattr(void)
{
	int fd = file_with("file", "text"), place = open("file", O_PATH);
	static char text[1 << 17];

	RESULT(setxattr("file", "trusted.a", "value", 5, 0));
	RESULT(fsetxattr(fd, "trusted.a", "value", 5, XATTR_CREATE));
	RESULT(setxattr("file", "trusted.b", "value", 5, XATTR_REPLACE));
	RESULT(setxattr("file", "trusted.a", "other", 5, XATTR_CREATE | XATTR_REPLACE));
	RESULT(fgetxattr(fd, "trusted.a", text, sizeof(text)));
	RESULT(getxattr("file", "trusted.a", text, 4));
	RESULT(getxattr("file", "trusted.a", NULL, 0));
	RESULT(getxattr("file", "trusted.a", nowhere(), 5));
	RESULT(getxattr("file", nowhere(), text, 5));
	RESULT(getxattr("file", "trusted.b", text, 5));
	RESULT(listxattr("file", text, sizeof(text)));
	RESULT(flistxattr(fd, text, 9));
	RESULT(listxattr("file", nowhere(), 10));
	RESULT(fgetxattr(place, "trusted.a", text, 5));
	RESULT(fsetxattr(place, "trusted.a", text, 5, 0));
	RESULT(flistxattr(place, text, 5));
	RESULT(fremovexattr(place, "trusted.a"));
	RESULT(setxattr("file", "trusted.", "v", 1, 0));
	RESULT(getxattr("file", "trusted.", text, 1));
	RESULT(removexattr("file", "trusted."));
	RESULT(setxattr("file", "trusted", "v", 1, 0));
	RESULT(setxattr("file", "system.none", "v", 1, 0));
	RESULT(getxattr("file", "system.none", text, 1));
	RESULT(removexattr("file", "none.a"));
	RESULT(setxattr("file", "trusted.long", text, 65536, 0));
	RESULT(getxattr("file", "trusted.long", text, sizeof(text)));
	RESULT(setxattr("file", "trusted.long", text, 65537, 0));
	RESULT(setxattr("file", "trusted.long", nowhere(), 1, 0));
	RESULT(getxattr("file", "trusted.long", NULL, 0));
	memset(long_name, 'n', sizeof(long_name) - 1);
	memcpy(long_name, "trusted.", 8);
	RESULT(setxattr("file", long_name, "v", 1, 0));
	long_name[255] = 0;
	RESULT(setxattr("file", long_name, "v", 1, 0));
	RESULT(removexattr("file", long_name));
	RESULT(fremovexattr(fd, "trusted.a"));
	RESULT(fremovexattr(fd, "trusted.a"));
	symlink("file", "link");
	RESULT(lsetxattr("link", "trusted.l", "v", 1, 0));
	RESULT(lgetxattr("link", "trusted.l", text, 1));
	RESULT(getxattr("link", "trusted.l", text, 1));
	RESULT(llistxattr("link", text, 100));
	RESULT(lremovexattr("link", "trusted.l"));
	RESULT(lsetxattr("link", "user.l", "v", 1, 0));
	RESULT(lgetxattr("link", "user.l", text, 1));
	RESULT(setxattr("file", "security.capability", "short", 5, 0));
	RESULT(setxattr("file", "security.capability", "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0));
	RESULT(getxattr("file", "security.capability", text, 100));
	RESULT(write(fd, "x", 1));
	RESULT(getxattr("file", "security.capability", text, 100));
	RESULT(setxattr("/proc/self/comm", "trusted.a", "v", 1, 0));
	RESULT(getxattr("/proc/self/comm", "trusted.a", text, 1));
	RESULT(listxattr("/proc/self/comm", text, 10));
}

static void without_trust(void)
{
	char text[64];

	RESULT(getxattr("file", "trusted.a", text, 10));
	RESULT(setxattr("file", "trusted.a", "", 1, 0));
	RESULT(removexattr("file", "trusted.a"));
	RESULT(listxattr("file", text, 64));
	RESULT(getxattr("file", "security.b", text, 10));
	RESULT(getxattr("file", "none.b", text, 10));
	RESULT(setxattr("file", "none.b", text, 10, 0));
}

static void test_xattr_of_others(void)
{
	close(file_with("file", "text"));
	chmod("file", 0600);
	RESULT(setxattr("file", "trusted.a", "v", 1, 0));
	RESULT(setxattr("file", "security.b", "v", 1, 0));
	as_user(1000, "another user", without_trust);
}

static const struct calls table[] = {
	{ "stat fstat lstat", test_stat },
	{ "newfstatat", test_newfstatat },
	{ "statx", test_statx },
	{ "chmod fchmod fchmodat", test_chmod },
	{ "chown fchown lchown fchownat", test_chown },
	{ "access faccessat faccessat2", test_access },
	{ "umask", test_umask },
	{ "utime utimes utimensat futimesat", test_utimes },
	{ "statfs fstatfs", test_statfs },
	{ "setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr "
	  "removexattr "
	  "lremovexattr fremovexattr",
	  test_xattr },
	{ "setxattr getxattr listxattr removexattr", test_trusted_xattr },
	{ "setxattr getxattr listxattr removexattr", test_xattr_of_others },
};

CALLS_MAIN(table)
