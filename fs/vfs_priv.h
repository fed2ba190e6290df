/* SPDX-License-Identifier: BSD-2-Clause */
/* Chroma's insides: dentries, mounts and the walk, shared by the files of fs/ only. */
#pragma once

#include <kernel/process.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

struct credentials;

/*
 * A name in a directory.  While it is hashed it may have no reference at all: the cache then keeps it
 * until it is pruned.  An unhashed one lives as long as its references.
 *
 * [i] immutable, [d] dcache_lock, [a] atomic: raised under dcache_lock or by who already holds one
 */
struct dentry {
	_Atomic uint32_t refs;    /* [a] */
	uint32_t hash;            /* [d] */
	struct dentry *hash_next; /* [d] */
	struct dentry *parent;    /* [d] referenced; the root of a file system: itself */
	struct vnode *vnode;      /* [d] referenced; NULL: the name does not exist.  Set once */
	struct superblock *sb;    /* [i] */
	struct list lru;          /* [d] all hashed ones, oldest first */
	uint32_t rules;           /* [d] of confinements, that name it: anybody may make many */
	uint16_t len;             /* [d] */
	uint16_t mounted;         /* [d] mounts on top of it */
	bool hashed;              /* [d] */
	bool recent;              /* [d] used since the pruner last came by */
	bool removed;             /* [d] unlinked: paths show " (deleted)" */
	bool remembered;          /* [d] by a file handle: stays in the cache, and says when it goes */
	char *name;               /* [d] short_name, or its own memory */
	char short_name[28];
};

/* The root of one file system, or of a part of it, grafted onto a dentry of another.  The tree itself
 * holds one reference; more than that means busy. */
struct mount {
	struct refcount refs;
	struct superblock *sb;     /* [i] */
	struct dentry *root;       /* [i] referenced */
	struct mount *parent;      /* [mount_lock] referenced; NULL: the system's root, or detached */
	struct dentry *mountpoint; /* [mount_lock] referenced */
	_Atomic uint32_t flags;    /* [a] MS_RDONLY, MS_NOSUID, ... */
	_Atomic bool expiring;     /* [a] MNT_EXPIRE found nobody there, and nobody has been there since */
	bool internal;             /* [i] never in the tree */
	uint32_t id;               /* [i] */
	struct watch_list watches; /* who wants to hear of what happens through it */
	char *source;              /* [i] */
	struct list link;          /* [mount_lock] in mounting order */
};

extern struct spinlock dcache_lock;

void dcache_init(void);
/* FNV-1a over the name, begun with the directory: in steps, so that the walk can hash while it looks for
 * the name's end. */
static inline uint32_t dentry_hash_start(const struct dentry *parent)
{
	return 2166136261u ^ (uint32_t)((uintptr_t)parent >> 6);
}

static inline uint32_t dentry_hash_step(uint32_t hash, char c)
{
	return (hash ^ (uint8_t)c) * 16777619u;
}

static inline uint32_t dentry_hash_end(uint32_t hash)
{
	return hash ^ hash >> 15;
}

/* The cached entry or NULL; no reference is taken.  Caller holds dcache_lock. */
struct dentry *dentry_find_locked(struct dentry *parent, const char *name, size_t len, uint32_t hash);
/* The cached entry with a reference, or NULL. */
struct dentry *dentry_find(struct dentry *parent, const char *name, size_t len);
/* A reference to the entry, asked of the file system when the cache does not know it.  The result may be
 * negative.  Takes the directory's lock, or relies on the caller's when `locked`. */
int dentry_lookup(struct dentry *parent, const char *name, size_t len, bool locked,
		  struct dentry **out) __must_check;
/* An unhashed entry with one reference; takes over the vnode's reference. NULL: no memory. */
struct dentry *dentry_create(struct superblock *sb, struct dentry *parent, const char *name, size_t len,
			     struct vnode *vnode);
/* A negative entry becomes the name of `vnode`, which was made in its directory, as who watches that is told;
 * takes over the reference.  The directory is locked. */
void dentry_instantiate(struct dentry *dentry, struct vnode *vnode);
void dentry_get(struct dentry *dentry);
void dentry_put(struct dentry *dentry);
/* The name is gone: nobody finds the entry any more. */
void dentry_remove(struct dentry *dentry);
/* Renaming: `dentry` takes the name and place of `target`, which is dropped from the cache.  With
 * `exchange`, `target` takes the former place of `dentry`. */
void dentry_move(struct dentry *dentry, struct dentry *target, bool exchange);
/* Drop every unused entry of a file system. */
void dcache_drop(struct superblock *sb);
/* The entry goes, and a file handle remembers it: fs/file_handle.c.  Caller holds dcache_lock. */
void dentry_forget_locked(struct dentry *dentry);
/* The path of the entry in its own file system.  Length or -ENAMETOOLONG. */
ssize_t dentry_path_text(const struct dentry *dentry, char *buf, size_t size);
/* Is `ancestor` the same as `dentry` or above it?  However deep a tree is, dcache_lock is held for a few
 * levels at a time: between those, directories move unless the caller holds the lock of renames. */
