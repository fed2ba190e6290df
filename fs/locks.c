/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks.  A record lock (fcntl) belongs to a process - to its capability table, which processes may
 * share - or, taken by the F_OFD commands, to an open file, and covers a byte range; its own ranges merge and
 * split.  A flock belongs to an open file and
 * covers everything.  The two kinds do not see each other.  One mutex serves all: locks are rare and short.
 */
#include "proc_priv.h"

#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/device.h>
#include <kernel/process.h>
#include <kernel/slab.h>

#define NOBODY (-1) /* what F_GETLK tells of an open file's lock */

struct lock {
	struct list link;
	struct list all_link; /* in all_locks */
	const struct vnode *vnode;
	const void *owner; /* struct cap_table; of flock and OFD locks struct file.  Compared only */
	pid_t pid;         /* of a process's record lock; else NOBODY */
	pid_t taker;       /* the process that took it, for people */
	bool exclusive;
	bool whole;          /* flock */
	uint64_t start, end; /* inclusive end */
};

struct file_locks {
	struct list held;    /* struct lock, by start */
	struct waitqueue wq; /* woken at every release */
	uint64_t generation; /* counts releases */
};

/* Who waits for whose record lock: followed to find deadlocks. */
struct waiting {
	struct list link;
	const void *who, *for_whom;
};

static struct mutex locks_mutex = MUTEX_INIT(locks_mutex, "file locks", RANK_FILE_LOCKS);
static struct list waits = LIST_INIT(waits);         /* [locks_mutex] */
static struct list all_locks = LIST_INIT(all_locks); /* [locks_mutex] those held, of all files */

static struct file_locks *locks_of(struct vnode *v)
{
	if (!v->locks) {
		struct file_locks *l = kzalloc(sizeof(*l));

		if (!l)
			return NULL;
		list_init(&l->held);
		waitqueue_init(&l->wq);
		v->locks = l;
	}
	return v->locks;
}

static void drop(struct lock *l)
{
	list_del(&l->link);
	list_del(&l->all_link);
	kfree(l);
}

void vnode_locks_free(struct vnode *v)
{
	struct lock *l, *next;

	if (!v->locks)
		return;
	mutex_lock(&locks_mutex);
	list_for_each_safe (l, next, &v->locks->held, link)
		drop(l);
	mutex_unlock(&locks_mutex);
	kfree(v->locks);
}

static bool overlaps(const struct lock *l, uint64_t start, uint64_t end)
{
	return l->start <= end && start <= l->end;
}

/* Somebody else's lock that stands in the way of `want`, or NULL. */
static struct lock *conflict(const struct file_locks *locks, const struct lock *want)
{
	struct lock *l;

	list_for_each (l, &locks->held, link)
		if (l->whole == want->whole && l->owner != want->owner && (l->exclusive || want->exclusive) &&
		    overlaps(l, want->start, want->end))
			return l;
	return NULL;
}

static void insert_sorted(struct file_locks *locks, struct lock *new)
{
	struct list *at = locks->held.next;

	while (at != &locks->held && list_entry(at, struct lock, link)->start <= new->start)
		at = at->next;
	list_insert_between(&new->link, at->prev, at);
	list_add_tail(&all_locks, &new->all_link);
}

static void released(struct file_locks *locks)
{
	WRITE_ONCE(locks->generation, locks->generation + 1);
	wake_up_all(&locks->wq);
}

/* Take [start, end] away from the owner's locks; *spare (used when a lock is cut in two) must be there. */
static void carve(struct file_locks *locks, const void *owner, bool whole, uint64_t start, uint64_t end,
		  struct lock **spare)
{
	struct lock *l, *next;
	bool any = false;

	list_for_each_safe (l, next, &locks->held, link) {
		if (l->whole != whole || l->owner != owner || !overlaps(l, start, end))
			continue;
		any = true;
		if (l->start < start && l->end > end) {
			struct lock *tail = *spare;

			*tail = *l;
			tail->start = end + 1;
			l->end = start - 1;
			*spare = NULL;
			insert_sorted(locks, tail);
			break;
		}
		if (l->start < start) {
			l->end = start - 1;
		} else if (l->end > end) {
			l->start = end + 1;
		} else {
			drop(l);
		}
	}
	if (any)
		released(locks);
}

