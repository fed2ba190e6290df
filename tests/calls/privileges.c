/* SPDX-License-Identifier: BSD-2-Clause */
/* Privilege in parts: what capset, prctl, changes of ids and exec make of the sets.  (What each privilege is
 * good for: privileged.c.) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "calls.h"
#include "privileges.h"

struct sets {
	uint64_t effective, permitted, inheritable;
};

static long get(struct sets *s)
{
	struct cap_header header = { CAP_VERSION_3, 0 };
	struct cap_words d[2] = { { 0, 0, 0 } };
	long result = syscall(SYS_capget, &header, d);

	*s = (struct sets){ (uint64_t)d[1].effective << 32 | d[0].effective,
			    (uint64_t)d[1].permitted << 32 | d[0].permitted,
			    (uint64_t)d[1].inheritable << 32 | d[0].inheritable };
	return result;
}

static uint64_t each(int option, int sub)
{
	uint64_t found = 0;

	for (int i = 0; i <= CAP_LAST; i++)
		if ((sub ? prctl(option, sub, i, 0, 0) : prctl(option, i, 0, 0, 0)) == 1)
			found |= BIT(i);
	return found;
}

static int text_of_sets(char *text, size_t size)
{
	struct sets s;

	get(&s);
	return snprintf(text, size, "eff %llx perm %llx inh %llx bnd %llx amb %llx bits %x",
			(unsigned long long)s.effective, (unsigned long long)s.permitted,
			(unsigned long long)s.inheritable, (unsigned long long)each(PR_CAPBSET_READ, 0),
			(unsigned long long)each(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET),
			(unsigned)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
}

static void show_sets(void)
{
	char text[160];

	TEXT("sets", text, (size_t)text_of_sets(text, sizeof(text)));
}

/* --- capget, capset ------------------------------------------------------------------------------------- */

static void versions(void)
{
	struct cap_header h = { 0, 0 };
	struct cap_words d[2];
	static const uint32_t known[] = { CAP_VERSION_1, CAP_VERSION_2, CAP_VERSION_3 };

	RESULT(syscall(SYS_capget, &h, NULL));
	VALUE(h.version);
	h.version = 7;
	RESULT(syscall(SYS_capget, &h, d));
	VALUE(h.version);
	h.version = 7;
	RESULT(syscall(SYS_capset, &h, d));
	VALUE(h.version);
	for (int i = 0; i < 3; i++) {
		memset(d, 0x55, sizeof(d));
		h.version = known[i];
		RESULT(syscall(SYS_capget, &h, d));
		VALUE(d[0].permitted);
		VALUE(d[1].permitted);
	}
	RESULT(syscall(SYS_capget, NULL, d));
	RESULT(syscall(SYS_capget, &h, nowhere()));
	RESULT(syscall(SYS_capset, &h, nowhere()));
	RESULT(syscall(SYS_capset, nowhere(), d));
}

static void of_others(void)
{
	struct cap_header h = { CAP_VERSION_3, getppid() };
	struct cap_words d[2];

	RESULT(syscall(SYS_capget, &h, d));
	VALUE(d[0].effective);
	VALUE(d[1].effective);
	RESULT(syscall(SYS_capset, &h, d));
	h.pid = getpid();
	RESULT(syscall(SYS_capget, &h, d));
	RESULT(syscall(SYS_capset, &h, d));
	h.pid = -1;
	RESULT(syscall(SYS_capget, &h, d));
	RESULT(syscall(SYS_capset, &h, d));
	h.pid = 4000000;
	RESULT(syscall(SYS_capget, &h, d));
	RESULT(syscall(SYS_capset, &h, d));
}

static void narrower(void)
{
	RESULT(cap_set(BIT(CAP_KILL), BIT(CAP_KILL) | BIT(CAP_CHOWN), 0));
	show_sets();
	RESULT(cap_set(BIT(CAP_CHOWN), BIT(CAP_KILL) | BIT(CAP_CHOWN), 0));
	RESULT(cap_set(0, BIT(CAP_KILL) | BIT(CAP_FOWNER), 0));
	RESULT(cap_set(BIT(CAP_FOWNER), BIT(CAP_KILL), 0));
	RESULT(cap_set(BIT(CAP_KILL), BIT(CAP_CHOWN), 0));
	RESULT(cap_set(0, BIT(CAP_CHOWN), BIT(CAP_KILL)));
	show_sets();
	RESULT(cap_set(0, BIT(CAP_CHOWN), BIT(CAP_KILL) | BIT(CAP_CHOWN)));
	RESULT(cap_set(0, BIT(CAP_CHOWN), BIT(CAP_FOWNER)));
	RESULT(cap_set(0, 0, BIT(CAP_KILL)));
	RESULT(cap_set(0, 0, 0));
	RESULT(cap_set(0, 0, BIT(CAP_KILL)));
	show_sets();
}

