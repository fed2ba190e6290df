/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the halves of the pseudo-terminal: the pair (pty.c), the master's ioctls (pty_ioctl.c). */
#pragma once

#include "tty_priv.h"

#include <kernel/pty.h>

#define PTY_OUTPUT 8192u

/* [i] immutable, [l] tty.lock */
struct pty {
	struct tty tty;          /* the slave */
	struct pty_owner *owner; /* [i] */
	uint32_t number;         /* [i] */

	char output[PTY_OUTPUT]; /* [l] from the slave, for the master to read */
	uint32_t head, tail;     /* [l] count up for ever; index by the low bits */
	uint32_t slave_files;    /* [l] */
	bool locked;             /* [l] the slave cannot be opened yet */
	bool master_closed;      /* [l] */
	bool slave_left;         /* [l] opened once, and closed by all since */
	bool packet;             /* [l] TIOCPKT */
	bool stops_on_char;      /* [l] the slave's settings have it obey ^S and ^Q */
	uint8_t status;          /* [l] TIOCPKT_* to tell the master */

	struct async_source output_async; /* masters that get a signal for output */
	struct waitqueue output_wq;       /* the master waits for output, or that the slave leaves */
	struct waitqueue input_wq;        /* and for room for input */
};

static inline struct pty *pty_of(struct tty *tty)
{
	return container_of(tty, struct pty, tty);
}

static inline struct pty *pty_of_master(const struct file *file)
{
	return file->private;
}

/* The master throws away what it has not read. */
void pty_flush_output_locked(struct pty *pty);
