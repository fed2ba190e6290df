/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc/keys shows. */
#include <serix/errno.h>

#include "keys_priv.h"

static bool may_view(struct key *key)
{
	struct key_ref ref = { key, (key->perm & KEY_POS(KEY_VIEW)) && key_possessed(key) };

	return key_permission(ref, KEY_VIEW) == 0;
}

static uint64_t seconds_left(const struct key *key)
{
	int64_t now = keys_now();

	if (key->expires == KEY_NEVER)
		return UINT64_MAX;
	return key->expires > now ? (uint64_t)(key->expires - now) : 0;
}

static struct key_view view_of(const struct key *key)
{
	return (struct key_view){ .serial = key->serial,
				  .refs = key->refs,
				  .perm = key->perm,
				  .uid = key->uid,
				  .gid = key->gid,
				  .revoked = key->revoked,
				  .in_quota = key->in_quota,
				  .negative = key->error != 0,
				  .invalidated = key->invalidated,
				  .seconds_left = seconds_left(key),
				  .type = key->type->name,
				  .description = key->name.text,
				  .size = key->error        ? -1
					  : is_keyring(key) ? key->links.count
							    : (int64_t)key->size,
				  .keyring = is_keyring(key) };
}

void keys_list(void (*emit)(void *arg, const struct key_view *view), void *arg)
{
	struct key *key;

	if (keys_enter() < 0)
		return;
	for (key = key_next(1); key; key = key_next(key->serial + 1)) {
		if (may_view(key)) {
			struct key_view view = view_of(key);

			emit(arg, &view);
		}
		if (key->serial == INT32_MAX)
			break;
	}
	keys_leave();
}
