/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading, writing and the sizes of files. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? -1 : st.st_size;
}

static void test_read(void)
{
	char text[8] = "";
	int fd = file_with("file", "abcdef"), only_write = open("file", O_WRONLY),
	    directory = open(".", O_RDONLY);
	int ends[2];

	RESULT(read(fd, text, 4));
	TEXT("text", text, 4);
	RESULT(read(fd, text, 4));
	RESULT(read(fd, text, 4));
	RESULT(read(fd, text, 0));
	lseek(fd, 0, SEEK_SET);
	RESULT(read(fd, nowhere(), 4));
	RESULT(read(only_write, text, 1));
	RESULT(read(directory, text, 1));
	RESULT(read(-1, text, 1));
	pipe2(ends, O_NONBLOCK);
	RESULT(read(ends[0], text, 1));
	RESULT(read(ends[1], text, 1));
	write(ends[1], "xyz", 3);
	RESULT(read(ends[0], text, 8));
	close(ends[1]);
	RESULT(read(ends[0], text, 8));
}

static void broken_pipe(void)
{
	int ends[2];

	pipe(ends);
	close(ends[0]);
	write(ends[1], "x", 1);
}

static void too_large(void)
{
	struct rlimit limit = { 8, 8 };
	int fd = file_with("limited", "");

	setrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	RESULT(write(fd, "0123456789", 10));
	RESULT(write(fd, "0", 1));
	RESULT(ftruncate(fd, 9));
	signal(SIGXFSZ, SIG_DFL);
	write(fd, "0", 1);
}

static void test_write(void)
{
	char byte = 0;
	int fd = file_with("file", "abcdef"), ends[2], full;
	static char page[65536];

	RESULT(write(fd, "xyz", 3));
	RESULT(size_of(fd));
	RESULT(write(fd, &byte, 0));
	RESULT(write(fd, nowhere(), 4));
	RESULT(write(-1, &byte, 1));
	RESULT(write(open("file", O_RDONLY), &byte, 1));
	lseek(fd, 100, SEEK_SET);
	RESULT(write(fd, "end", 3));
	RESULT(size_of(fd));
	RESULT(pread(fd, &byte, 1, 50));
	VALUE(byte);
	pipe2(ends, O_NONBLOCK);
	RESULT(write(ends[1], page, sizeof(page)));
	RESULT(write(ends[1], page, 1));
	RESULT(write(ends[0], page, 1));
	full = open("/dev/full", O_WRONLY);
	RESULT(write(full, page, 1));
	in_child("a pipe that nobody reads", broken_pipe);
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	RESULT(write(ends[1], "x", 1));
	in_child("beyond RLIMIT_FSIZE", too_large);
}

static void test_pread64(void)
{
	char text[8] = "";
	int fd = file_with("file", "abcdef"), ends[2];

	RESULT(pread(fd, text, 2, 3));
	TEXT("text", text, 2);
	RESULT(lseek(fd, 0, SEEK_CUR));
	RESULT(pread(fd, text, 8, 5));
	RESULT(pread(fd, text, 8, 6));
	RESULT(pread(fd, text, 8, 1000));
	RESULT(pread(fd, text, 1, -1));
	RESULT(pread(fd, nowhere(), 1, 0));
	pipe(ends);
	RESULT(pread(ends[0], text, 1, 0));
	RESULT(pread(open(".", O_RDONLY), text, 1, 0));
}

static void test_pwrite64(void)
{
	int fd = file_with("file", "abcdef"), ends[2];

	RESULT(pwrite(fd, "xy", 2, 3));
	RESULT(lseek(fd, 0, SEEK_CUR));
	RESULT(pwrite(fd, "z", 1, 20));
	RESULT(size_of(fd));
	RESULT(pwrite(fd, "z", 1, -1));
	pipe(ends);
	RESULT(pwrite(ends[1], "z", 1, 0));
	RESULT(pwrite(fd, nowhere(), 1, 0));
}

static void test_vectors(void)
{
	char a[3] = "", b[4] = "";
	struct iovec to[2] = { { a, 2 }, { b, 4 } }, from[3] = { { "ab", 2 }, { NULL, 0 }, { "cdef", 4 } };
	struct iovec wild = { nowhere(), 4 }, half[2] = { { "xy", 2 }, { nowhere(), 4 } },
		     negative = { a, (size_t)-1 };
	int fd = file_with("file", ""), ends[2];

	RESULT(writev(fd, from, 3));
	RESULT(preadv(fd, to, 2, 1));
	TEXT("first", a, 2);
	TEXT("second", b, 3);
	lseek(fd, 0, SEEK_SET);
	RESULT(readv(fd, to, 2));
	RESULT(readv(fd, to, 0));
	RESULT(readv(fd, to, -1));
	RESULT(readv(fd, to, 1025));
	RESULT(readv(fd, nowhere(), 1));
	lseek(fd, 0, SEEK_SET);
	RESULT(readv(fd, &wild, 1));
	RESULT(readv(fd, &negative, 1));
	RESULT(writev(fd, half, 2));
	RESULT(writev(-1, from, 1));
	RESULT(pwritev(fd, from, 3, 10));
	RESULT(size_of(fd));
	RESULT(pwritev(fd, from, 3, -1));
	RESULT(preadv(fd, to, 2, -1));
	pipe(ends);
	RESULT(pwritev(ends[1], from, 1, 0));
	RESULT(preadv(ends[0], to, 1, 0));
}

