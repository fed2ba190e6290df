/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capability mode: no global names, and nothing but what is below a directory's handle by paths.  And
 * directories whose handle has lost rights, which limit everybody.  Each case runs in a child.  What to look
 * for was learnt from the ideas of capsicum-test (openat, fchdir, "..", links, races); the words are Serix's
 * own.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <libserix/confine.h>
#include <serix/syscalls.h>

#include "child.h"
#include "tap.h"

#define FAILS(call, e) ((call) == -1 && errno == (e))
#define TOP            "/tmp/capmode"
#define ROUNDS         20000
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static int dir; /* TOP/dir */

#define NUMBER(nr, name, arity, file) CALL_##name = (nr),
enum { SYSCALL_LIST(NUMBER) };

static void enter(void)
{
	need(cap_enter(0) == 0 && cap_enter(CAP_ENTER) == 0 && cap_enter(0) == 1);
}

static bool opens(const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A child of the directory's capability with these rights only. */
static int limited(uint32_t rights)
{
	struct cap_derive how = { .rights = rights, .expires_ns = CAP_FOREVER };
	long handle = syscall(CALL_cap_derive, (long)dir, &how, sizeof(how));

	need(handle >= 0);
	return (int)handle;
}

static void queries(void)
{
	need(cap_enter(2) == -EINVAL && cap_enter(0) == 0);
	enter();
	need(cap_enter(CAP_ENTER) == 0);
}

/* Numbers of processes name nothing, and what was attached to before is only let go. */
static void no_tracing(void)
{
	pid_t before = sleeper(), pid = sleeper(), child;
	long word;
	int status;

	need(ptrace(PTRACE_SEIZE, before, 0, 0) == 0 && ptrace(PTRACE_INTERRUPT, before, 0, 0) == 0);
	need(waitpid(before, &status, 0) == before && WIFSTOPPED(status));
	enter();
	need(FAILS(ptrace(PTRACE_ATTACH, pid, 0, 0), EPERM) && FAILS(ptrace(PTRACE_SEIZE, pid, 0, 0), EPERM));
	need(FAILS(syscall(CALL_ptrace, PTRACE_PEEKDATA, (long)before, &dir, &word), EPERM));
	need(ptrace(PTRACE_DETACH, before, 0, 0) == 0);
	child = fork();
	if (child == 0)
		_exit(FAILS(ptrace(PTRACE_TRACEME, 0, 0, 0), EPERM) ? 7 : 8);
	need(waitpid(-1, &status, 0) == child && WEXITSTATUS(status) == 7);
}

static void no_global_paths(void)
{
	struct stat st;
	char buf[64];

	enter();
	need(FAILS(open("/etc/passwd", O_RDONLY), EPERM) && FAILS(open(".", O_RDONLY), EPERM));
	need(FAILS(openat(dir, "/etc/passwd", O_RDONLY), EPERM));
	need(FAILS(stat("/", &st), EPERM) && FAILS(access("/", F_OK), EPERM) &&
	     FAILS(lstat("x", &st), EPERM));
	need(FAILS(readlink("/proc/self", buf, sizeof(buf)), EPERM));
	need(FAILS(mkdir("/tmp/x", 0700), EPERM) && FAILS(mkdir("x", 0700), EPERM));
	need(FAILS(unlink(TOP "/secret"), EPERM) && FAILS(rmdir("/tmp"), EPERM));
	need(FAILS(rename("a", "b"), EPERM) && FAILS(link("a", "b"), EPERM) &&
	     FAILS(symlink("a", "/tmp/b"), EPERM));
	need(FAILS(mknod("/tmp/x", S_IFIFO, 0), EPERM) && FAILS(truncate(TOP "/secret", 0), EPERM));
	need(FAILS(chmod(TOP "/secret", 0), EPERM) && FAILS(chown(TOP "/secret", 0, 0), EPERM));
	need(FAILS(utimensat(AT_FDCWD, TOP "/secret", NULL, 0), EPERM));
	need(FAILS(chdir("/"), EPERM) && FAILS(chroot("/"), EPERM));
}

static void paths_below_a_directory(void)
{
	struct stat st;

	enter();
	need(opens("file", O_RDWR) && opens("sub/deep", O_RDONLY) && opens("sub/../file", O_RDONLY));
	need(opens("./sub/./../file", O_RDONLY) && opens("inner-link", O_RDONLY) && opens(".", O_RDONLY));
	need(opens("new", O_CREAT | O_RDWR) && unlinkat(dir, "new", 0) == 0);
	need(mkdirat(dir, "newdir", 0700) == 0 && unlinkat(dir, "newdir", AT_REMOVEDIR) == 0);
	need(fstatat(dir, "file", &st, 0) == 0 && renameat(dir, "file", dir, "file2") == 0);
	need(renameat(dir, "file2", dir, "sub/../file") == 0);
	need(symlinkat("x", dir, "l") == 0 && unlinkat(dir, "l", 0) == 0);
	need(linkat(dir, "file", dir, "hard", 0) == 0 && unlinkat(dir, "hard", 0) == 0);
	need(FAILS(openat(dir, "absent", O_RDONLY), ENOENT));
}

static void never_above_it(void)
{
	struct stat st;

	enter();
	need(FAILS(openat(dir, "..", O_RDONLY), EPERM) && FAILS(openat(dir, "../secret", O_RDONLY), EPERM));
	need(FAILS(openat(dir, "sub/../../secret", O_RDONLY), EPERM));
	need(FAILS(openat(dir, "sub/../../dir/file", O_RDONLY), EPERM)); /* not even for a moment */
	need(FAILS(openat(dir, "up-link", O_RDONLY), EPERM) &&
	     FAILS(openat(dir, "absolute-link", O_RDONLY), EPERM));
	need(FAILS(openat(dir, "dir-link/secret", O_RDONLY), EPERM) &&
	     FAILS(openat(dir, "root-link/etc", O_RDONLY), EPERM));
	need(FAILS(fstatat(dir, "../secret", &st, 0), EPERM) &&
	     FAILS(fstatat(dir, "up-link", &st, 0), EPERM));
	need(fstatat(dir, "up-link", &st, AT_SYMLINK_NOFOLLOW) == 0);
	need(FAILS(mkdirat(dir, "../x", 0700), EPERM) && FAILS(unlinkat(dir, "../secret", 0), EPERM));
	need(FAILS(renameat(dir, "../secret", dir, "x"), EPERM) &&
	     FAILS(renameat(dir, "file", dir, "../x"), EPERM));
	need(FAILS(linkat(dir, "../secret", dir, "x", 0), EPERM) &&
	     FAILS(linkat(dir, "file", dir, "../x", 0), EPERM));
	need(FAILS(openat(dir, "../new", O_CREAT | O_RDWR, 0600), EPERM));
	need(FAILS(openat(dir, "up-link-to-absent", O_CREAT | O_RDWR, 0600), EPERM));
}

/* A handle of a lower directory is no way to the upper one. */
static void a_lower_handle_is_lower(void)
{
	int sub;

	enter();
	sub = openat(dir, "sub", O_RDONLY | O_DIRECTORY);
	need(sub >= 0 && openat(sub, "deep", O_RDONLY) >= 0);
	need(FAILS(openat(sub, "../file", O_RDONLY), EPERM));
	need(fchdir(sub) == 0 &&
	     FAILS(open("deep", O_RDONLY), EPERM)); /* no current directory's names either */
}

static void no_magic_links(void)
{
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY);

	enter();
	need(FAILS(openat(proc, "root/etc/passwd", O_RDONLY), EPERM) &&
	     FAILS(openat(proc, "cwd", O_RDONLY), EPERM));
	need(FAILS(openat(proc, "exe", O_RDONLY), EPERM) && FAILS(openat(proc, "fd/0", O_RDONLY), EPERM));
	need(openat(proc, "status", O_RDONLY) >= 0);
}