static void one_word(void)
{
	struct cap_header h = { CAP_VERSION_1, 0 };
	struct cap_words d = { ~0u, ~0u, 0 };

	RESULT(syscall(SYS_capset, &h, &d));
	show_sets();
}

static void more_bits_than_there_are(void)
{
	RESULT(cap_set(~0ull, ~0ull, ~0ull));
	show_sets();
	RESULT(cap_set(BIT(41), BIT(60), BIT(50)));
	show_sets();
}

static void within_bounds(void)
{
	RESULT(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0));
	RESULT(cap_set(ALL, ALL, BIT(CAP_KILL)));
	RESULT(cap_set(ALL, ALL, BIT(CAP_CHOWN)));
	RESULT(cap_set(BIT(CAP_SETPCAP), BIT(CAP_SETPCAP), BIT(CAP_FOWNER)));
	RESULT(cap_set(0, 0, BIT(CAP_FOWNER) | BIT(CAP_FSETID)));
	show_sets();
}

static void test_capset(void)
{
	versions();
	show_sets();
	in_child("others", of_others);
	in_child("less and less", narrower);
	in_child("one word", one_word);
	in_child("too many bits", more_bits_than_there_are);
	in_child("bounds", within_bounds);
	as_user(1000, "of a user", narrower);
}

/* --- prctl ---------------------------------------------------------------------------------------------- */

static void bounding(void)
{
	RESULT(prctl(PR_CAPBSET_READ, CAP_LAST, 0, 0, 0));
	RESULT(prctl(PR_CAPBSET_READ, CAP_LAST + 1, 0, 0, 0));
	RESULT(prctl(PR_CAPBSET_DROP, CAP_LAST + 1, 0, 0, 0));
	RESULT(prctl(PR_CAPBSET_DROP, CAP_LAST, 0, 0, 0));
	RESULT(prctl(PR_CAPBSET_DROP, CAP_LAST, 0, 0, 0));
	RESULT(prctl(PR_CAPBSET_READ, CAP_LAST, 0, 0, 0));
	RESULT(cap_set(ALL & ~BIT(CAP_SETPCAP), ALL, 0));
	RESULT(prctl(PR_CAPBSET_DROP, 0, 0, 0, 0));
	RESULT(prctl(PR_CAPBSET_DROP, 99, 0, 0, 0));
	show_sets();
}

static void ambient(void)
{
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	RESULT(cap_set(ALL, ALL, BIT(CAP_KILL) | BIT(CAP_CHOWN)));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_FOWNER, 0, 0));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	RESULT(cap_set(ALL, ALL & ~BIT(CAP_KILL), BIT(CAP_KILL) | BIT(CAP_CHOWN)));
	show_sets();
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	show_sets();
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 41, 0, 0));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 1, 0));
	RESULT(prctl(PR_CAP_AMBIENT, 9, CAP_CHOWN, 0, 0));
	RESULT(prctl(PR_SET_SECUREBITS, NO_AMBIENT, 0, 0, 0));
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
}

