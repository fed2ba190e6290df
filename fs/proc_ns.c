/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/ns: the one namespace of each kind that everybody is in, under the numbers of Linux's first ones.
 * They can be compared, and not opened: there is nothing to enter. */
#include <kernel/format.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "proc_priv.h"

static const struct {
	const char *name;
	uint32_t number;
} spaces[PROC_NS_COUNT] = {
	{ "cgroup", 4026531835u }, { "ipc", 4026531839u },  { "mnt", 4026531841u },  { "net", 4026531840u },
	{ "pid", 4026531836u },    { "time", 4026531834u }, { "user", 4026531837u }, { "uts", 4026531838u },
};

static int readlink_ns(const struct proc_node *node, char *buf, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		if (strcmp(spaces[i].name, node->entry->name) == 0)
			return scnprintf(buf, size, "%s:[%u]", spaces[i].name, spaces[i].number);
	return -ENOENT;
}

static int follow_ns(const struct proc_node *node, struct path *out)
{
	(void)node;
	(void)out;
	return -ENXIO;
}

#define SPACE(n)                                                                                   \
	{                                                                                          \
		.name = (n), .mode = S_IFLNK | 0777, .readlink = readlink_ns, .follow = follow_ns, \
		.guarded = true                                                                    \
	}

const struct proc_entry proc_ns_entries[PROC_NS_COUNT] = {
	SPACE("cgroup"), SPACE("ipc"),  SPACE("mnt"),  SPACE("net"),
	SPACE("pid"),    SPACE("time"), SPACE("user"), SPACE("uts"),
};
