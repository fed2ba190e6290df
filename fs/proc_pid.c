/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID and /proc/PID/task/TID: what is to be known about a process. */
#include "proc_priv.h"

#include <kernel/cap.h>
#include <kernel/device.h>
#include <kernel/format.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/tty.h>
#include <kernel/vm.h>

#define USER_HZ         100
#define NS_TO_TICKS(ns) ((uint64_t)((ns) / (NSEC_PER_SEC / USER_HZ)))
#define PAGES_TO_KIB(n) ((n) * (PAGE_SIZE / 1024))

static const struct proc_entry fd_link_r, fd_link_w, fd_link_rw, fd_link_none, fdinfo_file, task_dir;

/* --- one look at a process --- */

/* What stat and status show, taken under one hold of the process's lock. */
struct look {
	pid_t pid, tid, ppid, pgid, sid, tpgid;
	dev_t tty;
	char comm[TASK_NAME_LEN];
	char state;
	struct credentials cred;
	uint32_t threads, queued, fd_size;
	uint64_t pending, shared_pending, blocked, ignored, caught;
	uint64_t user_ns, system_ns, child_user_ns, child_system_ns;
	uint64_t min_faults, maj_faults, child_min_faults, child_maj_faults;
	uint64_t switches, forced_switches, start_ns;
	uint64_t sigpending_limit;
	int32_t nice;
	int exit_signal, exit_status;
	bool no_new_privs;
	mode_t umask;
};

static struct thread *find_thread_locked(struct process *p, pid_t tid)
{
	struct thread *t;

	list_for_each (t, &p->threads, link)
		if (tid == 0 || t->tid == tid)
			return t;
	return NULL;
}

static char letter_of(struct task *task)
{
	switch ((enum task_state)atomic_load(&task->state)) {
	case TASK_RUNNABLE:
		return 'R';
	case TASK_SLEEPING:
		return 'D';
	case TASK_SLEEPING_INTR:
		return 'S';
	case TASK_STOPPED:
		return 'T';
	case TASK_DEAD:
		break;
	}
	return 'Z';
}

static void look_at_signals(struct look *l, struct process *p, struct thread *t)
{
	l->shared_pending = p->pending.pending;
	l->queued = p->queued_signals;
	if (t) {
		l->pending = t->pending.pending;
		l->blocked = t->blocked;
	}
	if (!p->actions)
		return;
	for (int i = 0; i < NSIG; i++) {
		uint64_t handler = READ_ONCE(p->actions->action[i].handler);

		if (handler == SIG_IGN)
			l->ignored |= 1ull << i;
		else if (handler != SIG_DFL)
			l->caught |= 1ull << i;
	}
}

static void look_locked(struct look *l, struct process *p, pid_t tid)
{
	struct thread *t = find_thread_locked(p, tid);
	struct thread *other;

	l->pid = p->pid;
	l->tid = tid ? tid : p->pid;
	strlcpy(l->comm, tid && t ? t->task.name : p->comm, sizeof(l->comm));
	l->state = p->state == PROCESS_STOPPED        ? 'T'
		   : p->state == PROCESS_ZOMBIE || !t ? 'Z'
						      : letter_of(&t->task);
	l->cred = p->cred;
	l->threads = p->thread_count;
	l->nice = p->nice;
	l->exit_signal = p->exit_signal;
	l->exit_status = p->exit_status;
	l->no_new_privs = p->no_new_privs;
	l->start_ns = p->start_ns;
	l->min_faults = atomic_load(&p->minor_faults);
	l->maj_faults = atomic_load(&p->major_faults);
	l->child_min_faults = p->child_minor_faults;
	l->child_maj_faults = p->child_major_faults;
	l->child_user_ns = p->child_user_ns;
	l->child_system_ns = p->child_system_ns;
	l->sigpending_limit = p->rlimits[RLIMIT_SIGPENDING].cur;
	look_at_signals(l, p, t);
	if (!tid) {
		l->user_ns = p->user_ns;
		l->system_ns = p->system_ns;
		l->switches = p->switches_voluntary;
		l->forced_switches = p->switches_forced;
	}
	list_for_each (other, &p->threads, link) {
		uint64_t user, system;

		if (tid && other != t)
			continue;
		task_times(&other->task, &user, &system);
		l->user_ns += user;
		l->system_ns += system;
		l->switches += other->task.switches_voluntary;
		l->forced_switches += other->task.switches_forced;
	}
}

