/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of small numbers as a hierarchical bitmap.  Level 0 has one bit per number; a bit of level n+1 says
 * whether the 64-bit word below it has any bit set.  The top level is one word, so the lowest member at or
 * after a number is found by counting trailing zeros once per level.
 *
 * Pure: no lock, no allocation.  The caller provides both.
 */
#pragma once

#include <kernel/compiler.h>

#define BIT_TREE_LEVELS 5 /* 64^5 numbers: as 2 MiB blocks, all that a processor can address */
#define BIT_TREE_NONE   ((size_t)-1)

struct bit_tree {
	unsigned levels;
	size_t words[BIT_TREE_LEVELS];
	uint64_t *level[BIT_TREE_LEVELS];
};

/* Words of memory that a set of numbers below `bits` needs. */
size_t bit_tree_words(size_t bits);
/* Lay an empty set out in `memory`, bit_tree_words() long. */
void bit_tree_init(struct bit_tree *tree, size_t bits, uint64_t *memory);

void bit_tree_add(struct bit_tree *tree, size_t number);
void bit_tree_remove(struct bit_tree *tree, size_t number);
bool bit_tree_has(const struct bit_tree *tree, size_t number);
/* The first member at or after `from`, or BIT_TREE_NONE. */
size_t bit_tree_next(const struct bit_tree *tree, size_t from);
