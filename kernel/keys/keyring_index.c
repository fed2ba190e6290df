/* SPDX-License-Identifier: BSD-2-Clause */
#include "keyring_index.h"

#include <kernel/assert.h>
#include <kernel/string.h>

int key_name_compare(const struct key_name *a, const struct key_name *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->text, b->text, a->length);
}

static struct keyring_entry *entry_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct keyring_entry, node) : NULL;
}

struct keyring_entry *keyring_index_find(const struct keyring_index *index, const struct key_name *name)
{
	struct rb_node *node = index->tree.root;

	while (node) {
		int order = key_name_compare(name, entry_of(node)->name);

		if (order == 0)
			break;
		node = order < 0 ? node->left : node->right;
	}
	return entry_of(node);
}

void keyring_index_add(struct keyring_index *index, struct keyring_entry *entry)
{
	struct rb_node **link = &index->tree.root, *parent = NULL;

	while (*link) {
		int order = key_name_compare(entry->name, entry_of(*link)->name);

		ASSERT(order != 0);
		parent = *link;
		link = order < 0 ? &parent->left : &parent->right;
	}
	rb_insert(&index->tree, &entry->node, parent, link);
	index->count++;
}

void keyring_index_remove(struct keyring_index *index, struct keyring_entry *entry)
{
	rb_erase(&index->tree, &entry->node);
	index->count--;
}

struct keyring_entry *keyring_index_first(const struct keyring_index *index)
{
	return entry_of(rb_first(&index->tree));
}

struct keyring_entry *keyring_index_next(const struct keyring_entry *entry)
{
	return entry_of(rb_next(&entry->node));
}
