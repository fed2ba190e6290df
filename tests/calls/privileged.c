/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each privilege is good for: a process with one alone in effect, as user 1000 and as user 0, tries what
 * takes some privilege or other, and prints which of it was allowed.  So a line for each privilege says both
 * that it is enough and that it is not too much.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "privileges.h"

#define OTHER   2000 /* whose things they are that it takes privilege to touch */
#define NOTHING 63   /* no privilege at all */

static pid_t target; /* a process of his */
static int his_shm, his_msg;

/* --- things of another user ----------------------------------------------------------------------------- */

static void make_file(const char *name, uid_t uid, mode_t mode)
{
	close(file_with(name, "text"));
	if (chown(name, uid, OTHER) < 0 || chmod(name, mode) < 0)
		_exit(3);
}

static void make_directory(const char *name, mode_t mode)
{
	if (mkdir(name, 0755) < 0 || chown(name, OTHER, OTHER) < 0 || chmod(name, mode) < 0)
		_exit(4);
}

static void make_target(void)
{
	pid_t parent = getpid();

	target = fork();
	if (target)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setresgid(OTHER, OTHER, OTHER) < 0 || setresuid(OTHER, OTHER, OTHER) < 0)
		_exit(5);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	for (;;)
		pause();
}

static void make_ipc(void)
{
	struct shmid_ds shm;
	struct msqid_ds msg;

	his_shm = shmget(IPC_PRIVATE, 4096, 0600);
	his_msg = msgget(IPC_PRIVATE, 0600);
	if (shmctl(his_shm, IPC_STAT, &shm) < 0 || msgctl(his_msg, IPC_STAT, &msg) < 0)
		_exit(6);
	shm.shm_perm.uid = msg.msg_perm.uid = OTHER;
	if (shmctl(his_shm, IPC_SET, &shm) < 0 || msgctl(his_msg, IPC_SET, &msg) < 0)
		_exit(7);
}

static void make_things(uid_t me)
{
	make_file("his", OTHER, 0600);
	make_file("his-readable", OTHER, 0644);
	make_file("mine", me, 0644);
	make_directory("closed", 0700);
	make_file("closed/file", OTHER, 0644);
	make_directory("open", 0777);
	make_directory("sticky", 01777);
	make_file("sticky/his", OTHER, 0644);
	make_target();
	make_ipc();
}

static void remove_things(void)
{
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
	shmctl(his_shm, IPC_RMID, NULL);
	msgctl(his_msg, IPC_RMID, NULL);
}

/* --- what takes privilege ------------------------------------------------------------------------------- */

static bool opens(const char *name, int flags)
{
	int fd = open(name, flags);

	return fd >= 0 && close(fd) == 0;
}

static bool to_chown(void)
{
	return chown("his", OTHER, OTHER) == 0;
}

static bool to_give_away(void)
{
	return chown("mine", OTHER, -1) == 0;
}

static bool to_read(void)
{
	return opens("his", O_RDONLY);
}

static bool to_write(void)
{
	return opens("his", O_WRONLY);
}

static bool to_search(void)
{
	struct stat st;

	return stat("closed/file", &st) == 0;
}

static bool to_list(void)
{
	return opens("closed", O_RDONLY | O_DIRECTORY);
}

static bool to_make(void)
{
	return mkdir("closed/new", 0755) == 0;
}

static bool to_link_by_descriptor(void)
{
	int fd = open("mine", O_RDONLY);

	return linkat(fd, "", AT_FDCWD, "open/link", AT_EMPTY_PATH) == 0;
}

static bool to_chmod(void)
{
	return chmod("his", 0600) == 0;
}

static bool to_date(void)
{
	struct timespec times[2] = { { 1, 0 }, { 1, 0 } };

	return utimensat(AT_FDCWD, "his-readable", times, 0) == 0;
}

static bool to_read_unnoticed(void)
{
	return opens("his-readable", O_RDONLY | O_NOATIME);
}

static bool to_remove_sticky(void)
{
	return rename("sticky/his", "sticky/mine") == 0;
}

