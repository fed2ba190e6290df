/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has how many keys, and how many bytes of the kernel's memory with them. */
#include <kernel/slab.h>
#include <serix/errno.h>

#include "keys_priv.h"

struct key_limits key_limits = {
	.maxkeys = 200,
	.maxbytes = 20000,
	.root_maxkeys = 1000000,
	.root_maxbytes = 25000000,
	.gc_delay = 300,
	.persistent_expiry = 3 * 24 * 60 * 60,
};

static struct rb_tree users = RB_TREE_INIT; /* [keys_lock] by id */

static uint32_t max_keys(uid_t uid)
{
	return atomic_load(uid == 0 ? &key_limits.root_maxkeys : &key_limits.maxkeys);
}

static uint32_t max_bytes(uid_t uid)
{
	return atomic_load(uid == 0 ? &key_limits.root_maxbytes : &key_limits.maxbytes);
}

struct key_user *key_user_get(uid_t uid)
{
	struct rb_node **link = &users.root, *parent = NULL;
	struct key_user *user;

	keys_assert_held();
	while (*link) {
		parent = *link;
		user = rb_entry(parent, struct key_user, node);
		if (user->uid == uid) {
			user->refs++;
			return user;
		}
		link = uid < user->uid ? &parent->left : &parent->right;
	}
	user = kzalloc(sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	user->refs = 1;
	rb_insert(&users, &user->node, parent, link);
	return user;
}

void key_user_put(struct key_user *user)
{
	keys_assert_held();
	if (--user->refs > 0)
		return;
	rb_erase(&users, &user->node);
	kfree(user);
}

/* Is there room for so much more? */
static bool fits(uint32_t used, size_t more, uint32_t limit)
{
	return used <= limit && more <= limit - used;
}

int key_charge(struct key_user *user, size_t bytes, bool force)
{
	if (!force && (!fits(user->quota_keys, 1, max_keys(user->uid)) ||
		       !fits(user->quota_bytes, bytes, max_bytes(user->uid))))
		return -EDQUOT;
	user->quota_keys++;
	user->quota_bytes += (uint32_t)bytes;
	return 0;
}

void key_uncharge(struct key_user *user, size_t bytes)
{
	user->quota_keys--;
	user->quota_bytes -= (uint32_t)bytes;
}

int key_resize(struct key *key, size_t size)
{
	size_t more = size > key->size ? size - key->size : 0;

	if (key->in_quota) {
		if (more && !fits(key->user->quota_bytes, more, max_bytes(key->user->uid)))
			return -EDQUOT;
		key->user->quota_bytes += (uint32_t)size - (uint32_t)key->size;
		key->charged += size - key->size;
	}
	key->size = size;
	return 0;
}

void key_users_list(void (*emit)(void *arg, const struct key_user_view *view), void *arg)
{
	if (keys_enter() < 0)
		return;
	for (struct rb_node *node = rb_first(&users); node; node = rb_next(node)) {
		const struct key_user *user = rb_entry(node, struct key_user, node);
		struct key_user_view view = { .uid = user->uid,
					      .refs = user->refs,
					      .keys = user->keys,
					      .quota_keys = user->quota_keys,
					      .quota_bytes = user->quota_bytes,
					      .max_keys = max_keys(user->uid),
					      .max_bytes = max_bytes(user->uid) };

		emit(arg, &view);
	}
	keys_leave();
}
