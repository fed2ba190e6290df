/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a CPU may take to wake up: the least of what is asked for. */
#include <kernel/idle.h>

#include <stdatomic.h>

#include <kernel/smp.h>
#include <kernel/spinlock.h>

static struct spinlock lock = SPINLOCK_INIT("idle latency", RANK_IDLE_LATENCY);
static struct list requests = LIST_INIT(requests); /* [lock] idle_latency_request.link */
static _Atomic uint32_t limit_us = IDLE_LATENCY_ANY;

uint32_t idle_latency_limit_us(void)
{
	return atomic_load_explicit(&limit_us, memory_order_relaxed);
}

static uint32_t least_locked(void)
{
	const struct idle_latency_request *request;
	uint32_t least = IDLE_LATENCY_ANY;

	list_for_each (request, &requests, link)
		least = MIN(least, request->limit_us);
	return least;
}

static void look_again(void *unused)
{
	(void)unused;
}

void idle_latency_add(struct idle_latency_request *request)
{
	request->limit_us = IDLE_LATENCY_ANY;
	spin_lock(&lock);
	list_add_tail(&requests, &request->link);
	spin_unlock(&lock);
}

void idle_latency_set(struct idle_latency_request *request, uint32_t us)
{
	uint32_t before, now;

	spin_lock(&lock);
	request->limit_us = us;
	now = least_locked();
	before = atomic_exchange_explicit(&limit_us, now, memory_order_relaxed);
	spin_unlock(&lock);
	/* Who waits too deeply by now is woken, and chooses again. */
	if (now < before)
		smp_call(&cpus_online, look_again, NULL);
}

void idle_latency_remove(struct idle_latency_request *request)
{
	spin_lock(&lock);
	list_del(&request->link);
	atomic_store_explicit(&limit_us, least_locked(), memory_order_relaxed);
	spin_unlock(&lock);
}
