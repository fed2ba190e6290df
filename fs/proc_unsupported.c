/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/serix/unsupported: what programs asked for in vain, a line for each thing and program, its fields set
 * apart by tabs as the first line names them.  Numbers are decimal, those of ioctls hexadecimal.
 */
#include <kernel/unsupported.h>

#include "proc_priv.h"

static const char *const kinds[UNSUPPORTED_KINDS] = {
	[UNSUPPORTED_CALL] = "call",   [UNSUPPORTED_IOCTL] = "ioctl",   [UNSUPPORTED_FCNTL] = "fcntl",
	[UNSUPPORTED_PRCTL] = "prctl", [UNSUPPORTED_SOCKET] = "socket", [UNSUPPORTED_FLAG] = "flag",
	[UNSUPPORTED_PATH] = "path",   [UNSUPPORTED_OTHER] = "other",
};

/* Texts come from programs: only what can be printed, and no blanks that could look like fields. */
static void add_escaped(struct proc_text *t, const char *text)
{
	for (; *text; text++) {
		if (*text > ' ' && *text < 0x7f && *text != '\\')
			text_add(t, text, 1);
		else
			text_printf(t, "\\%03o", (unsigned)(uint8_t)*text);
	}
}

static void add_row(struct proc_text *t, const struct unsupported_row *row)
{
	bool hex = row->kind == UNSUPPORTED_IOCTL || row->kind == UNSUPPORTED_FLAG;

	text_printf(t, "%lu\t%s\t", row->count, kinds[row->kind]);
	if (row->kind == UNSUPPORTED_PATH)
		text_printf(t, "-");
	else
		text_printf(t, hex ? "0x%lx" : "%lu", row->number);
	text_printf(t, "\t");
	add_escaped(t, row->program[0] ? row->program : "-");
	text_printf(t, "\t");
	add_escaped(t, row->text[0] ? row->text : "-");
	text_printf(t, "\n");
}

int proc_show_unsupported(struct proc_text *t, const struct proc_node *node)
{
	struct unsupported_row row;
	unsigned index = 0;

	(void)node;
	text_printf(t, "count\tkind\tnumber\tprogram\twhat\n");
	while (unsupported_next(&index, &row))
		add_row(t, &row);
	if (unsupported_lost())
		text_printf(t, "%lu\tother\t-\t-\t-\n", unsupported_lost());
	return 0;
}
