/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's core: pick, switch, tick.
 *
 * Rule: ready tasks take turns, SLICE_NS each; one that becomes runnable goes to the end of the queue.
 *
 * A switch happens with the run queue's lock held: schedule() takes it on the old stack, finish_switch()
 * drops it on the new one, so a task's saved context and its place in the queue change together.  A task
 * that changes its state to sleeping keeps running until it calls schedule(); a wake-up in between makes
 * it runnable again and schedule() keeps it.  Preemption in that window leaves it on the queue whatever
 * its state: it has not finished going to sleep.
 */
#include "sched_priv.h"

#include <arch/cpu.h>
#include <arch/trap.h>
#include <kernel/assert.h>
#include <kernel/idle.h>
#include <kernel/lockdep.h>
#include <kernel/preempt.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <kernel/vmalloc.h>
#include <serix/errno.h>

#define SLICE_NS (10 * NSEC_PER_MSEC)

static struct runq boot_runq;
static struct task boot_idle;
static _Atomic uint64_t task_count;

static struct runq *this_runq(void)
{
	return arch_this_cpu()->runq;
}

void account_locked(struct runq *rq, uint64_t now_ns)
{
	struct task *task = rq->current;
	uint64_t delta = now_ns > task->accounted_ns ? now_ns - task->accounted_ns : 0;

	/* Another CPU's clock may be a little behind. */
	task->accounted_ns += delta;
	if (task == rq->idle) {
		rq->idle_ns += delta;
	} else if (task->last_tick_user) {
		task->user_ns += delta;
		rq->user_ns += delta;
	} else {
		task->system_ns += delta;
		rq->system_ns += delta;
	}
}

static void request_resched(struct runq *rq)
{
	smp_reschedule(rq->cpu);
}

void runq_add_locked(struct runq *rq, struct task *task)
{
	assert_held(&rq->lock);
	DEBUG_ASSERT(!task->on_runq);
	list_add_tail(&rq->ready, &task->run_link);
	task->on_runq = true;
	rq->ready_count++;
	if (rq->current == rq->idle)
		request_resched(rq);
}

static struct task *pick_locked(struct runq *rq)
{
	struct task *task;

	if (list_empty(&rq->ready)) {
		if (rq->current != rq->idle)
			cpumask_set_atomic(&runqs_idle, rq->cpu);
		return rq->idle;
	}
	if (rq->current == rq->idle)
		cpumask_clear_atomic(&runqs_idle, rq->cpu);
	task = list_first(&rq->ready, struct task, run_link);
	list_del(&task->run_link);
	task->on_runq = false;
	rq->ready_count--;
	return task;
}

void sched_tick(struct timer *timer)
{
	struct runq *rq = container_of(timer, struct runq, tick);
	uint64_t now = time_now_ns();

	spin_lock(&rq->lock);
	if (rq->current != rq->idle) {
		if (now >= rq->current->slice_end_ns && rq->ready_count)
			request_resched(rq);
		timer_arm(&rq->tick, now + SLICE_NS);
	}
	spin_unlock(&rq->lock);
}

/* The timer interrupt says in which mode it found the running task: the time since the last charge
 * counts as that mode's. */
void trap_timer(struct arch_regs *regs)
{
	struct runq *rq = this_runq();

	arch_this_cpu()->interrupts[INTERRUPT_TIMER]++;
	if (likely(rq)) {
		spin_lock(&rq->lock);
		rq->current->last_tick_user = arch_regs_user(regs);
		account_locked(rq, time_now_ns());
		spin_unlock(&rq->lock);
	}
	timer_interrupt();
}

/* First thing on the new stack: let go of the lock and of a task that ended. */
static void finish_switch(void)
{
	struct runq *rq = this_runq();
	struct task *previous = rq->previous;
	bool dead = atomic_load_explicit(&previous->state, memory_order_relaxed) == TASK_DEAD;

	atomic_store_explicit(&previous->on_cpu, 0, memory_order_release);
	spin_unlock(&rq->lock);
	if (dead) {
		task_fini(previous);
		previous->release(previous);
	}
}

/* `forced`: the task did not ask; it stays runnable whatever its state says.  Interrupts off. */
static void switch_away(bool forced)
{
	struct runq *rq = this_runq();
	struct task *self, *next;
	uint64_t now = time_now_ns();

	spin_lock(&rq->lock);
	self = rq->current;
	ASSERT(arch_preempt_count() == 1);
	account_locked(rq, now);
	atomic_store_explicit(&arch_this_cpu()->resched, 0, memory_order_relaxed);
	arch_this_cpu()->sched_passes++;
	if (self != rq->idle &&
	    (forced || atomic_load_explicit(&self->state, memory_order_relaxed) == TASK_RUNNABLE))
		runq_add_locked(rq, self);

	next = pick_locked(rq);
	next->slice_end_ns = now + SLICE_NS;
	next->accounted_ns = now;
	if (next == self) {
		spin_unlock(&rq->lock);
		return;
	}
	if (forced)
		self->switches_forced++;
	else
		self->switches_voluntary++;
	rq->switches++;
	rq->current = next;
	rq->previous = self;
	atomic_store_explicit(&next->on_cpu, 1, memory_order_relaxed);
	if (next != rq->idle && !rq->tick.armed)
		timer_arm(&rq->tick, now + SLICE_NS);
	if (next->vm)
		vm_space_load(next->vm);
	else
		vm_space_rest();
	arch_context_switch(self, next);
	finish_switch();
}

