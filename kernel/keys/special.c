/* SPDX-License-Identifier: BSD-2-Clause */
/* The keyrings of threads, processes, sessions and users. */
#include <kernel/format.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "keys_priv.h"

#define OWN_PERM     (KEY_POS(KEY_ALL) | KEY_USR(KEY_VIEW))
#define SESSION_PERM (OWN_PERM | KEY_USR(KEY_READ))
#define NAMED_PERM   (SESSION_PERM | KEY_USR(KEY_LINK))
#define USER_PERM    (KEY_POS(KEY_ALL & ~KEY_SETATTR) | KEY_USR(KEY_ALL))
#define KEPT_PERM    (KEY_POS(KEY_ALL & ~KEY_SETATTR) | KEY_USR(KEY_VIEW | KEY_READ))
#define NAME_MAX_ID  32 /* "_persistent." and a number */

/* --- of threads, processes, sessions -------------------------------------------------------------------- */

static int make_own(const char *name, uint32_t perm, bool unlimited, struct key **out)
{
	const struct credentials *cred = current_cred();
	struct key_terms terms = { .type = &keyring_type,
				   .description = name,
				   .uid = cred->uid,
				   .gid = cred->gid,
				   .perm = perm,
				   .unlimited = unlimited };

	return key_make(&terms, out);
}

int thread_keyring_make(struct key **out)
{
	struct thread *t = current_thread();
	int err = t->keys.thread ? 0 : make_own("_tid", OWN_PERM, true, &t->keys.thread);

	*out = t->keys.thread;
	return err;
}

int process_keyring_make(struct key **out)
{
	struct process *p = current_process();
	int err = p->keys.process ? 0 : make_own("_pid", OWN_PERM, true, &p->keys.process);

	*out = p->keys.process;
	return err;
}

/* Takes over the reference. */
static void set_session(struct process *p, struct key *keyring)
{
	struct key *old = p->keys.session;

	p->keys.session = keyring;
	key_put(old);
}

int session_join_anonymous(void)
{
	struct process *p = current_process();
	struct key *keyring;
	int err = make_own("_ses", SESSION_PERM, p->keys.session == NULL, &keyring);

	if (err < 0)
		return err;
	set_session(p, keyring);
	return keyring->serial;
}

int64_t session_join(const char *name)
{
	struct process *p = current_process();
	struct key *keyring;
	int err;

	if (!name)
		return session_join_anonymous();
	keyring = keyring_by_name(name);
	if (!keyring) {
		err = make_own(name, NAMED_PERM, false, &keyring);
		if (err < 0)
			return err;
	} else if (keyring == p->keys.session) {
		return 0;
	} else {
		key_get(keyring);
	}
	set_session(p, keyring);
	return keyring->serial;
}

/* May the running process give its session to `p`, alone in it and of the same user all over? */
static bool may_give_session(const struct process *p, const struct credentials *me)
{
	const struct credentials *cred = &p->cred;
	const struct key *session = p->keys.session;

	return p->pid > 1 && p->thread_count == 1 && p->vm && cred->uid == me->euid &&
	       cred->euid == me->euid && cred->suid == me->euid && cred->gid == me->egid &&
	       cred->egid == me->egid && cred->sgid == me->egid && (!session || session->uid == me->euid) &&
	       current_process()->keys.session->uid == me->euid;
}

static int give_session(struct process *p)
{
	struct key_ref mine;
	struct key *old;
	uint64_t flags;
	int err = key_lookup(KEY_SPEC_SESSION_KEYRING, 0, KEY_LINK, &mine);

	if (err < 0)
		return err;
	/* A process that ends gives up its keyrings after it has given up its memory, with this lock. */
	flags = spin_lock_irqsave(&p->lock);
	old = p->keys.session;
	if (old == mine.key && p->pid > 1) {
		old = NULL;
	} else if (may_give_session(p, current_cred())) {
		key_get(mine.key);
		p->keys.session = mine.key;
	} else {
		old = NULL;
		err = -EPERM;
	}
	spin_unlock_irqrestore(&p->lock, flags);
	key_put(old);
	return err;
}