static void securebits(void)
{
	RESULT(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	RESULT(prctl(PR_SET_SECUREBITS, NOROOT | NO_FIXUP, 0, 0, 0));
	RESULT(prctl(PR_SET_SECUREBITS, NOROOT | NOROOT_LOCKED, 0, 0, 0));
	RESULT(prctl(PR_SET_SECUREBITS, NOROOT_LOCKED, 0, 0, 0));
	RESULT(prctl(PR_SET_SECUREBITS, NOROOT, 0, 0, 0));
	RESULT(prctl(PR_SET_SECUREBITS, NOROOT | NOROOT_LOCKED | 0x100, 0, 0, 0));
	RESULT(prctl(PR_SET_SECUREBITS, NOROOT | NOROOT_LOCKED | KEEP, 0, 0, 0));
	RESULT(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	RESULT(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0));
	RESULT(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	RESULT(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
	RESULT(prctl(PR_SET_SECUREBITS, NOROOT | NOROOT_LOCKED | KEEP_LOCKED, 0, 0, 0));
	RESULT(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	RESULT(cap_set(ALL & ~BIT(CAP_SETPCAP), ALL, 0));
	RESULT(prctl(PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), 0, 0, 0));
}

static void test_prctl(void)
{
	in_child("bounding set", bounding);
	in_child("ambient set", ambient);
	in_child("securebits", securebits);
	as_user(1000, "bounding set of a user", bounding);
	as_user(1000, "securebits of a user", securebits);
}

/* --- other ids ------------------------------------------------------------------------------------------ */

static long resuid(int r, int e, int s)
{
	return syscall(SYS_setresuid, r, e, s);
}

static void leaving(void)
{
	cap_set(ALL, ALL, BIT(CAP_KILL));
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
	RESULT(resuid(-1, 1000, -1));
	show_sets();
	RESULT(resuid(-1, 0, -1));
	show_sets();
	RESULT(resuid(1000, 1000, -1));
	show_sets();
	RESULT(resuid(-1, -1, 1000));
	show_sets();
	RESULT(resuid(0, 0, 0));
}

static void keeping(void)
{
	RESULT(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	cap_set(ALL, ALL, BIT(CAP_KILL));
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
	RESULT(resuid(1000, 1000, 1000));
	show_sets();
	RESULT(cap_set(BIT(CAP_SETUID), ALL, 0));
	RESULT(resuid(5, 0, 7));
	show_sets();
}

static void keeping_while_user(void)
{
	RESULT(resuid(0, 1000, 0));
	RESULT(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	RESULT(cap_set(BIT(CAP_CHOWN) | BIT(CAP_SETUID), ALL, 0));
	RESULT(resuid(1000, 1000, 1000));
	show_sets();
}

static void not_fixed_up(void)
{
	RESULT(prctl(PR_SET_SECUREBITS, NO_FIXUP, 0, 0, 0));
	RESULT(resuid(1000, 1000, 1000));
	show_sets();
	RESULT(syscall(SYS_setfsuid, 5));
	show_sets();
}

static void files_user(void)
{
	RESULT(syscall(SYS_setfsuid, 1000));
	show_sets();
	RESULT(syscall(SYS_setfsuid, 1001));
	RESULT(cap_set(BIT(CAP_CHOWN) | BIT(CAP_SETUID), BIT(CAP_CHOWN) | BIT(CAP_SETUID) | BIT(CAP_MKNOD),
		       0));
	RESULT(syscall(SYS_setfsuid, 0));
	show_sets();
	RESULT(syscall(SYS_setfsuid, 1000));
	show_sets();
	RESULT(cap_set(0, BIT(CAP_SETUID), 0));
	RESULT(syscall(SYS_setfsuid, 77));
	RESULT(syscall(SYS_setfsuid, 0));
}

static void without_setuid(void)
{
	RESULT(cap_set(ALL & ~BIT(CAP_SETUID) & ~BIT(CAP_SETGID), ALL, 0));
	RESULT(syscall(SYS_setuid, 5));
	RESULT(resuid(5, -1, -1));
	RESULT(syscall(SYS_setreuid, 5, -1));
	RESULT(syscall(SYS_setgid, 5));
	RESULT(syscall(SYS_setresgid, 5, -1, -1));
	RESULT(syscall(SYS_setregid, -1, 5));
	RESULT(syscall(SYS_setgroups, 0, NULL));
	RESULT(syscall(SYS_setuid, 0));
	show_sets();
}

static void test_ids(void)
{
	in_child("leaving user 0", leaving);
	in_child("keeping", keeping);
	in_child("keeping as another", keeping_while_user);
	in_child("no fix-up", not_fixed_up);
	in_child("setfsuid", files_user);
	in_child("user 0 without", without_setuid);
}

/* --- exec ----------------------------------------------------------------------------------------------- */

#define PROGRAM "program"

/* What the program is started as: prints and leaves. */
static int show_self(void)
{
	char text[160];
	uid_t r, e, s;

	getresuid(&r, &e, &s);
	text_of_sets(text, sizeof(text));
	printf("started: uids %u %u %u gids %u %u %s secure %lu dumpable %d\n", r, e, s, getgid(), getegid(),
	       text, getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	return 0;
}

/* A file system of one's own with this program on it: /tmp does not hear set-user-ID bits. */
static void program_on(unsigned long flags)
{
	static char buffer[65536];
	int from, to;
	ssize_t got;

	if (mkdir("m", 0755) < 0 || mount("none", "m", "tmpfs", flags, "mode=755") < 0 || chdir("m") < 0)
		_exit(2);
	from = open("/proc/self/exe", O_RDONLY);
	to = open(PROGRAM, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)got) != got)
			_exit(3);
	close(from);
	close(to);
}

static void leave_place(void)
{
	if (chdir("..") < 0 || umount("m") < 0)
		_exit(4);
}

static long give(uint32_t magic, uint64_t permitted, uint64_t inheritable, size_t size)
{
	uint32_t value[6] = { magic,
			      (uint32_t)permitted,
			      (uint32_t)inheritable,
			      (uint32_t)(permitted >> 32),
			      (uint32_t)(inheritable >> 32),
			      0 };

	return setxattr(PROGRAM, "security.capability", value, size, 0);
}

static long run(void)
{
	char *argv[] = { PROGRAM, "show", NULL }, *envp[] = { NULL };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execve(PROGRAM, argv, envp);
		RESULT(-1); /* did not start */
		_exit(9);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* Revisions of the attribute. */
#define V2        0x02000000u
#define V3        0x03000000u
#define IN_EFFECT 1u

static void drop_most(void)
{
	cap_set(BIT(CAP_KILL) | BIT(CAP_SETPCAP), BIT(CAP_KILL) | BIT(CAP_SETPCAP), BIT(CAP_KILL));
	run();
	RESULT(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0));
	run();
	RESULT(prctl(PR_SET_SECUREBITS, NOROOT, 0, 0, 0));
	run();
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	run();
}

static void half_root(void)
{
	RESULT(resuid(0, 1000, -1));
	run();
	RESULT(resuid(-1, 0, -1));
	RESULT(resuid(1000, 0, -1));
	run();
	RESULT(resuid(-1, 1000, 0));
	run();
}

static void no_new_root(void)
{
	cap_set(BIT(CAP_KILL), BIT(CAP_KILL), 0);
	RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	run();
}

static void no_new_half_root(void)
{
	RESULT(resuid(0, 1000, -1));
	RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	run();
}

static void just_run(void)
{
	run();
}

static void run_without_new(void)
{
	RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	run();
}

/* User 1000 with some that go on to programs. */
static void with_ambient(void)
{
	cap_set(ALL, ALL, BIT(CAP_KILL) | BIT(CAP_CHOWN));
	RESULT(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	RESULT(resuid(1000, 1000, 1000));
	RESULT(cap_set(0, BIT(CAP_KILL) | BIT(CAP_CHOWN), BIT(CAP_KILL) | BIT(CAP_CHOWN)));
	run();
	RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	run();
}

static void ambient_without_new(void)
{
	RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	with_ambient();
}

static void bounded_away(void)
{
	RESULT(prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0));
	RESULT(resuid(1000, 1000, 1000));
	run();
}

static void test_exec_root(void)
{
	program_on(0);
	run();
	in_child("less", drop_most);
	in_child("half root", half_root);
	in_child("no new privileges", no_new_root);
	in_child("no new privileges, half root", no_new_half_root);
	as_user(1000, "a user", just_run);
	in_child("ambient", with_ambient);
	leave_place();
}

/* Set-user-ID and set-group-ID bits, with and without something to gain by them. */
static void test_exec_set_id(void)
{
	program_on(0);
	RESULT(chmod(PROGRAM, 04755));
	as_user(1000, "set-user-ID 0", just_run);
	as_user(1000, "no new privileges", run_without_new);
	in_child("ambient", with_ambient);
	in_child("ambient, no new privileges", ambient_without_new);
	RESULT(chown(PROGRAM, 1000, 1000));
	RESULT(chmod(PROGRAM, 04755));
	in_child("set-user-ID of a user by root", just_run);
	RESULT(chmod(PROGRAM, 02755));
	as_user(1001, "set-group-ID", just_run);
	in_child("half root", half_root);
	leave_place();
}

static void test_exec_file(void)
{
	program_on(0);
	RESULT(give(V2, BIT(CAP_NET_RAW), BIT(CAP_KILL), 20));
	as_user(1000, "permitted", just_run);
	in_child("by root", just_run);
	in_child("half root", half_root);
	in_child("inherited", with_ambient);
	RESULT(give(V2 | IN_EFFECT, BIT(CAP_NET_RAW) | BIT(CAP_BPF), BIT(CAP_KILL), 20));
	as_user(1000, "in effect", just_run);
	as_user(1000, "no new privileges", run_without_new);
	in_child("inherited", with_ambient);
	in_child("inherited, no new privileges", ambient_without_new);
	in_child("bounded", bounded_away);
	RESULT(give(V3, BIT(CAP_NET_RAW), 0, 24));
	as_user(1000, "third revision", just_run);
	RESULT(chmod(PROGRAM, 04755));
	as_user(1000, "with set-user-ID 0", just_run);
	RESULT(give(V2, 0, 0, 20));
	as_user(1000, "empty, with set-user-ID 0", just_run);
	RESULT(removexattr(PROGRAM, "security.capability"));
	as_user(1000, "removed", just_run);
	leave_place();
}

static void test_nosuid(void)
{
	program_on(MS_NOSUID);
	RESULT(give(V2 | IN_EFFECT, BIT(CAP_NET_RAW), 0, 20));
	as_user(1000, "not heard", just_run);
	in_child("by root", drop_most);
	RESULT(chmod(PROGRAM, 04755));
	as_user(1000, "nor is set-user-ID", just_run);
	leave_place();
}

/* --- the attribute -------------------------------------------------------------------------------------- */

static void only_setfcap(void)
{
	RESULT(cap_set(BIT(CAP_SETFCAP), BIT(CAP_SETFCAP), 0));
	RESULT(give(V2, 1, 0, 20));
	RESULT(setxattr(PROGRAM, "trusted.other", "x", 1, 0));
	RESULT(removexattr(PROGRAM, "security.capability"));
}

static void all_but_setfcap(void)
{
	RESULT(cap_set(ALL & ~BIT(CAP_SETFCAP), ALL, 0));
	RESULT(give(V2, 1, 0, 20));
	RESULT(setxattr(PROGRAM, "trusted.other", "x", 1, 0));
}

static void owner_sets(void)
{
	RESULT(give(V2, 1, 0, 20));
}

static void test_attribute(void)
{
	char value[32];
	int fd;

	program_on(0);
	RESULT(give(0x01000000, 1, 0, 12));
	RESULT(give(V2, 1, 0, 16));
	RESULT(give(V2, 1, 0, 24));
	RESULT(give(V3, 1, 0, 20));
	RESULT(give(0x04000000, 1, 0, 24));
	RESULT(give(V2, 1, 0, 20));
	RESULT(getxattr(PROGRAM, "security.capability", value, sizeof(value)));
	RESULT(chown(PROGRAM, 1000, 1000));
	RESULT(getxattr(PROGRAM, "security.capability", value, sizeof(value)));
	RESULT(give(V2, 1, 0, 20));
	fd = open(PROGRAM, O_WRONLY | O_APPEND);
	RESULT(write(fd, "x", 1));
	close(fd);
	RESULT(getxattr(PROGRAM, "security.capability", value, sizeof(value)));
	RESULT(give(V2, 1, 0, 20));
	RESULT(truncate(PROGRAM, 5));
	RESULT(getxattr(PROGRAM, "security.capability", value, sizeof(value)));
	as_user(1000, "the owner", owner_sets);
	in_child("with CAP_SETFCAP only", only_setfcap);
	in_child("with all others", all_but_setfcap);
	leave_place();
}

static const struct calls table[] = {
	{ "capget capset", test_capset }, { "prctl", test_prctl },        { "setresuid setfsuid", test_ids },
	{ "execve", test_exec_root },     { "execve", test_exec_set_id }, { "execve", test_exec_file },
	{ "execve", test_nosuid },        { "setxattr", test_attribute },
};

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "show") == 0)
		return show_self();
	return calls_run(table, sizeof(table) / sizeof(table[0]), argc, argv);
}
