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
