/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chroma: vnodes, dentries, mounts, path walk.
 *
 * A vnode is a file whatever its name; a dentry is a name in a directory and caches the result of a
 * look-up, present or absent; a mount grafts the root of one file system onto a dentry of another.  A
 * (mount, dentry) pair is a struct path.  References go upwards: a dentry holds its parent and its
 * vnode, a path holds both its members.
 *
 * Locks: vnode.lock (mutex) for the contents of a vnode, names in a directory included; the dentry hash
 * and parent/name links under dcache_lock (spinlock); the mount table under mount_lock (spinlock).
 */
#pragma once

#include <kernel/file.h>
#include <kernel/list.h>
#include <kernel/memobj.h>
#include <kernel/mutex.h>
#include <kernel/notify.h>
#include <kernel/types.h>
#include <kernel/vm.h>

#define NAME_MAX     255
#define PATH_MAX     4096
#define SYMLINKS_MAX 40

struct superblock;
struct dentry;
struct mount;
struct pipe;
struct file_locks;
struct lease;
struct xattr_sink;
struct xattr_store;

/* A place in the tree.  Holds a reference on both when it is kept. */
struct path {
	struct mount *mount;
	struct dentry *dentry;
};

struct vnode_attr {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	uint64_t atime_ns, mtime_ns, ctime_ns; /* since 1970 */
	uint32_t valid;                        /* ATTR_*: which to set */
};
#define ATTR_MODE  (1u << 0)
#define ATTR_UID   (1u << 1)
#define ATTR_GID   (1u << 2)
#define ATTR_SIZE  (1u << 3)
#define ATTR_ATIME (1u << 4)
#define ATTR_MTIME (1u << 5)
#define ATTR_CTIME (1u << 6)
#define ATTR_OWNER (1u << 7) /* a chown, were it to the same owner: takes the set-id bits away */

struct vnode;

/* Operations of a file system, one row per Pulse/FUSE message to come.  Called with dir->lock (and for
 * rename both) held.  On success *out carries a reference.  A NULL row is [-EPERM], look-up [-ENOTDIR]. */
struct vnode_ops {
	int (*lookup)(struct vnode *dir, const char *name, size_t len, struct vnode **out);
	int (*create)(struct vnode *dir, const char *name, size_t len, mode_t mode, dev_t rdev,
		      struct vnode **out); /* regular, directory, device, fifo by the type in mode */
	int (*symlink)(struct vnode *dir, const char *name, size_t len, const char *target,
		       struct vnode **out);
	int (*link)(struct vnode *dir, const char *name, size_t len, struct vnode *target);
	int (*unlink)(struct vnode *dir, const char *name, size_t len, struct vnode *victim);
	int (*rmdir)(struct vnode *dir, const char *name, size_t len, struct vnode *victim);
	int (*rename)(struct vnode *from_dir, const char *from, size_t from_len, struct vnode *to_dir,
		      const char *to, size_t to_len, struct vnode *moved, struct vnode *replaced);
	/* RENAME_WHITEOUT: a rename after which the old name is a device 0/0.  NULL: -EINVAL. */
	int (*rename_whiteout)(struct vnode *from_dir, const char *from, size_t from_len,
			       struct vnode *to_dir, const char *to, size_t to_len, struct vnode *moved,
			       struct vnode *replaced);
	/* RENAME_EXCHANGE: `a` takes the place of `b` and the other way round. */
	int (*exchange)(struct vnode *a_dir, const char *a_name, size_t a_len, struct vnode *b_dir,
			const char *b_name, size_t b_len, struct vnode *a, struct vnode *b);
	/* The target, NUL-terminated, cut to size.  Length or -errno. */
	ssize_t (*readlink)(struct vnode *vnode, char *buf, size_t size);
	/* A link whose target is an object, not a text (/proc/self/fd/N, /proc/self/cwd); NULL: textual. */
	int (*follow)(struct vnode *vnode, struct path *out);
	/* Commit what vfs_setattr has checked.  NULL: not allowed. */
	int (*setattr)(struct vnode *vnode, const struct vnode_attr *attr);
	/* The contents are about to be mapped through this path: what /proc/pid/maps shows.  May be NULL. */
	void (*mapped)(struct vnode *vnode, const struct path *path);
	/* fallocate(2): allocate, punch a hole or write zeroes, with or without a change of size, as `mode`
	 * (FALLOC_FL_*) says; NULL: -EOPNOTSUPP. */
	int (*allocate)(struct vnode *vnode, uint32_t mode, uint64_t offset, uint64_t len);
	/* In a directory, a regular file without a name, which may get one if `linkable`: O_TMPFILE. */
	int (*tmpfile)(struct vnode *dir, mode_t mode, bool linkable, struct vnode **out);
	/* Extended attributes: <kernel/xattr.h>.  NULL: -EOPNOTSUPP, and a list without names.  Who may is
	 * not the file system's matter.  The first two take what lock they need. */
	ssize_t (*getxattr)(struct vnode *vnode, const char *name, void *value, size_t size);
	int (*listxattr)(struct vnode *vnode, struct xattr_sink *sink);
	/* `value` NULL: remove it. */
	int (*setxattr)(struct vnode *vnode, const char *name, const void *value, size_t size,
			unsigned flags);
	int (*getattr)(struct vnode *vnode); /* refresh the fields below before stat; may be NULL */
	void (*evict)(struct vnode *vnode);  /* last reference gone */
};

