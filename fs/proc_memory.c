/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/{statm,maps,cmdline,environ}: the memory of a process, and what lies in it. */
#include "proc_priv.h"

#include <kernel/device.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#define PAGES_TO_KIB(n) ((n) * (PAGE_SIZE / 1024))

static void add_area(struct proc_memory *m, const struct vm_area *a)
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
bool proc_look_at_memory(struct process *p, struct proc_memory *m)
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
	m->locked = READ_ONCE(vm->pages_locked);
	m->brk_start = READ_ONCE(vm->brk_start);
	m->stack_start = READ_ONCE(vm->arg_start);
	m->arg_start = READ_ONCE(vm->arg_start);
	m->arg_end = READ_ONCE(vm->arg_end);
	m->env_start = READ_ONCE(vm->env_start);
	m->env_end = READ_ONCE(vm->env_end);
	vm_space_put(vm);
	return true;
}

int proc_show_statm(struct proc_text *t, const struct proc_node *node)
{
	struct proc_memory m;

	proc_look_at_memory(node->process, &m);
	text_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", m.total, m.resident, m.shared, m.text, m.data + m.stack);
	return 0;
}

void proc_status_memory(struct proc_text *t, struct process *p)
{
	struct proc_memory m;

	if (!proc_look_at_memory(p, &m))
		return;
	text_printf(t, "VmSize:\t%8lu kB\n", PAGES_TO_KIB(m.total));
	text_printf(t, "VmLck:\t%8lu kB\nVmPin:\t%8lu kB\n", PAGES_TO_KIB(m.locked), 0ul);
	text_printf(t, "VmRSS:\t%8lu kB\n", PAGES_TO_KIB(m.resident));
	text_printf(t, "VmData:\t%8lu kB\n", PAGES_TO_KIB(m.data));
	text_printf(t, "VmStk:\t%8lu kB\n", PAGES_TO_KIB(m.stack));
	text_printf(t, "VmExe:\t%8lu kB\n", PAGES_TO_KIB(m.text));
	text_printf(t, "VmLib:\t%8lu kB\nVmSwap:\t%8lu kB\n", 0ul, 0ul);
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

int proc_show_cmdline(struct proc_text *t, const struct proc_node *node)
{
	struct vm_space *vm = process_vm_get(node->process);

	if (!vm)
		return 0;
	show_range(t, vm, vm->arg_start, vm->arg_end);
	vm_space_put(vm);
	return 0;
}

int proc_show_environ(struct proc_text *t, const struct proc_node *node)
{
	struct vm_space *vm = process_vm_get(node->process);

	if (!vm)
		return 0;
	show_range(t, vm, vm->env_start, vm->env_end);
	vm_space_put(vm);
	return 0;
}

void proc_show_area(struct proc_text *t, const struct vm_area *a, char *path)
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
	if (a->flags & VM_REVOKED)
		text_printf(t, " (revoked)");
	text_printf(t, "\n");
}

int proc_record_area(struct proc_text *t, const struct proc_node *node, proc_area_fn *show)
{
	struct vm_space *vm = process_vm_get(node->process);
	char *path = kmalloc(PATH_MAX);
	struct vm_area a;
	int got = path ? 0 : -ENOMEM;

	if (vm && path && vm_next_area(vm, t->key, &a)) {
		show(t, node, vm, &a, path);
		t->key = a.end;
		if (a.object)
			vm_object_put(a.object);
		got = 1;
	}
	kfree(path);
	if (vm)
		vm_space_put(vm);
	return got;
}

static void record_line(struct proc_text *t, const struct proc_node *node, struct vm_space *vm,
			const struct vm_area *a, char *path)
{
	(void)node;
	(void)vm;
	proc_show_area(t, a, path);
}

int proc_record_maps(struct proc_text *t, const struct proc_node *node)
{
	return proc_record_area(t, node, record_line);
}
