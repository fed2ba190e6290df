/* SPDX-License-Identifier: BSD-2-Clause */
#include "unix_names.h"

#include <kernel/string.h>

void unix_names_init(struct unix_names *names, uint32_t seed)
{
	for (uint32_t i = 0; i < UNIX_NAMES_BUCKETS; i++)
		list_init(&names->buckets[i]);
	names->seed = seed;
}

/* FNV-1a, begun with a number that nobody knows. */
static uint32_t hash(uint32_t h, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 16777619u;
	return h ^ h >> 15;
}

static uint32_t bucket_of(const struct unix_names *names, const struct unix_key *key)
{
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): the pointer itself is hashed */
	uint32_t h = key->vnode ? hash(names->seed, (const uint8_t *)&key->vnode, sizeof(key->vnode))
				: hash(names->seed + key->type, key->bytes, key->length);

	return h % UNIX_NAMES_BUCKETS;
}

static bool same(const struct unix_key *a, const struct unix_key *b)
{
	if (a->vnode || b->vnode)
		return a->vnode == b->vnode;
	return a->type == b->type && a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

struct unix_entry *unix_names_find(const struct unix_names *names, const struct unix_key *key)
{
	const struct list *bucket = &names->buckets[bucket_of(names, key)];
	struct unix_entry *entry;

	list_for_each (entry, bucket, link)
		if (same(&entry->key, key))
			return entry;
	return NULL;
}

void unix_names_add(struct unix_names *names, struct unix_entry *entry)
{
	list_add_head(&names->buckets[bucket_of(names, &entry->key)], &entry->link);
}

void unix_names_remove(struct unix_entry *entry)
{
	list_del(&entry->link);
}