bool dentry_is_below(struct dentry *dentry, const struct dentry *ancestor);

extern struct spinlock mount_lock;

/* Keep a file system that is mounted, though it be unmounted meanwhile. */
void superblock_get(struct superblock *sb);
void superblock_put(struct superblock *sb);

void mount_init(void);
void mount_get(struct mount *mount);
void mount_put(struct mount *mount);
/* By who did nothing there: MNT_EXPIRE takes no notice. */
void mount_put_unused(struct mount *mount);
/* The mount that covers `dentry` of `mount`, or NULL.  Caller holds mount_lock. */
struct mount *mount_find_locked(const struct mount *mount, const struct dentry *dentry);
/* Replace *path by the root of what is mounted on it, as often as needed. */
void mount_cross_down(struct path *path);
/* From the root of a mount to the place it covers; false at the very top. */
bool mount_cross_up(struct path *path);
void system_root(struct path *out); /* with references */
/* A mount outside the tree, for pipes and their like. */
struct mount *mount_create_internal(struct superblock *sb); /* NULL: no memory */
bool mount_readonly(const struct mount *mount);

/* The running task's credentials; kernel threads are root. */
const struct credentials *fs_cred(void);
int vnode_permission(const struct vnode *vnode, const struct credentials *cred, unsigned mask) __must_check;
#define MAY_EXEC  1u
#define MAY_WRITE 2u
#define MAY_READ  4u

/* For a file system that makes a vnode anew at each look-up: the numbers of what is of this kind, has that
 * inode number and belongs to `owner` (0: nobody), an object's id. */
void vnode_number(struct vnode *vnode, const void *kind, uint64_t ino, uint64_t owner);
/* Owner, group and mode of a new vnode in `dir`, with its set-group-id rule; all three times now. */
void vnode_init_owner(struct vnode *vnode, const struct vnode *dir, mode_t mode);
/* What a program gives who runs it (privileges, memory to write and execute) goes with its old contents or
 * owner.  Caller holds vnode.lock. */
void vnode_drop_caps_locked(struct vnode *vnode);
/* Are there attributes of such a name on a file that has those of users, administrators and programs?
 * -EOPNOTSUPP, -EINVAL. */
int xattr_name_check(const char *name) __must_check;
/* Modification and status-change time of a directory or file, now.  Caller holds vnode.lock. */
void vnode_touch_locked(struct vnode *vnode);
/* Commit a change of anything but the size.  Caller holds vnode.lock. */
void vnode_apply_attr_locked(struct vnode *vnode, const struct vnode_attr *attr);
/* The access time after a read, by the relatime rule. */
void vnode_accessed(struct file *file);
/* A superblock with its device number, not yet mounted.  NULL: no memory. */
struct superblock *superblock_create(const struct fs_type *type, uint64_t magic);
void superblock_free(struct superblock *sb);