struct vnode {
	struct refcount refs;
	struct superblock *sb;           /* [i] */
	const struct vnode_ops *ops;     /* [i] */
	const struct file_ops *file_ops; /* [i] what open gives */
	uint64_t ino;                    /* [i] */
	uint64_t serial;                 /* [i] names it among all that its superblock ever had */
	struct mutex lock;
	mode_t mode;                           /* [lock] type bits [i] */
	uid_t uid;                             /* [lock] */
	gid_t gid;                             /* [lock] */
	uint32_t nlink;                        /* [lock] */
	dev_t rdev;                            /* [i] */
	uint64_t size;                         /* [lock] */
	uint64_t atime_ns, mtime_ns, ctime_ns; /* [lock] */
	uint64_t btime_ns;                     /* [i] when it was made; 0: nobody knows */
	_Atomic uint8_t write_hint;            /* [a] F_SET_RW_HINT */
	struct vm_object *pages;               /* [i] page cache of regular files; else NULL */
	uint32_t seals;                        /* [lock] F_SEAL_*, of regular files that have `pages` */
	enum memobj_type memory;               /* [i] a memory object's type; MEMOBJ_NONE: a file */
	_Atomic int32_t write_count;           /* [a] writers; negative: executables deny writing (ETXTBSY) */
	_Atomic int32_t read_count;            /* [a] open files of regular ones that only read */
	bool linkable;                         /* [lock] has no name yet, but may get one (O_TMPFILE) */
	struct xattr_store *xattrs;            /* [lock] of a file in memory; NULL: it never had any */
	struct pipe *pipe;                     /* [lock] of a fifo while it is open */
	struct file_locks *locks; /* [file_locks_mutex] record locks and flock; NULL: none ever */
	struct lease *leases;     /* [lease_mutex] written; NULL: nobody has one.  fs/lease.c */
	struct vnode_handle
		*_Atomic handle;   /* [a] written once; NULL: nobody asked for it.  fs/file_handle.c */
	struct watch_list watches; /* who wants to hear of it */
	void *private;             /* [ops] */
};

/* Devices that can seek, and files of no type (an eventfd), take no notice of where they are, so reads and
 * writes of them need no order. */
static inline bool file_has_position(const struct file *file)
{
	mode_t type = file->vnode ? file->vnode->mode & S_IFMT : S_IFREG;

	return file->ops->seek && type != S_IFCHR && type != 0;
}

