/* SPDX-License-Identifier: BSD-2-Clause */
#include "unsupported_table.h"

#include <kernel/compiler.h>
#include <kernel/string.h>

#include <stdatomic.h>

#define NONE UNSUPPORTED_NO_ROW
/* Look-ups end at a free row, so some stay free. */
#define ROWS_USABLE (UNSUPPORTED_ROWS / 8 * 7)

static uint32_t find_program(const struct unsupported_table *t, const char *name)
{
	for (uint32_t i = 0; i < t->programs; i++)
		if (strcmp(t->program[i].name, name) == 0)
			return i;
	return NONE;
}

static uint32_t add_program(struct unsupported_table *t, const char *name)
{
	if (t->programs == UNSUPPORTED_PROGRAMS)
		return NONE;
	strlcpy(t->program[t->programs].name, name, UNSUPPORTED_PROGRAM);
	t->program[t->programs].rows = 0;
	return t->programs++;
}

static uint32_t hash(uint32_t program, enum unsupported_kind kind, uint64_t number, const char *text)
{
	uint64_t h = (number + program * 31u + (uint64_t)kind) * 0x9e3779b97f4a7c15ull;

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3ull;
	return (uint32_t)(h >> 40) % UNSUPPORTED_ROWS;
}

/* The row of that, or the free one where it belongs. */
static uint32_t find_row(const struct unsupported_table *t, uint32_t program, enum unsupported_kind kind,
			 uint64_t number, const char *text)
{
	uint32_t at = hash(program, kind, number, text);

	for (; t->row[at].count; at = (at + 1) % UNSUPPORTED_ROWS) {
		if (t->row[at].program == program && t->row[at].kind == kind && t->row[at].number == number &&
		    strcmp(t->row[at].text, text) == 0)
			break;
	}
	return at;
}

static bool add_row(struct unsupported_table *t, uint32_t at, uint32_t program, enum unsupported_kind kind,
		    uint64_t number, const char *text)
{
	if (t->program[program].rows == UNSUPPORTED_SHARE || t->rows == ROWS_USABLE)
		return false;
	t->program[program].rows++;
	t->rows++;
	t->row[at].program = (uint16_t)program;
	t->row[at].kind = (uint8_t)kind;
	t->row[at].number = number;
	strlcpy(t->row[at].text, text, UNSUPPORTED_TEXT);
	return true;
}

uint32_t unsupported_table_add(struct unsupported_table *t, const char *program, enum unsupported_kind kind,
			       uint64_t number, const char *text, bool *first)
{
	char name[UNSUPPORTED_PROGRAM], what[UNSUPPORTED_TEXT];
	uint32_t index, at;

	strlcpy(name, program, sizeof(name));
	strlcpy(what, text ? text : "", sizeof(what));
	index = find_program(t, name);
	*first = index == NONE;
	if (*first)
		index = add_program(t, name);
	at = index == NONE ? NONE : find_row(t, index, kind, number, what);
	if (at == NONE || (t->row[at].count == 0 && !add_row(t, at, index, kind, number, what))) {
		t->lost++;
		return NONE;
	}
	atomic_fetch_add_explicit(&t->row[at].count, 1, memory_order_relaxed);
	return at;
}

bool unsupported_table_next(const struct unsupported_table *t, unsigned *index, struct unsupported_row *out)
{
	unsigned i = *index;

	while (i < UNSUPPORTED_ROWS && t->row[i].count == 0)
		i++;
	if (i >= UNSUPPORTED_ROWS)
		return false;
	out->kind = (enum unsupported_kind)t->row[i].kind;
	out->number = t->row[i].number;
	out->count = t->row[i].count;
	strlcpy(out->program, t->program[t->row[i].program].name, sizeof(out->program));
	strlcpy(out->text, t->row[i].text, sizeof(out->text));
	*index = i + 1;
	return true;
}
