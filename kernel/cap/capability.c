/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of one capability: made, hung into its tree, used, and gone with its last reference.
 *
 * capability.tree is set once, by compare-and-exchange, by who first derives something from an original.  A
 * capability that is found through the links of a tree has one, so who changes what others may find there
 * (table, slot, state) takes the tree's lock if there is one.  If there is none, all who know the capability
 * came through its table or already used it.
 *
 * capability.table is alive as long as the caller has a reference on the capability: while that is in a slot
 * the table is, for a table goes only after it was emptied; what is closed while calls are under way keeps
 * the table pinned, so that a revocation can still interrupt them.
 */
#include "cap_priv.h"
#include "use.h"

#include <kernel/slab.h>
#include <serix/errno.h>

static struct slab_cache *capability_cache, *tree_cache;

void cap_init(void)
{
	capability_cache = slab_create("capability", sizeof(struct capability), 0);
	tree_cache = slab_create("cap_tree", sizeof(struct cap_tree), 0);
	cap_id_init();
	cap_token_init();
	cap_revoke_init();
}

static void granted(const struct capability *cap)
{
	if (unlikely(cap->object->ops->granted))
		cap->object->ops->granted(cap->object,
					  atomic_load_explicit(&cap->rights, memory_order_relaxed));
}

struct capability *cap_new(struct kobject *object, uint32_t rights, uint64_t expires)
{
	struct capability *cap = slab_alloc(capability_cache);

	if (!cap)
		return NULL;
	*cap = (struct capability){
		.object = object,
		.rights = rights,
		.refs = 1,
		.expires = expires,
		.type = (uint16_t)object->type,
		.slot = CAP_NO_SLOT,
	};
	list_init(&cap->children);
	list_init(&cap->revoked);
	list_init(&cap->sibling);
	if (unlikely(expires != 0) && cap_expiry_alloc(cap) < 0) {
		slab_free(capability_cache, cap);
		return NULL;
	}
	granted(cap);
	return cap;
}

struct capability *cap_new_child(const struct capability *from, const struct cap_terms *terms)
{
	uint64_t expires =
		cap_earlier(atomic_load_explicit(&from->expires, memory_order_relaxed), terms->expires);
	uint32_t rights = cap_fewer(atomic_load_explicit(&from->rights, memory_order_relaxed), terms->rights);
	struct capability *cap = cap_new(from->object, rights, expires);

	if (!cap)
		return NULL;
	kobject_get(cap->object);
	cap->depth = from->depth;
	cap->badge = terms->badged ? terms->badge : from->badge;
	return cap;
}

struct cap_tree *cap_tree_of(struct capability *cap)
{
	struct cap_tree *tree = atomic_load(&cap->tree), *nobodys = NULL;

	if (likely(tree))
		return tree;
	tree = slab_alloc(tree_cache);
	if (!tree)
		return NULL;
	*tree = (struct cap_tree){ 0 };
	spin_init(&tree->lock, "cap_tree", RANK_CAP_TREE);
	refcount_set(&tree->refs, 1);
	if (atomic_compare_exchange_strong(&cap->tree, &nobodys, tree))
		return tree;
	slab_free(tree_cache, tree);
	return nobodys;
}

int cap_adopt(struct capability *from, struct capability *child, enum cap_kin kin, struct cap_table *table,
	      uint32_t slot)
{
	struct cap_tree *tree = cap_tree_of(from);
	struct capability *parent = NULL;
	bool may;

	if (!tree)
		return -ENOMEM;
	spin_lock(&tree->lock);
	may = cap_tree_may_derive(tree, from);
	if (may)
		parent = cap_tree_place(from, kin);
	if (parent) {
		refcount_get(&tree->refs);
		atomic_store_explicit(&child->tree, tree, memory_order_relaxed);
		cap_tree_link(tree, parent, child);
		child->table = table;
		atomic_store_explicit(&child->slot, slot, memory_order_relaxed);
	}
	spin_unlock(&tree->lock);
	return parent ? 0 : may ? -EMLINK : -EBADF;
}

bool cap_get_unless_gone(struct capability *cap)
{
	uint32_t old = atomic_load(&cap->refs);

	do {
		if ((old & CAP_REFS_COUNT) == 0)
			return false;
	} while (!atomic_compare_exchange_weak(&cap->refs, &old, old + 1));
	return true;
}

static void free_one(struct cap_tree *tree, struct capability *cap)
{
	if (tree && refcount_put(&tree->refs))
		slab_free(tree_cache, tree);
	slab_free(capability_cache, cap);
}

void cap_free_left(struct cap_tree *tree, const struct cap_left *left)
{
	for (size_t i = 0; i < ARRAY_SIZE(left->gone); i++)
		if (left->gone[i])
			free_one(tree, left->gone[i]);
	if (left->drained)
		cap_wake_revokers(left->drained);
}

/* Apart, so that the common end of an original is short. */
static __noinline void leave_tree(struct cap_tree *tree, struct capability *cap)
{
	struct cap_left left;

	spin_lock(&tree->lock);
	cap->table = NULL;
	cap->object = NULL;
	cap_tree_leave(cap, true, &left);
	spin_unlock(&tree->lock);
	cap_free_left(tree, &left);
}

/* The last reference is gone. */
static void release(struct capability *cap)
{
	uint32_t rights = atomic_load_explicit(&cap->rights, memory_order_relaxed);
	struct cap_tree *tree = atomic_load(&cap->tree);
	struct cap_table *table = cap->table;
	struct kobject *object = cap->object;

	if (unlikely(atomic_load(&cap->expiry)))
		cap_expiry_end(cap);
	if (tree)
		leave_tree(tree, cap);
	else
		free_one(NULL, cap);
	if (unlikely(object->ops->dropped))
		object->ops->dropped(object, rights);
	kobject_put(object);
	if (table)
		cap_table_unpin(table);
}

void cap_done_slowly(struct capability *cap, uint32_t before)
{
	/* Its revoker may be gone as soon as it sees the count: only the address is used. */
	if (before & CAP_REFS_WATCHED)
		cap_wake_revokers(cap);
	if ((before & CAP_REFS_COUNT) == 1)
		release(cap);
}

void cap_done(struct capability *cap)
{
	cap_done_inline(cap);
}
