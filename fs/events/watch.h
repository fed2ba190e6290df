/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A watch: somebody wants to hear what happens to a vnode, on a mount, or in a file system.  It is part of
 * what hears, and neither keeps what it watches nor is kept by it: what goes ends its watches.
 *
 * What happens is one piece of news (struct news), told in one go under watch_lock to the watches of all
 * objects that it concerns.  Who has watches on several of these, and must weigh them together, gathers
 * while it is told: it puts a struct listener into news.listeners and is called once more at the end.
 */
#pragma once

#include <kernel/file_handle.h>
#include <kernel/list.h>
#include <kernel/notify.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

struct fan_inquiry;
struct mount;
struct watch;

/* Which of the objects concerned a watch is on. */
enum watch_place {
	WATCH_PARENT,  /* the directory of what it happened to */
	WATCH_SELF,    /* what it happened to; of a name made, removed or moved its directory */
	WATCH_NEW_DIR, /* the directory that something was moved to (NOTIFY_RENAME) */
	WATCH_MOUNT,
	WATCH_SYSTEM, /* the file system */
	WATCH_PLACES
};

/* An identity, if anybody wants to hear of it and it has one. */
struct news_id {
	bool known;
	struct file_id id;
};

struct news {
	uint32_t event;       /* with IN_ISDIR where it is told */
	bool of_names;        /* a name was made, removed or moved: `dir` is what it happened to */
	struct vnode *vnode;  /* what it is about */
	struct dentry *about; /* a name of that; NULL: nobody knows */
	struct dentry *dir;   /* where that is; NULL: as if nowhere */
	struct mount *mount;  /* through which it was reached; NULL: nobody knows */
	const char *name;     /* in `dir`; NULL: as if it had none */
	size_t len;
	uint32_t cookie; /* the two halves of a rename have the same */
	bool unlinked;   /* the name is gone already */
	/* NOTIFY_RENAME: */
	struct dentry *new_dir;
	const char *new_name;
	size_t new_len;
	/* If a watch has WATCH_WANTS_IDS. */
	struct news_id id, dir_id, new_dir_id;
	struct fan_inquiry *inquirer; /* who asks whether it may happen; NULL: it has happened */
	struct list listeners;        /* [watch_lock] */
};

struct listener {
	struct list link; /* [watch_lock] in news.listeners, or alone */
	/* All watches have been told.  watch_lock is held. */
	void (*conclude)(struct listener *listener, const struct news *news);
};

/* Called with watch_lock held.  Both may end the watch, and `gone` has to. */
struct watch_ops {
	void (*tell)(struct watch *watch, struct news *news, enum watch_place place);
	void (*gone)(struct watch *watch, const struct news *news); /* IN_DELETE_SELF or IN_UNMOUNT */
};

struct watch {
	struct watch *next;          /* [watch_lock] at the same object */
	struct watch_list *list;     /* [i] the object's */
	const struct watch_ops *ops; /* [i] */
	uint32_t mask; /* [watch_lock] WATCHED_EVENTS to tell of, WATCH_*, other bits as the kind has it */
};

/* What may be watched. */
#define WATCHED_EVENTS (IN_ALL_EVENTS | NOTIFY_OPEN_EXEC | NOTIFY_PERMISSIONS | NOTIFY_RENAME)
/* Tell with identities; with names though the directory is not watched. */
#define WATCH_WANTS_IDS   0x00200000u
#define WATCH_WANTS_NAMES 0x00400000u

extern struct spinlock watch_lock;

/* `ops` and `mask` are set. */
void watch_link_locked(struct watch *watch, struct watch_list *list);
void watch_unlink_locked(struct watch *watch);
void watch_set_mask_locked(struct watch *watch, uint32_t mask);
