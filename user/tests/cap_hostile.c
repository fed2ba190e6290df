/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an unprivileged program could do to the kernel or to others with capabilities and confinement.
 * Each case is a hole that was, and is written as its attacker would: it fails where the hole is open.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libserix/capability.h>
#include <libserix/confine.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "child.h"
#include "tap.h"

#define LOOP  "/tmp/hostile.loop"
#define DEEP  "/tmp/hostile.deep"
#define DEPTH 6000 /* directories: more than a path has room for */

/* Confined to what `fd` names, so often. */
static int confine_to(int fd, unsigned rules)
{
	struct confine_rule rule[CONFINE_RULES_MAX];
	struct confinement what = { .deny = CONFINE_NO_PATHS, .rules = rule, .rule_count = rules };

	for (unsigned i = 0; i < rules; i++)
		rule[i] = (struct confine_rule){ fd, CONFINE_WRITE };
	return cap_confine(&what, sizeof(what));
}

/* --- a place that many confinements name ---------------------------------------------------------- */

#define NAMERS (65536 / (CONFINE_RULES_MAX * CONFINE_DEPTH_MAX))

/* A child that names /tmp CONFINE_RULES_MAX * CONFINE_DEPTH_MAX times, less `fewer`, and stays. */
static pid_t namer(int tmp, int ready, unsigned fewer)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < CONFINE_DEPTH_MAX; i++)
		need(confine_to(tmp, CONFINE_RULES_MAX - (i == 0 ? fewer : 0)) == 0);
	need(write(ready, "", 1) == 1);
	for (;;)
		pause();
}

/* The kernel counts them.  Nobody may make it believe that there is none. */
static void rules_are_not_miscounted(void)
{
	int tmp = open("/tmp", O_PATH | O_DIRECTORY), ready[2];
	struct stat st;
	int status;
	char c;

	need(tmp >= 0 && pipe(ready) == 0);
	for (int i = 0; i < NAMERS; i++)
		need(namer(tmp, ready[1], i == 0) > 0); /* with the last child's one 65536 in all */
	for (int i = 0; i < NAMERS; i++)
		need(read(ready[0], &c, 1) == 1);
	if (fork() == 0)
		_exit(!(confine_to(tmp, 1) == 0 && stat("/tmp", &st) == 0 && st.st_nlink > 1 &&
			open("/tmp", O_RDONLY) >= 0));
	/* The namers stay: it is the only one that ends. */
	need(wait(&status) > 0 && status == 0);
}

/* --- a program's own name that leads to itself ---------------------------------------------------- */

static bool copies(const char *from, const char *to)
{
	static char bytes[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			return false;
	return close(in) == 0 && close(out) == 0 && n == 0;
}

/* This program again, from a place where it may put something else. */
static void runs_from(const char *name)
{
	char *argv[] = { (char *)(uintptr_t)name, "itself", NULL };

	need(copies("/proc/self/exe", name));
	execv(name, argv);
	need(false);
}

static int in_its_own_place(const char *name)
{
	char directory[64];

	/* The name, and a directory on the way to it, become links to the program that is looked for. */
	if (unlink(name) < 0 || symlink("/proc/self/exe", name) < 0)
		return 1;
	if (open("/proc/self/exe", O_RDONLY) >= 0)
		return 2;
	strcpy(directory, name);
	*strrchr(directory, '/') = '\0';
	if (unlink(name) < 0 || rmdir(directory) < 0 || symlink("/proc/self/exe", directory) < 0)
		return 3;
	if (open("/proc/self/exe", O_RDONLY) >= 0)
		return 4;
	return unlink(directory) < 0 ? 5 : 0;
}

static void program_is_a_link_to_itself(void)
{
	need(mkdir(LOOP, 0755) == 0);
	runs_from(LOOP "/program");
}

/* --- a program that is started while it is shared ------------------------------------------------- */

#define SET_ID  "/hostile.setid"
#define NOBODY  65534
#define SHARED  50 /* a descriptor that only the new program has */
#define TRIES   25
#define SHARERS 24

/* clone(2) with the stack going on as after fork. */
static pid_t clone_sharing(unsigned long what)
{
	return (pid_t)syscall(SYS_clone, what | SIGCHLD, NULL, NULL, NULL, NULL);
}

static void say(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(90);
}

static void hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(91);
}

/* With privileges, at /tmp, as it was left: while it waits it is moved. */
static int stays_there(int out, int in)
{
	char text[64];

	if (geteuid() != 1)
		return 3;
	say(out);
	hear(in);
	return getcwd(text, sizeof(text)) && strcmp(text, "/tmp") == 0 ? 0 : 4;
}

static void set_id_program_is_not_moved(void)
{
	int ready[2], go[2], status;
	pid_t program;

	need(copies("/proc/self/exe", SET_ID) && chown(SET_ID, 1, 1) == 0 && chmod(SET_ID, 04755) == 0);
	need(pipe(ready) == 0 && pipe(go) == 0 && chdir("/tmp") == 0 && setuid(NOBODY) == 0);
	program = clone_sharing(0x200); /* CLONE_FS */
	if (program == 0) {
		char out[16], in[16], *argv[] = { SET_ID, "stays", out, in, NULL };

		snprintf(out, sizeof(out), "%d", ready[1]);
		snprintf(in, sizeof(in), "%d", go[0]);
		execv(SET_ID, argv);
		_exit(92);
	}
	hear(ready[0]);
	need(chdir("/etc") == 0);
	say(go[1]);
	need(waitpid(program, &status, 0) == program && status == 0);
}

