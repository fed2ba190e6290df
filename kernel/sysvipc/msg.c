/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues.  Who finds no message, or no room, sleeps until the queue has changed and looks
 * again: `changes` counts that, so that nothing that happens between the look and the sleep is missed.  A
 * sleeper has a reference on the queue, which may be removed meanwhile.
 */
#include <arch/usercopy.h>
#include <kernel/assert.h>
#include <kernel/process.h>
#include <kernel/refcount.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "ids.h"

struct message {
	struct list link;
	int64_t type;
	uint64_t size;
	char text[];
};

struct queue {
	struct ids_object ids;
	struct refcount refs; /* the table's, and of who sleeps */
	bool removed;         /* [lock] written; read anywhere */
	uint32_t changes;     /* [lock] written; read anywhere */
	struct waitqueue changed;
	struct list messages;         /* [lock] oldest first */
	uint64_t bytes, count, limit; /* [lock] */
	int64_t stime, rtime, ctime;  /* [lock] */
	pid_t lspid, lrpid;           /* [lock] */
};

static struct ids_table queues = IDS_TABLE(queues, "msg", &sysvipc_limits.msgmni);
static uint64_t all_messages, all_bytes; /* [queues.lock] */

static struct queue *queue_of(struct ids_object *obj)
{
	return container_of(obj, struct queue, ids);
}

static void queue_put(struct queue *q)
{
	if (refcount_put(&q->refs))
		kfree(q);
}

static void change_locked(struct queue *q)
{
	WRITE_ONCE(q->changes, q->changes + 1);
	wake_up_all(&q->changed);
}

/* --- msgget --------------------------------------------------------------------------------------------- */

static int64_t make_locked(int32_t key, uint32_t flags)
{
	struct queue *q = kzalloc(sizeof(*q));
	int id;

	if (!q)
		return -ENOMEM;
	refcount_set(&q->refs, 1);
	waitqueue_init(&q->changed);
	list_init(&q->messages);
	q->limit = atomic_load(&sysvipc_limits.msgmnb);
	q->ctime = ids_now();
	id = ids_add_locked(&queues, &q->ids, key, flags);
	if (id < 0)
		queue_put(q);
	return id;
}

int64_t msg_get(int32_t key, uint32_t flags)
{
	struct ids_object *obj;
	int64_t id;

	mutex_lock(&queues.lock);
	id = ids_find_key_locked(&queues, key, flags, &obj);
	if (id == 0 && !obj)
		id = make_locked(key, flags);
	else if (id == 0)
		id = ids_check_get_locked(obj, flags) < 0 ? -EACCES : obj->id;
	mutex_unlock(&queues.lock);
	return id;
}

/* --- sleeping ------------------------------------------------------------------------------------------- */

/* Until the queue has changed since the caller looked at it.  The lock is let go and held again; -EIDRM,
 * -ERESTARTNOHAND. */
static int sleep_locked(struct queue *q)
{
	uint32_t seen = q->changes;
	int err;

	refcount_get(&q->refs);
	mutex_unlock(&queues.lock);
	err = wait_event_interruptible(&q->changed, READ_ONCE(q->changes) != seen);
	mutex_lock(&queues.lock);
	if (q->removed)
		err = -EIDRM;
	queue_put(q);
	return err == -EINTR ? -ERESTARTNOHAND : err;
}

/* --- msgsnd --------------------------------------------------------------------------------------------- */

static int message_from_user(uaddr_t from, uint64_t size, struct message **out)
{
	struct message *m;
	int err;

	if (size > atomic_load(&sysvipc_limits.msgmax))
		return -EINVAL;
	m = ids_memory_left() ? kmalloc(sizeof(*m) + size) : NULL;
	if (!m)
		return -ENOMEM;
	m->size = size;
	err = get_user_u64(from, (uint64_t *)&m->type);
	if (err == 0 && m->type < 1)
		err = -EINVAL;
	if (err == 0)
		err = copy_from_user(m->text, from + sizeof(int64_t), size);
	if (err < 0)
		kfree(m);
	else
		*out = m;
	return err;
}

/* Messages of no bytes count as well, or there could be any number of them. */
static bool has_room(const struct queue *q, const struct message *m)
{
	return q->bytes + m->size <= q->limit && q->count + 1 <= q->limit;
}

