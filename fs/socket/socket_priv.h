/* SPDX-License-Identifier: BSD-2-Clause */
/* What the generic layer and the families say to each other within this folder. */
#pragma once

#include <kernel/socket.h>

/* A family registers nothing: there are few, and each is one row of the table in family.c. */
struct socket_family {
	uint16_t number;
	int (*create)(uint16_t type, int protocol, struct socket **out);
	int (*create_pair)(uint16_t type, int protocol, struct socket *out[2]);
};
extern const struct socket_family unix_family;

void unix_init(void);
