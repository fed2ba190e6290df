/* SPDX-License-Identifier: BSD-2-Clause */
/* The first process: made from nothing, with the console as its standard files. */
#include <arch/context.h>
#include <kernel/boot_info.h>
#include <kernel/cap.h>
#include <kernel/printk.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vfs.h>
#include <serix/errno.h>

#include "proc_priv.h"

#define INIT_ARGS_MAX (64u * 1024)

static const char *const init_environment[] = {
	"HOME=/",
	"TERM=linux",
	"PATH=/sbin:/usr/sbin:/bin:/usr/bin",
	NULL,
};

/* What the thread is to run, and how it went. */
static const char *const *init_candidates;
static const char *init_chosen;
static int init_result;

/* A root file system need not bring its devices along: then the kernel's own go to /dev. */
static int find_console(struct file **out)
{
	int err = vfs_open(AT_FDCWD, "/dev/console", O_RDWR, 0, out);

	if (err != -ENOENT)
		return err;
	err = vfs_mkdir(AT_FDCWD, "/dev", 0755);
	if (err == 0 || err == -EEXIST)
		err = vfs_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	return err < 0 ? err : vfs_open(AT_FDCWD, "/dev/console", O_RDWR, 0, out);
}

static int open_console(struct process *p)
{
	struct file *file;
	int err = find_console(&file);

	if (err < 0)
		return err;
	err = file_install(file, false);
	if (err < 0) {
		file_put(file);
		return err;
	}
	for (uint32_t fd = 1; fd <= 2 && err >= 0; fd++)
		err = cap_dup(p->caps, 0, fd, 0);
	return err < 0 ? err : 0;
}

static int try_program(const char *path)
{
	struct exec_args args;
	int err;

	exec_args_init(&args, INIT_ARGS_MAX);
	err = exec_args_add(&args, path, false);
	for (size_t i = 0; err == 0 && init_environment[i]; i++)
		err = exec_args_add(&args, init_environment[i], true);
	if (err == 0)
		err = process_exec(AT_FDCWD, path, &args, 0);
	exec_args_free(&args);
	if (err < 0 && (err != -ENOENT || init_chosen))
		pr_warn("init: %s does not start: error %d", path, -err);
	return err;
}

static int try_programs(void)
{
	int err = -ENOENT;

	if (init_chosen)
		return try_program(init_chosen);
	for (size_t i = 0; init_candidates[i]; i++) {
		err = try_program(init_candidates[i]);
		if (err == 0)
			break;
	}
	return err;
}

static void init_first_run(void *arg)
{
	struct thread *t = arg;
	struct process *p = t->process;
	int err = open_console(p);

	if (err < 0)
		pr_warn("init: no /dev/console: error %d", -err);
	init_result = try_programs();
	if (init_result == 0) {
		pr_info("init: running %s, %lu cycles after the loader's hand-off", p->exe,
			arch_cycles() - boot_info.tsc_handoff);
		arch_enter_user();
	}
	/* Nothing to run: the starter reports it, and nobody misses this thread. */
	vfork_release(p);
	for (;;)
		(void)sleep_until(UINT64_MAX, false);
}

static int make_process(struct process **out)
{
	struct process *p = process_alloc();
	struct cap_table *caps;
	int err;

	if (!p)
		return -ENOMEM;
	rlimits_init(p);
	p->actions = signal_actions_create();
	p->fs = fs_context_create();
	err = cap_table_create(&caps);
	if (err == 0)
		process_join_caps(p, caps);
	if (err == 0 && (!p->actions || !p->fs))
		err = -ENOMEM;
	if (err < 0) {
		process_put(p);
		return err;
	}
	p->exit_signal = SIGCHLD;
	p->cred = kernel_cred;
	*out = p;
	return 0;
}

static void publish(struct process *p, struct thread *t, struct pid_entry *entry)
{
	uint64_t flags = tree_lock();

	p->pid = t->tid = entry->nr;
	entry->process = p;
	entry->thread = t;
	list_add_tail(&p->threads, &t->link);
	p->thread_count = p->live_threads = 1;
	process_join_locked(p, p->pid, p->pid);
	init_process = p;
	tree_unlock(flags);
}

int process_start_init(const char *const candidates[], const char *cmdline_init)
{
	struct pid_entry *entry;
	struct process *p;
	struct thread *t;
	int err = make_process(&p);

	if (err < 0)
		return err;
	t = thread_alloc(p, "init", init_first_run);
	if (!t) {
		process_put(p);
		return -ENOMEM;
	}
	entry = pid_alloc();
	if (!entry) {
		thread_free(t);
		process_put(p);
		return -ENOMEM;
	}
	ASSERT(entry->nr == 1);
	init_candidates = candidates;
	init_chosen = cmdline_init;
	publish(p, t, entry);
	task_start(&t->task);
	wait_event(&p->vfork_wait, atomic_load(&p->vfork_done));
	return init_result;
}
