/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for many things: epoll(7). */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_events.h>

struct capability;
struct file;

/* -EINVAL: no such flag; -ENOMEM. */
int epoll_create(uint32_t flags, struct file **out) __must_check;
bool file_is_epoll(const struct file *file);
/* epoll_ctl(2): what `target` names, which the caller uses and found as descriptor `fd`.  `event` is not
 * looked at for EPOLL_CTL_DEL. */
int epoll_control(struct file *file, int op, int fd, struct capability *target,
		  const struct abi_epoll_event *event) __must_check;
/* Wait until `deadline_ns` (monotonic; 0: not at all) for events, and write up to `max` of them: how many.
 * -EFAULT; -EINTR: a signal, or `cap`, through which the caller uses the epoll, was revoked. */
int epoll_wait_events(struct file *file, const struct capability *cap, uaddr_t out, int max,
		      uint64_t deadline_ns) __must_check;