/* musl 1.2.3 has no name for them. */
static ssize_t preadv2_(int fd, const struct iovec *io, int count, off_t offset, int flags)
{
	return syscall(SYS_preadv2, fd, io, count, offset, 0, flags);
}

static ssize_t pwritev2_(int fd, const struct iovec *io, int count, off_t offset, int flags)
{
	return syscall(SYS_pwritev2, fd, io, count, offset, 0, flags);
}

static void test_vectors_with_flags(void)
{
	char a[4] = "";
	struct iovec io = { a, 2 }, from = { "xy", 2 };
	int fd = file_with("file", "abcdef");

	RESULT(preadv2_(fd, &io, 1, 1, 0));
	TEXT("text", a, 2);
	RESULT(preadv2_(fd, &io, 1, -1, 0)); /* as read(): at the offset, which moves */
	RESULT(lseek(fd, 0, SEEK_CUR));
	RESULT(preadv2_(fd, &io, 1, 0, 0x10000));
	RESULT(preadv2_(fd, &io, 1, 0, 0x1 /* RWF_HIPRI */));
	RESULT(pwritev2_(fd, &from, 1, 0, 0x10 /* RWF_APPEND */));
	RESULT(size_of(fd));
	RESULT(pwritev2_(fd, &from, 1, 0, 0x2 /* RWF_DSYNC */));
	RESULT(pwritev2_(fd, &from, 1, -1, 0));
	RESULT(pwritev2_(-1, &from, 1, 0, 0));
	RESULT(preadv2_(fd, &io, 1, -2, 0));
}

static void test_lseek(void)
{
	int fd = file_with("file", "abcdef"), ends[2];

	RESULT(lseek(fd, 2, SEEK_SET));
	RESULT(lseek(fd, 2, SEEK_CUR));
	RESULT(lseek(fd, -1, SEEK_END));
	RESULT(lseek(fd, 100, SEEK_END));
	RESULT(lseek(fd, -1, SEEK_SET));
	RESULT(lseek(fd, -1000, SEEK_CUR));
	RESULT(lseek(fd, 0, 99));
	RESULT(lseek(fd, 0, SEEK_CUR));
	RESULT(lseek(-1, 0, SEEK_SET));
	pipe(ends);
	RESULT(lseek(ends[0], 0, SEEK_CUR));
	RESULT(lseek(fd, 0, SEEK_DATA));
	RESULT(lseek(fd, 0, SEEK_HOLE));
	RESULT(lseek(fd, 6, SEEK_DATA));
	RESULT(lseek(fd, 7, SEEK_HOLE));
	ftruncate(fd, 1 << 20);
	RESULT(lseek(fd, 4096, SEEK_HOLE));
	RESULT(lseek(fd, 8192, SEEK_DATA));
	RESULT(lseek(fd, 0x7fffffffffffffff, SEEK_SET));
}

static void truncate_of_others(void)
{
	RESULT(truncate("file", 0));
	RESULT(truncate("closed/file", 0));
}

static void test_truncate(void)
{
	struct stat st;

	close(file_with("file", "abcdef"));
	RESULT(truncate("file", 3));
	stat("file", &st);
	VALUE(st.st_size);
	RESULT(truncate("file", 100));
	stat("file", &st);
	VALUE(st.st_size);
	RESULT(truncate("file", -1));
	RESULT(truncate("missing", 0));
	RESULT(truncate(".", 0));
	RESULT(truncate("file/below", 0));
	RESULT(truncate(nowhere(), 0));
	mkdir("closed", 0700);
	as_user(1000, "without rights", truncate_of_others);
}

static void test_ftruncate(void)
{
	char c = 'x';
	int fd = file_with("file", "abcdef"), ends[2];

	RESULT(ftruncate(fd, 2));
	RESULT(ftruncate(fd, 6));
	RESULT(pread(fd, &c, 1, 3));
	VALUE(c);
	RESULT(ftruncate(fd, -1));
	RESULT(ftruncate(open("file", O_RDONLY), 0));
	RESULT(ftruncate(-1, 0));
	RESULT(ftruncate(open(".", O_RDONLY), 0));
	pipe(ends);
	RESULT(ftruncate(ends[1], 0));
}

