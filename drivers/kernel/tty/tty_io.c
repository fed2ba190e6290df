/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading, writing and polling terminals. */
#include "tty_priv.h"

#include <kernel/process.h>
#include <kernel/time.h>
#include <serix/errno.h>

#define CHUNK    256
#define UNBROKEN 2048 /* bytes that a write takes, if there is room, whoever wants the process */
#define TENTH_NS (100 * NSEC_PER_MSEC)

static bool nonblocking(const struct file *file)
{
	return (file->flags & O_NONBLOCK) || in_request();
}

/* --- reading ---------------------------------------------------------------------------------------- */

void tty_unthrottle_locked(struct tty *tty)
{
	assert_held(&tty->lock);
	if (!tty->throttled || ldisc_room(&tty->ldisc) < LDISC_INPUT / 2)
		return;
	tty->throttled = false;
	if (tty->ops->unthrottle)
		tty->ops->unthrottle(tty);
}

/* What a read waits for: bytes at hand to start with, and how long. */
struct read_wait {
	size_t min;          /* bytes that end the wait */
	uint64_t timeout_ns; /* WAIT_FOREVER, or how long */
	bool between;        /* the time runs from byte to byte, and not before the first */
};

static struct read_wait read_wait_of(struct tty *tty, size_t want)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	const struct abi_termios *t = &tty->ldisc.termios;
	struct read_wait rw = { .min = 1, .timeout_ns = WAIT_FOREVER };

	if (!(t->lflag & ICANON)) {
		rw.min = MIN((size_t)t->cc[VMIN], want);
		rw.between = rw.min > 0 && t->cc[VTIME] > 0;
		if (rw.min == 0 || rw.between)
			rw.timeout_ns = t->cc[VTIME] * TENTH_NS;
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	return rw;
}

static bool readable(struct tty_file *tf, size_t min)
{
	struct tty *tty = tf->tty;
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	bool yes = ldisc_readable(&tty->ldisc, min);

	spin_unlock_irqrestore(&tty->lock, flags);
	return yes || tty_file_hung_up(tf);
}

static size_t bytes_at_hand(struct tty *tty)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	size_t n = ldisc_readable_bytes(&tty->ldisc);

	spin_unlock_irqrestore(&tty->lock, flags);
	return n;
}

static uint64_t deadline_after(uint64_t timeout_ns)
{
	return timeout_ns == WAIT_FOREVER ? WAIT_FOREVER : time_now_ns() + timeout_ns;
}

/* VMIN > 0 and VTIME > 0: for ever until the first byte, then until min, or until none comes in time. */
static int wait_between_bytes(struct tty_file *tf, const struct read_wait *rw)
{
	int err = wait_event_interruptible(&tf->tty->read_wq, readable(tf, 1));

	while (err == 0 && !readable(tf, rw->min)) {
		size_t have = bytes_at_hand(tf->tty);

		err = wait_event_timeout(&tf->tty->read_wq, readable(tf, have + 1),
					 deadline_after(rw->timeout_ns), true);
	}
	return err;
}

/* 0: go and take what is there, perhaps nothing.  -EAGAIN, -ERESTARTSYS. */
static int wait_for_input(struct file *file, size_t want)
{
	struct tty_file *tf = tty_file_of(file);
	struct read_wait rw = read_wait_of(tf->tty, want);
	int err;

	if (readable(tf, MAX(rw.min, (size_t)1)) || rw.timeout_ns == 0)
		return 0;
	if (nonblocking(file))
		return readable(tf, 1) ? 0 : -EAGAIN;
	if (rw.between)
		err = wait_between_bytes(tf, &rw);
	else
		err = wait_event_timeout(&tf->tty->read_wq, readable(tf, MAX(rw.min, (size_t)1)),
					 deadline_after(rw.timeout_ns), true);
	if (err == -ETIMEDOUT)
		return 0;
	return err == -EINTR ? -ERESTARTSYS : err;
}

static size_t take_chunk(struct tty *tty, char *buf, size_t len, bool *ended)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	size_t n = ldisc_read(&tty->ldisc, buf, len, ended);

	tty_unthrottle_locked(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	return n;
}

/* Everything that is there, in canonical mode up to the end of one line. */
static ssize_t take_input(struct tty *tty, struct iobuf *io)
{
	char buf[CHUNK];
	ssize_t total = 0;
	bool ended = false;

	while (io->left > 0 && !ended) {
		size_t n = take_chunk(tty, buf, MIN((size_t)io->left, sizeof(buf)), &ended);
		ssize_t moved;

		if (n == 0)
			break;
		moved = iobuf_write(io, buf, n);
		if (moved < 0)
			return total ? total : moved;
		total += moved;
		if ((size_t)moved < n)
			break;
	}
	return total;
}

static int check_background_read(struct tty *tty)
{
	pid_t group = READ_ONCE(tty->foreground);

	if (!tty_is_controlling(tty) || group == 0)
		return 0;
	return signal_job_control(group, SIGTTIN);
}

ssize_t tty_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct tty_file *tf = tty_file_of(file);
	int err;

	(void)pos;
	if (tty_file_hung_up(tf) || io->left == 0)
		return 0;
	err = check_background_read(tf->tty);
	if (err == 0)
		err = wait_for_input(file, io->left);
	if (err < 0)
		return err;
	/* Another process of the group may have become the foreground meanwhile. */
	if (tty_file_hung_up(tf))
		return 0;
	return take_input(tf->tty, io);
}

