/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX message queues.  Of a descriptor that is no queue Linux says EBADF. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/deadline.h>
#include <kernel/file.h>
#include <kernel/mqueue.h>
#include <kernel/proc_calls.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

#include "user_path.h"

struct abi_mq_attr {
	int64_t flags, maxmsg, msgsize, curmsgs, reserved[4];
};
_Static_assert(sizeof(struct abi_mq_attr) == 64, "struct mq_attr");

struct abi_sigevent {
	uint64_t value;
	int32_t signo, notify;
	uint8_t rest[48];
};
_Static_assert(sizeof(struct abi_sigevent) == 64, "struct sigevent");

/* takes: O_* in find_or_create_locked mqueue_open, else ignored */
SYSCALL(mq_open)
{
	uint32_t flags = ARG(1, uint32_t);
	struct abi_mq_attr attr;
	struct mqueue_size size;
	struct file *file;
	USER_PATH(name);
	int fd, err;

	if (args->a[3] && copy_from_user(&attr, ARG(3, uaddr_t), sizeof(attr)) < 0)
		return -EFAULT;
	err = user_path_get(&name, ARG(0, uaddr_t));
	if (err < 0)
		return err;
	if (args->a[3])
		size = (struct mqueue_size){ attr.maxmsg, attr.msgsize };
	err = mqueue_open(name.text, flags, ARG(2, uint16_t), args->a[3] ? &size : NULL, &file);
	user_path_put(&name);
	if (err < 0)
		return err;
	fd = file_install(file, true);
	if (fd < 0)
		file_put(file);
	return fd;
}

SYSCALL(mq_unlink)
{
	USER_PATH(name);
	int err = user_path_get(&name, ARG(0, uaddr_t));

	if (err < 0)
		return err;
	err = mqueue_unlink(name.text);
	user_path_put(&name);
	return err;
}

/* A queue that was opened for `access` (CAP_READ, CAP_WRITE; 0: any), by a descriptor that still grants
 * it. */
static int use_queue(int fd, uint32_t access, struct file_use *use)
{
	int err = file_use(fd, 0, use);

	if (err < 0)
		return err;
	if (!mqueue_of(use->file) || (use->file->access & access) != access) {
		err = -EBADF;
	} else if ((atomic_load(&use->cap->rights) & access) != access) {
		cap_audit(CAP_EVENT_DENIAL, use->cap, "message queue");
		err = -EPERM;
	}
	if (err < 0)
		file_done(use);
	return err;
}

/* An absolute time of the real-time clock; none: for ever. */
static int get_deadline(uaddr_t from, struct deadline *out)
{
	struct abi_timespec ts;

	*out = (struct deadline){ .ns = WAIT_FOREVER };
	if (!from)
		return 0;
	if (copy_from_user(&ts, from, sizeof(ts)) < 0)
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*out = (struct deadline){ .ns = timespec_to_ns(&ts), .real = true };
	return 0;
}

static struct mqueue_size limits_of(const struct file_use *use)
{
	struct mqueue_size size;
	int64_t waiting;

	mqueue_get_size(mqueue_of(use->file), &size, &waiting);
	return size;
}

static int send(const struct file_use *use, uaddr_t from, uint64_t size, uint32_t priority,
		const struct deadline *deadline)
{
	struct mqueue_message *m;
	int err;

	if (size > (uint64_t)limits_of(use).bytes)
		return -EMSGSIZE;
	m = mqueue_message_alloc(size, priority);
	if (!m)
		return -ENOMEM;
	err = copy_from_user(mqueue_message_text(m), from, size);
	if (err == 0)
		err = mqueue_send(use->file, m, deadline);
	if (err < 0)
		mqueue_message_free(m);
	return err;
}

