/* SPDX-License-Identifier: BSD-2-Clause */
/* The mount table as text: /proc/PID/mounts, mountinfo, mountstats. */
#include "mount_priv.h"

#include <kernel/format.h>
#include <kernel/slab.h>
#include <kernel/string.h>

static void options_text(struct mount *m, char *buf, size_t size)
{
	uint32_t flags = atomic_load(&m->flags);
	char more[96];

	strlcpy(buf, flags & MS_RDONLY ? "ro" : "rw", size);
	if (flags & MS_NOSUID)
		strlcat(buf, ",nosuid", size);
	if (flags & MS_NODEV)
		strlcat(buf, ",nodev", size);
	if (flags & MS_NOEXEC)
		strlcat(buf, ",noexec", size);
	strlcat(buf, flags & MS_NOATIME ? ",noatime" : ",relatime", size);
	if (m->sb->type->options)
		strlcat(buf, m->sb->type->options(m->sb, more, sizeof(more)), size);
}

/* Blanks and backslashes in a path are written in octal, as fstab(5) readers expect. */
static void escape(char *out, size_t size, const char *in)
{
	size_t n = 0;

	for (; *in && n + 5 < size; in++) {
		if (*in == ' ' || *in == '\t' || *in == '\n' || *in == '\\')
			n += (size_t)scnprintf(out + n, size - n, "\\%03o", (unsigned)(uint8_t)*in);
		else
			out[n++] = *in;
	}
	out[n] = '\0';
}

/* The n-th mount in order, referenced, or NULL. */
static struct mount *nth_mount(size_t n)
{
	struct mount *m, *found = NULL;

	spin_lock(&mount_lock);
	list_for_each (m, &mounts, link) {
		if (n-- == 0) {
			found = m;
			mount_get(m);
			break;
		}
	}
	spin_unlock(&mount_lock);
	return found;
}

/* The id of what it is mounted on; the bottom of the tree and what was just unmounted: its own. */
static uint32_t parent_id(const struct mount *m)
{
	uint32_t id;

	spin_lock(&mount_lock);
	id = m->parent ? m->parent->id : m->id;
	spin_unlock(&mount_lock);
	return id;
}

struct line {
	struct mount *m;
	const char *place, *options; /* the place has its blanks escaped */
	char *scratch;               /* PATH_MAX bytes */
};

static int mounts_line(const struct line *l, char *buf, size_t size)
{
	return scnprintf(buf, size, "%s %s %s %s 0 0\n", l->m->source, l->place, l->m->sb->type->name,
			 l->options);
}

static int mountstats_line(const struct line *l, char *buf, size_t size)
{
	return scnprintf(buf, size, "device %s mounted on %s with fstype %s\n", l->m->source, l->place,
			 l->m->sb->type->name);
}

static int mountinfo_line(const struct line *l, char *buf, size_t size)
{
	const struct mount *m = l->m;

	/* What part of its file system it shows: as seen from a mount of all of it. */
	if (dentry_path_text(m->root, l->scratch, PATH_MAX) < 0)
		strlcpy(l->scratch, "/", PATH_MAX);
	return scnprintf(buf, size, "%u %u 0:%u %s %s %s - %s %s %.2s\n", m->id, parent_id(m),
			 (unsigned)(m->sb->dev & 0xff), l->scratch, l->place, l->options, m->sb->type->name,
			 m->source, l->options);
}

/* The mounts that the caller's root lets it see, a line each. */
static int mount_lines(int (*print)(const struct line *l, char *buf, size_t size), char *buf, size_t size)
{
	char *text = kmalloc(3 * PATH_MAX);
	struct mount *m;
	int n = 0;

	buf[0] = '\0';
	if (!text)
		return 0;
	for (size_t i = 0; (m = nth_mount(i)) != NULL; i++) {
		struct path top = { m, m->root }, root;
		char options[160];
		struct line line = { m, text + PATH_MAX, options, text + 2 * PATH_MAX };

		fs_current_root(&root);
		if (vfs_path_text(&top, &root, text, PATH_MAX) >= 0) {
			escape(text + PATH_MAX, PATH_MAX, text);
			options_text(m, options, sizeof(options));
			n += print(&line, buf + n, size - (size_t)n);
		}
		path_put(&root);
		mount_put(m);
	}
	kfree(text);
	return n;
}

int vfs_mounts_text(char *buf, size_t size)
{
	return mount_lines(mounts_line, buf, size);
}

int vfs_mountinfo_text(char *buf, size_t size)
{
	return mount_lines(mountinfo_line, buf, size);
}

int vfs_mountstats_text(char *buf, size_t size)
{
	return mount_lines(mountstats_line, buf, size);
}
