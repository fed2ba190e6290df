/* SPDX-License-Identifier: BSD-2-Clause */
/* null, zero, full, random and urandom; and the registration of all devices of this folder. */
#include <kernel/chardev.h>

#include "chardev_priv.h"

#include <kernel/device.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#define MEM_MAJOR  1
#define MISC_MAJOR 10

static ssize_t null_read(struct file *file, struct iobuf *io, off_t *pos)
{
	(void)file;
	(void)io;
	(void)pos;
	return 0;
}

static ssize_t null_write(struct file *file, struct iobuf *io, off_t *pos)
{
	(void)file;
	(void)pos;
	return (ssize_t)io->left;
}

static off_t null_seek(struct file *file, off_t offset, int whence)
{
	(void)file;
	(void)offset;
	(void)whence;
	return 0;
}

static ssize_t zero_read(struct file *file, struct iobuf *io, off_t *pos)
{
	(void)file;
	(void)pos;
	return iobuf_zero(io, io->left);
}

/* Mapped, it is anonymous memory; both ends of a shared mapping see the same pages. */
static int zero_mmap(struct file *file, struct vm_object **object, uint64_t *offset)
{
	(void)file;
	*offset = 0;
	*object = vm_object_create_anon(UINT64_MAX & PAGE_MASK);
	return *object ? 0 : -ENOMEM;
}

static ssize_t full_write(struct file *file, struct iobuf *io, off_t *pos)
{
	(void)file;
	(void)pos;
	return io->left ? -ENOSPC : 0;
}

static ssize_t random_read(struct file *file, struct iobuf *io, off_t *pos)
{
	uint8_t buf[256];
	ssize_t total = 0;

	(void)file;
	(void)pos;
	while (io->left > 0) {
		size_t n = MIN((size_t)io->left, sizeof(buf));
		ssize_t moved;

		random_bytes(buf, n);
		moved = iobuf_write(io, buf, n);
		if (moved < 0)
			return total ? total : moved;
		total += moved;
		if ((size_t)moved < n || signal_pending())
			break;
	}
	return total;
}

/* What is written is mixed in; it counts as no entropy, so anybody may. */
static ssize_t random_write(struct file *file, struct iobuf *io, off_t *pos)
{
	uint8_t buf[256];
	ssize_t total = 0;

	(void)file;
	(void)pos;
	while (io->left > 0) {
		ssize_t n = iobuf_read(io, buf, MIN((size_t)io->left, sizeof(buf)));

		if (n <= 0)
			return total ? total : n;
		random_add(buf, (size_t)n);
		total += n;
	}
	return total;
}

static const struct file_ops null_ops = { .read = null_read, .write = null_write, .seek = null_seek };
static const struct file_ops zero_ops = {
	.read = zero_read,
	.write = null_write,
	.seek = null_seek,
	.mmap = zero_mmap,
};
static const struct file_ops full_ops = { .read = zero_read, .write = full_write, .seek = null_seek };
static const struct file_ops random_ops = { .read = random_read, .write = random_write, .seek = null_seek };

static struct char_device devices[] = {
	{ .name = "null", .mode = 0666, .ops = &null_ops },
	{ .name = "zero", .mode = 0666, .ops = &zero_ops },
	{ .name = "full", .mode = 0666, .ops = &full_ops },
	{ .name = "random", .mode = 0666, .ops = &random_ops },
	{ .name = "urandom", .mode = 0666, .ops = &random_ops },
	{ .name = "kmsg", .mode = 0644, .ops = &kmsg_ops },
	{ .name = "cpu_dma_latency", .mode = 0600, .ops = &cpu_dma_latency_ops },
	{ .name = "ports", .mode = 0644, .ops = &ports_ops },
	{ .name = "userfaultfd", .mode = 0600, .ops = &userfaultfd_device_ops },
};

/* Linux's numbers, in the order above; the last two have minor numbers that Linux gives out as they come
 * (ports is Serix's own). */
static const struct {
	uint8_t major, minor;
} numbers[ARRAY_SIZE(devices)] = {
	{ MEM_MAJOR, 3 },  { MEM_MAJOR, 5 },   { MEM_MAJOR, 7 },   { MEM_MAJOR, 8 },    { MEM_MAJOR, 9 },
	{ MEM_MAJOR, 11 }, { MISC_MAJOR, 62 }, { MISC_MAJOR, 63 }, { MISC_MAJOR, 126 },
};

void chardev_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		devices[i].dev = makedev(numbers[i].major, numbers[i].minor);
		if (char_device_register(&devices[i]) < 0)
			pr_err("chardev: /dev/%s exists already\n", devices[i].name);
	}
}
