/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log.  Each printk is one record: level, time stamp, text.  Records go to a ring that
 * /dev/kmsg and syslog(2) read, and to the registered consoles unless their level is less urgent than the
 * console level (LOG_INFO, or loglevel= on the command line).  May be called from any context; never sleeps,
 * never allocates.
 */
#pragma once

#include <stdarg.h>
#include <stdatomic.h>

#include <kernel/compiler.h>
#include <kernel/list.h>
#include <kernel/types.h>

enum log_level {
	LOG_EMERG,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG,
};

void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);
void vprintk(enum log_level level, const char *fmt, va_list args) __printf(2, 0);

#define pr_err(...)    printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)   printk(LOG_WARNING, __VA_ARGS__)
#define pr_notice(...) printk(LOG_NOTICE, __VA_ARGS__)
#define pr_info(...)   printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...)  printk(LOG_DEBUG, __VA_ARGS__)

/* A sink for log text.  write() is called with interrupts off and the console lock held; it must not
 * sleep, take a lock that printk's callers may hold, or call printk. */
struct console {
	const char *name;
	void (*write)(struct console *con, const char *text, size_t len);
	struct list link; /* [console lock] */
};

/* Register a sink; it first gets everything that is already in the ring. */
void console_register(struct console *con);
void console_set_level(enum log_level least);

/* Reading the ring.  Sequence numbers start at 0 and never repeat; records may have been overwritten. */
struct log_record {
	uint64_t seq;
	uint64_t time_ns; /* monotonic */
	uint8_t level;
	uint16_t len;
	const char *text; /* into the caller's buffer */
};

/* Copy the first record with seq >= *seq into buf; sets *seq to the one after it.  Returns the length
 * of the text, or -EAGAIN when there is none yet, -ENOSPC when buf is too small. */
int log_read(uint64_t *seq, struct log_record *rec, char *buf, size_t size);
/* The next sequence number to be written / the oldest still held. */
uint64_t log_next_seq(void);
uint64_t log_first_seq(void);
/* /dev/kmsg readers wait here.  printk may be called under any lock, so it cannot wake them itself: it asks
 * for the scheduler, which calls log_wake_readers() at its next chance, where no lock is held. */
struct waitqueue;
struct waitqueue *log_waitqueue(void);
extern _Atomic bool log_readers_behind;
void log_wake_readers_behind(void);
static inline void log_wake_readers(void)
{
	if (unlikely(atomic_load_explicit(&log_readers_behind, memory_order_relaxed)))
		log_wake_readers_behind();
}

/* From here on consoles are driven without locks: only panic() calls this. */
void console_enter_panic(void);
bool console_in_panic(void);
