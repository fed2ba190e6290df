/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and changing what stat shows. */
#include "vfs_priv.h"

#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/notify.h>
#include <kernel/lease.h>
#include <kernel/process.h>
#include <kernel/string.h>

static struct abi_timespec to_timespec(uint64_t ns)
{
	return (struct abi_timespec){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC) };
}

struct vnode *path_vnode(const struct path *path)
{
	return path->dentry->vnode;
}

void vfs_note_mapped(const struct path *path)
{
	struct vnode *v = path->dentry->vnode;

	if (v->ops->mapped)
		v->ops->mapped(v, path);
}

int vfs_stat_vnode(struct vnode *v, struct abi_stat *out)
{
	if (v->ops->getattr) {
		int err = v->ops->getattr(v);

		if (err < 0)
			return err;
	}
	/* Field by field: a compound literal would be made elsewhere and copied. */
	out->dev = v->sb->dev;
	out->ino = v->ino;
	out->nlink = v->nlink;
	out->mode = v->mode;
	out->uid = v->uid;
	out->gid = v->gid;
	out->pad0 = 0;
	out->rdev = v->rdev;
	out->size = (int64_t)v->size;
	out->blksize = PAGE_SIZE;
	out->blocks = v->pages ? (int64_t)(READ_ONCE(v->pages->pages.count) * (PAGE_SIZE / 512)) : 0;
	out->atime = to_timespec(v->atime_ns);
	out->mtime = to_timespec(v->mtime_ns);
	out->ctime = to_timespec(v->ctime_ns);
	for (size_t i = 0; i < ARRAY_SIZE(out->unused); i++)
		out->unused[i] = 0;
	return 0;
}

/* A directory on the way to what a confinement allows: that it is there is all that is told of it. */
static void show_as_way(struct abi_stat *st)
{
	*st = (struct abi_stat){
		.dev = st->dev,
		.ino = st->ino,
		.nlink = 1,
		.mode = S_IFDIR | 0111,
		.blksize = st->blksize,
	};
}

int vfs_stat(const struct path *path, struct abi_stat *out)
{
	const struct confine *confine = current_confine();
	int err = vfs_stat_vnode(path->dentry->vnode, out);

	if (unlikely(confine != NULL) && err == 0 && !confine_rights_at(confine, path))
		show_as_way(out);
	return err;
}

void vfs_stat_more(const struct path *path, struct stat_more *out)
{
	const struct confine *confine = current_confine();

	*out = (struct stat_more){ 0 };
	if (unlikely(confine != NULL) && !confine_rights_at(confine, path))
		return;
	out->mount = path->mount->id;
	out->mount_root = path->mount->root == path->dentry;
	out->btime_ns = path->dentry->vnode->btime_ns;
}

