/* SPDX-License-Identifier: BSD-2-Clause */
/* splice, tee, vmsplice, copy_file_range, sendfile; preadv2; holes; O_TMPFILE; locks of open files; advice.
 * Runs on Linux, too (as root, in a directory of a tmpfs). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

/* musl does not have them. */
#define RWF_DSYNC                2
#define RWF_SYNC                 4
#define RWF_NOWAIT               8
#define RWF_APPEND               16
#define FALLOC_FL_COLLAPSE_RANGE 8
#define FALLOC_FL_INSERT_RANGE   32

#define FAILS(call, error)                                                                              \
	do {                                                                                            \
		errno = 0;                                                                              \
		long r_ = (long)(call);                                                                 \
		if (r_ != -1 || errno != (error))                                                       \
			printf("# %s: result %ld, errno %d, expected %d\n", #call, r_, errno, (error)); \
		tap(r_ == -1 && errno == (error), #call " -> " #error);                                 \
	} while (0)

#define IS(e) tap((e), #e)

static int file_with(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0644);

	(void)!write(fd, text, strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static bool holds(int fd, const char *expected)
{
	char buf[256] = "";
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0 || strcmp(buf, expected) != 0)
		printf("# holds \"%s\", expected \"%s\"\n", buf, expected);
	return n >= 0 && strcmp(buf, expected) == 0;
}

static ssize_t copy_range(int in, off_t *from, int out, off_t *to, size_t len, unsigned flags)
{
	return syscall(SYS_copy_file_range, in, from, out, to, len, flags);
}

/* --- splice and its kin --------------------------------------------------------------------------------- */

static void splices(void)
{
	int in = file_with("in", "0123456789"), out = file_with("out", ""), p[2], q[2],
	    ro = open("in", O_RDONLY);
	int app = open("out", O_WRONLY | O_APPEND), zero = open("/dev/zero", O_RDONLY);
	char buf[64];
	off_t at = 3;

	(void)!pipe(p);
	(void)!pipe(q);
	IS(splice(in, NULL, p[1], NULL, 4, 0) == 4 && lseek(in, 0, SEEK_CUR) == 4);
	IS(splice(in, &at, p[1], NULL, 2, 0) == 2 && at == 5 && lseek(in, 0, SEEK_CUR) == 4);
	IS(tee(p[0], q[1], 100, 0) == 6);
	IS(splice(p[0], NULL, out, NULL, 100, 0) == 6 && holds(out, "012334"));
	at = 8;
	IS(splice(q[0], NULL, out, &at, 3, 0) == 3 && at == 11 && pread(out, buf, 3, 8) == 3 &&
	   !memcmp(buf, "012", 3));
	IS(splice(q[0], NULL, p[1], NULL, 100, 0) == 3 && read(p[0], buf, 10) == 3 && !memcmp(buf, "334", 3));
	FAILS(splice(p[0], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	FAILS(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	FAILS(splice(in, NULL, out, NULL, 1, 0), EINVAL);
	FAILS(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
	FAILS(splice(p[0], &at, out, NULL, 1, 0), ESPIPE);
	FAILS(splice(in, NULL, p[1], &at, 1, 0), ESPIPE);
	FAILS(splice(in, NULL, p[1], NULL, 1, 0x100), EINVAL);
	FAILS(splice(p[1], NULL, q[1], NULL, 1, 0), EBADF);
	FAILS(splice(p[0], NULL, q[0], NULL, 1, 0), EBADF);
	FAILS(splice(-1, NULL, q[1], NULL, 1, 0), EBADF);
	IS(splice(-1, NULL, -1, NULL, 0, 0) == 0);
	(void)!write(p[1], "x", 1);
	FAILS(splice(p[0], NULL, app, NULL, 1, 0), EINVAL);
	FAILS(splice(p[0], NULL, ro, NULL, 1, 0), EBADF);
	FAILS(tee(in, q[1], 1, 0), EINVAL);
	IS(splice(zero, NULL, q[1], NULL, 3, 0) == 3 && read(q[0], buf, 9) == 3 && buf[2] == 0);
	IS(read(p[0], buf, 2) == 1);
	close(p[1]);
	IS(splice(p[0], NULL, out, NULL, 1, 0) == 0);
	close(q[0]);
	FAILS(splice(in, NULL, q[1], NULL, 1, 0), EPIPE);
	close(p[0]);
	close(q[1]);
	close(in);
	close(out);
	close(ro);
	close(app);
	close(zero);
}

static void vmsplices(void)
{
	char a[] = "abc", b[] = "defg", c[3] = "", d[8] = "";
	struct iovec out[] = { { a, 3 }, { b, 4 } }, in[] = { { c, 2 }, { d, 8 } };
	int p[2], fd = file_with("in", "x");

	(void)!pipe(p);
	IS(vmsplice(p[1], out, 2, 0) == 7);
	IS(vmsplice(p[0], in, 2, 0) == 7 && strcmp(c, "ab") == 0 && strcmp(d, "cdefg") == 0);
	FAILS(vmsplice(p[0], in, 2, SPLICE_F_NONBLOCK), EAGAIN);
	FAILS(vmsplice(fd, out, 2, 0), EBADF);
	FAILS(vmsplice(p[1], out, 2, 0x80), EINVAL);
	FAILS(vmsplice(p[1], out, 5000, 0), EINVAL);
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void sendfiles(void)
{
	int in = file_with("in", "0123456789"), out = file_with("out", ""), p[2];
	int app = open("out", O_WRONLY | O_APPEND);
	off_t at = 5;
	char buf[16];

	(void)!pipe(p);
	IS(sendfile(out, in, NULL, 4) == 4 && lseek(in, 0, SEEK_CUR) == 4);
	IS(sendfile(out, in, &at, 100) == 5 && at == 10 && lseek(in, 0, SEEK_CUR) == 4 &&
	   holds(out, "012356789"));
	IS(sendfile(p[1], in, NULL, 100) == 6 && read(p[0], buf, 16) == 6 && !memcmp(buf, "456789", 6));
	FAILS(sendfile(app, in, NULL, 1), EINVAL);
	FAILS(sendfile(out, p[0], NULL, 1), EINVAL);
	at = -1;
	FAILS(sendfile(out, in, &at, 1), EINVAL);
	FAILS(sendfile(p[0], in, NULL, 1), EBADF);
	close(p[0]);
	close(p[1]);
	close(in);
	close(out);
	close(app);
}

static void copies(void)
{
	int in = file_with("in", "0123456789"), out = file_with("out", "abcdefgh"), dir = open(".", O_RDONLY),
	    p[2];
	int app = open("out", O_WRONLY | O_APPEND), ro = open("out", O_RDONLY);
	off_t from = 2, to = 4;

	(void)!pipe(p);
	IS(copy_range(in, &from, out, &to, 3, 0) == 3 && from == 5 && to == 7 && holds(out, "abcd234h"));
	IS(copy_range(in, NULL, out, NULL, 100, 0) == 10 && holds(out, "0123456789"));
	IS(lseek(in, 0, SEEK_CUR) == 10 && lseek(out, 0, SEEK_CUR) == 10);
	IS(copy_range(in, NULL, out, NULL, 100, 0) == 0);
	from = 0;
	to = 5;
	IS(copy_range(in, &from, in, &to, 5, 0) == 5 && holds(in, "0123401234"));
	from = 0;
	to = 4;
	FAILS(copy_range(in, &from, in, &to, 5, 0), EINVAL);
	FAILS(copy_range(in, NULL, out, NULL, 1, 1), EINVAL);
	FAILS(copy_range(dir, NULL, out, NULL, 1, 0), EISDIR);
	FAILS(copy_range(p[0], NULL, out, NULL, 1, 0), EINVAL);
	FAILS(copy_range(in, NULL, app, NULL, 1, 0), EBADF);
	FAILS(copy_range(in, NULL, ro, NULL, 1, 0), EBADF);
	FAILS(copy_range(in, (off_t *)8, out, NULL, 1, 0), EFAULT);
	close(p[0]);
	close(p[1]);
	close(in);
	close(out);
	close(dir);
	close(app);
	close(ro);
}

/* --- preadv2, pwritev2 ---------------------------------------------------------------------------------- */

static long rwv2(long nr, int fd, struct iovec *v, long pos, int flags)
{
	return syscall(nr, fd, v, 1L, pos, 0L, flags);
}

static void vectors(void)
{
	char buf[8] = "";
	struct iovec v = { buf, 4 };
	int fd = file_with("in", "0123456789"), p[2];

	(void)!pipe(p);
	IS(rwv2(SYS_preadv2, fd, &v, 3, 0) == 4 && !memcmp(buf, "3456", 4) && lseek(fd, 0, SEEK_CUR) == 0);
	IS(rwv2(SYS_preadv2, fd, &v, -1, 0) == 4 && !memcmp(buf, "0123", 4) && lseek(fd, 0, SEEK_CUR) == 4);
	IS(rwv2(SYS_pwritev2, fd, &v, 0, RWF_APPEND) == 4 && holds(fd, "01234567890123"));
	IS(rwv2(SYS_pwritev2, fd, &v, 1, RWF_DSYNC | RWF_SYNC) == 4 && holds(fd, "00123567890123"));
	FAILS(rwv2(SYS_preadv2, fd, &v, 0, 0x1000000), EOPNOTSUPP);
	FAILS(rwv2(SYS_preadv2, fd, &v, -2, 0), EINVAL);
	FAILS(rwv2(SYS_preadv2, p[0], &v, 0, 0), ESPIPE);
	FAILS(rwv2(SYS_preadv2, p[0], &v, -1, RWF_NOWAIT), EAGAIN);
	close(p[0]);
	close(p[1]);
	close(fd);
}

/* --- reads of many pages ------------------------------------------------------------------------------- */

#define PAGE   4096
#define PAGES  150 /* more than one look at the page cache finds */
#define ABSENT 70  /* a hole */

static char pattern_at(size_t at)
{
	return at / PAGE == ABSENT ? 0 : (char)(at / PAGE * 7 + at % 251 + 1);
}

static bool shows(const char *buf, size_t len, size_t at)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != pattern_at(at + i))
			return false;
	return true;
}

/* What is read in one call is what was written, wherever it begins and ends, in one piece or in several; and
 * as much of it as there is room for. */
static void reads_of_many_pages(void)
{
	static const size_t places[] = { 0, 1, 100, PAGE - 1, PAGE, 63 * PAGE + 5, ABSENT * PAGE - 8 };
	char *buf =
		mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t size = PAGES * PAGE - 13;
	struct iovec parts[] = { { buf, PAGE + 7 },
				 { buf + PAGE + 7, 80 * PAGE },
				 { buf + 82 * PAGE, 9 * PAGE } };
	int fd = open("in", O_CREAT | O_TRUNC | O_RDWR, 0644);

	for (size_t i = 0; i < size; i++)
		buf[i] = pattern_at(i);
	IS(pwrite(fd, buf, ABSENT * PAGE, 0) == ABSENT * PAGE);
	IS(pwrite(fd, buf + (ABSENT + 1) * PAGE, size - (ABSENT + 1) * PAGE, (ABSENT + 1) * PAGE) > 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t from = places[i];

		memset(buf, 'x', (PAGES + 1) * PAGE);
		IS(pread(fd, buf + 3, size, (off_t)from) == (ssize_t)(size - from) &&
		   shows(buf + 3, size - from, from) && buf[2] == 'x' && buf[3 + size - from] == 'x');
	}
	IS(preadv(fd, parts, 3, 9) == 90 * PAGE + 7 && shows(buf, 81 * PAGE + 7, 9) &&
	   shows(buf + 82 * PAGE, 9 * PAGE, 81 * PAGE + 16));
	mprotect(buf + 20 * PAGE, PAGE, PROT_NONE);
	IS(pread(fd, buf, 50 * PAGE, PAGE) == 20 * PAGE && shows(buf, 20 * PAGE, PAGE));
	FAILS(pread(fd, buf + 20 * PAGE, 50 * PAGE, 0), EFAULT);
	munmap(buf, (PAGES + 1) * PAGE);
	close(fd);
}

/* --- holes ---------------------------------------------------------------------------------------------- */

static void holes(void)
{
	int fd = open("in", O_CREAT | O_TRUNC | O_RDWR, 0644), p[2];
	char buf[PAGE], *map;
	struct stat st;

	(void)!pipe(p);
	memset(buf, 'x', sizeof(buf));
	(void)!pwrite(fd, buf, PAGE, 2 * PAGE);
	(void)!pwrite(fd, buf, PAGE, 3 * PAGE);
	(void)!pwrite(fd, buf, 10, 6 * PAGE);
	IS(lseek(fd, 0, SEEK_DATA) == 2 * PAGE && lseek(fd, 0, SEEK_HOLE) == 0);
	IS(lseek(fd, 2 * PAGE + 5, SEEK_DATA) == 2 * PAGE + 5 &&
	   lseek(fd, 2 * PAGE + 5, SEEK_HOLE) == 4 * PAGE);
	IS(lseek(fd, 6 * PAGE, SEEK_HOLE) == 6 * PAGE + 10);
	FAILS(lseek(fd, 6 * PAGE + 10, SEEK_DATA), ENXIO);
	FAILS(lseek(fd, 7 * PAGE, SEEK_HOLE), ENXIO);
	IS(ftruncate(fd, 20 * PAGE) == 0);
	FAILS(lseek(fd, 7 * PAGE, SEEK_DATA), ENXIO);
	IS(fstat(fd, &st) == 0 && st.st_blocks == 3 * 8 && st.st_size == 20 * PAGE);
	map = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	IS(map[3 * PAGE] == 'x');
	IS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE + 100, 2 * PAGE - 100) == 0);
	IS(fstat(fd, &st) == 0 && st.st_blocks == 2 * 8 && st.st_size == 20 * PAGE);
	IS(map[2 * PAGE + 99] == 'x' && map[2 * PAGE + 100] == 0);
	IS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 6 * PAGE + 2, 3) == 0);
	IS(pread(fd, buf, 10, 6 * PAGE) == 10 && !memcmp(buf, "xx\0\0\0xxxxx", 10));
	IS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50 * PAGE, PAGE) == 0);
	IS(fallocate(fd, 0, 0, 2 * PAGE) == 0 && lseek(fd, 0, SEEK_HOLE) == 3 * PAGE);
	IS(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, PAGE) == 0 && fstat(fd, &st) == 0 &&
	   st.st_size == 20 * PAGE);
	FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
	FAILS(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE), EOPNOTSUPP);
	FAILS(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, PAGE), EOPNOTSUPP);
	FAILS(fallocate(fd, 0, -1, PAGE), EINVAL);
	FAILS(fallocate(fd, 0, 0, 0), EINVAL);
	FAILS(fallocate(p[1], 0, 0, 1), ESPIPE);
	munmap(map, 4 * PAGE);
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void noticed(int signo)
{
	(void)signo;
}

