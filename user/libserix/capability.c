/* SPDX-License-Identifier: BSD-2-Clause */
#include <libserix/capability.h>

#include "call.h"

cap_handle_t cap_derive(cap_handle_t handle, const struct cap_derive *how)
{
	return call(cap_derive, handle, how, sizeof(*how));
}

cap_handle_t cap_grant(int pidfd, cap_handle_t handle, const struct cap_derive *how)
{
	return call(cap_grant, pidfd, handle, how, sizeof(*how));
}

int cap_revoke(cap_handle_t handle, unsigned flags)
{
	return (int)call(cap_revoke, handle, flags);
}

int cap_limit(cap_handle_t handle, uint32_t rights)
{
	return (int)call(cap_limit, handle, rights);
}

int cap_expire(cap_handle_t handle, uint64_t ns)
{
	return (int)call(cap_expire, handle, ns);
}

int cap_query(cap_handle_t handle, struct cap_info *info)
{
	return (int)call(cap_query, handle, info, sizeof(*info));
}

int cap_list(int pidfd, cap_handle_t after, struct cap_info *info, size_t count)
{
	return (int)call(cap_list, pidfd, after, info, count, sizeof(*info));
}

cap_handle_t cap_handle(int fd)
{
	struct cap_info info;
	int err = cap_query((uint32_t)fd, &info);

	return err < 0 ? err : info.handle;
}

int cap_export(cap_handle_t handle, struct cap_token *token)
{
	return (int)call(cap_export, handle, token);
}

cap_handle_t cap_import(const struct cap_token *token, const struct cap_derive *how)
{
	return call(cap_import, token, how, sizeof(*how));
}

cap_handle_t cap_reduce(cap_handle_t handle, uint32_t rights)
{
	return cap_lend(handle, rights, CAP_FOREVER);
}

cap_handle_t cap_lend(cap_handle_t handle, uint32_t rights, uint64_t ns)
{
	struct cap_derive how = { .rights = rights, .expires_ns = ns };

	return cap_derive(handle, &how);
}

int64_t cap_rights(cap_handle_t handle)
{
	struct cap_info info;
	int err = cap_query(handle, &info);

	return err < 0 ? err : (int64_t)info.rights;
}
