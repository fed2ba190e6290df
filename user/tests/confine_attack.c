/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks on a confinement that a shell alone cannot make, by name: exit status 0 if one worked.
 * tests/system/test_confinement.py has each made confined, where it must fail, and not confined.  Without
 * arguments all are made here and now, not confined: then each has to work, or its failure elsewhere would
 * say nothing.
 *
 * The scene is that of the Python test: /etc/secret is out of reach, /srv/data may be read, /tmp written;
 * descriptor 8 is /etc/secret and 9 is /etc, both open since before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define SECRET    "/etc/secret"
#define DATA      "/srv/data"
#define SECRET_FD 8
#define DIR_FD    9
#define ROUNDS    20000
#define SECONDS   4
#define TRIES     20 /* of races that nobody hinders */
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static char me[64] = "/proc/self/exe";

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static pid_t victim(void)
{
	const char *pid = getenv("VICTIM");

	return pid ? atoi(pid) : getppid();
}

/* --- what is open already -------------------------------------------------------------------------- */

static bool reopen(void)
{
	return opens("/proc/self/fd/8", O_RDONLY);
}

static bool reopen_by_dev(void)
{
	return opens("/dev/fd/8", O_RDONLY);
}

static bool below_inherited_directory(void)
{
	return openat(DIR_FD, "secret", O_RDONLY) >= 0;
}

static bool into_inherited_directory(void)
{
	return fchdir(DIR_FD) == 0;
}

static bool link_inherited(void)
{
	return linkat(SECRET_FD, "", AT_FDCWD, "/tmp/stolen", AT_EMPTY_PATH) == 0;
}

static bool chown_inherited_by_empty_path(void)
{
	return fchownat(DIR_FD, "", 0, 0, AT_EMPTY_PATH) == 0;
}

/* --- what may only be read -------------------------------------------------------------------------- */

static bool chmod_open(void)
{
	return fchmod(open(DATA, O_RDONLY), 0644) == 0;
}

static bool chown_open(void)
{
	return fchown(open(DATA, O_RDONLY), 0, 0) == 0;
}

static bool touch_open(void)
{
	return futimens(open(DATA, O_RDONLY), NULL) == 0;
}

static bool open_to_write(void)
{
	return opens(DATA, O_RDWR);
}

static bool open_to_truncate(void)
{
	return opens(DATA, O_RDONLY | O_TRUNC);
}

static bool truncate_path(void)
{
	return truncate(DATA, 1) == 0;
}

static bool exchange(void)
{
	return close(creat("/tmp/swap", 0600)) == 0 &&
	       syscall(SYS_renameat2, AT_FDCWD, "/tmp/swap", AT_FDCWD, DATA, RENAME_EXCHANGE) == 0;
}

/* --- running what was written ------------------------------------------------------------------------- */

static bool runs(int fd)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		char *argv[] = { "confine_attack", "nothing", NULL };

		syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
		_exit(99);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool nothing(void)
{
	return true;
}

/* This very program, again. */
static bool copy_to(int to)
{
	int from = open(me, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			return false;
	return n == 0 && fchmod(to, 0755) == 0;
}

static bool run_memfd(void)
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	return copy_to(fd) && runs(fd);
}

static bool run_copy(void)
{
	int fd = open("/tmp/copy", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);

	return copy_to(fd) && close(fd) == 0 && runs(open("/tmp/copy", O_RDONLY | O_CLOEXEC));
}

static bool maps_code(int fd)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED;
}

static bool map_memfd(void)
{
	int fd = memfd_create("code", MFD_CLOEXEC);

	return write(fd, "\xc3", 1) == 1 && maps_code(fd);
}

static bool map_written(void)
{
	int fd = open("/tmp/code", O_CREAT | O_RDWR | O_CLOEXEC, 0755);

	return write(fd, "\xc3", 1) == 1 && maps_code(fd);
}

static bool protect_written(void)
{
	int fd = open("/tmp/code", O_CREAT | O_RDWR | O_CLOEXEC, 0755);
	void *at = write(fd, "\xc3", 1) == 1 ? mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;

	return at != MAP_FAILED && mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0;
}

/* --- other processes ---------------------------------------------------------------------------------- */

static bool kill_victim(void)
{
	return kill(victim(), 0) == 0;
}

static bool tgkill_victim(void)
{
	return syscall(SYS_tgkill, victim(), victim(), 0) == 0;
}

static bool queue_to_victim(void)
{
	return sigqueue(victim(), 0, (union sigval){ 0 }) == 0;
}

static bool pidfd_victim(void)
{
	int fd = (int)syscall(434, victim(), 0);

	return fd >= 0 && syscall(424, fd, 0, NULL, 0) == 0;
}

static bool limit_victim(void)
{
	struct rlimit limit;

	return prlimit(victim(), RLIMIT_NOFILE, NULL, &limit) == 0;
}

static bool renice_victim(void)
{
	return setpriority(PRIO_PROCESS, (id_t)victim(), 0) == 0;
}

