/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers with a descriptor: timerfd_create(2).
 *
 * The interrupt counts one expiry and lets the timer rest; whoever reads counts what came due meanwhile and
 * arms it again (kernel/interval_timer.h).
 *
 * An absolute time on the real-time clock stays one: when the clock is set, all such timers are armed anew.
 * A machine that never sleeps has one monotonic clock, so BOOTTIME is MONOTONIC, and alarm clocks are the
 * others under a name of the superuser's.
 *
 * Locks: `real_lock` covers the list of those on the real-time clock, timerfd.lock all that changes; in this
 * order.
 */
#include "vfs_priv.h"

#include <kernel/cap.h>
#include <kernel/clock.h>
#include <kernel/format.h>
#include <kernel/interval_timer.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <kernel/timerfd.h>
#include <kernel/timespec.h>

struct timerfd {
	struct spinlock lock;
	struct timer timer;          /* armed under `lock` */
	struct interval_timer state; /* [lock] */
	int clock;                   /* [i] */
	uint32_t set_flags;          /* [lock] of the last timerfd_settime */
	bool on_real;                /* [lock] state.due_ns is a time of the real-time clock */
	bool canceled; /* [lock] that was set, and nobody was told yet; only with CANCEL_ON_SET */
	struct waitqueue readers;
	struct list link; /* [real_lock] in real_timers, if it is on that clock */
};

static struct spinlock real_lock = SPINLOCK_INIT("timerfd list", RANK_TIMERFD_LIST);
static struct list real_timers = LIST_INIT(real_timers);

static struct timerfd *timer_of(const struct file *file)
{
	return file->private;
}

