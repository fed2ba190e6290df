/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The derivation tree: links between capabilities and nothing else.  Every function wants the tree's lock
 * held, and takes none.
 */
#pragma once

#include <kernel/cap.h>

struct cap_tree {
	struct spinlock lock; /* RANK_CAP_TREE */
	struct refcount refs; /* capabilities that point to it */
	uint32_t revoking;    /* [lock] revocations that take leaves off it now */
	uint64_t epoch;       /* [lock] counts revocations */
};

/* What leaving a tree sets free. */
struct cap_left {
	struct capability *gone[2]; /* the caller frees them; NULL: none */
	/* somebody waited for its last revoked child to go; only an address */
	const struct capability *drained;
};

/* May something be derived from `from`?  Not when it or what it hangs below is being revoked. */
bool cap_tree_may_derive(const struct cap_tree *tree, const struct capability *from);

enum cap_kin {
	CAP_KIN_CHILD, /* derived */
	CAP_KIN_COPY,  /* by dup or fork */
	CAP_KIN_LEAF,  /* nothing will ever hang below it */
};

/* Where something that comes from `from` is to hang: below it; but where the tree would get too high a copy
 * goes beside it, and what is derived nowhere: NULL. */
struct capability *cap_tree_place(struct capability *from, enum cap_kin kin);
void cap_tree_link(struct cap_tree *tree, struct capability *parent, struct capability *child);

/* Nobody owns or uses `cap` any more (`unowned`), or its holder has been told that it is revoked. */
void cap_tree_leave(struct capability *cap, bool unowned, struct cap_left *left);

/* A revocation of `root` (`self`), or of all that is below it now, begins; ends: nothing is left to revoke.
 * The result is what cap_tree_victim() wants to be told. */
uint64_t cap_tree_begin(struct cap_tree *tree, struct capability *root, bool self);
void cap_tree_end(struct cap_tree *tree);
/* A capability below `root` that is to be revoked next: there is nothing left to revoke below it.  NULL:
 * none. */
struct capability *cap_tree_victim(struct capability *root, uint64_t epoch);
/* It is revoked now. */
void cap_tree_drain(struct capability *cap);
