/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pair: the slave is a terminal like all others, and this its driver; the master is an open file at the
 * other end of it.  The terminal's lock covers both.
 *
 * The master's end goes first: its slave is hung up and cannot be opened any more.  When all have closed the
 * slave the master reads what is left and then gets EIO, until somebody opens the slave again.
 */
#include "pty_priv.h"

#include <kernel/format.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define CHUNK 256

/* --- the slave's driver -------------------------------------------------------------------------------- */

static void tell_locked(struct pty *pty, uint8_t status)
{
	if (!pty->packet)
		return;
	pty->status |= status;
	wake_up_all(&pty->output_wq);
}

static size_t slave_write(struct tty *tty, const char *text, size_t len)
{
	struct pty *pty = pty_of(tty);
	size_t n = MIN(len, (size_t)(PTY_OUTPUT - (pty->head - pty->tail)));

	for (size_t i = 0; i < n; i++)
		pty->output[pty->head++ % PTY_OUTPUT] = text[i];
	if (n > 0) {
		wake_up_all(&pty->output_wq);
		async_tell(&pty->output_async, POLL_IN);
	}
	return n;
}

void pty_flush_output_locked(struct pty *pty)
{
	pty->tail = pty->head;
}

/* What has come through is the master's already. */
static void slave_flush_output(struct tty *tty)
{
	tell_locked(pty_of(tty), TIOCPKT_FLUSHWRITE);
}

static void slave_unthrottle(struct tty *tty)
{
	wake_up_all(&pty_of(tty)->input_wq);
}

static void slave_event(struct tty *tty, uint8_t event)
{
	struct pty *pty = pty_of(tty);

	if (event & (TIOCPKT_STOP | TIOCPKT_START))
		pty->status &= (uint8_t) ~(TIOCPKT_STOP | TIOCPKT_START);
	tell_locked(pty, event);
}

static bool stops_on_char(const struct abi_termios *t)
{
	return (t->iflag & IXON) && t->cc[VSTOP] == ('S' & 0x1f) && t->cc[VSTART] == ('Q' & 0x1f);
}