int vfs_statfs(const struct path *path, struct abi_statfs *out)
{
	struct superblock *sb = path->dentry->sb;
	uint32_t flags = atomic_load(&path->mount->flags);
	int err;

	memset(out, 0, sizeof(*out));
	out->type = (int64_t)sb->magic;
	out->bsize = out->frsize = PAGE_SIZE;
	out->namelen = NAME_MAX;
	out->fsid[0] = (int32_t)sb->dev;
	out->fsid[1] = (int32_t)(sb->dev >> 32);
	if (sb->type->statfs) {
		err = sb->type->statfs(sb, out);
		if (err < 0)
			return err;
	}
	/* MS_RDONLY, NOSUID, NODEV and NOEXEC have the same bits in both worlds. */
	out->flags = ST_VALID | (int64_t)(flags & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
	out->flags |= flags & MS_NOATIME ? ST_NOATIME : ST_RELATIME;
	return 0;
}

/* --- changing ------------------------------------------------------------------------------------------ */

static int may_chown(const struct vnode *v, const struct vnode_attr *attr)
{
	const struct credentials *cred = fs_cred();

	if (priv_has(&cred->priv, PRIV_CHOWN))
		return 0;
	if ((attr->valid & ATTR_UID) && (cred->fsuid != v->uid || attr->uid != v->uid))
		return -EPERM;
	if ((attr->valid & ATTR_GID) &&
	    (cred->fsuid != v->uid || (attr->gid != v->gid && !cred_in_group(cred, attr->gid))))
		return -EPERM;
	return 0;
}

static int may_change(const struct vnode *v, const struct vnode_attr *attr)
{
	int err = may_chown(v, attr);

	if (err < 0)
		return err;
	if ((attr->valid & (ATTR_MODE | ATTR_ATIME | ATTR_MTIME)) && !vnode_owner(v))
		return -EPERM;
	/* A program that others run with the ids of who is confined would be a way out. */
	if ((attr->valid & ATTR_MODE) && (attr->mode & (S_ISUID | S_ISGID)) &&
	    confine_denies(CONFINE_NO_ADMIN))
		return -EPERM;
	return 0;
}

/* What a change brings with it: set-id bits that must go, the status-change time. */
static void complete_attr(const struct vnode *v, struct vnode_attr *attr)
{
	const struct credentials *cred = fs_cred();

	if (attr->valid & ATTR_MODE) {
		gid_t gid = attr->valid & ATTR_GID ? attr->gid : v->gid;

		attr->mode = (v->mode & S_IFMT) | (attr->mode & 07777);
		if (!cred_in_group(cred, gid) && !priv_has(&cred->priv, PRIV_FSETID))
			attr->mode &= ~(mode_t)S_ISGID;
	} else if ((attr->valid & ATTR_OWNER) && !S_ISDIR(v->mode)) {
		attr->valid |= ATTR_MODE;
		attr->mode = v->mode & ~(mode_t)S_ISUID;
		if ((v->mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
			attr->mode &= ~(mode_t)S_ISGID;
	}
	if (!(attr->valid & ATTR_CTIME)) {
		attr->valid |= ATTR_CTIME;
		attr->ctime_ns = time_real_ns();
	}
}

void vnode_apply_attr_locked(struct vnode *v, const struct vnode_attr *attr)
{
	if (attr->valid & ATTR_MODE)
		v->mode = (v->mode & S_IFMT) | (attr->mode & 07777);
	if (attr->valid & ATTR_UID)
		v->uid = attr->uid;
	if (attr->valid & ATTR_GID)
		v->gid = attr->gid;
	if (attr->valid & ATTR_ATIME)
		v->atime_ns = attr->atime_ns;
	if (attr->valid & ATTR_MTIME)
		v->mtime_ns = attr->mtime_ns;
	if (attr->valid & ATTR_CTIME)
		v->ctime_ns = attr->ctime_ns;
}

/* Both times at once are utimes(2), one alone comes with a read or a write. */
static uint32_t event_of(const struct vnode_attr *attr)
{
	uint32_t times = attr->valid & (ATTR_ATIME | ATTR_MTIME);
	uint32_t event = attr->valid & (ATTR_OWNER | ATTR_MODE) ? IN_ATTRIB : 0;

	if ((attr->valid & ATTR_SIZE) || times == ATTR_MTIME)
		return event | IN_MODIFY;
	if (times == ATTR_ATIME)
		return event | IN_ACCESS;
	return times ? event | IN_ATTRIB : event;
}

/* Check and commit under the lock; `checked`: the caller has established the right already. */
static int change(const struct path *path, const struct vnode_attr *wanted, bool checked)
{
	struct vnode *v = path->dentry->vnode;
	struct vnode_attr attr = *wanted;
	int err;

	if (mount_readonly(path->mount))
		return -EROFS;
	if (!v->ops->setattr)
		return -EPERM;
	mutex_lock(&v->lock);
	err = checked ? 0 : may_change(v, &attr);
	if (err == 0) {
		complete_attr(v, &attr);
		err = v->ops->setattr(v, &attr);
	}
	if (err == 0 && (attr.valid & ATTR_OWNER) && !S_ISDIR(v->mode))
		vnode_drop_caps_locked(v);
	mutex_unlock(&v->lock);
	if (err == 0)
		notify_dentry(path->dentry, event_of(wanted));
	return err;
}

int vfs_setattr(const struct path *path, const struct vnode_attr *attr)
{
	return change(path, attr, false);
}

static uint64_t chosen_time(const struct abi_timespec *ts, uint64_t now)
{
	if (ts->nsec == UTIME_NOW)
		return now;
	if (ts->sec < 0)
		return 0;
	return (uint64_t)ts->sec * NSEC_PER_SEC + (uint64_t)ts->nsec;
}

int vfs_set_times(const struct path *path, const struct abi_timespec *times)
{
	static const struct abi_timespec now_twice[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	struct vnode_attr attr = { .valid = 0 };
	uint64_t now = time_real_ns();
	bool both_now;

	if (!times)
		times = now_twice;
	for (int i = 0; i < 2; i++)
		if ((times[i].nsec < 0 || times[i].nsec >= (int64_t)NSEC_PER_SEC) &&
		    times[i].nsec != UTIME_NOW && times[i].nsec != UTIME_OMIT)
			return -EINVAL;
	if (times[0].nsec == UTIME_OMIT && times[1].nsec == UTIME_OMIT)
		return 0;
	if (times[0].nsec != UTIME_OMIT) {
		attr.valid |= ATTR_ATIME;
		attr.atime_ns = chosen_time(&times[0], now);
	}
	if (times[1].nsec != UTIME_OMIT) {
		attr.valid |= ATTR_MTIME;
		attr.mtime_ns = chosen_time(&times[1], now);
	}
	both_now = times[0].nsec == UTIME_NOW && times[1].nsec == UTIME_NOW;
	if (both_now && !vnode_owner(path->dentry->vnode)) {
		/* Who may write the file may also mark it as written now. */
		int err = vfs_access(path->dentry->vnode, MAY_WRITE);

		if (err < 0)
			return err;
	}
	return change(path, &attr, both_now);
}

int vfs_limit_size(const struct vnode *v, uint64_t size)
{
	if (!in_user_thread() || size <= v->size || size <= current_process()->rlimits[RLIMIT_FSIZE].cur)
		return 0;
	signal_self(SIGXFSZ);
	return -EFBIG;
}

static int truncate_vnode(struct vnode *v, const struct path *path, off_t length)
{
	struct vnode_attr attr = { .valid = ATTR_SIZE | ATTR_MTIME, .mtime_ns = time_real_ns() };
	int err = vfs_limit_size(v, (uint64_t)length);

	if (err < 0)
		return err;
	attr.size = (uint64_t)length;
	return change(path, &attr, true);
}

int vfs_truncate(const struct path *path, off_t length)
{
	struct vnode *v = path->dentry->vnode;
	int32_t writers;
	int err;

	if (length < 0)
		return -EINVAL;
	if (S_ISDIR(v->mode))
		return -EISDIR;
	if (!S_ISREG(v->mode))
		return -EINVAL;
	err = vfs_access(v, MAY_WRITE);
	if (err < 0)
		return err;
	if (mount_readonly(path->mount))
		return -EROFS;
	/* Be a writer meanwhile, so that no program starts from half a file. */
	writers = atomic_load(&v->write_count);
	do {
		if (writers < 0)
			return -ETXTBSY;
	} while (!atomic_compare_exchange_weak(&v->write_count, &writers, writers + 1));
	err = lease_break(v, true, false);
	if (err == 0)
		err = truncate_vnode(v, path, length);
	atomic_fetch_sub(&v->write_count, 1);
	return err;
}

int vfs_truncate_file(struct file *file, off_t length)
{
	struct path path = { file->mount, file->dentry };

	if (length < 0 || !file->vnode || !S_ISREG(file->vnode->mode) || !(file->access & CAP_WRITE))
		return -EINVAL;
	return truncate_vnode(file->vnode, &path, length);
}
