/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may do what with a key, once it is known who he is to it.  Pure; also built on the host. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_keys.h>

#define KEY_PERM_VALID (KEY_POS(KEY_ALL) | KEY_USR(KEY_ALL) | KEY_GRP(KEY_ALL) | KEY_OTH(KEY_ALL))

/* Only one of owner, group and others counts, in this order, and a group that is given nothing is none; what
 * possession gives comes on top. */
bool key_permits(uint32_t perm, bool owner, bool in_group, bool possessed, uint32_t need);
