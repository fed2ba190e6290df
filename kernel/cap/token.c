/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids as bearer tokens.  An exported capability's id is in the table; whoever brings it gets a child.  It
 * leaves the table when the capability stops being live, and whoever comes in between finds that out by
 * looking at it.
 */
#include "cap_priv.h"

#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <serix/errno.h>

#include "token_table.h"

static struct spinlock token_lock = SPINLOCK_INIT("tokens", RANK_CAP_TOKEN);
static struct token_table tokens; /* [token_lock] */
static struct token *first_segment[TOKEN_SEGMENT];
static struct slab_cache *token_cache;

void cap_token_init(void)
{
	uint64_t key[2];

	random_bytes(key, sizeof(key));
	token_table_init(&tokens, key, first_segment);
	token_cache = slab_create("cap_token", sizeof(struct token), 0);
}

/* --- exporting -------------------------------------------------------------------------------------- */

/* Memory for the next bucket.  Without it the table works, with longer buckets. */
static void make_room(void)
{
	struct token **segment;
	bool wanted;

	spin_lock(&token_lock);
	wanted = token_table_wants_segment(&tokens);
	spin_unlock(&token_lock);
	if (!wanted)
		return;
	segment = kcalloc(TOKEN_SEGMENT, sizeof(struct token *));
	if (!segment)
		return;
	spin_lock(&token_lock);
	wanted = token_table_wants_segment(&tokens);
	if (wanted)
		token_table_give_segment(&tokens, segment);
	spin_unlock(&token_lock);
	if (!wanted)
		kfree(segment);
}

static int publish(struct capability *cap)
{
	struct token *token = slab_alloc(token_cache);
	bool was;

	if (!token)
		return -ENOMEM;
	*token = (struct token){ .id = cap_id(cap), .cap = cap };
	make_room();
	spin_lock(&token_lock);
	was = atomic_load_explicit(&cap->exported, memory_order_relaxed);
	if (!was) {
		token_table_insert(&tokens, token);
		atomic_store(&cap->exported, true);
	}
	spin_unlock(&token_lock);
	if (was)
		slab_free(token_cache, token);
	return 0;
}

int cap_export(struct cap_table *table, cap_handle_t handle, struct cap_id *out)
{
	struct capability *cap;
	int err = cap_use(table, handle, OBJECT_NONE, CAP_RIGHT_EXPORT, &cap);

	if (err < 0)
		return err;
	if (!atomic_load(&cap->exported))
		err = publish(cap);
	/* Whoever ends it looks at `exported` after changing the state, we the other way round: one of us
	 * sees it. */
	if (err == 0 && atomic_load(&cap->state) != CAP_LIVE) {
		cap_token_forget(cap);
		err = -EBADF;
	}
	if (err == 0)
		*out = cap_id(cap);
	cap_done(cap);
	return err;
}

void cap_token_forget(struct capability *cap)
{
	struct cap_id id = cap_id(cap);
	struct token *token, **segment;

	spin_lock(&token_lock);
	token = token_table_remove(&tokens, &id, &segment);
	atomic_store(&cap->exported, false);
	spin_unlock(&token_lock);
	kfree(segment);
	if (token)
		slab_free(token_cache, token);
}

/* --- importing -------------------------------------------------------------------------------------- */

/* The capability with that id, in use; NULL: none that is live. */
static struct capability *find(const struct cap_id *id)
{
	struct capability *cap = NULL;
	struct token *token;

	spin_lock(&token_lock);
	token = token_table_find(&tokens, id);
	if (token && cap_get_unless_gone(token->cap))
		cap = token->cap;
	spin_unlock(&token_lock);
	if (cap && (atomic_load(&cap->state) != CAP_LIVE || cap_is_expired(cap))) {
		cap_done(cap);
		cap = NULL;
	}
	return cap;
}

/* 0, or -EINTR. */
static int wait_for_turn(struct cap_table *table)
{
	for (;;) {
		uint64_t until;
		int err;

		spin_lock(&table->lock);
		until = cap_guess_turn(&table->guesses, time_now_ns());
		spin_unlock(&table->lock);
		if (until == 0)
			return 0;
		err = sleep_until(until, true);
		if (err < 0)
			return err;
	}
}

static void punish(struct cap_table *table)
{
	bool enough;

	cap_audit(CAP_EVENT_DENIAL, NULL, "no such token");
	spin_lock(&table->lock);
	enough = cap_guess_wrong(&table->guesses, time_now_ns());
	spin_unlock(&table->lock);
	if (!enough)
		return;
	cap_audit(CAP_EVENT_REVOCATION, NULL, "all: guessed tokens");
	cap_revoke_table(table);
}

cap_handle_t cap_import(struct cap_table *table, const struct cap_id *id, const struct cap_terms *terms)
{
	struct capability *from;
	cap_handle_t result = wait_for_turn(table);

	if (result < 0)
		return result;
	from = find(id);
	if (!from) {
		punish(table);
		return -ENOENT;
	}
	result = cap_derive_from(from, terms, table);
	if (result >= 0)
		cap_audit(CAP_EVENT_GRANT, from, "token");
	cap_done(from);
	return result;
}

void cap_table_limit_guesses(struct cap_table *table, uint32_t limit)
{
	spin_lock(&table->lock);
	cap_guess_limit(&table->guesses, limit);
	spin_unlock(&table->lock);
}
