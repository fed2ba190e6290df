/* SPDX-License-Identifier: BSD-2-Clause */
/* Landlock where it meets Serix: rulesets as capabilities, files that come and go, deep trees, confinement.
 * What the calls do as on Linux, tests/calls/landlock.c shows. */
#include "landlock.h"

#include <libserix/confine.h>
#include <sys/wait.h>

#include "cap_files.h"

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

static int opens(const char *path)
{
	int fd = open(path, O_RDONLY), error = errno;

	if (fd < 0)
		return -error;
	close(fd);
	return 0;
}

static void a_ruleset_is_a_capability(void)
{
	int fd = landlock_ruleset(READING);
	struct cap_info info;

	need(fd >= 0 && cap_query(cap_handle(fd), &info) == 0 && info.type == CAP_TYPE_RULESET);
	need((info.rights & 3) == (RULESET_RIGHT_ADD | RULESET_RIGHT_ENFORCE));
}

/* Who is given a ruleset to enter cannot widen it. */
static void adding_and_enforcing_are_two_rights(void)
{
	int fd = landlock_ruleset(READING), adds = with_rights(fd, RULESET_RIGHT_ADD);
	int enforces = with_rights(fd, RULESET_RIGHT_ENFORCE);

	scratch();
	close(make_file("file", ""));
	need(outcome(landlock_add(enforces, READING, ".")) == -EPERM);
	need(outcome(landlock_enforce(adds)) == -EPERM && opens("/") == 0);
	need(landlock_add(adds, READING, ".") == 0);
	need(landlock_enforce(enforces) == 0 && opens("/") == -EACCES && opens("file") == 0);
}

static void a_revoked_ruleset_is_gone_its_domain_stays(void)
{
	int fd = landlock_ruleset(READING);
	cap_handle_t copy = cap_reduce(fd, ALL_RIGHTS);

	scratch();
	need(landlock_add(cap_fd(copy), READING, ".") == 0 && landlock_enforce(cap_fd(copy)) == 0);
	need(cap_revoke(cap_handle(fd), 0) == 0);
	need(outcome(landlock_enforce(cap_fd(copy))) == -EBADF);
	need(opens(".") == 0 && opens("/") == -EACCES);
}

/* Any descriptor says where a place is; one that may do nothing is enough, and gets nothing by that. */
static void a_place_needs_no_right(void)
{
	int fd = landlock_ruleset(READING), dir;

	scratch();
	close(make_file("file", ""));
	dir = with_rights(open(".", O_PATH), 0);
	need(landlock_add_fd(fd, READING, dir) == 0 && landlock_enforce(fd) == 0);
	need(opens("file") == 0 && outcome(openat(dir, "file", O_RDONLY)) == -EPERM);
}

/* A rule is about a file, not about a number that another one may get. */
static void numbers_are_not_used_again(void)
{
	int fd = landlock_ruleset(READING);
	char name[32];

	scratch();
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		close(make_file(name, ""));
		need(landlock_add(fd, LANDLOCK_ACCESS_FS_READ_FILE, name) == 0 && unlink(name) == 0);
	}
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "other%d", i);
		close(make_file(name, ""));
	}
	need(landlock_enforce(fd) == 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "other%d", i);
		need(opens(name) == -EACCES);
	}
}

/* Nor is /proc/PID another process's, which has the number of one that is gone. */
static void rules_of_proc_are_about_the_process(void)
{
	int fd = landlock_ruleset(READING);
	char own[64], other[64];
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	snprintf(own, sizeof(own), "/proc/%d", getpid());
	need(landlock_add(fd, READING, own) == 0 && landlock_enforce(fd) == 0);
	snprintf(own, sizeof(own), "/proc/%d/status", getpid());
	snprintf(other, sizeof(other), "/proc/%d/status", child);
	need(opens(own) == 0 && opens("/proc/self/task") == 0 && opens(other) == -EACCES);
	need(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
}

/* All kinds of order, and many of them. */
static void a_thousand_rules(void)
{
	int fd = landlock_ruleset(READING);
	char name[32];

	scratch();
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		close(make_file(name, ""));
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d", i * 1237 % 2000 & ~1);
		need(landlock_add(fd, LANDLOCK_ACCESS_FS_READ_FILE, name) == 0);
	}
	for (int i = 0; i < 2000; i += 2) {
		snprintf(name, sizeof(name), "%d", i);
		need(landlock_add(fd, LANDLOCK_ACCESS_FS_READ_FILE, name) == 0);
	}
	need(landlock_enforce(fd) == 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		need(opens(name) == (i % 2 ? -EACCES : 0));
	}
}

/* From so far down that no lock is to be held for the whole way: nothing is allowed, and nobody waits. */
static void too_deep(void)
{
	int fd = landlock_ruleset(READING);

	scratch();
	need(landlock_add(fd, READING, ".") == 0);
	for (int i = 0; i < 4000; i++)
		need(mkdir("d", 0755) == 0 && chdir("d") == 0);
	need(landlock_enforce(fd) == 0 && opens(".") == 0);
	for (int i = 0; i < 200; i++)
		need(mkdir("d", 0755) == 0 && chdir("d") == 0);
	need(opens(".") == -EACCES);
}

/* Both have to agree, in whichever order they came. */
static void confinement_and_landlock_agree(void)
{
	struct confine_rule rule = { .rights = CONFINE_READ };
	struct confinement confine = { .deny = CONFINE_NO_PATHS, .rule_count = 1, .rules = &rule };
	int fd = landlock_ruleset(LANDLOCK_ACCESS_FS_READ_FILE);

	scratch();
	need(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0);
	close(make_file("a/both", ""));
	close(make_file("a/confinement", ""));
	close(make_file("b/landlock", ""));
	need(landlock_add(fd, LANDLOCK_ACCESS_FS_READ_FILE, "a/both") == 0);
	need(landlock_add(fd, LANDLOCK_ACCESS_FS_READ_FILE, "b") == 0);
	rule.fd = open("a", O_PATH);
	need(landlock_enforce(fd) == 0 && cap_confine(&confine, sizeof(confine)) == 0);
	need(opens("a/both") == 0 && opens("a/confinement") == -EACCES && opens("b/landlock") == -EACCES);
}

int main(void)
{
	tap(passes(a_ruleset_is_a_capability), "a ruleset is a capability of its own type");
	tap(passes(adding_and_enforcing_are_two_rights), "adding rules and being restricted are two rights");
	tap(passes(a_revoked_ruleset_is_gone_its_domain_stays), "revoking a ruleset frees nobody");
	tap(passes(a_place_needs_no_right), "a rule gives no right to what it is about");
	tap(passes(numbers_are_not_used_again), "a rule is about the file that it was made for");
	tap(passes(rules_of_proc_are_about_the_process), "a rule for /proc/PID is about that process");
	tap(passes(a_thousand_rules), "a thousand rules, whatever their order");
	tap(passes(too_deep), "4096 steps up and no further");
	tap(passes(confinement_and_landlock_agree), "confinement and Landlock have to agree");
	return tap_end();
}
