/* SPDX-License-Identifier: BSD-2-Clause */
/* Links: what a keyring holds, and how one goes through keyrings in keyrings. */
#include <kernel/slab.h>
#include <serix/errno.h>

#include "keys_priv.h"

#define LINK_CHARGE 4 /* bytes of the keyring's owner's quota */

struct key_link {
	struct keyring_entry entry; /* of the keyring's index */
	struct list to;             /* of the key's links */
	struct key *keyring, *key;  /* the key is referenced */
};

static struct key_link *link_of(struct keyring_entry *entry)
{
	return entry ? container_of(entry, struct key_link, entry) : NULL;
}

static struct key_link *find_link(const struct key *keyring, const struct key_name *name)
{
	return link_of(keyring_index_find(&keyring->links, name));
}

struct key *keyring_find(const struct key *keyring, const struct key_name *name)
{
	struct key_link *link = find_link(keyring, name);

	return link ? link->key : NULL;
}

void keyring_list(const struct key *keyring, int32_t *numbers)
{
	struct keyring_entry *entry = keyring_index_first(&keyring->links);

	for (; entry; entry = keyring_index_next(entry))
		*numbers++ = link_of(entry)->key->serial;
}

/* --- going through -------------------------------------------------------------------------------------- */

/* Where a walk is in one keyring. */
struct step {
	struct key *keyring;
	struct keyring_entry *next; /* the next to look at */
};

/* The next keyring in it; NULL: there is none.  They come before all other keys. */
static struct key *next_inner(struct step *step)
{
	struct key_link *link = link_of(step->next);

	if (!link || !is_keyring(link->key))
		return NULL;
	step->next = keyring_index_next(step->next);
	return link->key;
}

/* Has this walk been there, by a way that makes going in once more pointless?  Else it is noted. */
static bool been_there(struct key *keyring, uint64_t walk, unsigned depth, bool farthest)
{
	bool again = keyring->walk != walk ||
		     (farthest ? depth > keyring->walk_depth : depth < keyring->walk_depth);

	if (!again)
		return true;
	keyring->walk = walk;
	keyring->walk_depth = depth;
	return false;
}

static struct step step_into(struct key *keyring)
{
	return (struct step){ keyring, keyring_index_first(&keyring->links) };
}

static bool is_dead(const struct key *keyring)
{
	return keyring->revoked || keyring->invalidated;
}

int keyring_walk(struct key *top, const struct keyring_visitor *visitor, void *arg)
{
	static uint64_t walks; /* [keys_lock] */
	struct step steps[KEYRING_DEPTH_MAX + 1];
	uint64_t walk = ++walks;
	unsigned depth = 0;
	int result;

	keys_assert_held();
	if (is_dead(top))
		return 0;
	result = visitor->visit(top, arg);
	steps[0] = step_into(top);
	while (result == 0) {
		struct key *inner = next_inner(&steps[depth]);

		if (inner && depth == KEYRING_DEPTH_MAX) {
			result = visitor->too_deep;
			inner = NULL;
		}
		if (!inner) {
			if (depth-- == 0)
				break;
			continue;
		}
		if ((visitor->may_enter && !visitor->may_enter(inner, arg)) || is_dead(inner) ||
		    been_there(inner, walk, depth + 1, visitor->farthest))
			continue;
		result = visitor->visit(inner, arg);
		steps[++depth] = step_into(inner);
	}
	return result;
}

/* --- linking -------------------------------------------------------------------------------------------- */

static int is_it(struct key *keyring, void *arg)
{
	return keyring == arg ? -EDEADLK : 0;
}

int keyring_may_link(struct key *keyring, struct key *key)
{
	static const struct keyring_visitor find_it = { .visit = is_it,
							.too_deep = -ELOOP,
							.farthest = true };

	if (!is_keyring(keyring))
		return -ENOTDIR;
	if (keyring->restricted)
		return -EPERM;
	return is_keyring(key) ? keyring_walk(key, &find_it, keyring) : 0;
}

static void drop_link(struct key_link *link)
{
	keyring_index_remove(&link->keyring->links, &link->entry);
	list_del(&link->to);
	key_put(link->key);
	kfree(link);
}

static void charge_less(struct key *keyring)
{
	size_t size = (size_t)keyring->links.count * LINK_CHARGE;

	/* What was made beyond the quota may be above it already: less is always had. */
	if (keyring->size > size && key_resize(keyring, size) < 0)
		ASSERT(false);
}

int keyring_add(struct key *keyring, struct key *key)
{
	struct key_link *link, *old = find_link(keyring, &key->name);
	int err;

	if (old && old->key == key)
		return 0;
	link = kzalloc(sizeof(*link));
	if (!link)
		return -ENOMEM;
	err = old ? 0 : key_resize(keyring, keyring->size + LINK_CHARGE);
	if (err < 0) {
		kfree(link);
		return err;
	}
	key_get(key);
	if (old)
		drop_link(old);
	*link = (struct key_link){ .entry.name = &key->name, .keyring = keyring, .key = key };
	keyring_index_add(&keyring->links, &link->entry);
	list_add_tail(&key->linked, &link->to);
	return 0;
}

int keyring_link(struct key *keyring, struct key *key)
{
	int err = keyring_may_link(keyring, key);

	return err < 0 ? err : keyring_add(keyring, key);
}

int keyring_unlink(struct key *keyring, struct key *key)
{
	struct key_link *link;

	if (!is_keyring(keyring))
		return -ENOTDIR;
	link = find_link(keyring, &key->name);
	if (!link)
		return -ENOENT;
	drop_link(link);
	charge_less(keyring);
	return 0;
}

void keyring_empty(struct key *keyring)
{
	struct keyring_entry *entry;

	while ((entry = keyring_index_first(&keyring->links)) != NULL)
		drop_link(link_of(entry));
	charge_less(keyring);
}

int keyring_clear(struct key *keyring)
{
	if (!is_keyring(keyring))
		return -ENOTDIR;
	keyring_empty(keyring);
	return 0;
}

void key_unlink_everywhere(struct key *key)
{
	while (!list_empty(&key->linked)) {
		struct key_link *link = list_first(&key->linked, struct key_link, to);
		struct key *keyring = link->keyring;

		drop_link(link);
		charge_less(keyring);
	}
}