struct superblock {
	const struct fs_type *type;
	dev_t dev;
	uint64_t id; /* [i] unlike dev never used again */
	struct vnode *root;
	struct dentry *root_dentry; /* while mounted */
	uint64_t magic;             /* statfs f_type */
	bool volatile_names;        /* names come and go by themselves: never cached (procfs) */
	bool placeless;             /* no name of a file leads to what is in it: pipes, memfds */
	_Atomic uint32_t mounts;    /* [a] places it is mounted at; the last one unmounts it */
	struct watch_list watches;  /* who wants to hear of what happens in it */
	void *private;
	_Atomic uint64_t next_ino;
};

struct fs_type {
	const char *name;
	bool nodev;       /* no block device behind it */
	bool has_handles; /* a file is one vnode for as long as it exists: <kernel/file_handle.h> */
	int (*mount)(const struct fs_type *type, const char *source, const char *data,
		     struct superblock **out);
	void (*unmount)(struct superblock *sb);
	/* MS_REMOUNT with new options; NULL: there is nothing to change. */
	int (*remount)(struct superblock *sb, const char *data);
	int (*statfs)(struct superblock *sb, struct abi_statfs *out);
	const char *(*options)(struct superblock *sb, char *buf,
			       size_t size); /* for /proc/mounts; may be NULL */
	struct list link;
};

/* A process's root and current directory, and umask; shared by CLONE_FS. */
struct fs_context {
	struct refcount refs;
	struct path root, cwd; /* [dcache_lock] referenced */
	_Atomic mode_t umask;  /* [a] */
};
struct fs_context *fs_context_create(void);                /* root of the system; NULL: no memory */
struct fs_context *fs_context_copy(struct fs_context *fs); /* NULL: no memory */
void fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);
/* The running process's current directory and root; with references.  Kernel threads: the system's root. */
void fs_current_cwd(struct path *out);
void fs_current_root(struct path *out);
void fs_context_set_cwd(struct fs_context *fs, const struct path *path);  /* takes its own reference */
void fs_context_set_root(struct fs_context *fs, const struct path *path); /* takes its own reference */

void vfs_init(void); /* caches; registers ramfs/tmpfs, devfs, procfs; mounts the root ramfs */
int fs_type_register(struct fs_type *type) __must_check;

void path_get(const struct path *path);
void path_put(const struct path *path);

/* Flags of a walk. */
#define WALK_NOFOLLOW  (1u << 0) /* do not follow a final symlink */
#define WALK_DIRECTORY (1u << 1) /* the result must be a directory */
#define WALK_EMPTY     (1u << 2) /* "" means the start itself */
#define WALK_REAL_IDS  (1u << 3) /* search permission by the real ids: access(2) */
#define WALK_NO_LINKS  (1u << 4) /* symlinks anywhere are -ELOOP */

/* Walk `name` from dirfd (AT_FDCWD: the current directory), to use what is there in the ways of `rights`
 * (CAP_*): -EACCES where the process's confinement does not allow them, -EPERM where those of the directory
 * do not. */
int vfs_walk(int dirfd, const char *name, unsigned flags, uint32_t rights, struct path *out) __must_check;
/* From the system's root and with its authority, whoever runs. */
int vfs_walk_system(const char *name, struct path *out) __must_check;
int vfs_open(int dirfd, const char *name, uint32_t flags, mode_t mode, struct file **out) __must_check;
/* As vfs_open, looking `name` up as `resolve` (RESOLVE_*) says; *via is the directory's capability, in use,
 * that the file was reached through, or NULL.  Its descriptor is to be derived from that (file_install_via),
 * so that it goes with it. */
int vfs_open_via(int dirfd, const char *name, uint32_t flags, mode_t mode, uint32_t resolve,
		 struct file **out, struct capability **via) __must_check;
