/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of caprun share. */
#pragma once

#include <stdbool.h>

#include <libserix/confine.h>

/* Exit codes of its own, as env(1) and timeout(1) have them. */
enum { EXIT_TIMEOUT = 124, EXIT_CAPRUN = 125, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

/* One line to stderr, and out. */
void fail(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* rules.c: what the command may reach. */
struct rules {
	struct confine_rule list[CONFINE_RULES_MAX];
	unsigned count;
};

/* A path that must be there. */
void rules_add(struct rules *rules, const char *path, uint32_t rights);
/* /dev/null and its like. */
void rules_add_devices(struct rules *rules);
/* The program itself, and what it is run by: the interpreters of scripts and of dynamically linked
 * programs. */
void rules_add_program(struct rules *rules, const char *path);

/* find.c: the file that `name` stands for, by PATH as a shell finds it.  Does not return without one. */
const char *find_program(const char *name);

/* watch.c: be the parent of a command that has `seconds`.  Returns in the child; the parent leaves with the
 * child's status, or EXIT_TIMEOUT. */
void watch_child(double seconds);
