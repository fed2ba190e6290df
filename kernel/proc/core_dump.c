/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who leaves a core, under which name, and how all threads come to stand still for it.
 *
 * process.dumper is set together with process.exiting, so whoever leaves either sees it and parks, or has
 * left before and is not waited for: live_threads counts those that have not passed the door.
 */
#include <kernel/core_dump.h>

#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "core_image.h"
#include "core_name.h"
#include "proc_priv.h"

_Atomic uint32_t core_uses_pid;

static struct spinlock pattern_lock = SPINLOCK_INIT("core_pattern", RANK_DEVICE);
static char pattern[CORE_PATTERN_MAX] = "core"; /* [pattern_lock] */

void core_pattern_get(char out[CORE_PATTERN_MAX])
{
	uint64_t flags = spin_lock_irqsave(&pattern_lock);

	memcpy(out, pattern, sizeof(pattern));
	spin_unlock_irqrestore(&pattern_lock, flags);
}

int core_pattern_set(const char *text, size_t len)
{
	uint64_t flags;

	if (len >= CORE_PATTERN_MAX || *text == '|' || memchr(text, '\0', len))
		return -EINVAL;
	flags = spin_lock_irqsave(&pattern_lock);
	memset(pattern, 0, sizeof(pattern));
	memcpy(pattern, text, len);
	spin_unlock_irqrestore(&pattern_lock, flags);
	return 0;
}

/* --- standing still ------------------------------------------------------------------------------- */

void core_dump_wait(struct thread *t)
{
	struct process *p = t->process;
	uint64_t flags = spin_lock_irqsave(&p->lock);
	bool parks = p->dumper && p->dumper != t;

	if (parks) {
		p->dump_parked++;
		wake_up_all(&p->thread_wait);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	if (parks)
		wait_event(&p->dump_wait, !READ_ONCE(p->dumper));
}

/* The running thread dumps; false: another ends the process already. */
static bool begin(struct process *p, int signo)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	bool first = !p->exiting && !thread_must_leave_locked(current_thread());

	if (first) {
		p->dumper = current_thread();
		p->dump_parked = 0;
		process_end_locked(p, signo);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	if (first)
		wait_event(&p->thread_wait, READ_ONCE(p->dump_parked) + 1 == READ_ONCE(p->live_threads));
	return first;
}

static void end(struct process *p, bool written)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);

	if (written)
		p->exit_status |= WAIT_STATUS_CORE;
	p->dumper = NULL;
	wake_up_all(&p->dump_wait);
	spin_unlock_irqrestore(&p->lock, flags);
}

/* The dumper first, then those that stand still, their registers where a switch leaves them: they stay until
 * it is done.  NULL: no memory. */
static struct thread **collect_threads(struct process *p, uint32_t *count)
{
	uint32_t n = 0, max = READ_ONCE(p->live_threads);
	struct thread **threads = kmalloc(max * sizeof(struct thread *));
	struct thread *t;
	uint64_t flags;

	if (!threads)
		return NULL;
	threads[n++] = current_thread();
	flags = spin_lock_irqsave(&p->lock);
	list_for_each (t, &p->threads, link)
		if (t != current_thread() && !t->exiting && n < max)
			threads[n++] = t;
	spin_unlock_irqrestore(&p->lock, flags);
	for (uint32_t i = 1; i < n; i++)
		task_wait_until_off(&threads[i]->task, TASK_SLEEPING);
	*count = n;
	return threads;
}

/* --- the file ------------------------------------------------------------------------------------- */

static bool make_name(struct process *p, int signo, uint64_t limit, char *out, size_t size)
{
	char text[CORE_PATTERN_MAX];
	struct abi_utsname uts;
	struct core_name_facts facts = {
		.comm = p->comm,
		.exe = p->exe,
		.hostname = uts.nodename,
		.pid = p->pid,
		.tid = current_thread()->tid,
		.uid = p->cred.uid,
		.gid = p->cred.gid,
		.signo = signo,
		.limit = limit,
		.time = (int64_t)(time_real_ns() / NSEC_PER_SEC),
		.append_pid = core_uses_pid,
	};

	core_pattern_get(text);
	uts_get(&uts);
	return core_name_make(text, &facts, out, size);
}

/* A new file.  Nobody else's: what has the name goes first, and links are not followed. */
static int make_file(struct process *p, int signo, uint64_t limit, struct file **out)
{
	char *name = kmalloc(PATH_MAX);
	int err;

	if (!name)
		return -ENOMEM;
	err = make_name(p, signo, limit, name, PATH_MAX) ? vfs_unlink(AT_FDCWD, name) : -ENAMETOOLONG;
	if (err == 0 || err == -ENOENT)
		err = vfs_open(AT_FDCWD, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_LARGEFILE, 0600,
			       out);
	kfree(name);
	return err;
}

static bool write_core(struct process *p, const struct abi_siginfo *info, uint64_t limit)
{
	struct core_source source = { .process = p, .vm = p->vm, .info = info, .limit = limit };
	struct file *file = NULL;

	if (make_file(p, info->signo, limit, &file) < 0)
		return false;
	source.threads = collect_threads(p, &source.thread_count);
	/* One that is not whole is a core as well, as with Linux. */
	if (source.threads)
		(void)core_image_write(file, &source);
	kfree(source.threads);
	file_put(file);
	return true;
}

void core_dump(const struct abi_siginfo *info)
{
	struct process *p = current_process();
	uint64_t limit = current_rlimit(RLIMIT_CORE);

	if (limit >= PAGE_SIZE && READ_ONCE(p->dumpable) && begin(p, info->signo))
		end(p, write_core(p, info, limit));
}
