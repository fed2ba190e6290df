/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A signaller sets bits and then looks for waiters; a waiter joins the queue and then looks at the bits.
 * All waiters whose mask has a set bit are woken; each bit goes to the first that takes it, and the others
 * sleep on.
 */
#include <kernel/notification.h>

#include <kernel/format.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <serix/abi.h>
#include <serix/errno.h>

static struct slab_cache *notification_cache;

struct bit_waiter {
	struct waiter waiter;
	const struct doorbell *doorbell;
	uint64_t mask;
};

void doorbell_init(struct doorbell *d)
{
	atomic_init(&d->bits, 0);
	waitqueue_init(&d->waiters);
}

void doorbell_signal(struct doorbell *d, uint64_t bits)
{
	atomic_fetch_or_explicit(&d->bits, bits, memory_order_release);
	wake_up_all(&d->waiters);
}

static bool wake_if_meant(struct waiter *w, uint32_t events)
{
	const struct bit_waiter *bw = container_of(w, struct bit_waiter, waiter);

	(void)events;
	if (atomic_load_explicit(&bw->doorbell->bits, memory_order_relaxed) & bw->mask)
		task_wake(w->task);
	return false;
}

static uint64_t take(struct doorbell *d, uint64_t mask)
{
	if (!(atomic_load_explicit(&d->bits, memory_order_relaxed) & mask))
		return 0;
	return atomic_fetch_and_explicit(&d->bits, ~mask, memory_order_acquire) & mask;
}

static int sleep_for(struct doorbell *d, uint64_t mask, uint64_t deadline_ns, uint64_t *bits)
{
	struct bit_waiter w = { .doorbell = d, .mask = mask };
	int err = 0;

	waiter_init(&w.waiter, false);
	w.waiter.wake = wake_if_meant;
	for (;;) {
		wait_prepare(&d->waiters, &w.waiter, true);
		*bits = take(d, mask);
		if (*bits || err)
			break;
		err = wait_sleep(deadline_ns, true);
	}
	wait_finish(&d->waiters, &w.waiter);
	return *bits ? 0 : err;
}

int doorbell_wait(struct doorbell *d, uint64_t mask, uint64_t deadline_ns, uint64_t *bits)
{
	*bits = take(d, mask);
	if (*bits)
		return 0;
	return deadline_ns ? sleep_for(d, mask, deadline_ns, bits) : -EAGAIN;
}

uint32_t doorbell_poll(struct doorbell *d, struct poll_table *table)
{
	if (table)
		table->add(table, &d->waiters);
	return atomic_load_explicit(&d->bits, memory_order_relaxed) ? POLLIN | POLLRDNORM : 0;
}

/* --- as an object ---------------------------------------------------------------------------------- */

static struct notification *notification_of(struct kobject *object)
{
	return container_of(object, struct notification, object);
}

static void release(struct kobject *object)
{
	slab_free(notification_cache, notification_of(object));
}

static uint32_t poll(struct kobject *object, struct poll_table *table)
{
	return doorbell_poll(&notification_of(object)->doorbell, table);
}

static void describe(struct kobject *object, char *buf, size_t size)
{
	snprintf(buf, size, "notification:[%lu]", object->id);
}

static const struct kobject_ops notification_ops = { .release = release, .poll = poll, .describe = describe };

int notification_create(struct notification **out)
{
	struct notification *n = slab_alloc(notification_cache);

	if (!n)
		return -ENOMEM;
	kobject_init(&n->object, OBJECT_NOTIFICATION, &notification_ops);
	doorbell_init(&n->doorbell);
	*out = n;
	return 0;
}

struct doorbell *doorbell_of(struct kobject *object)
{
	return object->type == OBJECT_NOTIFICATION ? &notification_of(object)->doorbell : NULL;
}

void notification_init(void)
{
	notification_cache = slab_create("notification", sizeof(struct notification), 0);
}
