/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this folder share.
 *
 * One mutex, keys_lock, guards everything here: keys, links, users, and the keyrings that processes and
 * threads hold.  A call takes it once, by keys_enter(), after it has copied all that it needs from user
 * memory, and copies out when it has let go of it.  Every function below is called with it held, unless it
 * says otherwise.
 *
 * References.  A link holds one on the key it leads to, a process or thread one on each keyring of its own;
 * a keyring does not hold itself, so that cycles, which links may not make (EDEADLK), would leak.  A key
 * whose last reference goes can no longer be found, but is destroyed only by keys_leave(): what a call has
 * looked up stays while it runs, without references of its own.  A keyring's end may be that of a long chain
 * of keyrings; they are taken one by one, not by recursion.
 *
 * States.  A key is made usable, or negative: then `error` is what who looks for it is told.  It may be
 * revoked (its contents are gone), expire, or be invalidated, which takes it out of all keyrings at once.
 * Expired keys are taken out later, by a kernel thread (collect.c); revoked ones stay until they are
 * unlinked, replaced or expire.
 *
 * Bounds.  Whoever searches goes KEYRING_DEPTH_MAX keyrings deep, and into one of them again only if that
 * makes a difference (keyring_walk), so the time is bounded by how many links there are; these, as
 * descriptions and contents, are charged to the key's owner.
 */
#pragma once

#include <kernel/keys.h>
#include <kernel/list.h>
#include <kernel/mutex.h>
#include <kernel/process.h>

#include "keyring_index.h"
#include "permission.h"

#define KEY_TYPE_MAX        32   /* bytes of a type's name, with its NUL */
#define KEY_DESCRIPTION_MAX 4096 /* likewise */
#define KEYRING_DEPTH_MAX   6    /* keyrings in keyrings */
#define KEY_NEVER           INT64_MAX
#define KEY_NO_GROUP        UINT32_MAX

struct key_type {
	const char *name;
	unsigned number;           /* its place in names; KEY_TYPE_KEYRING is one of them */
	size_t size_min, size_max; /* of its contents */
	bool readable, updatable;
	bool (*describes)(const char *description); /* may it be called so?  NULL: yes */
};
extern const struct key_type keyring_type;

/* Who is charged, by the owner's id. */
struct key_user {
	struct rb_node node;
	uid_t uid;
	uint32_t refs; /* keys, and whoever looks */
	uint32_t keys;
	uint32_t quota_keys, quota_bytes;
};

struct key {
	uint32_t refs;
	int32_t serial;
	const struct key_type *type;
	struct key_name name; /* the text is its own */
	struct key_user *user;
	uid_t uid;
	gid_t gid; /* KEY_NO_GROUP: none */
	uint32_t perm;
	int error; /* 0: usable; else negative, and so is the key */
	bool revoked, invalidated, in_quota;
	bool of_user;               /* a user's keyring, or a user's session keyring */
	bool restricted;            /* nothing may be linked to it any more */
	int64_t expires;            /* real time in seconds; KEY_NEVER */
	int64_t collect;            /* its place in the collector's queue; KEY_NEVER: in none */
	size_t size;                /* of its contents, as charged */
	size_t charged;             /* bytes of the user's quota; 0 if it does not count */
	void *payload;              /* not of a keyring */
	struct keyring_index links; /* of a keyring */
	struct list linked;         /* links that lead to it */
	struct rb_node by_serial, by_collect;
	struct list named; /* of a keyring that can be joined by its name; or in the graveyard */
	/* The last walk that came by, and how deep it was then: keyring_walk. */
	uint64_t walk;
	unsigned walk_depth;
};

/* A key and whether the running process possesses it. */
struct key_ref {
	struct key *key;
	bool possessed;
};

static inline bool is_keyring(const struct key *key)
{
	return key->type == &keyring_type;
}

/* --- key.c: keys and what names them -------------------------------------------------------------------- */

/* Not held yet.  -EACCES: the running process has nothing to do with keys. */
int keys_enter(void) __must_check;
void keys_lock_always(void); /* for what is not a call of the running process's */
void keys_leave(void);       /* destroys what nothing refers to any more */
void keys_assert_held(void);

/* What a new key is like. */
struct key_terms {
	const struct key_type *type;
	const char *description; /* copied */
	uid_t uid;
	gid_t gid;
	uint32_t perm;
	bool unlimited; /* charged, but made beyond the quota, too */
	bool uncharged; /* not even that */
	bool of_user;
};
/* One reference, the caller's.  -EINVAL, -EDQUOT, -ENOMEM. */
int key_make(const struct key_terms *terms, struct key **out) __must_check;
/* Give it contents: takes over `payload` on success.  -EDQUOT. */
int key_fill(struct key *key, void *payload, size_t size) __must_check;
void key_get(struct key *key);
void key_put(struct key *key);             /* NULL: nothing happens */
struct key *key_by_serial(int32_t serial); /* NULL: there is none */
struct key *key_next(int32_t serial);      /* the first from that number on */
/* A keyring of that name that the running process may search, to be joined. */
struct key *keyring_by_name(const char *name);

int64_t keys_now(void); /* real time in seconds */
/* -ENOKEY: invalidated; -EKEYREVOKED, -EKEYEXPIRED. */
int key_validate(const struct key *key) __must_check;
void key_revoke(struct key *key);
void key_invalidate(struct key *key);
void key_expire_at(struct key *key, int64_t expires);
void key_wipe(void *payload, size_t size); /* free contents, with no trace left; any context */

