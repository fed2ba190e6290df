/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on memory, a word at a time.  A tracer may write where its tracee may not: what is private gets a
 * copy of its own, so that breakpoints are possible in programs that others run, too.  The page stays mapped
 * as it was; what writes is the kernel, through its own mapping.
 */
#include <arch/usercopy.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

bool ptrace_may_force(const struct process *p)
{
	const struct thread *self = current_thread(), *t;
	uint64_t flags = tree_lock();
	bool found = false;

	list_for_each (t, &self->ptrace.tracees, ptrace.link)
		found |= t->process == p;
	tree_unlock(flags);
	return found;
}

/* As it is now: a program may have started that may not be read. */
static struct vm_space *memory_of(struct thread *t)
{
	if (!READ_ONCE(t->process->dumpable) && !t->ptrace.privileged)
		return NULL;
	return process_vm_get(t->process);
}

int64_t ptrace_memory(struct thread *t, enum ptrace_request request, uaddr_t addr, uint64_t data)
{
	struct vm_space *vm = memory_of(t);
	bool peek = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA;
	uint64_t word = data;
	ssize_t n;

	if (!vm)
		return -EIO;
	n = peek ? vm_read(vm, addr, &word, sizeof(word)) : vm_write_forced(vm, addr, &word, sizeof(word));
	vm_space_put(vm);
	if (n != sizeof(word))
		return -EIO;
	return peek ? put_user_u64(data, word) : 0;
}
