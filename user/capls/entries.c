/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading /proc/PID/capabilities: the first line names the columns, so new ones do no harm. */
#include "capls.h"

#include "cap_names.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32

enum column {
	SLOT,
	TYPE,
	RIGHTS,
	DEPTH,
	EXPIRES,
	OBJECT,
	TAG,
	PARENT,
	CHILDREN,
	FLAGS,
	BADGE,
	NAME,
	COLUMNS
};

static const char *const column_names[COLUMNS] = {
	[SLOT] = "slot",         [TYPE] = "type",     [RIGHTS] = "rights", [DEPTH] = "depth",
	[EXPIRES] = "expires",   [OBJECT] = "object", [TAG] = "tag",       [PARENT] = "parent",
	[CHILDREN] = "children", [FLAGS] = "flags",   [BADGE] = "badge",   [NAME] = "name",
};

/* Cut at the tabs; how many fields there are. */
static size_t split(char *line, char *fields[COLUMNS_MAX])
{
	size_t n = 0;

	line[strcspn(line, "\n")] = '\0';
	for (char *at = line; at && n < COLUMNS_MAX; n++)
		fields[n] = strsep(&at, "\t");
	return n;
}

/* Where each column is; -1: one is missing. */
static int find_columns(char *line, size_t where[COLUMNS])
{
	char *fields[COLUMNS_MAX];
	size_t count = split(line, fields);

	for (int c = 0; c < COLUMNS; c++) {
		for (where[c] = 0; where[c] < count; where[c]++) {
			if (strcmp(fields[where[c]], column_names[c]) == 0)
				break;
		}
		if (where[c] == count)
			return -1;
	}
	return 0;
}

static uint64_t number(const char *text, int base, uint64_t none)
{
	return strcmp(text, "-") == 0 ? none : strtoull(text, NULL, base);
}

static struct entry *make_room(struct entries *e)
{
	if (e->count == e->room) {
		size_t room = e->room ? 2 * e->room : 64;
		struct entry *all = realloc(e->all, room * sizeof(*all));

		if (!all)
			return NULL;
		e->all = all;
		e->room = room;
	}
	return &e->all[e->count];
}

static int add_line(struct entries *e, int pid, char *line, const size_t where[COLUMNS])
{
	char *fields[COLUMNS_MAX], *f[COLUMNS];
	size_t count = split(line, fields);
	struct entry *entry = make_room(e);

	if (!entry)
		return -ENOMEM;
	for (int c = 0; c < COLUMNS; c++) {
		if (where[c] >= count)
			return -EPROTO;
		f[c] = fields[where[c]];
	}
	*entry = (struct entry){
		.pid = pid,
		.slot = (uint32_t)number(f[SLOT], 10, 0),
		.type = cap_type_of_name(f[TYPE]),
		.rights = (uint32_t)number(f[RIGHTS], 16, 0),
		.depth = (uint32_t)number(f[DEPTH], 10, 0),
		.children = (uint32_t)number(f[CHILDREN], 10, 0),
		.expires_ns = number(f[EXPIRES], 10, NO_EXPIRY),
		.object = number(f[OBJECT], 10, 0),
		.tag = number(f[TAG], 16, 0),
		.parent = number(f[PARENT], 16, 0),
		.badge = number(f[BADGE], 16, 0),
		.cloexec = strchr(f[FLAGS], 'c') != NULL,
		.name = strdup(f[NAME]),
	};
	if (!entry->name)
		return -ENOMEM;
	e->count++;
	return 0;
}

int entries_read(struct entries *e, int pid)
{
	char path[64], *line = NULL;
	size_t size = 0, where[COLUMNS];
	int err = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/capabilities", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (getline(&line, &size, f) <= 0 || find_columns(line, where) < 0)
		err = -EPROTO;
	while (err == 0 && getline(&line, &size, f) > 0)
		err = add_line(e, pid, line, where);
	free(line);
	fclose(f);
	return err;
}

void entries_read_others(struct entries *e, int except)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;

	if (!proc)
		return;
	while ((d = readdir(proc)) != NULL) {
		int pid = atoi(d->d_name);

		if (pid > 0 && pid != except)
			entries_read(e,
				     pid); /* those that may not be seen, or have just left, tell nothing */
	}
	closedir(proc);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = (*(struct entry *const *)a)->tag, y = (*(struct entry *const *)b)->tag;

	return (x > y) - (x < y);
}

int entries_link(struct entries *e)
{
	e->by_tag = malloc(e->count * sizeof(*e->by_tag) + 1);
	if (!e->by_tag)
		return -ENOMEM;
	for (size_t i = 0; i < e->count; i++)
		e->by_tag[i] = &e->all[i];
	qsort(e->by_tag, e->count, sizeof(*e->by_tag), compare);
	for (size_t i = e->count; i-- > 0;) {
		struct entry *entry = &e->all[i], **list;

		entry->up = entries_find(e, entry->parent);
		list = entry->up ? &entry->up->below : &e->roots;
		entry->next = *list;
		*list = entry;
	}
	return 0;
}

struct entry *entries_find(const struct entries *e, uint64_t tag)
{
	struct entry wanted = { .tag = tag }, *key = &wanted;
	struct entry **found = NULL;

	if (tag && e->count)
		found = bsearch(&key, e->by_tag, e->count, sizeof(*e->by_tag), compare);
	return found ? *found : NULL;
}

void entries_free(struct entries *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->all[i].name);
	free(e->all);
	free(e->by_tag);
	*e = (struct entries){ 0 };
}
