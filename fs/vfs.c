/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up of Chroma, in the order in which its parts need each other. */
#include "vfs_priv.h"

#include <kernel/socket.h>

void vfs_init(void)
{
	vnode_init();
	dcache_init();
	file_init();
	ramfs_init();
	mount_init();
	pipe_init();
	memfd_init();
	socket_layer_init();
	devfs_init();
	devpts_init();
	procfs_init();
	sysfs_init();
	mqueue_init();
}
