/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues: messages, who waits for them, who is told.
 *
 * Messages stand in a tree by priority and, within one, by the order they came.  Who finds nothing to take,
 * or no room, sleeps in a list, the most urgent first.  A message that comes is handed to the first receiver,
 * and is not one that anybody is told of; the room of one that goes is filled with the first sender's.  So
 * nobody waits to receive while there is a message, nor to send while there is room.
 *
 * Locks: mqueue.lock covers a queue; `accounts_lock` which queues there are, for the limits.  Never both.
 */
#include "mqueue_priv.h"

#include <kernel/cap.h>
#include <kernel/deadline.h>
#include <kernel/format.h>
#include <kernel/pmm.h>
#include <kernel/proc_calls.h>
#include <kernel/process.h>
#include <kernel/rbtree.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/vmalloc.h>

#define RESERVE_PART    32    /* of memory stays free of messages */
#define SMALL_MESSAGE   16384 /* larger ones need no memory in one piece */
#define STATUS_SIZE     80    /* what a queue's file has as its size, as on Linux */
#define MESSAGE_ACCOUNT 48    /* what Linux counts for each message and for each priority */

struct mqueue_message {
	struct rb_node node;
	uint32_t priority;
	size_t size;
	char text[];
};

struct mqueue {
	struct mutex lock;        /* RANK_MQUEUE */
	struct mqueue_size limit; /* [i] */
	struct rb_tree messages;  /* [lock] next to be taken first */
	int64_t count;            /* [lock] written; read anywhere */
	uint64_t bytes;           /* [lock] in all messages */
	struct list receivers;    /* [lock] that wait: struct waiting */
	struct list senders;      /* [lock] likewise */
	struct waitqueue pollers;
	struct mqueue_notify notify;  /* [lock] if there is an owner */
	struct process *owner;        /* [lock] whom to tell, referenced; NULL: nobody */
	const struct cap_table *caps; /* [lock] the owner's; compared only */
	uint32_t privilege;           /* [lock] the owner's, as it asked */
	uid_t uid;                    /* [i] whose limit it counts against, */
	uint64_t charge;              /* [i] with how much */
	struct list link;             /* [accounts_lock] */
};

/* On the sleeper's stack: it takes the lock before it goes. */
struct waiting {
	struct list link;         /* [mqueue.lock] */
	int priority;             /* [i] of the task, as it was then: the lower, the more urgent */
	struct mqueue_message *m; /* [mqueue.lock] a sender's; a receiver's once it is served */
	bool served;              /* [mqueue.lock] written; off the list */
	struct waitqueue wq;      /* the sleeper alone */
};

struct mqueue_limits mqueue_limits = {
	.msg_default = 10, .msg_max = 10, .msgsize_default = 8192, .msgsize_max = 8192, .queues_max = 256
};

static struct mutex accounts_lock = MUTEX_INIT(accounts_lock, "mqueue accounts", RANK_MQUEUE);
static struct list queues = LIST_INIT(queues); /* [accounts_lock] */
static uint32_t queue_count;                   /* [accounts_lock] */

/* --- messages ------------------------------------------------------------------------------------------- */

struct mqueue_message *mqueue_message_alloc(size_t size, uint32_t priority)
{
	size_t all = sizeof(struct mqueue_message) + size;
	struct mqueue_message *m;

	if (!pmm_free_beyond(pmm_total_memory() / RESERVE_PART))
		return NULL;
	m = all <= SMALL_MESSAGE ? kmalloc(all) : vmalloc(all);
	if (!m)
		return NULL;
	m->priority = priority;
	m->size = size;
	return m;
}

void mqueue_message_free(struct mqueue_message *m)
{
	if (sizeof(*m) + m->size <= SMALL_MESSAGE)
		kfree(m);
	else
		vfree(m);
}

char *mqueue_message_text(struct mqueue_message *m)
{
	return m->text;
}