int vfs_mknod(int dirfd, const char *name, mode_t mode, dev_t rdev) __must_check;
/* bind(2): a name of type S_IFSOCK, its mode less the umask; *out, referenced, is where it is. */
int vfs_make_socket(const char *name, mode_t mode, struct path *out) __must_check;
int vfs_mkdir(int dirfd, const char *name, mode_t mode) __must_check;
int vfs_symlink(const char *target, int dirfd, const char *name) __must_check;
int vfs_link(int from_fd, const char *from, int to_fd, const char *to, bool follow) __must_check;
int vfs_unlink(int dirfd, const char *name) __must_check;
int vfs_rmdir(int dirfd, const char *name) __must_check;
int vfs_rename(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) __must_check;
int vfs_setattr(const struct path *path, const struct vnode_attr *attr) __must_check;
/* utimensat(2): times[0] access, [1] modification; NULL: both now. */
int vfs_set_times(const struct path *path, const struct abi_timespec *times) __must_check;
/* The set-user-id and set-group-id bits go when somebody but root writes the file; a program's privileges
 * (security.capability) whoever does. */
void vnode_drop_setid_locked(struct vnode *vnode);
int vfs_stat(const struct path *path, struct abi_stat *out) __must_check;
int vfs_stat_vnode(struct vnode *vnode, struct abi_stat *out) __must_check;
/* What statx(2) tells besides, of a file that has a place. */
struct stat_more {
	uint64_t mount;    /* its number; 0: not told */
	bool mount_root;   /* it is where the mount begins */
	uint64_t btime_ns; /* when it was made; 0: nobody knows */
};
void vfs_stat_more(const struct path *path, struct stat_more *out);
/* Is the running process the owner, or may it do what he may? */
bool vnode_owner(const struct vnode *vnode);
/* May the running process read/write/execute (4, 2, 1)?  0 or -EACCES, -EROFS. */
int vfs_access(struct vnode *vnode, unsigned mask) __must_check;
/* access(2): by the real ids or the effective ones; a read-only mount forbids writing.  mask 0: exists. */
int vfs_may_access(const struct path *path, unsigned mask, bool real_ids) __must_check;
/* Execute permission, and not on a mount that forbids it: 0 or -EACCES. */
int vfs_may_execute(const struct path *path) __must_check;
/* Was the name unlinked? */
bool vfs_path_removed(const struct path *path);
/* May the process make the file so large?  -EFBIG and SIGXFSZ if RLIMIT_FSIZE says no. */
int vfs_limit_size(const struct vnode *v, uint64_t size) __must_check;
int vfs_truncate(const struct path *path, off_t length) __must_check;
int vfs_truncate_file(struct file *file, off_t length) __must_check;
int vfs_readlink(const struct path *path, char *buf, size_t size) __must_check;
int vfs_statfs(const struct path *path, struct abi_statfs *out) __must_check;
struct vnode *path_vnode(const struct path *path);
/* Whoever maps vnode.pages without going through file_ops.mmap (exec) says under what path. */
void vfs_note_mapped(const struct path *path);
/* The absolute path as seen from `root` (NULL: system root).  Length or -ENAMETOOLONG. */
ssize_t vfs_path_text(const struct path *path, const struct path *root, char *buf, size_t size);

int vfs_mount(const char *source, const char *target, const char *type, unsigned flags,
	      const char *data) __must_check;
int vfs_umount(const char *target, unsigned flags) __must_check;
/* Where the open file lies, referenced, for a confinement's rule.  -EBADF: it has no place in the tree, or
 * one that does not stay the same (in /proc, but for its root). */
int vfs_place(const struct file *file, struct path *out) __must_check;
int vfs_pivot_root(const char *new_root, const char *put_old) __must_check;
/* Do set-user-id programs there run with their owner's identity? */
bool vfs_may_set_id(const struct path *path);
/* Text of /proc/mounts. */
int vfs_mounts_text(char *buf, size_t size);
int vfs_mountinfo_text(char *buf, size_t size);
int vfs_mountstats_text(char *buf, size_t size);
int vfs_filesystems_text(char *buf, size_t size);

