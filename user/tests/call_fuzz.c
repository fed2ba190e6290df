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
 * Workers are without privileges, or root's: then without the calls that would end or change the machine.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"
#include "fuzz.h"
#include "tap.h"

#define LAST_CALL 460u
#define TOP       "/tmp/call_fuzz"
#define STRUCTS   (16ul * 4096) /* the arena's first part holds what calls may take for structures */

static bool root;
static _Atomic uint32_t *succeeded; /* by number, shared by all */

/*
 * What the arguments of a call are.  d: descriptor, p: path, b: memory, s: size, t: structure, f: flags,
 * i: small number, n: process, g: signal, m: mode, o: offset, v: vector, a: pages, l: length of pages.
 */
struct signature {
	unsigned short number;
	char kinds[7];
};

static const struct signature signatures[] = {
	{ SYS_read, "dbs" },
	{ SYS_write, "dbs" },
	{ SYS_open, "pfm" },
	{ SYS_close, "d" },
	{ SYS_stat, "pt" },
	{ SYS_fstat, "dt" },
	{ SYS_lstat, "pt" },
	{ SYS_poll, "tii" },
	{ SYS_lseek, "doi" },
	{ SYS_mmap, "alffdo" },
	{ SYS_mprotect, "ali" },
	{ SYS_munmap, "al" },
	{ SYS_rt_sigaction, "gtti" },
	{ SYS_rt_sigprocmask, "itti" },
	{ SYS_ioctl, "dft" },
	{ SYS_pread64, "dbso" },
	{ SYS_pwrite64, "dbso" },
	{ SYS_readv, "dvi" },
	{ SYS_writev, "dvi" },
	{ SYS_access, "pi" },
	{ SYS_pipe, "t" },
	{ SYS_select, "itttt" },
	{ SYS_mremap, "allfa" },
	{ SYS_msync, "ali" },
	{ SYS_mincore, "alb" },
	{ SYS_madvise, "ali" },
	{ SYS_shmget, "isf" },
	{ SYS_shmat, "iaf" },
	{ SYS_shmctl, "iit" },
	{ SYS_dup, "d" },
	{ SYS_dup2, "dd" },
	{ SYS_nanosleep, "tt" },
	{ SYS_setitimer, "itt" },
	{ SYS_sendfile, "ddts" },
	{ SYS_socket, "iii" },
	{ SYS_connect, "dti" },
	{ SYS_accept, "dtt" },
	{ SYS_sendto, "dbsfti" },
	{ SYS_recvfrom, "dbsftt" },
	{ SYS_sendmsg, "dtf" },
	{ SYS_recvmsg, "dtf" },
	{ SYS_shutdown, "di" },
	{ SYS_bind, "dti" },
	{ SYS_listen, "di" },
	{ SYS_getsockname, "dtt" },
	{ SYS_getpeername, "dtt" },
	{ SYS_socketpair, "iiit" },
	{ SYS_setsockopt, "diiti" },
	{ SYS_getsockopt, "diitt" },
	{ SYS_kill, "ng" },
	{ SYS_semget, "iif" },
	{ SYS_semop, "iti" },
	{ SYS_semctl, "iiit" },
	{ SYS_shmdt, "a" },
	{ SYS_msgget, "if" },
	{ SYS_msgsnd, "ibsf" },
	{ SYS_msgrcv, "ibsif" },
	{ SYS_msgctl, "iit" },
	{ SYS_fcntl, "dit" },
	{ SYS_flock, "di" },
	{ SYS_fsync, "d" },
	{ SYS_truncate, "po" },
	{ SYS_ftruncate, "do" },
	{ SYS_getdents, "dbs" },
	{ SYS_getcwd, "bs" },
	{ SYS_chdir, "p" },
	{ SYS_fchdir, "d" },
	{ SYS_rename, "pp" },
	{ SYS_mkdir, "pm" },
	{ SYS_rmdir, "p" },
	{ SYS_creat, "pm" },
	{ SYS_link, "pp" },
	{ SYS_unlink, "p" },
	{ SYS_symlink, "pp" },
	{ SYS_readlink, "pbs" },
	{ SYS_chmod, "pm" },
	{ SYS_fchmod, "dm" },
	{ SYS_mknod, "pmi" },
	{ SYS_statfs, "pt" },
	{ SYS_mount, "pppft" },
	{ SYS_umount2, "pi" },
	{ SYS_getpriority, "ii" },
	{ SYS_sched_setscheduler, "nit" },
	{ SYS_mlock, "al" },
	{ SYS_munlock, "al" },
	{ SYS_prctl, "iiiii" },
	{ SYS_setrlimit, "it" },
	{ SYS_futex, "tiitti" },
	{ SYS_sched_setaffinity, "nst" },
	{ SYS_epoll_create, "i" },
	{ SYS_getdents64, "dbs" },
	{ SYS_fadvise64, "doli" },
	{ SYS_timer_create, "itt" },
	{ SYS_timer_settime, "iitt" },
	{ SYS_timer_delete, "i" },
	{ SYS_clock_gettime, "it" },
	{ SYS_epoll_wait, "dtii" },
	{ SYS_epoll_ctl, "didt" },
	{ SYS_tgkill, "nng" },
	{ SYS_mq_open, "pfmt" },
	{ SYS_mq_unlink, "p" },
	{ SYS_mq_timedsend, "dbsit" },
	{ SYS_mq_timedreceive, "dbstt" },
	{ SYS_waitid, "inti" },
	{ SYS_inotify_init, "" },
	{ SYS_inotify_add_watch, "dpf" },
	{ SYS_inotify_rm_watch, "di" },
	{ SYS_openat, "dpfm" },
	{ SYS_mkdirat, "dpm" },
	{ SYS_newfstatat, "dptf" },
	{ SYS_unlinkat, "dpf" },
	{ SYS_renameat, "dpdp" },
	{ SYS_linkat, "dpdpf" },
	{ SYS_symlinkat, "pdp" },
	{ SYS_readlinkat, "dpbs" },
	{ SYS_pselect6, "itttt" },
	{ SYS_ppoll, "tittt" },
	{ SYS_set_robust_list, "ti" },
	{ SYS_splice, "dtdtsf" },
	{ SYS_tee, "ddsf" },
	{ SYS_vmsplice, "dvif" },
	{ SYS_utimensat, "dptf" },
	{ SYS_epoll_pwait, "dtiit" },
	{ SYS_signalfd, "dti" },
	{ SYS_timerfd_create, "if" },
	{ SYS_eventfd, "i" },
	{ SYS_fallocate, "diol" },
	{ SYS_timerfd_settime, "dftt" },
	{ SYS_accept4, "dttf" },
	{ SYS_signalfd4, "dtif" },
	{ SYS_eventfd2, "if" },
	{ SYS_epoll_create1, "f" },
	{ SYS_dup3, "ddf" },
	{ SYS_pipe2, "tf" },
	{ SYS_inotify_init1, "f" },
	{ SYS_preadv, "dvio" },
	{ SYS_pwritev, "dvio" },
	{ SYS_recvmmsg, "dtift" },
	{ SYS_prlimit64, "nitt" },
	{ SYS_sendmmsg, "dtif" },
	{ SYS_process_vm_readv, "nvivi" },
	{ SYS_process_vm_writev, "nvivi" },
	{ SYS_renameat2, "dpdpf" },
	{ SYS_getrandom, "bsf" },
	{ SYS_memfd_create, "pf" },
	{ SYS_membarrier, "iii" },
	{ SYS_copy_file_range, "dtdtsf" },
	{ SYS_preadv2, "dviiof" },
	{ SYS_pwritev2, "dviiof" },
	{ SYS_statx, "dpfft" },
	{ SYS_rseq, "tifi" },
	{ 424 /* pidfd_send_signal */, "dgtf" },
	{ 434 /* pidfd_open */, "nf" },
	{ 436 /* close_range */, "ddf" },
	{ 437 /* openat2 */, "dpti" },
	{ 439 /* faccessat2 */, "dpif" },
	{ 449 /* futex_waitv */, "tifti" },
};
#define SIGNATURES (sizeof(signatures) / sizeof(signatures[0]))

