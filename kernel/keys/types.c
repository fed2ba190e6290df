/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of keys that there are. */
#include <kernel/string.h>

#include "keys_priv.h"

#define SMALL_PAYLOAD_MAX 32767

/* "service:name", for the kernel's own services. */
static bool has_service(const char *description)
{
	const char *colon = strchr(description, ':');

	return colon && colon != description;
}

const struct key_type keyring_type = {
	.name = "keyring",
	.number = KEY_TYPE_KEYRING,
	.readable = true,
};

static const struct key_type user_type = {
	.name = "user",
	.number = 1,
	.size_min = 1,
	.size_max = SMALL_PAYLOAD_MAX,
	.readable = true,
	.updatable = true,
};

static const struct key_type logon_type = {
	.name = "logon",
	.number = 2,
	.size_min = 1,
	.size_max = SMALL_PAYLOAD_MAX,
	.updatable = true,
	.describes = has_service,
};

const struct key_type *key_type_find(const char *name)
{
	static const struct key_type *const types[] = { &keyring_type, &user_type, &logon_type };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i]->name, name) == 0)
			return types[i];
	return NULL;
}

uint32_t key_default_perm(const struct key_type *type)
{
	uint32_t possessor = KEY_VIEW | KEY_SEARCH | KEY_LINK | KEY_SETATTR;

	if (type->readable)
		possessor |= KEY_READ;
	if (type == &keyring_type || type->updatable)
		possessor |= KEY_WRITE;
	return KEY_POS(possessor) | KEY_USR(KEY_VIEW);
}