int64_t session_to_parent(void)
{
	struct process *parent = process_find(process_parent_pid(current_process()));
	int err = keys_enter();

	if (err == 0) {
		err = parent ? give_session(parent) : -EPERM;
		keys_leave();
	}
	/* Perhaps the last reference: its end takes the lock. */
	if (parent)
		process_put(parent);
	return err;
}

/* --- of users ------------------------------------------------------------------------------------------- */

/* The registers keep users' keyrings for those to come. */
static struct key *user_register, *persistent_register; /* [keys_lock] made when first needed */

static int make_register(const char *name, struct key **out)
{
	struct key_terms terms = { .type = &keyring_type,
				   .description = name,
				   .gid = KEY_NO_GROUP,
				   .perm = KEY_POS(KEY_WRITE | KEY_SEARCH) | KEY_USR(KEY_VIEW | KEY_READ) };

	return *out ? 0 : key_make(&terms, out);
}

/* *out NULL: there is none yet.  -EKEYREVOKED, -EKEYEXPIRED: nor may there be, until that is gone. */
static int registered(const struct key *where, const char *text, struct key **out)
{
	struct key_name name = { KEY_TYPE_KEYRING, strlen(text), text };

	*out = where ? keyring_find(where, &name) : NULL;
	return *out ? key_validate(*out) : 0;
}

static int make_registered(struct key *where, const struct key_terms *terms, struct key **out)
{
	struct key *key;
	int err = key_make(terms, &key);

	if (err < 0)
		return err;
	err = keyring_add(where, key);
	key_put(key);
	if (err == 0)
		*out = key;
	return err;
}

/* "_uid.1000", "_uid_ses.1000" of the real user. */
static int user_keyring(const char *prefix, struct key **out, bool *made)
{
	uid_t uid = current_cred()->uid;
	char name[NAME_MAX_ID];
	struct key_terms terms = { .type = &keyring_type,
				   .description = name,
				   .uid = uid,
				   .gid = KEY_NO_GROUP,
				   .perm = USER_PERM,
				   .of_user = true };

	int err;

	snprintf(name, sizeof(name), "%s.%u", prefix, uid);
	err = registered(user_register, name, out);
	*made = err == 0 && !*out;
	return *made ? make_registered(user_register, &terms, out) : err;
}

int user_keyrings_make(struct key **user, struct key **session)
{
	struct key *uid = NULL, *ses = NULL;
	bool made = false;
	int err = make_register(".user_reg", &user_register);

	if (err == 0)
		err = user_keyring("_uid", &uid, &made);
	if (err == 0)
		err = user_keyring("_uid_ses", &ses, &made);
	if (err == 0 && made) {
		err = keyring_link(ses, uid);
		if (err < 0) /* not half of it */
			key_invalidate(ses);
	}
	if (err < 0)
		return err;
	if (user)
		*user = uid;
	if (session)
		*session = ses;
	return 0;
}

struct key *user_session_existing(void)
{
	char name[NAME_MAX_ID];
	struct key *key;

	snprintf(name, sizeof(name), "_uid_ses.%u", current_cred()->uid);
	return registered(user_register, name, &key) < 0 ? NULL : key;
}

int64_t persistent_keyring(uid_t uid, struct key *destination)
{
	char name[NAME_MAX_ID];
	struct key_terms terms = { .type = &keyring_type,
				   .description = name,
				   .uid = uid,
				   .gid = KEY_NO_GROUP,
				   .perm = KEPT_PERM,
				   .uncharged = true };
	struct key_ref ref = { .possessed = true };
	int err = make_register(".persistent_register", &persistent_register);

	if (err < 0)
		return err;
	snprintf(name, sizeof(name), "_persistent.%u", uid);
	err = registered(persistent_register, name, &ref.key);
	if (err == 0 && !ref.key)
		err = make_registered(persistent_register, &terms, &ref.key);
	if (err == 0)
		err = key_permission(ref, KEY_LINK);
	if (err == 0)
		err = keyring_link(destination, ref.key);
	if (err != 0)
		return err;
	key_expire_at(ref.key, keys_now() + atomic_load(&key_limits.persistent_expiry));
	return ref.key->serial;
}

/* --- by number, or by what they are --------------------------------------------------------------------- */

