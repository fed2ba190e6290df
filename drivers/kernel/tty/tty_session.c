/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controlling terminals.  A terminal belongs to at most one session and has one foreground group; a
 * session leader without a terminal gets one by opening it or by TIOCSCTTY, and loses it, hanging it up,
 * when it exits.  tty.session and process.tty change together but under two locks (tty.lock,
 * proc_tree_lock), so both are looked at where it matters.
 */
#include "tty_priv.h"

#include <kernel/process.h>
#include <serix/errno.h>

struct tty *tty_own(void)
{
	return in_user_thread() ? process_tty_get(current_process()) : NULL;
}

/* The pointer is only compared. */
bool tty_is_controlling(struct tty *tty)
{
	return in_user_thread() && READ_ONCE(current_process()->tty) == tty;
}

int tty_check_change(struct tty *tty)
{
	pid_t group = READ_ONCE(tty->foreground);

	if (!tty_is_controlling(tty) || group == 0)
		return 0;
	return signal_job_control(group, SIGTTOU);
}

/* The session gets the terminal if it is free; its old session (0: none), or -EPERM. */
static pid_t claim(struct tty *tty, bool steal)
{
	struct process *p = current_process();
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	pid_t old = tty->session;

	if (old != 0 && !steal) {
		spin_unlock_irqrestore(&tty->lock, flags);
		return -EPERM;
	}
	tty->session = p->sid;
	tty->foreground = p->pgid;
	spin_unlock_irqrestore(&tty->lock, flags);
	return old;
}

int tty_take_session(struct tty *tty, bool steal)
{
	struct process *p = current_process();
	pid_t old;

	if (p->pid != p->sid)
		return -EPERM;
	if (p->tty == tty && READ_ONCE(tty->session) == p->sid)
		return 0;
	if (p->tty)
		return -EPERM;
	old = claim(tty, steal && cred_has_privilege(PRIV_SYS_ADMIN));
	if (old < 0)
		return old;
	if (old > 0)
		session_set_tty(old, NULL);
	session_set_tty(p->sid, tty);
	return 0;
}

void tty_open_controlling(struct tty *tty)
{
	if (in_user_thread())
		(void)tty_take_session(tty, false);
}

/* Its session and foreground group, which lose it. */
struct former {
	pid_t session, foreground;
};

static struct former detach_locked(struct tty *tty)
{
	struct former former = { tty->session, tty->foreground };

	tty->session = tty->foreground = 0;
	return former;
}

/* Readers and writers of files opened up to now are through with it. */
static void disconnect_locked(struct tty *tty)
{
	tty->hangups++;
	ldisc_flush_input(&tty->ldisc);
	ldisc_set_stopped(&tty->ldisc, false);
}

static bool is_hung_up(const struct file *file)
{
	return tty_file_hung_up(tty_file_of(file));
}

static void wake_everybody(struct tty *tty)
{
	async_hang_up(&tty->async, is_hung_up);
	wake_up_all(&tty->read_wq);
	wake_up_all(&tty->write_wq);
}

void tty_hang_up(struct tty *tty)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	struct former former = detach_locked(tty);

	disconnect_locked(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	wake_everybody(tty);
	if (former.session > 0)
		session_hang_up(former.session, former.foreground);
}

/* The foreground group of session `sid`, which gives the terminal up; 0: it does not have it. */
static pid_t release_session(struct tty *tty, pid_t sid, bool disconnect)
{
	uint64_t flags = spin_lock_irqsave(&tty->lock);
	struct former former = { 0 };

	if (tty->session == sid) {
		former = detach_locked(tty);
		if (disconnect)
			disconnect_locked(tty);
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	return former.foreground;
}

void tty_release_session(struct tty *tty, pid_t sid)
{
	pid_t group = release_session(tty, sid, !tty->ops->pseudo);

	if (group > 0) {
		signal_group(group, SIGHUP, NULL);
		if (!tty->ops->pseudo)
			signal_group(group, SIGCONT, NULL);
	}
	wake_everybody(tty);
}

int tty_leave_session(struct tty *tty)
{
	struct process *p = current_process();

	if (p->tty != tty)
		return -ENOTTY;
	if (p->pid == p->sid) {
		pid_t group = release_session(tty, p->sid, false);

		if (group > 0) {
			signal_group(group, SIGHUP, NULL);
			signal_group(group, SIGCONT, NULL);
		}
		session_set_tty(p->sid, NULL);
	} else {
		process_drop_tty();
	}
	return 0;
}

int tty_set_foreground(struct tty *tty, pid_t pgid)
{
	struct process *p = current_process();
	uint64_t flags;
	int err;

	err = tty_check_change(tty);
	if (err < 0)
		return err;
	if (!tty_is_controlling(tty))
		return -ENOTTY;
	if (pgid <= 0)
		return -EINVAL;
	if (!process_group_in_session(pgid, p->sid))
		return -EPERM;
	err = -ENOTTY;
	flags = spin_lock_irqsave(&tty->lock);
	if (tty->session == p->sid) {
		tty->foreground = pgid;
		err = 0;
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	return err;
}
