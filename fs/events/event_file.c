/* SPDX-License-Identifier: BSD-2-Clause */
#include "events_priv.h"

struct file *event_file(const struct file_ops *ops, uint32_t flags, void *private)
{
	static const struct vnode_ops none;
	struct vnode *v = nameless_vnode(&none, 0600);
	struct file *file = v ? file_create(ops, flags, private) : NULL;

	if (file)
		file->vnode = v;
	else
		vnode_put(v);
	return file;
}

off_t event_seek(struct file *file, off_t offset, int whence)
{
	(void)file;
	(void)offset;
	(void)whence;
	return 0;
}
