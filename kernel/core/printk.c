/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log.  Records lie in a byte ring as a header followed by the text; the oldest are
 * overwritten.  log_lock covers the ring, console_lock the list of sinks and their output.  The consoles
 * are fed by whoever holds console_lock, from the ring: a printk that finds it taken leaves its record
 * to the holder.
 */
#include <kernel/printk.h>

#include <stdatomic.h>

#include <kernel/assert.h>
#include <kernel/format.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <serix/errno.h>

#define RING_SIZE  (128u * 1024)
#define RECORD_MAX 1024u

struct record {
	uint64_t seq;
	uint64_t time_ns;
	uint16_t len;   /* of the text */
	uint16_t space; /* of the whole record, a multiple of 8 */
	uint8_t level;
};

static struct spinlock log_lock = SPINLOCK_INIT("log", RANK_LOG);
static struct spinlock console_lock = SPINLOCK_INIT("console", RANK_CONSOLE);

static uint8_t ring[RING_SIZE] __aligned(8); /* [log_lock] */
static uint64_t ring_head, ring_tail;        /* [log_lock] byte positions, never wrapped: next, oldest */
static uint64_t first_seq, next_seq;         /* [log_lock] of the records between them */

static struct list consoles = LIST_INIT(consoles); /* [console_lock] */
static uint64_t console_seq;                       /* [console_lock] next record to print */
static _Atomic int console_level = LOG_INFO;
static bool panic_mode;

static struct waitqueue readers = WAITQUEUE_INIT(readers);
_Atomic bool log_readers_behind;

static void ring_copy_in(uint64_t pos, const void *src, size_t len)
{
	size_t at = pos % RING_SIZE, n = MIN(len, RING_SIZE - at);

	memcpy(ring + at, src, n);
	memcpy(ring, (const uint8_t *)src + n, len - n);
}

static void ring_copy_out(void *dst, uint64_t pos, size_t len)
{
	size_t at = pos % RING_SIZE, n = MIN(len, RING_SIZE - at);

	memcpy(dst, ring + at, n);
	memcpy((uint8_t *)dst + n, ring, len - n);
}

static void append_locked(enum log_level level, const char *text, size_t len)
{
	struct record rec = {
		.seq = next_seq++,
		.time_ns = time_now_ns(),
		.len = (uint16_t)len,
		.space = (uint16_t)ALIGN_UP(sizeof(rec) + len, 8),
		.level = (uint8_t)level,
	};

	while (ring_head + rec.space - ring_tail > RING_SIZE) {
		struct record old;

		ring_copy_out(&old, ring_tail, sizeof(old));
		ring_tail += old.space;
		first_seq++;
	}
	ring_copy_in(ring_head, &rec, sizeof(rec));
	ring_copy_in(ring_head + sizeof(rec), text, len);
	ring_head += rec.space;
}

/* The position of the first record with seq >= *seq.  Readers usually follow the newest record, so the
 * walk from the oldest is bounded by the ring; a cursor remembers the last place. */
static bool find_locked(uint64_t seq, uint64_t *pos, struct record *rec)
{
	static uint64_t cursor_seq, cursor_pos;

	if (seq >= next_seq)
		return false;
	seq = MAX(seq, first_seq);
	*pos = ring_tail;
	if (cursor_seq >= first_seq && cursor_seq <= seq)
		*pos = cursor_pos;
	for (;;) {
		ring_copy_out(rec, *pos, sizeof(*rec));
		if (rec->seq >= seq)
			break;
		*pos += rec->space;
	}
	cursor_seq = rec->seq;
	cursor_pos = *pos;
	return true;
}

int log_read(uint64_t *seq, struct log_record *rec, char *buf, size_t size)
{
	uint64_t flags = panic_mode ? 0 : spin_lock_irqsave(&log_lock);
	struct record r;
	uint64_t pos;
	int err = -EAGAIN;

	if (find_locked(*seq, &pos, &r)) {
		err = -ENOSPC;
		if (r.len < size) {
			ring_copy_out(buf, pos + sizeof(r), r.len);
			buf[r.len] = '\0';
			*rec = (struct log_record){ r.seq, r.time_ns, r.level, r.len, buf };
			*seq = r.seq + 1;
			err = r.len;
		}
	}
	if (!panic_mode)
		spin_unlock_irqrestore(&log_lock, flags);
	return err;
}

uint64_t log_next_seq(void)
{
	return READ_ONCE(next_seq);
}

uint64_t log_first_seq(void)
{
	return READ_ONCE(first_seq);
}

struct waitqueue *log_waitqueue(void)
{
	return &readers;
}

void log_wake_readers_behind(void)
{
	if (atomic_exchange(&log_readers_behind, false))
		wake_up_all(&readers);
}

/* One record as a console shows it: "[    1.234567] text\n". */
static size_t format_line(const struct log_record *rec, char *buf, size_t size)
{
	uint64_t us = rec->time_ns / 1000;

	return (size_t)scnprintf(buf, size, "[%5lu.%06lu] %s\n", us / 1000000, us % 1000000, rec->text);
}

static void write_consoles_locked(struct console *only, uint64_t *seq)
{
	static char text[RECORD_MAX], line[RECORD_MAX + 32]; /* [console_lock] */
	struct log_record rec;
	struct console *con;

	while (log_read(seq, &rec, text, sizeof(text)) >= 0) {
		size_t len;

		if (rec.level > atomic_load_explicit(&console_level, memory_order_relaxed))
			continue;
		len = format_line(&rec, line, sizeof(line));
		list_for_each (con, &consoles, link)
			if (!only || con == only)
				con->write(con, line, len);
	}
}

static void feed_consoles(void)
{
	uint64_t flags;

	if (panic_mode) {
		write_consoles_locked(NULL, &console_seq);
		return;
	}
	/* Look again after leaving: a record may have come in between the last read and the unlock.  Whoever
	 * wrote it found the lock taken, unless it is free for all to see before this looks. */
	while (READ_ONCE(console_seq) < READ_ONCE(next_seq)) {
		flags = arch_irq_save();
		if (!spin_trylock(&console_lock)) {
			arch_irq_restore(flags);
			return;
		}
		write_consoles_locked(NULL, &console_seq);
		spin_unlock_irqrestore(&console_lock, flags);
		atomic_thread_fence(memory_order_seq_cst);
	}
}

void vprintk(enum log_level level, const char *fmt, va_list args)
{
	char text[RECORD_MAX - 1];
	size_t len = (size_t)vsnprintf(text, sizeof(text), fmt, args);
	uint64_t flags;

	len = MIN(len, sizeof(text) - 1);
	while (len && text[len - 1] == '\n')
		len--;
	if (panic_mode) {
		append_locked(level, text, len);
	} else {
		flags = spin_lock_irqsave(&log_lock);
		append_locked(level, text, len);
		spin_unlock_irqrestore(&log_lock, flags);
	}
	feed_consoles();
	atomic_store_explicit(&log_readers_behind, true, memory_order_relaxed);
	arch_this_cpu()->resched = 1;
}

void printk(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintk(level, fmt, args);
	va_end(args);
}

void console_register(struct console *con)
{
	uint64_t flags = spin_lock_irqsave(&console_lock), seq = 0;

	list_add_tail(&consoles, &con->link);
	write_consoles_locked(con, &seq);
	spin_unlock_irqrestore(&console_lock, flags);
}

void console_set_level(enum log_level least)
{
	atomic_store(&console_level, least);
}

void console_enter_panic(void)
{
	panic_mode = true;
}

bool console_in_panic(void)
{
	return panic_mode;
}
