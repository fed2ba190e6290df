/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/lock_stat: which locks were waited for.  Writing 0 starts anew. */
#include <kernel/lockstat.h>
#include <serix/errno.h>

#include "proc_priv.h"

int proc_show_lock_stat(struct proc_text *t, const struct proc_node *node)
{
	struct lock_class c;

	(void)node;
	text_printf(t, "%-20s %12s %16s %14s\n", "class", "contentions", "waittime-total", "waittime-max");
	for (unsigned n = 0; lockstat_get(n, &c); n++) {
		for (const char *p = c.name; *p; p++)
			text_add(t, *p == ' ' ? "_" : p, 1);
		text_printf(t, " %12lu %13lu us %11lu us\n", c.contentions, c.wait_us, c.wait_max_us);
	}
	return 0;
}

int proc_store_lock_stat(const struct proc_node *node, const char *text, size_t len)
{
	(void)node;
	if (len == 0 || text[0] != '0')
		return -EINVAL;
	lockstat_reset();
	return 0;
}