static bool to_keep_set_id(void)
{
	struct stat st;

	return chmod("mine", 02755) == 0 && stat("mine", &st) == 0 && (st.st_mode & S_ISGID);
}

static bool to_write_set_id(void)
{
	struct stat st;
	int fd;

	chmod("mine", 04755);
	fd = open("mine", O_WRONLY);
	if (write(fd, "x", 1) != 1)
		return false;
	close(fd);
	return stat("mine", &st) == 0 && (st.st_mode & S_ISUID);
}

static bool to_kill(void)
{
	return kill(target, 0) == 0;
}

static bool to_set_gid(void)
{
	return syscall(SYS_setgid, OTHER) == 0;
}

static bool to_set_groups(void)
{
	return syscall(SYS_setgroups, 0, NULL) == 0;
}

static bool to_set_uid(void)
{
	return syscall(SYS_setuid, OTHER) == 0;
}

static bool to_drop_bounds(void)
{
	return prctl(PR_CAPBSET_DROP, CAP_LAST, 0, 0, 0) == 0;
}

static bool to_set_securebits(void)
{
	return prctl(PR_SET_SECUREBITS, NOROOT, 0, 0, 0) == 0;
}

static bool set_number(int option)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), number = 7;

	return setsockopt(fd, SOL_SOCKET, option, &number, sizeof(number)) == 0;
}

static bool to_force_room(void)
{
	return set_number(SO_RCVBUFFORCE);
}

static bool to_go_first(void)
{
	return set_number(SO_PRIORITY);
}

static bool to_lock(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mlock(page, 4096) == 0;
}

static bool to_map_locked(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) != MAP_FAILED;
}

static bool to_attach(void)
{
	return shmat(his_shm, NULL, SHM_RDONLY) != (void *)-1;
}

static bool to_look_at_queue(void)
{
	struct msqid_ds ds;

	return msgctl(his_msg, IPC_STAT, &ds) == 0;
}

static bool to_change_queue(void)
{
	struct msqid_ds ds = { .msg_perm = { .uid = OTHER, .mode = 0600 }, .msg_qbytes = 100 };

	return msgctl(his_msg, IPC_SET, &ds) == 0;
}

static bool to_enlarge_queue(void)
{
	int id = msgget(IPC_PRIVATE, 0600);
	struct msqid_ds ds = { .msg_perm = { .uid = geteuid(), .mode = 0600 }, .msg_qbytes = 1 << 20 };
	bool done = msgctl(id, IPC_SET, &ds) == 0;

	msgctl(id, IPC_RMID, NULL);
	return done;
}

static bool to_have_long_mqueue(void)
{
	struct mq_attr attr = { .mq_maxmsg = 100, .mq_msgsize = 16 };
	bool done = mq_open("/privileged", O_RDWR | O_CREAT, 0600, &attr) != (mqd_t)-1;

	mq_unlink("/privileged");
	return done;
}

static bool to_chroot(void)
{
	return chroot("open") == 0;
}

static bool to_read_memory(void)
{
	int here;
	struct iovec to = { &here, sizeof(here) }, from = { &target, sizeof(target) };

	return process_vm_readv(target, &to, 1, &from, 1, 0) == sizeof(here);
}

static bool to_see_descriptors(void)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/cwd", (int)target);
	return readlink(name, (char[64]){ 0 }, 64) > 0;
}

static bool to_name_the_host(void)
{
	struct utsname u;

	return uname(&u) == 0 && sethostname(u.nodename, strlen(u.nodename)) == 0;
}

static bool to_mount(void)
{
	return mount("none", "open", "no such type", 0, NULL) == 0 || errno != EPERM;
}

static bool to_unmount(void)
{
	return umount("open") == 0 || errno != EPERM;
}

static bool to_trust(void)
{
	return setxattr("his", "trusted.x", "1", 1, 0) == 0;
}

static bool to_reboot(void)
{
	return syscall(SYS_reboot, 0, 0, 0, NULL) == 0 || errno != EPERM;
}