/* A mount on the way down is entered; from its root the way up ends where the handle is. */
static void mounts_below(void)
{
	int mounted;

	need(mount("none", TOP "/dir/mnt", "tmpfs", 0, NULL) == 0);
	mounted = open(TOP "/dir/mnt", O_RDONLY | O_DIRECTORY);
	enter();
	need(opens("mnt/../file", O_RDONLY) && opens("mnt/new", O_CREAT | O_RDWR));
	need(FAILS(openat(mounted, "..", O_RDONLY), EPERM) &&
	     FAILS(openat(mounted, "../file", O_RDONLY), EPERM));
}

/* Somebody keeps moving the directory that the walk is in to where ".." leads further. */
static void races_do_not_escape(void)
{
	pid_t parent = getpid(), mover = fork();
	bool escaped = false;

	if (mover == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
		while (getppid() == parent)
			syscall(SYS_renameat2, AT_FDCWD, TOP "/high", AT_FDCWD, TOP "/dir/d1/low",
				RENAME_EXCHANGE);
	enter();
	for (int i = 0; i < ROUNDS && !escaped; i++)
		escaped = opens("d1/low/../secret", O_RDONLY) || opens("d1/low/../../secret", O_RDONLY);
	need(!escaped);
}

static void no_other_processes(void)
{
	struct sched_param param;
	struct rlimit limit;
	pid_t child = fork();
	cpu_set_t set;
	int status;

	if (child == 0)
		_exit(3);
	enter();
	need(kill(getpid(), 0) == 0 && FAILS(kill(getppid(), 0), EPERM) && FAILS(kill(1, 0), EPERM));
	need(FAILS(kill(child, SIGKILL), EPERM) && FAILS(kill(-1, SIGKILL), EPERM));
	need(FAILS(syscall(SYS_pidfd_open, 1, 0), EPERM) && syscall(SYS_pidfd_open, getpid(), 0) >= 0);
	need(FAILS(prlimit(1, RLIMIT_NOFILE, NULL, &limit), EPERM) &&
	     prlimit(0, RLIMIT_NOFILE, NULL, &limit) == 0);
	need(FAILS(setpriority(PRIO_PROCESS, 1, 5), EPERM) && setpriority(PRIO_PROCESS, 0, 5) == 0);
	need(FAILS(sched_setaffinity(1, sizeof(set), &set), EPERM));
	need(FAILS(syscall(SYS_sched_getparam, 1, &param), EPERM));
	need(FAILS(getpgid(1), EPERM) && FAILS(getsid(1), EPERM) && getpgid(0) > 0);
	need(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
}

static void no_admin(void)
{
	enter();
	need(FAILS(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM) && FAILS(umount("/tmp"), EPERM));
	need(FAILS(sethostname("x", 1), EPERM) && FAILS(setuid(1), EPERM));
}

static void it_is_for_good(void)
{
	enter();
	if (fork() == 0) {
		need(cap_enter(0) == 1 && FAILS(open("/etc/passwd", O_RDONLY), EPERM));
		_exit(0);
	}
	need(wait(NULL) > 0);
}

static bool execs(int fd)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char *argv[] = { "capability_mode", "in-mode", NULL };

		syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
		_exit(errno);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void exec_by_handle_only(void)
{
	int me = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct cap_derive how = { .rights = FILE_RIGHT_READ, .expires_ns = CAP_FOREVER };
	int readable = (int)syscall(CALL_cap_derive, (long)me, &how, sizeof(how));
	char *argv[] = { "capability_mode", "in-mode", NULL };

	need(readable >= 0);
	enter();
	need(FAILS(execv("/proc/self/exe", argv), EPERM));
	need(execs(me) && !execs(readable));
}

static void what_is_open_works(void)
{
	int fds[2], file = openat(dir, "file", O_RDWR);
	char c;

	need(pipe(fds) == 0);
	enter();
	need(write(fds[1], "x", 1) == 1 && read(fds[0], &c, 1) == 1);
	need(write(file, "x", 1) == 1 && lseek(file, 0, SEEK_SET) == 0 && fchmod(file, 0600) == 0);
	need(mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0) != MAP_FAILED);
	need(pipe(fds) == 0 && dup(file) >= 0 && memfd_create("x", 0) >= 0);
}

/* --- directories with fewer rights, out of capability mode, too --- */

static void a_reader_does_not_write(void)
{
	int fd, reader = limited(FILE_RIGHT_READ | FILE_RIGHT_STAT | DIR_RIGHT_LOOKUP | DIR_RIGHT_LIST);
	struct stat st;

	fd = openat(reader, "file", O_RDONLY);
	need(fd >= 0 && FAILS(openat(reader, "file", O_RDWR), EPERM) &&
	     FAILS(openat(reader, "n", O_CREAT, 0600), EPERM));
	need(FAILS(openat(reader, "file", O_RDONLY | O_TRUNC), EPERM));
	need(FAILS(mkdirat(reader, "n", 0700), EPERM) && FAILS(unlinkat(reader, "file", 0), EPERM));
	need(FAILS(fchmodat(reader, "file", 0600, 0), EPERM) && fstatat(reader, "file", &st, 0) == 0);
	need(FAILS(fchmod(fd, 0600), EPERM)); /* what is opened through it can do no more */
	need(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
}

static void a_limited_one_is_not_left(void)
{
	int reader = limited(FILE_RIGHT_READ | FILE_RIGHT_STAT | DIR_RIGHT_LOOKUP);

	need(openat(dir, "../secret", O_RDONLY) >= 0 && openat(dir, "up-link", O_RDONLY) >= 0);
	need(FAILS(openat(reader, "../secret", O_RDONLY), EPERM) &&
	     FAILS(openat(reader, "up-link", O_RDONLY), EPERM));
	need(openat(reader, "sub/../file", O_RDONLY) >= 0);
}

static void a_lower_one_inherits_the_loss(void)
{
	int sub = openat(limited(FILE_RIGHT_READ | DIR_RIGHT_LOOKUP | DIR_RIGHT_LIST), "sub",
			 O_RDONLY | O_DIRECTORY);

	need(sub >= 0 && openat(sub, "deep", O_RDONLY) >= 0);
	need(FAILS(openat(sub, "deep", O_RDWR), EPERM) && FAILS(openat(sub, "../file", O_RDONLY), EPERM));
}

static void links_and_renames_gain_nothing(void)
{
	int reader = limited(FILE_RIGHT_READ | FILE_RIGHT_STAT | DIR_RIGHT_LOOKUP | DIR_RIGHT_REMOVE);

	enter();
	need(FAILS(linkat(reader, "file", dir, "gain", 0), EACCES) &&
	     FAILS(renameat(reader, "file", dir, "gain"), EACCES));
	need(linkat(dir, "file", dir, "same", 0) == 0 && unlinkat(reader, "same", 0) == 0);
}

static void build_scene(void)
{
	system("umount " TOP "/dir/mnt 2>/dev/null; rm -rf " TOP);
	need(mkdir(TOP, 0755) == 0 && mkdir(TOP "/dir", 0755) == 0 && mkdir(TOP "/dir/sub", 0755) == 0);
	need(mkdir(TOP "/dir/mnt", 0755) == 0 && mkdir(TOP "/high", 0755) == 0);
	need(mkdir(TOP "/dir/d1", 0755) == 0 && mkdir(TOP "/dir/d1/low", 0755) == 0);
	close(creat(TOP "/secret", 0600));
	close(creat(TOP "/dir/file", 0600));
	close(creat(TOP "/dir/sub/deep", 0600));
	need(symlink("sub/../file", TOP "/dir/inner-link") == 0 &&
	     symlink("../secret", TOP "/dir/up-link") == 0);
	need(symlink(TOP "/secret", TOP "/dir/absolute-link") == 0 &&
	     symlink("..", TOP "/dir/dir-link") == 0);
	need(symlink("/", TOP "/dir/root-link") == 0 &&
	     symlink("../absent", TOP "/dir/up-link-to-absent") == 0);
	dir = open(TOP "/dir", O_RDONLY | O_DIRECTORY);
	need(dir >= 0);
}

static const struct {
	void (*body)(void);
	const char *what;
} cases[] = {
	{ queries, "asked for it tells whether it is entered" },
	{ no_tracing, "nobody is traced" },
	{ no_global_paths, "no absolute paths, no current directory" },
	{ paths_below_a_directory, "below a directory's handle all works" },
	{ never_above_it, "never above it: dots, links, names to make" },
	{ a_lower_handle_is_lower, "a lower directory's handle does not lead up" },
	{ no_magic_links, "no links to objects" },
	{ mounts_below, "mounts are entered, and not left upwards" },
	{ races_do_not_escape, "nor by a directory that is moved meanwhile" },
	{ no_other_processes, "no processes by number but itself" },
	{ no_admin, "no mounts, names, ids" },
	{ it_is_for_good, "children are born in it" },
	{ exec_by_handle_only, "programs by handle, with the right to execute" },
	{ what_is_open_works, "what is open works on" },
	{ a_reader_does_not_write, "a directory that lost rights lends them to nobody" },
	{ a_limited_one_is_not_left, "and is not left, by anybody" },
	{ a_lower_one_inherits_the_loss, "nor does what is opened through it" },
	{ links_and_renames_gain_nothing, "links and renames gain nothing" },
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "in-mode") == 0)
		return cap_enter(0) == 1 ? 0 : 1;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		build_scene();
		tap(passes(cases[i].body), cases[i].what);
		close(dir);
	}
	return tap_end();
}
