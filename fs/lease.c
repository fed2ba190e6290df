/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leases: who has one hears before others use the file in a way that it rules out (fcntl(2), F_SETLEASE).
 *
 * A lease belongs to an open file and ends with it.  For reading it rules out writers, for writing everybody
 * else.  Who opens or truncates the file against a lease breaks it: the holder is told once by a signal, and
 * the opener waits until the holder gave up as much as is asked, or the time for that is over; whoever looks
 * then takes it away.
 *
 * An opener counts in vnode.write_count or read_count before it looks for leases; who takes one shows it and
 * then looks at the counts.  So of two that meet at least one sees the other.
 */
#include <kernel/lease.h>

#include <kernel/async.h>
#include <kernel/device.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/time.h>

#include "proc_priv.h"

struct lease {
	struct lease *next;       /* of the same file */
	struct list all_link;     /* in all_leases */
	struct file *file;        /* [i] the holder, which keeps the vnode */
	pid_t pid;                /* [i] who took it, for people */
	bool write;               /* else it is for reading */
	int fd;                   /* for siginfo_t */
	bool to_end, to_read;     /* asked for: to give it up; to make do with reading */
	uint64_t end_ns, read_ns; /* when it is taken away then; 0: never */
};

_Atomic uint32_t leases_enabled = 1;
_Atomic uint32_t lease_break_seconds = 45;

/* Covers all of the above, and vnode.leases. */
static struct mutex lease_mutex = MUTEX_INIT(lease_mutex, "leases", RANK_FILE_LOCKS);
static struct list all_leases = LIST_INIT(all_leases);
static struct waitqueue changes_wq = WAITQUEUE_INIT(changes_wq);
static _Atomic uint64_t changes; /* leases that ended or were made less; who waits looks again */

static void changed(void)
{
	atomic_fetch_add(&changes, 1);
	wake_up_all(&changes_wq);
}

static void end_locked(struct lease *l)
{
	struct lease **link = &l->file->vnode->leases;

	while (*link != l)
		link = &(*link)->next;
	WRITE_ONCE(*link, l->next);
	list_del(&l->all_link);
	async_disown(l->file);
	kfree(l);
	changed();
}

static void make_less_locked(struct lease *l)
{
	l->write = l->to_read = false;
	changed();
}

static bool is_over(bool asked, uint64_t at, uint64_t now)
{
	return asked && at != 0 && now >= at;
}

/* Take away what was not given up in time. */
static void expire_locked(struct vnode *v)
{
	uint64_t now = time_now_ns();
	struct lease *l, *next;

	for (l = v->leases; l; l = next) {
		next = l->next;
		if (is_over(l->to_end, l->end_ns, now))
			end_locked(l);
		else if (is_over(l->to_read, l->read_ns, now))
			make_less_locked(l);
	}
}

/* --- breaking ------------------------------------------------------------------------------------------- */

static struct lease *conflict_locked(const struct vnode *v, bool write)
{
	struct lease *l = v->leases;

	while (l && !write && !l->write)
		l = l->next;
	return l;
}

static void ask_locked(struct lease *l, bool write)
{
	uint64_t seconds = atomic_load(&lease_break_seconds);
	uint64_t at = seconds ? time_now_ns() + seconds * NSEC_PER_SEC : 0;

	if (l->to_end || (!write && l->to_read))
		return;
	if (write) {
		l->to_end = true;
		l->end_ns = at;
	} else {
		l->to_read = true;
		l->read_ns = at;
	}
	async_tell_owner(l->file, l->fd, POLL_MSG);
}

/* When the one in the way is taken away. */
static uint64_t deadline_of(const struct lease *l, bool write)
{
	uint64_t at = !write && l->to_read ? l->read_ns : l->end_ns;

	return at ? at : WAIT_FOREVER;
}

int lease_break_(struct vnode *v, bool write, bool nowait)
{
	uint64_t seen, until;
	struct lease *l;

	for (;;) {
		mutex_lock(&lease_mutex);
		expire_locked(v);
		for (l = v->leases; l; l = l->next)
			if (write || l->write)
				ask_locked(l, write);
		l = conflict_locked(v, write);
		seen = atomic_load(&changes);
		until = l ? deadline_of(l, write) : 0;
		mutex_unlock(&lease_mutex);
		if (!l)
			return 0;
		if (nowait)
			return -EAGAIN;
		if (wait_event_timeout(&changes_wq, atomic_load(&changes) != seen, until, true) == -EINTR)
			return -ERESTARTSYS;
	}
}

/* --- taking --------------------------------------------------------------------------------------------- */

static struct lease *find_locked(const struct file *file)
{
	struct lease *l = file->vnode->leases;

	while (l && l->file != file)
		l = l->next;
	return l;
}

