/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's capabilities where Serix is not Linux: a confinement is above them, whatever exec, set-user-ID bits
 * and files with capabilities would give; and the threads of a process have them together.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <libserix/confine.h>

#include "linuxcap.h"
#include "tap.h"

#define PROGRAM "/linuxcap-program" /* where set-user-ID bits are heard */

static int confine_admin(void)
{
	struct confinement c = { .deny = CONFINE_NO_ADMIN };

	return cap_confine(&c, sizeof(c));
}

/* All in effect, and worth nothing; less can be had, more cannot. */
static void worth_nothing(void)
{
	need(caps_set(BIT(CAP_KILL), FULL, 0) == 0);
	need(confine_admin() == 0);
	need(FAILS(sethostname("x", 1), EPERM));
	need(caps_set(FULL, FULL, 0) == 0 && FAILS(sethostname("x", 1), EPERM));
	need(FAILS(setuid(1000), EPERM) && FAILS(setgid(1000), EPERM));
	need(prctl(PR_CAPBSET_DROP, 3, 0, 0, 0) == 0);
	need(caps_set(0, BIT(CAP_KILL), 0) == 0);
	need(FAILS(caps_set(0, FULL, 0), EPERM));
	need(caps_of(0).permitted == BIT(CAP_KILL));
}

static void run(const char *what)
{
	execl(PROGRAM, PROGRAM, what, NULL);
	need(false);
}

/* The program of user 0 would have all again. */
static void root_stays_without(void)
{
	need(caps_set(0, 0, 0) == 0 && confine_admin() == 0);
	run("none");
}

static void without_confinement(void)
{
	need(caps_set(0, 0, 0) == 0);
	run("all");
}

/* Nor does an id come back that it has laid aside. */
static void root_lain_aside(void)
{
	need(seteuid(1000) == 0 && confine_admin() == 0);
	run("user");
}

static void user_stays_user(void)
{
	need(setgid(1000) == 0 && setuid(1000) == 0 && confine_admin() == 0);
	run("none");
}

static void user_gains(void)
{
	need(setgid(1000) == 0 && setuid(1000) == 0);
	run("all");
}

static void copy_program(void)
{
	static char buffer[65536];
	int from = open("/proc/self/exe", O_RDONLY), to = open(PROGRAM, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t got;

	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)got) != got)
			break;
	close(from);
	close(to);
}

static bool make_file_with_caps(void)
{
	static const uint32_t all[5] = { 0x02000001, ~0u, 0, 0x1ff, 0 };

	return chmod(PROGRAM, 0755) == 0 &&
	       setxattr(PROGRAM, "security.capability", all, sizeof(all), 0) == 0;
}

static void *drop_all(void *arg)
{
	*(bool *)arg = caps_set(0, 0, 0) == 0;
	return NULL;
}

static void for_all_threads(void)
{
	pthread_t thread;
	bool done = false;

	need(pthread_create(&thread, NULL, drop_all, &done) == 0);
	need(pthread_join(thread, NULL) == 0 && done);
	need(caps_of(0).permitted == 0 && FAILS(sethostname("x", 1), EPERM));
}

/* What the program that was started says of itself. */
static int check(const char *what)
{
	struct caps c = caps_of(0);

	if (strcmp(what, "none") == 0)
		return c.permitted != 0 || c.effective != 0;
	if (strcmp(what, "user") == 0)
		return geteuid() != 1000 || c.effective != 0;
	return c.permitted != FULL || c.effective != FULL;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return check(argv[1]);
	tap(passes(worth_nothing), "in a confinement privileges can be dropped, and are worth nothing");
	tap(passes(for_all_threads), "one thread's capset is for all");
	copy_program();
	tap(passes(without_confinement), "user 0 who has dropped all has all again after an exec");
	tap(passes(root_stays_without), "confined he has not");
	tap(passes(root_lain_aside), "nor does the id come back that was laid aside");
	tap(chmod(PROGRAM, 04755) == 0 && passes(user_gains), "a set-user-ID program gives all");
	tap(passes(user_stays_user), "to who is confined it gives nothing");
	tap(make_file_with_caps() && passes(user_gains), "a file with capabilities gives them");
	tap(passes(user_stays_user), "to who is confined it gives nothing");
	unlink(PROGRAM);
	return tap_end();
}