static bool move_victim(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(victim(), sizeof(set), &set) == 0;
}

/* --- the machine -------------------------------------------------------------------------------------- */

static bool realtime(void)
{
	struct sched_param param = { .sched_priority = 1 };

	/* The C library has stubs only. */
	return syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param) == 0;
}

static bool nicer(void)
{
	return setpriority(PRIO_PROCESS, 0, -1) == 0;
}

static bool change_root(void)
{
	return chroot("/tmp") == 0;
}

static bool mount_over(void)
{
	return mount("none", "/srv", "tmpfs", 0, NULL) == 0 && umount("/srv") == 0;
}

static bool bind_tree(void)
{
	return mkdir("/tmp/bound", 0700) == 0 && mount("/etc", "/tmp/bound", NULL, MS_BIND, NULL) == 0 &&
	       opens("/tmp/bound/secret", O_RDONLY) && umount("/tmp/bound") == 0;
}

static bool set_clock(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 && clock_settime(CLOCK_REALTIME, &now) == 0;
}

static bool host_name(void)
{
	return sethostname("serix", 5) == 0;
}

static bool other_user(void)
{
	return setuid(1) == 0;
}

static bool raise_limit(void)
{
	struct rlimit limit = { 8192, 8192 };

	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool set_user_id(void)
{
	return close(creat("/tmp/suid", 0755)) == 0 && chmod("/tmp/suid", 04755) == 0;
}

static bool make_device(void)
{
	return mknod("/tmp/made", S_IFCHR | 0600, 1u << 8 | 11) == 0;
}

/* A node that somebody has left within reach. */
static bool open_device(void)
{
	return opens("/tmp/kmsg", O_WRONLY);
}

static bool type_for_others(void)
{
	return ioctl(0, TIOCSTI, "x") == 0;
}

static bool network(void)
{
	return syscall(SYS_socket, 2, 1, 0) >= 0;
}

/* --- names of sockets: somebody outside serves one in the tree and an abstract one (serve) -------------- */

#define SERVED "/etc/served"

static struct sockaddr_un path_of_socket(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	strcpy(name.sun_path, path);
	return name;
}

static const struct sockaddr_un abstract = { AF_UNIX, "\0serix served" };
#define ABSTRACT_LEN (2 + 13)

static bool connects(const struct sockaddr_un *name, socklen_t len)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	return connect(s, (const struct sockaddr *)name, len) == 0;
}

static bool connect_outside(void)
{
	struct sockaddr_un name = path_of_socket(SERVED);

	return connects(&name, sizeof(name));
}

static bool connect_by_link(void)
{
	struct sockaddr_un name = path_of_socket("/tmp/way");

	return symlink(SERVED, "/tmp/way") == 0 && connects(&name, sizeof(name));
}

static bool connect_abstract(void)
{
	return connects(&abstract, ABSTRACT_LEN);
}

static bool send_to_abstract(void)
{
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	return sendto(s, "x", 1, 0, (const struct sockaddr *)&abstract, ABSTRACT_LEN) == 1;
}

static bool binds(const struct sockaddr_un *name, socklen_t len)
{
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)name, len) == 0;
}

static bool bind_outside(void)
{
	struct sockaddr_un name = path_of_socket("/etc/created");

	unlink("/etc/created");
	return binds(&name, sizeof(name));
}

static bool bind_abstract(void)
{
	static const struct sockaddr_un name = { AF_UNIX, "\0mine" };

	return binds(&name, 2 + 5);
}

static bool bind_any(void)
{
	return binds(&abstract, 2);
}