static bool to_be_less_nice(void)
{
	return setpriority(PRIO_PROCESS, 0, -5) == 0;
}

static bool to_be_urgent(void)
{
	struct sched_param param = { .sched_priority = 1 };

	return syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param) == 0; /* musl has none */
}

static bool to_place_another(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	return sched_setaffinity(target, sizeof(cpus), &cpus) == 0;
}

static bool to_read_urgently(void)
{
	return syscall(SYS_ioprio_set, 1, 0, 1 << 13) == 0;
}

static bool to_raise_limit(void)
{
	struct rlimit limit = { 4096, 4096 };

	return setrlimit(RLIMIT_CORE, &limit) == 0;
}

static bool to_limit_another(void)
{
	struct rlimit limit;

	return prlimit(target, RLIMIT_CORE, NULL, &limit) == 0;
}

static bool to_have_large_pipe(void)
{
	int fds[2];

	return pipe(fds) == 0 && fcntl(fds[0], F_SETPIPE_SZ, 4 << 20) > 0;
}

static bool to_be_spared(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	return write(fd, "-1", 2) == 2;
}

static bool to_set_the_clock(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 && clock_settime(CLOCK_REALTIME, &now) == 0;
}

static bool to_make_device(void)
{
	return mknod("open/null", S_IFCHR | 0666, 1 << 8 | 3) == 0;
}

static bool to_give_privilege(void)
{
	static const uint32_t value[5] = { 0x02000000 };

	return setxattr("his", "security.capability", value, sizeof(value), 0) == 0;
}

static bool to_open_the_log(void)
{
	return syscall(SYS_syslog, 1, NULL, 0) == 0;
}

static bool to_wake_the_machine(void)
{
	return timerfd_create(9 /* CLOCK_BOOTTIME_ALARM */, 0) >= 0;
}

static bool say(pid_t pid, uid_t uid, gid_t gid)
{
	struct {
		struct cmsghdr header;
		struct ucred cred;
	} control = { .cred = { pid, uid, gid } };
	struct iovec byte = { "x", 1 };
	struct msghdr m = { .msg_iov = &byte,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_SPACE(sizeof(struct ucred)) };
	int fds[2];

	control.header.cmsg_len = CMSG_LEN(sizeof(struct ucred));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_CREDENTIALS;
	return socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0 && sendmsg(fds[0], &m, 0) == 1;
}

static bool to_say_other_user(void)
{
	return say(getpid(), OTHER, getgid());
}

static bool to_say_other_group(void)
{
	return say(getpid(), getuid(), OTHER);
}

static bool to_say_other_process(void)
{
	return say(target, getuid(), getgid());
}

static const struct {
	const char *name;
	bool (*allowed)(void);
} deeds[] = {
	{ "chown", to_chown },
	{ "give-away", to_give_away },
	{ "read", to_read },
	{ "write", to_write },
	{ "search", to_search },
	{ "list", to_list },
	{ "make", to_make },
	{ "link-fd", to_link_by_descriptor },
	{ "chmod", to_chmod },
	{ "date", to_date },
	{ "noatime", to_read_unnoticed },
	{ "sticky", to_remove_sticky },
	{ "set-gid", to_keep_set_id },
	{ "write-suid", to_write_set_id },
	{ "kill", to_kill },
	{ "setgid", to_set_gid },
	{ "setgroups", to_set_groups },
	{ "setuid", to_set_uid },
	{ "bounds", to_drop_bounds },
	{ "securebits", to_set_securebits },
	{ "room", to_force_room },
	{ "priority", to_go_first },
	{ "mlock", to_lock },
	{ "map-locked", to_map_locked },
	{ "shmat", to_attach },
	{ "msg-stat", to_look_at_queue },
	{ "msg-set", to_change_queue },
	{ "msg-large", to_enlarge_queue },
	{ "mq-long", to_have_long_mqueue },
	{ "chroot", to_chroot },
	{ "vm-read", to_read_memory },
	{ "proc-cwd", to_see_descriptors },
	{ "hostname", to_name_the_host },
	{ "mount", to_mount },
	{ "umount", to_unmount },
	{ "trusted", to_trust },
	{ "reboot", to_reboot },
	{ "nice", to_be_less_nice },
	{ "fifo", to_be_urgent },
	{ "affinity", to_place_another },
	{ "ioprio", to_read_urgently },
	{ "rlimit", to_raise_limit },
	{ "prlimit", to_limit_another },
	{ "pipe", to_have_large_pipe },
	{ "oom", to_be_spared },
	{ "clock", to_set_the_clock },
	{ "mknod", to_make_device },
	{ "setfcap", to_give_privilege },
	{ "syslog", to_open_the_log },
	{ "alarm", to_wake_the_machine },
	{ "say-uid", to_say_other_user },
	{ "say-gid", to_say_other_group },
	{ "say-pid", to_say_other_process },
};
#define DEEDS (sizeof(deeds) / sizeof(deeds[0]))

