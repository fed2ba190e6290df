/* SPDX-License-Identifier: BSD-2-Clause */
/* Vnodes: their life, who may touch them; superblocks. */
#include "vfs_priv.h"

#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/device.h>
#include <kernel/file_handle.h>
#include <kernel/landlock.h>
#include <kernel/notify.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/siphash.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define RELATIME_NS (24ull * 3600 * NSEC_PER_SEC)

static struct slab_cache *vnode_cache;
static _Atomic uint32_t next_dev_minor = 1;
static uint64_t serial_key[2] __ro_after_init;

void vnode_init(void)
{
	vnode_cache = slab_create("vnode", sizeof(struct vnode), 0);
	random_bytes(serial_key, sizeof(serial_key));
}

struct vnode *vnode_create(struct superblock *sb, const struct vnode_ops *ops, mode_t mode)
{
	struct vnode *v = slab_alloc_zeroed(vnode_cache);

	if (!v)
		return NULL;
	refcount_set(&v->refs, 1);
	v->sb = sb;
	v->ops = ops;
	v->ino = v->serial = atomic_fetch_add_explicit(&sb->next_ino, 1, memory_order_relaxed);
	mutex_init(&v->lock, "vnode", RANK_VNODE);
	v->mode = mode;
	v->nlink = 1;
	v->atime_ns = v->mtime_ns = v->ctime_ns = time_real_ns();
	return v;
}

void vnode_number(struct vnode *v, const void *kind, uint64_t ino, uint64_t owner)
{
	v->ino = ino;
	v->serial = siphash_128(serial_key, (uintptr_t)kind, siphash_128(serial_key, ino, owner));
}

void vnode_get(struct vnode *v)
{
	refcount_get(&v->refs);
}

void vnode_put(struct vnode *v)
{
	if (!v || !refcount_put(&v->refs))
		return;
	if (notify_wanted())
		notify_vnode_gone(v);
	if (unlikely(v->handle))
		vnode_handle_free(v);
	if (v->ops->evict)
		v->ops->evict(v);
	if (v->pages)
		vm_object_put(v->pages);
	vnode_locks_free(v);
	slab_free(vnode_cache, v);
}

void vnode_init_owner(struct vnode *v, const struct vnode *dir, mode_t mode)
{
	const struct credentials *cred = fs_cred();

	v->uid = cred->fsuid;
	v->gid = cred->fsgid;
	if (dir && (dir->mode & S_ISGID)) {
		v->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010) && !cred_in_group(cred, v->gid) &&
			 !priv_has(&cred->priv, PRIV_FSETID))
			mode &= ~(mode_t)S_ISGID;
	}
	v->mode = mode;
}

void vnode_touch_locked(struct vnode *v)
{
	v->mtime_ns = v->ctime_ns = time_real_ns();
}

static __noinline void set_access_time(struct vnode *v, uint64_t now)
{
	mutex_lock(&v->lock);
	v->atime_ns = now;
	mutex_unlock(&v->lock);
}

void vnode_accessed(struct file *file)
{
	struct vnode *v = file->vnode;
	uint32_t mount_flags = file->mount ? atomic_load(&file->mount->flags) : 0;
	uint64_t now;

	if ((atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NOATIME) ||
	    (mount_flags & (MS_NOATIME | MS_RDONLY)))
		return;
	now = time_real_ns();
	/* A clock that was set back makes the difference huge. */
	if (v->atime_ns > v->mtime_ns && v->atime_ns > v->ctime_ns && now - v->atime_ns < RELATIME_NS)
		return;
	/* Several operations may fall into one tick of a coarse clock. */
	if (v->atime_ns != now)
		set_access_time(v, now);
}

