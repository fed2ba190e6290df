/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve: the new program is found, checked and built in an address space of its own.  Only when nothing
 * can fail any more, but for lack of memory, are the process's other threads ended and the old program
 * replaced.
 */
#include <arch/context.h>
#include <arch/step.h>
#include <kernel/aio.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/format.h>
#include <kernel/keys.h>
#include <kernel/notify.h>
#include <kernel/reservation.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uring.h>
#include <kernel/vdso.h>
#include <kernel/xattr.h>
#include <serix/errno.h>
#include <serix/xattr.h>

#include "exec_priv.h"
#include "ptrace_priv.h"

/* --- the file ------------------------------------------------------------------------------------- */

static void close_file(struct exec *x)
{
	if (!x->vnode)
		return;
	exe_allow_write(x->vnode);
	path_put(&x->path);
	x->vnode = NULL;
}

/* Who watches the file is asked twice, and told once. */
static int ask_to_open(const struct path *path)
{
	int err = notify_path_permission(path, NOTIFY_MAY_OPEN_EXEC);

	if (err == 0)
		err = notify_path_permission(path, NOTIFY_MAY_OPEN);
	if (err == 0)
		notify_path(path, IN_OPEN | NOTIFY_OPEN_EXEC);
	return err;
}

/* Look `name` up, see that it may be executed, and read its first bytes. */
static int open_file(struct exec *x, int dirfd, const char *name, unsigned walk)
{
	struct vnode *v;
	int err = confine_denies(CONFINE_NO_EXEC) ? -EACCES : vfs_walk(dirfd, name, walk, CAP_EXEC, &x->path);

	if (err < 0)
		return err;
	v = path_vnode(&x->path);
	if (S_ISLNK(v->mode))
		err = -ELOOP;
	else if (!S_ISREG(v->mode))
		err = -EACCES;
	else
		err = vfs_may_execute(&x->path);
	if (err == 0)
		err = ask_to_open(&x->path);
	if (err == 0 && !v->pages)
		err = -ENOEXEC;
	if (err == 0)
		err = exe_deny_write(v);
	if (err < 0) {
		path_put(&x->path);
		return err;
	}
	vfs_note_mapped(&x->path);
	x->vnode = v;
	x->head_size = (size_t)MIN(v->size, (uint64_t)sizeof(x->head));
	memset(x->head, 0, sizeof(x->head));
	return exec_read(v, 0, x->head, x->head_size);
}

/* --- scripts -------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The line after "#!": a path and at most one argument, blanks around both dropped.  In place. */
static int split_script_line(char *line, size_t size, char **interp, char **argument)
{
	char *end = memchr(line, '\n', size), *p;

	/* A line that does not end in what was read may be cut in the middle of the path. */
	if (!end) {
		end = memchr(line, '\0', size);
		if (!end)
			return -ENOEXEC;
	}
	while (end > line && is_blank(end[-1]))
		end--;
	*end = '\0';
	for (p = line; is_blank(*p); p++)
		;
	if (!*p)
		return -ENOEXEC;
	*interp = p;
	while (*p && !is_blank(*p))
		p++;
	*argument = NULL;
	if (*p) {
		*p++ = '\0';
		while (is_blank(*p))
			p++;
		*argument = p;
	}
	return 0;
}

static int add_prefix(struct exec *x, const char *text)
{
	char *copy = kstrdup(text);

	if (!copy)
		return -ENOMEM;
	x->prefix[x->prefix_count++] = copy;
	return 0;
}

/* Turn "script args" into "interpreter [argument] script args" and open the interpreter. */
static int follow_script(struct exec *x, char **current)
{
	char line[EXEC_HEAD_SIZE], *interp, *argument;
	int err;

	memcpy(line, x->head + 2, sizeof(line) - 2);
	line[sizeof(line) - 2] = line[sizeof(line) - 1] = '\0';
	err = split_script_line(line, x->head_size - 2 + (x->head_size < sizeof(x->head)), &interp,
				&argument);
	if (err < 0)
		return err;
	/* The first script's name takes argv[0]'s place; a nested one's is the last prefix already. */
	if (!x->replaced_argv0)
		err = add_prefix(x, *current);
	x->replaced_argv0 = true;
	if (err == 0 && argument)
		err = add_prefix(x, argument);
	if (err == 0)
		err = add_prefix(x, interp);
	if (err < 0)
		return err;
	*current = x->prefix[x->prefix_count - 1];
	if (!x->asked.dentry) {
		x->asked = x->path;
		path_get(&x->asked);
	}
	close_file(x);
	return open_file(x, AT_FDCWD, *current, 0);
}