/* --- arguments ---------------------------------------------------------------------------------------- */

static const char *const paths[] = {
	"f0",
	"f1",
	"f2",
	"d0",
	"d1",
	"d0/f0",
	"d0/d1",
	"d1/f3",
	"link",
	"d0/link",
	".",
	"..",
	"",
	"/",
	"/proc/self/fd/4",
	"/proc/self/fd/5",
	"/proc/self/maps",
	"/proc/self/stat",
	"/proc/self/status",
	"/proc/self/mem",
	"/proc/self/root",
	"/proc/self/task",
	"/proc/mounts",
	"/proc/meminfo",
	"/dev/null",
	"/dev/zero",
	"/dev/full",
	"/dev/tty",
	"/dev/ptmx",
	"/dev/shm/f",
	"/sys/devices",
	"tmpfs",
	"none",
	"/q0",
	"loop/loop",
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static uint64_t any_address(struct dice *d)
{
	uint64_t at = (uint64_t)arena + (below(d, ARENA) & ~7ul);

	switch (below(d, 12)) {
	case 0:
		return odd[below(d, ODD)];
	case 1:
		return (uint64_t)arena + ARENA - below(d, 160); /* the end is near */
	case 2:
		return at + below(d, 8);
	default:
		return at;
	}
}

static uint64_t put_path(struct dice *d)
{
	uint64_t at = (uint64_t)arena + STRUCTS + below(d, ARENA - STRUCTS - 3 * 4096);

	strcpy((char *)at, paths[below(d, PATHS)]);
	return at;
}

/* Something that could be a time, a vector, an address, a list of descriptors. */
static uint64_t put_structure(struct dice *d)
{
	uint64_t *at = (uint64_t *)((uint64_t)arena + (below(d, STRUCTS - 512) & ~7ul));
	unsigned words = (unsigned)below(d, 24);

	for (unsigned i = 0; i < words; i++) {
		switch (below(d, 6)) {
		case 0:
			at[i] = any_address(d);
			break;
		case 1:
			at[i] = below(d, SLOTS) | below(d, 8) << 32;
			break;
		case 2:
			at[i] = odd[below(d, ODD)];
			break;
		case 3:
			at[i] = 1; /* AF_UNIX, one */
			break;
		default:
			at[i] = below(d, 3000);
		}
	}
	return (uint64_t)at;
}

static uint64_t put_vector(struct dice *d)
{
	uint64_t *at = (uint64_t *)((uint64_t)arena + (below(d, STRUCTS - 512) & ~7ul));

	for (int i = 0; i < 16; i += 2) {
		at[i] = any_address(d);
		at[i + 1] = below(d, 9000);
	}
	return (uint64_t)at;
}

static uint64_t any_flags(struct dice *d)
{
	uint64_t flags = 0;

	for (uint64_t n = below(d, 4); n > 0; n--)
		flags |= 1ul << below(d, one_in(d, 8) ? 32 : 21);
	return flags;
}

static uint64_t argument(struct dice *d, char kind)
{
	if (one_in(d, 24))
		return one_in(d, 2) ? odd[below(d, ODD)] : any_address(d);
	switch (kind) {
	case 'd':
		return one_in(d, 8) ? (uint64_t)-100 /* AT_FDCWD */ : below(d, 40);
	case 'p':
		return put_path(d);
	case 'b':
		return any_address(d);
	case 's':
		return one_in(d, 4) ? below(d, 200000) : below(d, 5000);
	case 't':
		return one_in(d, 6) ? 0 : put_structure(d);
	case 'f':
		return any_flags(d);
	case 'n':
		return one_in(d, 2) ? 0 : (uint64_t)getpid();
	case 'g':
		return below(d, 66);
	case 'm':
		return below(d, 010000) | (one_in(d, 8) ? below(d, 16) << 12 : 0);
	case 'o':
		return one_in(d, 4) ? below(d, 1 << 22) : below(d, 5000);
	case 'v':
		return put_vector(d);
	case 'a':
		return one_in(d, 2) ? 0 : ((uint64_t)arena + below(d, 2 * ARENA)) & ~4095ul;
	case 'l':
		return below(d, 20) * 4096 + (one_in(d, 8) ? below(d, 4096) : 0);
	}
	return below(d, one_in(d, 4) ? 70 : 12);
}

/* --- calls ---------------------------------------------------------------------------------------------- */

/* Those that end the caller or leave it without its senses, and tell nothing. */
static bool is_left_out(uint64_t number)
{
	switch (number) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_arch_prctl: /* takes the thread's memory away */
	case SYS_seccomp:
		return true;
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
	case SYS_prlimit64:
	case SYS_syslog: /* what is logged is looked at */
	case 438:        /* pidfd_getfd: init's console is for people */
	case SYS_settimeofday:
	case SYS_clock_settime:
	case SYS_pivot_root:
	case SYS_umount2: /* of / would take all away; unmount_one() does it */
	case SYS_process_vm_writev:
	case SYS_setpriority:
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

	if (is_left_out(number))
		return;
	for (int i = 0; i < 6; i++)
		a[i] = argument(d, *kinds ? *kinds++ : "dbpstfiv"[below(d, 8)]);
	if (enter(number, a) >= 0)
		atomic_fetch_add_explicit(&succeeded[number], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(done, 1, memory_order_relaxed);
}

static void fork_one(struct dice *d)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(1);
		d->state ^= 0x9e3779b97f4a7c15;
		for (int i = 0; i < 200; i++)
			make_one_call(d);
		_exit(0);
	}
	if (pid > 0 && one_in(d, 3))
		kill(pid, SIGKILL);
	if (pid > 0)
		waitpid(pid, NULL, one_in(d, 2) ? 0 : WNOHANG);
}

