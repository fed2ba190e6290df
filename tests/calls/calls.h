/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux system calls, one result a line, so that two systems can be compared: the same program runs on Linux
 * and on Serix, and what it prints must agree to the byte.
 *
 * A function of cases belongs to one call and stands in its file's table.  It runs in a process of its own,
 * in an empty directory of its own, and is killed after 20 seconds.  Each case prints the call, what was done
 * and what came of it:
 *
 *	open: open("missing", O_RDONLY) = -1 ENOENT
 *
 * Only what the manual promises may be printed: no address, process id, time or descriptor beyond the lowest
 * free one.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct calls {
	const char *call; /* the kernel's name of it; several that belong together, with spaces between */
	void (*cases)(void);
};

/* What was done and its result: the value, or -1 and the error's name. */
#define RESULT(expression) calls_result(#expression, (errno = 0, (long)(expression)))
/* The same where the value is the system's own affair: "ok" for any but -1. */
#define SUCCEEDS(expression) calls_succeeds(#expression, (errno = 0, (long)(expression)))
/* A value or a text that the calls before brought about. */
#define VALUE(expression)       calls_value(#expression, (long)(expression))
#define TEXT(what, text, bytes) calls_text(what, text, bytes)

long calls_result(const char *what, long result);
long calls_succeeds(const char *what, long result);
void calls_value(const char *what, long value);
void calls_text(const char *what, const char *text, size_t bytes);

/* A file with `text` in it; its descriptor, open for reading and writing at the start. */
int file_with(const char *name, const char *text);
/* Run `body` in a child; prints how it ended ("exit 3", "signal 11") after `what`. */
void in_child(const char *what, void (*body)(void));
/* The same as user and group `id` without any rights of root. */
void as_user(unsigned id, const char *what, void (*body)(void));
/* An address that no mapping covers. */
void *nowhere(void);

/* Run all functions of a table in order; for main() to return. */
int calls_run(const struct calls *table, size_t count, int argc, char **argv);
#define CALLS_MAIN(table)                                                                \
	int main(int argc, char **argv)                                                  \
	{                                                                                \
		return calls_run(table, sizeof(table) / sizeof((table)[0]), argc, argv); \
	}
