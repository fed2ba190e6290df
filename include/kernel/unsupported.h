/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs asked for in vain: calls, commands, flags and files that Linux has and Serix has not.
 * /proc/serix/unsupported shows it by program, with how often.
 *
 * Whoever refuses such a thing says so, once, next to the refusal:
 *
 *	unsupported_note(UNSUPPORTED_IOCTL, cmd, NULL);
 *	return -ENOTTY;
 *
 * Not for what is refused because it is wrong: a bad argument, a missing right, a file that no Linux has.
 * The table does not grow: a program that asks for more than it has room for is told to have done so.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

enum unsupported_kind {
	UNSUPPORTED_CALL,   /* a system call, by its number */
	UNSUPPORTED_IOCTL,  /* a command */
	UNSUPPORTED_FCNTL,  /* a command */
	UNSUPPORTED_PRCTL,  /* an option */
	UNSUPPORTED_SOCKET, /* a family or an option: level << 32 | name */
	UNSUPPORTED_FLAG,   /* flags of the call that `text` names */
	UNSUPPORTED_PATH,   /* a path, `text`, below /proc, /sys or /dev */
	UNSUPPORTED_OTHER,  /* `text` says what */
	UNSUPPORTED_KINDS
};

/* The running program asked for it; of a kernel thread nothing is kept.  `text` may be NULL, and is cut.  No
 * spinlock is held; never sleeps. */
void unsupported_note(enum unsupported_kind kind, uint64_t number, const char *text);
/* A path that a walk did not find: kept if it is one of the kernel's own, with numbers of processes as
 * PID. */
void unsupported_note_path(const char *path);

#define UNSUPPORTED_PROGRAM 24
#define UNSUPPORTED_TEXT    56

struct unsupported_row {
	enum unsupported_kind kind;
	uint64_t number;
	uint64_t count;
	char program[UNSUPPORTED_PROGRAM]; /* the last part of its path */
	char text[UNSUPPORTED_TEXT];       /* "": none */
};
/* The first row at or after *index, which moves behind it.  False at the end. */
bool unsupported_next(unsigned *index, struct unsupported_row *out);
/* How many asked for more than there was room for. */
uint64_t unsupported_lost(void);
