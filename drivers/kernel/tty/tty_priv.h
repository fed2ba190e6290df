/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the terminal code.  tty.lock covers everything that interrupts touch: discipline, foreground
 * group, counters.  Signals are sent and sleepers are woken after it was dropped.
 */
#pragma once

#include "ldisc.h"

#include <kernel/async.h>
#include <kernel/device.h>
#include <kernel/spinlock.h>
#include <kernel/tty.h>
#include <kernel/wait.h>

#define TTY_NAME_LEN 16

/* [i] immutable, [l] tty.lock, [a] atomic */
struct tty {
	struct refcount refs;             /* files, nodes, processes whose controlling terminal it is */
	struct spinlock lock;             /* RANK_TTY_INPUT */
	char name[TTY_NAME_LEN];          /* [i] */
	const struct tty_driver_ops *ops; /* [i] */
	void *driver_data;                /* [i] */
	struct char_device device;        /* [i] its node, unless it has none in /dev itself */
	struct tty *next;                 /* [i] all terminals that live for ever */

	struct ldisc ldisc;        /* [l] */
	struct abi_termios locked; /* [l] settings that keep their values: flags by bit, else what is not 0 */
	struct abi_winsize winsize; /* [l] */
	pid_t session;              /* [l] whose controlling terminal it is; 0: nobody's */
	pid_t foreground;           /* [l] process group; 0: none */
	uint32_t hangups;           /* [l] files opened before the last one are dead */
	uint32_t open_count;        /* [l] */
	bool exclusive;             /* [l] TIOCEXCL */
	bool writing;               /* [l] a write(2) is under way: its bytes stay together */
	bool throttled;             /* [l] the driver waits for unthrottle() */

	struct async_source async; /* who gets a signal for input */
	uint32_t told;             /* [l] of the input, up to where they heard */

	struct waitqueue read_wq;
	struct waitqueue write_wq; /* room, the end of a write, everything sent */
};

/* One open file.  Files of /dev/console survive hang-ups: it is nobody's login line. */
struct tty_file {
	struct tty *tty;
	uint32_t hangups; /* of the tty when opened */
	bool console;
};

static inline struct tty_file *tty_file_of(const struct file *file)
{
	return file->private;
}

bool tty_file_hung_up(const struct tty_file *tf);

/* A terminal with one reference, in no list and without a node. */
void tty_setup(struct tty *tty, const char *name, dev_t dev, const struct tty_driver_ops *ops,
	       void *driver_data);
/* open(2) of a file of this terminal (NULL: there is none, -ENXIO).  -EBUSY, -ENOMEM, what the driver
 * says. */
int tty_open_file(struct file *file, struct tty *tty, bool console);
void tty_release(struct file *file);
/* Input changed the discipline: tell whom it concerns.  Unlocks. */
void tty_after_input(struct tty *tty, unsigned signals, uint64_t flags);

/* tty_io.c */
ssize_t tty_read(struct file *file, struct iobuf *io, off_t *pos);
ssize_t tty_write(struct file *file, struct iobuf *io, off_t *pos);
/* The buffer by pieces through `write`, which may sleep, until that takes less than it is given.  Bytes
 * written, or the error if there are none. */
ssize_t tty_write_chunks(struct file *file, struct iobuf *io,
			 ssize_t (*write)(struct file *file, const char *text, size_t len));
uint32_t tty_poll(struct file *file, struct poll_table *table);
/* Wait until all output has left.  0, -ERESTARTSYS, -EIO. */
int tty_wait_sent(struct tty_file *tf);
/* Let the driver deliver again if it stopped and there is room. */
void tty_unthrottle_locked(struct tty *tty);

/* file_ops.async: input.  The foreground group hears of it, or who asks, if nobody was named. */
int tty_async(struct file *file, struct async_wanted *wanted);
void tty_async_of(const struct tty *tty, struct async_source *source, struct async_wanted *wanted);

/* tty_ioctl.c */
int64_t tty_ioctl(struct file *file, uint32_t cmd, uint64_t arg);
/* Those that mean the terminal whichever end of a pair they are asked at: settings, size, session.  -ENOTTY:
 * none of them. */
int64_t tty_common_ioctl(struct tty *tty, uint32_t cmd, uint64_t arg);

/* tty_termios.c: those that mean the settings.  -ENOTTY: none of them. */
int64_t tty_termios_ioctl(struct tty *tty, uint32_t cmd, uint64_t arg);
void tty_forget_locked_settings(struct tty *tty); /* the terminal's lock is held */

/* tty_session.c */
bool tty_is_controlling(struct tty *tty);
void tty_open_controlling(struct tty *tty);
/* May the running process change the terminal?  0, or what signal_job_control says. */
int tty_check_change(struct tty *tty);
int tty_take_session(struct tty *tty, bool steal);
int tty_leave_session(struct tty *tty);
/* The running process's controlling terminal, referenced, or NULL. */
struct tty *tty_own(void);
int tty_set_foreground(struct tty *tty, pid_t pgid);