static bool allocated(int fd, off_t size)
{
	bool whole = fallocate(fd, 0, 0, size) == 0;

	return ftruncate(fd, 0) == 0 && whole;
}

/* Under a hail of signals.  On Linux one may end any allocation of more than a page. */
static void interrupted_allocations(void)
{
	const struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	int fd = open("in", O_CREAT | O_TRUNC | O_RDWR, 0644), short_ones = 0, long_ones = 0;

	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = noticed }, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 50; i++)
		short_ones += allocated(fd, 1 << 20);
	for (int i = 0; i < 50 && long_ones == i; i++)
		long_ones += allocated(fd, 64 << 20);
	setitimer(ITIMER_REAL, &never, NULL);
	tap(short_ones == 50, "no signal ends a short allocation");
	tap(long_ones < 50, "one ends a long one");
	close(fd);
}

static void advice(void)
{
	int fd = file_with("in", "0123456789"), p[2], wo = open("in", O_WRONLY);

	(void)!pipe(p);
	IS(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0 &&
	   posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	IS(posix_fadvise(fd, 0, 0, 77) == EINVAL);
	IS(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL) == EINVAL);
	IS(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL) == ESPIPE);
	IS(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL) == EBADF);
	IS(readahead(fd, 0, 10) == 0);
	FAILS(readahead(wo, 0, 10), EBADF);
	FAILS(readahead(p[0], 0, 10), EINVAL);
	IS(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0);
	FAILS(sync_file_range(fd, 0, 0, 0x100), EINVAL);
	FAILS(sync_file_range(fd, -1, 0, 0), EINVAL);
	FAILS(sync_file_range(p[0], 0, 0, 0), ESPIPE);
	close(p[0]);
	close(p[1]);
	close(wo);
	close(fd);
}

