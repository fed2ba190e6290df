/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID and /proc/PID/task/TID: their tables, and the small files. */
#include "proc_priv.h"

#include <kernel/confine.h>
#include <kernel/format.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define CONFINEMENT_TEXT 32768 /* more is cut */

static const struct proc_entry task_dir;

struct thread *proc_thread_locked(struct process *p, pid_t tid)
{
	struct thread *t;

	list_for_each (t, &p->threads, link)
		if (tid == 0 || t->tid == tid)
			return t;
	return NULL;
}

/* --- small ones --- */

static int show_comm(struct proc_text *t, const struct proc_node *node)
{
	struct process *p = node->process;
	char comm[TASK_NAME_LEN];
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *thread = node->tid ? proc_thread_locked(p, node->tid) : NULL;

	strlcpy(comm, thread ? thread->task.name : p->comm, sizeof(comm));
	spin_unlock_irqrestore(&p->lock, flags);
	text_printf(t, "%s\n", comm);
	return 0;
}

static int store_comm(const struct proc_node *node, const char *text, size_t len)
{
	struct process *p = node->process;
	struct thread *thread;
	uint64_t flags;

	if (!in_user_thread() || p != current_process())
		return -EINVAL;
	len = MIN(len, (size_t)TASK_NAME_LEN - 1);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	flags = spin_lock_irqsave(&p->lock);
	thread = proc_thread_locked(p, node->tid);
	if (thread)
		strlcpy(thread->task.name, text, len + 1);
	if (!node->tid || node->tid == p->pid)
		strlcpy(p->comm, text, len + 1);
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

#define MOUNTS_TEXT 16384

static int show_mount_table(struct proc_text *t, int (*text)(char *buf, size_t size))
{
	char *buf = kmalloc(MOUNTS_TEXT);

	if (!buf)
		return -ENOMEM;
	text_add(t, buf, (size_t)text(buf, MOUNTS_TEXT));
	kfree(buf);
	return 0;
}

static int show_mounts(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	return show_mount_table(t, vfs_mounts_text);
}

static int show_mountinfo(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	return show_mount_table(t, vfs_mountinfo_text);
}

static int show_mountstats(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	return show_mount_table(t, vfs_mountstats_text);
}

static int show_confinement(struct proc_text *t, const struct proc_node *node)
{
	struct confine *c = process_confine_get(node->process);
	char *buf = kmalloc(CONFINEMENT_TEXT);
	int len = buf ? confine_text(c, buf, CONFINEMENT_TEXT) : -ENOMEM;

	if (len > 0)
		text_add(t, buf, (size_t)len);
	kfree(buf);
	confine_put(c);
	return MIN(len, 0);
}

static void limit_value(struct proc_text *t, uint64_t value)
{
	if (value == RLIM_INFINITY)
		text_printf(t, "%-20s ", "unlimited");
	else
		text_printf(t, "%-20lu ", value);
}

static int show_limits(struct proc_text *t, const struct proc_node *node)
{
	static const struct {
		const char *name, *unit;
	} rows[RLIMIT_COUNT] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" },
		[RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" },
		[RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" },
		[RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" },
		[RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
		[RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" },
		[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
		[RLIMIT_NICE] = { "Max nice priority", "" },
		[RLIMIT_RTPRIO] = { "Max realtime priority", "" },
		[RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	struct process *p = node->process;
	struct abi_rlimit limits[RLIMIT_COUNT];
	uint64_t flags = spin_lock_irqsave(&p->lock);

	memcpy(limits, p->rlimits, sizeof(limits));
	spin_unlock_irqrestore(&p->lock, flags);
	text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < RLIMIT_COUNT; i++) {
		text_printf(t, "%-25s ", rows[i].name);
		limit_value(t, limits[i].cur);
		limit_value(t, limits[i].max);
		text_printf(t, "%-10s\n", rows[i].unit);
	}
	return 0;
}

int proc_parse_signed(const char *text, int64_t *out)
{
	bool negative = false;
	const char *end;
	uint64_t value;

	while (*text == ' ')
		text++;
	if (*text == '-') {
		negative = true;
		text++;
	}
	if (parse_u64(text, &end, &value) < 0 || value > INT32_MAX)
		return -EINVAL;
	while (*end == ' ' || *end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	*out = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

/* Where a task sleeps is a kernel address: not for users. */
static int show_wchan(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_add(t, "0", 1);
	return 0;
}

/* All processes are in one group. */
static int show_cgroup(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "0::/\n");
	return 0;
}

/* Nobody audits log-ins: Linux's number for none. */
static int show_no_login(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%u", UINT32_MAX);
	return 0;
}

/* What `get` tells of the thread; 0 when it has ended. */
static uint64_t ask_thread(const struct proc_node *node, uint64_t (*get)(const struct thread *thread))
{
	struct process *p = node->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *thread = proc_thread_locked(p, node->tid);
	uint64_t value = thread ? get(thread) : 0;

	spin_unlock_irqrestore(&p->lock, flags);
	return value;
}

static uint64_t persona_of(const struct thread *thread)
{
	return READ_ONCE(thread->persona);
}

static uint64_t timer_slack_of(const struct thread *thread)
{
	return READ_ONCE(thread->timer_slack_ns);
}

static int show_personality(struct proc_text *t, const struct proc_node *node)
{
	text_printf(t, "%08lx\n", ask_thread(node, persona_of));
	return 0;
}

static int show_timer_slack(struct proc_text *t, const struct proc_node *node)
{
	text_printf(t, "%lu\n", ask_thread(node, timer_slack_of));
	return 0;
}

static int show_core_filter(struct proc_text *t, const struct proc_node *node)
{
	text_printf(t, "%08x\n", READ_ONCE(node->process->core_filter));
	return 0;
}

/* Kept for whoever asks and for children: no core is ever written. */
static int store_core_filter(const struct proc_node *node, const char *text, size_t len)
{
	const char *end;
	uint64_t value;

	(void)len;
	if (parse_u64(text, &end, &value) < 0 || value > UINT32_MAX || (*end && *end != '\n'))
		return -EINVAL;
	WRITE_ONCE(node->process->core_filter, (uint32_t)value & CORE_FILTER_ALL);
	return 0;
}

/* --- task/ --- */

static int find_task(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out)
{
	struct process *p = dir->process;
	uint64_t flags;
	uint32_t tid;
	bool found;

	if (proc_parse_number(name, len, &tid) < 0 || tid == 0)
		return -ENOENT;
	flags = spin_lock_irqsave(&p->lock);
	found = proc_thread_locked(p, (pid_t)tid) != NULL;
	spin_unlock_irqrestore(&p->lock, flags);
	if (!found)
		return -ENOENT;
	out->entry = &task_dir;
	out->tid = (pid_t)tid;
	return 0;
}

static bool next_task(const struct proc_node *dir, uint64_t *key, struct proc_name *out)
{
	pid_t tid = *key > UINT32_MAX ? 0 : process_nth_tid(dir->process, (uint32_t)*key);

	if (tid == 0)
		return false;
	out->len = (size_t)scnprintf(out->text, sizeof(out->text), "%d", tid);
	out->entry = &task_dir;
	++*key;
	return true;
}

/* --- the tables --- */

#define PROC_LINK(n)                                                               \
	{                                                                          \
		.name = #n, .mode = S_IFLNK | 0777, .readlink = proc_readlink_##n, \
		.follow = proc_follow_##n, .guarded = true                         \
	}

#define COMMON_ENTRIES                                                                                       \
	PROC_FILE("stat", 0444, proc_show_stat), PROC_FILE("statm", 0444, proc_show_statm),                  \
		PROC_FILE("status", 0444, proc_show_status), PROC_FILE("cmdline", 0444, proc_show_cmdline),  \
		{ .name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store = store_comm },          \
		PROC_RECORDS("maps", 0444, proc_record_maps),                                                \
		PROC_GUARDED("environ", 0400, proc_show_environ), PROC_FILE("sched", 0444, proc_show_sched), \
		PROC_FILE("schedstat", 0444, proc_show_schedstat), PROC_FILE("limits", 0444, show_limits),   \
		PROC_FILE("mounts", 0444, show_mounts), PROC_FILE("mountinfo", 0444, show_mountinfo),        \
		PROC_FILE("mountstats", 0444, show_mountstats), PROC_FILE("wchan", 0444, show_wchan),        \
		PROC_FILE("cgroup", 0444, show_cgroup), PROC_FILE("loginuid", 0444, show_no_login),          \
		PROC_FILE("sessionid", 0444, show_no_login), PROC_DIR("ns", proc_ns_entries),                \
		PROC_RECORDS("smaps", 0444, proc_record_smaps),                                              \
		PROC_GUARDED("smaps_rollup", 0444, proc_show_smaps_rollup),                                  \
		PROC_RECORDS("numa_maps", 0444, proc_record_numa_maps),                                      \
		PROC_GUARDED("confinement", 0444, show_confinement),                                         \
		PROC_GUARDED("timers", 0444, proc_show_timers), PROC_GUARDED("auxv", 0400, proc_show_auxv),  \
		PROC_GUARDED("personality", 0400, show_personality), PROC_GUARDED("io", 0400, proc_show_io), \
		PROC_GUARDED("syscall", 0400, proc_show_syscall),                                            \
		{ .name = "mem",                                                                             \
		  .mode = S_IFREG | 0600,                                                                    \
		  .read = proc_read_mem,                                                                     \
		  .write = proc_write_mem,                                                                   \
		  .guarded = true },                                                                         \
		{ .name = "pagemap", .mode = S_IFREG | 0400, .read = proc_read_pagemap, .guarded = true },   \
		PROC_FILE("oom_score", 0444, proc_show_oom_score),                                           \
		{ .name = "oom_score_adj",                                                                   \
		  .mode = S_IFREG | 0644,                                                                    \
		  .show = proc_show_oom_score_adj,                                                           \
		  .store = proc_store_oom_score_adj },                                                       \
		{ .name = "oom_adj",                                                                         \
		  .mode = S_IFREG | 0644,                                                                    \
		  .show = proc_show_oom_adj,                                                                 \
		  .store = proc_store_oom_adj },                                                             \
		{ .name = "fd",                                                                              \
		  .mode = S_IFDIR | 0500,                                                                    \
		  .find = proc_find_fd,                                                                      \
		  .next = proc_next_fd,                                                                      \
		  .guarded = true },                                                                         \
		{ .name = "fdinfo",                                                                          \
		  .mode = S_IFDIR | 0555,                                                                    \
		  .find = proc_find_fdinfo,                                                                  \
		  .next = proc_next_fdinfo,                                                                  \
		  .guarded = true },                                                                         \
		PROC_LINK(cwd), PROC_LINK(root), PROC_LINK(exe)

static const struct proc_entry task_entries[] = { COMMON_ENTRIES };
static const struct proc_entry task_dir = PROC_DIR("tid", task_entries);

static const struct proc_entry pid_entries[] = {
	COMMON_ENTRIES,
	PROC_GUARDED("capabilities", 0400, proc_show_capabilities),
	PROC_GUARDED("timerslack_ns", 0444, show_timer_slack),
	{ .name = "coredump_filter",
	  .mode = S_IFREG | 0644,
	  .show = show_core_filter,
	  .store = store_core_filter },
	{ .name = "task", .mode = S_IFDIR | 0555, .find = find_task, .next = next_task },
};
const struct proc_entry proc_pid_dir = PROC_DIR("pid", pid_entries);
