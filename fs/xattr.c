/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: who may use which, and the file system's answer.
 *
 * The first part of a name says whose it is.  user.* belongs to who may read and write the contents,
 * trusted.* to the superuser, who alone sees that it is there; security.* may be read by all, and set by the
 * superuser.
 */
#include <kernel/xattr.h>

#include <kernel/notify.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <serix/xattr.h>

#include "vfs_priv.h"

enum space { SPACE_USER, SPACE_TRUSTED, SPACE_SECURITY, SPACE_SYSTEM, SPACE_NONE };

static const char *const prefixes[] = {
	[SPACE_USER] = "user.",
	[SPACE_TRUSTED] = "trusted.",
	[SPACE_SECURITY] = "security.",
	[SPACE_SYSTEM] = "system.",
};

static enum space space_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			break;
	return (enum space)i;
}

int xattr_name_check(const char *name)
{
	enum space space = space_of(name);

	if (space == SPACE_SYSTEM || space == SPACE_NONE)
		return -EOPNOTSUPP;
	return name[strlen(prefixes[space])] ? 0 : -EINVAL;
}

/* What a program's file says of privileges has a privilege of its own. */
static bool may_set_security(const char *name)
{
	return cred_has_privilege(strcmp(name, XATTR_NAME_CAPS) == 0 ? PRIV_SETFCAP : PRIV_SYS_ADMIN);
}

/* --- permission ----------------------------------------------------------------------------------------- */

/* Devices and links are open to all, or have no mode: contents of the user's would be without an owner. */
static int may_use_user(const struct vnode *v, bool change)
{
	if (!v || (!S_ISREG(v->mode) && !S_ISDIR(v->mode)))
		return change ? -EPERM : -ENODATA;
	if (change && S_ISDIR(v->mode) && (v->mode & S_ISVTX) && !vnode_owner(v))
		return -EPERM;
	return 0;
}

static int may_use(const struct vnode *v, const char *name, bool change)
{
	int err = 0;

	switch (space_of(name)) {
	case SPACE_TRUSTED:
		if (!cred_has_privilege(PRIV_SYS_ADMIN))
			return change ? -EPERM : -ENODATA;
		return 0;
	case SPACE_SECURITY:
		return change && !may_set_security(name) ? -EPERM : 0;
	case SPACE_SYSTEM:
		return 0;
	case SPACE_USER:
		err = may_use_user(v, change);
		break;
	case SPACE_NONE:
		break;
	}
	if (err < 0 || !v)
		return err;
	return vnode_permission(v, fs_cred(), change ? MAY_WRITE : MAY_READ);
}

/* --- asking --------------------------------------------------------------------------------------------- */

ssize_t vnode_getxattr(struct vnode *v, const char *name, void *value, size_t size)
{
	return v->ops->getxattr ? v->ops->getxattr(v, name, value, size) : -EOPNOTSUPP;
}

ssize_t vfs_getxattr(struct vnode *v, const char *name, void *value, size_t size)
{
	int err = may_use(v, name, false);

	if (err < 0)
		return err;
	return v ? vnode_getxattr(v, name, value, size) : -EOPNOTSUPP;
}

struct lister {
	struct xattr_sink sink;
	bool privileged;
	char *list;
	size_t size, used; /* size 0: only count */
};

static int list_name(struct xattr_sink *sink, const char *name)
{
	struct lister *l = container_of(sink, struct lister, sink);
	size_t bytes = strlen(name) + 1;

	if (space_of(name) == SPACE_TRUSTED && !l->privileged)
		return 0;
	if (l->size > 0) {
		if (bytes > l->size - l->used)
			return -ERANGE;
		memcpy(l->list + l->used, name, bytes);
	}
	l->used += bytes;
	return 0;
}

ssize_t vfs_listxattr(struct vnode *v, char *list, size_t size)
{
	struct lister l = { { list_name }, cred_has_privilege(PRIV_SYS_ADMIN), list, size, 0 };
	int err;

	if (!v || !v->ops->listxattr)
		return 0;
	err = v->ops->listxattr(v, &l.sink);
	return err < 0 ? err : (ssize_t)l.used;
}

/* --- changing ------------------------------------------------------------------------------------------- */

/* `value` NULL: the attribute goes. */
static int change(const struct path *path, struct vnode *v, const char *name, const void *value, size_t size,
		  unsigned flags)
{
	int err;

	if (path->mount && mount_readonly(path->mount))
		return -EROFS;
	if (!v)
		err = may_use(v, name, true);
	if (!v)
		return err < 0 ? err : -EOPNOTSUPP;
	mutex_lock(&v->lock);
	err = may_use(v, name, true);
	if (err == 0)
		err = v->ops->setxattr ? v->ops->setxattr(v, name, value, size, flags) : -EOPNOTSUPP;
	mutex_unlock(&v->lock);
	if (err < 0)
		return err;
	if (path->dentry)
		notify_dentry(path->dentry, IN_ATTRIB);
	else
		notify_vnode(v, IN_ATTRIB);
	return 0;
}

/*
 * A program's privileges: struct vfs_cap_data of <linux/capability.h>, or the same with the id at its end to
 * whose user name space they belong.  There is one such space, so anybody else's id makes them no one's.
 */
#define CAPS_REVISION_MASK 0xff000000u
#define CAPS_REVISION_2    0x02000000u
#define CAPS_REVISION_3    0x03000000u
#define CAPS_SIZE_2        20u
#define CAPS_SIZE_3        24u

static bool is_caps(const void *value, size_t size)
{
	uint32_t magic;

	if (size != CAPS_SIZE_2 && size != CAPS_SIZE_3)
		return false;
	memcpy(&magic, value, sizeof(magic));
	return (magic & CAPS_REVISION_MASK) == (size == CAPS_SIZE_2 ? CAPS_REVISION_2 : CAPS_REVISION_3);
}

int vfs_setxattr(const struct path *path, struct vnode *v, const char *name, const void *value, size_t size,
		 unsigned flags)
{
	if (size > 0 && strcmp(name, XATTR_NAME_CAPS) == 0 && !is_caps(value, size))
		return -EINVAL;
	if (size > 0 && strcmp(name, XATTR_WRITE_EXEC) == 0)
		return -EINVAL;
	return change(path, v, name, size > 0 ? value : "", size, flags);
}

int vfs_removexattr(const struct path *path, struct vnode *v, const char *name)
{
	return change(path, v, name, NULL, 0, XATTR_REPLACE);
}

void vnode_drop_caps_locked(struct vnode *v)
{
	if (likely(v->xattrs == NULL))
		return;
	v->ops->setxattr(v, XATTR_NAME_CAPS, NULL, 0, 0);
	v->ops->setxattr(v, XATTR_WRITE_EXEC, NULL, 0, 0);
}