/* --- files without a name ------------------------------------------------------------------------------- */

static void tmpfiles(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0640), excl;
	char link[64], text[256] = "";
	struct stat st;

	IS(fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0 && S_ISREG(st.st_mode) &&
	   (st.st_mode & 0777) == 0640);
	IS(write(fd, "hidden", 6) == 6);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	IS(readlink(link, text, sizeof(text) - 1) > 10 && strstr(text, "/#") && strstr(text, " (deleted)"));
	IS(linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0);
	IS(stat("named", &st) == 0 && st.st_nlink == 1 && st.st_size == 6);
	unlink("named");
	FAILS(linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), ENOENT); /* had its name */
	close(fd);
	excl = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", excl);
	FAILS(linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), ENOENT);
	close(excl);
	fd = open(".", O_TMPFILE | O_WRONLY, 0600);
	IS(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH) == 0 && unlink("named") == 0);
	close(fd);
	FAILS(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	FAILS(open("in", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	FAILS(open("missing", O_TMPFILE | O_RDWR, 0600), ENOENT);
	FAILS(open("/proc", O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
}

/* --- locks of open files -------------------------------------------------------------------------------- */

static int lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
	int result = fcntl(fd, cmd, &l);

	return result < 0 ? result : l.l_type;
}

static void ofd_locks(void)
{
	int a = open("in", O_RDWR), b = open("in", O_RDWR), c = dup(a);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_pid = 7 };
	int status;

	IS(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10) >= 0);
	FAILS(lock(b, F_OFD_SETLK, F_RDLCK, 5, 1), EAGAIN);
	IS(lock(b, F_OFD_SETLK, F_WRLCK, 10, 1) >= 0);
	IS(lock(b, F_OFD_GETLK, F_WRLCK, 0, 1) == F_WRLCK);
	l.l_pid = 0;
	IS(fcntl(b, F_OFD_GETLK, &l) == 0 && l.l_pid == -1 && l.l_len == 10);
	l.l_pid = 7;
	FAILS(fcntl(b, F_OFD_SETLK, &l), EINVAL);
	FAILS(lock(a, F_SETLK, F_WRLCK, 0, 1), EAGAIN); /* the process is somebody else */
	if (fork() == 0)
		_exit(lock(a, F_OFD_SETLK, F_WRLCK, 2, 1) >= 0 ? 0 : 1); /* the open file is the same */
	wait(&status);
	IS(status == 0);
	close(c);
	FAILS(lock(b, F_OFD_SETLK, F_RDLCK, 5, 1), EAGAIN);
	close(a);
	IS(lock(b, F_OFD_SETLK, F_RDLCK, 5, 1) >= 0);
	close(b);
}

/* --- races ---------------------------------------------------------------------------------------------- */

enum { BYTES = 200000 };

static int source[2], target[2];
static atomic_int spliced;

/* Bytes that count up, in pieces of any size. */
static void *produce(void *arg)
{
	unsigned char buf[777];

	for (int sent = 0; sent < BYTES;) {
		int len = (int)sizeof(buf) < BYTES - sent ? (int)sizeof(buf) : BYTES - sent;

		for (int i = 0; i < len; i++)
			buf[i] = (unsigned char)((sent + i) % 253);
		if (write(source[1], buf, (size_t)len) != len)
			break;
		sent += len;
	}
	close(source[1]);
	return arg;
}

static void *move(void *arg)
{
	ssize_t n;

	while ((n = splice(source[0], NULL, target[1], NULL, 5000, 0)) > 0)
		atomic_fetch_add(&spliced, (int)n);
	return arg;
}

/* One thread splices between two small pipes while others write and read: order and number stay. */
static void splice_keeps_order(void)
{
	pthread_t producer, mover;
	int got = 0, wrong = 0;
	unsigned char buf[3000];

	(void)!pipe(source);
	(void)!pipe(target);
	fcntl(target[1], F_SETPIPE_SZ, 4096);
	pthread_create(&producer, NULL, produce, NULL);
	pthread_create(&mover, NULL, move, NULL);
	while (got < BYTES) {
		ssize_t n = read(target[0], buf, sizeof(buf));

		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++, got++)
			wrong += buf[i] != got % 253;
	}
	pthread_join(producer, NULL);
	pthread_join(mover, NULL);
	IS(got == BYTES && wrong == 0);
	close(source[0]);
	close(target[0]);
	close(target[1]);
}

