/* SPDX-License-Identifier: BSD-2-Clause */
/* procfs' insides: entries are tables, texts are made by functions. */
#pragma once

#include <kernel/process.h>

#include "vfs_priv.h"

/* Text that grows: what does not fit only counts, and the maker is run again with more room. */
struct proc_text {
	char *buf;
	size_t size; /* of buf */
	size_t len;  /* what the whole text takes, once all of it was offered */
	/* Of a text of records, buf holds only some. */
	off_t start;  /* where they stand in the file */
	uint64_t key; /* where the next one is made from: 0 at first */
};

void text_add(struct proc_text *t, const char *bytes, size_t len);
void text_printf(struct proc_text *t, const char *fmt, ...) __printf(2, 3);

/* Read at pos; *text is what the open file keeps, NULL at first.  Under a lock of the caller's
 * (fs/proc_text.c). */
struct proc_node;
ssize_t proc_text_read(const struct proc_node *node, struct proc_text **text, struct iobuf *io, off_t pos);
void proc_text_free(struct proc_text *t);

/* What a vnode of procfs stands for. */
struct proc_node {
	const struct proc_entry *entry;
	struct process *process; /* referenced; NULL: not about a process */
	pid_t tid;               /* below task/; else 0 */
	int fd;                  /* below fd/ and fdinfo/ */
};

struct proc_name {
	char text[NAME_MAX + 1];
	size_t len;
	const struct proc_entry *entry;
	int fd;
	pid_t tid;
	struct process *process; /* set by the root's look-up only: a reference */
};

/* A name's kind.  Files have show or record, links readlink, directories children, dynamic ones find and
 * next. */
struct proc_entry {
	const char *name;
	mode_t mode;
	bool guarded; /* only who could trace the process: same user, or root */
	int (*show)(struct proc_text *t, const struct proc_node *node);
	/* Instead of show, of what may be long: add what stands at t->key and move that behind it.  1, or 0:
	 * the end. */
	int (*record)(struct proc_text *t, const struct proc_node *node);
	int (*store)(const struct proc_node *node, const char *text, size_t len);
	/* Instead of show and store, of what is no text. */
	ssize_t (*read)(const struct proc_node *node, struct iobuf *io, off_t *pos);
	ssize_t (*write)(const struct proc_node *node, struct iobuf *io, off_t *pos);
	int (*readlink)(const struct proc_node *node, char *buf, size_t size);
	int (*follow)(const struct proc_node *node, struct path *out); /* NULL: by text */
	const struct proc_entry *children;
	size_t count;
	/* Dynamic names beside the children.  find: -ENOENT.  next: the first at or after *key, which it
	 * moves behind it; false at the end. */
	int (*find)(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out);
	bool (*next)(const struct proc_node *dir, uint64_t *key, struct proc_name *out);
};

#define PROC_FILE(n, m, fn)                                      \
	{                                                        \
		.name = (n), .mode = S_IFREG | (m), .show = (fn) \
	}
#define PROC_GUARDED(n, m, fn)                                                    \
	{                                                                         \
		.name = (n), .mode = S_IFREG | (m), .show = (fn), .guarded = true \
	}
#define PROC_RECORDS(n, m, fn)                                                      \
	{                                                                           \
		.name = (n), .mode = S_IFREG | (m), .record = (fn), .guarded = true \
	}
#define PROC_DIR(n, kids)                                                                          \
	{                                                                                          \
		.name = (n), .mode = S_IFDIR | 0555, .children = (kids), .count = ARRAY_SIZE(kids) \
	}

/* "123" without leading zeros or signs; -ENOENT. */
int proc_parse_number(const char *name, size_t len, uint32_t *out);
/* A decimal number with an optional sign, blanks around it.  -EINVAL. */
int proc_parse_signed(const char *text, int64_t *out);
/* May the running process look into that one?  0 or -EACCES. */
int proc_may_look(struct process *process);

/* The thread of a process; tid 0: its first one.  NULL: none.  process.lock is held. */
struct thread *proc_thread_locked(struct process *p, pid_t tid);

/* A process's memory at a glance (fs/proc_memory.c).  False: it has none any more. */
struct proc_memory {
	uint64_t total, resident, locked, data, stack, text, shared; /* pages */
	uint64_t code_start, code_end, data_start, data_end, brk_start, stack_start;
	uint64_t arg_start, arg_end, env_start, env_end;
};
bool proc_look_at_memory(struct process *p, struct proc_memory *m);
/* The rows of status that are about memory. */
void proc_status_memory(struct proc_text *t, struct process *p);

