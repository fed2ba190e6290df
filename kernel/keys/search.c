/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may use a key, and where it is found.  Possession is not a property of a key: a search says so of what
 * it finds from a keyring that is possessed, and a process possesses its own.
 */
#include <serix/errno.h>

#include "keys_priv.h"

int key_permission(struct key_ref ref, uint32_t need)
{
	const struct credentials *cred = current_cred();
	const struct key *key = ref.key;
	bool in_group = key->gid != KEY_NO_GROUP && cred_in_group(cred, key->gid);

	return key_permits(key->perm, key->uid == cred->fsuid, in_group, ref.possessed, need) ? 0 : -EACCES;
}

struct search {
	const struct key_name *name;
	const struct key *only; /* none but this; NULL: any */
	unsigned flags;
	bool possessed;
	struct key *found;
	int error; /* what it would say now */
};

/* Is this key of the right name the one?  If not, the search goes on, but knows more. */
static bool suits(struct search *s, struct key *key)
{
	struct key_ref ref = { key, s->possessed };
	bool state = s->flags & SEARCH_STATE;

	if (state && (key->invalidated || key->revoked)) {
		s->error = -EKEYREVOKED;
		return false;
	}
	if (state && keys_now() >= key->expires) {
		if (!(s->flags & SEARCH_SKIP_EXPIRED))
			s->error = -EKEYEXPIRED;
		return false;
	}
	if (s->only && key != s->only)
		return false;
	if (key_permission(ref, KEY_SEARCH) < 0) {
		s->error = -EACCES;
		return false;
	}
	if (state && key->error) {
		s->error = key->error;
		return false;
	}
	s->found = key;
	return true;
}

static int look_into(struct key *keyring, void *arg)
{
	struct search *s = arg;
	struct key *key = keyring_find(keyring, s->name);

	return key && suits(s, key);
}

static bool may_search(struct key *keyring, void *arg)
{
	struct search *s = arg;
	struct key_ref ref = { keyring, s->possessed };

	return (s->flags & SEARCH_NESTED) && key_permission(ref, KEY_SEARCH) == 0;
}

static int search_in(struct key_ref top, struct search *s)
{
	static const struct keyring_visitor visitor = { .visit = look_into, .may_enter = may_search };

	if (!is_keyring(top.key))
		return -ENOTDIR;
	if (key_permission(top, KEY_SEARCH) < 0)
		return -EACCES;
	s->possessed = top.possessed;
	s->found = NULL;
	s->error = -EAGAIN;
	/* It may be the one itself. */
	if (key_name_compare(&top.key->name, s->name) == 0) {
		if (suits(s, top.key))
			return 0;
		if (s->error != -EAGAIN)
			return s->error;
	}
	return keyring_walk(top.key, &visitor, s) ? 0 : s->error;
}

int keyring_search(struct key_ref keyring, const struct key_name *name, unsigned flags, struct key_ref *out)
{
	struct search s = { .name = name, .flags = flags };
	int err = search_in(keyring, &s);

	if (err == 0)
		*out = (struct key_ref){ s.found, s.possessed };
	return err;
}

/* A key found is better than a negative one, this than none at all, and this than keyrings that may not be
 * searched. */
static int better_error(int a, int b)
{
	static const int order[] = { -ENOKEY, -EAGAIN };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return b;
}

static int search_own(struct search *s)
{
	struct thread *t = current_thread();
	struct key *session = t->process->keys.session;
	struct key *const rings[] = { t->keys.thread, t->process->keys.process,
				      session ? session : user_session_existing() };
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rings); i++) {
		struct key_ref ring = { rings[i], true };
		int err = rings[i] ? search_in(ring, s) : 1;

		if (err == 0)
			return 0;
		if (err < 0)
			error = error ? better_error(error, err) : err;
	}
	return error ? error : -EAGAIN;
}

int key_search_own(const struct key_name *name, unsigned flags, struct key_ref *out)
{
	struct search s = { .name = name, .flags = flags };
	int err = search_own(&s);

	if (err == 0)
		*out = (struct key_ref){ s.found, true };
	return err;
}

bool key_possessed(const struct key *key)
{
	struct search s = { .name = &key->name, .only = key, .flags = SEARCH_NESTED };

	return search_own(&s) == 0;
}
