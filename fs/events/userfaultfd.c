/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * userfaultfd(2): monitors of page faults (kernel/mm/userfault.c) as files.  Reading gives faults, one
 * message each; ioctls register memory and resolve them.
 *
 * As Linux has it: before UFFDIO_API nothing else goes, and only a file that does not block can be polled.
 */
#include <kernel/userfaultfd.h>

#include <arch/usercopy.h>
#include <kernel/format.h>

#include "events_priv.h"

#define FEATURES                                                                             \
	(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_SIGBUS | \
	 UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS)
#define API_IOCTLS   (UFFDIO_BIT(UFFDIO_REGISTER) | UFFDIO_BIT(UFFDIO_UNREGISTER) | UFFDIO_BIT(UFFDIO_API))
#define RANGE_IOCTLS (UFFDIO_BIT(UFFDIO_WAKE) | UFFDIO_BIT(UFFDIO_COPY) | UFFDIO_BIT(UFFDIO_ZEROPAGE))
#define MODES        (UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR)

static struct userfault *monitor_of(const struct file *file)
{
	return file->private;
}

/* --- reading ------------------------------------------------------------------------------------------- */

/* One message.  -EAGAIN, -ERESTARTSYS. */
static int next_message(struct file *file, struct abi_uffd_msg *msg, bool nowait)
{
	struct userfault *u = monitor_of(file);

	while (!userfault_take(u, msg)) {
		if (nowait)
			return -EAGAIN;
		if (wait_event_interruptible(userfault_readers(u), userfault_has_news(u)) < 0)
			return -ERESTARTSYS;
	}
	return 0;
}

static ssize_t userfaultfd_read(struct file *file, struct iobuf *io, off_t *pos)
{
	bool nowait = (atomic_load(&file->flags) & O_NONBLOCK) || io->nowait;
	struct abi_uffd_msg msg;
	ssize_t done = 0;

	(void)pos;
	if (!userfault_is_enabled(monitor_of(file)) || io->left < sizeof(msg))
		return -EINVAL;
	while (io->left >= sizeof(msg)) {
		int err = next_message(file, &msg, nowait || done > 0);

		if (err == 0 && iobuf_write(io, &msg, sizeof(msg)) != sizeof(msg))
			err = -EFAULT;
		if (err < 0)
			return done ? done : err;
		done += (ssize_t)sizeof(msg);
	}
	return done;
}

static uint32_t userfaultfd_poll(struct file *file, struct poll_table *table)
{
	struct userfault *u = monitor_of(file);

	if (!userfault_is_enabled(u))
		return POLLERR;
	if (table)
		table->add(table, userfault_readers(u));
	if (!(atomic_load(&file->flags) & O_NONBLOCK))
		return POLLERR;
	return userfault_has_news(u) ? POLLIN : 0;
}

/* --- ioctls -------------------------------------------------------------------------------------------- */

/* What is asked for in vain is told by zeroes. */
static int64_t set_api(struct userfault *u, uaddr_t arg)
{
	struct abi_uffdio_api api;
	int err;

	if (copy_from_user(&api, arg, sizeof(api)) < 0)
		return -EFAULT;
	err = api.api == UFFD_API && !(api.features & ~FEATURES) ? 0 : -EINVAL;
	if (err == 0)
		err = userfault_enable(u, api.features);
	api = err == 0 ? (struct abi_uffdio_api){ UFFD_API, FEATURES, API_IOCTLS }
		       : (struct abi_uffdio_api){ 0 };
	return copy_to_user(arg, &api, sizeof(api)) < 0 ? -EFAULT : err;
}

static int64_t register_range(struct userfault *u, uaddr_t arg)
{
	struct abi_uffdio_register reg;
	uint64_t ioctls = RANGE_IOCTLS;
	int err;

	if (copy_from_user(&reg, arg, sizeof(reg)) < 0)
		return -EFAULT;
	if (!reg.mode || (reg.mode & ~MODES))
		return -EINVAL;
	err = userfault_register(u, reg.range.start, reg.range.len, reg.mode);
	if (err < 0)
		return err;
	if (reg.mode & UFFDIO_REGISTER_MODE_WP)
		ioctls |= UFFDIO_BIT(UFFDIO_WRITEPROTECT);
	if (reg.mode & UFFDIO_REGISTER_MODE_MINOR)
		ioctls |= UFFDIO_BIT(UFFDIO_CONTINUE);
	return put_user_u64(arg + offsetof(struct abi_uffdio_register, ioctls), ioctls);
}

static int64_t on_range(struct userfault *u, uaddr_t arg,
			int (*fn)(struct userfault *u, uint64_t start, uint64_t len))
{
	struct abi_uffdio_range range;

	return copy_from_user(&range, arg, sizeof(range)) < 0 ? -EFAULT : fn(u, range.start, range.len);
}

/* The ioctl's structure says how far it came, at `result`; not if it could not begin. */
static int64_t fill(struct userfault *u, const struct userfault_pages *pages, uaddr_t result)
{
	int64_t done = userfault_fill(u, pages);

	if (done == -EINVAL || done == -ESRCH)
		return done;
	if (put_user_u64(result, (uint64_t)done) < 0)
		return -EFAULT;
	if (done < 0)
		return done;
	return (uint64_t)done == pages->len ? 0 : -EAGAIN;
}