static int look(const struct proc_node *node, struct look *l)
{
	struct process *p = node->process;
	struct fs_context *fs;
	struct cap_table *caps;
	uint64_t flags;
	struct tty *tty;
	bool gone;

	memset(l, 0, sizeof(*l));
	flags = spin_lock_irqsave(&p->lock);
	gone = node->tid && !find_thread_locked(p, node->tid);
	if (!gone)
		look_locked(l, p, node->tid);
	spin_unlock_irqrestore(&p->lock, flags);
	if (gone)
		return -ESRCH;
	l->ppid = process_parent_pid(p);
	l->pgid = READ_ONCE(p->pgid);
	l->sid = READ_ONCE(p->sid);
	tty = READ_ONCE(p->tty);
	l->tpgid = tty ? tty_foreground(tty) : -1;
	l->tty = tty ? tty_dev(tty) : 0;
	fs = process_fs_get(p);
	if (fs) {
		l->umask = READ_ONCE(fs->umask);
		fs_context_put(fs);
	}
	caps = process_caps_get(p);
	if (caps) {
		l->fd_size = READ_ONCE(caps->size);
		cap_table_put(caps);
	}
	return 0;
}

/* --- memory --- */

struct memory {
	uint64_t total, resident, data, stack, text, shared; /* pages */
	uint64_t code_start, code_end, data_start, data_end, brk_start, stack_start;
	uint64_t arg_start, arg_end, env_start, env_end;
};

static void add_area(struct memory *m, const struct vm_area *a)
{
	uint64_t pages = (a->end - a->start) / PAGE_SIZE;

	if (a->flags & VM_STACK) {
		m->stack += pages;
	} else if (a->flags & VM_EXEC) {
		m->text += pages;
		if (!m->code_start) {
			m->code_start = a->start;
			m->code_end = a->end;
		}
	} else if ((a->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE) {
		m->data += pages;
	}
	if (a->flags & VM_SHARED)
		m->shared += pages;
}

/* False: the process has no memory any more. */
static bool look_at_memory(struct process *p, struct memory *m)
{
	struct vm_space *vm = process_vm_get(p);
	struct vm_area a;

	memset(m, 0, sizeof(*m));
	if (!vm)
		return false;
	for (uint64_t addr = 0; vm_next_area(vm, addr, &a); addr = a.end) {
		add_area(m, &a);
		if (a.object)
			vm_object_put(a.object);
	}
	m->total = READ_ONCE(vm->pages_reserved);
	m->resident = READ_ONCE(vm->pages_mapped);
	m->brk_start = READ_ONCE(vm->brk_start);
	m->stack_start = READ_ONCE(vm->arg_start);
	m->arg_start = READ_ONCE(vm->arg_start);
	m->arg_end = READ_ONCE(vm->arg_end);
	m->env_start = READ_ONCE(vm->env_start);
	m->env_end = READ_ONCE(vm->env_end);
	vm_space_put(vm);
	return true;
}

/* --- stat, statm, status --- */

static int show_stat(struct proc_text *t, const struct proc_node *node)
{
	struct memory m;
	struct look l;
	bool may, alive;
	int err = look(node, &l);

	if (err < 0)
		return err;
	alive = look_at_memory(node->process, &m);
	may = alive && proc_may_look(node->process) == 0; /* addresses are for the owner only */
	text_printf(t, "%d (%s) %c %d %d %d %d %d 0 ", l.tid, l.comm, l.state, l.ppid, l.pgid, l.sid,
		    (int)l.tty, l.tpgid);
	text_printf(t, "%lu %lu %lu %lu ", l.min_faults, l.child_min_faults, l.maj_faults,
		    l.child_maj_faults);
	text_printf(t, "%lu %lu %lu %lu ", NS_TO_TICKS(l.user_ns), NS_TO_TICKS(l.system_ns),
		    NS_TO_TICKS(l.child_user_ns), NS_TO_TICKS(l.child_system_ns));
	text_printf(t, "%d %d %u 0 %lu ", 20 + l.nice, l.nice, l.threads, NS_TO_TICKS(l.start_ns));
	text_printf(t, "%lu %lu %lu ", m.total * PAGE_SIZE, m.resident, UINT64_MAX);
	text_printf(t, "%lu %lu %lu 0 0 ", may ? m.code_start : 1, may ? m.code_end : 1,
		    may ? m.stack_start : 0);
	text_printf(t, "%lu %lu %lu %lu ", l.pending & INT32_MAX, l.blocked & INT32_MAX,
		    l.ignored & INT32_MAX, l.caught & INT32_MAX);
	text_printf(t, "%d 0 0 %d 0 0 0 0 0 0 ", l.state != 'R', l.exit_signal);
	text_printf(t, "%lu %lu %lu %lu %lu %lu %lu %d\n", may ? m.data_start : 0, may ? m.data_end : 0,
		    may ? m.brk_start : 0, may ? m.arg_start : 0, may ? m.arg_end : 0, may ? m.env_start : 0,
		    may ? m.env_end : 0, may ? l.exit_status : 0);
	return 0;
}

static int show_statm(struct proc_text *t, const struct proc_node *node)
{
	struct memory m;

	look_at_memory(node->process, &m);
	text_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", m.total, m.resident, m.shared, m.text, m.data + m.stack);
	return 0;
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'D':
		return "D (disk sleep)";
	case 'T':
		return "T (stopped)";
	default:
		return "Z (zombie)";
	}
}

