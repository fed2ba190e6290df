/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, closing and duplicating. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"

static void open_unreadable(void)
{
	RESULT(open("secret", O_RDONLY));
	RESULT(open("new", O_RDWR | O_CREAT, 0600));
	RESULT(open("closed/file", O_RDONLY));
	RESULT(open("readable", O_WRONLY));
	SUCCEEDS(open("readable", O_RDONLY));
	RESULT(open("readable", O_RDONLY | O_NOATIME));
	RESULT(open("readable", O_RDONLY | O_TRUNC));
}

static void test_open_errors(void)
{
	char name[300];

	close(file_with("file", "text"));
	mkdir("directory", 0755);
	RESULT(open("missing", O_RDONLY));
	RESULT(open("missing/file", O_RDONLY | O_CREAT, 0600));
	RESULT(open("file/below", O_RDONLY));
	RESULT(open("file/", O_RDONLY));
	RESULT(open("", O_RDONLY));
	RESULT(open("directory", O_WRONLY));
	RESULT(open("directory", O_RDONLY | O_CREAT, 0600));
	RESULT(open("new/", O_RDWR | O_CREAT, 0600));
	RESULT(open("file", O_RDONLY | O_DIRECTORY));
	RESULT(open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
	RESULT(open(nowhere(), O_RDONLY));
	symlink("loop", "loop");
	RESULT(open("loop", O_RDONLY));
	symlink("file", "link");
	RESULT(open("link", O_RDONLY | O_NOFOLLOW));
	RESULT(open("link", O_RDWR | O_CREAT | O_EXCL, 0600));
	memset(name, 'a', 256);
	name[256] = '\0';
	RESULT(open(name, O_RDONLY));
	name[255] = '\0';
	RESULT(open(name, O_RDONLY));
	RESULT(open(".", O_RDONLY | O_TMPFILE, 0600));
	RESULT(open("/dev/null/below", O_RDONLY));
	close(file_with("secret", "text"));
	chmod("secret", 0);
	close(file_with("readable", "text"));
	mkdir("closed", 0700);
	as_user(1000, "without rights", open_unreadable);
}

struct how {
	uint64_t flags, mode, resolve, more;
};

static int open_how(int dir, const char *name, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct how how = { flags, mode, resolve, 0 };

	return (int)syscall(SYS_openat2, dir, name, &how, 24);
}

#define NO_XDEV       0x01
#define NO_MAGICLINKS 0x02
#define NO_SYMLINKS   0x04
#define BENEATH       0x08
#define IN_ROOT       0x10
#define CACHED        0x20

static void test_openat2_arguments(void)
{
	struct how how = { O_RDONLY, 0, 0, 0 };

	close(file_with("file", "text"));
	RESULT(syscall(SYS_openat2, AT_FDCWD, "file", &how, 23));
	RESULT(syscall(SYS_openat2, AT_FDCWD, "file", &how, 0));
	RESULT(syscall(SYS_openat2, AT_FDCWD, "file", &how, 5000));
	RESULT(syscall(SYS_openat2, AT_FDCWD, "file", nowhere(), 24));
	RESULT(syscall(SYS_openat2, AT_FDCWD, nowhere(), &how, 24));
	SUCCEEDS(syscall(SYS_openat2, AT_FDCWD, "file", &how, 32));
	how.more = 1;
	RESULT(syscall(SYS_openat2, AT_FDCWD, "file", &how, 32));
	SUCCEEDS(syscall(SYS_openat2, AT_FDCWD, "file", &how, 24));
	RESULT(open_how(AT_FDCWD, "file", 1ull << 40, 0, 0));
	RESULT(open_how(AT_FDCWD, "file", 1u << 30, 0, 0));
	RESULT(open_how(AT_FDCWD, "file", O_RDONLY, 0600, 0));
	RESULT(open_how(AT_FDCWD, "file", O_RDWR | O_CREAT, 010000, 0));
	SUCCEEDS(open_how(AT_FDCWD, "new", O_RDWR | O_CREAT, 0600, 0));
	RESULT(open_how(AT_FDCWD, "file", O_PATH | O_RDWR, 0, 0));
	RESULT(open_how(AT_FDCWD, "file", O_PATH | O_CREAT, 0, 0));
	SUCCEEDS(open_how(AT_FDCWD, "file", O_PATH, 0, 0));
	RESULT(open_how(AT_FDCWD, ".", O_TMPFILE & ~O_DIRECTORY, 0600, 0));
	RESULT(open_how(AT_FDCWD, ".", O_TMPFILE, 0600, 0));
	SUCCEEDS(open_how(AT_FDCWD, ".", O_TMPFILE | O_RDWR, 0600, 0));
	RESULT(open_how(AT_FDCWD, "file", O_RDONLY, 0, 0x40));
	RESULT(open_how(AT_FDCWD, "file", O_RDONLY, 0, BENEATH | IN_ROOT));
	RESULT(open_how(-1, "file", O_RDONLY, 0, 0));
	RESULT(open_how(-1, "/file", O_RDONLY, 0, BENEATH));
	RESULT(open_how(AT_FDCWD, "", O_RDONLY, 0, IN_ROOT));
}

static void test_openat2_scope(void)
{
	int dir;

	mkdir("top", 0755);
	mkdir("top/inner", 0755);
	close(file_with("outside", "o"));
	close(file_with("top/file", "f"));
	symlink("../file", "top/inner/up");
	symlink("../../outside", "top/inner/out");
	symlink("/file", "top/absolute");
	symlink("inner", "top/link");
	dir = open("top", O_PATH | O_DIRECTORY);
	SUCCEEDS(open_how(dir, "file", O_RDONLY, 0, BENEATH));
	SUCCEEDS(open_how(dir, "inner/../file", O_RDONLY, 0, BENEATH));
	SUCCEEDS(open_how(dir, "inner/up", O_RDONLY, 0, BENEATH));
	RESULT(open_how(dir, "..", O_RDONLY, 0, BENEATH));
	RESULT(open_how(dir, "../top/file", O_RDONLY, 0, BENEATH));
	RESULT(open_how(dir, "inner/out", O_RDONLY, 0, BENEATH));
	RESULT(open_how(dir, "absolute", O_RDONLY, 0, BENEATH));
	RESULT(open_how(dir, "/", O_RDONLY, 0, BENEATH));
	RESULT(open_how(dir, "../new", O_RDWR | O_CREAT, 0600, BENEATH));
	RESULT(open_how(dir, "missing", O_RDONLY, 0, BENEATH));
	SUCCEEDS(open_how(dir, "made", O_RDWR | O_CREAT, 0600, BENEATH));
	SUCCEEDS(open_how(dir, "/file", O_RDONLY, 0, IN_ROOT));
	SUCCEEDS(open_how(dir, "../../file", O_RDONLY, 0, IN_ROOT));
	SUCCEEDS(open_how(dir, "absolute", O_RDONLY, 0, IN_ROOT));
	RESULT(open_how(dir, "inner/out", O_RDONLY, 0, IN_ROOT));
	SUCCEEDS(open_how(dir, "/", O_RDONLY, 0, IN_ROOT));
	RESULT(open_how(dir, "/", O_RDWR | O_CREAT, 0600, IN_ROOT));
	SUCCEEDS(open_how(dir, "/rooted", O_RDWR | O_CREAT, 0600, IN_ROOT));
	RESULT(access("top/rooted", F_OK));
	SUCCEEDS(open_how(AT_FDCWD, "/top/inner/up", O_RDONLY, 0, IN_ROOT));
}

static void test_openat2_links(void)
{
	int fd = file_with("file", "f"), dir = (mkdir("d", 0755), open("d", O_PATH));
	char name[64];

	symlink("file", "link");
	symlink("d", "to directory");
	close(file_with("d/file", "f"));
	SUCCEEDS(open_how(AT_FDCWD, "file", O_RDONLY, 0, NO_SYMLINKS));
	RESULT(open_how(AT_FDCWD, "link", O_RDONLY, 0, NO_SYMLINKS));
	RESULT(open_how(AT_FDCWD, "to directory/file", O_RDONLY, 0, NO_SYMLINKS));
	SUCCEEDS(open_how(AT_FDCWD, "link", O_PATH | O_NOFOLLOW, 0, NO_SYMLINKS));
	SUCCEEDS(open_how(AT_FDCWD, "link", O_RDONLY, 0, NO_MAGICLINKS));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	SUCCEEDS(open_how(AT_FDCWD, name, O_RDONLY, 0, 0));
	RESULT(open_how(AT_FDCWD, name, O_RDONLY, 0, NO_MAGICLINKS));
	RESULT(open_how(AT_FDCWD, name, O_RDONLY, 0, NO_SYMLINKS));
	RESULT(open_how(AT_FDCWD, name, O_RDONLY, 0, NO_XDEV));
	RESULT(open_how(AT_FDCWD, "/proc/version", O_RDONLY, 0, NO_XDEV));
	SUCCEEDS(open_how(open("/proc", O_PATH), "version", O_RDONLY, 0, NO_XDEV));
	RESULT(open_how(open("/proc", O_PATH), "..", O_RDONLY, 0, NO_XDEV));
	SUCCEEDS(open_how(dir, "../file", O_RDONLY, 0, NO_XDEV));
	SUCCEEDS(open_how(AT_FDCWD, "link", O_RDONLY, 0, NO_XDEV));
	SUCCEEDS(open_how(AT_FDCWD, "file", O_RDONLY, 0, CACHED));
	RESULT(open_how(AT_FDCWD, "new", O_RDWR | O_CREAT, 0600, CACHED));
	RESULT(open_how(AT_FDCWD, "file", O_RDWR | O_TRUNC, 0, CACHED));
}

static void test_open(void)
{
	struct stat st;
	char text[8] = "";
	int fd;

	symlink("made", "dangling");
	SUCCEEDS(open("dangling", O_RDWR | O_CREAT, 0600));
	RESULT(access("made", F_OK));
	fd = (int)SUCCEEDS(open("new", O_RDWR | O_CREAT | O_EXCL, 06777));
	fstat(fd, &st);
	VALUE(st.st_mode);
	RESULT(write(fd, "abc", 3));
	RESULT(open("new", O_RDWR | O_TRUNC) >= 0);
	fstat(fd, &st);
	VALUE(st.st_size);
	fd = (int)SUCCEEDS(open("new", O_WRONLY | O_APPEND));
	RESULT(write(fd, "abc", 3));
	RESULT(pwrite(fd, "def", 3, 0)); /* at the end, whatever the offset */
	RESULT(lseek(fd, 0, SEEK_CUR));
	RESULT(lseek(fd, 1, SEEK_SET));
	RESULT(write(fd, text, 0)); /* and of nothing not even there */
	RESULT(lseek(fd, 0, SEEK_CUR));
	RESULT(read(fd, text, 1));
	fd = (int)SUCCEEDS(open("new", O_RDONLY));
	RESULT(read(fd, text, 8));
	TEXT("read", text, 6);
	RESULT(write(fd, text, 1));
	RESULT(fcntl(fd, F_GETFL) & O_ACCMODE);
	fd = (int)SUCCEEDS(open("new", O_PATH | O_CLOEXEC));
	RESULT(read(fd, text, 1));
	RESULT(fcntl(fd, F_GETFD));
	RESULT(fchmod(fd, 0600));
	RESULT(ftruncate(fd, 0));
	SUCCEEDS(fstat(fd, &st));
	fd = (int)SUCCEEDS(open(".", O_RDWR | O_TMPFILE, 0600));
	fstat(fd, &st);
	VALUE(st.st_nlink);
	VALUE(st.st_mode);
}

static void test_openat(void)
{
	int dir, file = file_with("file", "text");

	mkdir("d", 0755);
	dir = open("d", O_RDONLY | O_DIRECTORY);
	SUCCEEDS(openat(dir, "inner", O_RDWR | O_CREAT, 0600));
	RESULT(access("d/inner", F_OK));
	SUCCEEDS(openat(dir, "../file", O_RDONLY));
	RESULT(openat(dir, "missing", O_RDONLY));
	RESULT(openat(-1, "file", O_RDONLY));
	RESULT(openat(file, "file", O_RDONLY));
	SUCCEEDS(openat(-1, "/", O_RDONLY));
	SUCCEEDS(openat(AT_FDCWD, "file", O_RDONLY));
	rmdir("d");
	unlink("d/inner");
	rmdir("d");
	RESULT(openat(dir, "new", O_RDWR | O_CREAT, 0600));
	SUCCEEDS(openat(dir, ".", O_RDONLY));
	RESULT(openat(dir, "..", O_RDONLY) >= 0);
}

static void test_creat(void)
{
	struct stat st;
	int fd = (int)SUCCEEDS(syscall(SYS_creat, "file", 0666));

	fstat(fd, &st);
	VALUE(st.st_mode);
	RESULT(write(fd, "text", 4));
	RESULT(read(fd, &st, 1));
	RESULT(syscall(SYS_creat, "file", 0600) >= 0);
	fstat(fd, &st);
	VALUE(st.st_size);
	VALUE(st.st_mode);
	RESULT(syscall(SYS_creat, ".", 0600));
	RESULT(syscall(SYS_creat, "missing/file", 0600));
}

static void test_close(void)
{
	int fd = file_with("file", "text");

	RESULT(close(fd));
	RESULT(close(fd));
	RESULT(close(-1));
	RESULT(close(1000000));
}

static void test_dup(void)
{
	int fd = file_with("file", "text"), copy = dup(fd);
	char c;

	VALUE(copy - fd);
	RESULT(read(fd, &c, 1));
	RESULT(lseek(copy, 0, SEEK_CUR)); /* they share the offset */
	RESULT(fcntl(copy, F_SETFL, O_APPEND));
	RESULT((fcntl(fd, F_GETFL) & O_APPEND) != 0); /* and the status flags, */
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	RESULT(fcntl(copy, F_GETFD)); /* not those of the descriptor */
	RESULT(dup(-1));
	RESULT(dup(999));
}

static void test_dup2(void)
{
	struct rlimit limit = { 64, 64 };
	int fd = file_with("file", "text");

	RESULT(dup2(fd, 50));
	RESULT(dup2(fd, fd) == fd);
	RESULT(dup2(999, 5));
	RESULT(dup2(999, 999));
	RESULT(dup2(fd, -1));
	setrlimit(RLIMIT_NOFILE, &limit);
	RESULT(dup2(fd, 64));
	RESULT(dup2(fd, 63));
	RESULT(dup2(-1, 3));
}

static void test_dup3(void)
{
	int fd = file_with("file", "text");

	RESULT(dup3(fd, 50, O_CLOEXEC));
	RESULT(fcntl(50, F_GETFD));
	RESULT(dup3(fd, 50, 0));
	RESULT(fcntl(50, F_GETFD));
	RESULT(dup3(fd, fd, 0));
	RESULT(dup3(fd, 50, O_APPEND));
	RESULT(dup3(fd, -1, 0));
	RESULT(dup3(999, 50, 0));
}

static void test_close_range(void)
{
	int fd = file_with("file", "text");

	dup2(fd, 50);
	dup2(fd, 52);
	RESULT(syscall(SYS_close_range, 50, 51, 0));
	RESULT(fcntl(50, F_GETFD));
	RESULT(fcntl(52, F_GETFD));
	RESULT(syscall(SYS_close_range, 52, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */));
	RESULT(fcntl(52, F_GETFD));
	RESULT(syscall(SYS_close_range, 2, 1, 0));
	RESULT(syscall(SYS_close_range, 50, 51, 64));
	RESULT(syscall(SYS_close_range, 52, ~0u, 2 /* CLOSE_RANGE_UNSHARE */));
	RESULT(fcntl(52, F_GETFD));
}

static void test_fcntl(void)
{
	struct rlimit limit = { 64, 64 };
	int fd = file_with("file", "text"), pipes[2];

	RESULT(fcntl(fd, F_DUPFD, 30));
	RESULT(fcntl(fd, F_DUPFD, 30));
	RESULT(fcntl(fd, F_DUPFD_CLOEXEC, 30));
	RESULT(fcntl(32, F_GETFD));
	RESULT(fcntl(30, F_GETFD));
	setrlimit(RLIMIT_NOFILE, &limit);
	RESULT(fcntl(fd, F_DUPFD, 64));
	RESULT(fcntl(fd, F_DUPFD, -1));
	RESULT(fcntl(fd, F_SETFD, FD_CLOEXEC));
	RESULT(fcntl(fd, F_GETFD));
	RESULT(fcntl(fd, F_GETFL) & ~0100000 /* O_LARGEFILE */);
	RESULT(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY | O_CREAT));
	RESULT(fcntl(fd, F_GETFL) & ~0100000);
	RESULT(fcntl(-1, F_GETFD));
	RESULT(fcntl(fd, 9999));
	RESULT(fcntl(fd, F_GETPIPE_SZ));
	pipe(pipes);
	RESULT(fcntl(pipes[0], F_GETPIPE_SZ));
	RESULT(fcntl(pipes[0], F_SETPIPE_SZ, 8192));
	RESULT(fcntl(pipes[1], F_GETPIPE_SZ));
}