size_t mqueue_message_size(const struct mqueue_message *m)
{
	return m->size;
}

uint32_t mqueue_message_priority(const struct mqueue_message *m)
{
	return m->priority;
}

/* Behind all of its priority and of higher ones. */
static void insert_locked(struct mqueue *q, struct mqueue_message *m)
{
	struct rb_node **link = &q->messages.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = m->priority > rb_entry(parent, struct mqueue_message, node)->priority ? &parent->left
											     : &parent->right;
	}
	rb_insert(&q->messages, &m->node, parent, link);
	WRITE_ONCE(q->count, q->count + 1);
	q->bytes += m->size;
}

static struct mqueue_message *take_locked(struct mqueue *q)
{
	struct mqueue_message *m = rb_entry(rb_first(&q->messages), struct mqueue_message, node);

	rb_erase(&q->messages, &m->node);
	WRITE_ONCE(q->count, q->count - 1);
	q->bytes -= m->size;
	return m;
}

/* --- limits --------------------------------------------------------------------------------------------- */

static int check_size(const struct mqueue_size *s)
{
	bool privileged = cred_has_privilege(PRIV_SYS_RESOURCE);
	int64_t count = privileged ? MQUEUE_HARD_COUNT : atomic_load(&mqueue_limits.msg_max);
	int64_t bytes = privileged ? MQUEUE_HARD_SIZE : atomic_load(&mqueue_limits.msgsize_max);

	return s->count <= 0 || s->bytes <= 0 || s->count > count || s->bytes > bytes ? -EINVAL : 0;
}

static struct mqueue_size default_size(void)
{
	const struct mqueue_limits *l = &mqueue_limits;
	struct mqueue_size size = { atomic_load(&l->msg_default), atomic_load(&l->msgsize_default) };

	size.count = MIN(size.count, atomic_load(&l->msg_max));
	size.bytes = MIN(size.bytes, atomic_load(&l->msgsize_max));
	return size;
}

/* What a full queue takes at most, as Linux counts it. */
static uint64_t charge_of(const struct mqueue_size *s)
{
	uint64_t count = (uint64_t)s->count;

	return count * (uint64_t)s->bytes + count * MESSAGE_ACCOUNT +
	       MIN(count, (uint64_t)MQUEUE_PRIORITIES) * MESSAGE_ACCOUNT;
}

static int charge_locked(struct mqueue *q)
{
	uint64_t sum = q->charge;
	const struct mqueue *other;

	if (queue_count >= atomic_load(&mqueue_limits.queues_max) && !cred_has_privilege(PRIV_SYS_RESOURCE))
		return -ENOSPC;
	list_for_each (other, &queues, link)
		if (other->uid == q->uid)
			sum += other->charge;
	if (sum > current_rlimit(RLIMIT_MSGQUEUE))
		return -EMFILE;
	list_add_tail(&queues, &q->link);
	queue_count++;
	return 0;
}

static int charge(struct mqueue *q)
{
	int err;

	mutex_lock(&accounts_lock);
	err = charge_locked(q);
	mutex_unlock(&accounts_lock);
	return err;
}

int mqueue_attach(struct vnode *v, const struct mqueue_size *size)
{
	struct mqueue *q;
	int err;

	if (size && check_size(size) < 0)
		return -EINVAL;
	q = kzalloc(sizeof(*q));
	if (!q)
		return -ENOMEM;
	mutex_init(&q->lock, "mqueue", RANK_MQUEUE);
	list_init(&q->receivers);
	list_init(&q->senders);
	waitqueue_init(&q->pollers);
	q->limit = size ? *size : default_size();
	q->uid = fs_cred()->uid;
	q->charge = charge_of(&q->limit);
	err = charge(q);
	if (err < 0) {
		kfree(q);
		return err;
	}
	v->private = q;
	v->size = STATUS_SIZE;
	v->file_ops = &mqueue_file_ops;
	return 0;
}

