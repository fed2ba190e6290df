/* SPDX-License-Identifier: BSD-2-Clause */
#include <libserix/ipc.h>

#include <fcntl.h>

#include "call.h"

cap_handle_t port_create(const struct port_options *options)
{
	return call(port_create, options, sizeof(*options));
}

int port_close(cap_handle_t port)
{
	return (int)call(port_close, port);
}

int port_send(cap_handle_t port, const struct message *m, uint64_t timeout_ns)
{
	return (int)call(port_send, port, m, timeout_ns);
}

int port_receive(cap_handle_t port, struct message *m, uint64_t timeout_ns)
{
	return (int)call(port_receive, port, m, timeout_ns);
}

int port_call(cap_handle_t port, struct message *m, uint64_t timeout_ns)
{
	return (int)call(port_call, port, m, timeout_ns);
}

int port_reply(cap_handle_t port, const struct message *m)
{
	return (int)call(port_reply, port, m);
}

int port_reply_wait(cap_handle_t port, struct message *m, uint64_t timeout_ns)
{
	return (int)call(port_reply_wait, port, m, timeout_ns);
}

int port_register(int registry, cap_handle_t port, const char *name)
{
	return (int)call(port_register, registry, port, name);
}

cap_handle_t port_connect(int registry, const char *name, const struct cap_derive *how)
{
	return call(port_connect, registry, name, how, sizeof(*how));
}

cap_handle_t port_open(const char *name)
{
	const struct cap_derive how = { .rights = UINT32_MAX,
					.flags = CAP_DERIVE_CLOEXEC,
					.expires_ns = CAP_FOREVER };
	int registry = open("/dev/ports", O_RDONLY | O_CLOEXEC);
	cap_handle_t port;

	if (registry < 0)
		return -errno;
	port = port_connect(registry, name, &how);
	close(registry);
	return port;
}

cap_handle_t notification_create(unsigned flags)
{
	return call(notification_create, flags);
}

int notification_signal(cap_handle_t n, uint64_t bits)
{
	return (int)call(notification_signal, n, bits);
}

int notification_wait(cap_handle_t n, uint64_t mask, uint64_t *bits, uint64_t timeout_ns)
{
	return (int)call(notification_wait, n, mask, bits, timeout_ns);
}
