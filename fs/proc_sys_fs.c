/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/fs: files in use, and what limits them. */
#include "proc_priv.h"

#include <kernel/aio.h>
#include <kernel/inotify.h>
#include <kernel/lease.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define FILES_MAX INT64_MAX /* memory and RLIMIT_NOFILE alone limit them */

static int show_file_max(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%lu\n", (uint64_t)FILES_MAX);
	return 0;
}

/* How many things the slab cache of that name holds. */
static uint64_t in_use(const char *cache)
{
	struct slab_stats s;
	size_t i = 0;

	while (slab_get_stats(i, &s) && strcmp(s.name, cache) != 0)
		i++;
	return s.objects_used;
}

/* In use, free (Linux keeps none either), most. */
static int show_file_nr(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%lu\t0\t%lu\n", in_use("file"), (uint64_t)FILES_MAX);
	return 0;
}

/* Those there are, and those of them that are free: a vnode without a user is not kept. */
static int show_inode_nr(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%lu\t0\n", in_use("vnode"));
	return 0;
}

/* The same; then what Linux fills with zeros. */
static int show_inode_state(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%lu\t0\t0\t0\t0\t0\t0\n", in_use("vnode"));
	return 0;
}

static int show_nr_open(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "1048576\n");
	return 0;
}

static int show_pipe_max_size(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "1048576\n");
	return 0;
}

static int show_aio_nr(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%lu\n", atomic_load(&aio_count));
	return 0;
}

/* --- settings --- */

static const struct setting {
	const char *name;
	_Atomic uint32_t *value;
	int64_t max;
} settings[] = {
	{ "aio-max-nr", &aio_max, UINT32_MAX },
	{ "dir-notify-enable", &dnotify_enabled, 1 },
	{ "lease-break-time", &lease_break_seconds, INT32_MAX },
	{ "leases-enable", &leases_enabled, 1 },
};

static const struct setting *setting_of(const struct proc_node *node)
{
	const struct setting *s = settings;

	while (strcmp(s->name, node->entry->name) != 0)
		s++;
	return s;
}

static int show_setting(struct proc_text *t, const struct proc_node *node)
{
	text_printf(t, "%u\n", atomic_load(setting_of(node)->value));
	return 0;
}

static int store_setting(const struct proc_node *node, const char *text, size_t len)
{
	const struct setting *s = setting_of(node);
	int64_t value;

	(void)len;
	if (proc_parse_signed(text, &value) < 0 || value < 0 || value > s->max)
		return -EINVAL;
	atomic_store(s->value, (uint32_t)value);
	return 0;
}

#define SETTING(n)                                                                                \
	{                                                                                         \
		.name = (n), .mode = S_IFREG | 0644, .show = show_setting, .store = store_setting \
	}

const struct proc_entry proc_sys_fs_entries[PROC_SYS_FS_COUNT] = {
	SETTING("aio-max-nr"),
	PROC_FILE("aio-nr", 0444, show_aio_nr),
	SETTING("dir-notify-enable"),
	PROC_DIR("fanotify", proc_sys_fanotify_entries),
	PROC_FILE("file-max", 0444, show_file_max),
	PROC_FILE("file-nr", 0444, show_file_nr),
	PROC_FILE("inode-nr", 0444, show_inode_nr),
	PROC_FILE("inode-state", 0444, show_inode_state),
	PROC_DIR("inotify", proc_sys_inotify_entries),
	SETTING("lease-break-time"),
	SETTING("leases-enable"),
	PROC_DIR("mqueue", proc_sys_mqueue_entries),
	PROC_FILE("nr_open", 0444, show_nr_open),
	PROC_FILE("pipe-max-size", 0444, show_pipe_max_size),
};
