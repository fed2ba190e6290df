/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process groups and sessions.  A group is the list of processes in its number's pid entry.  It is
 * orphaned when no member has a parent in another group of the same session: nobody there could
 * continue it, so it must not be left stopped.
 */
#include <kernel/tty.h>
#include <kernel/confine.h>
#include <serix/errno.h>

#include "proc_priv.h"

void process_join_locked(struct process *p, pid_t pgid, pid_t sid)
{
	struct pid_entry *group = pid_lookup_locked(pgid), *session = pid_lookup_locked(sid);

	ASSERT(group && session);
	p->pgid = pgid;
	p->sid = sid;
	list_add_tail(&group->group, &p->group_link);
	session->session_members++;
}

static void leave_group_locked(struct process *p)
{
	list_del(&p->group_link);
	pid_release_locked(pid_lookup_locked(p->pgid));
}

void process_leave_groups_locked(struct process *p)
{
	struct pid_entry *session = pid_lookup_locked(p->sid);

	leave_group_locked(p);
	session->session_members--;
	pid_release_locked(session);
}

bool group_orphaned_locked(pid_t pgid, const struct process *without)
{
	struct pid_entry *entry = pid_lookup_locked(pgid);
	struct process *p;

	if (!entry)
		return true;
	list_for_each (p, &entry->group, group_link) {
		if (p->state == PROCESS_ZOMBIE || !p->parent || p->parent == init_process || p == without)
			continue;
		if (p->parent->pgid != pgid && p->parent->sid == p->sid)
			return false;
	}
	return true;
}

static bool group_has_stopped_locked(pid_t pgid)
{
	struct pid_entry *entry = pid_lookup_locked(pgid);
	struct process *p;

	if (!entry)
		return false;
	list_for_each (p, &entry->group, group_link) {
		if (p->state == PROCESS_STOPPED)
			return true;
	}
	return false;
}

static void signal_group_locked(pid_t pgid, int signo)
{
	struct pid_entry *entry = pid_lookup_locked(pgid);
	struct process *p;

	if (!entry)
		return;
	list_for_each (p, &entry->group, group_link)
		signal_process(p, signo, NULL);
}

/* `p`'s group may just have lost its link to the session through `parent`: wake what would sleep for ever. */
static void check_orphaned_locked(struct process *p, struct process *parent, const struct process *leaving)
{
	if (parent->pgid == p->pgid || parent->sid != p->sid)
		return;
	if (!group_orphaned_locked(p->pgid, leaving) || !group_has_stopped_locked(p->pgid))
		return;
	signal_group_locked(p->pgid, SIGHUP);
	signal_group_locked(p->pgid, SIGCONT);
}

void group_exit_locked(struct process *p)
{
	if (p->parent)
		check_orphaned_locked(p, p->parent, p);
}

void group_reparented_locked(struct process *child, struct process *old_parent)
{
	check_orphaned_locked(child, old_parent, NULL);
}

bool process_group_in_session(pid_t pgid, pid_t sid)
{
	uint64_t flags = tree_lock();
	struct pid_entry *entry = pid_lookup_locked(pgid);
	bool found = entry && !list_empty(&entry->group) &&
		     list_first(&entry->group, struct process, group_link)->sid == sid;

	tree_unlock(flags);
	return found;
}

/* Check everything setpgid(2) demands.  `pgid` is already resolved. */
static int check_setpgid_locked(struct process *self, struct process *p, pid_t pgid)
{
	struct pid_entry *group;

	if (p != self) {
		if (p->parent != self)
			return -ESRCH;
		if (p->sid != self->sid)
			return -EPERM;
		if (p->has_execed)
			return -EACCES;
	}
	if (p->sid == p->pid) /* a session leader stays in its own group */
		return -EPERM;
	if (pgid == p->pid)
		return 0;
	group = pid_lookup_locked(pgid);
	if (!group || list_empty(&group->group))
		return -EPERM;
	return list_first(&group->group, struct process, group_link)->sid == self->sid ? 0 : -EPERM;
}

int process_setpgid(pid_t pid, pid_t pgid)
{
	struct process *self = current_process(), *p;
	uint64_t flags;
	int err = -ESRCH;

	if (pgid < 0)
		return -EINVAL;
	flags = tree_lock();
	p = pid == 0 ? self : process_find_locked(pid);
	if (p && p->state != PROCESS_ZOMBIE) {
		if (pgid == 0)
			pgid = p->pid;
		err = check_setpgid_locked(self, p, pgid);
		if (err == 0 && p->pgid != pgid) {
			pid_t old = p->pgid;

			p->pgid = pgid;
			list_del(&p->group_link);
			list_add_tail(&pid_lookup_locked(pgid)->group, &p->group_link);
			pid_release_locked(pid_lookup_locked(old));
		}
	}
	tree_unlock(flags);
	return err;
}

