/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What files of procfs say.  Most texts are made in one piece when they are read from their start, so a
 * reader sees one moment however small its reads are.  Texts that have a record for each of many things are
 * made record by record as far as they are read: a process may have 65530 areas, which take smaps 40 MiB and
 * whoever wants only the first of them no time.
 */
#include "proc_priv.h"

#include <kernel/format.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vmalloc.h>

#define FIRST_SIZE 4096ul
#define MAX_SIZE   (16ul << 20)
/* Most texts are small, and pages of kernel address space are not free. */
#define SMALL_TEXT 8192ul

void text_add(struct proc_text *t, const char *bytes, size_t len)
{
	if (t->len < t->size)
		memcpy(t->buf + t->len, bytes, MIN(len, t->size - t->len));
	t->len += len;
}

void text_printf(struct proc_text *t, const char *fmt, ...)
{
	size_t room = t->len < t->size ? t->size - t->len : 0;
	va_list args;

	va_start(args, fmt);
	t->len += (size_t)vsnprintf(t->buf + MIN(t->len, t->size), room, fmt, args);
	va_end(args);
}

static void buffer_free(struct proc_text *t)
{
	if (t->size <= SMALL_TEXT)
		kfree(t->buf);
	else if (t->buf)
		vfree(t->buf);
	t->buf = NULL;
}

static int buffer_alloc(struct proc_text *t, size_t size)
{
	t->buf = size <= SMALL_TEXT ? kmalloc(size) : vmalloc(size);
	t->size = size;
	return t->buf ? 0 : -ENOMEM;
}

/* --- in one piece --- */

/* Make the text with as much room as it needs.  One byte more than its length, because the last
 * text_printf also writes a NUL. */
static int make_whole(struct proc_text *t, const struct proc_node *node)
{
	size_t size = FIRST_SIZE;

	for (;;) {
		int err = buffer_alloc(t, size);

		t->len = 0;
		if (err < 0)
			return err;
		err = node->entry->show(t, node);
		if (err == 0 && t->len < size)
			return 0;
		buffer_free(t);
		if (err < 0)
			return err;
		while (size <= t->len)
			size *= 2;
		if (size > MAX_SIZE)
			return -EFBIG;
	}
}

/* The text is as of the last read at position 0. */
static int refresh(struct proc_text *t, const struct proc_node *node, off_t pos)
{
	int err;

	if (t->buf && pos != 0)
		return 0;
	buffer_free(t);
	err = make_whole(t, node);
	if (err < 0)
		t->len = 0;
	return err;
}

/* --- by records --- */

/* 1: one more, 0: there is none, -ENOBUFS: it does not fit behind the others. */
static int add_record(struct proc_text *t, const struct proc_node *node)
{
	size_t len = t->len;
	uint64_t key = t->key;
	int got = node->entry->record(t, node);

	if (got <= 0 || t->len < t->size)
		return got;
	t->len = len;
	t->key = key;
	return -ENOBUFS;
}

/* Go on to what follows the text that is held: as many whole records as are wanted and fit, but one, however
 * long it is.  None are left: the length is 0. */
static int next_records(struct proc_text *t, const struct proc_node *node, size_t wanted)
{
	int got = t->buf ? 0 : buffer_alloc(t, FIRST_SIZE);

	if (got < 0)
		return got;
	t->start += (off_t)t->len;
	t->len = 0;
	for (;;) {
		do {
			got = add_record(t, node);
		} while (got > 0 && t->len < wanted);
		if (got != -ENOBUFS || t->len > 0)
			return got == -ENOBUFS ? 0 : MIN(got, 0);
		buffer_free(t);
		if (buffer_alloc(t, t->size * 2) < 0)
			return -ENOMEM;
	}
}

/* Hold what is at pos, if anything is there.  Reads go forwards, mostly; others begin again. */
static int seek_records(struct proc_text *t, const struct proc_node *node, off_t pos, size_t wanted)
{
	int err = 0;

	if (pos == 0 || pos < t->start)
		t->start = (off_t)(t->key = t->len = 0);
	while (err == 0 && pos >= t->start + (off_t)t->len) {
		err = next_records(t, node, pos == t->start + (off_t)t->len ? wanted : SIZE_MAX);
		if (t->len == 0)
			break;
	}
	return err;
}

/* --- reading --- */

static ssize_t copy_out(const struct proc_text *t, struct iobuf *io, off_t pos)
{
	size_t from = (size_t)(pos - t->start);

	return from < t->len ? iobuf_write(io, t->buf + from, t->len - from) : 0;
}

/* What is left of the records of the last time, and behind it those of this time: who reads pieces of one
 * size gets whole ones, who reads pages gets whole records, as from Linux. */
static ssize_t read_records(struct proc_text *t, const struct proc_node *node, struct iobuf *io, off_t pos)
{
	bool began_within = pos > t->start && pos < t->start + (off_t)t->len;
	ssize_t err = seek_records(t, node, pos, io->left);
	ssize_t n = err < 0 ? err : copy_out(t, io, pos), more;

	if (n <= 0 || !began_within || io->left == 0)
		return n;
	err = next_records(t, node, io->left);
	more = err < 0 ? err : copy_out(t, io, pos + n);
	return more < 0 ? n : n + more;
}

ssize_t proc_text_read(const struct proc_node *node, struct proc_text **text, struct iobuf *io, off_t pos)
{
	struct proc_text *t = *text;
	int err;

	if (!t)
		t = *text = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	if (node->entry->record)
		return read_records(t, node, io, pos);
	err = refresh(t, node, pos);
	return err < 0 ? err : copy_out(t, io, pos);
}

void proc_text_free(struct proc_text *t)
{
	if (!t)
		return;
	buffer_free(t);
	kfree(t);
}
