/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Robust lists: a thread tells where it keeps the list of the locks that it holds.  When it ends they are
 * marked, and one waiter of each gets to see that.
 */
#include <arch/usercopy.h>
#include <kernel/confine.h>
#include <serix/errno.h>

#include "futex_priv.h"

#define ROBUST_LIST_LIMIT 2048
#define ENTRY_PI          1ull /* in an entry's address: the lock has an owner whom waiters lend to */

/* `pi`: its waiters are left without an owner by futex_pi_leave().  A lock that was being released
 * (`pending`) may be free already, with nobody woken. */
static int release_robust(uaddr_t word, uint32_t tid, bool pi, bool pending)
{
	uint32_t value, seen;
	int err;

	if (word % sizeof(uint32_t))
		return -EINVAL;
	err = get_user_u32(word, &value);
	if (err == 0 && pending && !pi && value == 0)
		futex_wake_any(word, 1);
	for (; err == 0 && (value & FUTEX_TID_MASK) == tid; value = seen) {
		err = cmpxchg_user_u32(word, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen);
		if (err == 0 && seen == value) {
			if ((value & FUTEX_WAITERS) && !pi)
				futex_wake_any(word, 1);
			break;
		}
	}
	return err;
}

struct robust_head {
	uint64_t first, offset, pending; /* of the word in an entry; what is being taken or released */
};

static int release_entry(const struct robust_head *head, uint64_t entry, const struct thread *t, bool pending)
{
	return release_robust((entry & ~ENTRY_PI) + head->offset, (uint32_t)t->tid, entry & ENTRY_PI,
			      pending);
}

/* The list is the program's: it may be broken or endless. */
void robust_list_exit(struct thread *t)
{
	uint64_t head_at = t->robust_list, entry, next;
	struct robust_head head;

	if (copy_from_user(&head, head_at, sizeof(head)) < 0)
		return;
	entry = head.first;
	for (unsigned n = 0; (entry & ~ENTRY_PI) != head_at && n < ROBUST_LIST_LIMIT; n++) {
		if (get_user_u64(entry & ~ENTRY_PI, &next) < 0)
			return;
		if ((entry & ~ENTRY_PI) != (head.pending & ~ENTRY_PI) &&
		    release_entry(&head, entry, t, false) < 0)
			return;
		entry = next;
	}
	if (head.pending & ~ENTRY_PI)
		(void)release_entry(&head, head.pending, t, true);
}

int robust_list_of(pid_t tid, uaddr_t *head)
{
	struct process *p;
	struct thread *t;
	uint64_t flags = tree_lock();
	int err = 0;

	t = tid ? thread_find_locked(tid) : current_thread();
	if (!t) {
		tree_unlock(flags);
		return -ESRCH;
	}
	p = t->process;
	process_get(p);
	*head = READ_ONCE(t->robust_list);
	tree_unlock(flags);
	if (p != current_process() && (!confine_may_touch(p) || !cred_may_look(current_cred(), p)))
		err = -EPERM;
	process_put(p);
	return err;
}
