/* SPDX-License-Identifier: BSD-2-Clause */
#include "user_path.h"

#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <serix/errno.h>

int user_path_get(struct user_path *path, uaddr_t addr)
{
	ssize_t n = strncpy_from_user(path->small, addr, sizeof(path->small));

	path->text = path->small;
	if (likely(n != -ENAMETOOLONG))
		return n < 0 ? (int)n : 0;
	path->text = kmalloc(PATH_MAX);
	if (!path->text)
		return -ENOMEM;
	n = strncpy_from_user(path->text, addr, PATH_MAX);
	if (n < 0) {
		kfree(path->text);
		return (int)n;
	}
	return 0;
}

void user_path_put(struct user_path *path)
{
	if (path->text != path->small)
		kfree(path->text);
}
