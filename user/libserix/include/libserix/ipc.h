/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports, their names, and notifications: <serix/ipc.h> says what each call means. */
#pragma once

#include <serix/ipc.h>

/* The options may be NULL.  A handle, to be closed with close(2): its lower half is a descriptor. */
cap_handle_t port_create(const struct port_options *options);
int port_close(cap_handle_t port);

int port_send(cap_handle_t port, const struct message *m, uint64_t timeout_ns);
int port_receive(cap_handle_t port, struct message *m, uint64_t timeout_ns);
int port_call(cap_handle_t port, struct message *m, uint64_t timeout_ns);
int port_reply(cap_handle_t port, const struct message *m);
int port_reply_wait(cap_handle_t port, struct message *m, uint64_t timeout_ns);

/* Names, by a descriptor of /dev/ports. */
int port_register(int registry, cap_handle_t port, const char *name);
cap_handle_t port_connect(int registry, const char *name, const struct cap_derive *how);
/* With all the rights that there are for who connects; close-on-exec. */
cap_handle_t port_open(const char *name);

cap_handle_t notification_create(unsigned flags);
int notification_signal(cap_handle_t n, uint64_t bits);
int notification_wait(cap_handle_t n, uint64_t mask, uint64_t *bits, uint64_t timeout_ns);
