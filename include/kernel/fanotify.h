/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanotify(7): what happens to files, with descriptors or handles of them, and a say in whether it may.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include <kernel/compiler.h>
#include <kernel/types.h>

struct file;
struct path;

/* /proc/sys/fs/fanotify: of one group, of one user. */
extern _Atomic uint32_t fanotify_max_events, fanotify_max_groups, fanotify_max_marks;

/* fanotify_init(2).  `flags` but FAN_CLOEXEC, which is the descriptor's; `event_flags`: how files of events
 * are opened.  -EINVAL, -EPERM, -EMFILE, -ENOMEM. */
int fanotify_create(uint32_t flags, uint32_t event_flags, struct file **out) __must_check;
bool file_is_fanotify(const struct file *file);

/* fanotify_mark(2) in three steps: what can be said of the call alone, */
int fanotify_mark_check_call(uint32_t flags, uint64_t mask) __must_check;
/* of the call for this group, whose mask may lose flags that mean nothing there, */
int fanotify_mark_check(struct file *file, uint32_t flags, uint64_t *mask) __must_check;
/* and with it.  -EINVAL, -ENOENT, -EEXIST, -ENOTDIR, -EISDIR, -ENOSPC, -ENOMEM,
 * -ENODEV (its file system has no handles). */
int fanotify_mark(struct file *file, uint32_t flags, uint32_t mask, const struct path *path) __must_check;
/* FAN_MARK_FLUSH: all marks of a type. */
void fanotify_flush(struct file *file, uint32_t type);
