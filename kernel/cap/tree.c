/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The derivation tree.
 *
 * Size: a capability that nobody owns any more stays only while two or more hang below it.  With one below
 * it, that one takes its place; with none it goes.  So there are always fewer such nodes than live ones.
 *
 * Height: a capability hangs at most CAP_HEIGHT_MAX below the root.  `height` is where it hung when it was
 * made; since then it can only have come nearer.  Where that bound is reached it is counted anew.
 *
 * Revocation: cap_tree_begin() marks the root of what is to go with a new epoch.  From then on
 * cap_tree_may_derive() finds the mark on the way up and refuses, so that the part below only shrinks: the
 * revoker takes one leaf after another off it and lets go of the lock in between.  Each step makes one of
 * finitely many capabilities `drained`, and none ceases to be: it ends, whatever others do meanwhile.
 *
 * A revocation that spares its root lets new children be derived from that one.  They are born in the new
 * epoch, so everybody can tell them from those that are to go, and stand at the head of the list, which is
 * taken off from the tail.  (A child is born after its parent, and one that takes its parent's place takes it
 * also in the list; both were there before the epoch or both were not, for what is to go has no new children.
 * So the old ones are always together, at the tail.)
 *
 * A revoked capability stays, drained, until the last call through it is over, on a list of its own: then
 * whoever waits for what is below `root` need only see that list of root's empty.  What is below a drained
 * one is drained, and when its parent goes it moves up to the same list one level higher.
 */
#include "tree.h"

bool cap_tree_may_derive(const struct cap_tree *tree, const struct capability *from)
{
	const struct capability *child = from;

	if (atomic_load(&from->state) == CAP_REVOKED)
		return false;
	if (likely(tree->revoking == 0))
		return true;
	for (const struct capability *cap = from->parent; cap; child = cap, cap = cap->parent)
		if (atomic_load(&cap->state) == CAP_REVOKED || child->born < cap->epoch)
			return false;
	return true;
}

static uint8_t count_height(const struct capability *cap)
{
	uint8_t height = 0;

	while ((cap = cap->parent) != NULL)
		height++;
	return height;
}

struct capability *cap_tree_place(struct capability *from, enum cap_kin kin)
{
	if (unlikely(from->height >= CAP_HEIGHT_MAX))
		from->height = count_height(from);
	if (likely(from->height < CAP_HEIGHT_MAX) || kin == CAP_KIN_LEAF)
		return from;
	return kin == CAP_KIN_COPY ? from->parent : NULL;
}

void cap_tree_link(struct cap_tree *tree, struct capability *parent, struct capability *child)
{
	child->parent = parent;
	child->height = (uint8_t)(parent->height + 1);
	child->born = tree->epoch;
	child->linked = parent->linked = true;
	parent->child_count++;
	list_add_head(&parent->children, &child->sibling);
}

static struct capability *only_child(struct capability *cap)
{
	return list_entry((list_empty(&cap->children) ? &cap->revoked : &cap->children)->next,
			  struct capability, sibling);
}

/* The only child takes its parent's place. */
static void replace_by_child(struct capability *cap)
{
	struct capability *child = only_child(cap), *parent = cap->parent;

	list_del(&child->sibling);
	child->parent = parent;
	if (!parent)
		return;
	if (child->drained)
		list_add_tail(&parent->revoked, &child->sibling);
	else
		list_insert_between(&child->sibling, cap->sibling.prev, &cap->sibling);
	list_del(&cap->sibling);
}

/* Take out what is only kept for the tree's sake, if that does without it.  Returns its parent if that has
 * now one child fewer. */
static struct capability *prune(struct capability *cap, struct cap_left *left)
{
	struct capability *parent = cap->parent;

	cap->linked = false;
	cap->parent = NULL;
	if (cap->child_count == 1) {
		cap->parent = parent;
		replace_by_child(cap);
		cap->parent = NULL;
		cap->child_count = 0;
		return NULL;
	}
	list_del(&cap->sibling);
	if (!parent)
		return NULL;
	parent->child_count--;
	if (cap->drained && list_empty(&parent->revoked) && atomic_load(&parent->revokers))
		left->drained = parent;
	return parent;
}

void cap_tree_leave(struct capability *cap, bool unowned, struct cap_left *left)
{
	unsigned n = 0;

	*left = (struct cap_left){ 0 };
	cap->spent = true;
	cap->unowned |= unowned;
	if (!cap->linked) {
		left->gone[n] = unowned ? cap : NULL;
		return;
	}
	/* Twice at most: a spent parent had two children, so it goes when one is left and takes nothing
	 * along. */
	while (cap && cap->spent && cap->child_count < 2) {
		struct capability *parent = prune(cap, left);

		if (cap->unowned)
			left->gone[n++] = cap;
		cap = parent;
	}
}

uint64_t cap_tree_begin(struct cap_tree *tree, struct capability *root, bool self)
{
	tree->revoking++;
	root->epoch = ++tree->epoch;
	if (self)
		atomic_store(&root->state, CAP_REVOKED);
	return root->epoch;
}

void cap_tree_end(struct cap_tree *tree)
{
	tree->revoking--;
}

struct capability *cap_tree_victim(struct capability *root, uint64_t epoch)
{
	struct capability *cap;

	if (list_empty(&root->children))
		return NULL;
	cap = list_last(&root->children, struct capability, sibling);
	if (cap->born >= epoch)
		return NULL;
	while (!list_empty(&cap->children))
		cap = list_last(&cap->children, struct capability, sibling);
	return cap;
}

void cap_tree_drain(struct capability *cap)
{
	atomic_store(&cap->state, CAP_REVOKED);
	if (cap->drained)
		return;
	cap->drained = true;
	if (!cap->parent)
		return;
	list_del(&cap->sibling);
	list_add_tail(&cap->parent->revoked, &cap->sibling);
}