static int lookup_session(unsigned flags, struct key **out)
{
	struct process *p = current_process();
	struct key *user_session;
	int err = 0;

	if (!p->keys.session) {
		err = user_keyrings_make(NULL, &user_session);
		if (err == 0 && !(flags & LOOKUP_CREATE)) {
			key_get(user_session);
			set_session(p, user_session);
		}
	}
	/* A user's own is only a stand-in. */
	if (err == 0 && (flags & LOOKUP_CREATE) && (!p->keys.session || p->keys.session->of_user))
		err = session_join_anonymous();
	*out = p->keys.session;
	return err < 0 ? err : 0;
}

static int lookup_special(int32_t id, unsigned flags, struct key **out)
{
	switch (id) {
	case KEY_SPEC_THREAD_KEYRING:
		*out = current_thread()->keys.thread;
		return flags & LOOKUP_CREATE ? thread_keyring_make(out) : *out ? 0 : -ENOKEY;
	case KEY_SPEC_PROCESS_KEYRING:
		*out = current_process()->keys.process;
		return flags & LOOKUP_CREATE ? process_keyring_make(out) : *out ? 0 : -ENOKEY;
	case KEY_SPEC_SESSION_KEYRING:
		return lookup_session(flags, out);
	case KEY_SPEC_USER_KEYRING:
		return user_keyrings_make(out, NULL);
	case KEY_SPEC_USER_SESSION_KEYRING:
		return user_keyrings_make(NULL, out);
	case KEY_SPEC_REQKEY_AUTH_KEY:
	case KEY_SPEC_REQUESTOR_KEYRING:
		return -ENOKEY; /* nobody is asked to instantiate a key */
	default:
		return -EINVAL;
	}
}

static int lookup_number(int32_t id, struct key_ref *out)
{
	if (id < 1)
		return -EINVAL;
	out->key = key_by_serial(id);
	if (!out->key)
		return -ENOKEY;
	out->possessed = key_possessed(out->key);
	return 0;
}

int key_lookup(int32_t id, unsigned flags, uint32_t need, struct key_ref *out)
{
	int err;

	keys_assert_held();
	out->possessed = true;
	err = id < 0 ? lookup_special(id, flags, &out->key) : lookup_number(id, out);
	if (err < 0 || need == KEY_NEED_UNLINK || need == KEY_NEED_DEFERRED)
		return err;
	if (!(flags & LOOKUP_PARTIAL) && out->key->error)
		return out->key->error;
	err = key_validate(out->key);
	return err < 0 ? err : key_permission(*out, need);
}

/* --- threads and processes ------------------------------------------------------------------------------ */

static int inherit(struct thread *child)
{
	struct thread *self = current_thread();
	struct key *session = self->process->keys.session;

	if (child->process != self->process) {
		if (session)
			key_get(session);
		child->process->keys.session = session;
		return 0;
	}
	return self->keys.thread ? make_own("_tid", OWN_PERM, true, &child->keys.thread) : 0;
}

int keys_inherit(struct thread *child)
{
	struct thread *self = current_thread();
	int err;

	child->keys.request_default = self->keys.request_default;
	/* Most have none, and forks are many. */
	if (likely(!READ_ONCE(self->process->keys.session) && !self->keys.thread))
		return 0;
	keys_lock_always();
	err = inherit(child);
	keys_leave();
	return err;
}

static void drop(struct key **slot)
{
	if (likely(!READ_ONCE(*slot)))
		return;
	keys_lock_always();
	key_put(*slot);
	*slot = NULL;
	keys_leave();
}

void keys_exit_thread(struct thread *t)
{
	drop(&t->keys.thread);
}

void keys_exit_process(struct process *p)
{
	drop(&p->keys.process);
	drop(&p->keys.session);
}

void keys_exec(void)
{
	drop(&current_thread()->keys.thread);
	drop(&current_process()->keys.process);
}

/* Who is charged for it stays the same, as on Linux. */
void keys_owner_changed(uid_t fsuid, gid_t fsgid)
{
	struct process *p = current_process();
	struct thread *t;
	uint64_t flags;

	keys_lock_always();
	flags = spin_lock_irqsave(&p->lock);
	list_for_each (t, &p->threads, link) {
		if (t->keys.thread) {
			t->keys.thread->uid = fsuid;
			t->keys.thread->gid = fsgid;
		}
	}
	spin_unlock_irqrestore(&p->lock, flags);
	keys_leave();
}