/* Is the file open in a way that the lease would rule out?  A file that is only read by who asks may be his
 * alone to write, too. */
static bool in_use(const struct file *file, bool write)
{
	const struct vnode *v = file->vnode;
	int32_t writers = atomic_load(&v->write_count);

	if (!write)
		return writers > 0;
	return writers != (file->writer ? 1 : 0) || atomic_load(&v->read_count) != (file->reader ? 1 : 0);
}

/* Others' leases go with one for reading, unless they are about to end. */
static bool others_allow_locked(const struct file *file, bool write)
{
	for (const struct lease *l = file->vnode->leases; l; l = l->next)
		if (l->file != file && (write || l->to_end))
			return false;
	return true;
}

static int add_locked(struct file *file, int fd, bool write, struct lease *fresh)
{
	struct vnode *v = file->vnode;

	if (!atomic_load(&leases_enabled))
		return -EINVAL;
	*fresh = (struct lease){
		.next = v->leases, .file = file, .pid = current_process()->pid, .write = write, .fd = fd
	};
	list_add_tail(&all_leases, &fresh->all_link);
	WRITE_ONCE(v->leases, fresh);
	atomic_thread_fence(memory_order_seq_cst);
	return 0;
}

/* Takes over `fresh`, if it is used: *used. */
static int set_locked(struct file *file, int fd, bool write, struct lease *fresh, bool *used)
{
	struct lease *l;
	int err;

	if (in_use(file, write) || !others_allow_locked(file, write))
		return -EAGAIN;
	l = find_locked(file);
	if (l) {
		l->fd = fd;
		if (write)
			l->write = true;
		else
			make_less_locked(l);
		return async_claim(file);
	}
	err = add_locked(file, fd, write, fresh);
	if (err < 0)
		return err;
	*used = true;
	err = in_use(file, write) ? -EAGAIN : async_claim(file);
	if (err < 0)
		end_locked(fresh);
	return err;
}

static int may_lease(const struct file *file)
{
	const struct vnode *v = file->vnode;

	if (v && fs_cred()->fsuid != v->uid && !cred_has_privilege(PRIV_LEASE))
		return -EACCES;
	return v && S_ISREG(v->mode) ? 0 : -EINVAL;
}

static int give_up(const struct file *file)
{
	struct lease *l;

	mutex_lock(&lease_mutex);
	l = find_locked(file);
	if (l)
		end_locked(l);
	mutex_unlock(&lease_mutex);
	return l ? 0 : -EAGAIN;
}

int lease_set(struct file *file, int fd, int type)
{
	struct lease *fresh;
	bool used = false;
	int err;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	err = may_lease(file);
	if (err < 0)
		return err;
	if (type == F_UNLCK)
		return give_up(file);
	fresh = kmalloc(sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	mutex_lock(&lease_mutex);
	expire_locked(file->vnode);
	err = set_locked(file, fd, type == F_WRLCK, fresh, &used);
	mutex_unlock(&lease_mutex);
	if (!used)
		kfree(fresh);
	return err;
}

/* What is left once everybody has what he asked for. */
static int type_of(const struct lease *l)
{
	if (l->to_end)
		return F_UNLCK;
	return l->write && !l->to_read ? F_WRLCK : F_RDLCK;
}

int lease_get(const struct file *file)
{
	const struct lease *l;
	int type = F_UNLCK;

	if (!file->vnode)
		return type;
	mutex_lock(&lease_mutex);
	expire_locked(file->vnode);
	l = find_locked(file);
	if (l)
		type = type_of(l);
	mutex_unlock(&lease_mutex);
	return type;
}

void lease_released_(const struct file *file)
{
	(void)give_up(file);
}

/* --- /proc/locks ---------------------------------------------------------------------------------------- */

static void lease_row(struct proc_text *t, unsigned number, const struct lease *l)
{
	static const char *const kinds[] = { [F_RDLCK] = "READ", [F_WRLCK] = "WRITE", [F_UNLCK] = "UNLCK" };
	const struct vnode *v = l->file->vnode;

	text_printf(t, "%u: LEASE  %s %s %d %02x:%02x:%lu 0 EOF\n", number,
		    l->to_end || l->to_read ? "BREAKING " : "ACTIVE   ", kinds[type_of(l)], l->pid,
		    dev_major(v->sb->dev), dev_minor(v->sb->dev), v->ino);
}

void leases_show(struct proc_text *t, unsigned number, bool own)
{
	const struct lease *l;

	mutex_lock(&lease_mutex);
	list_for_each (l, &all_leases, all_link)
		if (!own || l->pid == current_process()->pid)
			lease_row(t, ++number, l);
	mutex_unlock(&lease_mutex);
}
