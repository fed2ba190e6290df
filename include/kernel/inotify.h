/* SPDX-License-Identifier: BSD-2-Clause */
/* Who hears of what happens to files (<kernel/notify.h>): inotify(7), and F_NOTIFY of fcntl(2). */
#pragma once

#include <stdatomic.h>

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_events.h>

struct cap_table;
struct file;
struct file_use;
struct path;

/* /proc/sys/fs/inotify: events of a file that nobody read, as of its creation; a user's files and watches. */
extern _Atomic uint32_t inotify_max_events, inotify_max_files, inotify_max_watches;

/* -EINVAL: no such flag; -EMFILE: the user has too many; -ENOMEM. */
int inotify_create(uint32_t flags, struct file **out) __must_check;
bool file_is_inotify(const struct file *file);
/* Watch what is at `path`: a number, that of the watch there is already.  -EEXIST (IN_MASK_CREATE), -ENOSPC:
 * the user has too many, -ENOMEM. */
int inotify_watch(struct file *file, const struct path *path, uint32_t mask) __must_check;
/* -EINVAL: no such watch. */
int inotify_unwatch(struct file *file, int wd) __must_check;

/* F_NOTIFY: the directory's owner hears of `events` (DN_*) there.  Ends when the descriptor is closed in the
 * running process; without events but DN_MULTISHOT it ends now.  -ENOTDIR, -EPERM (the descriptor may not
 * list), -EBADF (closed meanwhile), -EINVAL, -ENOMEM. */
int dnotify_set(const struct file_use *use, int fd, uint32_t events) __must_check;
extern _Atomic uint32_t dnotify_enabled; /* /proc/sys/fs/dir-notify-enable; 0: -EINVAL */
/* A descriptor of the directory was closed in the table. */
void dnotify_closed(const struct file *file, const struct cap_table *table);