/* Two splices and a reader share one pipe: every byte goes to exactly one of them. */
static void *read_some(void *arg)
{
	char buf[100];
	ssize_t n;

	while ((n = read(source[0], buf, sizeof(buf))) > 0)
		atomic_fetch_add(&spliced, (int)n);
	return arg;
}

static void splices_share(void)
{
	pthread_t producer, movers[2], reader;
	char buf[4096];

	(void)!pipe(source);
	(void)!pipe(target);
	atomic_store(&spliced, 0);
	pthread_create(&producer, NULL, produce, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&movers[i], NULL, move, NULL);
	pthread_create(&reader, NULL, read_some, NULL);
	fcntl(target[0], F_SETFL, O_NONBLOCK);
	while (atomic_load(&spliced) < BYTES) {
		struct pollfd p = { target[0], POLLIN, 0 };

		poll(&p, 1, 10);
		(void)!read(target[0], buf, sizeof(buf));
	}
	pthread_join(producer, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(movers[i], NULL);
	pthread_join(reader, NULL);
	IS(atomic_load(&spliced) == BYTES);
	close(source[0]);
	close(target[0]);
	close(target[1]);
}

int main(void)
{
	char dir[] = "/tmp/transfers-XXXXXX";

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	splices();
	vmsplices();
	sendfiles();
	copies();
	vectors();
	reads_of_many_pages();
	holes();
	interrupted_allocations();
	advice();
	tmpfiles();
	ofd_locks();
	splice_keeps_order();
	splices_share();
	return tap_end();
}
