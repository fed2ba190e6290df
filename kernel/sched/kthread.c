/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel threads: tasks that never leave the kernel and own their memory. */
#include <kernel/sched.h>

#include <kernel/slab.h>

static void kthread_release(struct task *task)
{
	kfree(task);
}

struct task *kthread_create(const char *name, void (*entry)(void *), void *arg)
{
	struct task *task = kzalloc(sizeof(*task));

	if (!task)
		return NULL;
	if (task_init(task, name, entry, arg, kthread_release) < 0) {
		kfree(task);
		return NULL;
	}
	task_start(task);
	return task;
}
