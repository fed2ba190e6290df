/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues: mq_overview(7).
 *
 * A queue is a regular file of the one mqueue file system, which may be mounted (usually at /dev/mqueue) and
 * works without being so; its messages come out by priority, those of one priority in the order they went in.
 * A descriptor of it is a capability like any file's: receiving needs CAP_READ, sending CAP_WRITE.
 *
 * Names are ambient authority: a process that is confined to paths, or in capability mode, opens and unlinks
 * none by name; what it was handed it may use.
 *
 * Limits: those of /proc/sys/fs/mqueue, which root may pass up to MQUEUE_HARD_*, and RLIMIT_MSGQUEUE, which
 * counts what a user's queues could hold at most.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct deadline;
struct file;
struct mqueue;
struct mqueue_message;

#define MQUEUE_PRIORITIES 32768u
#define MQUEUE_HARD_COUNT 65536u
#define MQUEUE_HARD_SIZE  (16u << 20)

/* As /proc/sys/fs/mqueue has them. */
struct mqueue_limits {
	_Atomic uint32_t msg_default, msg_max, msgsize_default, msgsize_max, queues_max;
};
extern struct mqueue_limits mqueue_limits;

struct mqueue_size {
	int64_t count, bytes; /* of messages at most; of one message at most */
};

/* Whom a message in an empty queue is told to.  notify: SIGEV_NONE or SIGEV_SIGNAL. */
struct mqueue_notify {
	int notify, signo;
	uint64_t value;
};

/* flags: O_*; `size` NULL: the defaults.  The errors of mq_open(3) as the system call has them. */
int mqueue_open(const char *name, uint32_t flags, uint16_t mode, const struct mqueue_size *size,
		struct file **out) __must_check;
int mqueue_unlink(const char *name) __must_check;
/* NULL: the file is no message queue. */
struct mqueue *mqueue_of(const struct file *file);

void mqueue_get_size(const struct mqueue *q, struct mqueue_size *out, int64_t *waiting);
/* A message of `size` bytes, to be filled and sent or freed.  NULL: no memory. */
struct mqueue_message *mqueue_message_alloc(size_t size, uint32_t priority);
char *mqueue_message_text(struct mqueue_message *m);
size_t mqueue_message_size(const struct mqueue_message *m);
uint32_t mqueue_message_priority(const struct mqueue_message *m);
void mqueue_message_free(struct mqueue_message *m);
/* Wait for room until the deadline unless the file is O_NONBLOCK.  Takes over the message on success.
 * -EAGAIN, -ETIMEDOUT, -ERESTARTSYS. */
int mqueue_send(struct file *file, struct mqueue_message *m, const struct deadline *deadline) __must_check;
/* The oldest of the highest priority, which is the caller's then. */
int mqueue_receive(struct file *file, struct mqueue_message **out,
		   const struct deadline *deadline) __must_check;
/* NULL: the running process is not to be told any more.  -EBUSY: somebody else is to be. */
int mqueue_set_notify(struct mqueue *q, const struct mqueue_notify *how) __must_check;
