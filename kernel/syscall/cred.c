/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User and group ids.  -1 leaves an id as it is; without privilege a new id must be one that is held.  Which
 * privileges change with the ids: kernel/proc/privilege.c.
 */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/proc_calls.h>
#include <serix/errno.h>

#define KEEP ((uint32_t)-1)

SYSCALL(getuid)
{
	(void)args;
	return current_cred()->uid;
}

SYSCALL(geteuid)
{
	(void)args;
	return current_cred()->euid;
}

SYSCALL(getgid)
{
	(void)args;
	return current_cred()->gid;
}

SYSCALL(getegid)
{
	(void)args;
	return current_cred()->egid;
}

SYSCALL(getresuid)
{
	const struct credentials *cred = current_cred();
	int err = put_user_u32(ARG(0, uaddr_t), cred->uid);

	if (err == 0)
		err = put_user_u32(ARG(1, uaddr_t), cred->euid);
	return err < 0 ? err : put_user_u32(ARG(2, uaddr_t), cred->suid);
}

SYSCALL(getresgid)
{
	const struct credentials *cred = current_cred();
	int err = put_user_u32(ARG(0, uaddr_t), cred->gid);

	if (err == 0)
		err = put_user_u32(ARG(1, uaddr_t), cred->egid);
	return err < 0 ? err : put_user_u32(ARG(2, uaddr_t), cred->sgid);
}

static bool may_set_uids(const struct credentials *c)
{
	return priv_has(&c->priv, PRIV_SETUID);
}

static bool may_set_gids(const struct credentials *c)
{
	return priv_has(&c->priv, PRIV_SETGID);
}

static bool holds_uid(const struct credentials *c, uid_t uid)
{
	return uid == KEEP || may_set_uids(c) || uid == c->uid || uid == c->euid || uid == c->suid;
}

static bool holds_gid(const struct credentials *c, gid_t gid)
{
	return gid == KEEP || may_set_gids(c) || gid == c->gid || gid == c->egid || gid == c->sgid;
}

static struct priv_ids user_ids(const struct credentials *c)
{
	return (struct priv_ids){ c->uid, c->euid, c->suid };
}

/* The ids were `old`. */
static void follow_user(struct credentials *c, const struct priv_ids *old)
{
	struct priv_ids new = user_ids(c);

	c->fsuid = c->euid;
	priv_ids_changed(&c->priv, old, &new);
}

static int64_t set_resuid(struct credentials *c, const uint64_t *a)
{
	uid_t uid = (uid_t)a[0], euid = (uid_t)a[1], suid = (uid_t)a[2];
	struct priv_ids old = user_ids(c);

	if (!holds_uid(c, uid) || !holds_uid(c, euid) || !holds_uid(c, suid))
		return -EPERM;
	c->uid = uid == KEEP ? c->uid : uid;
	c->euid = euid == KEEP ? c->euid : euid;
	c->suid = suid == KEEP ? c->suid : suid;
	follow_user(c, &old);
	return 0;
}

static int64_t set_resgid(struct credentials *c, const uint64_t *a)
{
	gid_t gid = (gid_t)a[0], egid = (gid_t)a[1], sgid = (gid_t)a[2];

	if (!holds_gid(c, gid) || !holds_gid(c, egid) || !holds_gid(c, sgid))
		return -EPERM;
	c->gid = gid == KEEP ? c->gid : gid;
	c->egid = egid == KEEP ? c->egid : egid;
	c->sgid = sgid == KEEP ? c->sgid : sgid;
	c->fsgid = c->egid;
	return 0;
}

SYSCALL(setresuid)
{
	return cred_change(set_resuid, args->a);
}

SYSCALL(setresgid)
{
	return cred_change(set_resgid, args->a);
}

/* Who may set any gives up all three ids for good; others only switch the effective one. */
static int64_t set_uid(struct credentials *c, const uint64_t *a)
{
	uid_t uid = (uid_t)a[0];
	struct priv_ids old = user_ids(c);

	if (uid == KEEP)
		return -EINVAL;
	if (may_set_uids(c))
		c->uid = c->suid = uid;
	else if (uid != c->uid && uid != c->suid)
		return -EPERM;
	c->euid = uid;
	follow_user(c, &old);
	return 0;
}