/* Files below /proc/PID that others list: fs/proc_status.c, proc_memory.c, proc_fd.c. */
int proc_show_stat(struct proc_text *t, const struct proc_node *node);
int proc_show_status(struct proc_text *t, const struct proc_node *node);
int proc_show_statm(struct proc_text *t, const struct proc_node *node);
int proc_show_cmdline(struct proc_text *t, const struct proc_node *node);
int proc_show_environ(struct proc_text *t, const struct proc_node *node);
int proc_show_auxv(struct proc_text *t, const struct proc_node *node);
ssize_t proc_read_mem(const struct proc_node *node, struct iobuf *io, off_t *pos);
ssize_t proc_read_pagemap(const struct proc_node *node, struct iobuf *io, off_t *pos); /* proc_pagemap.c */
ssize_t proc_write_mem(const struct proc_node *node, struct iobuf *io, off_t *pos);
int proc_record_maps(struct proc_text *t, const struct proc_node *node);
int proc_find_fd(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out);
bool proc_next_fd(const struct proc_node *dir, uint64_t *key, struct proc_name *out);
int proc_find_fdinfo(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out);
bool proc_next_fdinfo(const struct proc_node *dir, uint64_t *key, struct proc_name *out);
int proc_readlink_cwd(const struct proc_node *node, char *buf, size_t size);
int proc_follow_cwd(const struct proc_node *node, struct path *out);
int proc_readlink_root(const struct proc_node *node, char *buf, size_t size);
int proc_follow_root(const struct proc_node *node, struct path *out);
int proc_readlink_exe(const struct proc_node *node, char *buf, size_t size);
int proc_follow_exe(const struct proc_node *node, struct path *out);

/* Files of /proc itself that are about processors and load: fs/proc_stat.c. */
int proc_show_system_stat(struct proc_text *t, const struct proc_node *node);
int proc_show_system_uptime(struct proc_text *t, const struct proc_node *node);
int proc_show_system_loadavg(struct proc_text *t, const struct proc_node *node);
int proc_show_system_interrupts(struct proc_text *t, const struct proc_node *node);

/* What /proc/PID/fd shows of what a capability is to, which the caller uses; the length or a negative errno:
 * fs/proc_fd.c. */
struct capability;
int proc_object_name(const struct capability *cap, char *buf, size_t size);

/* fs/proc_caps.c */
int proc_show_capabilities(struct proc_text *t, const struct proc_node *node);

/* fs/proc_unsupported.c */
int proc_show_unsupported(struct proc_text *t, const struct proc_node *node);

/* fs/socket/unix_proc.c */
int proc_show_net_unix(struct proc_text *t, const struct proc_node *node);

/* fs/proc_audit.c */
int proc_show_audit(struct proc_text *t, const struct proc_node *node);

/* fs/proc_timers.c */
int proc_show_timers(struct proc_text *t, const struct proc_node *node);

/* fs/proc_locks.c */
int proc_show_lock_stat(struct proc_text *t, const struct proc_node *node);
int proc_store_lock_stat(const struct proc_node *node, const char *text, size_t len);

/* What the scheduler counts: fs/proc_sched.c. */
int proc_show_system_schedstat(struct proc_text *t, const struct proc_node *node);
int proc_show_sched(struct proc_text *t, const struct proc_node *node);
int proc_show_schedstat(struct proc_text *t, const struct proc_node *node);

#define USER_HZ         100
#define NS_TO_TICKS(ns) ((uint64_t)((ns) / (NSEC_PER_SEC / USER_HZ)))

extern const struct proc_entry proc_root;    /* fs/proc_system.c */
extern const struct proc_entry proc_pid_dir; /* fs/proc_pid.c */

/* What all memory is used for (fs/proc_meminfo.c). */
int proc_show_meminfo(struct proc_text *t, const struct proc_node *node);
int proc_show_vmstat(struct proc_text *t, const struct proc_node *node);
int proc_show_zoneinfo(struct proc_text *t, const struct proc_node *node);
int proc_show_buddyinfo(struct proc_text *t, const struct proc_node *node);
int proc_show_slabinfo(struct proc_text *t, const struct proc_node *node);

#define PROC_SYS_VM_COUNT 9
extern const struct proc_entry proc_sys_vm_entries[PROC_SYS_VM_COUNT]; /* fs/proc_sys_vm.c */
#define PROC_SYS_SECCOMP_COUNT 2
extern const struct proc_entry proc_sys_seccomp_entries[PROC_SYS_SECCOMP_COUNT]; /* fs/proc_sys_seccomp.c */

