/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeping and time on the host: who waits lets others run and looks again; timers run when a test says
 * so. */
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/wait.h>

#define WEAK __attribute__((weak))

WEAK void waitqueue_init(struct waitqueue *wq)
{
	*wq = (struct waitqueue)WAITQUEUE_INIT(*wq);
}

WEAK void wake_up(struct waitqueue *wq)
{
	(void)wq;
}

WEAK void wake_up_all(struct waitqueue *wq)
{
	(void)wq;
}

WEAK void waiter_init(struct waiter *w, bool exclusive)
{
	w->exclusive = exclusive;
}

WEAK void wait_prepare(struct waitqueue *wq, struct waiter *w, bool interruptible)
{
	(void)interruptible;
	w->queue = wq;
}

WEAK int wait_sleep(uint64_t deadline_ns, bool interruptible)
{
	(void)deadline_ns;
	(void)interruptible;
	arch_cpu_relax(); /* stops a process of one thread, which would wait for itself */
	return 0;
}

WEAK void wait_finish(struct waitqueue *wq, struct waiter *w)
{
	(void)wq;
	(void)w;
}

WEAK uint64_t time_now_ns(void)
{
	return host_cycles;
}

WEAK uint64_t time_cycles_per_sec(void)
{
	return NSEC_PER_SEC;
}

WEAK void timer_init(struct timer *timer, void (*fn)(struct timer *))
{
	*timer = (struct timer){ .fn = fn };
}

WEAK void timer_arm(struct timer *timer, uint64_t deadline_ns)
{
	timer->deadline_ns = deadline_ns;
	timer->armed = true;
}

WEAK bool timer_cancel(struct timer *timer)
{
	bool armed = timer->armed;

	timer->armed = false;
	return armed;
}

WEAK struct task *kthread_create(const char *name, void (*entry)(void *), void *arg)
{
	(void)name;
	(void)entry;
	(void)arg;
	return NULL;
}
