/* SPDX-License-Identifier: BSD-2-Clause */
/* Files, directories, pipes and descriptors, as the Linux manual pages describe them.  Runs on Linux, too
 * (as root; give a directory of a tmpfs such as /dev/shm/files-XXXXXX). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define NOREPLACE   1
#define EXCHANGE    2
#define BASIC_STATS 0x7ffu

/* The head of struct statx, and room for the rest. */
struct statx_head {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size;
	char rest[200];
};

static int renameat2_(const char *from, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

/* The call fails with this very error. */
#define FAILS(call, error)                                                                              \
	do {                                                                                            \
		errno = 0;                                                                              \
		long r_ = (long)(call);                                                                 \
		if (r_ != -1 || errno != (error))                                                       \
			printf("# %s: result %ld, errno %d, expected %d\n", #call, r_, errno, (error)); \
		tap(r_ == -1 && errno == (error), #call " -> " #error);                                 \
	} while (0)

#define WORKS(call)                                               \
	do {                                                      \
		long r_ = (long)(call);                           \
		if (r_ < 0)                                       \
			printf("# %s: errno %d\n", #call, errno); \
		tap(r_ >= 0, #call);                              \
	} while (0)

#define IS(e) tap((e), #e)

static char long_name[300], long_path[5000];

static int touch(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	return fd < 0 ? -1 : close(fd);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 ? 0 : st.st_mode;
}

static ino_t ino_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 ? 0 : st.st_ino;
}

static long size_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 ? -1 : (long)st.st_size;
}

/* What fn returns in a child that has given up root. */
static int as_user(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(1000) < 0 || setuid(1000) < 0)
			_exit(99);
		_exit(fn());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void test_open(void)
{
	int fd;

	FAILS(open("absent", O_RDONLY), ENOENT);
	FAILS(open("", O_RDONLY), ENOENT);
	FAILS(open("absent/x", O_CREAT | O_WRONLY, 0644), ENOENT);
	FAILS(open(long_name, O_RDONLY), ENAMETOOLONG);
	FAILS(open(long_path, O_RDONLY), ENAMETOOLONG);
	FAILS(open((char *)8, O_RDONLY), EFAULT);
	WORKS(touch("file"));
	FAILS(open("file", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	FAILS(open("file/x", O_RDONLY), ENOTDIR);
	FAILS(open("file/", O_RDONLY), ENOTDIR);
	FAILS(open("file/", O_CREAT | O_WRONLY, 0644), EISDIR);
	FAILS(open("new/", O_CREAT | O_WRONLY, 0644), EISDIR);
	FAILS(open("file", O_DIRECTORY), ENOTDIR);
	WORKS(mkdir("dir", 0755));
	FAILS(open("dir", O_WRONLY), EISDIR);
	FAILS(open("dir", O_RDWR), EISDIR);
	FAILS(open("dir", O_CREAT, 0644), EISDIR);
	FAILS(open("dir", O_RDONLY | O_TRUNC), EISDIR);
	FAILS(open(".", O_CREAT | O_WRONLY, 0644), EISDIR);
	FAILS(open("dir", O_RDONLY | O_TMPFILE), EINVAL);
	WORKS(symlink("file", "link"));
	WORKS(symlink("nowhere", "dangling"));
	WORKS(symlink("loop", "loop"));
	FAILS(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
	FAILS(open("loop", O_RDONLY), ELOOP);
	FAILS(open("loop", O_CREAT | O_WRONLY, 0644), ELOOP);
	FAILS(open("dangling", O_RDONLY), ENOENT);
	FAILS(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	FAILS(open("link/", O_RDONLY), ENOTDIR);
	fd = open("dangling", O_CREAT | O_WRONLY, 0600);
	IS(fd >= 0 && mode_of("nowhere") == (S_IFREG | 0600));
	close(fd);
	unlink("nowhere");
	unlink("dangling");
	unlink("loop");
	fd = open("link", O_PATH | O_NOFOLLOW);
	IS(fd >= 0);
	FAILS(read(fd, long_path, 1), EBADF);
	FAILS(syscall(SYS_fchmod, fd, 0600), EBADF);
	FAILS(ioctl(fd, FIONREAD, &fd), EBADF);
	FAILS(lseek(fd, 0, SEEK_SET), EBADF);
	IS(readlinkat(fd, "", long_path, 4) == 4);
	close(fd);
	fd = open("file", O_RDONLY);
	FAILS(write(fd, "x", 1), EBADF);
	FAILS(ftruncate(fd, 0), EINVAL);
	FAILS(ftruncate(fd, -1), EINVAL);
	FAILS(ioctl(fd, 0x5401, long_path), ENOTTY);
	IS((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
	close(fd);
	fd = open("dir", O_RDONLY | O_DIRECTORY);
	FAILS(read(fd, long_path, 1), EISDIR);
	FAILS(pread(fd, long_path, 1, 0), EISDIR);
	FAILS(write(fd, "x", 1), EBADF);
	FAILS(openat(fd, "absent", O_RDONLY), ENOENT);
	WORKS(faccessat(fd, ".", R_OK, 0));
	close(fd);
	FAILS(openat(fd, "x", O_RDONLY), EBADF);
	fd = open("file", O_RDONLY);
	FAILS(openat(fd, "x", O_RDONLY), ENOTDIR);
	close(fd);
	unlink("link");
	rmdir("dir");
	unlink("file");
	memset(long_path, 'x', sizeof(long_path) - 1);
}

#define PAGE 4096l
#define MANY 40l

/* Pages are looked up many at a time: none is missed, those that are not there are zeros, and what a buffer
 * with a hole has room for in front of that is read. */
static void read_many_pages(void)
{
	int fd = open("many", O_CREAT | O_RDWR | O_TRUNC, 0600);
	char *buf =
		mmap(NULL, (size_t)(MANY * PAGE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool right = true;

	for (long i = 0; i < MANY; i++) {
		memset(buf, (int)i + 1, (size_t)PAGE);
		right &= i == 25 || pwrite(fd, buf, (size_t)PAGE, i * PAGE) == PAGE;
	}
	IS(right && pread(fd, buf, (size_t)(MANY * PAGE), 100) == MANY * PAGE - 100);
	for (long i = 0; i < MANY * PAGE - 100; i++)
		right &= buf[i] == ((i + 100) / PAGE == 25 ? 0 : (i + 100) / PAGE + 1);
	IS(right);
	WORKS(munmap(buf + 3 * PAGE, (size_t)PAGE));
	IS(pread(fd, buf, (size_t)(MANY * PAGE), 0) == 3 * PAGE && buf[3 * PAGE - 1] == 3);
	FAILS(pread(fd, buf + 3 * PAGE, (size_t)(9 * PAGE), 0), EFAULT);
	munmap(buf, (size_t)(MANY * PAGE));
	close(fd);
	unlink("many");
}

static void test_io(void)
{
	char buf[64];
	struct iovec vec[2] = { { buf, 3 }, { buf + 10, 4 } };
	int fd = open("io", O_CREAT | O_RDWR | O_TRUNC, 0644), other;
	off_t pos;

	IS(write(fd, "hello world", 11) == 11);
	IS(lseek(fd, 0, SEEK_END) == 11);
	IS(lseek(fd, -5, SEEK_CUR) == 6);
	IS(read(fd, buf, 64) == 5 && memcmp(buf, "world", 5) == 0);
	IS(read(fd, buf, 64) == 0);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	FAILS(lseek(fd, 0, 9), EINVAL);
	IS(pread(fd, buf, 5, 6) == 5 && memcmp(buf, "world", 5) == 0);
	FAILS(pread(fd, buf, 5, -1), EINVAL);
	IS(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, vec, 2) == 7 && memcmp(buf, "hel", 3) == 0 &&
	   memcmp(buf + 10, "lo w", 4) == 0);
	FAILS(readv(fd, vec, -1), EINVAL);
	FAILS(read(fd, (void *)8, 1), EFAULT);
	FAILS(write(fd, (void *)8, 1), EFAULT);
	FAILS(syscall(SYS_read, fd, buf, -1l), EFAULT);
	IS(read(fd, NULL, 0) == 0);
	IS(lseek(fd, 10000, SEEK_SET) == 10000 && write(fd, "end", 3) == 3 && size_of("io") == 10003);
	IS(pread(fd, buf, 4, 5000) == 4 && memcmp(buf, "\0\0\0\0", 4) == 0);
	IS(ftruncate(fd, 5) == 0 && size_of("io") == 5);
	IS(ftruncate(fd, 20) == 0 && pread(fd, buf, 64, 0) == 20 && memcmp(buf, "hello\0\0\0", 8) == 0);
	FAILS(truncate(".", 1), EISDIR);
	FAILS(truncate("io", -1), EINVAL);
	read_many_pages();
	other = open("io", O_WRONLY | O_APPEND);
	IS(write(other, "app", 3) == 3 && size_of("io") == 23);
	IS(pwrite(other, "X", 1, 0) == 1 && size_of("io") == 24); /* Linux appends even so */
	close(other);
	other = open("copy", O_CREAT | O_RDWR | O_TRUNC, 0644);
	pos = 1;
	IS(sendfile(other, fd, &pos, 100) == 23 && pos == 24 && size_of("copy") == 23);
	IS(posix_fallocate(other, 0, 9000) == 0 && size_of("copy") == 9000);
	FAILS(fallocate(other, 0, -1, 5), EINVAL);
	FAILS(fallocate(other, 0, 0, 0), EINVAL);
	WORKS(fsync(other));
	close(other);
	close(fd);
	unlink("io");
	unlink("copy");
}

static void test_unlinked(void)
{
	int fd = open("gone", O_CREAT | O_RDWR, 0644);
	struct stat st;
	char buf[4];

	WORKS(unlink("gone"));
	IS(write(fd, "abc", 3) == 3 && pread(fd, buf, 3, 0) == 3 && memcmp(buf, "abc", 3) == 0);
	IS(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 3);
	close(fd);
	FAILS(unlink("gone"), ENOENT);
	FAILS(unlink("."), EISDIR);
	FAILS(unlink("/"), EISDIR);
	mkdir("dead", 0755);
	WORKS(chdir("dead"));
	WORKS(rmdir("../dead"));
	FAILS(open("x", O_CREAT | O_WRONLY, 0644), ENOENT);
	FAILS(mkdir("x", 0755), ENOENT);
	FAILS(syscall(SYS_getcwd, long_path, 100), ENOENT);
	WORKS(chdir(".."));
}

static void test_directories(void)
{
	struct stat st;
	char cwd[256];

	FAILS(mkdir(".", 0755), EEXIST);
	FAILS(mkdir("/", 0755), EEXIST);
	WORKS(mkdir("d/", 0700));
	FAILS(mkdir("d", 0755), EEXIST);
	FAILS(mkdir("no/d", 0755), ENOENT);
	IS(stat("d", &st) == 0 && st.st_nlink == 2);
	WORKS(mkdir("d/e", 0755));
	IS(stat("d", &st) == 0 && st.st_nlink == 3);
	FAILS(rmdir("d"), ENOTEMPTY);
	FAILS(rmdir("d/."), EINVAL);
	FAILS(rmdir("d/e/.."), ENOTEMPTY);
	FAILS(rmdir("/"), EBUSY);
	FAILS(unlink("d"), EISDIR);
	FAILS(unlink("d/"), EISDIR);
	touch("f");
	FAILS(rmdir("f"), ENOTDIR);
	FAILS(unlink("f/"), ENOTDIR);
	FAILS(mkdir("f/x", 0755), ENOTDIR);
	FAILS(chdir("f"), ENOTDIR);
	FAILS(link("d", "d2"), EPERM);
	WORKS(chdir("d/e"));
	IS(getcwd(cwd, sizeof(cwd)) && strcmp(cwd + strlen(cwd) - 4, "/d/e") == 0);
	FAILS(syscall(SYS_getcwd, cwd, 3), ERANGE);
	WORKS(chdir("../.."));
	WORKS(rmdir("d/e/"));
	WORKS(rmdir("d"));
	unlink("f");
}

static void test_links(void)
{
	char buf[32];

	touch("a");
	WORKS(link("a", "b"));
	IS(ino_of("a") == ino_of("b"));
	FAILS(link("a", "b"), EEXIST);
	FAILS(link("none", "c"), ENOENT);
	FAILS(link("a", "c/"), ENOENT);
	WORKS(symlink("a", "s"));
	FAILS(symlink("a", "s"), EEXIST);
	FAILS(symlink("", "t"), ENOENT);
	FAILS(symlink("a", ""), ENOENT);
	IS(readlink("s", buf, sizeof(buf)) == 1 && buf[0] == 'a');
	FAILS(readlink("a", buf, sizeof(buf)), EINVAL);
	FAILS(syscall(SYS_readlink, "s", buf, 0), EINVAL);
	WORKS(link("s", "l"));
	IS(S_ISLNK(mode_of("l")));
	WORKS(linkat(AT_FDCWD, "s", AT_FDCWD, "m", AT_SYMLINK_FOLLOW));
	IS(S_ISREG(mode_of("m")));
	IS(size_of("s") == 1);
	unlink("a");
	unlink("b");
	unlink("s");
	unlink("l");
	unlink("m");
}

static void test_rename(void)
{
	ino_t ino, other;

	touch("a");
	touch("b");
	ino = ino_of("a");
	WORKS(rename("a", "b"));
	IS(ino_of("b") == ino && ino_of("a") == 0);
	FAILS(rename("a", "c"), ENOENT);
	mkdir("d", 0755);
	mkdir("d/sub", 0755);
	FAILS(rename("d", "d/sub/x"), EINVAL);
	FAILS(rename("d", "d/x"), EINVAL);
	FAILS(rename("d/sub", "d"), ENOTEMPTY);
	FAILS(rename("b", "d"), EISDIR);
	FAILS(rename("d", "b"), ENOTDIR);
	FAILS(rename("b", "d/"), ENOTDIR);
	FAILS(rename("b", "n/"), ENOTDIR);
	FAILS(rename("b/", "n"), ENOTDIR);
	FAILS(rename("d/.", "n"), EBUSY);
	FAILS(rename("d", "."), EBUSY);
	mkdir("e", 0755);
	WORKS(rename("e", "d/sub"));
	touch("d/sub/f");
	mkdir("e", 0755);
	FAILS(rename("e", "d/sub"), ENOTEMPTY);
	WORKS(rename("d/sub", "e/"));
	IS(ino_of("e/f") != 0);
	link("b", "c");
	WORKS(rename("b", "c")); /* names of one file: nothing happens */
	IS(ino_of("b") == ino && ino_of("c") == ino);
	FAILS(renameat2_("b", "c", NOREPLACE), EEXIST);
	FAILS(renameat2_("b", "c", 77), EINVAL);
	FAILS(renameat2_("b", "x", EXCHANGE), ENOENT);
	other = ino_of("e");
	WORKS(renameat2_("b", "e", EXCHANGE));
	IS(ino_of("e") == ino && ino_of("b") == other && ino_of("b/f") != 0);
	unlink("b/f");
	rmdir("b");
	unlink("e");
	unlink("c");
	rmdir("d");
}

static int user_cases(void)
{
	if (open("secret", O_RDONLY) != -1 || errno != EACCES)
		return 1;
	if (open("closed/x", O_RDONLY) != -1 || errno != EACCES)
		return 2;
	if (unlink("sticky/root") != -1 || errno != EPERM)
		return 3;
	if (rename("sticky/root", "sticky/mine") != -1 || errno != EPERM)
		return 4;
	if (chmod("readable", 0777) != -1 || errno != EPERM)
		return 5;
	if (chown("readable", 1000, 1000) != -1 || errno != EPERM)
		return 6;
	if (open("readable", O_WRONLY) != -1 || errno != EACCES)
		return 7;
	if (open("new", O_CREAT | O_WRONLY, 0644) != -1 || errno != EACCES)
		return 8;
	if (access("readable", R_OK) != 0 || access("readable", W_OK) != -1 || errno != EACCES)
		return 9;
	if (touch("sticky/mine") != 0 || unlink("sticky/mine") != 0)
		return 10;
	if (mknod("sticky/dev", S_IFCHR | 0600, makedev(1, 3)) != -1 || errno != EPERM)
		return 11;
	if (utimensat(AT_FDCWD, "readable", NULL, 0) != -1 || errno != EACCES)
		return 12;
	if (chroot("/") != -1 || errno != EPERM)
		return 13;
	if (mkdir("group/d", 0755) != 0 || !(mode_of("group/d") & S_ISGID))
		return 14;
	if (open("readable", O_RDONLY | O_NOATIME) != -1 || errno != EPERM)
		return 15;
	return 0;
}

static void test_permissions(void)
{
	struct stat st;
	int result;

	touch("secret");
	chmod("secret", 0600);
	touch("readable");
	mkdir("closed", 0700);
	mkdir("sticky", 0777);
	chmod("sticky", 01777);
	touch("sticky/root");
	mkdir("group", 0777);
	chmod("group", 02777);
	result = as_user(user_cases);
	if (result)
		printf("# case %d\n", result);
	tap(result == 0, "permissions hold for an ordinary user");
	IS(stat("group/d", &st) == 0 && st.st_gid == 0 && st.st_uid == 1000);
	WORKS(access("secret", R_OK | W_OK));
	FAILS(access("secret", X_OK), EACCES);
	FAILS(access("secret", 8), EINVAL);
	WORKS(chmod("secret", 06755));
	WORKS(chown("secret", 5, 6));
	IS(stat("secret", &st) == 0 && st.st_uid == 5 && st.st_gid == 6 && (st.st_mode & 07777) == 0755);
	WORKS(chown("secret", -1, 7));
	IS(stat("secret", &st) == 0 && st.st_uid == 5 && st.st_gid == 7);
	IS(umask(077) == 022);
	touch("masked");
	IS((mode_of("masked") & 0777) == 0600);
	umask(022);
	unlink("masked");
	unlink("secret");
	unlink("readable");
	unlink("sticky/root");
	rmdir("sticky");
	rmdir("closed");
	rmdir("group/d");
	rmdir("group");
}

static void test_times(void)
{
	struct timespec set[2] = { { 1000, 5 }, { 2000, 6 } };
	struct timespec omit[2] = { { 0, UTIME_OMIT }, { 7, 8 } };
	struct timespec bad[2] = { { 0, 1000000000 }, { 0, 0 } };
	struct timeval tv[2] = { { 3, 4 }, { 5, 6 } };
	struct stat st;
	struct statx_head x;

	touch("t");
	WORKS(utimensat(AT_FDCWD, "t", set, 0));
	IS(stat("t", &st) == 0 && st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5 &&
	   st.st_mtim.tv_sec == 2000);
	WORKS(utimensat(AT_FDCWD, "t", omit, 0));
	IS(stat("t", &st) == 0 && st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec == 7 &&
	   st.st_mtim.tv_nsec == 8);
	FAILS(utimensat(AT_FDCWD, "t", bad, 0), EINVAL);
	WORKS(utimes("t", tv));
	IS(stat("t", &st) == 0 && st.st_atim.tv_nsec == 4000 && st.st_mtim.tv_sec == 5);
	IS(syscall(SYS_statx, AT_FDCWD, "t", 0, BASIC_STATS, &x) == 0 && x.ino == st.st_ino && x.nlink == 1 &&
	   x.size == 0);
	FAILS(syscall(SYS_statx, AT_FDCWD, "t", 0, 1u << 31, &x), EINVAL);
	FAILS(fstatat(AT_FDCWD, "", &st, 0), ENOENT);
	WORKS(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	unlink("t");
}

static int count_entries(const char *name)
{
	DIR *dir = opendir(name);
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static void test_readdir(void)
{
	char name[32], buf[1024];
	int fd, removed = 0;
	struct dirent *e;
	DIR *dir;

	mkdir("many", 0755);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "many/entry%d", i);
		touch(name);
	}
	IS(count_entries("many") == 502);
	fd = open("many", O_RDONLY);
	FAILS(syscall(SYS_getdents64, fd, buf, 8), EINVAL);
	FAILS(syscall(SYS_getdents64, fd, (void *)8, 1024), EFAULT);
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	FAILS(syscall(SYS_getdents64, fd, buf, 1024), ENOTDIR);
	close(fd);
	dir = opendir("many");
	while (dir && (e = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "many/%.20s", e->d_name);
		if (e->d_name[0] != '.' && e->d_type == DT_REG)
			removed += unlink(name) == 0;
	}
	closedir(dir);
	tap(removed == 500, "every entry is seen while they are removed");
	IS(count_entries("many") == 2);
	WORKS(rmdir("many"));
}

static void on_pipe(int signo)
{
	(void)signo;
}

static void test_pipes(void)
{
	struct sigaction action = { .sa_handler = on_pipe };
	char *big = malloc(200000), buf[16];
	int fds[2], status, waiting;
	ssize_t total = 0, n;
	struct pollfd p;
	struct stat st;

	WORKS(pipe(fds));
	IS(fstat(fds[0], &st) == 0 && S_ISFIFO(st.st_mode));
	IS(write(fds[1], "abc", 3) == 3);
	IS(ioctl(fds[0], FIONREAD, &waiting) == 0 && waiting == 3);
	IS(read(fds[0], buf, 16) == 3);
	FAILS(lseek(fds[0], 0, SEEK_SET), ESPIPE);
	FAILS(pread(fds[0], buf, 1, 0), ESPIPE);
	FAILS(read(fds[1], buf, 1), EBADF);
	FAILS(write(fds[0], buf, 1), EBADF);
	FAILS(syscall(SYS_pipe, 8), EFAULT);
	FAILS(pipe2(fds, 0x40000000), EINVAL);
	IS(fcntl(fds[0], F_GETPIPE_SZ) == 65536);
	IS(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	FAILS(read(fds[0], buf, 1), EAGAIN);
	IS(fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0);
	memset(big, 'x', 200000);
	IS(write(fds[1], big, 200000) == 65536);
	FAILS(write(fds[1], big, 1), EAGAIN);
	p = (struct pollfd){ .fd = fds[1], .events = POLLOUT };
	IS(poll(&p, 1, 0) == 0);
	IS(read(fds[0], big, 4095) == 4095);
	FAILS(write(fds[1], big, 4096), EAGAIN);
	IS(read(fds[0], big, 1) == 1);
	IS(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	IS(write(fds[1], big, 4096) == 4096);
	FAILS(fcntl(fds[1], F_SETPIPE_SZ, 4096), EBUSY);
	IS(fcntl(fds[1], F_SETPIPE_SZ, 100000) == 131072);
	while ((n = read(fds[0], big, 200000)) > 0)
		total += n;
	IS(total == 65536);
	p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	IS(poll(&p, 1, 10) == 0);
	close(fds[1]);
	IS(poll(&p, 1, 0) == 1 && p.revents == POLLHUP);
	IS(read(fds[0], buf, 1) == 0);
	close(fds[0]);

	IS(pipe2(fds, O_CLOEXEC) == 0 && fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
	close(fds[0]);
	sigaction(SIGPIPE, &action, NULL);
	FAILS(write(fds[1], "x", 1), EPIPE);
	p = (struct pollfd){ .fd = fds[1], .events = POLLOUT };
	IS(poll(&p, 1, 0) == 1 && (p.revents & POLLERR));
	close(fds[1]);
	action.sa_handler = SIG_DFL;
	sigaction(SIGPIPE, &action, NULL);
	pipe(fds);
	if (fork() == 0) {
		close(fds[0]);
		write(fds[1], "x", 1);
		_exit(0);
	}
	close(fds[0]);
	close(fds[1]);
	wait(&status);
	tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE, "SIGPIPE ends a writer without readers");

	pipe(fds);
	if (fork() == 0) {
		close(fds[0]);
		_exit(write(fds[1], big, 200000) == 200000 ? 0 : 1);
	}
	close(fds[1]);
	for (total = 0; (n = read(fds[0], big, 777)) > 0;)
		total += n;
	close(fds[0]);
	wait(&status);
	tap(total == 200000 && status == 0, "a large write blocks until it is read");
	free(big);
}

/* A full pipe of which a little is read and written again: all bytes come out in order. */
static void test_full_pipe(void)
{
	static unsigned char in[1 << 17], out[1 << 17];
	ssize_t written = 0, got = 0, n;
	int fds[2];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 ^ i >> 8);
	WORKS(pipe2(fds, O_NONBLOCK));
	while ((n = write(fds[1], in + written, 10000)) > 0)
		written += n;
	for (int i = 0; i < 30; i++) {
		if ((n = read(fds[0], out + got, 700)) > 0)
			got += n;
		if ((n = write(fds[1], in + written, 700)) > 0)
			written += n;
	}
	while ((n = read(fds[0], out + got, sizeof(out) - (size_t)got)) > 0)
		got += n;
	IS(got == written && memcmp(in, out, (size_t)got) == 0);
	close(fds[0]);
	close(fds[1]);
}

static void test_fifos(void)
{
	char buf[8];
	int r, w, status;

	WORKS(mkfifo("fifo", 0644));
	FAILS(mkfifo("fifo", 0644), EEXIST);
	FAILS(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	IS(r >= 0);
	IS(read(r, buf, 8) == 0);
	w = open("fifo", O_WRONLY | O_NONBLOCK);
	IS(w >= 0);
	FAILS(read(r, buf, 8), EAGAIN);
	IS(write(w, "hi", 2) == 2 && read(r, buf, 8) == 2);
	close(w);
	IS(read(r, buf, 8) == 0);
	close(r);
	if (fork() == 0) {
		w = open("fifo", O_WRONLY);
		_exit(write(w, "data", 4) == 4 ? 0 : 1);
	}
	r = open("fifo", O_RDONLY);
	IS(read(r, buf, 8) == 4 && memcmp(buf, "data", 4) == 0);
	close(r);
	wait(&status);
	IS(status == 0);
	unlink("fifo");
}

static void test_descriptors(void)
{
	struct {
		int fd;
	} d;
	int fd = open("/dev/null", O_RDWR), other;

	IS(dup(fd) == fd + 1);
	IS(dup2(fd, 20) == 20 && dup2(20, 20) == 20);
	FAILS(dup2(99, 5), EBADF);
	FAILS(dup2(99, 99), EBADF);
	FAILS(dup2(fd, -1), EBADF);
	FAILS(dup3(fd, fd, 0), EINVAL);
	FAILS(syscall(SYS_dup3, fd, 21, 1), EINVAL);
	IS(dup3(fd, 21, O_CLOEXEC) == 21 && fcntl(21, F_GETFD) == 1 && fcntl(20, F_GETFD) == 0);
	IS(fcntl(fd, F_DUPFD, 30) == 30 && fcntl(fd, F_DUPFD_CLOEXEC, 30) == 31 && fcntl(31, F_GETFD) == 1);
	FAILS(fcntl(fd, F_DUPFD, -1), EINVAL);
	FAILS(fcntl(99, F_GETFD), EBADF);
	FAILS(fcntl(fd, 12345), EINVAL);
	FAILS(close(99), EBADF);
	FAILS(fcntl(fd, F_GETPIPE_SZ), EBADF);
	IS(syscall(SYS_close_range, 20, 25, 0) == 0);
	FAILS(fcntl(20, F_GETFD), EBADF);
	FAILS(syscall(SYS_close_range, 25, 20, 0), EINVAL);
	IS(fcntl(fd, F_SETFL, O_APPEND) == 0 && (fcntl(fd, F_GETFL) & O_APPEND));
	close(30);
	close(31);
	close(fd + 1);
	close(fd);
	d.fd = open("shared", O_CREAT | O_RDWR, 0644);
	other = dup(d.fd);
	IS(write(d.fd, "abc", 3) == 3 && lseek(other, 0, SEEK_CUR) == 3);
	close(d.fd);
	IS(write(other, "d", 1) == 1 && size_of("shared") == 4);
	close(other);
	unlink("shared");
}

static int try_lock(const char *name, short type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		fd = open(name, O_RDWR);
		_exit(fcntl(fd, F_SETLK, &l) == 0 ? 0 : errno);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void test_locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20 };
	int fd = open("locked", O_CREAT | O_RDWR, 0644), other = open("locked", O_RDWR);

	WORKS(fcntl(fd, F_SETLK, &l));
	IS(try_lock("locked", F_RDLCK, 15, 1) == EAGAIN);
	IS(try_lock("locked", F_RDLCK, 30, 1) == 0);
	IS(try_lock("locked", F_WRLCK, 0, 10) == 0);
	IS(try_lock("locked", F_WRLCK, 0, 0) == EAGAIN);
	l = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 5 };
	WORKS(fcntl(fd, F_SETLK, &l));
	IS(try_lock("locked", F_WRLCK, 15, 5) == 0);
	IS(try_lock("locked", F_WRLCK, 14, 1) == EAGAIN);
	IS(try_lock("locked", F_WRLCK, 20, 1) == EAGAIN);
	close(other); /* any close drops them all */
	IS(try_lock("locked", F_WRLCK, 0, 0) == 0);
	l.l_type = 9;
	FAILS(fcntl(fd, F_SETLK, &l), EINVAL);
	other = open("locked", O_RDWR);
	WORKS(flock(fd, LOCK_EX));
	FAILS(flock(other, LOCK_SH | LOCK_NB), EAGAIN);
	WORKS(flock(fd, LOCK_SH));
	WORKS(flock(other, LOCK_SH | LOCK_NB));
	close(fd);
	WORKS(flock(other, LOCK_EX | LOCK_NB));
	FAILS(flock(other, 77), EINVAL);
	close(other);
	unlink("locked");
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void test_poll(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct timespec ts = { 0, 1000000 };
	struct timeval tv = { 0, 1000 };
	struct pollfd p[2];
	sigset_t mask;
	fd_set set;
	int fds[2];

	pipe(fds);
	p[0] = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	p[1] = (struct pollfd){ .fd = 99, .events = POLLIN };
	IS(poll(p, 2, -1) == 1 && p[1].revents == POLLNVAL && p[0].revents == 0);
	p[1].fd = -1;
	IS(poll(p, 2, 1) == 0 && p[1].revents == 0);
	IS(poll(p, 0, 1) == 0);
	FAILS(poll((struct pollfd *)8, 1, 0), EFAULT);
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	IS(select(fds[0] + 1, &set, NULL, NULL, &tv) == 0 && !FD_ISSET(fds[0], &set));
	if (fork() == 0) {
		usleep(20000);
		write(fds[1], "x", 1);
		_exit(0);
	}
	FD_SET(fds[0], &set);
	IS(select(fds[0] + 1, &set, NULL, NULL, NULL) == 1 && FD_ISSET(fds[0], &set));
	wait(NULL);
	FD_ZERO(&set);
	FD_SET(99, &set);
	FAILS(select(100, &set, NULL, NULL, &tv), EBADF);
	FAILS(select(-1, NULL, NULL, NULL, &tv), EINVAL);
	IS(ppoll(p, 1, &ts, NULL) == 1);
	read(fds[0], &tv, 1);
	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	raise(SIGALRM);
	sigemptyset(&mask);
	FAILS(ppoll(p, 1, NULL, &mask), EINTR);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	tap(sigismember(&mask, SIGALRM), "ppoll restores the mask");
	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(fds[0]);
	close(fds[1]);
}

static void test_devices(void)
{
	char buf[16];
	int fd;

	WORKS(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	fd = open("null", O_RDWR);
	IS(fd >= 0 && write(fd, "x", 1) == 1 && read(fd, buf, 1) == 0);
	close(fd);
	unlink("null");
	WORKS(mknod("odd", S_IFCHR | 0666, makedev(250, 77)));
	FAILS(open("odd", O_RDWR), ENXIO);
	unlink("odd");
	FAILS(mknod("d", S_IFDIR | 0755, 0), EPERM);
	fd = open("/dev/full", O_WRONLY);
	FAILS(write(fd, "x", 1), ENOSPC);
	close(fd);
	fd = open("/dev/zero", O_RDONLY);
	memset(buf, 1, sizeof(buf));
	IS(read(fd, buf, 16) == 16 && buf[15] == 0);
	close(fd);
}

static void test_busy_text(void)
{
	struct stat st;
	int fd, in = open("/proc/self/exe", O_RDONLY), status;
	char *args[] = { "./prog", "child", NULL };
	pid_t pid;

	fstat(in, &st);
	fd = open("prog", O_CREAT | O_WRONLY | O_TRUNC, 0755);
	sendfile(fd, in, NULL, (size_t)st.st_size);
	pid = fork();
	if (pid == 0) {
		execv("./prog", args);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	tap(WEXITSTATUS(status) == ETXTBSY, "a file open for writing does not run");
	close(fd);
	close(in);
	pid = fork();
	if (pid == 0) {
		execv("./prog", args);
		_exit(errno);
	}
	usleep(100000);
	FAILS(open("prog", O_WRONLY), ETXTBSY);
	FAILS(truncate("prog", 0), ETXTBSY);
	WORKS(unlink("prog"));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void test_mapped(void)
{
	int fd = open("mapped", O_CREAT | O_RDWR | O_TRUNC, 0644);
	char *shared, buf[4];

	ftruncate(fd, 8192);
	shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	IS(shared != MAP_FAILED);
	shared[4096] = 'm';
	IS(pread(fd, buf, 1, 4096) == 1 && buf[0] == 'm');
	pwrite(fd, "w", 1, 10);
	IS(shared[10] == 'w');
	munmap(shared, 8192);
	close(fd);
	unlink("mapped");
}

static void test_proc(void)
{
	char buf[256], name[64];
	int fd, fds[2];
	ssize_t n;

	n = readlink("/proc/self", buf, sizeof(buf));
	IS(n > 0 && atoi(buf) == getpid());
	fd = open("p", O_CREAT | O_RDWR, 0644);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, buf, sizeof(buf));
	IS(n > 2 && memcmp(buf + n - 2, "/p", 2) == 0);
	unlink("p");
	n = readlink(name, buf, sizeof(buf));
	IS(n > 12 && memcmp(buf + n - 12, "/p (deleted)", 12) == 0);
	IS(close(open(name, O_RDONLY)) == 0);
	close(fd);
	FAILS(open(name, O_RDONLY), ENOENT);
	pipe(fds);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[0]);
	n = readlink(name, buf, sizeof(buf));
	IS(n > 6 && memcmp(buf, "pipe:[", 6) == 0);
	close(fds[0]);
	close(fds[1]);
	FAILS(open("/proc/999999", O_RDONLY), ENOENT);
	FAILS(open("/proc/self/none", O_RDONLY), ENOENT);
	FAILS(open("/proc/self/none", O_CREAT | O_WRONLY, 0644), ENOENT);
	FAILS(mkdir("/proc/x", 0755), ENOENT);
	fd = open("/proc/self/stat", O_RDONLY);
	n = read(fd, buf, sizeof(buf) - 1);
	IS(n > 20 && atoi(buf) == getpid());
	close(fd);
}

static int prying_cases(void)
{
	static const char *const closed[] = { "/proc/1/environ", "/proc/1/maps", "/proc/1/fd",
					      "/proc/1/cwd/x" };
	char buf[64];

	for (size_t i = 0; i < 4; i++)
		if (open(closed[i], O_RDONLY) != -1 || errno != EACCES)
			return 1 + (int)i;
	if (readlink("/proc/1/exe", buf, sizeof(buf)) != -1 || errno != EACCES)
		return 5;
	if (open("/proc/1/stat", O_RDONLY) < 0 || open("/proc/1/cmdline", O_RDONLY) < 0)
		return 6;
	if (open("/proc/sys/kernel/hostname", O_WRONLY) != -1 || errno != EACCES)
		return 7;
	if (open("/proc/1/oom_score_adj", O_WRONLY) != -1 || errno != EACCES)
		return 8;
	return 0;
}

static void test_prying(void)
{
	int result = as_user(prying_cases);

	if (result)
		printf("# case %d\n", result);
	tap(result == 0, "other people's processes keep their secrets");
}

int main(int argc, char **argv)
{
	char where[] = "/root/files-XXXXXX";

	if (argc > 1 && strcmp(argv[1], "child") == 0) {
		pause();
		return 0;
	}
	if (!mkdtemp(argc > 1 ? argv[1] : where) || chdir(argc > 1 ? argv[1] : where) < 0)
		return 99;
	chmod(".", 0755);
	memset(long_name, 'n', sizeof(long_name) - 1);
	memset(long_path, 'p', sizeof(long_path) - 1);
	test_open();
	test_io();
	test_unlinked();
	test_directories();
	test_links();
	test_rename();
	test_permissions();
	test_times();
	test_readdir();
	test_pipes();
	test_full_pipe();
	test_fifos();
	test_descriptors();
	test_locks();
	test_poll();
	test_devices();
	test_busy_text();
	test_mapped();
	test_proc();
	test_prying();
	chdir("/");
	rmdir(argc > 1 ? argv[1] : where);
	return tap_end();
}