/* Join with the owner's neighbours of the same kind, so that the list stays as short as it can be. */
static void merge(struct file_locks *locks, struct lock *new)
{
	struct lock *l, *next;

	list_for_each_safe (l, next, &locks->held, link) {
		if (l == new || l->whole != new->whole || l->owner != new->owner ||
		    l->exclusive != new->exclusive)
			continue;
		if ((l->end != UINT64_MAX && l->end + 1 == new->start) ||
		    (new->end != UINT64_MAX &&new->end + 1 == l->start)) {
			new->start = MIN(new->start, l->start);
			new->end = MAX(new->end, l->end);
			drop(l);
		}
	}
}

/* Would waiting for `owner` close a circle? */
static bool deadlock(const void *me, const void *owner)
{
	/* Each process waits for one lock per thread; a bound keeps hostile chains short. */
	for (int steps = 0; steps < 64; steps++) {
		const struct waiting *w, *found = NULL;

		if (owner == me)
			return true;
		list_for_each (w, &waits, link) {
			if (w->who == owner) {
				found = w;
				break;
			}
		}
		if (!found)
			return false;
		owner = found->for_whom;
	}
	return false;
}

/* Sleep until a lock of this file is released; the mutex is dropped meanwhile. */
static int wait_for(struct file_locks *locks, const struct lock *want, const struct lock *blocker)
{
	struct waiting me = { .who = want->owner, .for_whom = blocker->owner };
	uint64_t generation = locks->generation;
	int err;

	if (want->pid >= 0 && deadlock(want->owner, blocker->owner))
		return -EDEADLK;
	list_add_tail(&waits, &me.link);
	mutex_unlock(&locks_mutex);
	err = wait_event_interruptible(&locks->wq, READ_ONCE(locks->generation) != generation);
	mutex_lock(&locks_mutex);
	list_del(&me.link);
	return err < 0 ? -ERESTARTSYS : 0;
}

/* Caller holds locks_mutex.  Takes over `new` and `spare` (what is not used is freed). */
static int acquire_locked(struct vnode *v, struct lock *new, struct lock *spare, bool block)
{
	struct file_locks *locks = locks_of(v);
	struct lock *blocker;
	int err = locks ? 0 : -ENOLCK;

	while (err == 0 && (blocker = conflict(locks, new)) != NULL)
		err = block ? wait_for(locks, new, blocker) : -EAGAIN;
	if (err == 0) {
		carve(locks, new->owner, new->whole, new->start, new->end, &spare);
		insert_sorted(locks, new);
		merge(locks, new);
	} else {
		kfree(new);
	}
	kfree(spare);
	return err;
}

static int set_lock(struct vnode *v, const struct lock *want, bool unlock, bool block)
{
	struct lock *new = kmalloc(sizeof(*new)), *spare = kmalloc(sizeof(*spare));
	int err = 0;

	if (!new || !spare) {
		kfree(new);
		kfree(spare);
		return -ENOLCK;
	}
	*new = *want;
	new->vnode = v;
	new->taker = current_process()->pid;
	mutex_lock(&locks_mutex);
	if (unlock) {
		if (v->locks)
			carve(v->locks, want->owner, want->whole, want->start, want->end, &spare);
		kfree(new);
		kfree(spare);
	} else {
		err = acquire_locked(v, new, spare, block);
	}
	mutex_unlock(&locks_mutex);
	return err;
}

/* --- record locks --------------------------------------------------------------------------------------- */

/* The range that a struct flock means. */
static int range_of(struct file *file, const struct abi_flock *in, struct lock *out)
{
	int64_t base = 0, start;

	if (in->whence == SEEK_CUR)
		base = READ_ONCE(file->pos);
	else if (in->whence == SEEK_END)
		base = file->vnode ? (int64_t)READ_ONCE(file->vnode->size) : 0;
	else if (in->whence != SEEK_SET)
		return -EINVAL;
	if (add_overflows(base, in->start, &start))
		return -EOVERFLOW;
	if (in->len < 0) {
		out->end = (uint64_t)start - 1;
		if (add_overflows(start, in->len, &start) || start < 0)
			return -EINVAL;
		out->start = (uint64_t)start;
		return 0;
	}
	if (start < 0)
		return -EINVAL;
	out->start = (uint64_t)start;
	out->end = INT64_MAX;
	if (in->len > 0) {
		int64_t end;

		if (add_overflows(start, in->len - 1, &end))
			return -EOVERFLOW;
		out->end = (uint64_t)end;
	}
	return 0;
}

static int get_lock(struct vnode *v, const struct lock *want, struct abi_flock *out)
{
	const struct lock *l;

	mutex_lock(&locks_mutex);
	l = v->locks ? conflict(v->locks, want) : NULL;
	if (!l) {
		out->type = F_UNLCK;
	} else {
		out->type = l->exclusive ? F_WRLCK : F_RDLCK;
		out->whence = SEEK_SET;
		out->start = (int64_t)l->start;
		out->len = l->end == INT64_MAX ? 0 : (int64_t)(l->end - l->start + 1);
		out->pid = l->pid;
	}
	mutex_unlock(&locks_mutex);
	return 0;
}

