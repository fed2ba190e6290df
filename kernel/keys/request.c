/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request_key(2): a key from one of the caller's keyrings, or else one that a helper program makes.
 *
 * Serix starts no program on its own account, so what happens is what does on a Linux without
 * /sbin/request-key: ENOENT, and the key is made negative: for a minute whoever looks for it is told ENOKEY.
 */
#include <kernel/string.h>
#include <serix/errno.h>

#include "keys_priv.h"

#define NEGATIVE_SECONDS 60

/* The keyring for what is made when the caller named none: as it chose, or the nearest that it has. */
static int default_keyring(struct key **out)
{
	struct thread *t = current_thread();
	struct key *const near[] = { t->keys.thread, t->process->keys.process, t->process->keys.session };
	struct key_ref ref = { .possessed = true };
	int choice = t->keys.request_default, err = 0;

	if (choice == KEY_REQKEY_DEFL_DEFAULT || choice == KEY_REQKEY_DEFL_REQUESTOR_KEYRING)
		choice = KEY_REQKEY_DEFL_THREAD_KEYRING;
	if (choice == KEY_REQKEY_DEFL_USER_KEYRING)
		err = user_keyrings_make(&ref.key, NULL);
	else
		for (size_t i = (size_t)choice - 1; i < ARRAY_SIZE(near) && !ref.key; i++)
			ref.key = near[i];
	if (err == 0 && !ref.key)
		err = user_keyrings_make(NULL, &ref.key);
	if (err == 0)
		err = key_permission(ref, KEY_WRITE);
	*out = ref.key;
	return err;
}

static int make_negative(const struct key_type *type, const char *description, struct key *keyring)
{
	const struct credentials *cred = current_cred();
	struct key_terms terms = { .type = type,
				   .description = description,
				   .uid = cred->fsuid,
				   .gid = cred->fsgid,
				   .perm = key_default_perm(type) };
	struct key *key;
	int err = key_make(&terms, &key);

	if (err < 0)
		return err;
	key->error = -ENOKEY;
	err = keyring_add(keyring, key);
	if (err == 0)
		key_expire_at(key, keys_now() + NEGATIVE_SECONDS);
	key_put(key);
	return err < 0 ? err : -ENOENT;
}

static int make_requested(const struct key_type *type, const char *description, struct key *keyring)
{
	int err = 0;

	if (type == &keyring_type)
		return -EPERM;
	if (!keyring)
		err = default_keyring(&keyring);
	else if (!is_keyring(keyring))
		err = -ENOTDIR;
	return err < 0 ? err : make_negative(type, description, keyring);
}

int64_t request_key(const char *type_name, const char *description, bool callout, int32_t keyring)
{
	struct key_ref into = { 0 }, ref;
	const struct key_type *type;
	struct key_name name = { .length = strlen(description), .text = description };
	int err = keyring ? key_lookup(keyring, LOOKUP_CREATE, KEY_WRITE, &into) : 0;

	if (err < 0)
		return err;
	type = key_type_find(type_name);
	if (!type)
		return -ENOKEY;
	name.type = type->number;
	err = key_search_own(&name, SEARCH_NESTED | SEARCH_STATE | SEARCH_SKIP_EXPIRED, &ref);
	if (err == -EAGAIN)
		return callout ? make_requested(type, description, into.key) : -ENOKEY;
	if (err == 0 && into.key)
		err = key_permission(ref, KEY_LINK);
	if (err == 0 && into.key)
		err = keyring_link(into.key, ref.key);
	return err < 0 ? err : ref.key->serial;
}
