/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of fs/landlock share; include/kernel/landlock.h has the model. */
#pragma once

#include <kernel/landlock.h>
#include <kernel/mutex.h>
#include <kernel/refcount.h>

#include "../vfs_priv.h"
#include "rules.h"

struct landlock_ruleset {
	struct mutex lock;           /* RANK_LANDLOCK */
	struct landlock_table table; /* [lock] one layer, whose handled rights are [i] */
};

struct landlock_domain {
	struct refcount refs;
	struct landlock_domain *outer; /* [i] referenced; NULL: the outermost */
	struct landlock_table table;   /* [i] the rules of all outer ones, too */
};

static inline struct landlock_ruleset *ruleset_of(const struct file *file)
{
	return file->private;
}

static inline struct landlock_key landlock_key_of(const struct vnode *v)
{
	return (struct landlock_key){ v->sb->id, v->serial };
}
