/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A watch: somebody wants to hear what happens to a vnode.  It is part of what hears, which keeps neither the
 * vnode nor is kept by it: a vnode that goes ends its watches.
 */
#pragma once

#include <kernel/inotify.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

struct watch;

struct news {
	uint32_t event; /* with IN_ISDIR where it is told */
	const char *name;
	size_t len;
	uint32_t cookie;
	bool unlinked; /* the name is gone already */
};

/* Called with watch_lock held.  Both may end the watch, and `gone` has to. */
struct watch_ops {
	void (*tell)(struct watch *watch, const struct news *news);
	void (*gone)(struct watch *watch, uint32_t event); /* IN_DELETE_SELF or IN_UNMOUNT */
};

struct watch {
	struct watch *next;          /* [watch_lock] at the same vnode */
	struct vnode *vnode;         /* [i] */
	const struct watch_ops *ops; /* [i] */
	uint32_t mask; /* [watch_lock] WATCHED_EVENTS to tell of, other bits as the kind has it */
};

/* What may be watched. */
#define WATCHED_EVENTS (IN_ALL_EVENTS | NOTIFY_RENAMED)

extern struct spinlock watch_lock;

/* `ops` and `mask` are set. */
void watch_link_locked(struct watch *watch, struct vnode *vnode);
void watch_unlink_locked(struct watch *watch);
void watch_set_mask_locked(struct watch *watch, uint32_t mask);
