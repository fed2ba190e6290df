/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A right for every call on a descriptor: each row is a call, the rights that it takes, and what it says when
 * one of them is missing.  It is made through a capability that has all rights but one of those, for each of
 * them, and must be refused; then through one that has those alone, and must be done.  A call that forgets to
 * look fails the first, one that asks for too much the second.
 */
#include "cap_files.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define R  FILE_RIGHT_READ
#define W  FILE_RIGHT_WRITE
#define X  FILE_RIGHT_EXECUTE
#define A  FILE_RIGHT_APPEND
#define SK FILE_RIGHT_SEEK
#define ST FILE_RIGHT_STAT
#define CH FILE_RIGHT_CHMOD
#define TR FILE_RIGHT_TRUNCATE
#define MP FILE_RIGHT_MAP
#define LK FILE_RIGHT_LOCK
#define LU DIR_RIGHT_LOOKUP
#define LI DIR_RIGHT_LIST
#define CR DIR_RIGHT_CREATE
#define RM DIR_RIGHT_REMOVE
#define IO FILE_RIGHT_IOCTL
#define SE FILE_RIGHT_SEAL

/* What a row's call is made on: fresh for each. */
enum subject { FILE_RDWR, DIRECTORY, PIPE_IN, PIPE_OUT, MEMFD };

static int out_fd; /* a file that may be written, and one that may be read */
static int in_fd;

