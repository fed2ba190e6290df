/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks: made, woken, given work, measured, gone. */
#include "sched_priv.h"

#include <arch/cpu.h>
#include <arch/step.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <kernel/vmalloc.h>
#include <serix/errno.h>

#define OFF_SPINS   16
#define OFF_POLL_NS 50000

static _Atomic uint64_t task_count;

static void task_entry(void *arg)
{
	struct task *self = arg;

	let_go_of_previous();
	arch_irq_enable();
	self->entry(self->entry_arg);
	task_exit();
}

int task_init(struct task *task, const char *name, void (*entry)(void *), void *arg,
	      void (*release)(struct task *))
{
	void *stack = kstack_alloc();

	if (!stack)
		return -ENOMEM;
	/* In place: as one value it would be put together elsewhere and copied. */
	memset(task, 0, sizeof(*task));
	task->kernel_stack = stack;
	atomic_init(&task->state, TASK_SLEEPING);
	task->cpu = arch_this_cpu()->id;
	task->burst_ns = UINT64_MAX; /* not known */
	/* The zero byte stops string functions from reading or writing across it. */
	task->canary = random_u64() << 8;
	task->entry = entry;
	task->entry_arg = arg;
	task->release = release;
	list_init(&task->borrowed);
	task->loan_lock = loan_lock(task);
	policy_init(task);
	strlcpy(task->name, name, sizeof(task->name));
	arch_context_init(&task->context, (char *)stack + KERNEL_STACK_SIZE, task_entry, task);
	atomic_fetch_add_explicit(&task_count, 1, memory_order_relaxed);
	return 0;
}

void task_fini(struct task *task)
{
	atomic_fetch_sub_explicit(&task_count, 1, memory_order_relaxed);
	arch_fpu_free(&task->context);
	arch_debug_free(&task->context);
	kstack_free(task->kernel_stack);
}

static bool is_off(struct task *task, enum task_state state)
{
	uint64_t flags;
	struct runq *rq = runq_lock_task(task, &flags);
	bool off = is_off_locked(rq, task) && atomic_load(&task->state) == state;

	spin_unlock_irqrestore(&rq->lock, flags);
	return off;
}

void task_wait_until_off(struct task *task, enum task_state state)
{
	for (unsigned spins = 0; !is_off(task, state); spins++) {
		if (spins < OFF_SPINS)
			sched_yield();
		else /* it may be of less urgency */
			(void)sleep_until(time_now_ns() + OFF_POLL_NS, false);
	}
}

void task_start(struct task *task)
{
	task_wake(task);
}

static void wake_locked(struct runq *from, struct runq *to, struct task *task, uint64_t now)
{
	task->migrations += task->started && to != from;
	task->cpu = to->cpu;
	task->strayed = false;
	if (unlikely(task->policy.policy == SCHED_DEADLINE)) {
		iso_wake(&task->iso, &task->policy, now);
		task->urgency = MIN(task->iso.deadline_ns, task->lent_urgency);
	}
	runq_add_locked(to, task, ENQUEUE_JOIN, now);
	to->stats.wakeups++;
	to->stats.wakeups_local += to->cpu == arch_this_cpu()->id;
	check_preempt_locked(to, task, now);
}

bool task_wake_from(struct task *task, enum task_state from)
{
	uint64_t flags = arch_irq_save();
	uint32_t state = from;
	struct runq *rq, *to;
	bool woken;

	rq = place_and_lock(task, &to);
	woken = atomic_compare_exchange_strong(&task->state, &state, TASK_RUNNABLE);
	/* One that has not finished going to sleep stays where it is. */
	if (woken && is_off_locked(rq, task))
		wake_locked(rq, to, task, time_now_ns());
	runq_unlock_pair(rq, to);
	irq_restore_and_preempt(flags);
	return woken;
}

bool task_wake(struct task *task)
{
	uint32_t state = atomic_load(&task->state);

	/* Who goes to sleep after this look sees what the caller changed before it. */
	return (state == TASK_SLEEPING || state == TASK_SLEEPING_INTR) && task_wake_from(task, state);
}

/* True: it slept. */
static bool set_bits_and_wake(struct task *task, uint32_t bits)
{
	atomic_fetch_or(&task->work, bits);
	/* Who goes to sleep after this look sees the bits. */
	return atomic_load(&task->state) == TASK_SLEEPING_INTR && task_wake_from(task, TASK_SLEEPING_INTR);
}

void task_interrupt(struct task *task, uint32_t bits)
{
	(void)set_bits_and_wake(task, bits);
}

void task_set_work(struct task *task, uint32_t bits)
{
	struct runq *rq;
	uint64_t flags;

	if (set_bits_and_wake(task, bits) || task == current_task())
		return;
	/* In user mode on another CPU it would not look before its next system call. */
	rq = runq_lock_task(task, &flags);
	if (rq->current == task)
		request_resched(rq);
	spin_unlock_irqrestore(&rq->lock, flags);
}

void task_switch_vm(struct vm_space *vm)
{
	uint64_t flags = arch_irq_save();

	current_task()->vm = vm;
	if (vm)
		vm_space_load(vm);
	else
		vm_space_rest();
	arch_irq_restore(flags);
}

void task_times(struct task *task, uint64_t *user_ns, uint64_t *system_ns)
{
	uint64_t flags;
	struct runq *rq = runq_lock_task(task, &flags);

	if (rq->current == task)
		account_locked(rq, time_now_ns());
	*user_ns = task->user_ns;
	*system_ns = task->system_ns;
	spin_unlock_irqrestore(&rq->lock, flags);
}

void sched_get_task_stats(struct task *task, struct sched_task_stats *out)
{
	uint64_t flags, now;
	struct runq *rq = runq_lock_task(task, &flags);
	bool running = rq->current == task;

	now = time_now_ns();
	account_locked(rq, now);
	*out = (struct sched_task_stats){
		.class_name = task->class->name,
		.cpu = task->cpu,
		.weight = task->fair.weight,
		.run_ns = task->user_ns + task->system_ns,
		.wait_ns =
			task->wait_ns + (task->on_runq && now > task->queued_ns ? now - task->queued_ns : 0),
		.runs = task->runs,
		.migrations = task->migrations,
		.switches_voluntary = task->switches_voluntary,
		.switches_forced = task->switches_forced,
		.last_ran_ns = running ? now : task->last_ran_ns,
		.vruntime_ns = task->fair.vruntime,
		.lag_ns = runq_lag_locked(rq, task),
		.iso_deadline_ns = task->iso.deadline_ns,
		.iso_budget_ns = task->iso.budget_ns,
		.iso_misses = task->iso.misses,
	};
	spin_unlock_irqrestore(&rq->lock, flags);
}

void sched_get_stats(struct sched_stats *out)
{
	*out = (struct sched_stats){
		.tasks = atomic_load_explicit(&task_count, memory_order_relaxed),
	};
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		struct sched_cpu_stats s;

		sched_get_cpu_stats(cpu, &s);
		out->switches += s.switches;
		out->runnable += s.runnable;
		out->idle_ns += s.idle_ns;
		out->user_ns += s.user_ns;
		out->system_ns += s.system_ns;
	}
	loadavg_read(out->load);
}