static int send_locked(struct queue *q, struct message *m, uint32_t flags)
{
	int err;

	for (;;) {
		err = ids_permit(&q->ids, IDS_WRITE);
		if (err < 0 || has_room(q, m))
			break;
		if (flags & IPC_NOWAIT)
			return -EAGAIN;
		err = sleep_locked(q);
		if (err < 0)
			return err;
	}
	if (err < 0)
		return err;
	list_add_tail(&q->messages, &m->link);
	q->bytes += m->size;
	q->count++;
	all_bytes += m->size;
	all_messages++;
	q->lspid = current_process()->pid;
	q->stime = ids_now();
	change_locked(q);
	return 0;
}

int64_t msg_send(int id, uaddr_t from, uint64_t size, uint32_t flags)
{
	struct ids_object *obj;
	struct message *m;
	int err;

	if (id < 0)
		return -EINVAL;
	err = message_from_user(from, size, &m);
	if (err < 0)
		return err;
	mutex_lock(&queues.lock);
	err = ids_lookup_locked(&queues, id, &obj);
	if (err == 0)
		err = send_locked(queue_of(obj), m, flags);
	mutex_unlock(&queues.lock);
	if (err < 0)
		kfree(m);
	return err;
}

/* --- msgrcv --------------------------------------------------------------------------------------------- */

struct wish {
	int64_t type; /* as msgrcv(2) has it */
	uint64_t size;
	uint32_t flags;
};

static bool suits(const struct message *m, const struct wish *wish)
{
	if (wish->type == 0)
		return true;
	if (wish->type < 0)
		return m->type <= -wish->type;
	return (m->type == wish->type) != !!(wish->flags & MSG_EXCEPT);
}

/* The message that is meant: the first that suits, or of the lowest type that does.  NULL: none. */
static struct message *find_locked(const struct queue *q, const struct wish *wish)
{
	struct message *m, *found = NULL;
	int64_t index = 0;

	list_for_each (m, &q->messages, link) {
		if (wish->flags & MSG_COPY) {
			if (index++ == wish->type)
				return m;
		} else if (suits(m, wish)) {
			if (wish->type >= 0)
				return m;
			if (!found || m->type < found->type)
				found = m;
		}
	}
	return found;
}

static void take_out_locked(struct queue *q, struct message *m)
{
	list_del(&m->link);
	q->bytes -= m->size;
	q->count--;
	all_bytes -= m->size;
	all_messages--;
}

/* A copy of it, since user memory is not touched under the lock. */
static int copy_message(const struct message *m, struct message **out)
{
	struct message *copy = kmalloc(sizeof(*m) + m->size);

	if (!copy)
		return -ENOMEM;
	copy->type = m->type;
	copy->size = m->size;
	memcpy(copy->text, m->text, m->size);
	*out = copy;
	return 0;
}

/* The caller owns *out then. */
static int receive_locked(struct queue *q, const struct wish *wish, struct message **out)
{
	struct message *m;
	int err;

	for (;;) {
		err = ids_permit(&q->ids, IDS_READ);
		if (err < 0)
			return err;
		m = find_locked(q, wish);
		if (m)
			break;
		err = wish->flags & IPC_NOWAIT ? -ENOMSG : sleep_locked(q);
		if (err < 0)
			return err;
	}
	if (m->size > wish->size && !(wish->flags & MSG_NOERROR))
		return -E2BIG;
	if (wish->flags & MSG_COPY)
		return copy_message(m, out);
	take_out_locked(q, m);
	q->lrpid = current_process()->pid;
	q->rtime = ids_now();
	change_locked(q);
	*out = m;
	return 0;
}

static int64_t message_to_user(uaddr_t to, const struct message *m, uint64_t size)
{
	size = MIN(size, m->size);
	if (put_user_u64(to, (uint64_t)m->type) < 0 || copy_to_user(to + sizeof(int64_t), m->text, size) < 0)
		return -EFAULT;
	return (int64_t)size;
}

int64_t msg_receive(int id, uaddr_t to, uint64_t size, int64_t type, uint32_t flags)
{
	int64_t least = MAX(type, -INT64_MAX);
	struct wish wish = { .type = least, .size = size, .flags = flags };
	struct message *m = NULL;
	struct ids_object *obj;
	int64_t result;

	if (id < 0 || (int64_t)size < 0)
		return -EINVAL;
	if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	mutex_lock(&queues.lock);
	result = ids_lookup_locked(&queues, id, &obj);
	if (result == 0)
		result = receive_locked(queue_of(obj), &wish, &m);
	mutex_unlock(&queues.lock);
	if (result < 0)
		return result;
	ASSERT(m);
	result = message_to_user(to, m, size);
	kfree(m);
	return result;
}

/* --- msgctl --------------------------------------------------------------------------------------------- */

