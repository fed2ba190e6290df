/* SPDX-License-Identifier: BSD-2-Clause */
/* keyctl(2): the operations on numbers alone, and which one is which. */
#include <kernel/confine.h>
#include <serix/errno.h>

#include "calls.h"

#define ERROR_MAX 4095

static int64_t get_keyring_id(int32_t id, bool create)
{
	struct key_ref ref;
	int err = key_lookup(id, create ? LOOKUP_CREATE : 0, KEY_SEARCH, &ref);

	return err < 0 ? err : ref.key->serial;
}

static int64_t revoke(int32_t id)
{
	struct key_ref ref;
	int err = key_lookup(id, 0, KEY_WRITE, &ref);

	if (err == -EACCES)
		err = key_lookup(id, 0, KEY_SETATTR, &ref);
	if (err == 0)
		key_revoke(ref.key);
	return err;
}

static int64_t invalidate(int32_t id)
{
	struct key_ref ref;
	int err = key_lookup(id, 0, KEY_SEARCH, &ref);

	if (err == 0)
		key_invalidate(ref.key);
	return err;
}

static int64_t clear(int32_t id)
{
	struct key_ref ref;
	int err = key_lookup(id, LOOKUP_CREATE, KEY_WRITE, &ref);

	return err < 0 ? err : keyring_clear(ref.key);
}

static int64_t link(int32_t id, int32_t keyring)
{
	struct key_ref ref = { 0 }, ring = { 0 };
	int err = key_lookup(keyring, LOOKUP_CREATE, KEY_WRITE, &ring);

	if (err == 0)
		err = key_lookup(id, LOOKUP_CREATE, KEY_LINK, &ref);
	return err ? err : keyring_link(ring.key, ref.key);
}

static int64_t unlink(int32_t id, int32_t keyring)
{
	struct key_ref ref = { 0 }, ring = { 0 };
	int err = key_lookup(keyring, 0, KEY_WRITE, &ring);

	if (err == 0)
		err = key_lookup(id, LOOKUP_PARTIAL, KEY_NEED_UNLINK, &ref);
	return err ? err : keyring_unlink(ring.key, ref.key);
}

static int move_between(struct key *key, struct key *from, struct key *to, bool exclusive)
{
	int err;

	if (from == to)
		return 0;
	if (!is_keyring(from) || !is_keyring(to))
		return -ENOTDIR;
	if (!keyring_find(from, &key->name))
		return -ENOENT;
	if (exclusive && keyring_find(to, &key->name))
		return -EEXIST;
	err = keyring_link(to, key);
	return err < 0 ? err : keyring_unlink(from, key);
}

static int64_t move(int32_t id, int32_t from, int32_t to, uint32_t flags)
{
	struct key_ref ref = { 0 }, source = { 0 }, target = { 0 };
	int err;

	if (flags & ~KEYCTL_MOVE_EXCL)
		return -EINVAL;
	err = key_lookup(id, LOOKUP_CREATE, KEY_LINK, &ref);
	if (err == 0)
		err = key_lookup(from, 0, KEY_WRITE, &source);
	if (err == 0)
		err = key_lookup(to, LOOKUP_CREATE, KEY_WRITE, &target);
	return err ? err : move_between(ref.key, source.key, target.key, flags & KEYCTL_MOVE_EXCL);
}

static int64_t set_perm(int32_t id, uint32_t perm)
{
	struct key_ref ref;
	int err = perm & ~KEY_PERM_VALID ? -EINVAL : 0;

	if (err == 0)
		err = key_lookup(id, LOOKUP_CREATE | LOOKUP_PARTIAL, KEY_SETATTR, &ref);
	if (err == 0 && ref.key->uid != current_cred()->fsuid && !cred_has_privilege(PRIV_SYS_ADMIN))
		err = -EACCES;
	if (err == 0)
		ref.key->perm = perm;
	return err;
}

/* The new owner is charged for it. */
static int change_owner(struct key *key, uid_t uid)
{
	struct key_user *user = key_user_get(uid);
	int err;

	if (!user)
		return -ENOMEM;
	err = key->in_quota ? key_charge(user, key->charged, false) : 0;
	if (err < 0) {
		key_user_put(user);
		return err;
	}
	if (key->in_quota)
		key_uncharge(key->user, key->charged);
	key->user->keys--;
	user->keys++;
	key_user_put(key->user);
	key->user = user;
	key->uid = uid;
	return 0;
}

static int64_t change_ids(int32_t id, uid_t uid, gid_t gid)
{
	bool other_user, other_group;
	struct key_ref ref;
	int err;

	if (uid == UINT32_MAX && gid == UINT32_MAX)
		return 0;
	err = key_lookup(id, LOOKUP_CREATE | LOOKUP_PARTIAL, KEY_SETATTR, &ref);
	if (err < 0)
		return err;
	other_user = uid != UINT32_MAX && uid != ref.key->uid;
	other_group = gid != UINT32_MAX && gid != ref.key->gid && !cred_in_group(current_cred(), gid);
	if ((other_user || other_group) && !cred_has_privilege(PRIV_SYS_ADMIN))
		return -EACCES;
	err = other_user ? change_owner(ref.key, uid) : 0;
	if (err == 0 && gid != UINT32_MAX)
		ref.key->gid = gid;
	return err;
}

static int64_t set_timeout(int32_t id, uint32_t seconds)
{
	struct key_ref ref;
	int err = key_lookup(id, LOOKUP_CREATE | LOOKUP_PARTIAL, KEY_SETATTR, &ref);

	if (err == 0)
		key_expire_at(ref.key, seconds ? keys_now() + seconds : KEY_NEVER);
	return err;
}

