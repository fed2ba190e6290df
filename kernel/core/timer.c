/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: each CPU keeps its own in a red-black tree by deadline and programs its one-shot hardware
 * timer for the earliest.  A timer fires on the CPU that armed it, with one exception: armed from elsewhere
 * while its function runs, it stays with the CPU that runs it.  So a function is never on two CPUs at once,
 * timer->cpu always says where to wait for it, and arming never waits: it is safe under a lock that the
 * function takes.  Two calls of timer_arm() for one timer are the callers' to serialise.
 */
#include <kernel/time.h>

#include <stdatomic.h>

#include <arch/cpu.h>
#include <arch/platform.h>
#include <kernel/assert.h>
#include <kernel/freq.h>
#include <kernel/spinlock.h>

struct timer_queue {
	struct spinlock lock;   /* RANK_TIMER */
	struct rb_tree tree;    /* [lock] by deadline, then by insertion */
	struct timer *running;  /* [lock] its fn is being called */
	uint64_t programmed_ns; /* [lock] what the hardware was told; 0: nothing */
};

static struct timer_queue queues[MAX_CPUS] = {
	[0 ... MAX_CPUS - 1] = { .lock = SPINLOCK_INIT("timer", RANK_TIMER) },
};

static void program_locked(struct timer_queue *q)
{
	struct rb_node *first = rb_first(&q->tree);
	uint64_t deadline;

	if (!first)
		return;
	deadline = rb_entry(first, struct timer, node)->deadline_ns;
	if (q->programmed_ns && q->programmed_ns <= deadline)
		return;
	q->programmed_ns = deadline;
	arch_timer_set(deadline);
}

static void insert_locked(struct timer_queue *q, struct timer *timer)
{
	struct rb_node **link = &q->tree.root, *parent = NULL;

	while (*link) {
		struct timer *other = rb_entry(*link, struct timer, node);

		parent = *link;
		link = timer->deadline_ns < other->deadline_ns ? &parent->left : &parent->right;
	}
	rb_insert(&q->tree, &timer->node, parent, link);
	timer->armed = true;
}

/* Lock the queue that the timer is on.  It may move between CPUs only by re-arming. */
static struct timer_queue *lock_queue_of(struct timer *timer, uint64_t *flags)
{
	for (;;) {
		uint32_t cpu = READ_ONCE(timer->cpu);
		struct timer_queue *q = &queues[cpu];

		*flags = spin_lock_irqsave(&q->lock);
		if (READ_ONCE(timer->cpu) == cpu)
			return q;
		spin_unlock_irqrestore(&q->lock, *flags);
	}
}

static bool take_out_locked(struct timer_queue *q, struct timer *timer)
{
	if (!timer->armed)
		return false;
	rb_erase(&q->tree, &timer->node);
	timer->armed = false;
	return true;
}

void timer_init(struct timer *timer, void (*fn)(struct timer *))
{
	*timer = (struct timer){ .fn = fn };
}

void timer_arm(struct timer *timer, uint64_t deadline_ns)
{
	uint64_t flags;
	struct timer_queue *q = lock_queue_of(timer, &flags);

	take_out_locked(q, timer);
	if (unlikely(q->running == timer)) {
		/* timer_interrupt() programs the hardware when the function is done. */
		timer->deadline_ns = deadline_ns;
		insert_locked(q, timer);
		spin_unlock_irqrestore(&q->lock, flags);
		return;
	}
	if (q != &queues[arch_this_cpu()->id]) {
		spin_unlock(&q->lock); /* interrupts stay off */
		q = &queues[arch_this_cpu()->id];
		spin_lock(&q->lock);
		WRITE_ONCE(timer->cpu, arch_this_cpu()->id);
	}
	timer->deadline_ns = deadline_ns;
	insert_locked(q, timer);
	program_locked(q);
	spin_unlock_irqrestore(&q->lock, flags);
}

bool timer_cancel(struct timer *timer)
{
	bool was_armed = false;

	for (;;) {
		uint64_t flags;
		struct timer_queue *q = lock_queue_of(timer, &flags);
		bool running_elsewhere = q->running == timer && q != &queues[arch_this_cpu()->id];

		was_armed |= take_out_locked(q, timer);
		spin_unlock_irqrestore(&q->lock, flags);
		if (!running_elsewhere)
			return was_armed;
		arch_cpu_relax();
	}
}

uint64_t timer_next_ns(void)
{
	uint64_t deadline_ns = READ_ONCE(queues[arch_this_cpu()->id].programmed_ns);

	return deadline_ns ? deadline_ns : UINT64_MAX;
}

void timer_interrupt(void)
{
	struct timer_queue *q = &queues[arch_this_cpu()->id];
	struct rb_node *first;

	freq_tick();
	spin_lock(&q->lock);
	q->programmed_ns = 0;
	while ((first = rb_first(&q->tree))) {
		struct timer *timer = rb_entry(first, struct timer, node);

		if (timer->deadline_ns > time_now_ns())
			break;
		take_out_locked(q, timer);
		q->running = timer;
		spin_unlock(&q->lock);
		timer->fn(timer);
		spin_lock(&q->lock);
		q->running = NULL;
	}
	program_locked(q);
	spin_unlock(&q->lock);
}
