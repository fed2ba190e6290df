/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy in force, and what exec makes of it.
 *
 * A table is read in user space, where mistakes in a file can be told to people; here arrive numbers and
 * paths that one pure function checks.  Programs are told by the path that they were found under, at the
 * moment they start; roots are looked up then, too, from the system's root and with its authority, and one
 * that is not there is no root.
 */
#include <kernel/program_policy.h>

#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/format.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vmalloc.h>
#include <serix/abi_sched.h>
#include <serix/errno.h>

#include "proc_priv.h"

struct program_policy {
	struct refcount refs;      /* one by being in force, one by each exec that goes by it */
	void *data;                /* [i] owned */
	struct policy_table table; /* [i] */
	uint64_t number;           /* [i] of policies loaded so far */
};

static struct spinlock policy_lock = SPINLOCK_INIT("program policy", RANK_MOUNT);
static struct program_policy *in_force; /* [policy_lock]; NULL: there is none */
static uint64_t times_loaded;           /* [policy_lock] */

/* --- which is in force --------------------------------------------------------------------------- */

void *program_policy_alloc(size_t size)
{
	return vmalloc(size);
}

void program_policy_free(void *data)
{
	if (data)
		vfree(data);
}

static struct program_policy *policy_get(void)
{
	struct program_policy *policy;

	spin_lock(&policy_lock);
	policy = in_force;
	if (policy)
		refcount_get(&policy->refs);
	spin_unlock(&policy_lock);
	return policy;
}

void program_policy_put(struct program_policy *policy)
{
	if (!policy || !refcount_put(&policy->refs))
		return;
	program_policy_free(policy->data);
	kfree(policy);
}

/* The policy of this table; NULL: no memory. */
static struct program_policy *policy_create(void *data, const struct policy_table *table)
{
	struct program_policy *policy = kmalloc(sizeof(*policy));

	if (!policy)
		return NULL;
	refcount_set(&policy->refs, 1);
	policy->data = data;
	policy->table = *table;
	return policy;
}

int program_policy_set(void *data, size_t size)
{
	struct program_policy *policy = NULL, *old;
	struct policy_table table;

	if (!policy_table_check(data, size, &table))
		return -EINVAL;
	/* One that says nothing is none: then an exec has nothing to look up. */
	if (table.header->program_count > 0 || table.header->flags) {
		policy = policy_create(data, &table);
		if (!policy)
			return -ENOMEM;
	} else {
		program_policy_free(data);
	}
	spin_lock(&policy_lock);
	old = in_force;
	times_loaded++;
	if (policy)
		policy->number = times_loaded;
	WRITE_ONCE(in_force, policy);
	spin_unlock(&policy_lock);
	program_policy_put(old);
	return 0;
}

int program_policy_text(char *buf, size_t size)
{
	struct program_policy *policy = policy_get();
	bool deny = policy && (policy->table.header->flags & POLICY_DENY);
	int n = scnprintf(buf, size, "loaded:\t%lu\ndefault:\t%s\nprograms:\t%u\n", READ_ONCE(times_loaded),
			  deny ? "deny" : "allow", policy ? policy->table.header->program_count : 0);

	program_policy_put(policy);
	return n;
}

/* --- one program ---------------------------------------------------------------------------------- */

/* What the table says about the program at `where`. */
static const struct policy_program *look_up(const struct program_policy *policy, const struct path *where,
					    char *name)
{
	if (vfs_path_text(where, NULL, name, PATH_MAX) < 0)
		return NULL;
	return policy_table_find(&policy->table, name, current_cred()->uid);
}

int program_policy_find(const struct path *asked, const struct path *found, struct program_limits *out)
{
	struct program_policy *policy;
	char *name;
	int err = 0;

	*out = (struct program_limits){ NULL, NULL };
	if (likely(!READ_ONCE(in_force)))
		return 0;
	name = kmalloc(PATH_MAX);
	policy = policy_get();
	if (!name || !policy) {
		kfree(name);
		program_policy_put(policy);
		return policy ? -ENOMEM : 0;
	}
	out->program = look_up(policy, asked, name) ?: look_up(policy, found, name);
	kfree(name);
	if (!out->program && (policy->table.header->flags & POLICY_DENY)) {
		cap_audit(CAP_EVENT_DENIAL, NULL, "program");
		err = -EACCES;
	}
	if (!out->program || (out->program->flags & POLICY_FREE)) {
		program_policy_put(policy);
		out->program = NULL;
	} else {
		out->policy = policy;
	}
	return err;
}

/* --- limits ---------------------------------------------------------------------------------------- */

/* The roots that are there, and the program with what runs it; the count. */
static uint32_t get_places(const struct program_limits *limits, const struct path *programs, unsigned count,
			   struct confine_place *places)
{
	const struct policy_table *t = &limits->policy->table;
	const struct policy_root *root = &t->roots[limits->program->first_root];
	uint32_t n = 0;

	if (!(limits->program->deny & CONFINE_NO_PATHS))
		return 0;
	for (uint32_t i = 0; i < limits->program->root_count; i++, root++) {
		if (vfs_walk_system(t->strings + root->path, &places[n].path) == 0)
			places[n++].rights = root->rights;
	}
	for (unsigned i = 0; i < count; i++) {
		places[n].path = programs[i];
		path_get(&programs[i]);
		places[n++].rights = CONFINE_READ;
	}
	return n;
}

static int confine_by(const struct policy_program *p, uint64_t origin, const struct confine_place *places,
		      uint32_t count)
{
	struct confine_terms terms = {
		.deny = p->deny,
		.memory = p->memory ? p->memory : UINT64_MAX,
		.expires = confine_end(p->expires_ns),
		.token_guesses = p->token_guesses,
		.origin = origin,
		.places = places,
		.place_count = count,
	};

	return confine_process(&terms);
}

static int set_class(uint32_t cpu_class)
{
	static const uint8_t policies[POLICY_CLASSES] = {
		[POLICY_CLASS_NORMAL] = SCHED_OTHER,
		[POLICY_CLASS_BATCH] = SCHED_BATCH,
		[POLICY_CLASS_IDLE] = SCHED_IDLE,
	};
	struct policy_request request = { .policy = { .policy = policies[cpu_class] }, .keep_nice = true };

	return cpu_class == POLICY_CLASS_KEEP ? 0 : thread_policy_set(0, &request);
}

int program_policy_apply(const struct program_limits *limits, const struct path *programs, unsigned count)
{
	struct confine_place *places;
	uint32_t place_count;
	uint64_t origin;
	int err;

	if (likely(!limits->program))
		return 0;
	/* A program that starts itself again is limited already. */
	origin = limits->policy->number << 32 |
		 (uint64_t)(limits->program - limits->policy->table.programs + 1);
	if (confine_has_origin(origin))
		return 0;
	places = kmalloc(CONFINE_RULES_MAX * sizeof(*places));
	if (!places)
		return -ENOMEM;
	place_count = get_places(limits, programs, count, places);
	err = set_class(limits->program->cpu_class);
	if (err == 0)
		err = confine_by(limits->program, origin, places, place_count);
	while (place_count-- > 0)
		path_put(&places[place_count].path);
	kfree(places);
	return err;
}
