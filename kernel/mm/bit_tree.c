/* SPDX-License-Identifier: BSD-2-Clause */
#include "bit_tree.h"

#include <kernel/assert.h>
#include <kernel/bitmap.h>
#include <kernel/string.h>

#define WORD_BITS 64

/* Compiles to TZCNT's encoding, which processors without it execute as BSF: the same for non-zero words. */
static inline size_t lowest_bit(uint64_t word)
{
	return (size_t)__builtin_ctzll(word);
}

size_t bit_tree_words(size_t bits)
{
	size_t words = 0, n = bits;

	do {
		n = BITMAP_WORDS(n);
		words += n;
	} while (n > 1);
	return words;
}

void bit_tree_init(struct bit_tree *tree, size_t bits, uint64_t *memory)
{
	size_t words = bits;

	ASSERT(bits > 0);
	memset(memory, 0, bit_tree_words(bits) * sizeof(uint64_t));
	tree->levels = 0;
	do {
		ASSERT(tree->levels < BIT_TREE_LEVELS);
		words = BITMAP_WORDS(words);
		tree->words[tree->levels] = words;
		tree->level[tree->levels++] = memory;
		memory += words;
	} while (words > 1);
}

bool bit_tree_has(const struct bit_tree *tree, size_t number)
{
	return bitmap_test(tree->level[0], number);
}

void bit_tree_add(struct bit_tree *tree, size_t number)
{
	for (unsigned level = 0; level < tree->levels; level++) {
		uint64_t *word = &tree->level[level][number / WORD_BITS], before = *word;

		*word |= 1ull << number % WORD_BITS;
		if (before)
			return;
		number /= WORD_BITS;
	}
}

void bit_tree_remove(struct bit_tree *tree, size_t number)
{
	for (unsigned level = 0; level < tree->levels; level++) {
		uint64_t *word = &tree->level[level][number / WORD_BITS];

		*word &= ~(1ull << number % WORD_BITS);
		if (*word)
			return;
		number /= WORD_BITS;
	}
}

/* The first set bit of a level at or after pos: in pos's own word, or found through the level above. */
static size_t next_set(const struct bit_tree *tree, unsigned level, size_t pos)
{
	size_t word = pos / WORD_BITS;
	uint64_t rest;

	if (word >= tree->words[level])
		return BIT_TREE_NONE;
	rest = tree->level[level][word] & (~0ull << pos % WORD_BITS);
	if (rest)
		return word * WORD_BITS + lowest_bit(rest);
	if (level + 1 == tree->levels)
		return BIT_TREE_NONE;
	word = next_set(tree, level + 1, word + 1);
	if (word == BIT_TREE_NONE)
		return BIT_TREE_NONE;
	return word * WORD_BITS + lowest_bit(tree->level[level][word]);
}

size_t bit_tree_next(const struct bit_tree *tree, size_t from)
{
	return next_set(tree, 0, from);
}
