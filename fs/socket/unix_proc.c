/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/net/unix: what local sockets there are, in Linux's columns but for the address, which is nobody's
 * business. */
#include "unix_priv.h"

#include "../proc_priv.h"

/* As Linux numbers them: SS_UNCONNECTED, SS_CONNECTING, SS_CONNECTED. */
static unsigned state_shown(const struct unix_socket *s)
{
	switch (unix_state(s)) {
	case UNIX_CONNECTING:
		return 2;
	case UNIX_CONNECTED:
		return READ_ONCE(s->socket.ino) ? 3 : 2;
	case UNIX_IDLE:
	case UNIX_LISTENING:
		break;
	}
	return 1;
}

static void add_name(struct proc_text *t, const struct socket_address *name)
{
	bool abstract = name->bytes[PATH_START] == 0;

	text_add(t, " ", 1);
	for (uint32_t i = PATH_START; i < name->length; i++) {
		char c = (char)name->bytes[i];

		if (!abstract && c == 0)
			break;
		if (c == 0 || c == '\n')
			c = '@';
		text_add(t, &c, 1);
	}
}

static void add_line(struct unix_socket *s, void *arg)
{
	struct proc_text *t = arg;
	struct socket_address name;

	if (READ_ONCE(s->dead))
		return;
	unix_sender_name(s, &name);
	text_printf(t, "%016x: %08X 00000000 %08X %04X %02X %5lu", 0u, refcount_read(&s->socket.refs) + 1,
		    unix_state(s) == UNIX_LISTENING ? 0x10000u : 0u, s->socket.type, state_shown(s),
		    READ_ONCE(s->socket.ino));
	if (name.length > PATH_START)
		add_name(t, &name);
	text_add(t, "\n", 1);
}

int proc_show_net_unix(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	unix_for_each(add_line, t);
	return 0;
}