static int resolve_scripts(struct exec *x)
{
	char *current = (char *)x->name;

	for (unsigned depth = 0; x->head_size > 2 && x->head[0] == '#' && x->head[1] == '!'; depth++) {
		int err = depth < EXEC_NESTING_MAX ? follow_script(x, &current) : -ELOOP;

		if (err < 0)
			return err;
	}
	return 0;
}

/* --- building ------------------------------------------------------------------------------------- */

/* What may not be read (4) of a program's files may not be read in its memory. */
static void note_readable(struct exec *x, struct vnode *v)
{
	if (vfs_access(v, 4) < 0)
		x->unreadable = true;
}

static int load_interp(struct exec *x)
{
	struct path path;
	struct vnode *v;
	char *name;
	int err;

	if (x->image.interp_size == 0)
		return 0;
	name = kmalloc(x->image.interp_size);
	if (!name)
		return -ENOMEM;
	err = exec_read(x->vnode, x->image.interp_offset, name, x->image.interp_size);
	if (err == 0 && name[x->image.interp_size - 1] != '\0')
		err = -ENOEXEC;
	if (err == 0)
		err = vfs_walk(AT_FDCWD, name, 0, CAP_EXEC, &path);
	kfree(name);
	if (err != 0)
		return err;
	v = path_vnode(&path);
	err = S_ISREG(v->mode) ? vfs_may_execute(&path) : -EACCES;
	if (err == 0)
		err = ask_to_open(&path);
	if (err == 0) {
		vfs_note_mapped(&path);
		note_readable(x, v);
	}
	if (err == 0)
		err = v->pages ? exec_load_interp(x, v) : -ELIBBAD;
	x->interp_path = path;
	return err;
}

/* What the program's file says of privileges: 1; 0: nothing, or it is not heard; -EINVAL: no sense. */
static int look_at_file(const struct exec *x, struct priv_file *out)
{
	char value[PRIV_XATTR_SIZE_MAX];
	ssize_t size;
	int err;

	if (!vfs_may_set_id(&x->path))
		return 0;
	size = vnode_getxattr(x->vnode, XATTR_NAME_CAPS, value, sizeof(value));
	if (size == -ENODATA || size == -EOPNOTSUPP)
		return 0;
	if (size < 0)
		return size == -ERANGE ? -EINVAL : (int)size;
	err = priv_file_parse(value, (size_t)size, out);
	return err == -ENODATA ? 0 : err < 0 ? err : 1;
}

/* Which privileges the new program has beside the effective ids in x->cred, and what follows from those. */
static int choose_privileges(struct exec *x, const struct credentials *old)
{
	struct credentials *cred = &x->cred;
	struct priv_exec how = { .uid = old->uid,
				 .gid = old->gid,
				 .no_new_privs = x->no_new_privs || x->watched,
				 .euid = cred->euid,
				 .egid = cred->egid,
				 .sets = old->priv };
	struct priv_file file;
	int err = look_at_file(x, &file);

	if (err < 0)
		return err;
	how.file = err ? &file : NULL;
	err = priv_exec(&how);
	if (err < 0)
		return err;
	/* Without new privileges there may be an old id to go back to; who is confined does not even that. */
	if (!confine_denies(CONFINE_NO_ADMIN)) {
		cred->euid = how.euid;
		cred->egid = how.egid;
	}
	cred->suid = cred->fsuid = cred->euid;
	cred->sgid = cred->fsgid = cred->egid;
	cred->priv = how.sets;
	x->secure = how.secure;
	x->gains = cred_gains(old, cred) || old->euid != old->uid || old->egid != old->gid;
	if (how.gained)
		x->persona &= ~PERSONA_CLEARED_BY_SET_ID;
	return 0;
}

/* Set-user-id and set-group-id programs run with their owner's identity, unless that was given up. */
static int choose_credentials(struct exec *x)
{
	struct process *p = current_process();
	struct vnode *v = x->vnode;
	struct credentials *cred = &x->cred, old;
	mode_t mode;
	bool may;

	x->cred_changes = cred_get(p, &old);
	x->no_new_privs = READ_ONCE(p->no_new_privs);
	x->watched = ptrace_forbids_privilege(current_thread());
	may = !x->no_new_privs && !x->watched && vfs_may_set_id(&x->path);
	*cred = old;
	x->persona = current_thread()->persona;
	/* The owner of now with the bits of before chown would be somebody who never set them. */
	mutex_lock(&v->lock);
	mode = may ? v->mode : 0;
	if (mode & (S_ISUID | S_ISGID))
		x->persona &= ~PERSONA_CLEARED_BY_SET_ID;
	if (mode & S_ISUID)
		cred->euid = v->uid;
	/* Set-group-id without group execution means mandatory locking, not identity. */
	if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		cred->egid = v->gid;
	mutex_unlock(&v->lock);
	return choose_privileges(x, &old);
}

