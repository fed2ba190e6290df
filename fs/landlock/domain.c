/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains: what threads are restricted to, and who is inside of which. */
#include "landlock_priv.h"

#include <kernel/slab.h>

static void domain_put(struct landlock_domain *d)
{
	/* A loop, because the outer one may be next. */
	while (d && refcount_put(&d->refs)) {
		struct landlock_domain *outer = d->outer;

		kfree(d->table.rules);
		kfree(d);
		d = outer;
	}
}

/* The rules of `r` on top of those of `outer` (NULL: none), to which it takes its own reference. */
static int domain_create(struct landlock_domain *outer, const struct landlock_table *inner,
			 struct landlock_domain **out)
{
	uint32_t count = (outer ? outer->table.count : 0) + inner->count;
	struct landlock_domain *d = kzalloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->table.rules = count ? kcalloc(count, sizeof(*d->table.rules)) : NULL;
	if (count && !d->table.rules) {
		kfree(d);
		return -ENOMEM;
	}
	refcount_set(&d->refs, 1);
	landlock_table_merge(outer ? &outer->table : NULL, inner, &d->table);
	if (outer)
		refcount_get(&outer->refs);
	d->outer = outer;
	*out = d;
	return 0;
}

static void enter(struct landlock_domain *d)
{
	struct thread *self = current_thread();
	uint64_t flags = spin_lock_irqsave(&self->process->lock);

	self->landlock = d;
	spin_unlock_irqrestore(&self->process->lock, flags);
}

int landlock_restrict_self(struct file *ruleset)
{
	struct landlock_ruleset *r = ruleset_of(ruleset);
	struct landlock_domain *old = landlock_current(), *d;
	int err;

	if (old && old->table.layers == LANDLOCK_LAYERS_MAX)
		return -E2BIG;
	mutex_lock(&r->lock);
	err = domain_create(old, &r->table, &d);
	mutex_unlock(&r->lock);
	if (err < 0)
		return err;
	enter(d);
	domain_put(old); /* the thread's reference; the new one has its own */
	return 0;
}

bool landlock_may_restrict(void)
{
	return READ_ONCE(current_process()->no_new_privs) || cred_has_privilege(PRIV_SYS_ADMIN);
}

void landlock_inherit(struct thread *child)
{
	struct landlock_domain *d = landlock_current();

	if (d)
		refcount_get(&d->refs);
	child->landlock = d;
}

void landlock_drop(struct thread *t)
{
	domain_put(t->landlock);
}

/* --- who is inside of which --------------------------------------------------------------------------- */

/* Is `d` (NULL: none) `outer`, or inside of it? */
static bool is_within(const struct landlock_domain *d, const struct landlock_domain *outer)
{
	while (d && d != outer)
		d = d->outer;
	return d == outer;
}

/* A process without threads, which has ended, is in no domain. */
static bool all_within_locked(const struct process *p, const struct landlock_domain *outer)
{
	const struct thread *t;

	list_for_each (t, &p->threads, link)
		if (!is_within(t->landlock, outer))
			return false;
	return !list_empty(&p->threads);
}

bool landlock_may_touch(struct process *p)
{
	const struct landlock_domain *mine = landlock_current();
	uint64_t flags;
	bool within;

	if (likely(!mine) || p == current_process())
		return true;
	flags = spin_lock_irqsave(&p->lock);
	within = all_within_locked(p, mine);
	spin_unlock_irqrestore(&p->lock, flags);
	return within;
}

bool landlock_may_be_traced_by(struct thread *tracer)
{
	bool within;

	spin_lock(&tracer->process->lock);
	within = is_within(landlock_current(), tracer->landlock);
	spin_unlock(&tracer->process->lock);
	return within;
}
