/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's system calls with random numbers, flags, pointers and descriptors, from several processes with
 * several threads each, while other threads close, unmap and fork what they act on and signals break in.
 * Arguments are mostly of the kind that the call takes, so that many succeed, and now and then anything.
 *
 * What it proves is that nothing happens: the kernel does not stop (its debug and KASAN builds look for more
 * than that), every process can be killed, and what was used is given back.
 *
 *	call_fuzz [SECONDS [SEED [root]]]
 *
 * Workers are without privileges, or root's: then without the calls that would end or change the machine, and
 * in a tree of their own, for root may leave files, mounts and, its limits raised, cores wherever it is.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "call_arguments.h"
#include "call_signatures.h"
#include "child.h"
#include "fuzz.h"
#include "tap.h"

#define LAST_CALL 460u
#define TOP       "/tmp/call_fuzz"

static bool root;
static _Atomic uint32_t *succeeded; /* by number, shared by all */

/* --- calls ---------------------------------------------------------------------------------------------- */

/* Those that end the caller or leave it without its senses: a worker goes on, its children need not. */
static bool ends_caller(uint64_t number)
{
	switch (number) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_arch_prctl: /* takes the thread's memory away */
	case SYS_brk:
	case SYS_sigaltstack:
	case SYS_seccomp:
	case 446: /* landlock_restrict_self */
	case SYS_execve:
	case SYS_execveat:
	case SYS_ptrace: /* the tracer of who asks for one would be the parent, which does not know */
		return true;
	case SYS_chroot:
	case SYS_setuid:
	case SYS_setgid:
	case SYS_setreuid:
	case SYS_setregid:
	case SYS_setresuid:
	case SYS_setresgid:
	case SYS_setfsuid:
	case SYS_setfsgid:
	case SYS_capset:
		return root;
	}
	return false;
}

/* Those that say nothing about the kernel, but end the test. */
static bool ends_test(uint64_t number)
{
	switch (number) {
	case SYS_fork:
	case SYS_vfork:
	case SYS_clone:
	case 435:            /* clone3 */
		return true; /* fork_one() does it */
	case SYS_reboot:
	case SYS_kill:
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case 424: /* pidfd_send_signal */
	case 448: /* process_mrelease */
	case SYS_ptrace:
	case SYS_prlimit64:
	case SYS_syslog: /* what is logged is looked at */
	case 438:        /* pidfd_getfd: init's console is for people */
	case SYS_settimeofday:
	case SYS_clock_settime:
	case SYS_pivot_root:
	case SYS_umount2: /* of / would take all away; unmount_one() does it */
	case SYS_process_vm_writev:
	case SYS_setpriority:
	case SYS_ioprio_set:
	case SYS_sched_setscheduler:
	case SYS_sched_setattr:
	case SYS_sched_setparam:
		return root;
	}
	return false;
}