/* Something of each kind to act on. */
static void open_some(struct dice *d)
{
	int pair[2];

	switch (below(d, 9)) {
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
		if (root && one_in(&d, 100))
			unmount_one(&d);
	}
	return NULL;
}

/* With others who work there, or, when nobody can go there any more, somewhere new. */
static void find_a_place(struct dice *d)
{
	uint64_t place = below(d, 4);
	char path[64];

	for (int tries = 0; tries < 100; tries++) {
		snprintf(path, sizeof(path), TOP "/%lu", place);
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

	prepare_worker(root ? 0 : NOBODY);
	find_a_place(&d);
	mkdir("d0", 0777);
	mkdir("d1", 0777);
	for (int i = 0; i < 12; i++)
		open_some(&d);
	run_threads(&d, run_thread);
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

/* Where the last of the mounts is that were not there at the start.  False: there is none. */
static bool last_new_mount(unsigned before, char at[256])
{
	FILE *f = fopen("/proc/self/mounts", "r");
	char line[1024], point[256];
	unsigned n = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %255s", point) == 1 && n++ >= before)
			strcpy(at, point);
	if (f)
		fclose(f);
	return n > before;
}

static void unmount_new(void)
{
	static unsigned before;
	char at[256];

	if (before == 0)
		while (last_new_mount(before, at))
			before++;
	while (last_new_mount(before, at) && umount2(at, MNT_DETACH) == 0)
		;
}

/* What outlives a process: files, System V objects, queues. */
static void tidy_up(void)
{
	union {
		struct shmid_ds shm;
		struct semid_ds sem;
		struct msqid_ds msg;
	} found;

	unmount_new(); /* first: a part of the tree may be mounted there */
	nftw(TOP, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	nftw("/dev/shm", remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	syscall(SYS_mq_unlink, "q0");
	for (int i = 0; i < 32768; i++) {
		int id;

		if ((id = shmctl(i, SHM_STAT, &found.shm)) >= 0)
			shmctl(id, IPC_RMID, NULL);
		if ((id = semctl(i, 0, SEM_STAT, &found.sem)) >= 0)
			semctl(id, 0, IPC_RMID);
		if ((id = msgctl(i, MSG_STAT, &found.msg)) >= 0)
			msgctl(id, IPC_RMID, NULL);
	}
	mkdir(TOP, 0777);
	chmod(TOP, 01777);
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

	root = argc > 3 && strcmp(argv[3], "root") == 0;
	if (make_counter() < 0)
		return 2;
	succeeded = (_Atomic uint32_t *)(done + 1);
	tidy_up();
	run_workers(2, seed, work); /* what the kernel keeps for the next time is not lost */
	tidy_up();
	before = free_memory();
	workers = run_workers(seconds, seed + 1, work);
	tidy_up();
	printf("# %llu calls of %llu workers, seed %llu; %u different calls succeeded\n",
	       (unsigned long long)*done, (unsigned long long)workers, (unsigned long long)seed,
	       kinds_that_succeeded());
	tap(kinds_that_succeeded() > 100,
	    "hostile calls have been made, and all who made them could be killed");
	tap(gives_back(before), "their memory is free again");
	return tap_end();
}