struct vnode *vnode_create(struct superblock *sb, const struct vnode_ops *ops,
			   mode_t mode); /* NULL: no memory */
void vnode_get(struct vnode *vnode);
void vnode_put(struct vnode *vnode);

/* Unpack newc cpio archives (several, zero padding between, gzip allowed) into the root.  -EINVAL with a
 * logged reason for a damaged archive; what was unpacked before stays. */
int initramfs_unpack(const void *data, size_t len, const char *name) __must_check;
/* The same of an archive in memory that the allocator does not have yet, which is files' or the allocator's
 * afterwards, also on failure.  Start-up only. */
int initramfs_take(paddr_t base, size_t len, const char *name) __must_check;

/* A pair of pipe ends: [0] reads, [1] writes. */
int pipe_create(uint32_t flags, struct file *ends[2]) __must_check;
/* open(2) of a fifo vnode. */
extern const struct file_ops fifo_ops;

/* memfd_create(2): a file without a name whose contents live as long as it is used.  `flags`: MFD_*, but for
 * MFD_CLOEXEC, which is the descriptor's.  -EINVAL, -ENOMEM. */
int memfd_create(const char *name, uint32_t flags, struct file **out) __must_check;
/* memfd_secret(2).  -EOPNOTSUPP: the processor has no AES instructions; -ENOMEM. */
int secretmem_create(struct file **out) __must_check;
/* mem_create and mem_run of <serix/memory.h>. */
int memobj_create(enum memobj_type type, uint64_t size, unsigned flags, struct file **out) __must_check;
int memobj_run(struct file *file, uint64_t offset, paddr_t *address, uint64_t *length) __must_check;
/* F_ADD_SEALS; F_GET_SEALS, which returns them.  -EINVAL: no file in memory. */
int file_add_seals(struct file *file, uint32_t seals) __must_check;
int64_t file_get_seals(struct file *file);
/* What a mapping of the file, by `object`, may come to: takes out of *max_prot what its seals and its kind of
 * memory forbid.  -EPERM, -EACCES: `prot` asks for that.  On success a shared mapping that may ever be
 * written is counted already (vm_object_hold_writable); the caller drops that once the mapping stands. */
int file_limit_mapping(struct file *file, struct vm_object *object, bool shared, uint32_t prot,
		       uint32_t *max_prot) __must_check;

/* The process whose /proc/PID directory the file is, which holds it; NULL: it is none. */
struct process *procfs_process(const struct file *file);

bool file_is_pipe(const struct file *file); /* or a fifo */
/* Look at up to len bytes of what waits, and keep all other readers away until pipe_return() takes `used` of
 * them out.  Bytes, 0 (no writers), -EAGAIN, -ERESTARTSYS: then nothing is borrowed. */
ssize_t pipe_borrow(struct file *file, void *buf, size_t len, bool nowait) __must_check;
void pipe_return(struct file *file, size_t used);
/* Wait for room to write: bytes, -EAGAIN, -EPIPE (with SIGPIPE), -ERESTARTSYS. */
ssize_t pipe_wait_room(struct file *file, bool nowait) __must_check;
int64_t pipe_capacity(struct file *file);                     /* F_GETPIPE_SZ; -EBADF: no pipe */
int64_t pipe_set_capacity(struct file *file, uint64_t bytes); /* F_SETPIPE_SZ */

/* Wait until one of the files is ready; fds in abi_pollfd form, as poll(2).  The number of entries with
 * events, 0 at the deadline (monotonic; 0: do not wait), -EINTR, -ENOMEM. */
int poll_files(struct abi_pollfd *fds, size_t count, uint64_t deadline_ns) __must_check;

/* Record locks (fcntl) belong to a process, flock's to an open file. */
struct abi_flock;
/* `fd` is what the file was found by: -EBADF, and no lock, if it was closed meanwhile. */
int file_lock_record(struct file *file, int fd, int cmd, struct abi_flock *lock) __must_check;
int file_lock_whole(struct file *file, unsigned operation) __must_check;
