/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Confinement as <serix/confine.h> has it: arguments, narrowing, inheritance, limits, expiry.  Each case runs
 * in a child.  tests/system/test_confinement.py attacks it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include <libserix/confine.h>

#include "child.h"
#include "tap.h"

#define MIB            (1ul << 20)
#define FAILS(call, e) ((call) == -1 && errno == (e))
#define MAPS(len, ...) (mmap(NULL, len, __VA_ARGS__, -1, 0) != MAP_FAILED)
#define RW             PROT_READ | PROT_WRITE
#define PRIVATE        MAP_PRIVATE | MAP_ANONYMOUS
#define A              "/tmp/confine/a"
#define B              "/tmp/confine/b"

static int confine_to(uint32_t deny, unsigned count, const struct confine_rule *rules)
{
	struct confinement c = { .deny = deny, .rule_count = count, .rules = rules };

	return cap_confine(&c, sizeof(c));
}

static int only(const char *path, uint32_t rights)
{
	struct confine_rule rule = { open(path, O_PATH | O_CLOEXEC), rights };

	return confine_to(CONFINE_NO_PATHS, 1, &rule);
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool child_passes(void (*body)(void))
{
	return status_of(body) == 0;
}

/* --- arguments --- */

static void refuses_bad_arguments(void)
{
	struct confine_rule rules[CONFINE_RULES_MAX + 1] = { { 99, CONFINE_READ } }, bad = { 0, 0x10000 };
	struct confinement c = { .deny = CONFINE_ALL + 1 };

	need(cap_confine(&c, sizeof(c)) == -EINVAL);
	c = (struct confinement){ .reserved = 1 };
	need(cap_confine(&c, sizeof(c)) == -EINVAL);
	c = (struct confinement){ 0 };
	need(cap_confine(&c, sizeof(c) - 1) == -EINVAL);
	need(cap_confine(NULL, sizeof(c)) == -EFAULT);
	need(confine_to(0, 1, rules) == -EINVAL);
	need(confine_to(CONFINE_NO_PATHS, 1, rules) == -EBADF);
	need(confine_to(CONFINE_NO_PATHS, 1, &bad) == -EINVAL);
	need(confine_to(CONFINE_NO_PATHS, 1, NULL) == -EFAULT);
	need(confine_to(CONFINE_NO_PATHS, CONFINE_RULES_MAX + 1, rules) == -E2BIG);
	rules[0].fd = open("/proc/self/status", O_RDONLY);
	need(confine_to(CONFINE_NO_PATHS, 1, rules) == -EBADF);
	need(opens(A "/file", O_RDWR));
	for (int i = 0; i < CONFINE_DEPTH_MAX; i++)
		need(confine_to(0, 0, NULL) == 0);
	need(confine_to(0, 0, NULL) == -E2BIG);
}

/* --- narrowing --- */

static void never_widens(void)
{
	need(only(A, CONFINE_READ) == 0);
	need(opens(A "/file", O_RDONLY) && !opens(A "/file", O_RDWR) && !opens(B "/file", O_RDONLY));
	need(FAILS(open(B, O_PATH), EACCES)); /* no rule can name what is out of reach */
	need(only(A, CONFINE_WRITE) == 0);
	need(opens(A "/file", O_RDONLY) && !opens(A "/file", O_RDWR));
	need(only(A "/deep", CONFINE_READ) == 0);
	need(opens(A "/deep/file", O_RDONLY) && !opens(A "/file", O_RDONLY));
	need(confine_to(CONFINE_NO_PATHS, 0, NULL) == 0);
	need(!opens(A "/deep/file", O_RDONLY));
}

/* A descriptor from before names a place, but opens nothing. */
static void an_old_descriptor_does_not_widen(void)
{
	struct confine_rule rule = { open(B, O_PATH), CONFINE_WRITE };

	need(only(A, CONFINE_READ) == 0);
	need(confine_to(CONFINE_NO_PATHS, 1, &rule) == 0);
	need(!opens(B "/file", O_RDONLY) && !opens(A "/file", O_RDONLY));
}

static void rights_of_one_level_add_up(void)
{
	struct confine_rule rules[] = { { open(A, O_PATH), CONFINE_READ },
					{ open(A "/deep", O_PATH), CONFINE_WRITE } };
	struct stat st;

	need(confine_to(CONFINE_NO_PATHS, 2, rules) == 0);
	need(opens(A "/deep/file", O_RDWR) && !opens(A "/file", O_RDWR));
	/* What may be written may not be executed, although the outer rule says so. */
	need(access(A "/file", X_OK) == 0 && FAILS(access(A "/deep/file", X_OK), EACCES));
	need(FAILS(stat(B, &st), EACCES) && stat("/tmp", &st) == 0);
	need(!opens("/tmp", O_RDONLY));
}

static void nothing_tells_what_exists(void)
{
	struct stat st;

	need(only(A, CONFINE_WRITE) == 0);
	need(FAILS(stat(B "/file", &st), EACCES) && FAILS(stat(B "/absent", &st), EACCES));
	need(FAILS(open(B "/file/below", O_RDONLY), EACCES) && FAILS(open(B "/no/below", O_RDONLY), EACCES));
	need(FAILS(open(B "/absent", O_CREAT | O_RDWR, 0600), EACCES));
	need(FAILS(open(B "/file", O_CREAT | O_EXCL | O_RDWR, 0600), EACCES));
	need(FAILS(mkdir(B "/file", 0700), EACCES) && FAILS(mkdir(B "/absent", 0700), EACCES));
	need(FAILS(unlink(B "/file"), EACCES) && FAILS(unlink(B "/absent"), EACCES));
	need(FAILS(rmdir(B "/file"), EACCES) && FAILS(rmdir(B "/deep/no"), EACCES));
	need(FAILS(rename(B "/absent", A "/x"), EACCES) && FAILS(link(B "/absent", A "/x"), EACCES));
	need(FAILS(open(B "/../a/file", O_RDONLY), EACCES) &&
	     FAILS(open(B "/no/../../a/file", O_RDONLY), EACCES));
	need(FAILS(stat(A "/absent", &st), ENOENT) && FAILS(mkdir(A, 0700), EEXIST));
}

/* --- inheritance --- */

static void sees_only_a(void)
{
	need(opens(A "/file", O_RDONLY) && !opens(B "/file", O_RDONLY));
}

static void a_child_inherits(void)
{
	need(only(A, CONFINE_READ) == 0);
	need(child_passes(sees_only_a));
}

static void a_child_confines_itself_alone(void)
{
	need(child_passes(a_child_inherits));
	need(opens(B "/file", O_RDONLY));
}

static void exec_keeps(const char *what)
{
	char *argv[] = { "confine", (char *)what, NULL };

	execv("/proc/self/exe", argv);
	_exit(100);
}

static struct confine_rule with_me[2];

static void find_me(void)
{
	with_me[0] = (struct confine_rule){ open(A, O_PATH), CONFINE_READ };
	with_me[1] = (struct confine_rule){ open("/proc/self/exe", O_PATH), CONFINE_READ };
}

static void execs(void)
{
	exec_keeps("sees-only-a");
}

static void exec_inherits(void)
{
	find_me();
	need(confine_to(CONFINE_NO_PATHS, 2, with_me) == 0);
	need(child_passes(execs));
}

static void the_last_exec_is_the_last(void)
{
	need(confine_to(CONFINE_LAST_EXEC, 0, NULL) == 0);
	exec_keeps("cannot-exec");
}

static void no_exec_means_none(void)
{
	char *argv[] = { "true", NULL };

	need(confine_to(CONFINE_NO_EXEC, 0, NULL) == 0);
	need(FAILS(execv("/proc/self/exe", argv), EACCES));
}

/* --- others --- */

/* It ends with who started it, who may not be allowed to kill it. */
static pid_t start_sleeper(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

static void own_children_may_be_signalled(void)
{
	pid_t outside = start_sleeper(), inside;
	int status;

	need(confine_to(CONFINE_NO_SIGNALS, 0, NULL) == 0);
	inside = start_sleeper();
	need(FAILS(kill(outside, SIGKILL), EPERM) && FAILS(kill(getppid(), 0), EPERM) &&
	     kill(getpid(), 0) == 0);
	need(kill(-1, SIGKILL) == 0); /* all that it may, and that is one */
	need(waitpid(inside, &status, 0) == inside && WIFSIGNALED(status));
	need(waitpid(outside, &status, WNOHANG) == 0);
	need(confine_to(CONFINE_NO_SIGNALS, 0, NULL) == 0);
	inside = start_sleeper();
	need(kill(inside, SIGKILL) == 0 && waitpid(inside, &status, 0) == inside);
}

static void an_inner_one_cannot_signal_outwards(void)
{
	pid_t outer, inner;
	int status;

	need(confine_to(CONFINE_NO_SIGNALS, 0, NULL) == 0);
	outer = start_sleeper();
	inner = fork();
	if (inner == 0) {
		need(kill(outer, 0) == 0);
		need(confine_to(CONFINE_NO_SIGNALS, 0, NULL) == 0);
		need(FAILS(kill(outer, 0), EPERM));
		_exit(0);
	}
	need(waitpid(inner, &status, 0) == inner && status == 0);
	need(kill(outer, SIGKILL) == 0);
}

static void others_are_not_to_be_seen(void)
{
	char name[32];
	pid_t outside = start_sleeper();

	snprintf(name, sizeof(name), "/proc/%d", outside);
	need(access(name, F_OK) == 0);
	need(confine_to(CONFINE_NO_SIGNALS, 0, NULL) == 0);
	need(FAILS(access(name, F_OK), ENOENT) && FAILS(access("/proc/1/status", F_OK), ENOENT));
	need(access("/proc/self/status", F_OK) == 0);
}

static void ids_stay(void)
{
	need(confine_to(CONFINE_NO_ADMIN, 0, NULL) == 0);
	need(setuid(0) == 0 && FAILS(setuid(1), EPERM) && FAILS(setgid(1), EPERM));
	need(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

/* --- limits --- */

static int limit_memory(uint64_t bytes)
{
	struct confinement c = { .memory = bytes };

	return cap_confine(&c, sizeof(c));
}

static void memory_is_limited(void)
{
	char *there;

	need(limit_memory(16 * MIB) == 0);
	need(MAPS(4 * MIB, RW, PRIVATE));
	need(!MAPS(16 * MIB, RW, PRIVATE) && errno == ENOMEM);
	need(!MAPS(16 * MIB, RW, MAP_SHARED | MAP_ANONYMOUS));
	need(MAPS(64 * MIB, PROT_READ, PRIVATE));
	there = mmap(NULL, 64 * MIB, PROT_NONE, PRIVATE, -1, 0);
	need(there != MAP_FAILED && mprotect(there, MIB, PROT_READ | PROT_WRITE) == 0);
	need(FAILS(mprotect(there, 64 * MIB, PROT_READ | PROT_WRITE), ENOMEM));
	need(sbrk(16 * MIB) == (void *)-1);
	need(limit_memory(1ul << 40) == 0); /* does not raise it */
	need(!MAPS(16 * MIB, RW, PRIVATE));
}

static void allocates(void)
{
	need(MAPS(4 * MIB, RW, PRIVATE) && !MAPS(16 * MIB, RW, PRIVATE));
}

static void memory_is_limited_for_each_child(void)
{
	need(limit_memory(16 * MIB) == 0);
	need(child_passes(allocates) && child_passes(allocates));
	exec_keeps("allocates");
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int expire_in(uint64_t ms)
{
	struct confinement c = { .expires_ns = ms * 1000000 };

	return cap_confine(&c, sizeof(c));
}

static void expires(void)
{
	need(expire_in(200) == 0);
	start_sleeper();
	start_sleeper();
	for (;;)
		;
}

/* With its children, wherever they are: the read end sees that nobody has the write end any more. */
static void time_runs_out(void)
{
	int64_t start = now_ms();
	int fds[2], status;
	pid_t pid;
	char c;

	need(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		expires();
		_exit(0);
	}
	close(fds[1]);
	need(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	need(now_ms() - start >= 200);
	need(read(fds[0], &c, 1) == 0);
}

static void the_earlier_end_counts(void)
{
	need(expire_in(100) == 0 && expire_in(100000) == 0);
	sleep(20);
}

static void forks_for_ever(void)
{
	need(expire_in(200) == 0);
	for (;;)
		if (fork() < 0)
			usleep(1000);
}

/* Processes that keep making processes end all the same. */
static void forks_do_not_escape(void)
{
	int fds[2], status;
	pid_t pid;
	char c;

	need(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		struct rlimit limit = { 200, 200 };

		setrlimit(RLIMIT_NPROC, &limit);
		need(confine_to(CONFINE_NO_ADMIN, 0, NULL) ==
		     0); /* so that the limit holds for the superuser */
		forks_for_ever();
		_exit(0);
	}
	close(fds[1]);
	need(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
	need(read(fds[0], &c, 1) == 0);
}

static void proc_tells(void)
{
	char text[4096];
	int fd = open("/proc/self/confinement", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	need(n > 0 && (text[n] = '\0', strstr(text, "mode:\topen")));
	need(limit_memory(MIB * 64) == 0 && confine_to(CONFINE_NO_RT, 0, NULL) == 0);
	fd = open("/proc/self/confinement", O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	need(n > 0 && (text[n] = '\0', strstr(text, "mode:\tconfined")));
	need(strstr(text, "realtime") && strstr(text, "memory:\t65536 kB"));
}

static void cannot_exec(void)
{
	char *argv[] = { "confine", NULL };

	need(FAILS(execv("/proc/self/exe", argv), EACCES));
}

static const struct {
	const char *name;
	void (*body)(void);
} after_exec[] = { { "sees-only-a", sees_only_a },
		   { "cannot-exec", cannot_exec },
		   { "allocates", allocates } };

static int run_after_exec(const char *name)
{
	for (unsigned i = 0; i < sizeof(after_exec) / sizeof(*after_exec); i++) {
		if (strcmp(after_exec[i].name, name) == 0) {
			after_exec[i].body();
			return 0;
		}
	}
	return 1;
}

static void build_scene(void)
{
	static const char *const files[] = { A "/file", A "/deep/file", B "/file" };

	mkdir("/tmp/confine", 0755);
	mkdir(A, 0755);
	mkdir(A "/deep", 0755);
	mkdir(B, 0755);
	mkdir(B "/deep", 0755);
	for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++)
		close(open(files[i], O_CREAT | O_RDWR, 0755));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return run_after_exec(argv[1]);
	build_scene();
	tap(passes(refuses_bad_arguments), "bad arguments are refused, and change nothing");
	tap(passes(never_widens), "what is confined further can do less, whatever it asks for");
	tap(passes(an_old_descriptor_does_not_widen), "a descriptor from before does not widen it");
	tap(passes(rights_of_one_level_add_up), "rules add up, but never to writing and executing");
	tap(passes(nothing_tells_what_exists), "outside, what exists and what does not look the same");
	tap(passes(a_child_inherits), "fork inherits");
	tap(passes(a_child_confines_itself_alone), "a child's confinement is not its parent's");
	tap(passes(exec_inherits), "exec keeps it");
	tap(passes(the_last_exec_is_the_last), "after the last exec there is none");
	tap(passes(no_exec_means_none), "no exec: not even itself");
	tap(passes(own_children_may_be_signalled), "signals reach those inside, kill -1 included");
	tap(passes(an_inner_one_cannot_signal_outwards), "from further inside they do not get out");
	tap(passes(others_are_not_to_be_seen), "others are not in /proc");
	tap(passes(ids_stay), "ids stay as they are, and programs give none");
	tap(passes(memory_is_limited), "memory that may be written is limited, however it is made");
	tap(passes(memory_is_limited_for_each_child), "for each process, after exec, too");
	tap(passes(time_runs_out), "at its end all its processes are killed");
	tap(WTERMSIG(status_of(the_earlier_end_counts)) == SIGKILL, "the earlier end counts");
	tap(passes(forks_do_not_escape), "who keeps forking does not get away");
	tap(passes(proc_tells), "/proc tells what one is confined to");
	return tap_end();
}
