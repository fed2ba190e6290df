/* SPDX-License-Identifier: BSD-2-Clause */
#include "core_name.h"

#include <kernel/format.h>
#include <kernel/string.h>

struct name {
	char *out;
	size_t used, size;
	bool full, has_pid;
};

static void add_char(struct name *n, char c)
{
	if (n->used + 1 < n->size)
		n->out[n->used++] = c;
	else
		n->full = true;
}

static void add_number(struct name *n, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lu", value);
	for (const char *d = digits; *d; d++)
		add_char(n, *d);
}

/* Text of somebody's choice: it may not lead to another directory. */
static void add_text(struct name *n, const char *text)
{
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
		add_char(n, '!');
		text++;
	}
	for (; *text; text++)
		add_char(n, *text == '/' ? '!' : *text);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What follows a percent sign; what nobody knows adds nothing. */
static void add_fact(struct name *n, char which, const struct core_name_facts *f)
{
	switch (which) {
	case '%':
		add_char(n, '%');
		break;
	case 'p':
	case 'P':
		n->has_pid = true;
		add_number(n, (uint32_t)f->pid);
		break;
	case 'i':
	case 'I':
		add_number(n, (uint32_t)f->tid);
		break;
	case 'u':
		add_number(n, f->uid);
		break;
	case 'g':
		add_number(n, f->gid);
		break;
	case 'd': /* the dump mode: only those that may be looked at leave a core */
		add_number(n, 1);
		break;
	case 's':
		add_number(n, (uint32_t)f->signo);
		break;
	case 't':
		add_number(n, (uint64_t)f->time);
		break;
	case 'c':
		add_number(n, f->limit);
		break;
	case 'h':
		add_text(n, f->hostname);
		break;
	case 'e':
		add_text(n, f->comm);
		break;
	case 'f':
		add_text(n, last_part(f->exe));
		break;
	case 'E':
		add_text(n, f->exe);
		break;
	default:
		break;
	}
}

bool core_name_make(const char *pattern, const struct core_name_facts *facts, char *out, size_t size)
{
	struct name n = { .out = out, .size = size };

	for (const char *p = pattern; *p; p++) {
		if (*p != '%') {
			add_char(&n, *p);
			continue;
		}
		if (*++p == '\0')
			break;
		add_fact(&n, *p, facts);
	}
	if (facts->append_pid && !n.has_pid) {
		add_char(&n, '.');
		add_number(&n, (uint32_t)facts->pid);
	}
	out[n.used] = '\0';
	return n.used > 0 && !n.full;
}
