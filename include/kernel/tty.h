/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: a line discipline (termios, line editing, echo, signals, job control) between a character
 * device below (serial port, framebuffer + keyboard) and read/write above.
 */
#pragma once

#include <kernel/file.h>
#include <kernel/mutex.h>
#include <kernel/types.h>

struct tty;

/* What the device below offers.  All of it is called with the terminal's lock held and interrupts off,
 * from interrupt handlers too (echo): nothing here may sleep, call tty_* functions or printk.
 *
 * write() takes what it can and returns the count; when it took less than it was offered, the driver
 * calls tty_output_ready() once there is room, and again when everything has been sent. */
struct tty_driver_ops {
	size_t (*write)(struct tty *tty, const char *text, size_t len);
	size_t (*unsent)(struct tty *tty);     /* bytes taken but not on their way; NULL: none ever */
	void (*flush_output)(struct tty *tty); /* drop these; may be NULL */
	void (*set_termios)(struct tty *tty, const struct abi_termios *termios); /* may be NULL */
	void (*unthrottle)(struct tty *tty); /* there is room for input again; may be NULL */
	/* What packet mode tells of: TIOCPKT_STOP, START, FLUSHREAD.  May be NULL. */
	void (*event)(struct tty *tty, uint8_t event);
	/* A file of it is opened, was closed.  May be NULL; `opened` may refuse it, `closed` alone is called
	 * without the lock and may sleep. */
	int (*opened)(struct tty *tty);
	void (*closed)(struct tty *tty);
	/* Nobody refers to it any more.  May be called with spinlocks held.  NULL: it lives for ever. */
	void (*destroy)(struct tty *tty);
	/* Half of a pair: what was written counts as sent, and the end of its session does not hang it up,
	 * for programs that the leader left behind may still use it. */
	bool pseudo;
};

/* Make /dev/tty, /dev/tty0 and /dev/console.  Before the first tty_create(). */
void tty_init(void);

/* Make a terminal /dev/<name>; lives for ever.  NULL: out of memory, or the name is taken. */
struct tty *tty_create(const char *name, dev_t dev, const struct tty_driver_ops *ops, void *driver_data);
void *tty_driver_data(struct tty *tty);
/* SIGWINCH to the foreground group when it changes. */
void tty_set_winsize(struct tty *tty, uint16_t rows, uint16_t cols);

/* From the driver, any context, without locks that its ops take: bytes arrived, a break, room. */
void tty_input(struct tty *tty, const char *bytes, size_t len);
void tty_break(struct tty *tty);
void tty_output_ready(struct tty *tty);
/* Bytes of input that will not be lost.  A driver that can hold back its device stops below what it may
 * deliver at once, until unthrottle(). */
size_t tty_input_room(struct tty *tty);

/* open(2) of a node whose private data is the terminal. */
extern const struct file_ops tty_file_ops;

/* /dev/console is the terminal that the command line's last console= names, if it exists; else tty1;
 * else ttyS0; else the first there is. */
struct tty *tty_console(void); /* NULL: there is no terminal at all */
struct tty *tty_find(const char *name);

void tty_get(struct tty *tty);
void tty_put(struct tty *tty); /* NULL: nothing happens; safe with spinlocks held */

/* Sessions: the leader of session `sid` exits, and loses its terminal. */
void tty_release_session(struct tty *tty, pid_t sid);
/* Files opened up to now are dead, and the session loses its terminal: SIGHUP to its leader. */
void tty_hang_up(struct tty *tty);
dev_t tty_dev(const struct tty *tty);
pid_t tty_foreground(const struct tty *tty); /* process group, for /proc/pid/stat */