/* May memory of the program be written and executed at once?  Its file says so, a script's interpreter for
 * the script; not on a mount whose files give nothing to who runs them, and not to who is confined. */
static bool may_write_exec(const struct exec *x)
{
	if (current_confine())
		return false;
	return atomic_load_explicit(&vm_write_exec_for_all, memory_order_relaxed) ||
	       (vfs_may_set_id(&x->path) && vnode_getxattr(x->vnode, XATTR_WRITE_EXEC, NULL, 0) >= 0);
}

static int build(struct exec *x)
{
	int err = choose_credentials(x);

	note_readable(x, x->vnode);
	if (err == 0)
		err = vm_space_create(&x->vm);
	if (err == 0 && (x->persona & PERSONA_NO_RANDOMIZE))
		vm_fix_layout(x->vm);
	if (err == 0)
		vm_limit_writable(x->vm, confine_memory());
	if (err == 0 && may_write_exec(x))
		vm_allow_write_exec(x->vm);
	if (err == 0)
		err = vdso_map(x->vm, &x->vdso);
	if (err == 0)
		err = exec_load_program(x);
	if (err == 0)
		err = load_interp(x);
	if (err == 0)
		err = exec_build_stack(x);
	return err;
}

/* --- replacing ------------------------------------------------------------------------------------ */

/* A program with privileges stands where nobody else can move it (CLONE_FS). */
static int unshare_place(const struct exec *x, struct process *p)
{
	struct fs_context *copy, *old = p->fs;
	uint64_t flags;

	if (!x->gains)
		return 0;
	copy = fs_context_copy(old);
	if (!copy)
		return -ENOMEM;
	flags = spin_lock_irqsave(&p->lock);
	p->fs = copy;
	spin_unlock_irqrestore(&p->lock, flags);
	fs_context_put(old);
	return 0;
}

/* Nobody who may not have what the program gains traces it, or comes to do so before it has gained that. */
static int close_to_tracers(const struct exec *x, struct process *p)
{
	uint64_t flags = tree_lock();
	bool forbidden = x->gains && ptrace_forbids_privilege_locked(current_thread());

	spin_lock(&p->lock);
	p->exec_secure = x->gains && !forbidden;
	spin_unlock(&p->lock);
	tree_unlock(flags);
	return forbidden ? -EPERM : 0;
}

/* The process is alone: nobody comes to share what is separated, or still uses what it replaces. */
static int separate(const struct exec *x, struct process *p)
{
	int err = process_unshare_caps(p);

	/* Another thread has given up something since privileges were chosen. */
	if (p->cred_changes != x->cred_changes || p->no_new_privs != x->no_new_privs)
		return -EPERM;
	if (err == 0)
		err = close_to_tracers(x, p);
	if (err == 0)
		err = signal_actions_unshare(p);
	return err < 0 ? err : unshare_place(x, p);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void install_memory(struct exec *x, struct thread *t)
{
	struct process *p = t->process;
	struct vm_space *old = p->vm;
	uint64_t flags;

	exit_release_memory(t);
	flags = spin_lock_irqsave(&p->lock);
	usage_leave_memory_locked(p);
	p->vm = x->vm;
	spin_unlock_irqrestore(&p->lock, flags);
	task_switch_vm(x->vm);
	x->vm = NULL;
	if (old)
		vm_space_put(old);
	vfork_release(p);
}

static void install_identity(struct exec *x, struct process *p)
{
	char exe[sizeof(p->exe)];
	uint64_t flags;

	if (vfs_path_text(&x->path, NULL, exe, sizeof(exe)) < 0)
		exe[0] = '\0';
	flags = tree_lock();
	spin_lock(&p->lock);
	p->has_execed = true;
	p->cred = x->cred;
	p->cred_changes++;
	p->dumpable = !x->gains && !x->unreadable;
	if (x->gains || x->secure)
		p->pdeath_signal = 0;
	if (x->gains)
		p->privilege++;
	memset(p->comm, 0, sizeof(p->comm));
	strlcpy(p->comm, base_name(x->name), sizeof(p->comm));
	memcpy(p->exe, exe, sizeof(p->exe));
	spin_unlock(&p->lock);
	tree_unlock(flags);
	if (x->gains)
		reservation_leave(); /* who gave it less than it needs has no say any more */
	memcpy(current_task()->name, p->comm, sizeof(p->comm));
	atomic_store(&p->unsupported_row, 0);
}

static void install_program_file(struct exec *x, struct process *p)
{
	struct vnode *old;
	uint64_t flags = spin_lock_irqsave(&p->lock);

	old = p->exe_vnode;
	p->exe_vnode = x->vnode; /* the denial for writing goes along */
	spin_unlock_irqrestore(&p->lock, flags);
	path_put(&x->path);
	x->vnode = NULL;
	if (old)
		exe_allow_write(old);
}

static void commit(struct exec *x)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct arch_regs *regs = arch_user_regs(&t->task);

	uring_exit(t);
	aio_exit(p);
	keys_exec();
	install_memory(x, t);
	install_identity(x, p);
	install_program_file(x, p);
	cap_table_exec(p->caps);
	signal_actions_reset(p);
	posix_timers_delete_all(p);
	t->altstack = (struct abi_stack){ .flags = SS_DISABLE };
	t->robust_list = t->clear_child_tid = t->set_child_tid = 0;
	t->restart.fn = NULL;
	t->persona = x->persona;
	rseq_forget(t);
	user_dispatch_forget();
	futex_pi_reopen(t);
	arch_fpu_reset(&t->task);
	arch_tls_reset(&t->task);
	arch_debug_reset(&t->task);
	arch_regs_start(regs,
			x->has_interp ? x->interp_base + x->interp.header.entry
				      : x->base + x->image.header.entry,
			x->stack_pointer);
}