/* No attack: in a root that may be written names are as free as files. */
static bool own_socket(void)
{
	struct sockaddr_un name = path_of_socket("/tmp/own");
	int s = socket(AF_UNIX, SOCK_STREAM, 0), pair[2];

	return bind(s, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(s, 1) == 0 &&
	       connects(&name, sizeof(name)) && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
}

/* A child that takes connections and datagrams for as long as the machine runs. */
static int serve(void)
{
	struct sockaddr_un name = path_of_socket(SERVED);
	int by_path = socket(AF_UNIX, SOCK_STREAM, 0), by_bytes = socket(AF_UNIX, SOCK_STREAM, 0);
	int datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char buf[16];

	unlink(SERVED);
	if (bind(by_path, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(by_path, 100) < 0 ||
	    bind(by_bytes, (const struct sockaddr *)&abstract, ABSTRACT_LEN) < 0 ||
	    listen(by_bytes, 100) < 0 ||
	    bind(datagrams, (const struct sockaddr *)&abstract, ABSTRACT_LEN) < 0)
		return 1;
	if (fork() != 0)
		return 0;
	for (;;) {
		struct pollfd p[] = { { by_path, POLLIN, 0 },
				      { by_bytes, POLLIN, 0 },
				      { datagrams, POLLIN, 0 } };

		poll(p, 3, -1);
		for (int i = 0; i < 2; i++)
			if (p[i].revents)
				close(accept(p[i].fd, NULL, NULL));
		while (recv(datagrams, buf, sizeof(buf), 0) > 0)
			;
	}
}

/* --- races ---------------------------------------------------------------------------------------------- */

/* Another process keeps exchanging two names while this one opens through them: that often, and for some
 * seconds, for on a busy machine the two may take long turns. */
static bool race(const char *a, const char *b, const char *through)
{
	pid_t pid = fork();
	time_t end = time(NULL) + SECONDS;
	bool won = false;

	if (pid == 0)
		for (;;)
			syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	for (int i = 0; !won && (i < ROUNDS || time(NULL) < end); i++)
		won = opens(through, O_RDONLY);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return won;
}

static bool race_link(void)
{
	return mkdir("/tmp/dir", 0700) == 0 && symlink("/etc", "/tmp/link") == 0 &&
	       race("/tmp/dir", "/tmp/link", "/tmp/dir/secret");
}

/* From deep down to further up than it was before. */
static bool race_dotdot(void)
{
	return mkdir("/tmp/high", 0700) == 0 && mkdir("/tmp/d1", 0700) == 0 &&
	       mkdir("/tmp/d1/d2", 0700) == 0 && mkdir("/tmp/d1/d2/low", 0700) == 0 &&
	       race("/tmp/high", "/tmp/d1/d2/low", "/tmp/d1/d2/low/../../etc/secret");
}

static const struct {
	const char *name;
	bool (*attack)(void);
	bool refused; /* to everybody, confined or not */
} attacks[] = {
#define ATTACK(name)               \
	{                          \
#name, name, false \
	}
#define REFUSED(name)             \
	{                         \
#name, name, true \
	}
	ATTACK(nothing),
	ATTACK(reopen),
	ATTACK(reopen_by_dev),
	ATTACK(below_inherited_directory),
	ATTACK(into_inherited_directory),
	ATTACK(link_inherited),
	ATTACK(chown_inherited_by_empty_path),
	ATTACK(chmod_open),
	ATTACK(chown_open),
	ATTACK(touch_open),
	ATTACK(open_to_write),
	ATTACK(open_to_truncate),
	ATTACK(truncate_path),
	ATTACK(exchange),
	ATTACK(run_memfd),
	ATTACK(run_copy),
	ATTACK(map_memfd),
	ATTACK(map_written),
	ATTACK(protect_written),
	ATTACK(kill_victim),
	ATTACK(tgkill_victim),
	ATTACK(queue_to_victim),
	ATTACK(pidfd_victim),
	ATTACK(limit_victim),
	ATTACK(renice_victim),
	ATTACK(move_victim),
	ATTACK(realtime),
	ATTACK(nicer),
	ATTACK(change_root),
	ATTACK(mount_over),
	ATTACK(bind_tree),
	ATTACK(set_clock),
	ATTACK(host_name),
	ATTACK(other_user),
	ATTACK(raise_limit),
	ATTACK(set_user_id),
	ATTACK(make_device),
	ATTACK(open_device),
	ATTACK(connect_outside),
	ATTACK(connect_by_link),
	ATTACK(connect_abstract),
	ATTACK(send_to_abstract),
	ATTACK(bind_outside),
	ATTACK(bind_abstract),
	ATTACK(bind_any),
	ATTACK(own_socket),
	REFUSED(type_for_others),
	REFUSED(network),
	ATTACK(race_link),
	ATTACK(race_dotdot),
};
#define COUNT (sizeof(attacks) / sizeof(*attacks))

static const char *current;

static int run_named(const char *name)
{
	for (unsigned i = 0; i < COUNT; i++)
		if (strcmp(attacks[i].name, name) == 0)
			return attacks[i].attack() ? 0 : 1;
	fprintf(stderr, "no attack %s\n", name);
	return 2;
}

static void run_current(void)
{
	_exit(run_named(current));
}

static void build_scene(void)
{
	umount("/tmp"); /* all on one file system, so that links and renames could lead out */
	mkdir("/srv", 0755);
	system("rm -rf /tmp/* /srv/*");
	need(close(creat(SECRET, 0600)) == 0 && close(creat(DATA, 0644)) == 0);
	need(mknod("/tmp/kmsg", S_IFCHR | 0600, 1u << 8 | 11) == 0);
	need(dup2(open(SECRET, O_RDONLY), SECRET_FD) == SECRET_FD);
	need(dup2(open("/etc", O_RDONLY | O_DIRECTORY), DIR_FD) == DIR_FD);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "serve") == 0)
		return serve();
	if (argc > 1)
		return run_named(argv[1]);
	if (serve() != 0)
		return 2;
	for (unsigned i = 0; i < COUNT; i++) {
		bool worked = false;

		current = attacks[i].name;
		for (unsigned tries = 0; !worked && tries < (attacks[i].refused ? 1 : TRIES); tries++) {
			build_scene();
			worked = status_of(run_current) == 0;
		}
		tap(worked != attacks[i].refused, current);
	}
	return tap_end();
}