static int subject_open(enum subject subject)
{
	int ends[2], fd = -1;

	scratch();
	out_fd = make_file("out", "0123456789");
	in_fd = make_file("in", "abcdefghij");
	switch (subject) {
	case FILE_RDWR:
		return make_file("file", "hello, world");
	case DIRECTORY:
		need(mkdir("dir", 0755) == 0);
		close(make_file("dir/file", "text"));
		need(symlink("file", "dir/link") == 0 && mkdir("dir/sub", 0755) == 0);
		return open("dir", O_RDONLY | O_DIRECTORY);
	case PIPE_IN:
	case PIPE_OUT:
		need(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
		return ends[subject == PIPE_OUT];
	case MEMFD:
		fd = memfd_create("cap", MFD_ALLOW_SEALING);
		need(ftruncate(fd, 4096) == 0);
		return fd;
	}
	return fd;
}

/* --- transfers --- */

static char bytes[64];

static int do_read(int fd)
{
	return outcome(read(fd, bytes, 4));
}

static int do_readv(int fd)
{
	struct iovec v[2] = { { bytes, 2 }, { bytes + 2, 2 } };

	return outcome(readv(fd, v, 2));
}

static int do_pread(int fd)
{
	return outcome(pread(fd, bytes, 4, 1));
}

static int do_preadv(int fd)
{
	struct iovec v = { bytes, 4 };

	return outcome(preadv(fd, &v, 1, 1));
}

static int do_write(int fd)
{
	return outcome(write(fd, "text", 4));
}

static int do_writev(int fd)
{
	struct iovec v[2] = { { "te", 2 }, { "xt", 2 } };

	return outcome(writev(fd, v, 2));
}

static int do_pwrite(int fd)
{
	return outcome(pwrite(fd, "text", 4, 1));
}

static int do_pwritev(int fd)
{
	struct iovec v = { "text", 4 };

	return outcome(pwritev(fd, &v, 1, 1));
}

static int do_lseek(int fd)
{
	return outcome(lseek(fd, 2, SEEK_SET));
}

static int do_sendfile_in(int fd)
{
	return outcome(sendfile(out_fd, fd, NULL, 4));
}

static int do_sendfile_in_at(int fd)
{
	off_t at = 1;

	return outcome(sendfile(out_fd, fd, &at, 4));
}

static int do_sendfile_out(int fd)
{
	return outcome(sendfile(fd, in_fd, NULL, 4));
}

/* --- mappings --- */

static int map(int fd, int prot, int flags)
{
	void *at = mmap(NULL, 4096, prot, flags, fd, 0);

	return at == MAP_FAILED ? -errno : outcome(munmap(at, 4096));
}

static int do_mmap_read(int fd)
{
	return map(fd, PROT_READ, MAP_SHARED);
}

static int do_mmap_write(int fd)
{
	return map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static int do_mmap_private(int fd)
{
	return map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static int do_mmap_exec(int fd)
{
	return map(fd, PROT_READ | PROT_EXEC, MAP_PRIVATE);
}

static int do_mprotect_write(int fd)
{
	void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	int err = at == MAP_FAILED ? -errno : outcome(mprotect(at, 4096, PROT_READ | PROT_WRITE));

	if (at != MAP_FAILED)
		munmap(at, 4096);
	return err;
}

static int do_mprotect_exec(int fd)
{
	void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	int err = at == MAP_FAILED ? -errno : outcome(mprotect(at, 4096, PROT_READ | PROT_EXEC));

	if (at != MAP_FAILED)
		munmap(at, 4096);
	return err;
}

/* --- the file itself --- */

static int do_ftruncate(int fd)
{
	return outcome(ftruncate(fd, 3));
}

static int do_fallocate(int fd)
{
	return outcome(fallocate(fd, 0, 0, 100));
}

static int do_fchmod(int fd)
{
	return outcome(syscall(SYS_fchmod, fd, 0700)); /* the C library would try by /proc */
}

static int do_fchown(int fd)
{
	return outcome(fchown(fd, 1, 1));
}

static int do_futimens(int fd)
{
	struct timespec times[2] = { { 1, 0 }, { 2, 0 } };

	return outcome(futimens(fd, times));
}

static int do_fstat(int fd)
{
	struct stat st;

	return outcome(syscall(SYS_fstat, fd, &st));
}

static int do_fstatat_empty(int fd)
{
	struct stat st;

	return outcome(syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH));
}

static int do_statx_empty(int fd)
{
	char x[256];

	return outcome(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, x));
}

static int do_fstatfs(int fd)
{
	struct statfs st;

	return outcome(fstatfs(fd, &st));
}

/* That there is no such attribute is as far as it goes. */
static int xattr_outcome(long result)
{
	return result < 0 && errno == ENODATA ? 0 : outcome(result);
}

static int do_fsetxattr(int fd)
{
	return xattr_outcome(fsetxattr(fd, "user.a", "b", 1, 0));
}

static int do_fremovexattr(int fd)
{
	return xattr_outcome(fremovexattr(fd, "user.a"));
}

static int do_fgetxattr(int fd)
{
	return xattr_outcome(fgetxattr(fd, "user.a", bytes, 1));
}

static int do_flistxattr(int fd)
{
	return xattr_outcome(flistxattr(fd, bytes, 1));
}

static int do_fchownat_empty(int fd)
{
	return outcome(fchownat(fd, "", 2, 2, AT_EMPTY_PATH));
}

static int do_fsync(int fd)
{
	return outcome(fsync(fd));
}

static int do_fdatasync(int fd)
{
	return outcome(fdatasync(fd));
}

static int do_syncfs(int fd)
{
	return outcome(syscall(SYS_syncfs, fd));
}

/* --- control --- */

static int do_ioctl(int fd)
{
	int value;

	return outcome(ioctl(fd, FIONREAD, &value));
}

static int do_setfl(int fd)
{
	return outcome(fcntl(fd, F_SETFL, O_NONBLOCK));
}

static int do_setpipe(int fd)
{
	return outcome(fcntl(fd, F_SETPIPE_SZ, 65536));
}

static int do_getpipe(int fd)
{
	return outcome(fcntl(fd, F_GETPIPE_SZ));
}

static int do_flock(int fd)
{
	return outcome(flock(fd, LOCK_SH));
}

static int record(int fd, int cmd)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (cmd == F_GETLK)
		lock.l_type = F_WRLCK;
	return outcome(fcntl(fd, cmd, &lock));
}

static int do_setlk(int fd)
{
	return record(fd, F_SETLK);
}

static int do_setlkw(int fd)
{
	return record(fd, F_SETLKW);
}

static int do_getlk(int fd)
{
	return record(fd, F_GETLK);
}