/* The program that was found, and what runs it: what it can reach whatever its limits are. */
static unsigned programs_of(const struct exec *x, struct path programs[3])
{
	unsigned count = 0;

	programs[count++] = x->path;
	if (x->asked.dentry)
		programs[count++] = x->asked;
	if (x->interp_path.dentry)
		programs[count++] = x->interp_path;
	return count;
}

/* The process is alone and the new program can start: what it is confined by from now on.  All that fails
 * does so for lack of memory. */
static int confine_program(struct exec *x)
{
	struct path programs[3];
	struct confine *c;
	int err = program_policy_apply(&x->limits, programs, programs_of(x, programs));

	if (err == 0)
		err = confine_for_exec(&c);
	if (err == 0 && c)
		err = confine_enter(c);
	if (err == 0)
		confine_space(current_confine(), x->vm);
	return err;
}

static int run(struct exec *x, int dirfd, const char *path, unsigned walk)
{
	int err = open_file(x, dirfd, path, walk);

	if (err == 0)
		err = resolve_scripts(x);
	if (err == 0)
		err = program_policy_find(x->asked.dentry ? &x->asked : &x->path, &x->path, &x->limits);
	if (err == 0)
		err = build(x);
	if (err == 0)
		err = process_dethread();
	if (err == 0)
		err = separate(x, current_process());
	if (err == 0)
		err = confine_program(x);
	if (err == 0)
		commit(x);
	return err;
}

/* A script reached through a descriptor is given a name that its interpreter can open. */
static const char *name_for(int dirfd, const char *path, char *buf, size_t size)
{
	if (dirfd == AT_FDCWD || path[0] == '/')
		return path;
	if (path[0])
		snprintf(buf, size, "/dev/fd/%d/%s", dirfd, path);
	else
		snprintf(buf, size, "/dev/fd/%d", dirfd);
	return buf;
}

static void open_to_tracers(struct process *p)
{
	uint64_t flags;

	if (likely(!p->exec_secure))
		return;
	flags = spin_lock_irqsave(&p->lock);
	p->exec_secure = false;
	spin_unlock_irqrestore(&p->lock, flags);
}

static void release_limits(struct exec *x)
{
	program_policy_put(x->limits.policy);
	if (x->asked.dentry)
		path_put(&x->asked);
	if (x->interp_path.dentry)
		path_put(&x->interp_path);
}

int process_exec(int dirfd, const char *path, struct exec_args *args, unsigned flags)
{
	unsigned walk =
		(flags & AT_EMPTY_PATH ? WALK_EMPTY : 0) | (flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0);
	size_t name_size = strlen(path) + 32;
	char *name = kmalloc(name_size);
	struct exec *x = kzalloc(sizeof(*x));
	pid_t former_tid = current_thread()->tid;
	int err = -ENOMEM;

	if (x && name) {
		x->args = args;
		x->name = name_for(dirfd, path, name, name_size);
		err = run(x, dirfd, path, walk);
		close_file(x);
		release_limits(x);
		if (x->vm)
			vm_space_put(x->vm);
		for (uint32_t i = 0; i < x->prefix_count; i++)
			kfree(x->prefix[i]);
	}
	kfree(x);
	kfree(name);
	open_to_tracers(current_process());
	if (err == 0)
		ptrace_exec_event(former_tid);
	return err;
}
