/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listeners: a filter's calls with SECCOMP_RET_USER_NOTIF wait until somebody has answered them through a
 * file that was made with the filter.  The filter and the file have a reference each; with the file go those
 * who could answer, with the filter those who could ask.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/seccomp.h>

struct file;
struct seccomp_listener;

/* -ENOMEM. */
int seccomp_listener_create(struct seccomp_listener **out, struct file **file) __must_check;
/* The filter ends: no thread has it any more, or it never came to be.  NULL: nothing happens. */
void seccomp_listener_end(struct seccomp_listener *l);
/* The running thread's call waits for its answer.  -ENOSYS: nobody is there to give one; -ERESTARTSYS: a
 * signal came first.  No lock is held. */
int seccomp_listener_ask(struct seccomp_listener *l, const struct abi_seccomp_data *data,
			 struct abi_seccomp_response *answer) __must_check;
