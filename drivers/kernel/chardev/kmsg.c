/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/kmsg: one record per read, one record per write. */
#include "chardev_priv.h"
#include "kmsg_format.h"

#include <kernel/assert.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/wait.h>
#include <serix/errno.h>

#define TEXT_MAX  1024
#define LINE_MAX  (64 + 4 * TEXT_MAX)
#define SEEK_DATA 3

struct kmsg_reader {
	struct mutex lock;
	uint64_t next;       /* [lock] sequence number to read */
	char text[TEXT_MAX]; /* [lock] */
	char line[LINE_MAX]; /* [lock] */
};

static int kmsg_open(struct file *file)
{
	struct kmsg_reader *r = kzalloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock, "kmsg", RANK_TTY); /* follows file.pos_lock */
	r->next = log_first_seq();
	file->private = r;
	return 0;
}

static void kmsg_release(struct file *file)
{
	kfree(file->private);
}

/* One record: its line's length, -EAGAIN, -EPIPE (overwritten before it was read), -EINVAL (no room). */
static ssize_t read_record_locked(struct kmsg_reader *r, struct iobuf *io)
{
	struct log_record rec;
	uint64_t seq = r->next;
	size_t len;

	DEBUG_ASSERT(mutex_held(&r->lock));
	if (log_read(&seq, &rec, r->text, sizeof(r->text)) < 0)
		return -EAGAIN;
	if (rec.seq != r->next) {
		r->next = rec.seq;
		return -EPIPE;
	}
	len = kmsg_format(&rec, r->line, sizeof(r->line));
	if (len > io->left)
		return -EINVAL;
	r->next = seq;
	return iobuf_write(io, r->line, len);
}

static ssize_t kmsg_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct kmsg_reader *r = file->private;
	ssize_t n;

	(void)pos;
	for (;;) {
		mutex_lock(&r->lock);
		n = read_record_locked(r, io);
		mutex_unlock(&r->lock);
		if (n != -EAGAIN || (file->flags & O_NONBLOCK))
			return n;
		if (wait_event_interruptible(log_waitqueue(), READ_ONCE(r->next) < log_next_seq()) < 0)
			return -ERESTARTSYS;
	}
}

/* Longer lines are cut; what was cut counts as written. */
static ssize_t kmsg_write(struct file *file, struct iobuf *io, off_t *pos)
{
	char line[256];
	size_t total = io->left, len;
	enum log_level level;
	const char *text;
	ssize_t n;

	(void)file;
	(void)pos;
	n = iobuf_read(io, line, MIN(total, sizeof(line)));
	if (n < 0)
		return n;
	len = (size_t)n;
	text = kmsg_parse(line, &len, &level);
	printk(level, "%.*s", (int)len, text);
	return (ssize_t)total;
}

/* SEEK_SET 0: the oldest record.  SEEK_END 0: behind the newest.  SEEK_DATA 0: as SEEK_SET, because the
 * log is never cleared. */
static off_t kmsg_seek(struct file *file, off_t offset, int whence)
{
	struct kmsg_reader *r = file->private;

	if (offset != 0)
		return -ESPIPE;
	if (whence != SEEK_SET && whence != SEEK_END && whence != SEEK_DATA)
		return -EINVAL;
	mutex_lock(&r->lock);
	r->next = whence == SEEK_END ? log_next_seq() : log_first_seq();
	mutex_unlock(&r->lock);
	return 0;
}

static uint32_t kmsg_poll(struct file *file, struct poll_table *table)
{
	struct kmsg_reader *r = file->private;
	uint64_t next = READ_ONCE(r->next);
	uint32_t events = POLLOUT | POLLWRNORM;

	if (table)
		table->add(table, log_waitqueue());
	if (next < log_next_seq())
		events |= POLLIN | POLLRDNORM | (next < log_first_seq() ? POLLERR | POLLPRI : 0);
	return events;
}

const struct file_ops kmsg_ops = {
	.open = kmsg_open,
	.read = kmsg_read,
	.write = kmsg_write,
	.seek = kmsg_seek,
	.poll = kmsg_poll,
	.release = kmsg_release,
};