static void make_one_call(struct dice *d)
{
	const struct signature *s = &signatures[below(d, SIGNATURES)];
	bool known = !one_in(d, 5);
	uint64_t number = known ? s->number : below(d, LAST_CALL), a[6];
	const char *kinds = known ? s->kinds : "";

	if (ends_test(number) || (!expendable && ends_caller(number)))
		return;
	for (int i = 0; i < 6; i++)
		a[i] = argument(d, *kinds ? *kinds++ : "dbpstfiv"[below(d, 8)]);
	if (enter(number, a) >= 0)
		atomic_fetch_add_explicit(&succeeded[number], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(done, 1, memory_order_relaxed);
}

/* What a child does, which may lose its senses: it ends with its parent. */
static _Noreturn void run_child(const struct dice *parent)
{
	struct dice d = { parent->state ^ 0x9e3779b97f4a7c15 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	alarm(1);
	expendable = true;
	for (int i = 0; i < 200; i++)
		make_one_call(&d);
	_exit(0);
}

static pid_t start_child(struct dice *d)
{
	pid_t pid = fork();

	if (pid == 0)
		run_child(d);
	return pid;
}

/* Another one shares some of what its parent has, but the memory: threads do that. */
static pid_t start_relative(struct dice *d)
{
	static const unsigned flags[] = { CLONE_FILES, CLONE_FS,    CLONE_SYSVSEM, CLONE_PARENT_SETTID,
					  CLONE_IO,    CLONE_VFORK, CLONE_PTRACE,  CLONE_CHILD_CLEARTID };
	unsigned chosen = one_in(d, 2) ? SIGCHLD : (unsigned)below(d, 65);
	pid_t pid;

	for (uint64_t n = below(d, 4); n > 0; n--)
		chosen |= flags[below(d, sizeof(flags) / sizeof(flags[0]))];
	pid = (pid_t)syscall(SYS_clone, chosen, 0, any_address(d), any_address(d), 0);
	if (pid == 0)
		run_child(d);
	return pid;
}

static void fork_one(struct dice *d)
{
	pid_t pid = one_in(d, 3) ? start_relative(d) : start_child(d);

	if (pid <= 0)
		return;
	children[below(d, CHILDREN)] = pid;
	if (one_in(d, 3))
		kill(pid, SIGKILL);
	waitpid(pid, NULL, one_in(d, 2) ? 0 : WNOHANG);
}

/* Follow one of the children, through whatever it does. */
static void trace_one(struct dice *d)
{
	pid_t pid = start_child(d);

	if (pid <= 0)
		return;
	children[below(d, CHILDREN)] = pid;
	if (ptrace(one_in(d, 2) ? PTRACE_ATTACH : PTRACE_SEIZE, pid, NULL, below(d, 0x100)) == 0) {
		for (int i = 0; i < 60; i++) {
			uint64_t a[6] = { argument(d, 'T'), (uint64_t)pid,
					  argument(d, one_in(d, 2) ? 't' : 'i'),
					  argument(d, one_in(d, 2) ? 't' : 'g') };

			enter(SYS_ptrace, a);
			waitpid(pid, NULL, WNOHANG | __WALL);
			if (one_in(d, 4))
				ptrace(one_in(d, 2) ? PTRACE_CONT : PTRACE_SYSCALL, pid, NULL, NULL);
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}

/* Something of each kind to act on. */
static void open_some(struct dice *d)
{
	int pair[2];

	switch (below(d, 15)) {
	case 0:
		open(paths[below(d, PATHS)], O_RDWR | O_CREAT | O_NONBLOCK, 0600);
		break;
	case 1:
		open(".", O_RDONLY | O_DIRECTORY);
		break;
	case 2:
		(void)!pipe2(pair, O_NONBLOCK);
		break;
	case 3:
		socketpair(AF_UNIX, one_in(d, 2) ? SOCK_STREAM : SOCK_DGRAM, 0, pair);
		break;
	case 4:
		syscall(SYS_epoll_create1, 0);
		break;
	case 5:
		syscall(SYS_eventfd2, 1, O_NONBLOCK);
		break;
	case 6:
		syscall(SYS_timerfd_create, 1, O_NONBLOCK);
		break;
	case 7:
		syscall(SYS_memfd_create, "m", 3);
		break;
	case 8:
		syscall(434 /* pidfd_open */, children[below(d, CHILDREN)], O_NONBLOCK * below(d, 2));
		break;
	case 9:
		open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
		break;
	case 10:
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair);
		break;
	case 11:
		syscall(SYS_signalfd4, -1, &(uint64_t){ roll(d) & roll(d) }, 8, O_NONBLOCK);
		break;
	case 12:
		syscall(SYS_userfaultfd, O_NONBLOCK | O_CLOEXEC | below(d, 2));
		break;
	case 13:
		syscall(425 /* io_uring_setup */, 1 + below(d, 16), put_structure(d));
		break;
	default:
		syscall(SYS_inotify_init1, O_NONBLOCK);
	}
}

static void unmount_one(struct dice *d)
{
	umount2(one_in(d, 2) ? "d0" : "d1", UMOUNT_NOFOLLOW | (int)below(d, 8));
}

static void *run_thread(void *arg)
{
	struct dice d = { (uint64_t)(uintptr_t)arg };

	for (;;) {
		make_one_call(&d);
		if (one_in(&d, 12))
			open_some(&d);
		if (one_in(&d, 400))
			fork_one(&d);
		if (one_in(&d, 1500))
			trace_one(&d);
		if (root && one_in(&d, 100))
			unmount_one(&d);
	}
	return NULL;
}

/* With others who work there, or, when nobody can go there any more, somewhere new. */
static void find_a_place(struct dice *d)
{
	const char *top = root ? "" : TOP;
	uint64_t place = below(d, 4);
	char path[64];

	for (int tries = 0; tries < 100; tries++) {
		snprintf(path, sizeof(path), "%s/%lu", top, place);
		mkdir(path, 0777);
		if (chdir(path) == 0)
			return;
		place = below(d, 1 << 20);
	}
	_exit(2);
}

static void work(uint64_t seed)
{
	struct dice d = { seed };

	if (root && (chroot(TOP) < 0 || chdir("/") < 0))
		_exit(2);
	prepare_worker(root ? 0 : NOBODY);
	find_a_place(&d);
	mkdir("d0", 0777);
	mkdir("d1", 0777);
	for (int i = 0; i < 12; i++)
		open_some(&d);
	run_threads(&d, run_thread);
}

/* --- a tree of root's own ----------------------------------------------------------------------------- */

static bool copy_program(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t n = -1;

	while (in >= 0 && out >= 0 && (n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	close(in);
	close(out);
	return n == 0;
}

static bool make_devices(void)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} devices[] = { { TOP "/dev/null", 1, 3 },   { TOP "/dev/zero", 1, 5 }, { TOP "/dev/full", 1, 7 },
			{ TOP "/dev/random", 1, 8 }, { TOP "/dev/tty", 5, 0 },  { TOP "/dev/ptmx", 5, 2 } };

	for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (mknod(devices[i].path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)) < 0)
			return false;
	return symlink("/proc/self/fd", TOP "/dev/fd") == 0;
}

/* All that `paths` names, and that workers need. */
static bool make_tree(void)
{
	static const char *const folders[] = { TOP "/proc", TOP "/sys",     TOP "/bin",
					       TOP "/dev",  TOP "/dev/pts", TOP "/dev/shm" };

	if (mount("tmpfs", TOP, "tmpfs", 0, "size=128m,mode=1777") < 0)
		return false;
	for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(folders[i], 0755) < 0)
			return false;
	return make_devices() && copy_program("/bin/true", TOP "/bin/true") &&
	       mount("proc", TOP "/proc", "proc", 0, NULL) == 0 &&
	       mount("sysfs", TOP "/sys", "sysfs", 0, NULL) == 0 &&
	       mount("devpts", TOP "/dev/pts", "devpts", 0, "ptmxmode=666") == 0;
}

/* With all that is mounted below it; and what is mounted over it. */
static void remove_tree(void)
{
	while (umount2(TOP, MNT_DETACH) == 0)
		;
}

/* --- afterwards ----------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	remove(path);
	return 0;
}

/* What outlives a process: files, System V objects, queues. */
static void tidy_up(void)
{
	union {
		struct shmid_ds shm;
		struct semid_ds sem;
		struct msqid_ds msg;
	} found;

	remove_tree();
	nftw(TOP, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	nftw("/dev/shm", remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	nftw("/dev/mqueue", remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	for (int i = 0; i < 32768; i++) {
		int id;

		if ((id = shmctl(i, SHM_STAT, &found.shm)) >= 0)
			shmctl(id, IPC_RMID, NULL);
		if ((id = semctl(i, 0, SEM_STAT, &found.sem)) >= 0)
			semctl(id, 0, IPC_RMID);
		if ((id = msgctl(i, MSG_STAT, &found.msg)) >= 0)
			msgctl(id, IPC_RMID, NULL);
	}
}

static void prepare(void)
{
	tidy_up();
	mkdir(TOP, 0777);
	chmod(TOP, 01777);
	if (root && !make_tree()) {
		perror("a tree for root's workers");
		exit(2);
	}
}

/* The parent in /proc/PID/stat, behind the name, in which anything may stand. */
static pid_t parent_of(pid_t pid)
{
	char path[32], text[512], *end;
	pid_t parent = -1;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')');
	if (end)
		sscanf(end + 1, " %*c %d", &parent);
	return parent;
}

static void for_each_child(void (*act)(pid_t pid))
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (parent_of(atoi(entry->d_name)) == getpid())
			act(atoi(entry->d_name));
	if (proc)
		closedir(proc);
}

static void kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
}

/* What it is at, for whoever has to find out why it does not end. */
static void tell_child(pid_t pid)
{
	static const char *const files[] = { "stat", "syscall", "wchan", "status", "stack" };
	char path[64], text[2048];

	for (int i = 0; i < 5; i++) {
		FILE *f;
		size_t n = 0;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		f = fopen(path, "r");
		if (f)
			n = fread(text, 1, sizeof(text), f);
		if (f)
			fclose(f);
		printf("# %s: %.*s\n", path, (int)n, text);
	}
}

/* Whoever has lost its parent is this process's now; false when some cannot be killed. */
static bool end_all(void)
{
	for (int i = 0; i < 300; i++) {
		pid_t pid;

		for_each_child(kill_child);
		while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
			;
		if (pid < 0)
			return true;
		usleep(100000);
	}
	for_each_child(tell_child);
	return false;
}

static unsigned kinds_that_succeeded(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LAST_CALL; i++)
		n += succeeded[i] > 0;
	return n;
}

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 0) : 20, before, workers;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	bool ended;

	root = argc > 3 && strcmp(argv[3], "root") == 0;
	if (make_counter() < 0)
		return 2;
	succeeded = (_Atomic uint32_t *)(done + 1);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prepare();
	run_workers(2, seed, work); /* what the kernel keeps for the next time is not lost */
	end_all();
	tidy_up();
	before = free_memory();
	prepare();
	workers = run_workers(seconds, seed + 1, work);
	ended = end_all();
	tidy_up();
	printf("# %llu calls of %llu workers, seed %llu; %u different calls succeeded\n",
	       (unsigned long long)*done, (unsigned long long)workers, (unsigned long long)seed,
	       kinds_that_succeeded());
	tap(kinds_that_succeeded() > 100, "hostile calls have been made");
	tap(ended, "all who made them could be killed");
	tap(gives_back(before), "their memory is free again");
	return tap_end();
}