/* The last component of a walk that stopped at its parent. */
enum last_type { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct last_name {
	enum last_type type;
	bool slash; /* slashes followed: it must be a directory */
	size_t len;
	const char *text;
};

struct walk {
	const struct credentials *cred;
	/* It begins at this one's root or current directory, as the text says, and `at` and `root` are not
	 * known yet: the first step finds out under dcache_lock, so nobody takes a reference on where it
	 * begins. */
	const struct fs_context *from;
	struct path at;         /* referenced; nowhere while `from` is set */
	struct path root;       /* where ".." ends; only compared, so not referenced */
	bool own_root;          /* the caller gave it, and keeps it alive */
	unsigned links;         /* symlinks followed so far */
	const char *cursor;     /* what is left of the text */
	char *text;             /* expanded symlinks; NULL: none yet */
	struct capability *dir; /* that it began at, in use; NULL: it did not begin at one */
	/* Limits, by confinement and by the directory's capability: looked at only if `judged`. */
	bool judged;
	bool beneath;     /* never leave what is below `base` */
	uint32_t via;     /* rights that the capability it began at lets pass; ~0: it did not begin at one */
	struct path base; /* where it began; referenced if `beneath` */
	/* What openat2(2) was asked for. */
	uint32_t resolve;  /* RESOLVE_*; 0: nothing */
	struct path scope; /* where it began; referenced if that is where it is to stay */
};

/* What may be done with `place`, to which the walk has led: -EACCES if its confinement does not allow all of
 * `rights` there, or anything at all; -EPERM if the directory's capability does not. */
int walk_judge(const struct walk *walk, const struct path *place, uint32_t rights) __must_check;
/* The end of a walk, or of what followed it, with `err`: as walk_judge of where it stopped, which goes before
 * any other error there. */
static inline int walk_finish(const struct walk *walk, int err, uint32_t rights)
{
	int judged = unlikely(walk->judged) ? walk_judge(walk, &walk->at, err < 0 ? 0 : rights) : 0;

	return judged < 0 ? judged : err;
}
/* All rights to what is at `place`, for a descriptor of it. */
uint32_t walk_rights(const struct walk *walk, const struct path *place);

int walk_start(struct walk *walk, int dirfd, const char *name, const struct credentials *cred) __must_check;
void walk_start_at(struct walk *walk, const struct path *start, const char *name,
		   const struct credentials *cred);
void walk_end(struct walk *walk);
/* As walk_end, but walk->at stays the caller's. */
void walk_release(struct walk *walk);
/* After walk_start: what the walk may meet and where it stays. */
void walk_resolve(struct walk *walk, uint32_t resolve);
/* To the topmost mount on the place that the walk has come to. -EXDEV: it may not. */
int walk_cross_down(struct walk *walk) __must_check;
/* Consume the whole name; `follow` a final symlink.  Sets *slash when it ended in one (or in a dot). */
int walk_all(struct walk *walk, bool follow, bool *slash) __must_check;
/* Stop in front of the last component. */
int walk_parent(struct walk *walk, struct last_name *last) __must_check;
/* walk->at is a directory and `link` a symlink in it: put its target before the rest of the text.  Takes over
 * the reference on `link`. */
int walk_follow(struct walk *walk, struct dentry *link, bool slash) __must_check;

/* Is writing into the directory allowed, to do there what takes `access` (LANDLOCK_ACCESS_FS_*, 0: what is
 * asked about elsewhere), and does it make sense?  Caller holds its lock.  -EROFS, -ENOENT, -EACCES. */
int dir_may_write(const struct path *parent, uint32_t access) __must_check;
/* As the vfs_ functions, below a given place and with the caller's credentials. */
int make_node(struct walk *walk, mode_t mode, dev_t rdev) __must_check;
int make_symlink(struct walk *walk, const char *target) __must_check;
/* unlink(2) of a plain name in a directory of the kernel's choice. */
int remove_file_in(const struct path *dir, const char *name) __must_check;
mode_t fs_apply_umask(mode_t mode);

/* What opening the vnode gives.  Consumes the references of `path`, whatever happens. */
int file_open_path(const struct path *path, uint32_t flags, bool created, struct file **out) __must_check;
/* The same whatever its mode allows, and what is done through it is no news: for who watches the file. */
int file_open_silent(const struct path *path, uint32_t flags, struct file **out) __must_check;
/* Wherever a process has its root or current directory at `old`, it is at `new` from now on. */
void fs_contexts_replace(const struct path *old, const struct path *new);
/* The running process's; NULL: a kernel thread. */
static inline struct fs_context *fs_current(void)
{
	return in_user_thread() ? current_process()->fs : NULL;
}
/* The root or the current directory, referenced. */
void fs_context_path(struct fs_context *fs, bool root, struct path *out);

/* Cut a write that would pass RLIMIT_FSIZE or the largest offset; -EFBIG (with SIGXFSZ) when nothing fits. */
int file_limit_write(struct iobuf *io, off_t pos) __must_check;

/* Emits "." and "..", advancing *pos past 2.  False when the sink is full. */
bool dir_emit_dots(struct file *file, off_t *pos, struct dir_sink *sink);
/* Linux's d_type of a mode. */
static inline uint8_t mode_to_type(mode_t mode)
{
	return (mode & S_IFMT) >> 12;
}

/* Seek for files of a known size, and for what has no end to count from: directories, texts. */
off_t seek_in(struct file *file, off_t offset, int whence, uint64_t size);
off_t seek_endless(struct file *file, off_t offset, int whence);
off_t vnode_seek(struct file *file, off_t offset, int whence);

/* Drop a table's record locks on a vnode / an open file's flock; see fs/locks.c. */
void file_locks_closed(struct file *file, const struct cap_table *table);
void file_locks_released(struct file *file);
void vnode_locks_free(struct vnode *vnode);

/* What an object is ready for (POLL*); one that cannot tell always is. */
uint32_t object_poll(struct kobject *obj, struct poll_table *table);
bool object_can_poll(const struct kobject *obj);
/* Events that the capability's rights, which may have been taken from it, do not cover. */
uint32_t poll_events_denied(const struct capability *cap);

void file_init(void);
void pipe_init(void);
void memfd_init(void);
void vnode_init(void);

/* A path for a vnode that has no name: a dentry of its own on the pipes' mount. */
int pipe_vnode_path(struct vnode *vnode, struct path *out) __must_check;

/* Vnodes of memfd.c's file system: a regular file in memory, or one of its own kind.  NULL: no memory. */
struct vnode *nameless_file(mode_t mode);
struct vnode *nameless_vnode(const struct vnode_ops *ops, mode_t mode);
/* An open file, for reading and writing, on such a vnode; paths show "/NAME (deleted)".
 * Takes its own reference.  -ENOMEM. */
int nameless_open(struct vnode *vnode, const struct file_ops *ops, const char *name,
		  struct file **out) __must_check;

/* The file systems. */
void ramfs_init(void);
void devfs_init(void);
void devpts_init(void);
void procfs_init(void);
void sysfs_init(void);
void mqueue_init(void);
/* A fresh in-memory file system; devfs is one with its nodes made by the kernel. */
int ramfs_create(const struct fs_type *type, uint64_t magic, mode_t mode,
		 struct superblock **out) __must_check;
void ramfs_destroy(struct superblock *sb);
int ramfs_statfs(struct superblock *sb, struct abi_statfs *out);
