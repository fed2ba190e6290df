/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals: a terminal whose device is a program.  What is written to the slave is read from the
 * master, and the other way round as if typed.  Names are the business of whoever makes them (fs/devpts.c).
 */
#pragma once

#include <kernel/file.h>
#include <kernel/types.h>

struct tty;

/* What the maker wants to know, in a context that may sleep. */
struct pty_owner {
	void (*master_closed)(struct pty_owner *owner, uint32_t number); /* the name goes */
	void (*gone)(struct pty_owner *owner, uint32_t number);          /* both ends: the number is free */
	/* TIOCGPTPEER: open the slave, as open(2) of its name in the place where `master` was found. */
	int (*open_peer)(struct file *master, uint32_t number, uint32_t flags, struct file **out);
};

/* A new pair, its slave locked (TIOCSPTLCK), with a reference; `dev` is what the slave's node shows.  `owner`
 * hears of it from pty_open_master on.  NULL: no memory. */
struct tty *pty_create(struct pty_owner *owner, uint32_t number, dev_t dev);
/* Make `file` its master; takes over a reference.  The file's operations are those below. */
void pty_open_master(struct file *file, struct tty *tty);

ssize_t pty_master_read(struct file *file, struct iobuf *io, off_t *pos);
ssize_t pty_master_write(struct file *file, struct iobuf *io, off_t *pos);
uint32_t pty_master_poll(struct file *file, struct poll_table *table);
int64_t pty_master_ioctl(struct file *file, uint32_t cmd, uint64_t arg);
int pty_master_async(struct file *file, struct async_wanted *wanted);
void pty_master_release(struct file *file);