SYSCALL(mq_timedsend)
{
	uint32_t priority = ARG(3, uint32_t);
	struct deadline deadline;
	struct file_use use;
	int err = get_deadline(ARG(4, uaddr_t), &deadline);

	if (err < 0)
		return err;
	if (priority >= MQUEUE_PRIORITIES)
		return -EINVAL;
	err = use_queue(ARG(0, int), CAP_WRITE, &use);
	if (err < 0)
		return err;
	err = send(&use, ARG(1, uaddr_t), ARG(2, uint64_t), priority, &deadline);
	file_done(&use);
	return err;
}

/* What cannot be delivered to the program is lost, as on Linux. */
static int64_t deliver(struct mqueue_message *m, uaddr_t to, uaddr_t priority)
{
	int64_t result = (int64_t)mqueue_message_size(m);

	if (priority && put_user_u32(priority, mqueue_message_priority(m)) < 0)
		result = -EFAULT;
	else if (copy_to_user(to, mqueue_message_text(m), (size_t)result) < 0)
		result = -EFAULT;
	mqueue_message_free(m);
	return result;
}

SYSCALL(mq_timedreceive)
{
	struct mqueue_message *m;
	struct deadline deadline;
	struct file_use use;
	int err = get_deadline(ARG(4, uaddr_t), &deadline);

	if (err < 0)
		return err;
	err = use_queue(ARG(0, int), CAP_READ, &use);
	if (err < 0)
		return err;
	if (ARG(2, uint64_t) < (uint64_t)limits_of(&use).bytes)
		err = -EMSGSIZE;
	else
		err = mqueue_receive(use.file, &m, &deadline);
	file_done(&use);
	return err < 0 ? err : deliver(m, ARG(1, uaddr_t), ARG(3, uaddr_t));
}

/* SIGEV_THREAD is the C library's, by way of a netlink socket, which there are none of. */
static int check_event(const struct abi_sigevent *event)
{
	if (event->notify == SIGEV_SIGNAL)
		return event->signo < 0 || event->signo > NSIG ? -EINVAL : 0;
	return event->notify == SIGEV_NONE ? 0 : -EINVAL;
}

/* takes: SIGEV_* in check_event, not SIGEV_THREAD (EINVAL), else EINVAL */
SYSCALL(mq_notify)
{
	struct abi_sigevent event;
	struct mqueue_notify how;
	struct file_use use;
	int err;

	if (args->a[1] && copy_from_user(&event, ARG(1, uaddr_t), sizeof(event)) < 0)
		return -EFAULT;
	if (args->a[1] && check_event(&event) < 0)
		return -EINVAL;
	err = use_queue(ARG(0, int), 0, &use);
	if (err < 0)
		return err;
	if (args->a[1])
		how = (struct mqueue_notify){ event.notify, event.signo, event.value };
	err = mqueue_set_notify(mqueue_of(use.file), args->a[1] ? &how : NULL);
	file_done(&use);
	return err;
}

static void set_nonblock(struct file *file, bool on)
{
	if (on)
		atomic_fetch_or(&file->flags, O_NONBLOCK);
	else
		atomic_fetch_and(&file->flags, ~(uint32_t)O_NONBLOCK);
}

/* takes: O_*, else EINVAL */
SYSCALL(mq_getsetattr)
{
	struct abi_mq_attr set, old = { 0 };
	struct mqueue_size size;
	struct file_use use;
	int err;

	if (args->a[1] && copy_from_user(&set, ARG(1, uaddr_t), sizeof(set)) < 0)
		return -EFAULT;
	if (args->a[1] && (set.flags & ~(int64_t)O_NONBLOCK))
		return -EINVAL;
	err = use_queue(ARG(0, int), 0, &use);
	if (err < 0)
		return err;
	mqueue_get_size(mqueue_of(use.file), &size, &old.curmsgs);
	old.maxmsg = size.count;
	old.msgsize = size.bytes;
	old.flags = atomic_load(&use.file->flags) & O_NONBLOCK;
	if (args->a[1])
		set_nonblock(use.file, set.flags & O_NONBLOCK);
	file_done(&use);
	return args->a[2] ? copy_to_user(ARG(2, uaddr_t), &old, sizeof(old)) : 0;
}