void mqueue_detach(struct vnode *v)
{
	struct mqueue *q = v->private;

	if (!q)
		return;
	mutex_lock(&accounts_lock);
	list_del(&q->link);
	queue_count--;
	mutex_unlock(&accounts_lock);
	while (q->count > 0)
		mqueue_message_free(take_locked(q));
	if (q->owner)
		process_put(q->owner);
	kfree(q);
}

/* --- being told ----------------------------------------------------------------------------------------- */

/* The owner is so no longer: for the caller to put. */
static struct process *take_owner_locked(struct mqueue *q)
{
	struct process *owner = q->owner;

	q->owner = NULL;
	q->caps = NULL;
	return owner;
}

/* A message came into an empty queue for which nobody waits.  Returns the owner that was. */
static struct process *tell_locked(struct mqueue *q)
{
	const struct process *self = current_process();
	struct abi_siginfo info = { .signo = q->notify.signo, .code = SI_MESGQ };
	struct process *owner = take_owner_locked(q);

	info.pid = self->pid;
	info.uid = self->cred.uid;
	info.value = q->notify.value;
	if (owner && q->notify.notify == SIGEV_SIGNAL && q->notify.signo &&
	    q->privilege == READ_ONCE(owner->privilege))
		(void)signal_process(owner, q->notify.signo, &info);
	return owner;
}

int mqueue_set_notify(struct mqueue *q, const struct mqueue_notify *how)
{
	struct process *self = current_process(), *left = NULL;
	int err = 0;

	mutex_lock(&q->lock);
	if (!how) {
		if (q->owner == self)
			left = take_owner_locked(q);
	} else if (q->owner) {
		err = -EBUSY;
	} else {
		process_get(self);
		q->owner = self;
		q->caps = self->caps;
		q->privilege = self->privilege;
		q->notify = *how;
	}
	mutex_unlock(&q->lock);
	if (left)
		process_put(left);
	return err;
}

/* Whoever closes any descriptor of the queue is not told any more. */
static void mqueue_closed(struct file *file, const struct cap_table *table)
{
	struct mqueue *q = mqueue_of(file);
	struct process *left = NULL;

	if (READ_ONCE(q->caps) != table)
		return;
	mutex_lock(&q->lock);
	if (q->caps == table)
		left = take_owner_locked(q);
	mutex_unlock(&q->lock);
	if (left)
		process_put(left);
}

/* --- sending and receiving ------------------------------------------------------------------------------ */

static bool has_room(const struct mqueue *q)
{
	return READ_ONCE(q->count) < q->limit.count;
}

static bool has_message(const struct mqueue *q)
{
	return READ_ONCE(q->count) > 0;
}

static bool must_not_wait(const struct file *file)
{
	return atomic_load(&file->flags) & O_NONBLOCK;
}

/* Behind those that are as urgent. */
static void enqueue_locked(struct list *list, struct waiting *w)
{
	struct waiting *other;

	list_for_each (other, list, link)
		if (w->priority < other->priority)
			break;
	list_add_tail(&other->link, &w->link);
}

/* Until it is served: 0, -ETIMEDOUT, -ERESTARTSYS.  The lock is let go and held again. */
static int wait_locked(struct mqueue *q, struct list *list, struct waiting *w,
		       const struct deadline *deadline)
{
	struct sched_policy policy;
	int err;

	sched_get_policy(current_task(), &policy);
	w->priority = policy_priority(&policy);
	waitqueue_init(&w->wq);
	enqueue_locked(list, w);
	mutex_unlock(&q->lock);
	err = wait_event_deadline(&w->wq, READ_ONCE(w->served), deadline);
	mutex_lock(&q->lock);
	if (w->served)
		return 0;
	list_del(&w->link);
	return err == -EINTR ? -ERESTARTSYS : err;
}

/* The first, which may be gone as soon as the lock is.  NULL: nobody waits. */
static struct waiting *serve_locked(struct list *list, struct mqueue_message *m)
{
	struct waiting *w;

