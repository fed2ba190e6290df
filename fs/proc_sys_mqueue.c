/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/fs/mqueue: the limits of message queues. */
#include "proc_priv.h"

#include <kernel/mqueue.h>
#include <kernel/string.h>

#define SIZE_MIN 128

static const struct limit {
	const char *name;
	_Atomic uint32_t *value;
	int64_t min, max;
} limits[] = {
	{ "msg_default", &mqueue_limits.msg_default, 1, MQUEUE_HARD_COUNT },
	{ "msg_max", &mqueue_limits.msg_max, 1, MQUEUE_HARD_COUNT },
	{ "msgsize_default", &mqueue_limits.msgsize_default, SIZE_MIN, MQUEUE_HARD_SIZE },
	{ "msgsize_max", &mqueue_limits.msgsize_max, SIZE_MIN, MQUEUE_HARD_SIZE },
	{ "queues_max", &mqueue_limits.queues_max, 0, INT32_MAX },
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
	const struct limit *l = limit_of(node);
	int64_t value;

	(void)len;
	if (proc_parse_signed(text, &value) < 0 || value < l->min || value > l->max)
		return -EINVAL;
	atomic_store(l->value, (uint32_t)value);
	return 0;
}

#define LIMIT(n)                                                                  \
	{                                                                         \
		.name = (n), .mode = S_IFREG | 0644, .show = show, .store = store \
	}

const struct proc_entry proc_sys_mqueue_entries[PROC_SYS_MQUEUE_COUNT] = {
	LIMIT("msg_default"), LIMIT("msg_max"),    LIMIT("msgsize_default"),
	LIMIT("msgsize_max"), LIMIT("queues_max"),
};
