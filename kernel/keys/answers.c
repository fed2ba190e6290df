/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs are told: it is gathered with the lock held, and copied out without. */
#include <arch/usercopy.h>
#include <kernel/format.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "calls.h"

#define NO_GROUP_SHOWN 65534

/* An answer is owned by the caller, who wipes it. */
struct answer {
	char *data;
	size_t size; /* of all there is to tell; there is data only if that has room at the caller's */
};

/* -ENOMEM.  True in *wanted: the caller has room, fill it in. */
static int answer_make(struct answer *a, size_t size, size_t room, bool *wanted)
{
	a->size = size;
	*wanted = size > 0 && size <= room;
	if (*wanted)
		a->data = kmalloc(size);
	return *wanted && !a->data ? -ENOMEM : 0;
}

static int64_t tell(const struct answer *a, uaddr_t to)
{
	return a->data && copy_to_user(to, a->data, a->size) < 0 ? -EFAULT : (int64_t)a->size;
}

static int describe(int32_t id, size_t room, struct answer *a)
{
	char first[96];
	struct key_ref ref;
	const struct key *key;
	size_t head;
	bool wanted;
	int err = key_lookup(id, LOOKUP_PARTIAL, KEY_VIEW, &ref);

	if (err < 0)
		return err;
	key = ref.key;
	head = (size_t)scnprintf(first, sizeof(first), "%s;%d;%d;%08x;", key->type->name, (int)key->uid,
				 key->gid == KEY_NO_GROUP ? NO_GROUP_SHOWN : (int)key->gid, key->perm);
	err = answer_make(a, head + key->name.length + 1, room, &wanted);
	if (err < 0 || !wanted)
		return err;
	memcpy(a->data, first, head);
	memcpy(a->data + head, key->name.text, key->name.length + 1);
	return 0;
}

int64_t keyctl_describe(int32_t id, uaddr_t to, size_t size)
{
	struct answer a = { 0 };
	int64_t result = keys_enter();

	if (result < 0)
		return result;
	result = describe(id, to ? size : 0, &a);
	keys_leave();
	if (result == 0)
		result = tell(&a, to);
	kfree(a.data);
	return result;
}

/* No security module has anything to say. */
int64_t keyctl_security(int32_t id, uaddr_t to, size_t size)
{
	struct key_ref ref;
	int err = keys_enter();

	if (err < 0)
		return err;
	err = key_lookup(id, LOOKUP_PARTIAL, KEY_VIEW, &ref);
	keys_leave();
	if (err < 0)
		return err;
	return to && size && copy_to_user(to, "", 1) < 0 ? -EFAULT : 1;
}

static int may_read(struct key_ref ref)
{
	if (ref.key->error)
		return ref.key->error;
	/* Whoever finds it from his keyrings may read it, too. */
	if (key_permission(ref, KEY_READ) < 0 && !ref.possessed)
		return -EACCES;
	return ref.key->type->readable ? 0 : -EOPNOTSUPP;
}

static int read_contents(const struct key *key, size_t room, struct answer *a)
{
	bool ring = is_keyring(key), wanted;
	int err;

	/* As Linux has it, of room for up to a page. */
	if (ring && room <= PAGE_SIZE && room % sizeof(int32_t))
		return -EINVAL;
	err = answer_make(a, ring ? key->links.count * sizeof(int32_t) : key->size, room, &wanted);
	if (err < 0 || !wanted)
		return err;
	if (ring)
		keyring_list(key, (int32_t *)(void *)a->data);
	else
		memcpy(a->data, key->payload, key->size);
	return 0;
}

static int read_key(int32_t id, size_t room, struct answer *a)
{
	struct key_ref ref;
	int err;

	if (key_lookup(id, 0, KEY_NEED_DEFERRED, &ref) < 0)
		return -ENOKEY;
	err = may_read(ref);
	if (err == 0)
		err = key_validate(ref.key);
	return err < 0 ? err : read_contents(ref.key, room, a);
}

int64_t keyctl_read(int32_t id, uaddr_t to, size_t size)
{
	struct answer a = { 0 };
	int64_t result = keys_enter();

	if (result < 0)
		return result;
	result = read_key(id, to ? size : 0, &a);
	keys_leave();
	if (result == 0)
		result = tell(&a, to);
	key_wipe(a.data, a.size);
	return result;
}

int64_t keyctl_capabilities(uaddr_t to, size_t size)
{
	static const uint8_t capabilities[] = {
		KEYCTL_CAPS0_CAPABILITIES | KEYCTL_CAPS0_PERSISTENT_KEYRINGS | KEYCTL_CAPS0_INVALIDATE |
			KEYCTL_CAPS0_RESTRICT_KEYRING | KEYCTL_CAPS0_MOVE,
		KEYCTL_CAPS1_NS_KEYRING_NAME | KEYCTL_CAPS1_NS_KEY_TAG,
	};
	size_t known = MIN(size, sizeof(capabilities));

	if (copy_to_user(to, capabilities, known) < 0 || clear_user(to + known, size - known) < 0)
		return -EFAULT;
	return sizeof(capabilities);
}
