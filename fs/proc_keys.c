/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/keys, /proc/key-users and the limits below /proc/sys/kernel/keys, in Linux's columns. */
#include "proc_priv.h"

#include <kernel/format.h>
#include <kernel/keys.h>
#include <kernel/string.h>

#define NO_ID       UINT32_MAX
#define NO_ID_SHOWN 65534u

/* At most four characters of how long it lives. */
static void time_left(const struct key_view *key, char *buf, size_t size)
{
	static const struct {
		uint64_t seconds;
		char name;
	} units[] = { { 7 * 24 * 3600, 'w' }, { 24 * 3600, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	if (key->seconds_left == UINT64_MAX || key->seconds_left == 0) {
		strlcpy(buf, key->seconds_left ? "perm" : "expd", size);
		return;
	}
	while (key->seconds_left < units[i].seconds)
		i++;
	snprintf(buf, size, "%lu%c", key->seconds_left / units[i].seconds, units[i].name);
}

static void emit_key(void *arg, const struct key_view *key)
{
	struct proc_text *t = arg;
	char left[24];

	time_left(key, left, sizeof(left));
	text_printf(t, "%08x I%c-%c-%c%c %5u %4s %08x %5u %5u %-9.9s %s", (uint32_t)key->serial,
		    key->revoked ? 'R' : '-', key->in_quota ? 'Q' : '-', key->negative ? 'N' : '-',
		    key->invalidated ? 'i' : '-', key->refs, left, key->perm, key->uid,
		    key->gid == NO_ID ? NO_ID_SHOWN : key->gid, key->type, key->description);
	if (key->keyring && key->size == 0)
		text_printf(t, ": empty");
	else if (key->size >= 0)
		text_printf(t, ": %ld", key->size);
	text_printf(t, "\n");
}

int proc_show_keys(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	keys_list(emit_key, t);
	return 0;
}

static void emit_user(void *arg, const struct key_user_view *user)
{
	text_printf(arg, "%5u: %5u %u/%u %u/%u %u/%u\n", user->uid, user->refs, user->keys, user->keys,
		    user->quota_keys, user->max_keys, user->quota_bytes, user->max_bytes);
}

int proc_show_key_users(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	key_users_list(emit_user, t);
	return 0;
}

static const struct limit {
	const char *name;
	_Atomic uint32_t *value;
} limits[] = {
	{ "gc_delay", &key_limits.gc_delay },
	{ "maxbytes", &key_limits.maxbytes },
	{ "maxkeys", &key_limits.maxkeys },
	{ "persistent_keyring_expiry", &key_limits.persistent_expiry },
	{ "root_maxbytes", &key_limits.root_maxbytes },
	{ "root_maxkeys", &key_limits.root_maxkeys },
};

static const struct limit *limit_of(const struct proc_node *node)
{
	const struct limit *l = limits;

	while (strcmp(l->name, node->entry->name) != 0)
		l++;
	return l;
}

static int show(struct proc_text *t, const struct proc_node *node)
{
	text_printf(t, "%u\n", atomic_load(limit_of(node)->value));
	return 0;
}

static int store(const struct proc_node *node, const char *text, size_t len)
{
	int64_t value;

	(void)len;
	if (proc_parse_signed(text, &value) < 0 || value < 0 || value > INT32_MAX)
		return -EINVAL;
	atomic_store(limit_of(node)->value, (uint32_t)value);
	keys_collect_soon();
	return 0;
}

#define LIMIT(n)                                                                  \
	{                                                                         \
		.name = (n), .mode = S_IFREG | 0644, .show = show, .store = store \
	}

const struct proc_entry proc_sys_keys_entries[PROC_SYS_KEYS_COUNT] = {
	LIMIT("gc_delay"),      LIMIT("maxbytes"),     LIMIT("maxkeys"), LIMIT("persistent_keyring_expiry"),
	LIMIT("root_maxbytes"), LIMIT("root_maxkeys"),
};
