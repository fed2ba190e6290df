/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * membarrier(2): one side of a pair of barriers pays for both.  The other CPUs are interrupted, and each
 * passes a full barrier before the call returns; a CPU that runs none of the programs in question has passed
 * one when it turned away from them, and passes the next when it comes back (kernel/mm/tlb.c).
 */
#include <kernel/membarrier.h>

#include <stdatomic.h>

#include <arch/cpu.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/vm.h>
#include <serix/abi.h>
#include <serix/errno.h>

#define COMMANDS                                                                                       \
	(MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                                     \
	 MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |                 \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |      \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)

static void pass_barrier(void *arg)
{
	(void)arg;
	atomic_thread_fence(memory_order_seq_cst);
}

static void pass_core_barrier(void *arg)
{
	pass_barrier(arg);
	arch_sync_core();
}

static void restart_sequence(void *arg)
{
	(void)arg;
	task_interrupt_sequence(current_task());
	pass_barrier(NULL);
}

static void restart_sequence_of(void *vm)
{
	if (current_task()->vm == vm)
		restart_sequence(NULL);
}

/* Every CPU: a reader of another process need not have registered to be served. */
static int everywhere(void)
{
	if (cpu_count > 1)
		smp_call(&cpus_online, pass_barrier, NULL);
	return 0;
}

/* A command is allowed once the one that registers it, the next bit, was given. */
static int expedited(struct vm_space *vm, uint32_t command, void (*fn)(void *arg), bool resting_too)
{
	if (!(atomic_load_explicit(&vm->membarrier, memory_order_relaxed) & command << 1))
		return -EPERM;
	vm_space_call(vm, fn, resting_too);
	return 0;
}

static int enlist(struct vm_space *vm, uint32_t command)
{
	atomic_fetch_or(&vm->membarrier, command);
	return 0;
}

/* The same for one CPU only; there is nothing to do for one that does not run. */
static int expedited_on(struct vm_space *vm, uint32_t command, uint32_t cpu)
{
	if (!(atomic_load_explicit(&vm->membarrier, memory_order_relaxed) & command << 1))
		return -EPERM;
	if (cpu < cpu_count && cpumask_test(&cpus_online, cpu))
		smp_call_one(cpu, restart_sequence_of, vm);
	return 0;
}

int membarrier(struct vm_space *vm, uint32_t command, uint32_t flags, uint32_t cpu)
{
	if (command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ && flags == MEMBARRIER_CMD_FLAG_CPU)
		return expedited_on(vm, command, cpu);
	if (flags)
		return -EINVAL;
	switch (command) {
	case MEMBARRIER_CMD_QUERY:
		return COMMANDS;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return everywhere();
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return expedited(vm, command, pass_barrier, false);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		/* A CPU that rests in the space may come back without a serializing instruction. */
		return expedited(vm, command, pass_core_barrier, true);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
		return expedited(vm, command, restart_sequence, false);
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		return enlist(vm, command);
	default:
		return -EINVAL;
	}
}