static int64_t copy_pages(struct userfault *u, uaddr_t arg)
{
	struct abi_uffdio_copy copy;
	uint64_t end;

	if (copy_from_user(&copy, arg, offsetof(struct abi_uffdio_copy, copy)) < 0)
		return -EFAULT;
	if ((copy.mode & ~(UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP)) ||
	    add_overflows(copy.src, copy.len, &end))
		return -EINVAL;
	return fill(u,
		    &(struct userfault_pages){
			    .how = USERFAULT_COPY,
			    .start = copy.dst,
			    .len = copy.len,
			    .src = copy.src,
			    .watch = copy.mode & UFFDIO_COPY_MODE_WP,
			    .quiet = copy.mode & UFFDIO_COPY_MODE_DONTWAKE,
		    },
		    arg + offsetof(struct abi_uffdio_copy, copy));
}

static int64_t bring_pages(struct userfault *u, uaddr_t arg, enum userfault_fill how)
{
	struct abi_uffdio_pages p;

	if (copy_from_user(&p, arg, offsetof(struct abi_uffdio_pages, done)) < 0)
		return -EFAULT;
	if (p.mode & ~UFFDIO_COPY_MODE_DONTWAKE)
		return -EINVAL;
	return fill(u,
		    &(struct userfault_pages){
			    .how = how,
			    .start = p.range.start,
			    .len = p.range.len,
			    .quiet = p.mode & UFFDIO_COPY_MODE_DONTWAKE,
		    },
		    arg + offsetof(struct abi_uffdio_pages, done));
}

static int64_t protect(struct userfault *u, uaddr_t arg)
{
	struct abi_uffdio_pages p;
	bool watch, quiet;

	if (copy_from_user(&p, arg, offsetof(struct abi_uffdio_pages, done)) < 0)
		return -EFAULT;
	watch = p.mode & UFFDIO_WRITEPROTECT_MODE_WP;
	quiet = p.mode & UFFDIO_WRITEPROTECT_MODE_DONTWAKE;
	if ((p.mode & ~(UFFDIO_WRITEPROTECT_MODE_WP | UFFDIO_WRITEPROTECT_MODE_DONTWAKE)) || (watch && quiet))
		return -EINVAL;
	return userfault_protect(u, p.range.start, p.range.len, watch, quiet);
}

static int64_t userfaultfd_ioctl(struct file *file, uint32_t cmd, uint64_t arg)
{
	struct userfault *u = monitor_of(file);

	if (cmd != UFFDIO_API && !userfault_is_enabled(u))
		return -EINVAL;
	switch (cmd) {
	case UFFDIO_API:
		return set_api(u, arg);
	case UFFDIO_REGISTER:
		return register_range(u, arg);
	case UFFDIO_UNREGISTER:
		return on_range(u, arg, userfault_unregister);
	case UFFDIO_WAKE:
		return on_range(u, arg, userfault_wake);
	case UFFDIO_COPY:
		return copy_pages(u, arg);
	case UFFDIO_ZEROPAGE:
		return bring_pages(u, arg, USERFAULT_ZERO);
	case UFFDIO_CONTINUE:
		return bring_pages(u, arg, USERFAULT_CONTINUE);
	case UFFDIO_WRITEPROTECT:
		return protect(u, arg);
	}
	return -EINVAL;
}

/* --- as a file ----------------------------------------------------------------------------------------- */

static void userfaultfd_info(struct file *file, char *buf, size_t size)
{
	const uint64_t all = RANGE_IOCTLS | UFFDIO_BIT(UFFDIO_WRITEPROTECT) | UFFDIO_BIT(UFFDIO_CONTINUE);
	struct userfault_counts counts;

	userfault_count(monitor_of(file), &counts);
	scnprintf(buf, size, "pending:\t%lu\ntotal:\t%lu\nAPI:\t%llx:%lx:%llx\n", counts.pending,
		  counts.total, UFFD_API, counts.features, API_IOCTLS | all);
}

static void userfaultfd_release(struct file *file)
{
	userfault_close(monitor_of(file));
}

static const struct file_ops userfaultfd_ops = {
	.name = "anon_inode:[userfaultfd]",
	.read = userfaultfd_read,
	.seek = event_seek,
	.ioctl = userfaultfd_ioctl,
	.poll = userfaultfd_poll,
	.poll_is_plain = true,
	.info = userfaultfd_info,
	.release = userfaultfd_release,
};

int userfaultfd_create(uint32_t flags, struct file **out)
{
	struct userfault *u;

	if (flags & ~(UFFD_USER_MODE_ONLY | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	u = userfault_create(flags & UFFD_USER_MODE_ONLY);
	if (!u)
		return -ENOMEM;
	*out = event_file(&userfaultfd_ops, O_RDONLY | (flags & O_NONBLOCK), u);
	if (*out)
		return 0;
	userfault_close(u);
	return -ENOMEM;
}
