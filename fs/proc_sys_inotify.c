/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/fs/inotify: the limits of its files. */
#include "proc_priv.h"

#include <kernel/inotify.h>
#include <kernel/string.h>

static const struct limit {
	const char *name;
	_Atomic uint32_t *value;
} limits[] = {
	{ "max_queued_events", &inotify_max_events },
	{ "max_user_instances", &inotify_max_files },
	{ "max_user_watches", &inotify_max_watches },
};

static const struct limit *limit_of(const struct proc_node *node)
{
	const struct limit *l = limits;

	while (strcmp(l->name, node->entry->name) != 0)
		l++;
	return l;
}

static int show(struct proc_text *t, const struct proc_node *node)
{
	text_printf(t, "%u\n", atomic_load(limit_of(node)->value));
	return 0;
}

static int store(const struct proc_node *node, const char *text, size_t len)
{
	int64_t value;

	(void)len;
	if (proc_parse_signed(text, &value) < 0 || value < 0 || value > INT32_MAX)
		return -EINVAL;
	atomic_store(limit_of(node)->value, (uint32_t)value);
	return 0;
}

#define LIMIT(n)                                                                  \
	{                                                                         \
		.name = (n), .mode = S_IFREG | 0644, .show = show, .store = store \
	}

const struct proc_entry proc_sys_inotify_entries[PROC_SYS_INOTIFY_COUNT] = {
	LIMIT("max_queued_events"),
	LIMIT("max_user_instances"),
	LIMIT("max_user_watches"),
};