static int do_addseals(int fd)
{
	return outcome(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
}

static int do_getseals(int fd)
{
	return outcome(fcntl(fd, F_GET_SEALS));
}

static int do_fexecve(int fd)
{
	char *argv[] = { "true", NULL }, *envp[] = { NULL };
	int program = open("/bin/busybox", O_RDONLY), part, status;
	uint32_t rights = (uint32_t)cap_rights(fd);
	pid_t pid;

	/* A program with just those rights that the row's capability has. */
	part = with_rights(program, rights);
	pid = fork();
	if (pid == 0) {
		syscall(SYS_execveat, part, "", argv, envp, AT_EMPTY_PATH);
		_exit(errno == EPERM || errno == EACCES ? 100 : 101);
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status) == 0 ? 0 : WEXITSTATUS(status) == 100 ? -EPERM : -EIO;
}

/* --- poll: events that a capability lost the right to --- */

static int poll_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, 0) < 0)
		return -errno;
	return p.revents & POLLNVAL ? -EBADF : p.revents & events ? 0 : -EAGAIN;
}

static int do_poll_in(int fd)
{
	return poll_for(fd, POLLIN);
}

static int do_poll_out(int fd)
{
	return poll_for(fd, POLLOUT);
}

static int do_select_in(int fd)
{
	struct timeval now = { 0, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return outcome(select(fd + 1, &set, NULL, NULL, &now));
}

static int do_select_out(int fd)
{
	struct timeval now = { 0, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return outcome(select(fd + 1, NULL, &set, NULL, &now));
}

/* --- directories --- */

static int do_getdents(int fd)
{
	char buf[1024];

	return outcome(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
}

static int do_getdents_old(int fd)
{
	char buf[1024];

	return outcome(syscall(SYS_getdents, fd, buf, sizeof(buf)));
}

static int open_in(int fd, const char *name, int flags)
{
	int file = openat(fd, name, flags, 0644);

	return file < 0 ? -errno : outcome(close(file));
}

static int do_openat_read(int fd)
{
	return open_in(fd, "file", O_RDONLY);
}

static int do_openat_write(int fd)
{
	return open_in(fd, "file", O_WRONLY);
}

static int do_openat_rdwr(int fd)
{
	return open_in(fd, "file", O_RDWR);
}

static int do_openat_trunc(int fd)
{
	return open_in(fd, "file", O_WRONLY | O_TRUNC);
}

static int do_openat_create(int fd)
{
	return open_in(fd, "new", O_RDONLY | O_CREAT | O_EXCL);
}

static int do_openat_dir(int fd)
{
	return open_in(fd, "sub", O_RDONLY | O_DIRECTORY);
}

static int do_openat_path(int fd)
{
	return open_in(fd, "file", O_PATH);
}

static int do_mkdirat(int fd)
{
	return outcome(mkdirat(fd, "newdir", 0755));
}

static int do_mkfifoat(int fd)
{
	return outcome(mknodat(fd, "fifo", S_IFIFO | 0644, 0));
}

static int do_symlinkat(int fd)
{
	return outcome(symlinkat("target", fd, "newlink"));
}

static int do_linkat_to(int fd)
{
	return outcome(linkat(fd, "file", fd, "second", 0));
}

static int do_unlinkat(int fd)
{
	return outcome(unlinkat(fd, "file", 0));
}

static int do_rmdirat(int fd)
{
	return outcome(unlinkat(fd, "sub", AT_REMOVEDIR));
}

static int do_renameat(int fd)
{
	return outcome(renameat(fd, "file", fd, "other"));
}

static int do_rename_over(int fd)
{
	return outcome(renameat(fd, "file", fd, "link"));
}

static int do_exchange(int fd)
{
	return outcome(syscall(SYS_renameat2, fd, "file", fd, "link", 2));
}

static int do_readlinkat(int fd)
{
	return outcome(readlinkat(fd, "link", bytes, sizeof(bytes)));
}

static int do_fstatat(int fd)
{
	struct stat st;

	return outcome(syscall(SYS_newfstatat, fd, "file", &st, 0));
}

static int do_statx(int fd)
{
	char x[256];

	return outcome(syscall(SYS_statx, fd, "file", 0, 0x7ff, x));
}

static int do_faccessat(int fd)
{
	return outcome(syscall(SYS_faccessat, fd, "file", R_OK));
}

static int do_faccessat2(int fd)
{
	return outcome(syscall(SYS_faccessat2, fd, "file", F_OK, AT_EACCESS));
}

static int do_fchmodat(int fd)
{
	return outcome(fchmodat(fd, "file", 0600, 0));
}

static int do_fchownat(int fd)
{
	return outcome(fchownat(fd, "file", 1, 1, 0));
}

static int do_utimensat(int fd)
{
	struct timespec times[2] = { { 1, 0 }, { 2, 0 } };

	return outcome(utimensat(fd, "file", times, 0));
}

static int do_futimesat(int fd)
{
	struct timeval times[2] = { { 1, 0 }, { 2, 0 } };

	return outcome(syscall(SYS_futimesat, fd, "file", times));
}

static int do_execveat(int fd)
{
	char *argv[] = { "prog", NULL }, *envp[] = { NULL };
	int status, file = openat(AT_FDCWD, "dir/prog", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	pid_t pid;

	need(file >= 0 && write(file, "#!/bin/true\n", 12) == 12 && close(file) == 0);
	/* An ELF program, so that nothing but the capability decides. */
	need(system("cp /bin/busybox dir/true") == 0);
	pid = fork();
	if (pid == 0) {
		argv[0] = "true";
		syscall(SYS_execveat, fd, "true", argv, envp, 0);
		_exit(errno == EPERM || errno == EACCES ? 100 : 101);
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status) == 0 ? 0 : WEXITSTATUS(status) == 100 ? -EPERM : -EIO;
}

/* --- the table --- */

struct row {
	const char *name;
	enum subject subject;
	uint32_t rights;
	int (*call)(int fd);
	int refused; /* errno when a right of them is missing; 0: as the right says */
};

static const struct row rows[] = {
	{ "read", FILE_RDWR, R, do_read, 0 },
	{ "readv", FILE_RDWR, R, do_readv, 0 },
	{ "pread", FILE_RDWR, R | SK, do_pread, 0 },
	{ "preadv", FILE_RDWR, R | SK, do_preadv, 0 },
	{ "pwrite", FILE_RDWR, W | SK, do_pwrite, 0 },
	{ "pwritev", FILE_RDWR, W | SK, do_pwritev, 0 },
	{ "lseek", FILE_RDWR, SK, do_lseek, 0 },
	{ "sendfile from", FILE_RDWR, R, do_sendfile_in, 0 },
	{ "sendfile from a position", FILE_RDWR, R | SK, do_sendfile_in_at, 0 },
	{ "sendfile to", FILE_RDWR, W, do_sendfile_out, 0 },
	{ "read of a pipe", PIPE_IN, R, do_read, 0 },
	{ "mmap to read", FILE_RDWR, MP | R, do_mmap_read, EACCES },
	{ "mmap to write", FILE_RDWR, MP | R | W, do_mmap_write, EACCES },
	{ "mmap of a private copy", FILE_RDWR, MP | R, do_mmap_private, EACCES },
	{ "mmap to execute", FILE_RDWR, MP | R | X, do_mmap_exec, EACCES },
	{ "mprotect to write", FILE_RDWR, MP | R | W, do_mprotect_write, EACCES },
	{ "mprotect to execute", FILE_RDWR, MP | R | X, do_mprotect_exec, EACCES },
	{ "ftruncate", FILE_RDWR, TR, do_ftruncate, 0 },
	{ "fallocate", FILE_RDWR, W | TR, do_fallocate, 0 },
	{ "fchmod", FILE_RDWR, CH, do_fchmod, 0 },
	{ "fchown", FILE_RDWR, CH, do_fchown, 0 },
	{ "futimens", FILE_RDWR, CH, do_futimens, 0 },
	{ "fchownat of the descriptor itself", FILE_RDWR, CH, do_fchownat_empty, 0 },
	{ "fsetxattr", FILE_RDWR, CH, do_fsetxattr, 0 },
	{ "fremovexattr", FILE_RDWR, CH, do_fremovexattr, 0 },
	{ "fgetxattr", FILE_RDWR, ST, do_fgetxattr, 0 },
	{ "flistxattr", FILE_RDWR, ST, do_flistxattr, 0 },
	{ "fstat", FILE_RDWR, ST, do_fstat, 0 },
	{ "fstatat of the descriptor itself", FILE_RDWR, ST, do_fstatat_empty, 0 },
	{ "statx of the descriptor itself", FILE_RDWR, ST, do_statx_empty, 0 },
	{ "fstatfs", FILE_RDWR, ST, do_fstatfs, 0 },
	{ "ioctl", FILE_RDWR, IO, do_ioctl, 0 },
	{ "F_SETFL", FILE_RDWR, IO, do_setfl, 0 },
	{ "F_SETPIPE_SZ", PIPE_IN, IO, do_setpipe, 0 },
	{ "F_GETPIPE_SZ", PIPE_IN, ST, do_getpipe, 0 },
	{ "flock", FILE_RDWR, LK, do_flock, 0 },
	{ "F_SETLK", FILE_RDWR, LK, do_setlk, 0 },
	{ "F_SETLKW", FILE_RDWR, LK, do_setlkw, 0 },
	{ "F_GETLK", FILE_RDWR, LK, do_getlk, 0 },
	{ "F_ADD_SEALS", MEMFD, SE, do_addseals, 0 },
	{ "F_GET_SEALS", MEMFD, ST, do_getseals, 0 },
	{ "fexecve", FILE_RDWR, X, do_fexecve, 0 },
	{ "poll for input", PIPE_IN, R, do_poll_in, 0 },
	{ "select for input", PIPE_IN, R, do_select_in, 0 },
	{ "getdents64", DIRECTORY, LI, do_getdents, 0 },
	{ "getdents", DIRECTORY, LI, do_getdents_old, 0 },
	{ "openat to read", DIRECTORY, LU | R, do_openat_read, EPERM },
	{ "openat to write", DIRECTORY, LU | W, do_openat_write, EPERM },
	{ "openat to read and write", DIRECTORY, LU | R | W, do_openat_rdwr, EPERM },
	{ "openat with O_TRUNC", DIRECTORY, LU | W | TR, do_openat_trunc, EPERM },
	{ "openat with O_CREAT", DIRECTORY, LU | R | CR, do_openat_create, EPERM },
	{ "openat of a directory", DIRECTORY, LU | LI, do_openat_dir, EPERM },
	{ "openat with O_PATH", DIRECTORY, LU, do_openat_path, EPERM },
	{ "mkdirat", DIRECTORY, LU | CR, do_mkdirat, EPERM },
	{ "mknodat", DIRECTORY, LU | CR, do_mkfifoat, EPERM },
	{ "symlinkat", DIRECTORY, LU | CR, do_symlinkat, EPERM },
	{ "linkat", DIRECTORY, LU | CR | ST, do_linkat_to, EPERM },
	{ "unlinkat", DIRECTORY, LU | RM, do_unlinkat, EPERM },
	{ "unlinkat of a directory", DIRECTORY, LU | RM, do_rmdirat, EPERM },
	{ "renameat", DIRECTORY, LU | CR | RM, do_renameat, EPERM },
	{ "renameat over another", DIRECTORY, LU | CR | RM, do_rename_over, EPERM },
	{ "renameat2 to exchange", DIRECTORY, LU | CR | RM, do_exchange, EPERM },
	{ "readlinkat", DIRECTORY, LU | ST, do_readlinkat, EPERM },
	{ "fstatat", DIRECTORY, LU | ST, do_fstatat, EPERM },
	{ "statx", DIRECTORY, LU | ST, do_statx, EPERM },
	{ "faccessat", DIRECTORY, LU | ST, do_faccessat, EPERM },
	{ "faccessat2", DIRECTORY, LU | ST, do_faccessat2, EPERM },
	{ "fchmodat", DIRECTORY, LU | CH, do_fchmodat, EPERM },
	{ "fchownat", DIRECTORY, LU | CH, do_fchownat, EPERM },
	{ "utimensat", DIRECTORY, LU | CH, do_utimensat, EPERM },
	{ "futimesat", DIRECTORY, LU | CH, do_futimesat, EPERM },
	{ "execveat", DIRECTORY, LU | X, do_execveat, EPERM },
};

static const struct row *row; /* the one that the child tries */

/* POSIX words a missing READ or WRITE as a descriptor that is not open for it. */
static bool says_refused(int err, uint32_t missing)
{
	int word = missing & (R | W) ? EBADF : EPERM;

	return err == -word || (row->refused && err == -row->refused);
}

static void refused_without(void)
{
	for (uint32_t left = row->rights; left; left &= left - 1) {
		uint32_t missing = left & -left;
		int err = row->call(with_rights(subject_open(row->subject), ALL_RIGHTS & ~missing));

		if (!says_refused(err, missing))
			printf("# without %#x: %d\n", missing, err);
		need(says_refused(err, missing));
	}
}

static void allowed_with(void)
{
	int fd = subject_open(row->subject), err;

	/* Each row is also a statement about plain descriptors: they can do all of it. */
	err = row->call(fd);
	if (err)
		printf("# with a plain descriptor: %d\n", err);
	need(err == 0);
	err = row->call(with_rights(subject_open(row->subject), row->rights));
	if (err)
		printf("# with %#x alone: %d\n", row->rights, err);
	need(err == 0);
}

/* --- what does not fit the table --- */

/* What it is not for is not among a file's rights, and fails for what it is. */
static void files_are_no_directories(void)
{
	char entries[64];
	int fd = file();

	need((cap_rights(fd) & (LU | LI | CR | RM)) == 0);
	need((cap_rights(open(".", O_RDONLY)) & (LU | LI | CR | RM)) == (LU | LI | CR | RM));
	need(outcome(openat(fd, "x", O_RDONLY)) == -ENOTDIR);
	need(outcome(unlinkat(fd, "x", 0)) == -ENOTDIR);
	need(outcome(mkdirat(fd, "x", 0755)) == -ENOTDIR);
	need(outcome(syscall(SYS_getdents64, fd, entries, sizeof(entries))) == -ENOTDIR);
}

/* Either of WRITE and APPEND is enough for write, so all but both are missing. */
static void write_needs_write_or_append(void)
{
	struct {
		enum subject subject;
		int (*call)(int fd);
	} const calls[] = {
		{ FILE_RDWR, do_write }, { FILE_RDWR, do_writev },  { PIPE_OUT, do_write },
		{ PIPE_OUT, do_writev }, { PIPE_OUT, do_poll_out }, { PIPE_OUT, do_select_out },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		need(calls[i].call(with_rights(subject_open(calls[i].subject), ALL_RIGHTS & ~(W | A))) ==
		     -EBADF);
		need(calls[i].call(with_rights(subject_open(calls[i].subject), W)) == 0);
		need(calls[i].call(with_rights(subject_open(calls[i].subject), A)) == 0);
	}
}

static void append_writes_at_the_end(void)
{
	int fd = subject_open(FILE_RDWR), end = with_rights(fd, A);
	char text[32] = { 0 };

	need(write(end, " and more", 9) == 9);
	need(pwrite(end, "x", 1, 0) == -1 && errno == EBADF);
	need(lseek(fd, 0, SEEK_SET) == 0 && write(end, "!", 1) == 1);
	need(pread(fd, text, sizeof(text) - 1, 0) == 22 && strcmp(text, "hello, world and more!") == 0);
	need(read(end, text, 1) == -1 && errno == EBADF);
	need(ftruncate(end, 0) == -1 && mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, end, 0) == MAP_FAILED);
}

static void fsync_needs_read_or_write(void)
{
	int (*const calls[])(int) = { do_fsync, do_fdatasync, do_syncfs };

	for (size_t i = 0; i < 3; i++) {
		need(calls[i](with_rights(subject_open(FILE_RDWR), ALL_RIGHTS & ~(R | W))) == -EBADF);
		need(calls[i](with_rights(subject_open(FILE_RDWR), R)) == 0);
		need(calls[i](with_rights(subject_open(FILE_RDWR), W)) == 0);
	}
}

/* What tells only of the descriptor itself takes no right. */
static void nothing_needed(void)
{
	int fd = with_rights(subject_open(FILE_RDWR), 0), other;

	need(cap_rights(fd) == 0);
	need((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	need(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	other = dup(fd);
	need(other >= 0 && cap_rights(other) == 0);
	need(close(fd) == 0 && close(other) == 0);
}

/* The other direction's events stay to be had. */
static void poll_rights_by_direction(void)
{
	int fd = subject_open(FILE_RDWR);

	need(do_poll_in(with_rights(fd, W)) == -EBADF && do_poll_out(with_rights(fd, W)) == 0);
	need(do_poll_out(with_rights(fd, R)) == -EBADF && do_poll_in(with_rights(fd, R)) == 0);
}

/* A file opened for reading alone was always "writable" for poll, as on Linux. */
static void poll_of_plain_files(void)
{
	scratch();
	close(make_file("file", "x"));
	need(do_poll_out(open("file", O_RDONLY)) == 0 && do_poll_in(open("file", O_WRONLY)) == 0);
}

static void fchdir_needs_all(void)
{
	int fd = subject_open(DIRECTORY);
	uint32_t all = (uint32_t)cap_rights(fd);

	for (uint32_t left = all & 0xffff; left; left &= left - 1) {
		need(fchdir(with_rights(fd, all & ~(left & -left))) == -1 && errno == EPERM);
	}
	need(fchdir(with_rights(fd, all)) == 0 && fchdir(fd) == 0);
	need(fchdir(out_fd) == -1 && errno == ENOTDIR);
}

static void duplicates_have_the_same(void)
{
	int fd = with_rights(subject_open(FILE_RDWR), R | ST), copy;

	copy = dup(fd);
	need(cap_rights(copy) == (R | ST) && do_write(copy) == -EBADF);
	need(dup2(fd, 100) == 100 && cap_rights(100) == (R | ST) && do_write(100) == -EBADF);
	need(dup3(fd, 101, O_CLOEXEC) == 101 && cap_rights(101) == (R | ST));
	copy = fcntl(fd, F_DUPFD, 50);
	need(copy == 50 && cap_rights(copy) == (R | ST));
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 60);
	need(copy == 60 && cap_rights(copy) == (R | ST));
}

static void fork_brings_nothing_back(void)
{
	int fd = with_rights(subject_open(FILE_RDWR), R), status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(cap_rights(fd) == R && do_write(fd) == -EBADF && do_fstat(fd) == -EPERM ? 0 : 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

/* The program gets the descriptor by number, as programs do. */
static void exec_brings_nothing_back(void)
{
	int fd = with_rights(subject_open(FILE_RDWR), R), status;
	pid_t pid;

	need(write(open("file", O_WRONLY | O_TRUNC), "line\n", 5) == 5);
	pid = fork();
	if (pid == 0) {
		need(dup2(fd, 9) == 9);
		execl("/bin/sh", "sh", "-c", "read line <&9 && test \"$line\" && ! echo x >&9", NULL);
		_exit(1);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void proc_brings_nothing_back(void)
{
	int fd = subject_open(FILE_RDWR), part = with_rights(fd, R), other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", part);
	need(open(path, O_RDWR) == -1 && errno == EPERM);
	need(open(path, O_WRONLY) == -1 && open(path, O_RDONLY) == -1 && open(path, O_PATH) == -1);
	need(truncate(path, 0) == -1 && chmod(path, 0) == -1);
	snprintf(path, sizeof(path), "/dev/fd/%d", part);
	need(open(path, O_RDWR) == -1);
	/* An unlimited one is opened anew as on Linux, for whatever the file's mode allows. */
	fd = open("file", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDWR);
	need(other >= 0 && do_write(other) == 0);
}

static void proc_directory_brings_nothing_back(void)
{
	int fd = with_rights(subject_open(DIRECTORY), LU | R);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/file", fd);
	need(open(path, O_RDWR) == -1 && open(path, O_RDONLY) == -1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/..", fd);
	need(open(path, O_RDONLY) == -1);
}

/* Files take their rights along from the directory that they were found through. */
static void files_of_a_directory_have_its_rights(void)
{
	int fd = with_rights(subject_open(DIRECTORY), LU | R | ST), file;

	file = openat(fd, "file", O_RDONLY);
	need(file >= 0 && do_read(file) == 0 && do_fstat(file) == 0);
	need(do_fchmod(file) == -EPERM && do_lseek(file) == -EPERM && do_flock(file) == -EPERM);
	need(!(cap_rights(file) & ~(LU | R | ST)));
}

/* Two steps down nothing has come back. */
static void nested_directories_have_its_rights(void)
{
	int fd = with_rights(subject_open(DIRECTORY), LU | LI | R | ST), sub, file;

	close(make_file("dir/sub/deep", "deep"));
	sub = openat(fd, "sub", O_RDONLY | O_DIRECTORY);
	need(sub >= 0);
	file = openat(sub, "deep", O_RDONLY);
	need(file >= 0 && do_read(file) == 0 && do_fchmod(file) == -EPERM);
	need(openat(sub, "deep", O_RDWR) == -1 && openat(sub, "new", O_CREAT | O_RDONLY, 0644) == -1);
	need(openat(sub, "..", O_RDONLY) == -1 && openat(sub, "../file", O_RDONLY) == -1);
	need(fchdir(sub) == -1);
}

static void o_path_has_none_to_give(void)
{
	int fd;

	subject_open(FILE_RDWR);
	fd = open("file", O_PATH);
	need(do_read(fd) == -EBADF && do_write(fd) == -EBADF && do_fchmod(fd) == -EBADF &&
	     do_lseek(fd) == -EBADF);
	need(do_flock(fd) == -EBADF && do_ioctl(fd) == -EBADF && do_setfl(fd) == -EBADF &&
	     do_fgetxattr(fd) == -EBADF);
	need(do_fstat(fd) == 0 && do_fsync(fd) == -EBADF);
}

/* cap_limit takes rights from the capability at hand, for good. */
static void limit_is_for_good(void)
{
	int fd = subject_open(FILE_RDWR);

	need(cap_limit(fd, R | W) == 0 && cap_rights(fd) == (R | W));
	need(do_fstat(fd) == -EPERM && do_read(fd) == 0 && do_write(fd) == 0);
	need(cap_limit(fd, ALL_RIGHTS) == 0 && cap_rights(fd) == (R | W));
	need(cap_limit(fd, R) == 0 && do_write(fd) == -EBADF);
	need(cap_limit(fd, 0) == 0 && do_read(fd) == -EBADF);
	need(cap_limit(999, 0) == -EBADF);
}

int main(void)
{
	char name[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		row = &rows[i];
		snprintf(name, sizeof(name), "%s without a right of %#x is refused", row->name, row->rights);
		tap(passes(refused_without), name);
		snprintf(name, sizeof(name), "%s with %#x alone is done", row->name, row->rights);
		tap(passes(allowed_with), name);
	}
	tap(passes(write_needs_write_or_append), "write, poll and select for output: WRITE or APPEND");
	tap(passes(append_writes_at_the_end), "APPEND alone writes at the end, and nothing else");
	tap(passes(fsync_needs_read_or_write), "fsync, fdatasync, syncfs: READ or WRITE");
	tap(passes(nothing_needed), "F_GETFL, F_SETFD, dup and close take no right");
	tap(passes(poll_rights_by_direction), "poll: each direction by its own right");
	tap(passes(poll_of_plain_files), "poll of a plain file in the other direction, as on Linux");
	tap(passes(fchdir_needs_all), "fchdir takes a directory that nothing was taken from");
	tap(passes(duplicates_have_the_same), "dup, dup2, dup3, F_DUPFD: the same rights");
	tap(passes(fork_brings_nothing_back), "fork brings no right back");
	tap(passes(exec_brings_nothing_back), "exec brings no right back");
	tap(passes(proc_brings_nothing_back), "/proc/self/fd and /dev/fd bring no right back");
	tap(passes(proc_directory_brings_nothing_back), "/proc/self/fd/N/ brings no right back");
	tap(passes(files_of_a_directory_have_its_rights),
	    "a file has no more rights than the directory it was opened through");
	tap(passes(nested_directories_have_its_rights), "nor has one two directories down");
	tap(passes(o_path_has_none_to_give), "O_PATH: as on Linux");
	tap(passes(files_are_no_directories), "a file has no right of directories: ENOTDIR, not EPERM");
	tap(passes(limit_is_for_good), "cap_limit is for good");
	return tap_end();
}