static void test_fallocate(void)
{
	char c = 'x';
	int fd = file_with("file", "abcdef"), ends[2];

	RESULT(fallocate(fd, 0, 0, 10000));
	RESULT(size_of(fd));
	RESULT(fallocate(fd, FALLOC_FL_KEEP_SIZE, 10000, 10000));
	RESULT(size_of(fd));
	RESULT(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 2));
	RESULT(pread(fd, &c, 1, 1));
	VALUE(c);
	RESULT(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 1, 2));
	RESULT(fallocate(fd, 0, -1, 1));
	RESULT(fallocate(fd, 0, 0, 0));
	RESULT(fallocate(open("file", O_RDONLY), 0, 0, 1));
	RESULT(fallocate(-1, 0, 0, 1));
	pipe(ends);
	RESULT(fallocate(ends[1], 0, 0, 1));
	RESULT(fallocate(fd, 0x4000, 0, 1));
	RESULT(fallocate(fd, 0, 0x7fffffffffffffff, 1));
}

static void test_sync(void)
{
	int fd = file_with("file", "abcdef"), ends[2];

	RESULT(fsync(fd));
	RESULT(fdatasync(fd));
	RESULT(fsync(-1));
	RESULT(fdatasync(-1));
	pipe(ends);
	RESULT(fsync(ends[0]));
	RESULT(fdatasync(ends[0]));
	RESULT(syncfs(fd));
	RESULT(syncfs(-1));
	RESULT((sync(), 0));
}

static void test_sendfile(void)
{
	int from = file_with("from", "abcdef"), to = file_with("to", ""), ends[2];
	char text[8] = "";
	off_t at = 2;

	RESULT(sendfile(to, from, NULL, 3));
	RESULT(lseek(from, 0, SEEK_CUR));
	RESULT(sendfile(to, from, &at, 100));
	VALUE(at);
	RESULT(lseek(from, 0, SEEK_CUR));
	RESULT(pread(to, text, 8, 0));
	TEXT("copied", text, 7);
	pipe(ends);
	at = 0;
	RESULT(sendfile(ends[1], from, &at, 6));
	RESULT(sendfile(to, ends[0], NULL, 1));
	at = -1;
	RESULT(sendfile(to, from, &at, 1));
	RESULT(sendfile(-1, from, NULL, 1));
	RESULT(sendfile(to, -1, NULL, 1));
	RESULT(sendfile(open("to", O_RDONLY), from, NULL, 1));
	RESULT(sendfile(to, from, nowhere(), 1));
	RESULT(sendfile(open("to", O_WRONLY | O_APPEND), from, NULL, 1));
}

static void other_flock(void)
{
	int fd = open("file", O_RDONLY);

	RESULT(flock(fd, LOCK_EX | LOCK_NB));
	RESULT(flock(fd, LOCK_SH | LOCK_NB));
}

static void test_flock(void)
{
	int fd = file_with("file", ""), again = open("file", O_RDONLY);

	RESULT(flock(fd, LOCK_SH));
	in_child("another process", other_flock);
	RESULT(flock(again, LOCK_EX | LOCK_NB)); /* another opening is another owner */
	RESULT(flock(dup(fd), LOCK_EX | LOCK_NB));
	RESULT(flock(again, LOCK_SH | LOCK_NB));
	RESULT(flock(fd, LOCK_UN));
	RESULT(flock(again, LOCK_SH | LOCK_NB));
	RESULT(flock(fd, 16));
	RESULT(flock(-1, LOCK_SH));
}

