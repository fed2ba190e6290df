/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl_tty(2) at the master's end. */
#include "pty_priv.h"

#include <arch/usercopy.h>
#include <kernel/process.h>
#include <serix/errno.h>

static int64_t put_int(uaddr_t arg, uint32_t value)
{
	return put_user_u32(arg, value);
}

static int64_t set_locked(struct pty *pty, uaddr_t arg)
{
	uint32_t value;
	uint64_t flags;

	if (get_user_u32(arg, &value) < 0)
		return -EFAULT;
	flags = spin_lock_irqsave(&pty->tty.lock);
	pty->locked = value;
	spin_unlock_irqrestore(&pty->tty.lock, flags);
	return 0;
}

static int64_t set_packet(struct pty *pty, uaddr_t arg)
{
	uint32_t value;
	uint64_t flags;

	if (get_user_u32(arg, &value) < 0)
		return -EFAULT;
	flags = spin_lock_irqsave(&pty->tty.lock);
	if (value && !pty->packet)
		pty->status = 0;
	pty->packet = value;
	spin_unlock_irqrestore(&pty->tty.lock, flags);
	return 0;
}

static int64_t output_waiting(struct pty *pty, uaddr_t arg)
{
	uint64_t flags = spin_lock_irqsave(&pty->tty.lock);
	uint32_t n = pty->head - pty->tail;

	spin_unlock_irqrestore(&pty->tty.lock, flags);
	return put_int(arg, n);
}

/* What is input to one end is output of the other. */
static int64_t flush(struct pty *pty, uint64_t which)
{
	struct tty *tty = &pty->tty;
	uint64_t flags;

	if (which > TCIOFLUSH)
		return -EINVAL;
	flags = spin_lock_irqsave(&tty->lock);
	if (which != TCOFLUSH)
		pty_flush_output_locked(pty);
	if (which != TCIFLUSH)
		ldisc_flush_input(&tty->ldisc);
	tty_unthrottle_locked(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	tty_output_ready(tty);
	return 0;
}

static int64_t send_signal(struct pty *pty, uint64_t signo)
{
	pid_t group = tty_foreground(&pty->tty);

	if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
		return -EINVAL;
	if (group)
		signal_group(group, (int)signo, NULL);
	return 0;
}

static int64_t open_peer(struct file *file, uint64_t flags)
{
	struct pty *pty = pty_of_master(file);
	struct file *peer;
	int fd, err;

	err = pty->owner->open_peer(file, pty->number, (uint32_t)flags, &peer);
	if (err < 0)
		return err;
	fd = file_install(peer, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(peer);
	return fd;
}

/* The master does not have to belong to the session to ask about it. */
static int64_t session_ioctl(struct tty *tty, uint32_t cmd, uint64_t arg)
{
	pid_t session = READ_ONCE(tty->session);

	if (cmd == TIOCGPGRP)
		return put_int(arg, (uint32_t)tty_foreground(tty));
	return session ? put_int(arg, (uint32_t)session) : -ENOTTY;
}

int64_t pty_master_ioctl(struct file *file, uint32_t cmd, uint64_t arg)
{
	struct pty *pty = pty_of_master(file);

	switch (cmd) {
	case TIOCGPTN:
		return put_int(arg, pty->number);
	case TIOCSPTLCK:
		return set_locked(pty, arg);
	case TIOCGPTLCK:
		return put_int(arg, READ_ONCE(pty->locked));
	case TIOCPKT:
		return set_packet(pty, arg);
	case TIOCGPKT:
		return put_int(arg, READ_ONCE(pty->packet));
	case TIOCSIG:
		return send_signal(pty, arg);
	case TIOCGPTPEER:
		return open_peer(file, arg);
	case FIONREAD:
		return output_waiting(pty, arg);
	case TIOCOUTQ:
		return put_int(arg, 0);
	case TCFLSH:
		return flush(pty, arg);
	case TCSBRK:
	case TCSBRKP: /* what is typed is there at once */
		return 0;
	case TIOCGPGRP:
	case TIOCGSID:
		return session_ioctl(&pty->tty, cmd, arg);
	case TIOCNOTTY:
		return -ENOTTY;
	default:
		return tty_common_ioctl(&pty->tty, cmd, arg);
	}
}