void schedule(void)
{
	uint64_t flags;

	lockdep_assert_may_sleep();
	log_wake_readers();
	flags = arch_irq_save();
	switch_away(false);
	arch_irq_restore(flags);
}

/* Is anybody else ready?  A look without the lock will do: who becomes ready later asks for a switch. */
static bool others_ready(void)
{
	bool any;

	preempt_disable();
	any = READ_ONCE(this_runq()->ready_count) != 0;
	preempt_enable();
	return any;
}

void sched_yield(void)
{
	if (others_ready())
		schedule();
	else
		log_wake_readers();
}

void preempt_schedule(void)
{
	uint64_t flags;

	if (arch_this_cpu()->irq_depth || !arch_irqs_enabled())
		return;
	flags = arch_irq_save();
	if (arch_resched_pending())
		switch_away(true);
	arch_irq_restore(flags);
}

/* Interrupts are off and stay off until the interrupted context gets its flags back. */
void trap_irq_exit(void)
{
	if (arch_resched_pending() && arch_this_cpu()->irq_depth == 0)
		switch_away(true);
}

/* The locks were dropped with interrupts off, when a switch that was asked for could not happen. */
static void irq_restore_and_preempt(uint64_t flags)
{
	arch_irq_restore(flags);
	if (unlikely(arch_resched_pending()))
		preempt_schedule();
}

static void task_entry(void *arg)
{
	struct task *self = arg;

	finish_switch();
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
	*task = (struct task){
		.kernel_stack = stack,
		.state = TASK_SLEEPING,
		.cpu = arch_this_cpu()->id,
		/* The zero byte stops string functions from reading or writing across it. */
		.canary = random_u64() << 8,
		.entry = entry,
		.entry_arg = arg,
		.release = release,
	};
	list_init(&task->run_link);
	strlcpy(task->name, name, sizeof(task->name));
	arch_context_init(&task->context, (char *)stack + KERNEL_STACK_SIZE, task_entry, task);
	atomic_fetch_add_explicit(&task_count, 1, memory_order_relaxed);
	return 0;
}

void task_fini(struct task *task)
{
	atomic_fetch_sub_explicit(&task_count, 1, memory_order_relaxed);
	arch_fpu_free(&task->context);
	kstack_free(task->kernel_stack);
}

void task_start(struct task *task)
{
	task_wake(task);
}

void task_exit(void)
{
	arch_irq_disable();
	atomic_store_explicit(&current_task()->state, TASK_DEAD, memory_order_relaxed);
	switch_away(false);
	__builtin_unreachable();
}

bool task_wake_from(struct task *task, enum task_state from)
{
	uint64_t flags = arch_irq_save();
	uint32_t target = place_task(task), state = from;
	struct runq *rq = runq_lock_task_and(task, target);
	bool woken = atomic_compare_exchange_strong(&task->state, &state, TASK_RUNNABLE);

	/* One that has not finished going to sleep stays where it is. */
	if (woken && rq->current != task && !task->on_runq) {
		task->cpu = target;
		runq_add_locked(runq_of_cpu(target), task);
	}
	runq_unlock_both(rq, target);
	irq_restore_and_preempt(flags);
	return woken;
}

bool task_wake(struct task *task)
{
	uint32_t state = atomic_load(&task->state);

	/* Who goes to sleep after this look sees what the caller changed before it. */
	return (state == TASK_SLEEPING || state == TASK_SLEEPING_INTR) && task_wake_from(task, state);
}

void task_set_work(struct task *task, uint32_t bits)
{
	struct runq *rq;
	uint64_t flags;

	atomic_fetch_or(&task->work, bits);
	/* Who goes to sleep after this look sees the bits. */
	if (atomic_load(&task->state) == TASK_SLEEPING_INTR && task_wake_from(task, TASK_SLEEPING_INTR))
		return;
	/* In user mode on another CPU it would not look before its next system call. */
	rq = runq_lock_task(task, &flags);
	if (rq->current == task && task != current_task())
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

void sched_get_cpu_stats(uint32_t cpu, struct sched_cpu_stats *out)
{
	struct runq *rq = runq_of_cpu(cpu);
	uint64_t flags = spin_lock_irqsave(&rq->lock);

	account_locked(rq, time_now_ns());
	*out = (struct sched_cpu_stats){
		.switches = rq->switches,
		.runnable = rq->ready_count + (rq->current != rq->idle),
		.idle_ns = rq->idle_ns,
		.user_ns = rq->user_ns,
		.system_ns = rq->system_ns,
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

void sched_init(void)
{
	boot_idle.canary = arch_this_cpu()->canary;
	runq_init(&boot_runq, arch_this_cpu(), &boot_idle);
	loadavg_init();
}

void sched_idle(void)
{
	cpumask_set_atomic(&runqs_active, arch_this_cpu()->id);
	cpumask_set_atomic(&runqs_idle, arch_this_cpu()->id);
	for (;;) {
		log_wake_readers();
		arch_irq_disable();
		if (arch_resched_pending()) {
			switch_away(false);
			arch_irq_enable();
		} else {
			idle_wait();
		}
	}
}
