/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process ids: a bitmap of the numbers in use, handed out in ascending order so that a number is not
 * reused soon, and a hash from number to entry.  All under proc_tree_lock.
 */
#include <kernel/bitmap.h>
#include <kernel/object.h>
#include <kernel/pmm.h>
#include <kernel/slab.h>

#include "proc_priv.h"

#define PID_HASH_SIZE  512u
#define MEMORY_PER_PID (8 * KERNEL_STACK_SIZE) /* kernel stacks take an eighth of memory at most */
#define PID_RESERVED   300 /* after the first wrap, low numbers are left to the system's first programs */

struct spinlock proc_tree_lock = SPINLOCK_INIT("proc_tree", RANK_PROC_TREE);
struct process *init_process;

static uint64_t pid_bitmap[BITMAP_WORDS(PID_MAX)]; /* [t] */
static struct list pid_hash[PID_HASH_SIZE];        /* [t] */
static pid_t last_pid;                             /* [t] */
static uint64_t pids_made;                         /* [t] */
static uint32_t pids_used;                         /* [t] */
static uint32_t pids_allowed;                      /* [i] */
static struct slab_cache *pid_cache;

void pid_init(void)
{
	for (size_t i = 0; i < PID_HASH_SIZE; i++)
		list_init(&pid_hash[i]);
	bitmap_set(pid_bitmap, 0);
	pids_allowed = (uint32_t)MIN(MAX(pmm_total_memory() / MEMORY_PER_PID, 64ul), PID_MAX - 1ul);
	pid_cache = slab_create("pid", sizeof(struct pid_entry), 0);
}

static struct list *bucket_of(pid_t nr)
{
	return &pid_hash[(uint32_t)nr % PID_HASH_SIZE];
}

static pid_t next_free_locked(void)
{
	size_t nr;

	if (pids_used >= pids_allowed)
		return 0;
	nr = bitmap_next_clear(pid_bitmap, PID_MAX, (size_t)last_pid + 1);

	if (nr >= PID_MAX)
		nr = bitmap_next_clear(pid_bitmap, PID_MAX, PID_RESERVED);
	return nr < PID_MAX ? (pid_t)nr : 0;
}

struct pid_entry *pid_alloc(void)
{
	struct pid_entry *entry = slab_alloc_zeroed(pid_cache);
	uint64_t flags;

	if (!entry)
		return NULL;
	list_init(&entry->group);
	entry->id = kobject_new_id();
	flags = tree_lock();
	entry->nr = next_free_locked();
	if (entry->nr != 0) {
		bitmap_set(pid_bitmap, (size_t)entry->nr);
		pids_used++;
		pids_made++;
		last_pid = entry->nr;
		list_add_head(bucket_of(entry->nr), &entry->hash);
	}
	tree_unlock(flags);
	if (entry->nr == 0) {
		slab_free(pid_cache, entry);
		return NULL;
	}
	return entry;
}

struct pid_entry *pid_lookup_locked(pid_t nr)
{
	struct pid_entry *entry;

	assert_held(&proc_tree_lock);
	if (nr <= 0 || nr >= PID_MAX)
		return NULL;
	list_for_each (entry, bucket_of(nr), hash) {
		if (entry->nr == nr)
			return entry;
	}
	return NULL;
}

void pid_release_locked(struct pid_entry *entry)
{
	assert_held(&proc_tree_lock);
	if (entry->thread || entry->process || entry->corpse || entry->session_members ||
	    !list_empty(&entry->group))
		return;
	list_del(&entry->hash);
	bitmap_clear(pid_bitmap, (size_t)entry->nr);
	pids_used--;
	slab_free(pid_cache, entry);
}

void pid_release(struct pid_entry *entry)
{
	uint64_t flags = tree_lock();

	pid_release_locked(entry);
	tree_unlock(flags);
}

struct thread *thread_find_locked(pid_t tid)
{
	struct pid_entry *entry = pid_lookup_locked(tid);

	return entry ? entry->thread : NULL;
}

struct process *process_find_locked(pid_t pid)
{
	struct pid_entry *entry = pid_lookup_locked(pid);

	return entry ? entry->process : NULL;
}

struct process *process_find(pid_t pid)
{
	uint64_t flags = tree_lock();
	struct process *p = process_find_locked(pid);

	if (p)
		process_get(p);
	tree_unlock(flags);
	return p;
}

struct process *process_of_thread(pid_t tid)
{
	uint64_t flags = tree_lock();
	struct pid_entry *entry = pid_lookup_locked(tid);
	struct process *p = entry ? (entry->thread ? entry->thread->process : entry->process) : NULL;

	if (p)
		process_get(p);
	tree_unlock(flags);
	return p;
}

/* The first process with a pid >= from. */
static struct process *next_locked(pid_t from)
{
	size_t nr = (size_t)MAX(from, 1);

	for (;;) {
		struct process *p;

		nr = bitmap_next_set(pid_bitmap, PID_MAX, nr);
		if (nr >= PID_MAX)
			return NULL;
		p = process_find_locked((pid_t)nr);
		if (p)
			return p;
		nr++;
	}
}

struct process *process_next(pid_t from)
{
	struct process *p;
	uint64_t flags;

	if (from >= PID_MAX)
		return NULL;
	flags = tree_lock();
	p = next_locked(from);
	if (p)
		process_get(p);
	tree_unlock(flags);
	return p;
}

void process_for_each_locked(void (*visit)(struct process *p, void *arg), void *arg)
{
	struct process *p = next_locked(1);

	while (p) {
		/* The visitor may not free p, but its pid is all that is needed to go on. */
		pid_t pid = p->pid;

		visit(p, arg);
		p = pid + 1 < PID_MAX ? next_locked(pid + 1) : NULL;
	}
}

pid_t process_last_pid(void)
{
	return READ_ONCE(last_pid);
}

uint64_t process_made_count(void)
{
	return READ_ONCE(pids_made);
}

uint32_t process_count(void)
{
	uint32_t count = 0;
	uint64_t flags = tree_lock();

	for (size_t i = 0; i < PID_HASH_SIZE; i++) {
		struct pid_entry *entry;

		list_for_each (entry, &pid_hash[i], hash)
			count += entry->thread != NULL;
	}
	tree_unlock(flags);
	return count;
}
