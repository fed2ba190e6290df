/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs ask for: everything is copied from their memory first, then done. */
#include "calls.h"

#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define PAYLOAD_MAX ((1u << 20) - 1)

int keys_copy_type(char type[KEY_TYPE_MAX], uaddr_t from)
{
	ssize_t length = strncpy_from_user(type, from, KEY_TYPE_MAX);

	if (length < 0)
		return length == -ENAMETOOLONG ? -EINVAL : (int)length;
	if (length == 0)
		return -EINVAL;
	return type[0] == '.' ? -EPERM : 0;
}

int keys_copy_text(char **out, uaddr_t from, size_t size)
{
	char *text = kmalloc(size);
	ssize_t length;

	*out = NULL;
	if (!text)
		return -ENOMEM;
	length = strncpy_from_user(text, from, size);
	if (length < 0) {
		kfree(text);
		return length == -ENAMETOOLONG ? -EINVAL : (int)length;
	}
	*out = text;
	return 0;
}

static int copy_contents(struct key_contents *out, uaddr_t from, size_t size)
{
	*out = (struct key_contents){ .size = size };
	if (size == 0)
		return 0;
	out->data = kmalloc(size);
	if (!out->data)
		return -ENOMEM;
	return copy_from_user(out->data, from, size);
}

/* What the key did not take. */
static void drop_contents(struct key_contents *contents)
{
	key_wipe(contents->data, contents->size);
}

int64_t key_add(uaddr_t type_from, uaddr_t description_from, uaddr_t payload, size_t size, int32_t keyring)
{
	char type[KEY_TYPE_MAX], *description = NULL;
	struct key_contents contents = { 0 };
	int64_t result;

	if (size > PAYLOAD_MAX)
		return -EINVAL;
	result = keys_copy_type(type, type_from);
	if (result == 0 && description_from)
		result = keys_copy_text(&description, description_from, KEY_DESCRIPTION_MAX);
	/* Keyrings of such names are the kernel's own. */
	if (result == 0 && description && description[0] == '.' && strncmp(type, "keyring", 7) == 0)
		result = -EPERM;
	if (result == 0)
		result = copy_contents(&contents, payload, size);
	if (result == 0)
		result = keys_enter();
	if (result == 0) {
		result = add_key(type, description ? description : "", &contents, keyring);
		keys_leave();
	}
	drop_contents(&contents);
	kfree(description);
	return result;
}

int64_t key_request(uaddr_t type_from, uaddr_t description_from, uaddr_t callout_from, int32_t keyring)
{
	char type[KEY_TYPE_MAX], *description = NULL, *callout = NULL;
	int64_t result = keys_copy_type(type, type_from);

	if (result == 0)
		result = keys_copy_text(&description, description_from, KEY_DESCRIPTION_MAX);
	if (result == 0 && callout_from)
		result = keys_copy_text(&callout, callout_from, PAGE_SIZE);
	if (result == 0)
		result = keys_enter();
	if (result == 0) {
		result = request_key(type, description, callout_from != 0, keyring);
		keys_leave();
	}
	kfree(callout);
	kfree(description);
	return result;
}

int64_t keyctl_update(int32_t id, uaddr_t from, size_t size)
{
	struct key_contents contents;
	int64_t result;

	if (size > PAGE_SIZE)
		return -EINVAL;
	result = copy_contents(&contents, from, size);
	if (result == 0)
		result = keys_enter();
	if (result == 0) {
		result = update_key(id, &contents);
		keys_leave();
	}
	drop_contents(&contents);
	return result;
}

int64_t keyctl_join(uaddr_t name_from)
{
	char *name = NULL;
	int64_t result = name_from ? keys_copy_text(&name, name_from, KEY_DESCRIPTION_MAX) : 0;

	if (result == 0 && name && name[0] == '.')
		result = -EPERM;
	if (result == 0)
		result = keys_enter();
	if (result == 0) {
		result = session_join(name);
		keys_leave();
	}
	kfree(name);
	return result;
}

static int64_t search(int32_t keyring, const char *type_name, const char *description, int32_t destination)
{
	struct key_name name = { .length = strlen(description), .text = description };
	struct key_ref ring, into = { 0 }, found;
	const struct key_type *type;
	int err = key_lookup(keyring, 0, KEY_SEARCH, &ring);

	if (err == 0 && destination)
		err = key_lookup(destination, LOOKUP_CREATE, KEY_WRITE, &into);
	if (err < 0)
		return err;
	type = key_type_find(type_name);
	if (!type)
		return -ENOKEY;
	name.type = type->number;
	err = keyring_search(ring, &name, SEARCH_NESTED | SEARCH_STATE, &found);
	if (err == 0 && into.key)
		err = key_permission(found, KEY_LINK);
	if (err == 0 && into.key)
		err = keyring_link(into.key, found.key);
	if (err < 0)
		return err == -EAGAIN ? -ENOKEY : err;
	return found.key->serial;
}

int64_t keyctl_search(int32_t keyring, uaddr_t type_from, uaddr_t description_from, int32_t destination)
{
	char type[KEY_TYPE_MAX], *description = NULL;
	int64_t result = keys_copy_type(type, type_from);

	if (result == 0)
		result = keys_copy_text(&description, description_from, KEY_DESCRIPTION_MAX);
	if (result == 0)
		result = keys_enter();
	if (result == 0) {
		result = search(keyring, type, description, destination);
		keys_leave();
	}
	kfree(description);
	return result;
}

static int restrict_keyring(int32_t id, const char *type)
{
	struct key_ref ring;
	int err = key_lookup(id, 0, KEY_SETATTR, &ring);

	if (err < 0)
		return err;
	if (!is_keyring(ring.key))
		return -ENOTDIR;
	/* No type here knows how to judge by contents what may be linked. */
	if (type)
		return key_type_find(type) ? -ENOENT : -ENOKEY;
	if (ring.key->restricted)
		return -EEXIST;
	ring.key->restricted = true;
	return 0;
}

int64_t keyctl_restrict(int32_t id, uaddr_t type_from, uaddr_t restriction_from)
{
	char type[KEY_TYPE_MAX], *restriction = NULL;
	int64_t result;

	if (!type_from != !restriction_from)
		return -EINVAL;
	result = type_from ? keys_copy_type(type, type_from) : 0;
	if (result == 0 && restriction_from)
		result = keys_copy_text(&restriction, restriction_from, PAGE_SIZE);
	if (result == 0)
		result = keys_enter();
	if (result == 0) {
		result = restrict_keyring(id, type_from ? type : NULL);
		keys_leave();
	}
	kfree(restriction);
	return result;
}
