/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules.h"

#include <kernel/string.h>
#include <serix/errno.h>

/* --- tables ------------------------------------------------------------------------------------------- */

static int compare(const struct landlock_rule *r, const struct landlock_key *key, uint32_t layer)
{
	if (r->key.fs != key->fs)
		return r->key.fs < key->fs ? -1 : 1;
	if (r->key.file != key->file)
		return r->key.file < key->file ? -1 : 1;
	return r->layer == layer ? 0 : r->layer < layer ? -1 : 1;
}

/* The first rule that does not come before that. */
static uint32_t lower_bound(const struct landlock_table *t, const struct landlock_key *key, uint32_t layer)
{
	uint32_t low = 0, high = t->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare(&t->rules[middle], key, layer) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct landlock_rule *landlock_table_find(const struct landlock_table *t, const struct landlock_key *key,
					  uint32_t layer, uint32_t *at)
{
	*at = lower_bound(t, key, layer);
	return *at < t->count && compare(&t->rules[*at], key, layer) == 0 ? &t->rules[*at] : NULL;
}

void landlock_table_insert(struct landlock_table *t, uint32_t at, const struct landlock_rule *rule)
{
	memmove(&t->rules[at + 1], &t->rules[at], (t->count - at) * sizeof(*rule));
	t->rules[at] = *rule;
	t->count++;
}

void landlock_table_merge(const struct landlock_table *outer, const struct landlock_table *inner,
			  struct landlock_table *out)
{
	uint32_t layer = outer ? outer->layers : 0, count = outer ? outer->count : 0, i = 0;
	struct landlock_rule *to = out->rules;

	for (uint32_t j = 0; j < inner->count; j++) {
		const struct landlock_rule *r = &inner->rules[j];

		while (i < count && compare(&outer->rules[i], &r->key, layer) < 0)
			*to++ = outer->rules[i++];
		*to++ = (struct landlock_rule){ r->key, (uint16_t)layer, r->rights };
	}
	while (i < count)
		*to++ = outer->rules[i++];
	out->count = (uint32_t)(to - out->rules);
	out->layers = layer + 1;
	for (uint32_t l = 0; l < layer; l++)
		out->handled[l] = outer->handled[l];
	out->handled[layer] = inner->handled[0];
}

/* --- what is left to be granted ------------------------------------------------------------------------ */

/* All layers that handle any of the rights.  REFER every layer does. */
static void leave(const struct landlock_table *t, uint16_t rights, struct landlock_left *left)
{
	memset(left, 0, sizeof(*left));
	for (uint32_t layer = 0; layer < t->layers; layer++) {
		unsigned denied = rights & (t->handled[layer] | LANDLOCK_ACCESS_FS_REFER);

		for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++)
			if (denied >> right & 1)
				left->layers[right] |= (uint16_t)(1u << layer);
	}
}

static bool is_left(const struct landlock_left *left, unsigned rights)
{
	for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++)
		if ((rights >> right & 1) && left->layers[right])
			return true;
	return false;
}

static void grant(const struct landlock_rule *r, struct landlock_left *left)
{
	for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++)
		if (r->rights >> right & 1)
			left->layers[right] &= (uint16_t) ~(1u << r->layer);
}

/* What the rules of one file grant. */
static void grant_all(const struct landlock_table *t, const struct landlock_key *key,
		      struct landlock_left *left, struct landlock_left *other)
{
	for (uint32_t i = lower_bound(t, key, 0); i < t->count; i++) {
		const struct landlock_rule *r = &t->rules[i];

		if (r->key.fs != key->fs || r->key.file != key->file)
			return;
		grant(r, left);
		if (other)
			grant(r, other);
	}
}

/* --- checks ------------------------------------------------------------------------------------------- */

bool landlock_check_begin(struct landlock_check *c, const struct landlock_table *domain, uint16_t wanted)
{
	*c = (struct landlock_check){ .domain = domain, .wanted = { wanted, 0 } };
	leave(domain, wanted, &c->left[0]);
	return !is_left(&c->left[0], wanted);
}

void landlock_check_begin_move(struct landlock_check *c, const struct landlock_table *domain, uint16_t from,
			       uint16_t to)
{
	*c = (struct landlock_check){
		.domain = domain,
		.wanted = { from | LANDLOCK_ACCESS_FS_REFER, to | LANDLOCK_ACCESS_FS_REFER },
		.comparing = true,
	};
	leave(domain, LANDLOCK_ACCESS_FS_ALL, &c->left[0]);
	c->left[1] = c->left[0];
}

bool landlock_check_parent(struct landlock_check *c, unsigned side, const struct landlock_key *key)
{
	grant_all(c->domain, key, &c->left[side], NULL);
	return !is_left(&c->left[side], LANDLOCK_ACCESS_FS_ALL);
}

void landlock_check_child(struct landlock_check *c, unsigned side, const struct landlock_key *key,
			  bool directory)
{
	struct landlock_child *child = &c->child[side];

	leave(c->domain, LANDLOCK_ACCESS_FS_ALL, &child->left);
	grant_all(c->domain, key, &child->left, NULL);
	child->directory = directory;
	c->exchange |= side == 1;
}

bool landlock_check_moves_freely(const struct landlock_check *c)
{
	return !is_left(&c->left[0], LANDLOCK_ACCESS_FS_ALL) && !is_left(&c->left[1], LANDLOCK_ACCESS_FS_ALL);
}

/* Would there be a layer that grants something to the child where it gets to, which it was denied? */
static bool child_gains(const struct landlock_child *child, const struct landlock_left *from,
			const struct landlock_left *to)
{
	for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++) {
		if (!child->directory && !(LANDLOCK_ACCESS_FS_FILES >> right & 1))
			continue;
		if (from->layers[right] & child->left.layers[right] & ~to->layers[right])
			return true;
	}
	return false;
}

static bool something_gains(const struct landlock_check *c)
{
	return child_gains(&c->child[0], &c->left[0], &c->left[1]) ||
	       (c->exchange && child_gains(&c->child[1], &c->left[1], &c->left[0]));
}

/* Nothing is gained by the move: from here on only what it takes counts. */
static void stop_comparing(struct landlock_check *c)
{
	c->comparing = false;
	for (unsigned side = 0; side < 2; side++)
		for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++)
			if (!(c->wanted[side] >> right & 1))
				c->left[side].layers[right] = 0;
}

bool landlock_check_step(struct landlock_check *c, const struct landlock_key *key)
{
	if (c->comparing && !something_gains(c)) {
		stop_comparing(c);
		if (landlock_check_moves_freely(c))
			return true;
	}
	grant_all(c->domain, key, &c->left[0], &c->left[1]);
	return landlock_check_moves_freely(c);
}

int landlock_check_error(const struct landlock_check *c)
{
	const unsigned but_refer = ~LANDLOCK_ACCESS_FS_REFER;

	return is_left(&c->left[0], c->wanted[0] & but_refer) ||
			       is_left(&c->left[1], c->wanted[1] & but_refer)
		       ? -EACCES
		       : -EXDEV;
}
