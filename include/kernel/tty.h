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

/* What the device below offers.  write() takes what it can and returns the count; when it is full it
 * later calls tty_output_ready().  Called with the tty's output lock held, interrupts on. */
struct tty_driver_ops {
	size_t (*write)(struct tty *tty, const char *text, size_t len);
	void (*set_termios)(struct tty *tty); /* may be NULL */
	void (*drain)(struct tty *tty);       /* wait until everything is out; may be NULL */
};

/* Make a terminal /dev/<name>; lives for ever.  NULL: out of memory. */
struct tty *tty_create(const char *name, dev_t dev, const struct tty_driver_ops *ops, void *driver_data);
void *tty_driver_data(struct tty *tty);
void tty_set_winsize(struct tty *tty, uint16_t rows, uint16_t cols);

/* From the driver, any context: bytes arrived / room for output. */
void tty_input(struct tty *tty, const char *bytes, size_t len);
void tty_output_ready(struct tty *tty);

/* /dev/console is the tty that the command line's last console= names. */
void tty_set_console(struct tty *tty);
struct tty *tty_find(const char *name);

/* Sessions: a session leader that exits hangs up its terminal. */
void tty_release_session(struct tty *tty, pid_t sid);
dev_t tty_dev(const struct tty *tty);
pid_t tty_foreground(const struct tty *tty); /* process group, for /proc/pid/stat */
