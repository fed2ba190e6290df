/* SPDX-License-Identifier: BSD-2-Clause */
/* A counter that is a file: writing adds to it, reading takes it away or, of a semaphore, one.  One word,
 * which changes by compare-and-exchange; nothing has a lock. */
#include <kernel/eventfd.h>

#include <kernel/format.h>
#include <kernel/slab.h>
#include <serix/abi_events.h>

#include "events_priv.h"

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
	_Atomic uint64_t count; /* [a] */
	bool semaphore;         /* [i] */
	struct waitqueue waiters;
};

static struct eventfd *eventfd_of(const struct file *file)
{
	return file->private;
}

static uint64_t count_of(struct eventfd *e)
{
	return atomic_load_explicit(&e->count, memory_order_relaxed);
}

/* What a read gets; 0: nothing is there. */
static uint64_t take(struct eventfd *e)
{
	uint64_t have = atomic_load(&e->count);

	while (have && !atomic_compare_exchange_weak(&e->count, &have, e->semaphore ? have - 1 : 0))
		;
	return e->semaphore && have ? 1 : have;
}

static ssize_t eventfd_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct eventfd *e = eventfd_of(file);
	uint64_t got;

	(void)pos;
	if (io->left < sizeof(got))
		return -EINVAL;
	while ((got = take(e)) == 0) {
		if (io->nowait || (atomic_load(&file->flags) & O_NONBLOCK))
			return -EAGAIN;
		if (wait_event_interruptible(&e->waiters, count_of(e) > 0) < 0)
			return -ERESTARTSYS;
	}
	wake_up_events(&e->waiters, POLLOUT);
	return iobuf_write(io, &got, sizeof(got));
}

static bool fits(uint64_t have, uint64_t more)
{
	return more <= COUNT_MAX - have;
}

static bool add(struct eventfd *e, uint64_t more)
{
	uint64_t have = atomic_load(&e->count);

	do {
		if (!fits(have, more))
			return false;
	} while (!atomic_compare_exchange_weak(&e->count, &have, have + more));
	return true;
}

static ssize_t eventfd_write(struct file *file, struct iobuf *io, off_t *pos)
{
	struct eventfd *e = eventfd_of(file);
	uint64_t more;

	(void)pos;
	if (io->left < sizeof(more))
		return -EINVAL;
	if (iobuf_read(io, &more, sizeof(more)) != sizeof(more))
		return -EFAULT;
	if (more > COUNT_MAX)
		return -EINVAL;
	while (!add(e, more)) {
		if (io->nowait || (atomic_load(&file->flags) & O_NONBLOCK))
			return -EAGAIN;
		if (wait_event_interruptible(&e->waiters, fits(count_of(e), more)) < 0)
			return -ERESTARTSYS;
	}
	wake_up_events(&e->waiters, POLLIN);
	return sizeof(more);
}

static uint32_t eventfd_poll(struct file *file, struct poll_table *table)
{
	struct eventfd *e = eventfd_of(file);
	uint64_t count;

	if (table)
		table->add(table, &e->waiters);
	count = count_of(e);
	return (count > 0 ? POLLIN : 0) | (count < COUNT_MAX ? POLLOUT : 0);
}

static void eventfd_info(struct file *file, char *buf, size_t size)
{
	scnprintf(buf, size, "eventfd-count: %16lx\neventfd-id: %lu\n", count_of(eventfd_of(file)),
		  file->object.id);
}

static void eventfd_release(struct file *file)
{
	kfree(eventfd_of(file));
}

static const struct file_ops eventfd_ops = {
	.name = "anon_inode:[eventfd]",
	.read = eventfd_read,
	.write = eventfd_write,
	.seek = event_seek,
	.poll = eventfd_poll,
	.poll_is_plain = true,
	.info = eventfd_info,
	.release = eventfd_release,
};

bool file_is_eventfd(const struct file *file)
{
	return file->ops == &eventfd_ops;
}

void eventfd_signal(struct file *file, uint64_t more)
{
	struct eventfd *e = eventfd_of(file);
	uint64_t have = atomic_load(&e->count);

	while (!atomic_compare_exchange_weak(&e->count, &have, have + MIN(more, COUNT_MAX - have)))
		;
	wake_up_events(&e->waiters, POLLIN);
}

int eventfd_create(uint32_t count, uint32_t flags, struct file **out)
{
	struct eventfd *e;

	if (flags & ~(uint32_t)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	e = kmalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	atomic_init(&e->count, count);
	e->semaphore = flags & EFD_SEMAPHORE;
	waitqueue_init(&e->waiters);
	*out = event_file(&eventfd_ops, O_RDWR | (flags & EFD_NONBLOCK), e);
	if (*out)
		return 0;
	kfree(e);
	return -ENOMEM;
}
