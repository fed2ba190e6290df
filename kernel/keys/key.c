/* SPDX-License-Identifier: BSD-2-Clause */
/* A key's life, from its serial number to the graveyard. */
#include <kernel/confine.h>
#include <kernel/pmm.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <serix/errno.h>

#include "keys_priv.h"

#define FIRST_SERIAL 3 /* 1 and 2 are easily written by mistake */
#define RESERVE_PART 32

static struct mutex keys_lock = MUTEX_INIT(keys_lock, "keys", RANK_KEYS);
/* [keys_lock] */
static struct rb_tree serials = RB_TREE_INIT;
static struct list names = LIST_INIT(names);         /* keyrings that can be joined by name */
static struct list graveyard = LIST_INIT(graveyard); /* no reference is left */

int64_t keys_now(void)
{
	return (int64_t)(time_real_ns() / NSEC_PER_SEC);
}

/* Serial numbers and names mean something to everybody: nothing for who is kept from such names. */
static bool refused(void)
{
	const struct confine *c = current_confine();

	return unlikely(c != NULL) && (c->capability_mode || (c->deny & CONFINE_NO_PATHS));
}

void keys_lock_always(void)
{
	mutex_lock(&keys_lock);
}

int keys_enter(void)
{
	if (refused())
		return -EACCES;
	keys_lock_always();
	return 0;
}

void keys_assert_held(void)
{
	DEBUG_ASSERT(mutex_held(&keys_lock));
}

/* --- numbers and names ---------------------------------------------------------------------------------- */

static struct key *of_serial(struct rb_node *node)
{
	return node ? rb_entry(node, struct key, by_serial) : NULL;
}

struct key *key_next(int32_t serial)
{
	struct rb_node *node = serials.root;
	struct key *best = NULL;

	keys_assert_held();
	while (node) {
		struct key *key = of_serial(node);

		if (key->serial >= serial)
			best = key;
		node = key->serial >= serial ? node->left : node->right;
	}
	return best;
}

struct key *key_by_serial(int32_t serial)
{
	struct key *key = key_next(serial);

	return key && key->serial == serial ? key : NULL;
}

/* At random: who holds a number that was used before should not meet another key. */
static int32_t free_serial(void)
{
	int32_t serial;

	do {
		serial = (int32_t)(random_u64() & INT32_MAX);
	} while (serial < FIRST_SERIAL || key_by_serial(serial));
	return serial;
}

static void enter_serial(struct key *key)
{
	struct rb_node **link = &serials.root, *parent = NULL;

	key->serial = free_serial();
	while (*link) {
		parent = *link;
		link = key->serial < of_serial(parent)->serial ? &parent->left : &parent->right;
	}
	rb_insert(&serials, &key->by_serial, parent, link);
}

struct key *keyring_by_name(const char *name)
{
	struct key *key;

	list_for_each (key, &names, named) {
		struct key_ref ref = { key, false };

		if (!key->revoked && strcmp(key->name.text, name) == 0 &&
		    key_permission(ref, KEY_SEARCH) == 0)
			return key;
	}
	return NULL;
}

/* --- birth ---------------------------------------------------------------------------------------------- */

static struct key *alloc_key(const struct key_terms *terms)
{
	struct key *key;

	/* The last pages are for what somebody is charged for by memory. */
	if (pmm_free_memory() < pmm_total_memory() / RESERVE_PART)
		return NULL;
	key = kzalloc(sizeof(*key));
	if (!key)
		return NULL;
	key->name.type = terms->type->number;
	key->name.text = kstrdup(terms->description);
	key->user = key_user_get(terms->uid);
	if (key->name.text && key->user)
		return key;
	if (key->user)
		key_user_put(key->user);
	kfree((void *)key->name.text);
	kfree(key);
	return NULL;
}

static void release_key(struct key *key)
{
	key_user_put(key->user);
	memwipe((void *)key->name.text, key->name.length);
	kfree((void *)key->name.text);
	kfree(key);
}

int key_make(const struct key_terms *terms, struct key **out)
{
	const struct key_type *type = terms->type;
	struct key *key;
	int err;

	if (!terms->description[0] || (type->describes && !type->describes(terms->description)))
		return -EINVAL;
	key = alloc_key(terms);
	if (!key)
		return -ENOMEM;
	key->name.length = strlen(key->name.text);
	key->charged = terms->uncharged ? 0 : key->name.length + 1;
	err = terms->uncharged ? 0 : key_charge(key->user, key->charged, terms->unlimited);
	if (err < 0) {
		release_key(key);
		return err;
	}
	key->refs = 1;
	key->type = type;
	key->uid = terms->uid;
	key->gid = terms->gid;
	key->perm = terms->perm;
	key->in_quota = !terms->uncharged;
	key->of_user = terms->of_user;
	key->expires = key->collect = KEY_NEVER;
	list_init(&key->linked);
	list_init(&key->named);
	key->user->keys++;
	enter_serial(key);
	if (is_keyring(key) && key->name.text[0] != '.')
		list_add_tail(&names, &key->named);
	*out = key;
	return 0;
}

int key_fill(struct key *key, void *payload, size_t size)
{
	size_t before = key->size;
	int err = key_resize(key, size);

	if (err < 0)
		return err;
	key_wipe(key->payload, before);
	key->payload = payload;
	key->error = 0;
	return 0;
}

/* --- death ---------------------------------------------------------------------------------------------- */

void key_wipe(void *payload, size_t size)
{
	if (payload)
		memwipe(payload, size);
	kfree(payload);
}

void key_get(struct key *key)
{
	keys_assert_held();
	ASSERT(key->refs > 0);
	key->refs++;
}

void key_put(struct key *key)
{
	if (!key)
		return;
	keys_assert_held();
	if (--key->refs > 0)
		return;
	rb_erase(&serials, &key->by_serial);
	key_collect_at(key, KEY_NEVER);
	list_del(&key->named);
	list_add_tail(&graveyard, &key->named);
}

static void destroy(struct key *key)
{
	ASSERT(list_empty(&key->linked));
	list_del(&key->named);
	if (is_keyring(key))
		keyring_empty(key); /* the graveyard may grow */
	key_wipe(key->payload, key->size);
	if (key->in_quota)
		key_uncharge(key->user, key->charged);
	key->user->keys--;
	release_key(key);
}

void keys_leave(void)
{
	while (!list_empty(&graveyard))
		destroy(list_first(&graveyard, struct key, named));
	mutex_unlock(&keys_lock);
}

int key_validate(const struct key *key)
{
	if (key->invalidated)
		return -ENOKEY;
	if (key->revoked)
		return -EKEYREVOKED;
	return keys_now() >= key->expires ? -EKEYEXPIRED : 0;
}

void key_revoke(struct key *key)
{
	if (key->revoked)
		return;
	key->revoked = true;
	if (is_keyring(key)) {
		keyring_empty(key);
		return;
	}
	key_wipe(key->payload, key->size);
	key->payload = NULL;
	if (key_resize(key, 0) < 0)
		ASSERT(false); /* less is always had */
}

void key_invalidate(struct key *key)
{
	key->invalidated = true;
	key_unlink_everywhere(key);
}

void key_expire_at(struct key *key, int64_t expires)
{
	key->expires = expires;
	key_collect_at(key, expires);
}