static void status_memory(struct proc_text *t, struct process *p)
{
	struct memory m;

	if (!look_at_memory(p, &m))
		return;
	text_printf(t, "VmSize:\t%8lu kB\n", PAGES_TO_KIB(m.total));
	text_printf(t, "VmLck:\t%8lu kB\nVmPin:\t%8lu kB\n", 0ul, 0ul);
	text_printf(t, "VmRSS:\t%8lu kB\n", PAGES_TO_KIB(m.resident));
	text_printf(t, "VmData:\t%8lu kB\n", PAGES_TO_KIB(m.data));
	text_printf(t, "VmStk:\t%8lu kB\n", PAGES_TO_KIB(m.stack));
	text_printf(t, "VmExe:\t%8lu kB\n", PAGES_TO_KIB(m.text));
	text_printf(t, "VmLib:\t%8lu kB\nVmSwap:\t%8lu kB\n", 0ul, 0ul);
}

static int show_status(struct proc_text *t, const struct proc_node *node)
{
	struct look *l = kmalloc(sizeof(*l));
	const struct credentials *c;
	uint64_t caps;
	int err = l ? look(node, l) : -ENOMEM;

	if (err < 0) {
		kfree(l);
		return err;
	}
	c = &l->cred;
	caps = c->euid == 0 ? 0x1ffffffffffull : 0;
	text_printf(t, "Name:\t%s\nUmask:\t%04o\nState:\t%s\n", l->comm, l->umask, state_name(l->state));
	text_printf(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", l->pid, l->tid, l->ppid);
	text_printf(t, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
	text_printf(t, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid, c->fsgid);
	text_printf(t, "FDSize:\t%u\nGroups:\t", l->fd_size);
	for (uint32_t i = 0; i < c->group_count; i++)
		text_printf(t, "%u ", c->groups[i]);
	text_printf(t, "\n");
	text_printf(t, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", l->pid, l->tid, l->pgid, l->sid);
	status_memory(t, node->process);
	text_printf(t, "Threads:\t%u\nSigQ:\t%u/%lu\n", l->threads, l->queued, l->sigpending_limit);
	text_printf(t, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", l->pending, l->shared_pending,
		    l->blocked);
	text_printf(t, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", l->ignored, l->caught);
	text_printf(t, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", 0ul, caps, caps);
	text_printf(t, "CapBnd:\t%016lx\nCapAmb:\t%016lx\n", 0x1fffffffffful, 0ul);
	text_printf(t, "NoNewPrivs:\t%d\nSeccomp:\t0\n", l->no_new_privs);
	text_printf(t, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n", l->switches,
		    l->forced_switches);
	kfree(l);
	return 0;
}

/* --- command line, environment, maps --- */

static int show_range(struct proc_text *t, struct vm_space *vm, uaddr_t start, uaddr_t end)
{
	char chunk[256];

	for (uaddr_t at = start; at < end;) {
		ssize_t n = vm_read(vm, at, chunk, MIN(sizeof(chunk), end - at));

		if (n <= 0)
			break;
		text_add(t, chunk, (size_t)n);
		at += (uaddr_t)n;
	}
	return 0;
}

static int show_cmdline(struct proc_text *t, const struct proc_node *node)
{
	struct vm_space *vm = process_vm_get(node->process);

	if (!vm)
		return 0;
	show_range(t, vm, vm->arg_start, vm->arg_end);
	vm_space_put(vm);
	return 0;
}

static int show_environ(struct proc_text *t, const struct proc_node *node)
{
	struct vm_space *vm = process_vm_get(node->process);

	if (!vm)
		return 0;
	show_range(t, vm, vm->env_start, vm->env_end);
	vm_space_put(vm);
	return 0;
}

static void show_area(struct proc_text *t, const struct vm_area *a, char *path)
{
	size_t start = t->len;
	uint64_t ino = 0;
	dev_t dev = 0;

	path[0] = '\0';
	if (a->object && a->object->ops && a->object->ops->describe)
		a->object->ops->describe(a->object, path, PATH_MAX, &dev, &ino);
	if (!path[0] && (a->flags & VM_STACK))
		strlcpy(path, "[stack]", PATH_MAX);
	else if (!path[0] && (a->flags & VM_HEAP))
		strlcpy(path, "[heap]", PATH_MAX);
	text_printf(t, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", a->start, a->end,
		    a->flags & VM_READ ? 'r' : '-', a->flags & VM_WRITE ? 'w' : '-',
		    a->flags & VM_EXEC ? 'x' : '-', a->flags & VM_SHARED ? 's' : 'p',
		    a->object ? a->offset : 0, dev_major(dev), dev_minor(dev), ino);
	if (path[0]) /* Linux's column */
		text_printf(t, "%*s%s", t->len - start < 73 ? (int)(73 - (t->len - start)) : 0, "", path);
	text_printf(t, "\n");
}

static int show_maps(struct proc_text *t, const struct proc_node *node)
{
	struct vm_space *vm = process_vm_get(node->process);
	char *path = kmalloc(PATH_MAX);
	struct vm_area a;

	for (uint64_t addr = 0; vm && path && vm_next_area(vm, addr, &a); addr = a.end) {
		show_area(t, &a, path);
		if (a.object)
			vm_object_put(a.object);
	}
	if (vm)
		vm_space_put(vm);
	if (!path)
		return -ENOMEM;
	kfree(path);
	return 0;
}

/* --- small ones --- */

static int show_comm(struct proc_text *t, const struct proc_node *node)
{
	struct process *p = node->process;
	char comm[TASK_NAME_LEN];
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct thread *thread = node->tid ? find_thread_locked(p, node->tid) : NULL;

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
	thread = find_thread_locked(p, node->tid);
	if (thread)
		strlcpy(thread->task.name, text, len + 1);
	if (!node->tid || node->tid == p->pid)
		strlcpy(p->comm, text, len + 1);
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static int show_mounts(struct proc_text *t, const struct proc_node *node)
{
	char *buf = kmalloc(16384);

	(void)node;
	if (!buf)
		return -ENOMEM;
	text_add(t, buf, (size_t)vfs_mounts_text(buf, 16384));
	kfree(buf);
	return 0;
}

static int show_mountinfo(struct proc_text *t, const struct proc_node *node)
{
	char *buf = kmalloc(16384);

	(void)node;
	if (!buf)
		return -ENOMEM;
	text_add(t, buf, (size_t)vfs_mountinfo_text(buf, 16384));
	kfree(buf);
	return 0;
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

static int show_oom_score_adj(struct proc_text *t, const struct proc_node *node)
{
	text_printf(t, "%d\n", READ_ONCE(node->process->oom_score_adj));
	return 0;
}

/* A decimal number with an optional sign, blanks around it. */
static int parse_signed(const char *text, int64_t *out)
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

static int store_oom_score_adj(const struct proc_node *node, const char *text, size_t len)
{
	struct process *p = node->process;
	int64_t value;

	(void)len;
	if (parse_signed(text, &value) < 0 || value < -1000 || value > 1000)
		return -EINVAL;
	if (value < READ_ONCE(p->oom_score_adj) && !cred_is_root())
		return -EACCES;
	WRITE_ONCE(p->oom_score_adj, (int32_t)value);
	return 0;
}

/* Where a task sleeps is a kernel address: not for users. */
static int show_wchan(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_add(t, "0", 1);
	return 0;
}

/* --- links: cwd, root, exe --- */

static int path_link_text(struct path *path, char *buf, size_t size)
{
	struct path root;
	ssize_t len;

	fs_current_root(&root);
	len = vfs_path_text(path, &root, buf, size);
	path_put(&root);
	path_put(path);
	return (int)len;
}

static int fs_path(const struct proc_node *node, bool root, struct path *out)
{
	struct fs_context *fs = process_fs_get(node->process);

	if (!fs)
		return -ENOENT;
	spin_lock(&fs->lock);
	*out = root ? fs->root : fs->cwd;
	path_get(out);
	spin_unlock(&fs->lock);
	fs_context_put(fs);
	return 0;
}

static int follow_cwd(const struct proc_node *node, struct path *out)
{
	return fs_path(node, false, out);
}

static int follow_root(const struct proc_node *node, struct path *out)
{
	return fs_path(node, true, out);
}

static int follow_exe(const struct proc_node *node, struct path *out)
{
	char name[sizeof(node->process->exe)];
	uint64_t flags = spin_lock_irqsave(&node->process->lock);

	strlcpy(name, node->process->exe, sizeof(name));
	spin_unlock_irqrestore(&node->process->lock, flags);
	return *name ? vfs_walk(AT_FDCWD, name, 0, out) : -ENOENT;
}

static int readlink_exe(const struct proc_node *node, char *buf, size_t size)
{
	uint64_t flags = spin_lock_irqsave(&node->process->lock);
	size_t len = strlcpy(buf, node->process->exe, size);

	spin_unlock_irqrestore(&node->process->lock, flags);
	return len ? (int)MIN(len, size - 1) : -ENOENT;
}

static int readlink_cwd(const struct proc_node *node, char *buf, size_t size)
{
	struct path path;
	int err = fs_path(node, false, &path);

	return err < 0 ? err : path_link_text(&path, buf, size);
}

static int readlink_root(const struct proc_node *node, char *buf, size_t size)
{
	struct path path;
	int err = fs_path(node, true, &path);

	return err < 0 ? err : path_link_text(&path, buf, size);
}

/* --- fd/ and fdinfo/ --- */

/* The open file behind a descriptor of another process, referenced. */
static int file_of_process(struct process *p, int fd, struct file **out)
{
	struct cap_table *caps = process_caps_get(p);
	struct kobject *obj;
	int err;

	if (!caps)
		return -ENOENT;
	err = cap_lookup(caps, fd, OBJECT_NONE, 0, &obj);
	cap_table_put(caps);
	if (err < 0)
		return -ENOENT;
	if (obj->type != OBJECT_FILE && obj->type != OBJECT_DIRECTORY) {
		kobject_put(obj);
		return -ENOENT;
	}
	*out = file_of(obj);
	return 0;
}

static const struct proc_entry *link_for(const struct file *file)
{
	switch (file->access & (CAP_READ | CAP_WRITE)) {
	case CAP_READ:
		return &fd_link_r;
	case CAP_WRITE:
		return &fd_link_w;
	case CAP_READ | CAP_WRITE:
		return &fd_link_rw;
	default:
		return &fd_link_none;
	}
}

static int find_descriptor(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out,
			   bool info)
{
	struct file *file;
	uint32_t fd;
	int err = proc_parse_number(name, len, &fd);

	if (err < 0)
		return err;
	err = file_of_process(dir->process, (int)fd, &file);
	if (err < 0)
		return err;
	out->entry = info ? &fdinfo_file : link_for(file);
	out->fd = (int)fd;
	file_put(file);
	return 0;
}

static bool next_descriptor(const struct proc_node *dir, uint64_t *key, struct proc_name *out, bool info)
{
	struct cap_table *caps = process_caps_get(dir->process);
	int fd;

	if (!caps)
		return false;
	fd = *key > INT32_MAX ? -1 : cap_next(caps, (int)*key, NULL);
	cap_table_put(caps);
	if (fd < 0)
		return false;
	out->len = (size_t)scnprintf(out->text, sizeof(out->text), "%d", fd);
	out->entry = info ? &fdinfo_file : &fd_link_rw;
	*key = (uint64_t)fd + 1;
	return true;
}

static int find_fd(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out)
{
	return find_descriptor(dir, name, len, out, false);
}

static bool next_fd(const struct proc_node *dir, uint64_t *key, struct proc_name *out)
{
	return next_descriptor(dir, key, out, false);
}

static int find_fdinfo(const struct proc_node *dir, const char *name, size_t len, struct proc_name *out)
{
	return find_descriptor(dir, name, len, out, true);
}

static bool next_fdinfo(const struct proc_node *dir, uint64_t *key, struct proc_name *out)
{
	return next_descriptor(dir, key, out, true);
}

static int follow_fd(const struct proc_node *node, struct path *out)
{
	struct file *file;
	int err = file_of_process(node->process, node->fd, &file);

	if (err < 0)
		return err;
	if (file->dentry) {
		out->mount = file->mount;
		out->dentry = file->dentry;
		path_get(out);
	} else {
		err = file->vnode ? pipe_vnode_path(file->vnode, out) : -ENOENT;
	}
	file_put(file);
	return err;
}

static int readlink_fd(const struct proc_node *node, char *buf, size_t size)
{
	struct path path;
	int err = follow_fd(node, &path);

	return err < 0 ? err : path_link_text(&path, buf, size);
}

static int show_fdinfo(struct proc_text *t, const struct proc_node *node)
{
	struct file *file;
	int err = file_of_process(node->process, node->fd, &file);

	if (err < 0)
		return err;
	text_printf(t, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n", READ_ONCE(file->pos),
		    atomic_load(&file->flags), file->mount ? file->mount->id : 0,
		    file->vnode ? file->vnode->ino : 0);
	file_put(file);
	return 0;
}

#define FD_LINK(m)                                                                                 \
	{                                                                                          \
		.name = "fd", .mode = S_IFLNK | (m), .readlink = readlink_fd, .follow = follow_fd, \
		.guarded = true                                                                    \
	}
static const struct proc_entry fd_link_r = FD_LINK(0500);
static const struct proc_entry fd_link_w = FD_LINK(0300);
static const struct proc_entry fd_link_rw = FD_LINK(0700);
static const struct proc_entry fd_link_none = FD_LINK(0100);
static const struct proc_entry fdinfo_file = PROC_GUARDED("fdinfo", 0444, show_fdinfo);

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
	found = find_thread_locked(p, (pid_t)tid) != NULL;
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

#define PROC_LINK(n)                                                                                \
	{                                                                                           \
		.name = #n, .mode = S_IFLNK | 0777, .readlink = readlink_##n, .follow = follow_##n, \
		.guarded = true                                                                     \
	}

#define COMMON_ENTRIES                                                                                       \
	PROC_FILE("stat", 0444, show_stat), PROC_FILE("statm", 0444, show_statm),                            \
		PROC_FILE("status", 0444, show_status), PROC_FILE("cmdline", 0444, show_cmdline),            \
		{ .name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store = store_comm },          \
		PROC_GUARDED("maps", 0444, show_maps), PROC_GUARDED("environ", 0400, show_environ),          \
		PROC_FILE("limits", 0444, show_limits), PROC_FILE("mounts", 0444, show_mounts),              \
		PROC_FILE("mountinfo", 0444, show_mountinfo), PROC_FILE("wchan", 0444, show_wchan),          \
		{ .name = "oom_score_adj",                                                                   \
		  .mode = S_IFREG | 0644,                                                                    \
		  .show = show_oom_score_adj,                                                                \
		  .store = store_oom_score_adj },                                                            \
		{ .name = "fd", .mode = S_IFDIR | 0500, .find = find_fd, .next = next_fd, .guarded = true }, \
		{ .name = "fdinfo",                                                                          \
		  .mode = S_IFDIR | 0555,                                                                    \
		  .find = find_fdinfo,                                                                       \
		  .next = next_fdinfo,                                                                       \
		  .guarded = true },                                                                         \
		PROC_LINK(cwd), PROC_LINK(root), PROC_LINK(exe)

static const struct proc_entry task_entries[] = { COMMON_ENTRIES };
static const struct proc_entry task_dir = PROC_DIR("tid", task_entries);

static const struct proc_entry pid_entries[] = {
	COMMON_ENTRIES,
	{ .name = "task", .mode = S_IFDIR | 0555, .find = find_task, .next = next_task },
};
const struct proc_entry proc_pid_dir = PROC_DIR("pid", pid_entries);
