/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl_tty(2).  User memory is copied before and after the lock is held, never under it. */
#include "tty_priv.h"

#include <arch/usercopy.h>
#include <kernel/confine.h>
#include <kernel/process.h>
#include <serix/errno.h>

static int64_t flush_queues(struct tty *tty, uint64_t which)
{
	uint64_t flags;

	if (which > TCIOFLUSH)
		return -EINVAL;
	flags = spin_lock_irqsave(&tty->lock);
	if (which != TCOFLUSH)
		ldisc_flush_input(&tty->ldisc);
	if (which != TCIFLUSH)
		ldisc_flush_output(&tty->ldisc);
	tty_unthrottle_locked(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	wake_up_all(&tty->write_wq);
	return 0;
}

static int64_t flow(struct tty *tty, uint64_t action)
{
	uint64_t flags;

	if (action > TCION)
		return -EINVAL;
	flags = spin_lock_irqsave(&tty->lock);
	if (action == TCOOFF || action == TCOON)
		ldisc_set_stopped(&tty->ldisc, action == TCOOFF);
	else
		ldisc_send_flow(&tty->ldisc, action == TCION);
	spin_unlock_irqrestore(&tty->lock, flags);
	wake_up_all(&tty->write_wq);
	return 0;
}

static int64_t get_winsize(struct tty *tty, uaddr_t arg)
{
	struct abi_winsize size;
	uint64_t flags = spin_lock_irqsave(&tty->lock);

	size = tty->winsize;
	spin_unlock_irqrestore(&tty->lock, flags);
	return copy_to_user(arg, &size, sizeof(size));
}

static int64_t set_winsize(struct tty *tty, uaddr_t arg)
{
	struct abi_winsize size;
	uint64_t flags;

	if (copy_from_user(&size, arg, sizeof(size)) < 0)
		return -EFAULT;
	flags = spin_lock_irqsave(&tty->lock);
	tty->winsize.xpixel = size.xpixel;
	tty->winsize.ypixel = size.ypixel;
	spin_unlock_irqrestore(&tty->lock, flags);
	tty_set_winsize(tty, size.row, size.col);
	return 0;
}

static int64_t put_int(uaddr_t arg, int64_t value)
{
	return put_user_u32(arg, (uint32_t)value);
}

static int64_t input_count(struct tty *tty, uaddr_t arg)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	size_t n = ldisc_readable_bytes(&tty->ldisc);

	spin_unlock_irqrestore(&tty->lock, flags);
	return put_int(arg, (int64_t)n);
}

static int64_t output_count(struct tty *tty, uaddr_t arg)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	size_t n = ldisc_unsent(&tty->ldisc) + (tty->ops->unsent ? tty->ops->unsent(tty) : 0);

	spin_unlock_irqrestore(&tty->lock, flags);
	return put_int(arg, (int64_t)n);
}

static int64_t set_exclusive(struct tty *tty, bool on)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);

	tty->exclusive = on;
	spin_unlock_irqrestore(&tty->lock, flags);
	return 0;
}

/* There is one, number 0. */
static int64_t set_discipline(uaddr_t arg)
{
	uint32_t number;

	if (get_user_u32(arg, &number) < 0)
		return -EFAULT;
	return number == 0 ? 0 : -EINVAL;
}

static int64_t hang_up(struct tty *tty)
{
	if (!cred_has_privilege(PRIV_SYS_ADMIN))
		return -EPERM;
	tty_hang_up(tty);
	return 0;
}

static int64_t set_foreground(struct tty *tty, uaddr_t arg)
{
	uint32_t pgid;

	if (get_user_u32(arg, &pgid) < 0)
		return -EFAULT;
	return tty_set_foreground(tty, (pid_t)pgid);
}

/* What background processes are stopped for (POSIX: "as if to write"). */
static bool changes_terminal(uint32_t cmd)
{
	switch (cmd) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TCFLSH:
		return true;
	default:
		return false;
	}
}

static bool waits_for_output(uint32_t cmd)
{
	switch (cmd) {
	case TCSETSW:
	case TCSETSF:
	case TCSETAW:
	case TCSETAF:
	case TCSBRK:
	case TCSBRKP:
		return true;
	default:
		return false;
	}
}

/* About the session. */
static int64_t session_ioctl(struct tty *tty, uint32_t cmd, uint64_t arg)
{
	if (!in_user_thread())
		return -ENOTTY;
	switch (cmd) {
	case TIOCSCTTY:
		return tty_take_session(tty, arg == 1);
	case TIOCNOTTY:
		return tty_leave_session(tty);
	case TIOCGPGRP:
		return tty_is_controlling(tty) ? put_int(arg, tty_foreground(tty)) : -ENOTTY;
	case TIOCSPGRP:
		return set_foreground(tty, arg);
	case TIOCGSID:
		return tty_is_controlling(tty) ? put_int(arg, READ_ONCE(tty->session)) : -ENOTTY;
	case TIOCVHANGUP:
		return hang_up(tty);
	default:
		return -ENOTTY;
	}
}

static int64_t session_or_settings_ioctl(struct tty *tty, uint32_t cmd, uint64_t arg)
{
	int64_t result = tty_termios_ioctl(tty, cmd, arg);

	return result == -ENOTTY ? session_ioctl(tty, cmd, arg) : result;
}

int64_t tty_common_ioctl(struct tty *tty, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case TCXONC:
		return flow(tty, arg);
	case TIOCGWINSZ:
		return get_winsize(tty, arg);
	case TIOCSWINSZ:
		return set_winsize(tty, arg);
	case TIOCEXCL:
	case TIOCNXCL:
		return set_exclusive(tty, cmd == TIOCEXCL);
	case TIOCGEXCL:
		return put_int(arg, READ_ONCE(tty->exclusive));
	case TIOCGETD:
		return put_int(arg, 0);
	case TIOCSETD:
		return set_discipline(arg);
	case TIOCGDEV:
		return put_int(arg, (int64_t)tty_dev(tty));
	case TIOCSTI: /* typing into somebody's terminal has been a hole for too long */
		return -EIO;
	default:
		return session_or_settings_ioctl(tty, cmd, arg);
	}
}

int64_t tty_ioctl(struct file *file, uint32_t cmd, uint64_t arg)
{
	struct tty_file *tf = tty_file_of(file);
	struct tty *tty = tf->tty;
	int err;

	if (tty_file_hung_up(tf))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	err = changes_terminal(cmd) ? tty_check_change(tty) : 0;
	if (err == 0 && waits_for_output(cmd))
		err = tty_wait_sent(tf);
	if (err < 0)
		return err;
	switch (cmd) {
	case TCSBRK:
	case TCSBRKP: /* no break is sent: nothing here would receive one */
		return 0;
	case TCFLSH:
		return flush_queues(tty, arg);
	case FIONREAD:
		return input_count(tty, arg);
	case TIOCOUTQ:
		return output_count(tty, arg);
	default:
		return tty_common_ioctl(tty, cmd, arg);
	}
}