	if (list_empty(list))
		return NULL;
	w = list_first(list, struct waiting, link);
	list_del(&w->link);
	if (m)
		w->m = m;
	WRITE_ONCE(w->served, true);
	wake_up(&w->wq);
	return w;
}

static int send_locked(struct mqueue *q, struct mqueue_message *m, bool may_wait,
		       const struct deadline *deadline, struct process **told)
{
	struct waiting w = { .m = m };

	if (!has_room(q))
		return may_wait ? wait_locked(q, &q->senders, &w, deadline) : -EAGAIN;
	if (serve_locked(&q->receivers, m))
		return 0;
	insert_locked(q, m);
	if (q->count == 1)
		*told = tell_locked(q);
	wake_up_events(&q->pollers, POLLIN | POLLRDNORM);
	return 0;
}

int mqueue_send(struct file *file, struct mqueue_message *m, const struct deadline *deadline)
{
	struct mqueue *q = mqueue_of(file);
	struct process *told = NULL;
	int err;

	mutex_lock(&q->lock);
	err = send_locked(q, m, !must_not_wait(file), deadline, &told);
	mutex_unlock(&q->lock);
	if (told)
		process_put(told);
	return err;
}

static int receive_locked(struct mqueue *q, struct mqueue_message **out, bool may_wait,
			  const struct deadline *deadline)
{
	struct waiting w = { 0 };
	struct waiting *sender;
	int err;

	if (has_message(q)) {
		*out = take_locked(q);
		sender = serve_locked(&q->senders, NULL);
		if (sender)
			insert_locked(q, sender->m);
		else
			wake_up_events(&q->pollers, POLLOUT | POLLWRNORM);
		return 0;
	}
	err = may_wait ? wait_locked(q, &q->receivers, &w, deadline) : -EAGAIN;
	if (err == 0)
		*out = w.m;
	return err;
}

int mqueue_receive(struct file *file, struct mqueue_message **out, const struct deadline *deadline)
{
	struct mqueue *q = mqueue_of(file);
	int err;

	mutex_lock(&q->lock);
	err = receive_locked(q, out, !must_not_wait(file), deadline);
	mutex_unlock(&q->lock);
	return err;
}

/* --- as a file ------------------------------------------------------------------------------------------ */

struct mqueue *mqueue_of(const struct file *file)
{
	return file->ops == &mqueue_file_ops ? file->vnode->private : NULL;
}

void mqueue_get_size(const struct mqueue *q, struct mqueue_size *out, int64_t *waiting)
{
	*out = q->limit;
	*waiting = READ_ONCE(q->count);
}

/* What is in it, and who is to be told how. */
static ssize_t mqueue_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct mqueue *q = mqueue_of(file);
	bool signal;
	char text[128];
	ssize_t n = 0;
	size_t len;

	mutex_lock(&q->lock);
	signal = q->owner && q->notify.notify == SIGEV_SIGNAL;
	len = (size_t)scnprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
				q->bytes, q->owner ? q->notify.notify : 0, signal ? q->notify.signo : 0,
				q->owner ? q->owner->pid : 0);
	mutex_unlock(&q->lock);
	if ((uint64_t)*pos < len)
		n = iobuf_write(io, text + *pos, len - (size_t)*pos);
	if (n > 0)
		*pos += n;
	return n;
}

static uint32_t mqueue_poll(struct file *file, struct poll_table *table)
{
	struct mqueue *q = mqueue_of(file);

	if (table)
		table->add(table, &q->pollers);
	return (has_message(q) ? POLLIN | POLLRDNORM : 0) | (has_room(q) ? POLLOUT | POLLWRNORM : 0);
}

const struct file_ops mqueue_file_ops = {
	.read = mqueue_read,
	.seek = vnode_seek,
	.poll = mqueue_poll,
	.poll_is_plain = true,
	.closed = mqueue_closed,
};
