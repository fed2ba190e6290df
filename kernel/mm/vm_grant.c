/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings that somebody may take back.
 *
 * Revoking marks the grant, raises the object's generation and then unmaps, area by area, under the
 * object's areas_lock and each space's pt_lock.  No space's own lock is needed, so no program is waited
 * for.  Why nothing is left, and nothing comes again:
 *
 * 	a fault		reads the generation, then the mark.  If it sees no mark it may have an old
 * 			generation, and then enters its page before the entry is emptied, or not at all
 * 			(enter_page: both under pt_lock).
 * 	a copy		replaces only what is still mapped, under pt_lock.
 * 	fork, mremap	link the new area first, behind the one that they take pages from: the walk meets it
 * 			later.  After the walk there is nothing left to take.
 * 	the kernel	copies through the program's translations, which are flushed on each CPU before the
 * 			call returns, or by the page table under pt_lock (vm_copy.c).
 */
#include <kernel/vm.h>

#include "vm_priv.h"

static void nobody_sleeps(const struct vm_space *vm, uint64_t start, uint64_t end,
			  const struct vm_object *obj)
{
	(void)vm;
	(void)start;
	(void)end;
	(void)obj;
}

void (*vm_wake_sleepers)(const struct vm_space *vm, uint64_t start, uint64_t end,
			 const struct vm_object *obj) = nobody_sleeps;

void vm_grant_init(struct vm_grant *grant, void (*release)(struct vm_grant *grant))
{
	refcount_set(&grant->refs, 1);
	atomic_init(&grant->revoked, false);
	grant->next = NULL;
	grant->release = release;
}

void vm_grant_put(struct vm_grant *grant)
{
	if (refcount_put(&grant->refs))
		grant->release(grant);
}

void vm_grant_revoke(struct vm_grant *grant, struct vm_object *obj)
{
	atomic_store(&grant->revoked, true);
	atomic_fetch_add_explicit(&obj->generation, 1, memory_order_seq_cst);
	vm_rmap_revoke(obj, grant);
}

struct vm_grant *vm_take_ended_locked(struct vm_space *vm)
{
	struct vm_grant *ended = vm->ended;

	vm->ended = NULL;
	return ended;
}

void vm_release_grants(struct vm_grant *ended)
{
	while (ended) {
		struct vm_grant *grant = ended;

		ended = grant->next;
		grant->release(grant);
	}
}

void vm_write_unlock(struct vm_space *vm)
{
	struct vm_grant *ended = vm_take_ended_locked(vm);

	write_unlock(&vm->lock);
	vm_release_grants(ended);
}
