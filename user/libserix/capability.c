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

cap_handle_t cap_reduce(cap_handle_t handle, uint32_t rights)
{
	return cap_lend(handle, rights, CAP_FOREVER);
}

cap_handle_t cap_lend(cap_handle_t handle, uint32_t rights, uint64_t ns)
{
	struct cap_derive how = { .rights = rights, .expires_ns = ns };

	return cap_derive(handle, &how);
}
