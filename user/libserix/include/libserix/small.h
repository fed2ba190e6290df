/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small messages: the register forms of <serix/ipc.h>.  Between two threads on one CPU a call and its answer
 * cost a fraction of what port_call() does, for nothing goes through memory.
 *
 * They return 0 or a negative errno.  On an error the structure is as it was.
 */
#pragma once

#include <serix/ipc.h>

struct small_message {
	uint64_t size; /* to send; received */
	uint64_t tag;
	uint64_t cookie; /* received: names the call to answer, 0 if it was sent; to answer: which */
	uint64_t badge;  /* received */
	uint64_t rights; /* received: PORT_RIGHT_* of the capability that it came through */
	_Alignas(16) unsigned char data[MESSAGE_SMALL];
};

int port_send_small(cap_handle_t port, const struct small_message *m, uint64_t timeout_ns);
/* The answer takes the place of what was sent. */
int port_call_small(cap_handle_t port, struct small_message *m, uint64_t timeout_ns);
/* Answer the call m->cookie, if it is not 0, with the message; then receive the next one into it.  One that
 * does not fit is -EMSGSIZE, and stays for port_receive(). */
int port_reply_wait_small(cap_handle_t port, struct small_message *m, uint64_t timeout_ns);
