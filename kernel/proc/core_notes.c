/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The notes of a core: what it tells beside memory.  core(5), and Linux's <linux/elfcore.h>.
 *
 * They are emitted twice, first only to learn how long they are.  What they tell cannot change between: the
 * threads stand still, and the areas are a copy.
 */
#include "core_priv.h"

#include <arch/elf_regs.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/vfs.h>

#include "proc_priv.h"

#define NT_PRSTATUS   1
#define NT_PRFPREG    2
#define NT_PRPSINFO   3
#define NT_AUXV       6
#define NT_SIGINFO    0x53494749
#define NT_FILE       0x46494c45
#define NT_X86_XSTATE 0x202
#define ARGS_MAX      80 /* psargs of NT_PRPSINFO */
#define AUXV_MAX      1024u

struct note_header {
	uint32_t name_size, data_size, type;
};

struct timeval64 {
	int64_t sec, usec;
};

struct prstatus {
	int32_t signo, code, errno_;
	int16_t cursig;
	uint64_t pending, held;
	int32_t pid, ppid, pgrp, sid;
	struct timeval64 utime, stime, cutime, cstime;
	uint8_t gregs[ARCH_ELF_GREGS_SIZE];
	int32_t fpvalid;
};
_Static_assert(sizeof(struct prstatus) == 120 + ARCH_ELF_GREGS_SIZE, "struct elf_prstatus");

struct prpsinfo {
	char state, sname, zombie, nice;
	uint64_t flags;
	uint32_t uid, gid;
	int32_t pid, ppid, pgrp, sid;
	char fname[TASK_NAME_LEN];
	char psargs[ARGS_MAX];
};
_Static_assert(sizeof(struct prpsinfo) == 136, "struct elf_prpsinfo");

static void pad_to(struct core *c, uint64_t align)
{
	static const char zeros[CORE_NOTE_ALIGN];

	core_put(c, zeros, ALIGN_UP(c->pos, align) - c->pos);
}

/* --- notes ---------------------------------------------------------------------------------------- */

static void begin_note(struct core *c, const char *name, uint32_t type, size_t size)
{
	struct note_header header = { (uint32_t)strlen(name) + 1, (uint32_t)size, type };

	core_put(c, &header, sizeof(header));
	core_put(c, name, header.name_size);
	pad_to(c, CORE_NOTE_ALIGN);
}

static void put_note(struct core *c, const char *name, uint32_t type, const void *data, size_t size)
{
	begin_note(c, name, type, size);
	core_put(c, data, size);
	pad_to(c, CORE_NOTE_ALIGN);
}

