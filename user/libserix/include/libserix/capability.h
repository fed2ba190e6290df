/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: the calls that <serix/cap.h> describes, and what is often made of them.
 *
 * Each returns what the kernel answers: 0, a number or a handle, or a negative errno.  A handle that a
 * function makes belongs to the caller: close(cap_fd(handle)) drops it, cap_revoke() ends it and all that
 * came from it.  POSIX calls take cap_fd(handle).
 */
#pragma once

#include <serix/cap.h>
#include <stddef.h>

cap_handle_t cap_derive(cap_handle_t handle, const struct cap_derive *how);
cap_handle_t cap_grant(int pidfd, cap_handle_t handle, const struct cap_derive *how);
int cap_export(cap_handle_t handle, struct cap_token *token);
cap_handle_t cap_import(const struct cap_token *token, const struct cap_derive *how);
int cap_revoke(cap_handle_t handle, unsigned flags);
int cap_limit(cap_handle_t handle, uint32_t rights);
int cap_expire(cap_handle_t handle, uint64_t ns);
int cap_query(cap_handle_t handle, struct cap_info *info);
int cap_list(int pidfd, cap_handle_t after, struct cap_info *info, size_t count);

/* The descriptor that POSIX calls know a handle by. */
static inline int cap_fd(cap_handle_t handle)
{
	return (int)(uint32_t)handle;
}

/* The full handle of what is behind a descriptor now: it never names anything else.  -EBADF. */
cap_handle_t cap_handle(int fd);
/* A child with some of the rights. */
cap_handle_t cap_reduce(cap_handle_t handle, uint32_t rights);
/* A child with some of the rights, for so long. */
cap_handle_t cap_lend(cap_handle_t handle, uint32_t rights, uint64_t ns);
/* The rights that a capability has, or a negative errno. */
int64_t cap_rights(cap_handle_t handle);