/* --- writing ---------------------------------------------------------------------------------------- */

static bool start_writing(struct tty *tty)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	bool mine = !tty->writing;

	tty->writing = true;
	spin_unlock_irqrestore(&tty->lock, flags);
	return mine;
}

static void end_writing(struct tty *tty)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);

	tty->writing = false;
	spin_unlock_irqrestore(&tty->lock, flags);
	wake_up_all(&tty->write_wq);
}

static size_t put_chunk(struct tty *tty, const char *text, size_t len)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	size_t n = ldisc_write(&tty->ldisc, text, len);

	spin_unlock_irqrestore(&tty->lock, flags);
	return n;
}

static bool writable(struct tty_file *tf)
{
	struct tty *tty = tf->tty;
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	bool yes = ldisc_writable(&tty->ldisc);

	spin_unlock_irqrestore(&tty->lock, flags);
	return yes || tty_file_hung_up(tf);
}

/* All of the chunk, waiting for room.  Bytes written, or an error when there are none. */
static ssize_t write_chunk(struct file *file, const char *text, size_t len)
{
	struct tty_file *tf = tty_file_of(file);
	size_t done = 0;
	int err;

	for (;;) {
		done += put_chunk(tf->tty, text + done, len - done);
		if (done == len)
			return (ssize_t)done;
		if (nonblocking(file))
			return done ? (ssize_t)done : -EAGAIN;
		err = wait_event_interruptible(&tf->tty->write_wq, writable(tf));
		if (err == 0 && tty_file_hung_up(tf))
			err = -EIO;
		if (err < 0)
			return done ? (ssize_t)done : err == -EINTR ? -ERESTARTSYS : err;
	}
}

ssize_t tty_write_chunks(struct file *file, struct iobuf *io,
			 ssize_t (*write)(struct file *file, const char *text, size_t len))
{
	char buf[CHUNK];
	ssize_t total = 0;

	while (io->left > 0) {
		ssize_t got = iobuf_read(io, buf, MIN((size_t)io->left, sizeof(buf)));
		ssize_t put;

		if (got <= 0)
			return total ? total : got;
		put = write(file, buf, (size_t)got);
		if (put < 0)
			return total ? total : put;
		total += put;
		if (put < got || (total >= UNBROKEN && signal_pending()))
			break;
	}
	return total;
}

static int check_background_write(struct tty *tty)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	bool restrict_background = tty->ldisc.termios.lflag & TOSTOP;

	spin_unlock_irqrestore(&tty->lock, flags);
	return restrict_background ? tty_check_change(tty) : 0;
}

ssize_t tty_write(struct file *file, struct iobuf *io, off_t *pos)
{
	struct tty_file *tf = tty_file_of(file);
	ssize_t result;
	int err;

	(void)pos;
	if (tty_file_hung_up(tf))
		return -EIO;
	err = check_background_write(tf->tty);
	if (err < 0)
		return err;
	if (!start_writing(tf->tty)) {
		if (nonblocking(file))
			return -EAGAIN;
		err = wait_event_interruptible(&tf->tty->write_wq, start_writing(tf->tty));
		if (err < 0)
			return -ERESTARTSYS;
	}
	result = tty_write_chunks(file, io, write_chunk);
	end_writing(tf->tty);
	return result;
}

static bool all_sent(struct tty_file *tf)
{
	struct tty *tty = tf->tty;
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	size_t unsent = ldisc_unsent(&tty->ldisc) + (tty->ops->unsent ? tty->ops->unsent(tty) : 0);

	spin_unlock_irqrestore(&tty->lock, flags);
	return unsent == 0 || tty->ops->pseudo || tty_file_hung_up(tf);
}

int tty_wait_sent(struct tty_file *tf)
{
	if (wait_event_interruptible(&tf->tty->write_wq, all_sent(tf)) < 0)
		return -ERESTARTSYS;
	return tty_file_hung_up(tf) ? -EIO : 0;
}

/* --- polling ---------------------------------------------------------------------------------------- */

uint32_t tty_poll(struct file *file, struct poll_table *table)
{
	struct tty_file *tf = tty_file_of(file);
	struct tty *tty = tf->tty;
	uint32_t events = 0;
	uint64_t flags;
	size_t min;

	if (table) {
		table->add(table, &tty->read_wq);
		table->add(table, &tty->write_wq);
	}
	if (tty_file_hung_up(tf))
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
	flags = spin_lock_irqsave(&tty->lock);
	min = tty->ldisc.termios.cc[VTIME] == 0 ? tty->ldisc.termios.cc[VMIN] : 1;
	if (ldisc_readable(&tty->ldisc, min))
		events |= POLLIN | POLLRDNORM;
	if (ldisc_writable(&tty->ldisc))
		events |= POLLOUT | POLLWRNORM;
	spin_unlock_irqrestore(&tty->lock, flags);
	return events;
}

/* --- signals for input ---------------------------------------------------------------------------------- */

void tty_async_of(const struct tty *tty, struct async_source *source, struct async_wanted *wanted)
{
	pid_t group = READ_ONCE(tty->foreground);

	wanted->sources[0] = source;
	wanted->owner = group > 0 ? -group : current_process()->pid;
}

int tty_async(struct file *file, struct async_wanted *wanted)
{
	struct tty_file *tf = tty_file_of(file);

	if (tty_file_hung_up(tf))
		return -ENOTTY;
	tty_async_of(tf->tty, &tf->tty->async, wanted);
	return 0;
}