static struct timeval64 timeval_of(uint64_t ns)
{
	return (struct timeval64){ (int64_t)(ns / NSEC_PER_SEC),
				   (int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

static void put_status(struct core *c, struct thread *t)
{
	struct process *p = c->source->process;
	const struct abi_siginfo *info = c->source->info;
	struct usage usage, children;
	struct prstatus s = {
		.signo = info->signo,
		.code = info->code,
		.errno_ = info->errno_,
		.cursig = (int16_t)info->signo,
		.pending = READ_ONCE(t->pending.pending),
		.held = READ_ONCE(t->blocked),
		.pid = t->tid,
		.ppid = process_parent_pid(p),
		.pgrp = READ_ONCE(p->pgid),
		.sid = READ_ONCE(p->sid),
		.fpvalid = 1,
	};

	thread_usage(t, &usage);
	process_child_usage(p, &children);
	s.utime = timeval_of(usage.user_ns);
	s.stime = timeval_of(usage.system_ns);
	s.cutime = timeval_of(children.user_ns);
	s.cstime = timeval_of(children.system_ns);
	arch_elf_gregs(&t->task, s.gregs);
	put_note(c, "CORE", NT_PRSTATUS, &s, sizeof(s));
}

static void put_vectors(struct core *c, struct thread *t)
{
	arch_elf_fpregs(&t->task, c->scratch);
	put_note(c, "CORE", NT_PRFPREG, c->scratch, ARCH_ELF_FPREGS_SIZE);
	if (arch_elf_xstate_size() == 0)
		return;
	arch_elf_xstate(&t->task, c->scratch);
	put_note(c, "LINUX", NT_X86_XSTATE, c->scratch, arch_elf_xstate_size());
}

/* The arguments as ps shows them: with blanks between. */
static void read_args(struct vm_space *vm, char out[ARGS_MAX])
{
	size_t len = MIN(vm->arg_end - vm->arg_start, (uaddr_t)ARGS_MAX - 1);
	ssize_t n = vm_read(vm, vm->arg_start, out, len);

	for (ssize_t i = 0; i < n; i++)
		if (out[i] == '\0')
			out[i] = ' ';
}

static void put_process(struct core *c)
{
	struct process *p = c->source->process;
	struct prpsinfo info = {
		.sname = 'R',
		.uid = p->cred.uid,
		.gid = p->cred.gid,
		.pid = p->pid,
		.ppid = process_parent_pid(p),
		.pgrp = READ_ONCE(p->pgid),
		.sid = READ_ONCE(p->sid),
	};

	strlcpy(info.fname, p->comm, sizeof(info.fname));
	read_args(c->source->vm, info.psargs);
	put_note(c, "CORE", NT_PRPSINFO, &info, sizeof(info));
}

static void put_auxv(struct core *c)
{
	const struct vm_space *vm = c->source->vm;
	ssize_t n = vm_read(c->source->vm, vm->auxv_start, c->scratch,
			    MIN(vm->auxv_end - vm->auxv_start, (uaddr_t)AUXV_MAX));

	if (n > 0)
		put_note(c, "CORE", NT_AUXV, c->scratch, (size_t)n);
}

/* --- which files are mapped where ----------------------------------------------------------------- */

struct file_totals {
	uint64_t count, names;
};

static struct file_totals count_files(struct core *c)
{
	struct file_totals totals = { 0 };

	for (uint32_t i = 0; i < c->area_count; i++) {
		if (!core_area_path(&c->areas[i].area, c->scratch, PATH_MAX))
			continue;
		totals.count++;
		totals.names += strlen(c->scratch) + 1;
	}
	return totals;
}

/* A count, the unit of offsets, (start, end, offset) each, then the names. */
static void put_files(struct core *c)
{
	struct file_totals totals = count_files(c);
	uint64_t head[2] = { totals.count, PAGE_SIZE };

	begin_note(c, "CORE", NT_FILE, sizeof(head) + totals.count * 3 * sizeof(uint64_t) + totals.names);
	core_put(c, head, sizeof(head));
	for (uint32_t i = 0; i < c->area_count; i++) {
		const struct vm_area *a = &c->areas[i].area;
		uint64_t row[3] = { a->start, a->end, a->offset / PAGE_SIZE };

		if (core_area_path(a, c->scratch, PATH_MAX))
			core_put(c, row, sizeof(row));
	}
	for (uint32_t i = 0; i < c->area_count; i++)
		if (core_area_path(&c->areas[i].area, c->scratch, PATH_MAX))
			core_put(c, c->scratch, strlen(c->scratch) + 1);
	pad_to(c, CORE_NOTE_ALIGN);
}

/* The thread that was hit comes first, with what is the process's behind its registers. */
static void put_siginfo(struct core *c, const struct abi_siginfo *info)
{
	uint8_t whole[ABI_SIGINFO_SIZE] = { 0 };

	memcpy(whole, info, sizeof(*info));
	put_note(c, "CORE", NT_SIGINFO, whole, sizeof(whole));
}

void core_put_notes(struct core *c)
{
	const struct core_source *s = c->source;

	put_status(c, s->threads[0]);
	put_process(c);
	put_siginfo(c, s->info);
	put_auxv(c);
	put_files(c);
	put_vectors(c, s->threads[0]);
	for (uint32_t i = 1; i < s->thread_count; i++) {
		put_status(c, s->threads[i]);
		put_vectors(c, s->threads[i]);
	}
}
