/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID/mem, a process's memory at its own addresses, and auxv, what exec told it.
 *
 * Each use asks again who may look: the process may have become another program since the file was opened.
 * A write goes where the process itself could write; its tracer may change private pages that are read-only,
 * too.
 */
#include "proc_priv.h"

#include <kernel/ptrace.h>
#include <kernel/slab.h>
#include <kernel/vm.h>

#define AUXV_MAX 1024u

/* Out of the process's memory, into it, into it as its tracer. */
enum direction { OUT, IN, FORCED_IN };

/* Move what fits into one buffer.  Bytes, or -EIO if nothing is mapped there. */
static ssize_t move_part(struct vm_space *vm, struct iobuf *io, uaddr_t at, char *buf, enum direction how)
{
	size_t len = MIN(io->left, PAGE_SIZE - at % PAGE_SIZE);
	ssize_t n;

	if (how != OUT) {
		n = iobuf_read(io, buf, len);
		if (n < 0)
			return n;
		n = how == FORCED_IN ? vm_write_forced(vm, at, buf, (size_t)n)
				     : vm_write(vm, at, buf, (size_t)n);
		return n < 0 ? -EIO : n;
	}
	n = vm_read(vm, at, buf, len);
	return n < 0 ? -EIO : iobuf_write(io, buf, (size_t)n);
}

static ssize_t move(struct vm_space *vm, struct iobuf *io, off_t *pos, enum direction how)
{
	char *buf = kmalloc(PAGE_SIZE);
	ssize_t done = 0, n = 0;

	if (!buf)
		return -ENOMEM;
	while (io->left > 0) {
		n = move_part(vm, io, (uaddr_t)*pos, buf, how);
		if (n <= 0)
			break;
		done += n;
		*pos += n;
	}
	kfree(buf);
	return done > 0 ? done : n;
}

static ssize_t use_memory(const struct proc_node *node, struct iobuf *io, off_t *pos, enum direction how)
{
	int err = proc_may_look(node->process);
	struct vm_space *vm;
	ssize_t n;

	if (err < 0)
		return err;
	vm = process_vm_get(node->process);
	if (!vm)
		return 0;
	n = move(vm, io, pos, how);
	vm_space_put(vm);
	return n;
}

ssize_t proc_read_mem(const struct proc_node *node, struct iobuf *io, off_t *pos)
{
	return use_memory(node, io, pos, OUT);
}

ssize_t proc_write_mem(const struct proc_node *node, struct iobuf *io, off_t *pos)
{
	return use_memory(node, io, pos, ptrace_may_force(node->process) ? FORCED_IN : IN);
}

/* As it lies on the stack, where exec put it. */
int proc_show_auxv(struct proc_text *t, const struct proc_node *node)
{
	struct vm_space *vm = process_vm_get(node->process);
	char *buf;
	ssize_t n;

	if (!vm)
		return 0;
	buf = kmalloc(AUXV_MAX);
	n = buf ? vm_read(vm, vm->auxv_start, buf, MIN(vm->auxv_end - vm->auxv_start, (uaddr_t)AUXV_MAX))
		: -ENOMEM;
	if (n > 0)
		text_add(t, buf, (size_t)n);
	kfree(buf);
	vm_space_put(vm);
	return n == -ENOMEM ? -ENOMEM : 0;
}