void vnode_drop_setid_locked(struct vnode *v)
{
	mode_t drop = 0;

	vnode_drop_caps_locked(v);
	if (likely(!(v->mode & (S_ISUID | S_ISGID))) || !S_ISREG(v->mode) ||
	    priv_has(&fs_cred()->priv, PRIV_FSETID))
		return;
	if (v->mode & S_ISUID)
		drop |= S_ISUID;
	if ((v->mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		drop |= S_ISGID;
	v->mode &= ~drop;
}

/* --- permissions ------------------------------------------------------------------------------------- */

const struct credentials *fs_cred(void)
{
	return current_cred();
}

/* What the mode does not allow, privilege may: reading anything and searching directories, or all but
 * executing what is no program for anybody. */
static bool overridden(const struct credentials *cred, mode_t mode, unsigned mask)
{
	uint64_t enough = 0;

	if (S_ISDIR(mode) ? !(mask & MAY_WRITE) : mask == MAY_READ)
		enough |= PRIV_BIT(PRIV_DAC_READ_SEARCH);
	if (S_ISDIR(mode) || !(mask & MAY_EXEC) || (mode & 0111))
		enough |= PRIV_BIT(PRIV_DAC_OVERRIDE);
	return cred->priv.effective & enough;
}

/* Reads mode and owner without the lock: a change that races is as good before as after. */
int vnode_permission(const struct vnode *v, const struct credentials *cred, unsigned mask)
{
	mode_t mode = v->mode, bits = mode;

	if (cred->fsuid == v->uid)
		bits >>= 6;
	else if (cred->fsgid == v->gid || cred_in_group(cred, v->gid))
		bits >>= 3;
	if ((bits & mask) == mask)
		return 0;
	return overridden(cred, mode, mask) ? 0 : -EACCES;
}

int vfs_access(struct vnode *v, unsigned mask)
{
	return vnode_permission(v, fs_cred(), mask);
}

/* What the process's confinement has to say. */
static int confined_access(const struct confine *c, const struct path *path, unsigned mask)
{
	bool dir = S_ISDIR(path->dentry->vnode->mode);
	uint32_t rights = (mask & MAY_READ ? (dir ? CAP_LIST : CAP_READ) : 0) |
			  (mask & MAY_WRITE ? (dir ? CAP_CREATE : CAP_WRITE) : 0) |
			  (mask & MAY_EXEC ? (dir ? CAP_LOOKUP : CAP_EXEC) : 0);

	return rights & ~confine_rights_at(c, path) ? -EACCES : 0;
}

int vfs_may_access(const struct path *path, unsigned mask, bool real_ids)
{
	const struct confine *confine = current_confine();
	const struct vnode *v = path->dentry->vnode;
	struct credentials real;
	const struct credentials *cred = fs_cred();

	if (unlikely(confine != NULL) && confined_access(confine, path, mask) < 0)
		return -EACCES;
	if ((mask & MAY_EXEC) && S_ISREG(v->mode) && (atomic_load(&path->mount->flags) & MS_NOEXEC))
		return -EACCES;
	if (real_ids) {
		real = *cred;
		cred_as_real_user(&real);
		cred = &real;
	}
	if ((mask & MAY_WRITE) && mount_readonly(path->mount) && !S_ISCHR(v->mode) && !S_ISFIFO(v->mode))
		return -EROFS;
	return mask ? vnode_permission(v, cred, mask) : 0;
}

bool vfs_may_set_id(const struct path *path)
{
	return !(atomic_load(&path->mount->flags) & MS_NOSUID);
}

int vfs_may_execute(const struct path *path)
{
	int err;

	if (atomic_load(&path->mount->flags) & MS_NOEXEC)
		return -EACCES;
	err = vfs_access(path->dentry->vnode, MAY_EXEC);
	/* A program is read by who executes it. */
	return err < 0 ? err
		       : landlock_permits(path, LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE);
}

bool vnode_owner(const struct vnode *v)
{
	const struct credentials *cred = fs_cred();

	return cred->fsuid == v->uid || priv_has(&cred->priv, PRIV_FOWNER);
}

/* --- superblocks --------------------------------------------------------------------------------------- */

struct superblock *superblock_create(const struct fs_type *type, uint64_t magic)
{
	struct superblock *sb = kzalloc(sizeof(*sb));

	if (!sb)
		return NULL;
	sb->type = type;
	sb->magic = magic;
	sb->id = kobject_new_id();
	sb->dev = makedev(0, atomic_fetch_add(&next_dev_minor, 1));
	atomic_init(&sb->next_ino, 1);
	return sb;
}

void superblock_free(struct superblock *sb)
{
	kfree(sb);
}