/* fs/proc_net.c */
#define PROC_NET_COUNT     7
#define PROC_SYS_NET_COUNT 1
extern const struct proc_entry proc_net_entries[PROC_NET_COUNT];
extern const struct proc_entry proc_sys_net_entries[PROC_SYS_NET_COUNT];

#define PROC_SYS_MQUEUE_COUNT 5
extern const struct proc_entry proc_sys_mqueue_entries[PROC_SYS_MQUEUE_COUNT]; /* fs/proc_sys_mqueue.c */

#define PROC_SYS_FANOTIFY_COUNT 3
extern const struct proc_entry
	proc_sys_fanotify_entries[PROC_SYS_FANOTIFY_COUNT]; /* fs/proc_sys_fanotify.c */

#define PROC_SYS_INOTIFY_COUNT 3
extern const struct proc_entry proc_sys_inotify_entries[PROC_SYS_INOTIFY_COUNT]; /* fs/proc_sys_inotify.c */

#define PROC_SYS_FS_COUNT 14
extern const struct proc_entry proc_sys_fs_entries[PROC_SYS_FS_COUNT]; /* fs/proc_sys_fs.c */

/* fs/lease.c: rows of /proc/locks behind that number, all or the running process's own. */
void leases_show(struct proc_text *t, unsigned number, bool own);

/* fs/proc_devices.c */
int proc_show_devices(struct proc_text *t, const struct proc_node *node);
int proc_show_no_disks(struct proc_text *t, const struct proc_node *node);
int proc_show_softirqs(struct proc_text *t, const struct proc_node *node);
int proc_show_tty_drivers(struct proc_text *t, const struct proc_node *node);

/* fs/locks.c */
int proc_show_locks(struct proc_text *t, const struct proc_node *node);

/* fs/proc_sys_ipc.c: files of /proc/sys/kernel */
int proc_show_ipc_limit(struct proc_text *t, const struct proc_node *node);
int proc_store_ipc_limit(const struct proc_node *node, const char *text, size_t len);
int proc_show_core_pattern(struct proc_text *t, const struct proc_node *node);
int proc_store_core_pattern(const struct proc_node *node, const char *text, size_t len);
int proc_show_core_uses_pid(struct proc_text *t, const struct proc_node *node);
int proc_store_core_uses_pid(const struct proc_node *node, const char *text, size_t len);
int proc_show_sem_limits(struct proc_text *t, const struct proc_node *node);
int proc_store_sem_limits(const struct proc_node *node, const char *text, size_t len);

/* fs/proc_ns.c: /proc/PID/ns */
#define PROC_NS_COUNT 8
extern const struct proc_entry proc_ns_entries[PROC_NS_COUNT];

/* fs/proc_keys.c */
int proc_show_keys(struct proc_text *t, const struct proc_node *node);
int proc_show_key_users(struct proc_text *t, const struct proc_node *node);
#define PROC_SYS_KEYS_COUNT 6
extern const struct proc_entry proc_sys_keys_entries[PROC_SYS_KEYS_COUNT];

#define PROC_SYSVIPC_COUNT 3
extern const struct proc_entry proc_sysvipc_entries[PROC_SYSVIPC_COUNT]; /* fs/proc_sysvipc.c */

/* One line of maps; `path` has PATH_MAX bytes for its own use. */
struct vm_area;
void proc_show_area(struct proc_text *t, const struct vm_area *a, char *path);
/* One record by `show`, of the first area that ends above t->key. */
typedef void proc_area_fn(struct proc_text *t, const struct proc_node *node, struct vm_space *vm,
			  const struct vm_area *a, char *path);
int proc_record_area(struct proc_text *t, const struct proc_node *node, proc_area_fn *show);

/* fs/proc_smaps.c */
int proc_record_smaps(struct proc_text *t, const struct proc_node *node);
int proc_record_numa_maps(struct proc_text *t, const struct proc_node *node);
int proc_show_smaps_rollup(struct proc_text *t, const struct proc_node *node);

/* fs/proc_io.c, fs/proc_syscall.c */
int proc_show_io(struct proc_text *t, const struct proc_node *node);
int proc_show_syscall(struct proc_text *t, const struct proc_node *node);

/* fs/proc_oom.c */
int proc_show_oom_score(struct proc_text *t, const struct proc_node *node);
int proc_show_oom_score_adj(struct proc_text *t, const struct proc_node *node);
int proc_store_oom_score_adj(const struct proc_node *node, const char *text, size_t len);
int proc_show_oom_adj(struct proc_text *t, const struct proc_node *node);
int proc_store_oom_adj(const struct proc_node *node, const char *text, size_t len);
