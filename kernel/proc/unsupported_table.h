/* SPDX-License-Identifier: BSD-2-Clause */
/* The table behind /proc/serix/unsupported: fixed in size, so that no program makes it grow, and with a share
 * for each program, so that none takes the room of all others.  Whoever uses it has its lock. */
#pragma once

#include <kernel/unsupported.h>

#define UNSUPPORTED_PROGRAMS 96u
#define UNSUPPORTED_ROWS     1024u /* a power of two */
#define UNSUPPORTED_SHARE    64u   /* rows of one program */

struct unsupported_table {
	uint32_t programs, rows;
	uint64_t lost;
	struct {
		char name[UNSUPPORTED_PROGRAM];
		uint32_t rows;
	} program[UNSUPPORTED_PROGRAMS];
	struct {
		uint64_t number;
		_Atomic uint64_t count; /* [a] 0: free, which the lock guards; for the rest it only grows */
		uint16_t program;
		uint8_t kind;
		char text[UNSUPPORTED_TEXT];
	} row[UNSUPPORTED_ROWS]; /* open addressing */
};

#define UNSUPPORTED_NO_ROW UINT32_MAX

/* Count it.  The row, which stays its row for ever, or NO_ROW.  *first: the program was not there before. */
uint32_t unsupported_table_add(struct unsupported_table *t, const char *program, enum unsupported_kind kind,
			       uint64_t number, const char *text, bool *first);
bool unsupported_table_next(const struct unsupported_table *t, unsigned *index, struct unsupported_row *out);
