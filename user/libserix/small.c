/* SPDX-License-Identifier: BSD-2-Clause */
/* In assembly, for the C library's syscall() knows nothing of vector registers or of more than one result. */
#include <libserix/small.h>

#include "call.h"

#define CLOBBERED                                                                                       \
	"rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
		"xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* As many of XMM0 to XMM7 as the kernel may look at: all. */
#define LOAD                                                      \
	"movups (%[data]), %%xmm0; movups 16(%[data]), %%xmm1;"   \
	"movups 32(%[data]), %%xmm2; movups 48(%[data]), %%xmm3;" \
	"movups 64(%[data]), %%xmm4; movups 80(%[data]), %%xmm5;" \
	"movups 96(%[data]), %%xmm6; movups 112(%[data]), %%xmm7;"
#define STORE                                                     \
	"movups %%xmm0, (%[data]); movups %%xmm1, 16(%[data]);"   \
	"movups %%xmm2, 32(%[data]); movups %%xmm3, 48(%[data]);" \
	"movups %%xmm4, 64(%[data]); movups %%xmm5, 80(%[data]);" \
	"movups %%xmm6, 96(%[data]); movups %%xmm7, 112(%[data]);"

int port_send_small(cap_handle_t port, const struct small_message *m, uint64_t timeout_ns)
{
	register uint64_t timeout __asm__("r10") = timeout_ns;
	long result = CALL_port_send_small;
	uint64_t size = m->size, tag = m->tag;

	__asm__ volatile(LOAD "syscall"
			 : "+a"(result), "+D"(port), "+S"(size), "+d"(tag), "+r"(timeout)
			 : [data] "b"(m->data)
			 : CLOBBERED, "r8", "r9");
	return (int)result;
}

/* Send *m and wait for what comes back. */
static int exchange(long number, cap_handle_t port, struct small_message *m, uint64_t timeout_ns)
{
	register uint64_t timeout __asm__("r10") = timeout_ns;
	register uint64_t cookie __asm__("r8") = m->cookie;
	register uint64_t next __asm__("r9");
	long result = number;
	uint64_t size = m->size, tag = m->tag;

	/* Only what came is stored: RAX says whether anything did. */
	__asm__ volatile(LOAD "syscall; test %%rax, %%rax; js 1f;" STORE "1:"
			 : "+a"(result), "+D"(port), "+S"(size), "+d"(tag), "+r"(timeout), "+r"(cookie),
			   "=r"(next)
			 : [data] "b"(m->data)
			 : CLOBBERED);
	if (result < 0)
		return (int)result;
	m->size = (uint64_t)result;
	m->tag = tag;
	m->badge = cookie;
	m->cookie = next;
	m->rights = timeout;
	return 0;
}

int port_call_small(cap_handle_t port, struct small_message *m, uint64_t timeout_ns)
{
	return exchange(CALL_port_call_small, port, m, timeout_ns);
}

int port_reply_wait_small(cap_handle_t port, struct small_message *m, uint64_t timeout_ns)
{
	return exchange(CALL_port_reply_wait_small, port, m, timeout_ns);
}
