/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chroma: open files.  A struct file is a kernel object that capabilities name; its operations table is
 * the one interface for regular files, directories, devices, pipes and, later, sockets and servers.
 */
#pragma once

#include <kernel/mutex.h>
#include <kernel/object.h>
#include <kernel/types.h>
#include <kernel/wait.h>
#include <serix/abi.h>

struct async_file;
struct async_wanted;
struct cap_table;
struct capability;
struct file;
struct vnode;
struct dentry;
struct mount;
struct page;
struct vm_object;

/* A run of memory, user or kernel, that a transfer fills or drains.  Scatter lists are walked by it. */
struct iobuf {
	bool user;
	bool append;    /* a write goes to the end of the file, as with O_APPEND, whatever its position */
	bool nowait;    /* as with O_NONBLOCK: what would wait is -EAGAIN */
	uint32_t count; /* iovecs left, the current one included */
	const struct abi_iovec
		*iov;    /* copied into the kernel and checked; base is a kernel address if !user */
	uint64_t offset; /* in the current iovec */
	uint64_t left;   /* bytes left in all */
};

static inline void iobuf_init_one(struct iobuf *io, struct abi_iovec *iov, uint64_t base, size_t len,
				  bool user)
{
	*iov = (struct abi_iovec){ .base = base, .len = len };
	*io = (struct iobuf){ .user = user, .count = 1, .iov = iov, .left = len };
}

static inline void iobuf_init_kernel(struct iobuf *io, struct abi_iovec *iov, void *buf, size_t len)
{
	iobuf_init_one(io, iov, (uintptr_t)buf, len, false);
}

static inline void iobuf_init_user(struct iobuf *io, struct abi_iovec *iov, uaddr_t buf, size_t len)
{
	iobuf_init_one(io, iov, buf, len, true);
}

void iobuf_init_vec(struct iobuf *io, const struct abi_iovec *iov, uint32_t count, uint64_t total);
/* Move up to len bytes between kernel memory and the buffer.  Bytes moved, or -EFAULT if none was.
 * May fault user pages in: no spinlock held. */
ssize_t iobuf_write(struct iobuf *io, const void *src, size_t len); /* kernel -> buffer (read(2)) */
ssize_t iobuf_read(struct iobuf *io, void *dst, size_t len);        /* buffer -> kernel (write(2)) */
/* iobuf_write of `len` bytes, more than none, that begin at `offset` in the first of these pages. */
ssize_t iobuf_write_pages(struct iobuf *io, struct page *const *page, size_t offset, size_t len);
ssize_t iobuf_zero(struct iobuf *io, size_t len);

/* Collects directory entries.  Returns false when the caller's buffer is full: stop. */
struct dir_sink {
	bool (*add)(struct dir_sink *sink, const char *name, size_t len, uint64_t ino, uint8_t type,
		    off_t next);
};

/* Any row may be NULL: the call then fails with the errno in brackets.  Return values as the system
 * calls': bytes or negative errno.  `pos` is advanced by the callee. */
struct file_ops {
	const char *name;               /* of files that have no path; NULL: they have */
	int (*open)(struct file *file); /* [success] device and fifo opens */
	ssize_t (*read)(struct file *file, struct iobuf *io, off_t *pos);     /* [EINVAL] */
	ssize_t (*write)(struct file *file, struct iobuf *io, off_t *pos);    /* [EINVAL] */
	off_t (*seek)(struct file *file, off_t offset, int whence);           /* [ESPIPE] */
	int (*readdir)(struct file *file, off_t *pos, struct dir_sink *sink); /* [ENOTDIR] */
	int64_t (*ioctl)(struct file *file, uint32_t cmd, uint64_t arg);      /* [ENOTTY] */
	uint32_t (*poll)(struct file *file, struct poll_table *table); /* [always ready]; table may be NULL */
	bool poll_is_plain; /* without a table poll only reads words: it takes no lock and does not sleep */
	/* What O_ASYNC tells of. [the flag is not kept] */
	int (*async)(struct file *file, struct async_wanted *wanted);
	/* The object to map, with a reference; offset may be changed. [ENODEV] */
	int (*mmap)(struct file *file, struct vm_object **object, uint64_t *offset);
	void (*info)(struct file *file, char *buf, size_t size); /* more lines for fdinfo; may be NULL */
	/* A descriptor of it in this table was closed; may be NULL. */
	void (*closed)(struct file *file, const struct cap_table *table);
	void (*release)(struct file *file); /* last reference gone */
};