/* Processes that share the table, made as fast as that goes: each looks for what the new program opens. */
static void *share_again(void *arg)
{
	for (int n = 0; n < SHARERS; n++) {
		if (clone_sharing(CLONE_FILES))
			continue;
		for (int i = 0; i < 8; i++) {
			usleep(4000);
			if (fcntl(SHARED, F_GETFD) >= 0)
				kill(getppid(), SIGKILL);
		}
		_exit(0);
	}
	return arg;
}

static int has_its_own(void)
{
	int fd = open("/dev/null", O_RDONLY);

	if (dup2(fd, SHARED) != SHARED)
		return 3;
	usleep(20000);
	return 0;
}

static void exec_shared(void)
{
	char *argv[] = { "/proc/self/exe", "own", NULL };
	pthread_t thread;

	need(pthread_create(&thread, NULL, share_again, NULL) == 0);
	usleep((unsigned)rand() % 4000);
	execv(argv[0], argv);
	need(false);
}

static void new_programs_share_nothing(void)
{
	for (int i = 0; i < TRIES; i++) {
		srand((unsigned)i);
		need(status_of(exec_shared) == 0);
	}
}

/* --- a rule deep down ----------------------------------------------------------------------------- */

/* Each look at a path climbs from there, with a lock that all paths need: it must not climb for ever. */
static void deep_rules_lead_nowhere(void)
{
	struct stat st;
	int fd, status;

	need(mkdir(DEEP, 0700) == 0 && chdir(DEEP) == 0);
	for (int i = 0; i < DEPTH; i++)
		need(mkdir("d", 0700) == 0 && chdir("d") == 0);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	need(fd >= 0);
	if (fork() == 0) {
		need(confine_to(fd, CONFINE_RULES_MAX) == 0);
		need(stat(".", &st) == 0 && close(creat("file", 0600)) == 0 && unlink("file") == 0);
		need(stat("/", &st) < 0 && errno == EACCES);
		_exit(0);
	}
	need(wait(&status) > 0 && status == 0);
}

static void remove_deep(void)
{
	need(chdir(DEEP) == 0);
	while (chdir("d") == 0)
		;
	while (chdir("..") == 0 && rmdir("d") == 0)
		;
	(void)rmdir(DEEP);
}

/* --- what lies on the way ------------------------------------------------------------------------- */

static bool tells_nothing(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_nlink == 1 && st.st_size == 0 &&
	       st.st_mtime == 0 && st.st_ctime == 0 && st.st_atime == 0;
}

static void the_way_is_not_shown(void)
{
	int tmp = open("/tmp", O_PATH | O_DIRECTORY);
	struct statfs fs;
	struct stat st;
	char text[64];

	need(confine_to(tmp, 1) == 0 && chdir("/tmp") == 0);
	need(tells_nothing("/tmp/..") && tells_nothing("/") && tells_nothing(".."));
	need(statfs("/", &fs) < 0 && errno == EACCES && statfs("/tmp", &fs) == 0);
	need(stat("/tmp", &st) == 0 && st.st_nlink > 1 && getcwd(text, sizeof(text)) &&
	     !strcmp(text, "/tmp"));
}

/* --- a capability without relatives that expires while its table goes ----------------------------- */

static void expires_while_the_process_ends(void)
{
	for (int i = 0; i < 400; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			for (int n = 0; n < 40; n++)
				cap_expire(open("/dev/null", O_RDONLY), 200000 + 20000 * (unsigned)n);
			usleep(200);
			_exit(0);
		}
		need(waitpid(pid, NULL, 0) == pid);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "itself") == 0)
		return in_its_own_place(argv[0]);
	if (argc > 3 && strcmp(argv[1], "stays") == 0)
		return stays_there(atoi(argv[2]), atoi(argv[3]));
	if (argc > 1 && strcmp(argv[1], "own") == 0)
		return has_its_own();
	tap(passes(rules_are_not_miscounted), "a directory may be named by 65536 rules and be in one");
	tap(passes(the_way_is_not_shown),
	    "of directories on the way to a rule's place it is told that they are there");
	tap(passes(deep_rules_lead_nowhere),
	    "a rule's place deeper than paths go is reached from itself only");
	tap(passes(remove_deep), "what was made so deep is removed");
	tap(passes(expires_while_the_process_ends), "capabilities expire while their processes end");
	tap(passes(set_id_program_is_not_moved), "a set-id program is not moved by who shares its directory");
	tap(passes(new_programs_share_nothing),
	    "a program started while others come to share its descriptors has its own");
	tap(passes(program_is_a_link_to_itself),
	    "/proc/self/exe ends also where the program's name leads to it");
	return tap_end();
}
