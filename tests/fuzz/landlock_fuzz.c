/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: fs/landlock/rules.c */
/* Any rulesets, one inside of the other, beside a plain array of who grants what: both say the same of every
 * way, and what a move takes nobody has afterwards who had not before. */
#include <stdlib.h>
#include <string.h>

#include "../../fs/landlock/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILES 16 /* file n > 0 is in file (n - 1) / 2: a tree */
#define ALL   LANDLOCK_ACCESS_FS_ALL

struct model {
	unsigned layers;
	uint16_t handled[LANDLOCK_LAYERS_MAX], grants[LANDLOCK_LAYERS_MAX][FILES];
};

static void need(bool holds)
{
	if (!holds)
		abort();
}

static struct landlock_key key_of(unsigned file)
{
	return (struct landlock_key){ file % 3, file * 7919u % 31 };
}

static void add(struct landlock_table *t, unsigned file, uint16_t rights)
{
	struct landlock_rule rule = { key_of(file), 0, rights };
	uint32_t at;
	struct landlock_rule *old = landlock_table_find(t, &rule.key, 0, &at);

	if (old)
		old->rights |= rights;
	else
		landlock_table_insert(t, at, &rule);
}

/* What the model says of `rights` at a file. */
static bool allows(const struct model *m, unsigned file, uint16_t rights)
{
	for (unsigned layer = 0; layer < m->layers; layer++) {
		unsigned granted = m->grants[layer][0];

		for (unsigned f = file; f > 0; f = (f - 1) / 2)
			granted |= m->grants[layer][f];
		if (rights & (m->handled[layer] | LANDLOCK_ACCESS_FS_REFER) & ~granted)
			return false;
	}
	return true;
}

static bool table_allows(const struct landlock_table *t, unsigned file, uint16_t rights)
{
	struct landlock_check c;

	if (landlock_check_begin(&c, t, rights))
		return true;
	for (;; file = (file - 1) / 2) {
		struct landlock_key key = key_of(file);

		if (landlock_check_step(&c, &key))
			return true;
		if (file == 0)
			break;
	}
	need(landlock_check_error(&c) < 0);
	return false;
}

static void climb(struct landlock_check *c, unsigned side, unsigned file)
{
	for (;; file = (file - 1) / 2) {
		struct landlock_key key = key_of(file);

		if (landlock_check_parent(c, side, &key) || file == 0)
			return;
	}
}

/* The rights of the child where it gets to, beyond which it has had its own and its old directory's. */
static void move(const struct landlock_table *t, const struct model *m, unsigned child, unsigned to)
{
	unsigned from = (child - 1) / 2;
	struct landlock_key key = key_of(child), top = key_of(0);
	struct landlock_check c;

	landlock_check_begin_move(&c, t, 0, 0);
	climb(&c, 0, from);
	climb(&c, 1, to);
	landlock_check_child(&c, 0, &key, true);
	if (!landlock_check_moves_freely(&c) && !landlock_check_step(&c, &top))
		return;
	need(allows(m, from, LANDLOCK_ACCESS_FS_REFER) && allows(m, to, LANDLOCK_ACCESS_FS_REFER));
	for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++)
		need(allows(m, child, (uint16_t)(1u << right)) || !allows(m, to, (uint16_t)(1u << right)));
}

/* One layer more: which rights it handles, and a rule for each following pair of bytes. */
static size_t add_layer(struct landlock_table *t, struct model *m, const uint8_t *data, size_t size)
{
	static struct landlock_rule rules[2][FILES * LANDLOCK_LAYERS_MAX], own[FILES];
	struct landlock_table ruleset = { .layers = 1, .rules = own },
			      next = { .rules = rules[m->layers % 2] };
	size_t count = data[2] % 8, used = 3;
	unsigned layer = m->layers++;

	ruleset.handled[0] = m->handled[layer] = (uint16_t)((data[0] | data[1] << 8) & ALL);
	for (; count > 0 && used + 3 <= size; count--, used += 3) {
		uint16_t rights = (uint16_t)((data[used + 1] | data[used + 2] << 8) & m->handled[layer]);

		add(&ruleset, data[used] % FILES, rights);
		m->grants[layer][data[used] % FILES] |= rights;
	}
	landlock_table_merge(layer ? t : NULL, &ruleset, &next);
	*t = next;
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct landlock_table t = { 0 };
	struct model m = { 0 };

	while (size >= 3 && m.layers < LANDLOCK_LAYERS_MAX) {
		size_t used = add_layer(&t, &m, data, size);

		data += used;
		size -= used;
	}
	need(t.layers == m.layers);
	for (unsigned file = 0; file < FILES; file++) {
		for (unsigned right = 0; right < LANDLOCK_RIGHTS; right++)
			need(table_allows(&t, file, (uint16_t)(1u << right)) ==
			     allows(&m, file, (uint16_t)(1u << right)));
		need(table_allows(&t, file, ALL) == allows(&m, file, ALL));
	}
	for (unsigned child = 1; child < FILES; child++)
		for (unsigned to = 0; to < FILES; to++)
			move(&t, &m, child, to);
	return 0;
}
