/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/kernel/core_pattern and core_uses_pid: how cores are named. */
#include "proc_priv.h"

#include <kernel/core_dump.h>
#include <kernel/string.h>

int proc_show_core_pattern(struct proc_text *t, const struct proc_node *node)
{
	char pattern[CORE_PATTERN_MAX];

	(void)node;
	core_pattern_get(pattern);
	text_printf(t, "%s\n", pattern);
	return 0;
}

int proc_store_core_pattern(const struct proc_node *node, const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	(void)node;
	if (len == 0) /* nothing was written */
		return 0;
	return core_pattern_set(text, end ? (size_t)(end - text) : len);
}

int proc_show_core_uses_pid(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%u\n", core_uses_pid);
	return 0;
}

int proc_store_core_uses_pid(const struct proc_node *node, const char *text, size_t len)
{
	int64_t value;

	(void)node;
	(void)len;
	if (proc_parse_signed(text, &value) < 0 || value < 0 || value > INT32_MAX)
		return -EINVAL;
	core_uses_pid = (uint32_t)value;
	return 0;
}
