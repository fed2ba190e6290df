/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/cpu_dma_latency: as long as it is open, CPUs wait in no state that takes more microseconds to leave
 * than were written, as four bytes or as hexadecimal text.  Read, it tells what holds for all of them.
 */
#include "chardev_priv.h"

#include <kernel/idle.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define VALUE_SIZE sizeof(int32_t)
#define TEXT_MAX   16
/* What Linux shows when nobody asks for less: 2000 s. */
#define VALUE_ANY 2000000000

static int latency_open(struct file *file)
{
	struct idle_latency_request *request = kzalloc(sizeof(*request));

	if (!request)
		return -ENOMEM;
	idle_latency_add(request);
	file->private = request;
	return 0;
}

static void latency_release(struct file *file)
{
	idle_latency_remove(file->private);
	kfree(file->private);
}

static ssize_t latency_read(struct file *file, struct iobuf *io, off_t *pos)
{
	int32_t value = (int32_t)MIN(idle_latency_limit_us(), (uint32_t)VALUE_ANY);
	size_t from = (size_t)MIN(*pos, (off_t)VALUE_SIZE), n = MIN(VALUE_SIZE - from, (size_t)io->left);
	ssize_t done;

	(void)file;
	done = iobuf_write(io, (const char *)&value + from, n);
	if (done > 0)
		*pos += done;
	return done;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0x14" or "14", perhaps with the end of a line. */
static int parse_hex(const char *text, int32_t *out)
{
	int64_t value = 0;

	if (text[0] == '0' && (text[1] | 0x20) == 'x')
		text += 2;
	if (digit_of(*text) < 0)
		return -EINVAL;
	for (; digit_of(*text) >= 0; text++) {
		value = value * 16 + digit_of(*text);
		if (value > INT32_MAX)
			return -ERANGE;
	}
	if (strcmp(text, "") != 0 && strcmp(text, "\n") != 0)
		return -EINVAL;
	*out = (int32_t)value;
	return 0;
}

static ssize_t latency_write(struct file *file, struct iobuf *io, off_t *pos)
{
	char text[TEXT_MAX + 1] = { 0 };
	ssize_t n = io->left > TEXT_MAX ? -EINVAL : iobuf_read(io, text, (size_t)io->left);
	int32_t value;
	int err = 0;

	(void)pos;
	if (n < 0)
		return n;
	if (n == VALUE_SIZE)
		memcpy(&value, text, VALUE_SIZE);
	else
		err = parse_hex(text, &value);
	if (err < 0)
		return err;
	/* -1 takes back what was asked for; no wait ends before it began. */
	idle_latency_set(file->private, value == -1 ? IDLE_LATENCY_ANY : (uint32_t)MAX(value, 0));
	return n;
}

static off_t latency_seek(struct file *file, off_t offset, int whence)
{
	(void)file;
	return whence == 0 && offset >= 0 ? offset : -EINVAL;
}

const struct file_ops cpu_dma_latency_ops = {
	.open = latency_open,
	.read = latency_read,
	.write = latency_write,
	.seek = latency_seek,
	.release = latency_release,
};
