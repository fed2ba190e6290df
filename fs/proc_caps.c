/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID/capabilities: a line for each, in the order of slots, its fields set apart by tabs as the first
 * line names them.  Programs read it (capls does), so the fields that are there stay; new ones come before
 * `name`, which goes to the end of the line, with bytes that are no printable ASCII and backslashes in octal.
 *
 *	slot generation   together the handle
 *	rights            as a hexadecimal number
 *	depth             derivations since the original
 *	expires           nanoseconds from now, or -
 *	object            its number
 *	tag, parent       of the capability and of the one it was derived from, or -
 *	children          derived from it directly
 *	flags             c: closed by exec; or -
 *	badge             as a hexadecimal number
 */
#include <kernel/cap.h>
#include <kernel/slab.h>

#include "proc_priv.h"

static void add_escaped(struct proc_text *t, const char *name)
{
	for (; *name; name++) {
		if (*name >= ' ' && *name < 0x7f && *name != '\\')
			text_add(t, name, 1);
		else
			text_printf(t, "\\%03o", (unsigned)(uint8_t)*name);
	}
}

static void add_tag(struct proc_text *t, uint64_t tag)
{
	if (tag)
		text_printf(t, "\t%016lx", tag);
	else
		text_printf(t, "\t-");
}

static void add_fields(struct proc_text *t, const struct cap_info *info)
{
	text_printf(t, "%u\t%u\t%s\t%08x\t%u", cap_handle_slot(info->handle), (uint32_t)(info->handle >> 32),
		    object_type_name(info->type), info->rights, info->depth);
	if (info->expires_ns == CAP_FOREVER)
		text_printf(t, "\t-");
	else
		text_printf(t, "\t%lu", info->expires_ns);
	text_printf(t, "\t%lu", info->object);
	add_tag(t, info->tag);
	add_tag(t, info->parent_tag);
	text_printf(t, "\t%u\t%s\t%lx\t", info->children, info->flags & CAP_DERIVE_CLOEXEC ? "c" : "-",
		    info->badge);
}

/* The name of what it is to; nothing when it is gone meanwhile. */
static void add_name(struct proc_text *t, struct cap_table *caps, cap_handle_t handle, char *name)
{
	struct capability *cap;

	if (cap_use(caps, handle, OBJECT_NONE, 0, &cap) < 0)
		return;
	if (proc_object_name(cap, name, PATH_MAX) > 0)
		add_escaped(t, name);
	cap_done(cap);
}

int proc_show_capabilities(struct proc_text *t, const struct proc_node *node)
{
	struct cap_table *caps = process_caps_get(node->process);
	char *name = kmalloc(PATH_MAX);
	struct cap_info info = { .handle = -1 };

	text_printf(t, "slot\tgeneration\ttype\trights\tdepth\texpires\tobject\ttag\tparent\tchildren\tflags"
		       "\tbadge\t"
		       "name\n");
	while (caps && name && cap_query_next(caps, info.handle, &info) == 0) {
		add_fields(t, &info);
		add_name(t, caps, info.handle, name);
		text_add(t, "\n", 1);
	}
	if (caps)
		cap_table_unpin(caps);
	if (!name)
		return -ENOMEM;
	kfree(name);
	return 0;
}
