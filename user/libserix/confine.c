/* SPDX-License-Identifier: BSD-2-Clause */
#include <libserix/confine.h>

#include "call.h"

int cap_confine(const struct confinement *what, size_t size)
{
	return (int)call(cap_confine, what, size);
}

int cap_enter(unsigned flags)
{
	return (int)call(cap_enter, flags);
}

int policy_load(const void *table, size_t size)
{
	return (int)call(policy_load, table, size);
}
