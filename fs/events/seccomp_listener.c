/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that wait for somebody's answer (<kernel/seccomp_listener.h>).
 *
 * A call is a notice on its thread's stack, in the listener's list from when it asks until that thread itself
 * has taken it out again, under the lock, with its answer or without: so whoever finds one with the lock held
 * may write and wake it.  States go NEW, TAKEN, ANSWERED; a call whose copy to its reader failed is NEW
 * again.
 *
 * Legend: [i] immutable, [l] listener.lock, [a] atomic.
 */
#include <kernel/seccomp_listener.h>

#include <arch/usercopy.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#include "events_priv.h"

enum notice_state { NOTICE_NEW, NOTICE_TAKEN, NOTICE_ANSWERED };

struct notice {
	struct list link;                    /* [l] */
	uint64_t id;                         /* [i] */
	pid_t tid;                           /* [i] */
	enum notice_state state;             /* [l] written; its thread reads it anywhere */
	const struct abi_seccomp_data *data; /* [i] */
	struct abi_seccomp_response answer;  /* [l] */
	struct waitqueue answered;           /* its thread */
};

struct seccomp_listener {
	struct refcount refs;
	struct spinlock lock;
	struct list notices;      /* [l] oldest first */
	uint64_t next_id;         /* [l] */
	bool deaf;                /* [l] the file is closed */
	_Atomic bool over;        /* [a] the filter is gone */
	struct waitqueue readers; /* for notices, and polls */
};

static void listener_put(struct seccomp_listener *l)
{
	if (refcount_put(&l->refs))
		kfree(l);
}

static struct notice *first_locked(struct seccomp_listener *l, enum notice_state state)
{
	struct notice *n;

	list_for_each (n, &l->notices, link) {
		if (n->state == state)
			return n;
	}
	return NULL;
}

static struct notice *find_locked(struct seccomp_listener *l, uint64_t id)
{
	struct notice *n;

	list_for_each (n, &l->notices, link) {
		if (n->id == id)
			return n;
	}
	return NULL;
}

static void answer_locked(struct notice *n, const struct abi_seccomp_response *answer)
{
	n->answer = *answer;
	WRITE_ONCE(n->state, NOTICE_ANSWERED);
	wake_up(&n->answered);
}

/* --- who asks ------------------------------------------------------------------------------------------- */

static int enlist(struct seccomp_listener *l, struct notice *n)
{
	bool deaf;

	spin_lock(&l->lock);
	deaf = l->deaf;
	if (!deaf) {
		n->id = l->next_id++;
		list_add_tail(&l->notices, &n->link);
	}
	spin_unlock(&l->lock);
	if (deaf)
		return -ENOSYS;
	wake_up_events(&l->readers, POLLIN);
	return 0;
}

int seccomp_listener_ask(struct seccomp_listener *l, const struct abi_seccomp_data *data,
			 struct abi_seccomp_response *answer)
{
	struct notice n = { .tid = current_thread()->tid, .state = NOTICE_NEW, .data = data };
	int err;

	waitqueue_init(&n.answered);
	err = enlist(l, &n);
	if (err < 0)
		return err;
	err = wait_event_interruptible(&n.answered, READ_ONCE(n.state) == NOTICE_ANSWERED);
	spin_lock(&l->lock);
	list_del(&n.link);
	if (n.state == NOTICE_ANSWERED)
		err = 0;
	*answer = n.answer;
	spin_unlock(&l->lock);
	return err < 0 ? -ERESTARTSYS : 0;
}

void seccomp_listener_end(struct seccomp_listener *l)
{
	if (!l)
		return;
	atomic_store(&l->over, true);
	wake_up_all(&l->readers);
	listener_put(l);
}

/* --- who answers ---------------------------------------------------------------------------------------- */

static bool take(struct seccomp_listener *l, struct abi_seccomp_notification *out)
{
	struct notice *n;

	spin_lock(&l->lock);
	n = first_locked(l, NOTICE_NEW);
	if (n) {
		n->state = NOTICE_TAKEN;
		*out = (struct abi_seccomp_notification){ .id = n->id,
							  .pid = (uint32_t)n->tid,
							  .data = *n->data };
	}
	spin_unlock(&l->lock);
	return n;
}

static void give_back(struct seccomp_listener *l, uint64_t id)
{
	struct notice *n;

	spin_lock(&l->lock);
	n = find_locked(l, id);
	if (n && n->state == NOTICE_TAKEN)
		n->state = NOTICE_NEW;
	spin_unlock(&l->lock);
	wake_up_events(&l->readers, POLLIN);
}

