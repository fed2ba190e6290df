/* SPDX-License-Identifier: BSD-2-Clause */
/* The families that there are.  The others are refused by name. */
#include "socket_priv.h"

#include <serix/errno.h>

static const struct socket_family *const families[] = { &unix_family };

static const struct socket_family *find(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i]->number == number)
			return families[i];
	return NULL;
}

int socket_create(int family, uint16_t type, int protocol, struct socket **out)
{
	const struct socket_family *f = find(family);

	return f ? f->create(type, protocol, out) : -EAFNOSUPPORT;
}

int socket_create_pair(int family, uint16_t type, int protocol, struct socket *out[2])
{
	const struct socket_family *f = find(family);

	if (!f)
		return -EAFNOSUPPORT;
	return f->create_pair ? f->create_pair(type, protocol, out) : -EOPNOTSUPP;
}
