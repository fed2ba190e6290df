/* SPDX-License-Identifier: BSD-2-Clause */
/* New keys, and new contents for old ones. */
#include <kernel/string.h>
#include <serix/errno.h>

#include "keys_priv.h"

static int check_size(const struct key_type *type, size_t size)
{
	return size < type->size_min || size > type->size_max ? -EINVAL : 0;
}

static int fill(struct key *key, struct key_contents *contents)
{
	int err = key_fill(key, contents->data, contents->size);

	if (err == 0)
		contents->data = NULL;
	return err;
}

/* It is positive again, and lives for ever. */
static int refill(struct key_ref ref, struct key_contents *contents)
{
	int err = key_permission(ref, KEY_WRITE);

	if (err == 0)
		err = fill(ref.key, contents);
	if (err == 0)
		key_expire_at(ref.key, KEY_NEVER);
	return err;
}

static int make_in(struct key *keyring, const struct key_type *type, const char *description,
		   struct key_contents *contents, struct key **out)
{
	const struct credentials *cred = current_cred();
	struct key_terms terms = { .type = type,
				   .description = description,
				   .uid = cred->fsuid,
				   .gid = cred->fsgid,
				   .perm = key_default_perm(type) };
	int err = key_make(&terms, out);

	if (err < 0)
		return err;
	err = fill(*out, contents);
	if (err == 0)
		err = keyring_add(keyring, *out);
	key_put(*out);
	return err;
}

/* The key that this would be an update of; NULL: a new one. */
static struct key *to_update(const struct key *keyring, const struct key_name *name)
{
	struct key *key = keyring_find(keyring, name);

	return key && !key->revoked && !key->invalidated ? key : NULL;
}

int64_t add_key(const char *type_name, const char *description, struct key_contents *contents, int32_t id)
{
	const struct key_type *type;
	struct key_name name = { .length = strlen(description), .text = description };
	struct key_ref ring;
	struct key *key;
	int err = key_lookup(id, LOOKUP_CREATE, KEY_WRITE, &ring);

	if (err < 0)
		return err;
	type = key_type_find(type_name);
	if (!type)
		return -ENODEV;
	if (!is_keyring(ring.key))
		return -ENOTDIR;
	err = name.length ? check_size(type, contents->size) : -EINVAL;
	if (err < 0)
		return err;
	if (ring.key->restricted)
		return -EPERM;
	name.type = type->number;
	key = type->updatable ? to_update(ring.key, &name) : NULL;
	if (key)
		err = refill((struct key_ref){ key, ring.possessed }, contents);
	else
		err = make_in(ring.key, type, description, contents, &key);
	return err < 0 ? err : key->serial;
}

int64_t update_key(int32_t id, struct key_contents *contents)
{
	struct key_ref ref;
	int err = key_lookup(id, 0, KEY_WRITE, &ref);

	if (err == 0 && !ref.key->type->updatable)
		err = -EOPNOTSUPP;
	if (err == 0)
		err = check_size(ref.key->type, contents->size);
	return err < 0 ? err : refill(ref, contents);
}
