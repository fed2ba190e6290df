/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Landlock: a thread gives up rights to files, for itself and all that it starts, for good (landlock(7)).
 *
 * A ruleset is an open file: which rights are denied, but where a rule allows them.  Enforcing it makes a
 * domain: its rules on top of those of the domain that the thread was in, a layer more.  What is allowed is
 * what every layer allows.  A domain never changes once it is made and is shared by all who inherited it;
 * each has a reference to the one it was made within, so "inside of" is a walk along a chain.
 *
 * thread.landlock is written by the thread itself, with its process's lock held, and before others can find
 * it.  So the thread reads its own without a lock; others hold its process's.  fork and clone inherit it,
 * exec keeps it, and it goes with the thread.  Who has no domain pays for one look at that word.
 *
 * Rules name files by numbers that are never used again (struct landlock_key), not by reference: a domain
 * keeps no file and no file system from going, and no lock guards what it says.
 *
 * Beside confinement (<kernel/confine.h>), which a process asks for by places and rights of Serix's own, this
 * is one more thing that has to agree.  Both climb the tree by the same steps (fs/climb.h).
 *
 * Legend: [i] immutable.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/process.h>
#include <kernel/types.h>
#include <kernel/vfs.h>
#include <serix/abi_landlock.h>
#include <serix/errno.h>

struct landlock_domain;

/* --- rulesets: fs/landlock/ruleset.c -------------------------------------------------------------------- */

/* -EINVAL: no such rights; -ENOMSG: none at all; -ENOMEM. */
int landlock_ruleset_create(uint64_t handled, struct file **out) __must_check;
bool file_is_landlock_ruleset(const struct file *file);
/* Can rules grant that?  -EINVAL: the ruleset does not handle it; -ENOMSG: nothing. */
int landlock_ruleset_may_grant(const struct file *ruleset, uint64_t rights) __must_check;
/* What lies at `place` (an open file, however it was opened) and below may be used in these ways.  -EINVAL:
 * they mean nothing to a file that is no directory; -EBADFD: it has no place in anybody's tree; -ENOMEM. */
int landlock_ruleset_add(struct file *ruleset, const struct file *place, uint64_t rights) __must_check;

/* --- domains: fs/landlock/domain.c ---------------------------------------------------------------------- */

/* Enforce the ruleset on the running thread.  -E2BIG: there is no room for another layer; -ENOMEM. */
int landlock_restrict_self(struct file *ruleset) __must_check;
/* May the running thread restrict itself?  It gains nothing by exec any more, or could do anything anyway. */
bool landlock_may_restrict(void);
/* The new thread, which nobody can find yet, has what the running one has. */
void landlock_inherit(struct thread *child);
/* Nobody can find the thread any more. */
void landlock_drop(struct thread *t);

/* The running thread's; NULL: none, as kernel threads have. */
static inline struct landlock_domain *landlock_current(void)
{
	return in_user_thread() ? current_thread()->landlock : NULL;
}

/* Who looks into another process and changes it is outside of that one's domain or in the same: is the
 * running thread so to all threads of `p`?  No lock of a process is held. */
bool landlock_may_touch(struct process *p);
/* May `tracer`, of another process, trace the running thread?  The tree lock is held. */
bool landlock_may_be_traced_by(struct thread *tracer);

/* --- paths: fs/landlock/path.c -------------------------------------------------------------------------- */

int landlock_check_path(const struct landlock_domain *domain, const struct path *path,
			uint32_t access) __must_check;

/* May the running thread do there what takes all of `access` (LANDLOCK_ACCESS_FS_*)?  -EACCES. */
static inline int landlock_permits(const struct path *path, uint32_t access)
{
	const struct landlock_domain *domain = landlock_current();

	return likely(!domain) ? 0 : landlock_check_path(domain, path, access);
}

/* What it takes to make something of that type. */
uint32_t landlock_to_make(mode_t mode);

/* A rename or a link within one mount. */
struct landlock_move {
	struct dentry *source; /* it exists */
	struct path to;        /* the directory that it gets to */
	struct dentry *target; /* what is there under that name, which may be nothing */
	bool removes;          /* a rename */
	bool exchange;
};
int landlock_check_move(const struct landlock_domain *domain, const struct landlock_move *move) __must_check;

/* -EACCES; -EXDEV: only that it changes its directory is not allowed, or that it would gain rights. */
static inline int landlock_permits_move(const struct landlock_move *move)
{
	const struct landlock_domain *domain = landlock_current();

	return likely(!domain) ? 0 : landlock_check_move(domain, move);
}

/* Mounts stay as they are for who is in a domain, whatever privileges it has: -EPERM. */
static inline int landlock_permits_mounting(void)
{
	return likely(!landlock_current()) ? 0 : -EPERM;
}
