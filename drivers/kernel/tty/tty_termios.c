/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A terminal's settings as programs get and set them: struct termios, and System V's struct termio, which is
 * its lower half.  Some may be locked (TIOCSLCKTRMIOS, which is root's): they keep their values whoever sets.
 */
#include "tty_priv.h"

#include <arch/usercopy.h>
#include <kernel/confine.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <serix/errno.h>

static struct abi_termios settings_of(struct tty *tty, const struct abi_termios *which)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	struct abi_termios t = *which;

	spin_unlock_irqrestore(&tty->lock, flags);
	return t;
}

static uint32_t keep_bits(uint32_t new, uint32_t old, uint32_t locked)
{
	return (new & ~locked) | (old & locked);
}

static void keep_locked_settings(const struct tty *tty, struct abi_termios *t)
{
	const struct abi_termios *old = &tty->ldisc.termios, *locked = &tty->locked;

	t->iflag = keep_bits(t->iflag, old->iflag, locked->iflag);
	t->oflag = keep_bits(t->oflag, old->oflag, locked->oflag);
	t->cflag = keep_bits(t->cflag, old->cflag, locked->cflag);
	t->lflag = keep_bits(t->lflag, old->lflag, locked->lflag);
	if (locked->line)
		t->line = old->line;
	for (size_t i = 0; i < NCCS; i++)
		if (locked->cc[i])
			t->cc[i] = old->cc[i];
}

static int64_t change(struct tty *tty, struct abi_termios *t, bool flush)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	bool writable;

	keep_locked_settings(tty, t);
	if (flush)
		ldisc_flush_input(&tty->ldisc);
	ldisc_set_termios(&tty->ldisc, t);
	if (tty->ops->set_termios)
		tty->ops->set_termios(tty, t);
	tty_unthrottle_locked(tty);
	writable = ldisc_writable(&tty->ldisc);
	spin_unlock_irqrestore(&tty->lock, flags);
	wake_up_all(&tty->read_wq); /* what readers wait for may have changed */
	if (writable)
		wake_up_all(&tty->write_wq);
	return 0;
}

static int64_t get_termios(struct tty *tty, uaddr_t arg)
{
	struct abi_termios t = settings_of(tty, &tty->ldisc.termios);

	return copy_to_user(arg, &t, sizeof(t));
}

static int64_t set_termios(struct tty *tty, uaddr_t arg, bool flush)
{
	struct abi_termios t;

	if (copy_from_user(&t, arg, sizeof(t)) < 0)
		return -EFAULT;
	return change(tty, &t, flush);
}

static int64_t get_termio(struct tty *tty, uaddr_t arg)
{
	struct abi_termios t = settings_of(tty, &tty->ldisc.termios);
	struct abi_termio low = {
		.iflag = (uint16_t)t.iflag,
		.oflag = (uint16_t)t.oflag,
		.cflag = (uint16_t)t.cflag,
		.lflag = (uint16_t)t.lflag,
		.line = t.line,
	};

	memcpy(low.cc, t.cc, sizeof(low.cc));
	return copy_to_user(arg, &low, offsetof(struct abi_termio, cc) + sizeof(low.cc));
}

static uint32_t with_low(uint32_t flags, uint16_t low)
{
	return (flags & ~0xffffu) | low;
}

/* All that it does not have stays. */
static int64_t set_termio(struct tty *tty, uaddr_t arg, bool flush)
{
	struct abi_termios t = settings_of(tty, &tty->ldisc.termios);
	struct abi_termio low;

	if (copy_from_user(&low, arg, offsetof(struct abi_termio, cc) + sizeof(low.cc)) < 0)
		return -EFAULT;
	t.iflag = with_low(t.iflag, low.iflag);
	t.oflag = with_low(t.oflag, low.oflag);
	t.cflag = with_low(t.cflag, low.cflag);
	t.lflag = with_low(t.lflag, low.lflag);
	t.line = low.line;
	memcpy(t.cc, low.cc, sizeof(low.cc));
	return change(tty, &t, flush);
}

static int64_t get_locked(struct tty *tty, uaddr_t arg)
{
	struct abi_termios t = settings_of(tty, &tty->locked);

	return copy_to_user(arg, &t, sizeof(t));
}

static int64_t set_locked(struct tty *tty, uaddr_t arg)
{
	struct abi_termios t;
	uint64_t flags;

	if (!cred_has_privilege(PRIV_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&t, arg, sizeof(t)) < 0)
		return -EFAULT;
	flags = spin_lock_irqsave(&tty->lock);
	tty->locked = t;
	spin_unlock_irqrestore(&tty->lock, flags);
	return 0;
}

/* A pair's stay as long as one of its ends is there, for the master shows the slave's. */
void tty_forget_locked_settings(struct tty *tty)
{
	assert_held(&tty->lock);
	if (!tty->ops->pseudo)
		tty->locked = (struct abi_termios){ 0 };
}

int64_t tty_termios_ioctl(struct tty *tty, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case TCGETS:
		return get_termios(tty, arg);
	case TCSETS:
	case TCSETSW:
		return set_termios(tty, arg, false);
	case TCSETSF:
		return set_termios(tty, arg, true);
	case TCGETA:
		return get_termio(tty, arg);
	case TCSETA:
	case TCSETAW:
		return set_termio(tty, arg, false);
	case TCSETAF:
		return set_termio(tty, arg, true);
	case TIOCGLCKTRMIOS:
		return get_locked(tty, arg);
	case TIOCSLCKTRMIOS:
		return set_locked(tty, arg);
	default:
		return -ENOTTY;
	}
}
