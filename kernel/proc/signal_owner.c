/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom a file's signals go to: a thread, a process or a group, by number and by the identity that the
 * number had when it was named, so that nobody who gets the number later is meant. It may be gone by then.
 *
 * May they be sent? By who named the owner, as he was then, to the process as it is now (fcntl(2),
 * F_SETOWN).
 */
#include <kernel/confine.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

#include "proc_priv.h"

/* A process stays within what it is confined by; of a group's members nobody knows who will come. */
static bool may_name_locked(int type, const struct pid_entry *entry)
{
	const struct confine *c = current_confine();

	if (likely(!c))
		return true;
	if (type == F_OWNER_PGRP)
		return !c->capability_mode && !c->scope;
	return confine_may_touch(entry->thread ? entry->thread->process : entry->process);
}

int signal_owner_set(struct signal_owner *o, int32_t type, pid_t number)
{
	const struct pid_entry *entry;
	uint64_t flags;
	int err = 0;

	if (type != F_OWNER_TID && type != F_OWNER_PID && type != F_OWNER_PGRP)
		return -EINVAL;
	*o = (struct signal_owner){ .type = type, .number = number };
	if (number == 0)
		return 0;
	o->uid = current_cred()->uid;
	o->euid = current_cred()->euid;
	flags = tree_lock();
	entry = pid_lookup_locked(number);
	if (!entry)
		err = -ESRCH;
	else if (!may_name_locked(type, entry))
		err = -EPERM;
	else
		o->id = entry->id;
	tree_unlock(flags);
	return err;
}

static const struct pid_entry *find_locked(const struct signal_owner *o)
{
	const struct pid_entry *entry = pid_lookup_locked(o->number);

	return entry && entry->id == o->id ? entry : NULL;
}

bool signal_owner_is_there(const struct signal_owner *o)
{
	const struct pid_entry *entry;
	uint64_t flags;
	bool there = false;

	if (o->number == 0)
		return false;
	flags = tree_lock();
	entry = find_locked(o);
	if (entry && o->type == F_OWNER_TID)
		there = entry->thread || entry->process;
	else if (entry && o->type == F_OWNER_PID)
		there = entry->process;
	else if (entry)
		there = !list_empty(&entry->group);
	tree_unlock(flags);
	return there;
}

static bool permitted(const struct signal_owner *o, const struct process *p)
{
	const struct credentials *cred = &p->cred;

	return o->euid == 0 || o->euid == cred->suid || o->euid == cred->uid || o->uid == cred->suid ||
	       o->uid == cred->uid;
}

/* What finds no room in the queue of its kind becomes SIGIO: so it is not lost altogether. */
static void send_process(const struct signal_owner *o, struct process *p, int signo,
			 const struct abi_siginfo *info)
{
	if (permitted(o, p) && signal_process(p, signo, info) < 0)
		signal_process(p, SIGIO, NULL);
}

static void send_thread(const struct signal_owner *o, struct thread *t, int signo,
			const struct abi_siginfo *info)
{
	if (permitted(o, t->process) && signal_thread(t, signo, info) < 0)
		signal_thread(t, SIGIO, NULL);
}

void signal_owner_send(const struct signal_owner *o, int signo, const struct abi_siginfo *info)
{
	const struct pid_entry *entry;
	struct process *p;
	uint64_t flags;

	if (o->number == 0)
		return;
	flags = tree_lock();
	entry = find_locked(o);
	if (!entry) {
		tree_unlock(flags);
		return;
	}
	if (o->type == F_OWNER_PGRP) {
		list_for_each (p, &entry->group, group_link)
			send_process(o, p, signo, info);
	} else if (o->type == F_OWNER_TID && entry->thread) {
		send_thread(o, entry->thread, signo, info);
	} else if (entry->process) {
		send_process(o, entry->process, signo, info);
	} else if (entry->thread) {
		send_process(o, entry->thread->process, signo, info);
	}
	tree_unlock(flags);
}