static bool is_alarm(int clock)
{
	return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static bool is_real(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
}

static uint64_t now_of(const struct timerfd *t)
{
	return t->on_real ? time_real_ns() : time_now_ns();
}

static void arm_locked(struct timerfd *t)
{
	timer_arm(&t->timer, t->on_real ? deadline_of_real(t->state.due_ns) : t->state.due_ns);
}

/* What was disarmed or set anew may still run: it finds nothing due. */
static void expire(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	uint64_t flags = spin_lock_irqsave(&t->lock);

	if (interval_timer_expire(&t->state, now_of(t)))
		wake_up_all(&t->readers);
	else if (interval_timer_waits(&t->state))
		arm_locked(t);
	spin_unlock_irqrestore(&t->lock, flags);
}

/* Count up to now. */
static void update_locked(struct timerfd *t)
{
	if (interval_timer_resume(&t->state, now_of(t)))
		arm_locked(t);
}

/* --- as a file ------------------------------------------------------------------------------------- */

static bool has_news(struct timerfd *t)
{
	return READ_ONCE(t->state.ticks) > 0;
}

/* 0, -EAGAIN: nothing yet, -ECANCELED: the clock was set. */
static int take(struct timerfd *t, uint64_t *ticks)
{
	uint64_t flags = spin_lock_irqsave(&t->lock);
	int err = 0;

	if (has_news(t))
		update_locked(t);
	*ticks = t->state.ticks;
	t->state.ticks = 0;
	if (t->canceled)
		err = -ECANCELED;
	else if (*ticks == 0)
		err = -EAGAIN;
	t->canceled = false;
	spin_unlock_irqrestore(&t->lock, flags);
	return err;
}

static ssize_t timer_read(struct file *file, struct iobuf *io, off_t *pos)
{
	struct timerfd *t = timer_of(file);
	uint64_t ticks;
	int err;

	(void)pos;
	if (io->left < sizeof(ticks))
		return -EINVAL;
	while ((err = take(t, &ticks)) == -EAGAIN) {
		if (io->nowait || (atomic_load(&file->flags) & O_NONBLOCK))
			return -EAGAIN;
		if (wait_event_interruptible(&t->readers, has_news(t)) < 0)
			return -ERESTARTSYS;
	}
	return err < 0 ? err : iobuf_write(io, &ticks, sizeof(ticks));
}

static uint32_t timer_poll(struct file *file, struct poll_table *table)
{
	struct timerfd *t = timer_of(file);

	if (table)
		table->add(table, &t->readers);
	return has_news(t) ? POLLIN | POLLRDNORM : 0;
}

static void value_locked(const struct timerfd *t, struct timerfd_value *out)
{
	*out = (struct timerfd_value){ interval_timer_left(&t->state, now_of(t)), t->state.interval_ns };
}

static void timer_info(struct file *file, char *buf, size_t size)
{
	struct timerfd *t = timer_of(file);
	uint64_t flags = spin_lock_irqsave(&t->lock), ticks = t->state.ticks;
	uint32_t set_flags = t->set_flags;
	struct timerfd_value value;

	value_locked(t, &value);
	spin_unlock_irqrestore(&t->lock, flags);
	scnprintf(buf, size,
		  "clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: (%llu, %llu)\nit_interval: (%llu, "
		  "%llu)\n",
		  t->clock, ticks, set_flags, value.value_ns / NSEC_PER_SEC, value.value_ns % NSEC_PER_SEC,
		  value.interval_ns / NSEC_PER_SEC, value.interval_ns % NSEC_PER_SEC);
}

static void destroy(struct timerfd *t)
{
	uint64_t flags;

	if (is_real(t->clock)) {
		flags = spin_lock_irqsave(&real_lock);
		list_del(&t->link);
		spin_unlock_irqrestore(&real_lock, flags);
	}
	timer_cancel(&t->timer);
	kfree(t);
}

static void timer_release(struct file *file)
{
	destroy(timer_of(file));
}

static const struct file_ops timer_ops = {
	.name = "anon_inode:[timerfd]",
	.read = timer_read,
	.poll = timer_poll,
	.poll_is_plain = true,
	.info = timer_info,
	.release = timer_release,
};

/* --- making and setting ---------------------------------------------------------------------------- */

static struct timerfd *make(int clock)
{
	struct timerfd *t = kmalloc(sizeof(*t));
	uint64_t flags;

	if (!t)
		return NULL;
	*t = (struct timerfd){ .clock = clock };
	spin_init(&t->lock, "timerfd", RANK_TIMERFD);
	timer_init(&t->timer, expire);
	waitqueue_init(&t->readers);
	if (is_real(clock)) {
		flags = spin_lock_irqsave(&real_lock);
		list_add_tail(&real_timers, &t->link);
		spin_unlock_irqrestore(&real_lock, flags);
	}
	return t;
}

/* The vnode is what fstat looks at: of no type, as Linux has it. */
static struct file *open_timer(struct timerfd *t, uint32_t flags)
{
	static const struct vnode_ops none;
	struct vnode *v = nameless_vnode(&none, 0600);
	struct file *file = v ? file_create(&timer_ops, O_RDWR | (flags & TFD_NONBLOCK), t) : NULL;

	if (!file) {
		vnode_put(v);
		return NULL;
	}
	file->object.type = OBJECT_TIMER;
	file->vnode = v;
	return file;
}

int timerfd_create(int clock, uint32_t flags, struct file **out)
{
	struct timerfd *t;

	if (flags & ~(uint32_t)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (!is_real(clock) && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && !is_alarm(clock))
		return -EINVAL;
	if (is_alarm(clock) && !cred_has_privilege(PRIV_WAKE_ALARM))
		return -EPERM;
	t = make(clock);
	if (!t)
		return -ENOMEM;
	*out = open_timer(t, flags);
	if (*out)
		return 0;
	destroy(t);
	return -ENOMEM;
}

/* When a timer that is set now expires first, on the clock that it then goes by. */
static uint64_t due_of(const struct timerfd *t, bool absolute, uint64_t value_ns)
{
	uint64_t now = now_of(t);

	if (value_ns == 0 || absolute)
		return value_ns;
	return value_ns >= TIME_FOREVER - now ? TIME_FOREVER : now + value_ns;
}

int timerfd_set(struct file *file, uint32_t set_flags, const struct timerfd_value *set,
		struct timerfd_value *old)
{
	struct timerfd *t = timer_of(file);
	bool absolute = set_flags & TFD_TIMER_ABSTIME;
	uint64_t flags = spin_lock_irqsave(&t->lock);
	int err = 0;

	update_locked(t);
	value_locked(t, old);
	t->set_flags = set_flags;
	t->on_real = absolute && is_real(t->clock);
	if (t->canceled && t->on_real && (set_flags & TFD_TIMER_CANCEL_ON_SET))
		err = -ECANCELED;
	t->canceled = false;
	interval_timer_set(&t->state, due_of(t, absolute, set->value_ns), set->interval_ns);
	if (interval_timer_waits(&t->state))
		arm_locked(t);
	spin_unlock_irqrestore(&t->lock, flags);
	return err;
}

void timerfd_get(struct file *file, struct timerfd_value *out)
{
	struct timerfd *t = timer_of(file);
	uint64_t flags = spin_lock_irqsave(&t->lock);

	update_locked(t);
	value_locked(t, out);
	spin_unlock_irqrestore(&t->lock, flags);
}

static void clock_was_set(struct timerfd *t)
{
	spin_lock(&t->lock);
	if (t->on_real && interval_timer_waits(&t->state))
		arm_locked(t);
	if (t->on_real && (t->set_flags & TFD_TIMER_CANCEL_ON_SET)) {
		t->canceled = true;
		t->state.ticks++;
		wake_up_all(&t->readers);
	}
	spin_unlock(&t->lock);
}

void timerfd_clock_was_set(void)
{
	uint64_t flags = spin_lock_irqsave(&real_lock);
	struct timerfd *t;

	list_for_each (t, &real_timers, link)
		clock_was_set(t);
	spin_unlock_irqrestore(&real_lock, flags);
}
