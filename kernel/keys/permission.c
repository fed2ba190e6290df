/* SPDX-License-Identifier: BSD-2-Clause */
#include "permission.h"

bool key_permits(uint32_t perm, bool owner, bool in_group, bool possessed, uint32_t need)
{
	uint32_t granted = perm;

	if (owner)
		granted >>= 16;
	else if (in_group && (perm & KEY_GRP(KEY_ALL)))
		granted >>= 8;
	if (possessed)
		granted |= perm >> 24;
	return (granted & need) == need;
}