/* --- quota.c -------------------------------------------------------------------------------------------- */

struct key_user *key_user_get(uid_t uid); /* with a reference; NULL: no memory */
void key_user_put(struct key_user *user);
/* A key with that many bytes more.  `force`: above the limits, too.  -EDQUOT. */
int key_charge(struct key_user *user, size_t bytes, bool force) __must_check;
void key_uncharge(struct key_user *user, size_t bytes);
/* Its contents are to be as large as that.  -EDQUOT, not for less than before. */
int key_resize(struct key *key, size_t size) __must_check;

/* --- types.c -------------------------------------------------------------------------------------------- */

const struct key_type *key_type_find(const char *name); /* NULL: no such type */
/* What a new key of that type lets do. */
uint32_t key_default_perm(const struct key_type *type);

/* --- keyring.c ------------------------------------------------------------------------------------------ */

struct key *keyring_find(const struct key *keyring, const struct key_name *name);
/* May a key be linked there?  -ENOTDIR, -EPERM; -EDEADLK, -ELOOP: a keyring would hold itself, or is too
 * deep. */
int keyring_may_link(struct key *keyring, struct key *key) __must_check;
/* Takes the place of another of the same name.  -EDQUOT, -ENOMEM. */
int keyring_add(struct key *keyring, struct key *key) __must_check;
int keyring_link(struct key *keyring, struct key *key) __must_check; /* both of the above */
/* By its name.  -ENOTDIR, -ENOENT. */
int keyring_unlink(struct key *keyring, struct key *key) __must_check;
int keyring_clear(struct key *keyring) __must_check; /* -ENOTDIR */
void keyring_empty(struct key *keyring);
void key_unlink_everywhere(struct key *key);
/* `numbers` has room for all links. */
void keyring_list(const struct key *keyring, int32_t *numbers);

/* A way through a keyring and those in it, `top` first. */
struct keyring_visitor {
	/* Not 0: this ends the walk, and is its result. */
	int (*visit)(struct key *keyring, void *arg);
	bool (*may_enter)(struct key *keyring, void *arg); /* NULL: always */
	int too_deep;  /* the result where it would have to go too deep; 0: it turns back there */
	bool farthest; /* whether the deepest way to a keyring counts, or the shortest */
};
int keyring_walk(struct key *top, const struct keyring_visitor *visitor, void *arg) __must_check;

/* --- search.c ------------------------------------------------------------------------------------------- */

/* What `need` of a task_permission question is, beside KEY_*: none, for it is not asked. */
#define KEY_NEED_NOTHING 0u

/* -EACCES. */
int key_permission(struct key_ref ref, uint32_t need) __must_check;

#define SEARCH_NESTED       1u /* keyrings in keyrings */
#define SEARCH_STATE        2u /* dead and negative keys are not found, but told of */
#define SEARCH_SKIP_EXPIRED 4u /* of expired ones not even that */
/* Look for a key in a keyring.  -EAGAIN: there is none; else what kept it from being found. */
int keyring_search(struct key_ref keyring, const struct key_name *name, unsigned flags,
		   struct key_ref *out) __must_check;
/* In all keyrings of the running thread. */
int key_search_own(const struct key_name *name, unsigned flags, struct key_ref *out) __must_check;
/* Does one of them lead to that key? */
bool key_possessed(const struct key *key);

/* --- special.c: keyrings that processes have ------------------------------------------------------------ */

/* They are made if there is none. */
int thread_keyring_make(struct key **out) __must_check;
int process_keyring_make(struct key **out) __must_check;
int user_keyrings_make(struct key **user, struct key **session) __must_check; /* NULL: not asked for */
struct key *user_session_existing(void);                                      /* NULL: it was not made yet */
/* A new session with an empty keyring of no name.  Its number. */
int session_join_anonymous(void) __must_check;
int64_t session_join(const char *name);
int64_t session_to_parent(void); /* called without the lock */
int64_t persistent_keyring(uid_t uid, struct key *destination);

#define LOOKUP_CREATE  1u /* what KEY_SPEC_* names is made */
#define LOOKUP_PARTIAL 2u /* negative keys do, too */
/* Besides KEY_*: */
#define KEY_NEED_UNLINK   0x100u /* nothing is asked, not even whether it lives */
#define KEY_NEED_DEFERRED 0x200u /* the caller asks */
/* A key by its number or as KEY_SPEC_*.  -ENOKEY, -EINVAL, -EACCES, ... */
int key_lookup(int32_t id, unsigned flags, uint32_t need, struct key_ref *out) __must_check;

/* --- request.c, update.c -------------------------------------------------------------------------------- */

int64_t request_key(const char *type, const char *description, bool callout, int32_t keyring);
/* Contents from a program: *data is taken over, and then NULL. */
struct key_contents {
	void *data;
	size_t size;
};
int64_t add_key(const char *type, const char *description, struct key_contents *contents, int32_t id);
int64_t update_key(int32_t id, struct key_contents *contents);

/* --- collect.c ------------------------------------------------------------------------------------------ */

/* Its time of death is known, or has changed; KEY_NEVER. */
void key_collect_at(struct key *key, int64_t died);
