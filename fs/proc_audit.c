/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/serix/audit: what happened to capabilities, oldest first, a line each:
 *
 *	12.345678 denial pid=42 uid=1000 comm=sh object=file:117 tag=1f2e dropped=0 what=right missing
 *
 * Root sees all of it and, in front, how many events of each kind came too fast to be kept; others see their
 * own.
 */
#include <kernel/cap_audit.h>

#include "proc_priv.h"

/* One line and one word, whatever a program calls itself. */
static void add_escaped(struct proc_text *t, const char *name)
{
	for (; *name; name++) {
		if (*name > ' ' && *name < 0x7f && *name != '\\')
			text_add(t, name, 1);
		else
			text_printf(t, "\\%03o", (unsigned)(uint8_t)*name);
	}
}

static void add_record(struct proc_text *t, const struct audit_record *r)
{
	text_printf(t, "%llu.%06llu %s pid=%d uid=%u comm=", r->time_ns / NSEC_PER_SEC,
		    r->time_ns % NSEC_PER_SEC / NSEC_PER_USEC, cap_event_name(r->event), r->pid, r->uid);
	add_escaped(t, r->comm);
	text_printf(t, " object=%s:%lu tag=%04x dropped=%u what=%s\n", object_type_name(r->type), r->object,
		    r->tag, r->dropped, r->what);
}

static void add_dropped(struct proc_text *t)
{
	text_printf(t, "# dropped:");
	for (enum cap_event event = 0; event < CAP_EVENTS; event++)
		text_printf(t, " %s=%lu", cap_event_name(event), cap_audit_dropped(event));
	text_printf(t, "\n");
}

int proc_show_audit(struct proc_text *t, const struct proc_node *node)
{
	uid_t me = fs_cred()->euid;
	bool all = priv_has(&fs_cred()->priv, PRIV_AUDIT_READ);
	struct cap_audit_reader reader = { 0 };
	struct audit_record r;

	(void)node;
	if (all)
		add_dropped(t);
	while (cap_audit_next(&reader, &r)) {
		if (all || r.uid == me)
			add_record(t, &r);
	}
	return 0;
}
