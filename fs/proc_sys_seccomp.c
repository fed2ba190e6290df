/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/kernel/seccomp: what filters may answer, and which answers are logged. */
#include "proc_priv.h"

#include <kernel/seccomp.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define TEXT_MAX 128 /* all the names and more */

static int show(struct proc_text *t, bool logged)
{
	char text[TEXT_MAX];

	(void)seccomp_actions_text(logged, text, sizeof(text));
	text_printf(t, "%s\n", text);
	return 0;
}

static int show_avail(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	return show(t, false);
}

static int show_logged(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	return show(t, true);
}

static int store_logged(const struct proc_node *node, const char *text, size_t len)
{
	(void)node;
	(void)len;
	return cred_has_privilege(PRIV_SYS_ADMIN) ? seccomp_actions_log(text) : -EPERM;
}

const struct proc_entry proc_sys_seccomp_entries[PROC_SYS_SECCOMP_COUNT] = {
	PROC_FILE("actions_avail", 0444, show_avail),
	{ .name = "actions_logged", .mode = S_IFREG | 0644, .show = show_logged, .store = store_logged },
};