static void test_hints(void)
{
	int fd = file_with("file", "text");
	uint64_t hint = 7;

	RESULT(fcntl(fd, 1035 /* F_GET_RW_HINT */, &hint));
	VALUE(hint);
	hint = 3;
	RESULT(fcntl(fd, 1036 /* F_SET_RW_HINT */, &hint));
	hint = 6;
	RESULT(fcntl(fd, 1036, &hint));
	RESULT(fcntl(open("file", O_RDONLY), 1035, &hint)); /* it is the file's */
	VALUE(hint);
	RESULT(fcntl(fd, 1036, nowhere()));
	RESULT(fcntl(fd, 1035, nowhere()));
	RESULT(fcntl(fd, 1037, &hint)); /* the open file has none */
	RESULT(fcntl(-1, 1035, &hint));
	RESULT(fcntl(open("file", O_PATH), 1035, &hint));
}

static void test_lease(void)
{
	int fd = file_with("file", "text"), reader;

	RESULT(fcntl(fd, F_GETLEASE));
	RESULT(fcntl(fd, F_SETLEASE, F_UNLCK));
	RESULT(fcntl(fd, F_SETLEASE, F_RDLCK));
	RESULT(fcntl(fd, F_SETLEASE, 5));
	RESULT(fcntl(fd, F_SETLEASE, F_WRLCK));
	RESULT(fcntl(fd, F_GETLEASE));
	signal(SIGIO, SIG_IGN);
	RESULT(open("file", O_RDONLY | O_NONBLOCK));
	RESULT(fcntl(fd, F_GETLEASE));
	RESULT(fcntl(fd, F_SETLEASE, F_UNLCK));
	reader = open("file", O_RDONLY);
	RESULT(fcntl(reader, F_SETLEASE, F_RDLCK));
	close(fd);
	RESULT(fcntl(reader, F_SETLEASE, F_RDLCK));
	RESULT(open("file", O_WRONLY | O_NONBLOCK));
	RESULT(fcntl(reader, F_GETLEASE));
	RESULT(fcntl(open("/proc", O_RDONLY), F_SETLEASE, F_RDLCK));
	RESULT(fcntl(-1, F_GETLEASE));
}

