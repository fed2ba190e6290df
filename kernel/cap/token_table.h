/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which ids may be imported: a hash table that grows and shrinks by a bucket at a time, so that no call ever
 * waits for a rehash (W.  Litwin, "Linear hashing", 1980).  The hash is keyed and of the whole id, and a
 * look-up compares all of a bucket in the same time whatever is there: how long one takes says nothing about
 * ids.
 *
 * Pure: also built on the host.  The caller brings memory and has the lock.
 */
#pragma once

#include <kernel/cap.h>

struct token {
	struct token *next;
	uint64_t hash;
	struct cap_id id;
	struct capability *cap;
};

#define TOKEN_SEGMENT  512u /* buckets that come and go together: a page */
#define TOKEN_SEGMENTS 512u

struct token_table {
	uint64_t key[2];
	uint32_t buckets;
	uint64_t count;
	struct token **segments[TOKEN_SEGMENTS];
};

/* With the first segment, which stays.  Segments are TOKEN_SEGMENT pointers, NULL. */
void token_table_init(struct token_table *t, const uint64_t key[2], struct token **segment);
/* Another one of the same number of tokens would not find its bucket's segment: give one. */
bool token_table_wants_segment(const struct token_table *t);
void token_table_give_segment(struct token_table *t, struct token **segment);

/* `token` has its id, which is not in the table, and its capability. */
void token_table_insert(struct token_table *t, struct token *token);
/* NULL: no such. */
struct token *token_table_find(const struct token_table *t, const struct cap_id *id);
/* Take it out.  NULL: it was not there.  *segment is set to one that the caller frees, or NULL. */
struct token *token_table_remove(struct token_table *t, const struct cap_id *id, struct token ***segment);