static void test_fadvise64(void)
{
	int fd = file_with("file", "abcdef"), ends[2];

	RESULT(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	RESULT(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	RESULT(syscall(SYS_fadvise64, fd, 0, 0, 99));
	RESULT(syscall(SYS_fadvise64, -1, 0, 0, POSIX_FADV_NORMAL));
	RESULT(syscall(SYS_fadvise64, fd, 0, -1, POSIX_FADV_NORMAL));
	pipe(ends);
	RESULT(syscall(SYS_fadvise64, ends[0], 0, 0, POSIX_FADV_NORMAL));
}

/* --- what /proc tells --- */

struct counts {
	long rchar, wchar, syscr, syscw, read_bytes, write_bytes, cancelled;
	long length; /* of this text: the look is in the next one */
};

static struct counts look(void)
{
	struct counts c = { .rchar = -1 };
	char text[512] = "";
	int fd = open("/proc/self/io", O_RDONLY);

	c.length = read(fd, text, sizeof(text) - 1);
	close(fd);
	sscanf(text,
	       "rchar: %ld\nwchar: %ld\nsyscr: %ld\nsyscw: %ld\nread_bytes: %ld\nwrite_bytes: %ld\n"
	       "cancelled_write_bytes: %ld\n",
	       &c.rchar, &c.wchar, &c.syscr, &c.syscw, &c.read_bytes, &c.write_bytes, &c.cancelled);
	return c;
}

static void tell_counts(const char *what, const struct counts *before)
{
	struct counts now = look();
	char line[128];

	snprintf(line, sizeof(line), "%ld bytes in %ld reads, %ld in %ld writes",
		 now.rchar - before->rchar - before->length, now.syscr - before->syscr - 1,
		 now.wchar - before->wchar, now.syscw - before->syscw);
	calls_text(what, line, strlen(line));
}

static void child_writes(void)
{
	int fd = open("/dev/null", O_WRONLY);

	if (fork() == 0) {
		write(fd, "12345", 5);
		_exit(0);
	}
	wait(NULL);
}

static void test_counted(void)
{
	struct iovec v[2] = { { "abc", 3 }, { "de", 2 } };
	int f = file_with("f", "0123456789"), g = file_with("g", ""), p[2];
	char text[16];

	pipe(p);
#define COUNTED(what, expression)              \
	do {                                   \
		struct counts before = look(); \
		(void)(expression);            \
		tell_counts(what, &before);    \
	} while (0)
	COUNTED("nothing", 0);
	COUNTED("read", read(f, text, 4));
	COUNTED("read at the end", pread(f, text, 4, 100));
	COUNTED("read of what is not open for it", read(p[1], text, 4));
	COUNTED("read into nowhere", read(f, nowhere(), 4));
	COUNTED("write", write(g, "1234567", 7));
	COUNTED("write of nothing", write(g, "", 0));
	COUNTED("writev", writev(g, v, 2));
	COUNTED("pwritev", pwritev(g, v, 2, 0));
	COUNTED("pread", pread(f, text, 3, 0));
	COUNTED("a full pipe", write(p[1], "xy", 2));
	COUNTED("sendfile", (lseek(f, 0, SEEK_SET), sendfile(g, f, NULL, 6)));
	COUNTED("copy_file_range", syscall(SYS_copy_file_range, f, &(loff_t){ 0 }, g, NULL, 5l, 0));
	COUNTED("splice", syscall(SYS_splice, p[0], NULL, g, NULL, 2l, 0));
	COUNTED("a child that is waited for", (child_writes(), 0));
}

static void sleep_in_a_read(void)
{
	int p[2];
	char c;

	pipe(p);
	syscall(SYS_read, p[0], &c, 77l, 4l, 5l, 6l);
}

/* What a file of /proc/PID says once it has more to say than "running". */
static void tell_call(pid_t pid, const char *file)
{
	char path[64], text[256], line[300];
	unsigned long v[9] = { 0 };
	int fields = 0;
	ssize_t n;

	snprintf(path, sizeof(path), file, pid, pid);
	do {
		int fd = open(path, O_RDONLY);

		usleep(1000);
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
	} while (strcmp(text, "running\n") == 0);
	fields = sscanf(text, "%ld %lx %lx %lx %lx %lx %lx %lx %lx", (long *)&v[0], &v[1], &v[2], &v[3],
			&v[4], &v[5], &v[6], &v[7], &v[8]);
	snprintf(line, sizeof(line), "%d fields: call %ld, %lu, %lu, %lu %lu %lu, %d %d", fields, (long)v[0],
		 v[1], v[3], v[4], v[5], v[6], v[7] != 0, v[8] != 0);
	calls_text(file, line, strlen(line));
}

static void test_sleeping_call(void)
{
	pid_t pid = fork();
	char text[128] = "";
	int fd;

	if (pid == 0) {
		sleep_in_a_read();
		_exit(0);
	}
	tell_call(pid, "/proc/%d/syscall");
	tell_call(pid, "/proc/%d/task/%d/syscall");
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	tell_call(pid, "/proc/%d/syscall");
	waitpid(pid, NULL, 0);
	fd = open("/proc/self/syscall", O_RDONLY);
	RESULT(syscall(SYS_read, fd, text, 100l) > 20);
	TEXT("my own", text, 4);
}

static const struct calls table[] = {
	{ "read", test_read },
	{ "write", test_write },
	{ "pread64", test_pread64 },
	{ "pwrite64", test_pwrite64 },
	{ "readv writev preadv pwritev", test_vectors },
	{ "preadv2 pwritev2", test_vectors_with_flags },
	{ "lseek", test_lseek },
	{ "truncate", test_truncate },
	{ "ftruncate", test_ftruncate },
	{ "fallocate", test_fallocate },
	{ "fsync fdatasync sync syncfs", test_sync },
	{ "sendfile", test_sendfile },
	{ "flock", test_flock },
	{ "fadvise64", test_fadvise64 },
	{ "/proc/PID/io", test_counted },
	{ "/proc/PID/syscall", test_sleeping_call },
};

CALLS_MAIN(table)