static void test_notify(void)
{
	int dir = open(".", O_RDONLY), fd = file_with("file", "text");

	signal(SIGIO, SIG_IGN);
	RESULT(fcntl(dir, F_NOTIFY, 0));
	RESULT(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	RESULT(fcntl(dir, F_GETOWN) == getpid());
	RESULT(fcntl(dir, F_NOTIFY, DN_MULTISHOT));
	RESULT(fcntl(fd, F_NOTIFY, DN_CREATE));
	RESULT(fcntl(fd, F_NOTIFY, 0));
	RESULT(fcntl(open(".", O_PATH), F_NOTIFY, DN_CREATE));
}

static void other_locker(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	int fd = open("file", O_RDWR);

	RESULT(fcntl(fd, F_SETLK, &l));
	RESULT(fcntl(fd, F_GETLK, &l));
	VALUE(l.l_type == F_RDLCK);
	VALUE(l.l_start);
	VALUE(l.l_len);
	VALUE(l.l_pid == getppid());
	l = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	RESULT(fcntl(fd, F_SETLK, &l));
	l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20 };
	RESULT(fcntl(fd, F_SETLK, &l));
}

static void test_record_locks(void)
{
	struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 15 };
	int fd = file_with("file", "text"), reader = open("file", O_RDONLY);

	RESULT(fcntl(fd, F_SETLK, &l));
	in_child("another process", other_locker);
	l.l_type = F_WRLCK;
	RESULT(fcntl(reader, F_SETLK, &l));
	l.l_type = 7;
	RESULT(fcntl(fd, F_SETLK, &l));
	l.l_type = F_RDLCK;
	l.l_whence = 9;
	RESULT(fcntl(fd, F_SETLK, &l));
	l.l_whence = SEEK_SET;
	l.l_start = -1;
	RESULT(fcntl(fd, F_SETLK, &l));
	RESULT(fcntl(fd, F_SETLK, nowhere()));
	l = (struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET };
	RESULT(fcntl(fd, F_SETLKW, &l));
	RESULT(fcntl(fd, F_GETLK, &l));
	l.l_type = F_WRLCK;
	RESULT(fcntl(fd, F_GETLK, &l));
	VALUE(l.l_type == F_UNLCK);
}

static const struct calls table[] = {
	{ "open", test_open },
	{ "open", test_open_errors },
	{ "openat", test_openat },
	{ "openat2", test_openat2_arguments },
	{ "openat2", test_openat2_scope },
	{ "openat2", test_openat2_links },
	{ "creat", test_creat },
	{ "close", test_close },
	{ "dup", test_dup },
	{ "dup2", test_dup2 },
	{ "dup3", test_dup3 },
	{ "fcntl", test_fcntl },
	{ "fcntl", test_record_locks },
	{ "fcntl", test_hints },
	{ "fcntl", test_lease },
	{ "fcntl", test_notify },
	{ "close_range", test_close_range },
};

CALLS_MAIN(table)