static int64_t set_gid(struct credentials *c, const uint64_t *a)
{
	gid_t gid = (gid_t)a[0];

	if (gid == KEEP)
		return -EINVAL;
	if (may_set_gids(c))
		c->gid = c->sgid = gid;
	else if (gid != c->gid && gid != c->sgid)
		return -EPERM;
	c->egid = c->fsgid = gid;
	return 0;
}

SYSCALL(setuid)
{
	return cred_change(set_uid, args->a);
}

SYSCALL(setgid)
{
	return cred_change(set_gid, args->a);
}

/* The real id may become the real or effective one; the saved id follows what was really changed. */
static int64_t set_reuid(struct credentials *c, const uint64_t *a)
{
	uid_t uid = (uid_t)a[0], euid = (uid_t)a[1];
	struct priv_ids old = user_ids(c);

	if (uid != KEEP && !may_set_uids(c) && uid != c->uid && uid != c->euid)
		return -EPERM;
	if (!holds_uid(c, euid))
		return -EPERM;
	if (uid != KEEP)
		c->uid = uid;
	if (euid != KEEP)
		c->euid = euid;
	if (uid != KEEP || (euid != KEEP && euid != old.real))
		c->suid = c->euid;
	follow_user(c, &old);
	return 0;
}

static int64_t set_regid(struct credentials *c, const uint64_t *a)
{
	gid_t gid = (gid_t)a[0], egid = (gid_t)a[1], old = c->gid;

	if (gid != KEEP && !may_set_gids(c) && gid != c->gid && gid != c->egid)
		return -EPERM;
	if (!holds_gid(c, egid))
		return -EPERM;
	if (gid != KEEP)
		c->gid = gid;
	if (egid != KEEP)
		c->egid = egid;
	if (gid != KEEP || (egid != KEEP && egid != old))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	return 0;
}

SYSCALL(setreuid)
{
	return cred_change(set_reuid, args->a);
}

SYSCALL(setregid)
{
	return cred_change(set_regid, args->a);
}

/* These two answer the old id, whether they changed it or not. */
static int64_t set_fsuid(struct credentials *c, const uint64_t *a)
{
	uid_t uid = (uid_t)a[0], old = c->fsuid;

	if (uid == KEEP || (!holds_uid(c, uid) && uid != old))
		return old;
	c->fsuid = uid;
	priv_fsuid_changed(&c->priv, old, uid);
	return old;
}

static int64_t set_fsgid(struct credentials *c, const uint64_t *a)
{
	gid_t gid = (gid_t)a[0], old = c->fsgid;

	if (gid != KEEP && (holds_gid(c, gid) || gid == old))
		c->fsgid = gid;
	return old;
}

SYSCALL(setfsuid)
{
	return cred_change(set_fsuid, args->a);
}

SYSCALL(setfsgid)
{
	return cred_change(set_fsgid, args->a);
}

SYSCALL(getgroups)
{
	const struct credentials *cred = current_cred();
	int size = ARG(0, int), err;

	if (size < 0 || (size != 0 && (uint32_t)size < cred->group_count))
		return -EINVAL;
	if (size != 0) {
		err = copy_to_user(ARG(1, uaddr_t), cred->groups, cred->group_count * sizeof(gid_t));
		if (err < 0)
			return err;
	}
	return cred->group_count;
}

static int64_t set_groups(struct credentials *c, const uint64_t *a)
{
	uint32_t count = (uint32_t)a[0];
	int err;

	if (!may_set_gids(c))
		return -EPERM;
	if (count > NGROUPS_MAX)
		return -EINVAL;
	err = copy_from_user(c->groups, a[1], count * sizeof(gid_t));
	if (err == 0)
		c->group_count = count;
	return err;
}

SYSCALL(setgroups)
{
	return cred_change(set_groups, args->a);
}