static void drop_all(struct vnode *v, const void *owner, bool whole)
{
	struct lock *unused = NULL;

	mutex_lock(&locks_mutex);
	/* The whole range: no lock is ever cut in two, so no spare is needed. */
	if (v->locks)
		carve(v->locks, owner, whole, 0, UINT64_MAX, &unused);
	mutex_unlock(&locks_mutex);
}

/* Another thread may close the descriptor before the lock is there, and its close then drops nothing: a lock
 * that outlives the descriptor would stay for ever. */
static int set_record(struct file *file, int fd, const struct lock *want, bool unlock, bool block)
{
	int err = set_lock(file->vnode, want, unlock, block);

	if (err < 0 || unlock || file_is_open_as(file, fd))
		return err;
	drop_all(file->vnode, want->owner, false);
	return -EBADF;
}

int file_lock_record(struct file *file, int fd, int cmd, struct abi_flock *lock)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK, wait = cmd == F_SETLKW || cmd == F_OFD_SETLKW;
	struct lock want = { .owner = current_process()->caps, .pid = current_process()->pid };
	int err;

	if (ofd && lock->pid != 0)
		return -EINVAL;
	if (ofd)
		want = (struct lock){ .owner = file, .pid = NOBODY };

	if (lock->type != F_RDLCK && lock->type != F_WRLCK && (lock->type != F_UNLCK || get))
		return -EINVAL;
	if (!file->vnode)
		return -EINVAL;
	err = range_of(file, lock, &want);
	if (err < 0)
		return err;
	want.exclusive = lock->type == F_WRLCK;
	if (get)
		return get_lock(file->vnode, &want, lock);
	if ((lock->type == F_RDLCK && !(file->access & CAP_READ)) ||
	    (lock->type == F_WRLCK && !(file->access & CAP_WRITE)))
		return -EBADF;
	if (ofd) /* goes with the open file, however its descriptors do */
		return set_lock(file->vnode, &want, lock->type == F_UNLCK, wait);
	return set_record(file, fd, &want, lock->type == F_UNLCK, wait);
}

int file_lock_whole(struct file *file, unsigned operation)
{
	struct lock want = { .owner = file, .pid = NOBODY, .whole = true, .start = 0, .end = INT64_MAX };
	unsigned kind = operation & ~(unsigned)LOCK_NB;

	if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
		return -EINVAL;
	if (!file->vnode)
		return -EINVAL;
	want.exclusive = kind == LOCK_EX;
	return set_lock(file->vnode, &want, kind == LOCK_UN, !(operation & LOCK_NB));
}

/* POSIX: closing any descriptor of a file drops all the process's locks on it. */
void file_locks_closed(struct file *file, const struct cap_table *table)
{
	if (file->vnode && READ_ONCE(file->vnode->locks))
		drop_all(file->vnode, table, false);
}

void file_locks_released(struct file *file)
{
	if (file->vnode && READ_ONCE(file->vnode->locks)) {
		drop_all(file->vnode, file, true);
		drop_all(file->vnode, file, false);
	}
}

/* --- /proc/locks ---------------------------------------------------------------------------------------- */

static void lock_row(struct proc_text *t, unsigned number, const struct lock *l)
{
	const char *kind = l->whole ? "FLOCK " : l->pid == NOBODY ? "OFDLCK" : "POSIX ";
	const struct vnode *v = l->vnode;

	text_printf(t, "%u: %s ADVISORY  %s %d %02x:%02x:%lu ", number, kind, l->exclusive ? "WRITE" : "READ",
		    l->whole ? l->taker : l->pid, dev_major(v->sb->dev), dev_minor(v->sb->dev), v->ino);
	if (l->end >= INT64_MAX)
		text_printf(t, "%lu EOF\n", l->start);
	else
		text_printf(t, "%lu %lu\n", l->start, l->end);
}

/* Whoever is confined sees its own. */
int proc_show_locks(struct proc_text *t, const struct proc_node *node)
{
	bool own = current_confine() != NULL;
	unsigned number = 0;
	const struct lock *l;

	(void)node;
	mutex_lock(&locks_mutex);
	list_for_each (l, &all_locks, all_link)
		if (!own || l->taker == current_process()->pid)
			lock_row(t, ++number, l);
	mutex_unlock(&locks_mutex);
	leases_show(t, number, own);
	return 0;
}