struct file {
	struct kobject object;
	const struct file_ops *ops; /* [i] */
	struct vnode *vnode;        /* [i] held by the dentry, or referenced if there is none; may be NULL */
	struct dentry *dentry;      /* [i] referenced; NULL: no name (an anonymous pipe) */
	struct mount *mount;        /* [i] referenced; NULL exactly when dentry is */
	_Atomic uint32_t flags;     /* [a] O_* status flags */
	uint32_t access;            /* [i] CAP_READ | CAP_WRITE as opened */
	uint32_t rights_max;        /* [i] CAP_*: what its descriptors may be used for at most */
	uint32_t via;               /* [i] CAP_* of the directory that it was opened through; or ~0 */
	bool reader;                /* [i] counted in vnode->read_count */
	bool silent; /* nobody hears of what is done through it; written before anybody else has it */
	bool writer; /* [i] counted in vnode->write_count: the file is no program to run */
	struct mutex pos_lock;
	off_t pos;                        /* [pos_lock] */
	void *private;                    /* [ops] */
	struct async_file *_Atomic async; /* [a] written once; NULL: no signals are wanted.  See async.h */
};

/* A file with one reference, no vnode.  NULL: out of memory. */
struct file *file_create(const struct file_ops *ops, uint32_t flags, void *private);
static inline struct file *file_of(struct kobject *obj)
{
	return container_of(obj, struct file, object);
}
void file_put(struct file *file);
static inline bool object_is_file(const struct kobject *obj)
{
	return obj->type == OBJECT_FILE || obj->type == OBJECT_DIRECTORY || obj->type == OBJECT_MEMORY ||
	       obj->type == OBJECT_TIMER || obj->type == OBJECT_SOCKET || obj->type == OBJECT_RING ||
	       obj->type == OBJECT_RULESET;
}

/* A call on an open file: file_use() finds it through a descriptor of the running process that grants
 * `rights` (CAP_*), file_done() ends the call.  Meanwhile the file stays, and a revocation of the
 * descriptor waits. -EBADF, -EPERM. */
struct file_use {
	struct file *file;
	struct capability *cap;
};
int file_use(int fd, uint32_t rights, struct file_use *use) __must_check;
/* Instead of a descriptor: what the request of a ring is for that the running thread works on. */
#define FD_OF_REQUEST INT32_MIN
void file_done(const struct file_use *use);
/* Is that descriptor of the running process the file's? */
bool file_is_open_as(const struct file *file, int fd);
/* What a descriptor of the file may be used for when it is made. */
uint32_t file_rights(const struct file *file);
/* What was taken from a descriptor that grants `granted` by now, or from the directory that the file was
 * opened through: nobody may get it back by way of the file's place.  0: nothing. */
uint32_t file_rights_lost(const struct file *file, uint32_t granted);
/* Install into the lowest free descriptor of the running process; takes over the reference on success. */
int file_install(struct file *file, bool cloexec) __must_check;
/* The same, as what was reached through `via` if there is such a capability; that is in use no longer. */
int file_install_via(struct file *file, bool cloexec, struct capability *via) __must_check;

/* Kernel-side helpers for exec, init and tests. */
ssize_t file_read_kernel(struct file *file, void *buf, size_t len, off_t pos);
ssize_t file_write_kernel(struct file *file, const void *buf, size_t len, off_t pos);
