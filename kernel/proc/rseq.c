/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences: rseq(2), whose ABI is the C library's.  A thread registers an area in its memory
 * where the kernel keeps the number of the CPU it runs on, and where the program says which stretch of code
 * must not be interrupted on its way: whoever loses the CPU, or gets a signal, inside that stretch goes on at
 * its abort handler instead.
 *
 * A switch of tasks only sets TASK_WORK_RSEQ, for tasks that have registered; all the rest happens on the way
 * back to user mode.  The area and the descriptor of the stretch are the program's to write: what is wrong
 * with them is its own SIGSEGV.  The abort handler follows a signature that was registered, so that a
 * descriptor forged by overflow cannot send the thread just anywhere.
 */
#include <arch/context.h>
#include <arch/paging.h>
#include <arch/usercopy.h>
#include <serix/errno.h>

#include "proc_priv.h"

#define RSEQ_FLAG_UNREGISTER 1
#define CPU_UNINITIALIZED    UINT32_MAX

struct abi_rseq {
	uint32_t cpu_id_start, cpu_id;
	uint64_t sequence; /* a struct abi_rseq_cs, or 0 */
	uint32_t flags;
	uint32_t padding[3];
};
_Static_assert(sizeof(struct abi_rseq) == 32, "struct rseq");

struct abi_rseq_cs {
	uint32_t version, flags;
	uint64_t start, length, abort;
};
_Static_assert(sizeof(struct abi_rseq_cs) == 32, "struct rseq_cs");

/* Both names of the CPU; `start` is always one that there is. */
static int put_cpu(uaddr_t area, uint32_t start, uint32_t cpu)
{
	int err = put_user_u32(area + offsetof(struct abi_rseq, cpu_id_start), start);

	return err < 0 ? err : put_user_u32(area + offsetof(struct abi_rseq, cpu_id), cpu);
}

/* --- the stretch ------------------------------------------------------------------------------------ */

static bool is_valid(const struct abi_rseq_cs *cs)
{
	if (cs->version != 0 || cs->flags != 0)
		return false;
	if (cs->start >= USER_END || cs->length >= USER_END - cs->start || cs->abort >= USER_END)
		return false;
	/* An abort that is inside would be aborted, too. */
	return cs->abort - cs->start >= cs->length && cs->abort >= sizeof(uint32_t);
}

static int read_sequence(const struct thread *t, uaddr_t at, struct abi_rseq_cs *cs)
{
	uint32_t signature = 0, flags = 0;
	int err = copy_from_user(cs, at, sizeof(*cs));

	if (err == 0 && !is_valid(cs))
		err = -EINVAL;
	if (err == 0)
		err = get_user_u32(cs->abort - sizeof(signature), &signature);
	if (err == 0 && signature != t->rseq_signature)
		err = -EINVAL;
	if (err == 0)
		err = get_user_u32(t->rseq + offsetof(struct abi_rseq, flags), &flags);
	return err < 0 ? err : flags ? -EINVAL : 0;
}

/* The thread was interrupted at regs: if that is within the stretch, it goes on at the abort handler.  Either
 * way the stretch is over. */
static int end_sequence(const struct thread *t, struct arch_regs *regs)
{
	uaddr_t field = t->rseq + offsetof(struct abi_rseq, sequence);
	struct abi_rseq_cs cs;
	uint64_t at;
	int err = get_user_u64(field, &at);

	if (err < 0 || at == 0)
		return err;
	err = read_sequence(t, at, &cs);
	if (err == 0)
		err = put_user_u64(field, 0);
	if (err == 0 && arch_regs_pc(regs) - cs.start < cs.length)
		arch_regs_set_pc(regs, cs.abort);
	return err;
}

/* --- the way back to user mode ------------------------------------------------------------------------ */

void rseq_signal(struct thread *t, struct arch_regs *regs)
{
	if (t->rseq && end_sequence(t, regs) < 0)
		signal_force(SIGSEGV, SI_KERNEL, 0);
}

void rseq_resume(struct thread *t, struct arch_regs *regs)
{
	uint32_t cpu;
	int err;

	/* Who is moved from here on comes here again. */
	atomic_fetch_and(&t->task.work, ~TASK_WORK_RSEQ);
	if (!t->rseq)
		return;
	cpu = READ_ONCE(arch_this_cpu()->id);
	err = end_sequence(t, regs);
	if (err == 0 && cpu != t->rseq_cpu)
		err = put_cpu(t->rseq, cpu, cpu);
	t->rseq_cpu = cpu;
	if (err < 0)
		signal_force(SIGSEGV, SI_KERNEL, 0);
}

/* --- registering ---------------------------------------------------------------------------------------- */

static void set_area(struct thread *t, uaddr_t area, uint32_t signature)
{
	t->rseq = area;
	t->rseq_signature = signature;
	t->rseq_cpu = CPU_UNINITIALIZED;
	t->task.restartable = area != 0;
	if (area)
		atomic_fetch_or(&t->task.work, TASK_WORK_RSEQ);
}

void rseq_forget(struct thread *t)
{
	set_area(t, 0, 0);
}

void rseq_inherit(struct thread *child, const struct thread *parent)
{
	set_area(child, parent->rseq, parent->rseq_signature);
}

static int unregister(struct thread *t, uaddr_t area, uint32_t size, uint32_t signature)
{
	int err;

	if (!t->rseq || t->rseq != area || size != sizeof(struct abi_rseq))
		return -EINVAL;
	if (t->rseq_signature != signature)
		return -EPERM;
	err = put_cpu(area, 0, CPU_UNINITIALIZED);
	if (err == 0)
		rseq_forget(t);
	return err;
}

int rseq_register(uaddr_t area, uint32_t size, int flags, uint32_t signature)
{
	struct thread *t = current_thread();

	if (flags == RSEQ_FLAG_UNREGISTER)
		return unregister(t, area, size, signature);
	if (flags || size != sizeof(struct abi_rseq))
		return -EINVAL;
	if (t->rseq && t->rseq != area)
		return -EINVAL;
	if (t->rseq)
		return t->rseq_signature == signature ? -EBUSY : -EPERM;
	if (!area || !IS_ALIGNED(area, sizeof(struct abi_rseq)))
		return -EINVAL;
	if (area >= USER_END)
		return -EFAULT;
	set_area(t, area, signature);
	return 0;
}