static void slave_set_termios(struct tty *tty, const struct abi_termios *termios)
{
	struct pty *pty = pty_of(tty);
	bool now = stops_on_char(termios);

	if (now == pty->stops_on_char)
		return;
	pty->stops_on_char = now;
	pty->status &= (uint8_t) ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
	tell_locked(pty, now ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
}

static int slave_opened(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	if (pty->locked || pty->master_closed)
		return -EIO;
	pty->slave_files++;
	pty->slave_left = false;
	return 0;
}

/* The owner learns it once: by whoever closes last. */
static void check_gone(struct pty *pty, bool gone)
{
	if (gone)
		pty->owner->gone(pty->owner, pty->number);
}

static void slave_closed(struct tty *tty)
{
	struct pty *pty = pty_of(tty);
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	bool gone = false;

	if (--pty->slave_files == 0) {
		pty->slave_left = true;
		gone = pty->master_closed;
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	wake_up_all(&pty->output_wq);
	wake_up_all(&pty->input_wq);
	check_gone(pty, gone);
}

static void slave_destroy(struct tty *tty)
{
	kfree(pty_of(tty));
}

static const struct tty_driver_ops slave_ops = {
	.write = slave_write,
	.flush_output = slave_flush_output,
	.set_termios = slave_set_termios,
	.unthrottle = slave_unthrottle,
	.event = slave_event,
	.opened = slave_opened,
	.closed = slave_closed,
	.destroy = slave_destroy,
	.pseudo = true,
};

/* --- the master's life --------------------------------------------------------------------------------- */

struct tty *pty_create(struct pty_owner *owner, uint32_t number, dev_t dev)
{
	struct pty *pty = kzalloc(sizeof(*pty));
	char name[TTY_NAME_LEN];

	if (!pty)
		return NULL;
	scnprintf(name, sizeof(name), "pts/%u", number);
	tty_setup(&pty->tty, name, dev, &slave_ops, pty);
	pty->tty.ldisc.termios.cflag = B38400 | CS8 | CREAD;
	pty->owner = owner;
	pty->number = number;
	pty->locked = true;
	pty->stops_on_char = true;
	waitqueue_init(&pty->output_wq);
	waitqueue_init(&pty->input_wq);
	return &pty->tty;
}

void pty_open_master(struct file *file, struct tty *tty)
{
	file->private = pty_of(tty);
}

void pty_master_release(struct file *file)
{
	struct pty *pty = pty_of_master(file);
	uint64_t flags;
	bool gone;

	pty->owner->master_closed(pty->owner, pty->number);
	flags = spin_lock_irqsave(&pty->tty.lock);
	pty->master_closed = true;
	gone = pty->slave_files == 0;
	spin_unlock_irqrestore(&pty->tty.lock, flags);
	tty_hang_up(&pty->tty);
	check_gone(pty, gone);
	tty_put(&pty->tty);
}

/* --- reading what the slave writes ---------------------------------------------------------------------- */

static bool nonblocking(const struct file *file)
{
	return (atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK) || in_request();
}

static bool readable_locked(const struct pty *pty)
{
	return pty->head != pty->tail || (pty->packet && pty->status);
}

static bool output_or_end(struct pty *pty)
{
	uint64_t flags = spin_lock_irqsave(&pty->tty.lock);
	bool yes = readable_locked(pty) || pty->slave_left;

	spin_unlock_irqrestore(&pty->tty.lock, flags);
	return yes;
}

/* Up to len bytes of output.  In packet mode the first of a read (`header`) is what happened, alone, or 0.
 * -EIO: nothing there, and nobody to write more. */
static ssize_t take_output(struct pty *pty, char *buf, size_t len, bool header)
{
	uint64_t flags = spin_lock_irqsave(&pty->tty.lock);
	ssize_t n = 0;

	if (!readable_locked(pty)) {
		n = pty->slave_left ? -EIO : 0;
	} else if (header && pty->packet && pty->status) {
		buf[n++] = (char)pty->status;
		pty->status = 0;
		len = 0;
	} else if (header && pty->packet) {
		buf[n++] = TIOCPKT_DATA;
	}
	while (n >= 0 && (size_t)n < len && pty->tail != pty->head)
		buf[n++] = pty->output[pty->tail++ % PTY_OUTPUT];
	spin_unlock_irqrestore(&pty->tty.lock, flags);
	return n;
}

/* Everything that is there, and fits. */
static ssize_t take_all(struct pty *pty, struct iobuf *io)
{
	char buf[CHUNK];
	ssize_t total = 0;

	while (io->left > 0) {
		size_t want = MIN((size_t)io->left, sizeof(buf));
		ssize_t n = take_output(pty, buf, want, total == 0), moved;

		if (n <= 0)
			return total ? total : n;
		moved = iobuf_write(io, buf, (size_t)n);
		if (moved < 0)
			return total ? total : moved;
		total += moved;
		if ((size_t)n < want)
			break;
	}
	return total;
}

ssize_t pty_master_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct pty *pty = pty_of_master(file);

	(void)pos;
	if (io->left == 0)
		return 0;
	for (;;) {
		ssize_t n = take_all(pty, io);

		if (n != 0) {
			if (n > 0)
				tty_output_ready(&pty->tty);
			return n;
		}
		if (nonblocking(file))
			return -EAGAIN;
		if (wait_event_interruptible(&pty->output_wq, output_or_end(pty)) < 0)
			return -ERESTARTSYS;
	}
}

/* --- typing --------------------------------------------------------------------------------------------- */

/* Bytes that the discipline is sure to take: it keeps one place for the end of a line. */
static size_t input_room_locked(struct pty *pty)
{
	size_t room = ldisc_room(&pty->tty.ldisc);

	return room == SIZE_MAX ? room : room - MIN(room, (size_t)1);
}

static bool has_room(struct pty *pty)
{
	uint64_t flags = spin_lock_irqsave(&pty->tty.lock);
	bool yes = input_room_locked(pty) > 0;

	spin_unlock_irqrestore(&pty->tty.lock, flags);
	return yes;
}

/* What finds room now.  Nobody has to be there to read it yet. */
static size_t type_some(struct pty *pty, const char *text, size_t len)
{
	struct tty *tty = &pty->tty;
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	size_t n = MIN(len, input_room_locked(pty));
	unsigned signals;

	tty->throttled = n < len;
	signals = ldisc_input(&tty->ldisc, text, n);
	tty_after_input(tty, signals, flags);
	return n;
}

static ssize_t type_chunk(struct file *file, const char *text, size_t len)
{
	struct pty *pty = pty_of_master(file);
	size_t done = 0;

	for (;;) {
		done += type_some(pty, text + done, len - done);
		if (done == len)
			return (ssize_t)done;
		if (nonblocking(file))
			return done ? (ssize_t)done : -EAGAIN;
		if (wait_event_interruptible(&pty->input_wq, has_room(pty)) < 0)
			return done ? (ssize_t)done : -ERESTARTSYS;
	}
}

ssize_t pty_master_write(struct file *file, struct iobuf *io, off_t *pos)
{
	(void)pos;
	return tty_write_chunks(file, io, type_chunk);
}

/* --- polling ------------------------------------------------------------------------------------------- */

uint32_t pty_master_poll(struct file *file, struct poll_table *table)
{
	struct pty *pty = pty_of_master(file);
	uint32_t events = 0;
	uint64_t flags;

	if (table) {
		table->add(table, &pty->output_wq);
		table->add(table, &pty->input_wq);
	}
	flags = spin_lock_irqsave(&pty->tty.lock);
	if (readable_locked(pty))
		events |= POLLIN | POLLRDNORM;
	if (pty->packet && pty->status)
		events |= POLLPRI;
	if (pty->slave_left)
		events |= POLLHUP;
	if (input_room_locked(pty) > 0)
		events |= POLLOUT | POLLWRNORM;
	else
		pty->tty.throttled = true;
	spin_unlock_irqrestore(&pty->tty.lock, flags);
	return events;
}

int pty_master_async(struct file *file, struct async_wanted *wanted)
{
	struct pty *pty = pty_of_master(file);

	wanted->sources[0] = &pty->output_async;
	wanted->owner = current_process()->pid;
	return 0;
}