/* Programs must clear the room for it, so that it may grow some day. */
static int check_room(uaddr_t to)
{
	uint64_t words[sizeof(struct abi_seccomp_notification) / sizeof(uint64_t)], all = 0;

	if (copy_from_user(words, to, sizeof(words)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		all |= words[i];
	return all ? -EINVAL : 0;
}

static int64_t receive(struct seccomp_listener *l, uaddr_t to)
{
	struct abi_seccomp_notification out;
	bool taken = false;
	int err = check_room(to);

	if (err < 0)
		return err;
	if (wait_event_interruptible(&l->readers, (taken = take(l, &out)) || atomic_load(&l->over)) < 0)
		return -EINTR;
	if (!taken)
		return -ENOENT;
	wake_up_events(&l->readers, POLLOUT);
	err = copy_to_user(to, &out, sizeof(out));
	if (err < 0)
		give_back(l, out.id);
	return err;
}

static int64_t send(struct seccomp_listener *l, uaddr_t from)
{
	struct abi_seccomp_response answer;
	struct notice *n;
	int err = 0;

	if (copy_from_user(&answer, from, sizeof(answer)) < 0)
		return -EFAULT;
	if (answer.flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return -EINVAL;
	if (answer.flags && (answer.error || answer.value))
		return -EINVAL;
	spin_lock(&l->lock);
	n = find_locked(l, answer.id);
	if (!n)
		err = -ENOENT;
	else if (n->state != NOTICE_TAKEN)
		err = -EINPROGRESS;
	else
		answer_locked(n, &answer);
	spin_unlock(&l->lock);
	return err;
}

/* Does the call still wait for its answer?  Then what was found out about its thread is about no other
 * one. */
static int64_t is_valid(struct seccomp_listener *l, uaddr_t from)
{
	struct notice *n;
	uint64_t id;
	bool valid;

	if (copy_from_user(&id, from, sizeof(id)) < 0)
		return -EFAULT;
	spin_lock(&l->lock);
	n = find_locked(l, id);
	valid = n && n->state == NOTICE_TAKEN;
	spin_unlock(&l->lock);
	return valid ? 0 : -ENOENT;
}

/* --- the file ------------------------------------------------------------------------------------------- */

static struct seccomp_listener *listener_of(const struct file *file)
{
	return file->private;
}

static int64_t listener_ioctl(struct file *file, uint32_t cmd, uint64_t arg)
{
	struct seccomp_listener *l = listener_of(file);

	switch (cmd) {
	case SECCOMP_IOCTL_NOTIF_RECV:
		return receive(l, arg);
	case SECCOMP_IOCTL_NOTIF_SEND:
		return send(l, arg);
	case SECCOMP_IOCTL_NOTIF_ID_VALID:
	case SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR:
		return is_valid(l, arg);
	}
	return -EINVAL;
}

static uint32_t listener_poll(struct file *file, struct poll_table *table)
{
	struct seccomp_listener *l = listener_of(file);
	uint32_t events = 0;

	if (table)
		table->add(table, &l->readers);
	spin_lock(&l->lock);
	if (first_locked(l, NOTICE_NEW))
		events |= POLLIN | POLLRDNORM;
	if (first_locked(l, NOTICE_TAKEN))
		events |= POLLOUT | POLLWRNORM;
	spin_unlock(&l->lock);
	return events | (atomic_load(&l->over) ? POLLHUP : 0);
}

/* Nobody is there to answer any more. */
static void listener_release(struct file *file)
{
	static const struct abi_seccomp_response nobody = { .error = -ENOSYS };
	struct seccomp_listener *l = listener_of(file);
	struct notice *n;

	spin_lock(&l->lock);
	l->deaf = true;
	list_for_each (n, &l->notices, link) {
		if (n->state != NOTICE_ANSWERED)
			answer_locked(n, &nobody);
	}
	spin_unlock(&l->lock);
	listener_put(l);
}

static const struct file_ops listener_ops = {
	.name = "anon_inode:seccomp notify",
	.ioctl = listener_ioctl,
	.seek = event_seek,
	.poll = listener_poll,
	.release = listener_release,
};

int seccomp_listener_create(struct seccomp_listener **out, struct file **file)
{
	struct seccomp_listener *l = kzalloc(sizeof(*l));

	if (!l)
		return -ENOMEM;
	refcount_set(&l->refs, 2);
	spin_init(&l->lock, "seccomp_listener", RANK_SECCOMP_LISTENER);
	list_init(&l->notices);
	waitqueue_init(&l->readers);
	l->next_id = random_u64();
	*file = event_file(&listener_ops, O_RDWR, l);
	if (!*file) {
		kfree(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}