/* --- one privilege at a time ---------------------------------------------------------------------------- */

/* Nothing that privilege would spare. */
static void without_limits_to_spare(void)
{
	static const int resources[] = { RLIMIT_MEMLOCK, RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_CORE };
	struct rlimit none = { 0, 0 };

	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (setrlimit(resources[i], &none) < 0)
			_exit(10);
}

static void become(uid_t uid, int privilege)
{
	uint64_t only = privilege == NOTHING ? 0 : BIT(privilege);

	without_limits_to_spare();
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(uid, uid, uid) < 0 ||
	    cap_set(only, only, 0) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		_exit(11);
}

/* Undo what a deed may have done. */
static void restore(uid_t me)
{
	rmdir("closed/new");
	unlink("open/link");
	unlink("open/null");
	rename("sticky/mine", "sticky/his");
	if (chown("mine", me, OTHER) < 0 || chmod("mine", 0644) < 0)
		_exit(12);
}

static bool allows(uid_t uid, int privilege, bool (*deed)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		become(uid, privilege);
		_exit(deed() ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	if (status != 0 && status != 1 << 8)
		VALUE(status);
	restore(uid);
	return status == 0;
}

static void try_all(uid_t uid, int privilege)
{
	char text[1024] = "", what[32];
	size_t used = 0;

	for (size_t i = 0; i < DEEDS; i++)
		if (allows(uid, privilege, deeds[i].allowed))
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", deeds[i].name);
	if (privilege == NOTHING)
		snprintf(what, sizeof(what), "user %u, none", uid);
	else
		snprintf(what, sizeof(what), "user %u, %d", uid, privilege);
	calls_text(what, text, used);
}

static void try_some(uid_t uid, int first, int last)
{
	make_things(uid);
	for (int privilege = first; privilege <= last; privilege++)
		try_all(uid, privilege);
	remove_things();
}

#define RANGE(name, uid, first, last)       \
	static void name(void)              \
	{                                   \
		try_some(uid, first, last); \
	}
RANGE(user_without, 1000, NOTHING, NOTHING)
RANGE(user_0, 1000, 0, 6)
RANGE(user_7, 1000, 7, 15)
RANGE(user_16, 1000, 16, 24)
RANGE(user_25, 1000, 25, 32)
RANGE(user_33, 1000, 33, CAP_LAST)
RANGE(root_without, 0, NOTHING, NOTHING)
RANGE(root_0, 0, 0, 7)
RANGE(root_8, 0, 8, 15)
RANGE(root_16, 0, 16, 24)
RANGE(root_25, 0, 25, 32)
RANGE(root_33, 0, 33, CAP_LAST)

static const struct calls table[] = {
	{ "capset", user_without }, { "capset", user_0 },  { "capset", user_7 },       { "capset", user_16 },
	{ "capset", user_25 },      { "capset", user_33 }, { "capset", root_without }, { "capset", root_0 },
	{ "capset", root_8 },       { "capset", root_16 }, { "capset", root_25 },      { "capset", root_33 },
};
CALLS_MAIN(table)