static int64_t set_request_default(int choice)
{
	struct thread_keys *keys = &current_thread()->keys;
	int before = keys->request_default, err = 0;
	struct key *made;

	switch (choice) {
	case KEY_REQKEY_DEFL_NO_CHANGE:
		return before;
	case KEY_REQKEY_DEFL_THREAD_KEYRING:
		err = thread_keyring_make(&made);
		break;
	case KEY_REQKEY_DEFL_PROCESS_KEYRING:
		err = process_keyring_make(&made);
		break;
	case KEY_REQKEY_DEFL_DEFAULT:
	case KEY_REQKEY_DEFL_SESSION_KEYRING:
	case KEY_REQKEY_DEFL_USER_KEYRING:
	case KEY_REQKEY_DEFL_USER_SESSION_KEYRING:
	case KEY_REQKEY_DEFL_REQUESTOR_KEYRING:
		break;
	default:
		return -EINVAL;
	}
	if (err < 0)
		return err;
	keys->request_default = choice;
	return before;
}

static int64_t get_persistent(uid_t uid, int32_t destination)
{
	const struct credentials *cred = current_cred();
	struct key_ref ring;
	int err;

	if (uid == UINT32_MAX)
		uid = cred->uid;
	if (uid != cred->uid && uid != cred->euid && !cred_has_privilege(PRIV_SETUID))
		return -EPERM;
	err = key_lookup(destination, LOOKUP_CREATE, KEY_WRITE, &ring);
	if (err == 0 && !is_keyring(ring.key))
		err = -ENOTDIR;
	return err < 0 ? err : persistent_keyring(uid, ring.key);
}

/* Nobody is ever asked to instantiate a key, so nobody has the authority to. */
static int64_t instantiate(void)
{
	return -EPERM;
}

static int64_t reject(uint32_t error)
{
	static const uint32_t kernel_only[] = { 512, 513, 514, 516 }; /* ERESTART... */

	for (size_t i = 0; i < ARRAY_SIZE(kernel_only); i++)
		if (error == kernel_only[i])
			return -EINVAL;
	return error == 0 || error >= ERROR_MAX ? -EINVAL : instantiate();
}

static int64_t assume_authority(int32_t id)
{
	if (id < 0)
		return -EINVAL;
	return id == 0 ? 0 : -ENOKEY;
}

static int64_t with_lock(int operation, const uint64_t a[4])
{
	switch (operation) {
	case KEYCTL_GET_KEYRING_ID:
		return get_keyring_id((int32_t)a[0], (int32_t)a[1] != 0);
	case KEYCTL_REVOKE:
		return revoke((int32_t)a[0]);
	case KEYCTL_CHOWN:
		return change_ids((int32_t)a[0], (uid_t)a[1], (gid_t)a[2]);
	case KEYCTL_SETPERM:
		return set_perm((int32_t)a[0], (uint32_t)a[1]);
	case KEYCTL_CLEAR:
		return clear((int32_t)a[0]);
	case KEYCTL_LINK:
		return link((int32_t)a[0], (int32_t)a[1]);
	case KEYCTL_UNLINK:
		return unlink((int32_t)a[0], (int32_t)a[1]);
	case KEYCTL_INSTANTIATE:
	case KEYCTL_INSTANTIATE_IOV:
		return instantiate();
	case KEYCTL_NEGATE:
		return reject(ENOKEY);
	case KEYCTL_REJECT:
		return reject((uint32_t)a[2]);
	case KEYCTL_SET_REQKEY_KEYRING:
		return set_request_default((int)a[0]);
	case KEYCTL_SET_TIMEOUT:
		return set_timeout((int32_t)a[0], (uint32_t)a[1]);
	case KEYCTL_ASSUME_AUTHORITY:
		return assume_authority((int32_t)a[0]);
	case KEYCTL_INVALIDATE:
		return invalidate((int32_t)a[0]);
	case KEYCTL_GET_PERSISTENT:
		return get_persistent((uid_t)a[0], (int32_t)a[1]);
	case KEYCTL_MOVE:
		return move((int32_t)a[0], (int32_t)a[1], (int32_t)a[2], (uint32_t)a[3]);
	default:
		return -EOPNOTSUPP;
	}
}

int64_t key_control(int operation, const uint64_t a[4])
{
	int64_t result;

	switch (operation) {
	case KEYCTL_JOIN_SESSION_KEYRING:
		return keyctl_join(a[0]);
	case KEYCTL_UPDATE:
		return keyctl_update((int32_t)a[0], a[1], a[2]);
	case KEYCTL_DESCRIBE:
		return keyctl_describe((int32_t)a[0], a[1], (uint32_t)a[2]);
	case KEYCTL_SEARCH:
		return keyctl_search((int32_t)a[0], a[1], a[2], (int32_t)a[3]);
	case KEYCTL_READ:
		return keyctl_read((int32_t)a[0], a[1], a[2]);
	case KEYCTL_GET_SECURITY:
		return keyctl_security((int32_t)a[0], a[1], a[2]);
	case KEYCTL_SESSION_TO_PARENT:
		return session_to_parent();
	case KEYCTL_RESTRICT_KEYRING:
		return keyctl_restrict((int32_t)a[0], a[1], a[2]);
	case KEYCTL_CAPABILITIES:
		return keyctl_capabilities(a[0], a[1]);
	default:
		break;
	}
	result = keys_enter();
	if (result < 0)
		return result;
	result = with_lock(operation, a);
	keys_leave();
	return result;
}
