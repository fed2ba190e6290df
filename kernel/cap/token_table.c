/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * With n buckets, 2^k <= n < 2^(k+1), an element is in bucket h mod 2^(k+1) if there is one of that number,
 * else in h mod 2^k.  Bucket n comes to be by taking its elements out of bucket n - 2^k, and goes by giving
 * them back.
 */
#include "token_table.h"

#include <kernel/compiler.h>
#include <kernel/siphash.h>

#define BUCKETS_MAX (TOKEN_SEGMENT * TOKEN_SEGMENTS)

static struct token **bucket_at(const struct token_table *t, uint32_t number)
{
	return &t->segments[number / TOKEN_SEGMENT][number % TOKEN_SEGMENT];
}

/* The largest power of two <= n. */
static uint32_t power_below(uint32_t n)
{
	return 1u << (31 - __builtin_clz(n));
}

static struct token **bucket_of(const struct token_table *t, uint64_t hash)
{
	uint32_t power = power_below(t->buckets), number = (uint32_t)hash & (2 * power - 1);

	return bucket_at(t, number < t->buckets ? number : number & (power - 1));
}

static uint64_t hash_of(const struct token_table *t, const struct cap_id *id)
{
	return siphash_128(t->key, id->lo, id->hi);
}

void token_table_init(struct token_table *t, const uint64_t key[2], struct token **segment)
{
	*t = (struct token_table){
		.key = { key[0], key[1] },
		.buckets = TOKEN_SEGMENT,
		.segments = { segment },
	};
}

static bool is_full(const struct token_table *t)
{
	return t->count >= t->buckets && t->buckets < BUCKETS_MAX;
}

bool token_table_wants_segment(const struct token_table *t)
{
	return is_full(t) && !t->segments[t->buckets / TOKEN_SEGMENT];
}

void token_table_give_segment(struct token_table *t, struct token **segment)
{
	t->segments[t->buckets / TOKEN_SEGMENT] = segment;
}

/* One bucket more.  Without memory for it there is none, and the others grow longer. */
static void grow(struct token_table *t)
{
	uint32_t power = power_below(t->buckets);
	struct token **from, **to;

	if (token_table_wants_segment(t))
		return;
	from = bucket_at(t, t->buckets - power);
	to = bucket_at(t, t->buckets);
	t->buckets++;
	while (*from) {
		struct token *token = *from;

		if (token->hash & power) {
			*from = token->next;
			token->next = *to;
			*to = token;
		} else {
			from = &token->next;
		}
	}
}

/* One bucket less.  The segment that is empty then, or NULL. */
static struct token **shrink(struct token_table *t)
{
	uint32_t last = --t->buckets;
	struct token **from = bucket_at(t, last), **to = bucket_at(t, last - power_below(last));
	struct token **segment = NULL;

	while (*to)
		to = &(*to)->next;
	*to = *from;
	*from = NULL;
	if (last % TOKEN_SEGMENT == 0) {
		segment = t->segments[last / TOKEN_SEGMENT];
		t->segments[last / TOKEN_SEGMENT] = NULL;
	}
	return segment;
}

void token_table_insert(struct token_table *t, struct token *token)
{
	struct token **bucket;

	if (is_full(t))
		grow(t);
	token->hash = hash_of(t, &token->id);
	bucket = bucket_of(t, token->hash);
	token->next = *bucket;
	*bucket = token;
	t->count++;
}

/* All ones if they are the same, else 0.  The compiler must not make a branch of it. */
static uintptr_t same_mask(const struct cap_id *a, const struct cap_id *b)
{
	uint64_t difference = (a->lo ^ b->lo) | (a->hi ^ b->hi);
	uintptr_t mask = ((difference | -difference) >> 63) - 1;

	__asm__("" : "+r"(mask));
	return mask;
}

struct token *token_table_find(const struct token_table *t, const struct cap_id *id)
{
	uintptr_t found = 0;

	for (struct token *token = *bucket_of(t, hash_of(t, id)); token; token = token->next)
		found |= (uintptr_t)token & same_mask(&token->id, id);
	return (struct token *)found;
}

struct token *token_table_remove(struct token_table *t, const struct cap_id *id, struct token ***segment)
{
	struct token **at = bucket_of(t, hash_of(t, id)), *token = *at;

	*segment = NULL;
	while (token && !same_mask(&token->id, id)) {
		at = &token->next;
		token = *at;
	}
	if (!token)
		return NULL;
	*at = token->next;
	t->count--;
	if (t->buckets > TOKEN_SEGMENT && t->count < t->buckets / 4)
		*segment = shrink(t);
	return token;
}