static void describe_locked(const struct queue *q, struct abi_msqid_ds *out)
{
	*out = (struct abi_msqid_ds){ .stime = q->stime,
				      .rtime = q->rtime,
				      .ctime = q->ctime,
				      .bytes = q->bytes,
				      .count = q->count,
				      .limit = q->limit,
				      .lspid = q->lspid,
				      .lrpid = q->lrpid };
	ids_describe(&q->ids, &out->perm);
}

static int64_t show_limits(int cmd, uaddr_t buf)
{
	int32_t bytes = (int32_t)atomic_load(&sysvipc_limits.msgmnb);
	int32_t ids = (int32_t)atomic_load(&sysvipc_limits.msgmni);
	/* The names are of systems long ago; the numbers Linux's. */
	struct abi_msginfo info = { .msgpool = (int32_t)((int64_t)ids * bytes / 1024),
				    .msgmap = bytes,
				    .msgmax = (int32_t)atomic_load(&sysvipc_limits.msgmax),
				    .msgmnb = bytes,
				    .msgmni = ids,
				    .msgssz = 16,
				    .msgtql = bytes,
				    .msgseg = UINT16_MAX };
	int64_t last;

	mutex_lock(&queues.lock);
	last = ids_last_locked(&queues);
	if (cmd == MSG_INFO) {
		info.msgpool = (int32_t)queues.used;
		info.msgmap = (int32_t)all_messages;
		info.msgtql = (int32_t)all_bytes;
	}
	mutex_unlock(&queues.lock);
	return copy_to_user(buf, &info, sizeof(info)) < 0 ? -EFAULT : last;
}

static int64_t show_queue(int id, int cmd, uaddr_t buf)
{
	struct abi_msqid_ds ds;
	struct ids_object *obj;
	int64_t result;

	mutex_lock(&queues.lock);
	result = cmd == IPC_STAT ? ids_lookup_locked(&queues, id, &obj) : ids_at_locked(&queues, id, &obj);
	if (result == 0 && cmd != MSG_STAT_ANY)
		result = ids_permit(obj, IDS_READ);
	if (result == 0) {
		describe_locked(queue_of(obj), &ds);
		result = cmd == IPC_STAT ? 0 : obj->id;
	}
	mutex_unlock(&queues.lock);
	if (result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) < 0)
		return -EFAULT;
	return result;
}

/* Only the superuser may let a queue hold more than others. */
static int set_locked(struct queue *q, const struct abi_msqid_ds *ds)
{
	int err;

	if (ds->limit > atomic_load(&sysvipc_limits.msgmnb) && !cred_has_privilege(PRIV_SYS_RESOURCE))
		return -EPERM;
	err = ids_set(&q->ids, &ds->perm);
	if (err < 0)
		return err;
	q->limit = ds->limit;
	q->ctime = ids_now();
	change_locked(q); /* there may be room now, or rights may be gone */
	return 0;
}

static void remove_locked(struct queue *q)
{
	while (!list_empty(&q->messages)) {
		struct message *m = list_first(&q->messages, struct message, link);

		take_out_locked(q, m);
		kfree(m);
	}
	ids_remove_locked(&queues, &q->ids);
	WRITE_ONCE(q->removed, true);
	change_locked(q);
	queue_put(q);
}

static int64_t change_queue(int id, int cmd, uaddr_t buf)
{
	struct abi_msqid_ds ds;
	struct ids_object *obj;
	int err;

	if (cmd == IPC_SET && copy_from_user(&ds, buf, sizeof(ds)) < 0)
		return -EFAULT;
	mutex_lock(&queues.lock);
	err = ids_lookup_locked(&queues, id, &obj);
	if (err == 0)
		err = ids_own(obj);
	if (err == 0 && cmd == IPC_RMID)
		remove_locked(queue_of(obj));
	else if (err == 0)
		err = set_locked(queue_of(obj), &ds);
	mutex_unlock(&queues.lock);
	return err;
}

int64_t msg_control(int id, int cmd, uaddr_t buf)
{
	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return show_limits(cmd, buf);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return show_queue(id, cmd, buf);
	case IPC_SET:
	case IPC_RMID:
		return change_queue(id, cmd, buf);
	}
	return -EINVAL;
}

bool msg_next(unsigned *index, int *id, struct abi_msqid_ds *out)
{
	struct ids_object *obj;

	mutex_lock(&queues.lock);
	obj = ids_next_locked(&queues, index);
	if (obj) {
		*id = obj->id;
		describe_locked(queue_of(obj), out);
	}
	mutex_unlock(&queues.lock);
	return obj != NULL;
}
