/* SPDX-License-Identifier: BSD-2-Clause */
/* Rulesets: files that rules are added to. */
#include "landlock_priv.h"

#include <kernel/slab.h>

#define ROOM_MIN 8 /* rules */

static void ruleset_free(struct landlock_ruleset *r)
{
	kfree(r->table.rules);
	kfree(r);
}

static void ruleset_release(struct file *file)
{
	ruleset_free(ruleset_of(file));
}

static const struct file_ops ruleset_ops = {
	.name = "anon_inode:[landlock-ruleset]",
	.release = ruleset_release,
};

bool file_is_landlock_ruleset(const struct file *file)
{
	return file->ops == &ruleset_ops;
}

/* The vnode is what fstat looks at: of no type, as Linux has it. */
static struct file *open_ruleset(struct landlock_ruleset *r)
{
	static const struct vnode_ops none;
	struct vnode *v = nameless_vnode(&none, 0600);
	struct file *file = v ? file_create(&ruleset_ops, O_RDWR, r) : NULL;

	if (!file) {
		vnode_put(v);
		return NULL;
	}
	file->object.type = OBJECT_RULESET;
	file->vnode = v;
	return file;
}

int landlock_ruleset_create(uint64_t handled, struct file **out)
{
	struct landlock_ruleset *r;

	if (handled & ~(uint64_t)LANDLOCK_ACCESS_FS_ALL)
		return -EINVAL;
	if (!handled)
		return -ENOMSG;
	r = kzalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock, "landlock ruleset", RANK_LANDLOCK);
	r->table.layers = 1;
	r->table.handled[0] = (uint16_t)handled;
	*out = open_ruleset(r);
	if (*out)
		return 0;
	ruleset_free(r);
	return -ENOMEM;
}

/* --- rules -------------------------------------------------------------------------------------------- */

static int make_room_locked(struct landlock_table *t)
{
	uint32_t room = t->room ? t->room * 2 : ROOM_MIN;
	struct landlock_rule *rules;

	if (t->count < t->room)
		return 0;
	if (room < t->room)
		return -E2BIG;
	rules = krealloc(t->rules, room * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	t->rules = rules;
	t->room = room;
	return 0;
}

static int add_locked(struct landlock_table *t, const struct landlock_rule *new)
{
	uint32_t at;
	struct landlock_rule *old = landlock_table_find(t, &new->key, 0, &at);
	int err;

	if (old) {
		old->rights |= new->rights;
		return 0;
	}
	err = make_room_locked(t);
	if (err == 0)
		landlock_table_insert(t, at, new);
	return err;
}

int landlock_ruleset_add(struct file *ruleset, const struct file *place, uint64_t rights)
{
	struct landlock_ruleset *r = ruleset_of(ruleset);
	struct landlock_rule rule = { .rights = (uint16_t)rights };
	int err;

	if (!place->dentry || place->mount->internal)
		return -EBADFD;
	if (!S_ISDIR(place->vnode->mode) && (rights & ~(uint64_t)LANDLOCK_ACCESS_FS_FILES))
		return -EINVAL;
	rule.key = landlock_key_of(place->vnode);
	mutex_lock(&r->lock);
	err = add_locked(&r->table, &rule);
	mutex_unlock(&r->lock);
	return err;
}

int landlock_ruleset_may_grant(const struct file *ruleset, uint64_t rights)
{
	if (!rights)
		return -ENOMSG;
	return rights & ~(uint64_t)ruleset_of(ruleset)->table.handled[0] ? -EINVAL : 0;
}
