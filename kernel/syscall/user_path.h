/* SPDX-License-Identifier: BSD-2-Clause */
/* A path name copied from user space. */
#pragma once

#include <kernel/types.h>
#include <kernel/vfs.h>

/* Most names are short and need no allocation. */
struct user_path {
	char *text;
	char small[120];
};

/* -EFAULT, -ENAMETOOLONG, -ENOMEM.  Pair with user_path_put on success. */
int user_path_get(struct user_path *path, uaddr_t addr) __must_check;
void user_path_put(struct user_path *path);

#define USER_PATH(name) struct user_path name __attribute__((uninitialized))