static int64_t id_of(pid_t pid, bool session)
{
	uint64_t flags;
	struct process *p;
	int64_t result = -ESRCH;

	if (!confine_may_name(pid))
		return -EPERM;
	flags = tree_lock();
	p = pid == 0 ? current_process() : process_find_locked(pid);
	if (p)
		result = session ? p->sid : p->pgid;
	tree_unlock(flags);
	return result;
}

int64_t process_group_of(pid_t pid)
{
	return id_of(pid, false);
}

int64_t process_session_of(pid_t pid)
{
	return id_of(pid, true);
}

pid_t process_setsid(void)
{
	struct process *p = current_process();
	uint64_t flags = tree_lock();
	pid_t result = -EPERM;

	/* A group of this number would get a member of another session. */
	if (list_empty(&pid_lookup_locked(p->pid)->group)) {
		struct pid_entry *old_group = pid_lookup_locked(p->pgid);
		struct pid_entry *old_session = pid_lookup_locked(p->sid);

		list_del(&p->group_link);
		old_session->session_members--;
		process_join_locked(p, p->pid, p->pid);
		tty_put(p->tty);
		p->tty = NULL;
		p->hung_up_group = 0;
		if (old_session != old_group)
			pid_release_locked(old_session);
		pid_release_locked(old_group);
		result = p->pid;
	}
	tree_unlock(flags);
	return result;
}

/* --- the session's terminal ----------------------------------------------------------------------------- */

static void set_tty_locked(struct process *p, struct tty *tty)
{
	if (tty)
		tty_get(tty);
	tty_put(p->tty);
	p->tty = tty;
}

struct tty *process_tty_get(struct process *p)
{
	uint64_t flags = tree_lock();
	struct tty *tty = p->tty;

	if (tty)
		tty_get(tty);
	tree_unlock(flags);
	return tty;
}

void process_drop_tty(void)
{
	uint64_t flags = tree_lock();

	set_tty_locked(current_process(), NULL);
	tree_unlock(flags);
}

struct tty_change {
	pid_t sid;
	struct tty *tty;
	bool hung_up;
	pid_t foreground; /* if hung_up */
};

static void change_tty(struct process *p, void *arg)
{
	const struct tty_change *change = arg;

	if (p->sid != change->sid || p->state == PROCESS_ZOMBIE)
		return;
	set_tty_locked(p, change->tty);
	if (!change->hung_up || p->pid != p->sid)
		return;
	p->hung_up_group = change->foreground;
	signal_process(p, SIGHUP, NULL);
	signal_process(p, SIGCONT, NULL);
}

void session_hang_up(pid_t sid, pid_t foreground)
{
	struct tty_change change = { sid, NULL, true, foreground };
	uint64_t flags = tree_lock();

	process_for_each_locked(change_tty, &change);
	tree_unlock(flags);
}

void session_set_tty(pid_t sid, struct tty *tty)
{
	struct tty_change change = { sid, tty, false, 0 };
	uint64_t flags = tree_lock();

	process_for_each_locked(change_tty, &change);
	tree_unlock(flags);
}

/* Who may not signal the others of its group does not have them stopped either, by using the terminal from
 * the background. */
static bool may_stop_group_locked(pid_t pgid)
{
	struct pid_entry *entry = pid_lookup_locked(pgid);
	struct process *p;

	if (likely(!current_confine()) || !entry)
		return true;
	list_for_each (p, &entry->group, group_link)
		if (!confine_may_touch(p))
			return false;
	return true;
}

int signal_job_control(pid_t foreground, int signo)
{
	struct process *p = current_process();
	uint64_t flags = tree_lock();
	pid_t pgid = p->pgid;
	bool orphaned = group_orphaned_locked(pgid, NULL) || !may_stop_group_locked(pgid);

	tree_unlock(flags);
	if (pgid == foreground)
		return 0;
	if (signal_ignored_or_blocked(signo))
		return signo == SIGTTOU ? 0 : -EIO;
	if (orphaned)
		return -EIO;
	signal_group(pgid, signo, NULL);
	return -ERESTARTSYS;
}
