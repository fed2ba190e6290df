/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fanotify is made of.
 *
 * A group belongs to one open file.  It has marks, each a watch (watch.h) on a vnode, a mount or a file
 * system; and a queue of events.  News is weighed for all marks of a group together: what one wants another
 * may ignore.  So the group gathers what its marks say of a piece of news, and concludes.
 *
 * A permission event is an inquiry: it lies on the stack of the thread that asks, which waits.  Groups are
 * asked one after another, those of a higher class first.  An inquiry is QUEUED in the group's queue, then
 * READ in its list of unanswered ones, and ANSWERED in no list at all: by whoever answers, by the group's
 * end, or not, when the thread leaves.  All of that is under watch_lock, so that who finds an inquiry with
 * the lock held may write and wake it.
 *
 * An event keeps the path that it will open, with references, until it is read.  References are dropped
 * without the lock.
 */
#pragma once

#include <kernel/fanotify.h>
#include <kernel/vfs.h>
#include <serix/abi_fanotify.h>

#include "watch.h"

#define FAN_FID_BITS      (FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID)
#define FAN_CLASSES       (FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT)
#define FAN_PERM_EVENTS   (FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM)
#define FAN_DIRENT_EVENTS (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_RENAME)
#define FAN_PATH_EVENTS \
	(FAN_ACCESS | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_CLOSE_NOWRITE | FAN_OPEN | FAN_OPEN_EXEC)
#define FAN_EVENTS \
	(FAN_PATH_EVENTS | FAN_DIRENT_EVENTS | FAN_ATTRIB | FAN_MOVE_SELF | FAN_DELETE_SELF | FAN_FS_ERROR)
#define FAN_EVENT_FLAGS (FAN_EVENT_ON_CHILD | FAN_ONDIR)
/* All of these but FAN_RENAME have the number of the news that they tell. */

struct fan_event {
	struct list link; /* [watch_lock] in a queue */
	uint32_t mask;    /* FAN_*; [watch_lock] in a queue */
	pid_t pid;        /* of who did it, or its thread's */
	uint64_t process; /* its number as an object */
	struct path path; /* referenced once it is queued; NULLs: none */
	dev_t dev;        /* the file system that the identities are of */
	struct news_id object, dir, new_dir;
	const char *name, *new_name; /* in those directories; NULL: not told */
	size_t name_len, new_len;
	struct fan_inquiry *inquiry; /* whose part it is; NULL: an event that nobody waits for */
};

enum inquiry_state { INQUIRY_QUEUED, INQUIRY_READ, INQUIRY_ANSWERED };

struct fan_inquiry {
	struct fan_event event;    /* its link stands in queue or list */
	struct fan_group *group;   /* [watch_lock] who is asked */
	uint64_t last;             /* order of the last group that was asked */
	uint64_t id;               /* [watch_lock] */
	enum inquiry_state state;  /* [watch_lock] written; its thread reads it anywhere */
	int fd;                    /* [watch_lock] the reader's descriptor; -1: not yet */
	uint32_t answer;           /* [watch_lock] FAN_ALLOW, FAN_DENY */
	struct waitqueue answered; /* its thread */
};

struct fan_group {
	struct list link;      /* [watch_lock] of all groups */
	uint32_t flags;        /* [i] of fanotify_init */
	uint32_t event_flags;  /* [i] O_*, for files that events open */
	uint64_t order;        /* [i] higher classes first, then older groups */
	uid_t uid;             /* [i] whose limits count */
	bool unprivileged;     /* [i] made by such a user: inodes only, neither files nor pids told */
	struct list marks;     /* [watch_lock] */
	uint32_t mark_count;   /* [watch_lock] */
	struct list events;    /* [watch_lock] oldest first */
	uint32_t count, limit; /* [watch_lock] of those; [i] */
	bool overflowed;       /* [watch_lock] some were lost, and the last thing to read says so */
	struct list inquiries; /* [watch_lock] read, not answered */
	uint64_t last_inquiry; /* [watch_lock] */
	struct waitqueue readers;
	/* What its marks say of the news that is being told. */
	struct listener listener; /* [watch_lock] */
	uint32_t wanted, ignored; /* [watch_lock] */
	uint32_t places;          /* [watch_lock] 1 << WATCH_*, of marks that want it */
};

struct fan_mark {
	struct watch watch;
	struct list link;        /* [watch_lock] the group's */
	struct fan_group *group; /* [i] */
	uint32_t type;           /* [i] FAN_MARK_INODE, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM */
	uint32_t mask, ignore;   /* [watch_lock] FAN_* */
	uint32_t flags;          /* [watch_lock] FAN_MARK_IGNORED_SURV_MODIFY, EVICTABLE, IGNORE */
};

extern struct list fan_groups; /* [watch_lock] */

static inline uint32_t fan_fid_mode(const struct fan_group *g)
{
	return g->flags & FAN_FID_BITS;
}

struct fan_group *fan_group_of(const struct file *file);

/* --- fanotify_mark.c --- */

/* Takes it out and frees it. */
void fan_mark_end_locked(struct fan_mark *mark);
/* Lines for fdinfo. */
size_t fan_marks_text_locked(const struct fan_group *g, char *buf, size_t size);

/* --- fanotify_event.c --- */

/* Weigh what the group has gathered: listener.conclude. */
void fan_conclude_locked(struct listener *listener, const struct news *n);
/* Put an inquiry into the group's queue; false: that is full. */
bool fan_enqueue_locked(struct fan_group *g, struct fan_event *e);
/* Drops what the event keeps; nothing more if it is an inquiry's. */
void fan_event_free(struct fan_event *e);
/* Is its object told as "." of itself? */
bool fan_event_is_dot(const struct fan_group *g, const struct fan_event *e);
/* How long it is when read. */
size_t fan_event_size(const struct fan_group *g, const struct fan_event *e);

/* --- fanotify_read.c --- */

ssize_t fan_read(struct file *file, struct iobuf *io, off_t *pos);
uint32_t fan_poll(struct file *file, struct poll_table *table);

/* --- fanotify_perm.c --- */

/* Ask all groups that want to be asked.  -EPERM, -ERESTARTSYS. */
int fanotify_ask(struct news *n) __must_check;
/* The inquirer weighs another group that wants to be asked. */
void fan_inquire_locked(struct fan_inquiry *q, struct fan_group *g, uint32_t mask);
void fan_answer_locked(struct fan_inquiry *q, uint32_t answer);
/* The reader of the inquiry with this number got it as `fd`; or, if that is negative, not at all. */
void fan_inquiry_given(struct fan_group *g, uint64_t id, int fd);
/* write(2): answers. */
ssize_t fan_write(struct file *file, struct iobuf *io, off_t *pos);
/* The group ends: who waits may go. */
void fan_answer_all(struct fan_group *g);

/* --- watch.c --- */

/* As part of an inquiry. */
void watch_tell_all_locked(struct news *n);
