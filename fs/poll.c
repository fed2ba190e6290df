/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for several descriptors.  First one look at each without any queueing: often something is ready.
 * Only then waiters are put on their queues, which asks everything again, so that nothing that happens in
 * between is missed.  A wake-up sets `woken` and wakes the task; it then looks again.
 */
#include "vfs_priv.h"

#include <kernel/cap.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/slab.h>

#include "../kernel/cap/look.h"

#define CHUNK_WAITERS 16

struct poll_wait;

struct poll_waiter {
	struct waiter waiter;
	struct poll_wait *owner;
};

struct chunk {
	struct chunk *next;
	unsigned used;
	struct poll_waiter waiters[CHUNK_WAITERS];
};

struct poll_wait {
	struct poll_table table;
	struct waitqueue wq; /* the task's own: it sleeps here */
	_Atomic bool woken;
	bool failed; /* no memory for a waiter */
	struct chunk *chunks;
	struct chunk first;
};

static bool poll_wake(struct waiter *w, uint32_t events)
{
	struct poll_waiter *pw = container_of(w, struct poll_waiter, waiter);

	(void)events;
	atomic_store(&pw->owner->woken, true);
	task_wake(w->task);
	return false;
}

static struct poll_waiter *new_waiter(struct poll_wait *pw)
{
	if (pw->chunks->used == CHUNK_WAITERS) {
		struct chunk *c = kmalloc(sizeof(*c));

		if (!c)
			return NULL;
		c->used = 0;
		c->next = pw->chunks;
		pw->chunks = c;
	}
	return &pw->chunks->waiters[pw->chunks->used++];
}

static void poll_add(struct poll_table *table, struct waitqueue *wq)
{
	struct poll_wait *pw = container_of(table, struct poll_wait, table);
	struct poll_waiter *w = new_waiter(pw);

	if (!w) {
		pw->failed = true;
		return;
	}
	waiter_init(&w->waiter, false);
	w->waiter.wake = poll_wake;
	w->owner = pw;
	wait_add(wq, &w->waiter);
}

static void poll_wait_init(struct poll_wait *pw)
{
	pw->table.add = poll_add;
	waitqueue_init(&pw->wq);
	atomic_init(&pw->woken, false);
	pw->failed = false;
	pw->first.next = NULL;
	pw->first.used = 0;
	pw->chunks = &pw->first;
}

static void poll_wait_end(struct poll_wait *pw)
{
	struct chunk *c = pw->chunks;

	while (c) {
		struct chunk *next = c->next;

		for (unsigned i = 0; i < c->used; i++)
			wait_remove(&c->waiters[i].waiter);
		if (c != &pw->first)
			kfree(c);
		c = next;
	}
}

bool object_can_poll(const struct kobject *obj)
{
	return object_is_file(obj) ? container_of(obj, struct file, object)->ops->poll != NULL
				   : obj->ops->poll != NULL;
}

static __always_inline uint32_t poll_object(struct kobject *obj, struct poll_table *table)
{
	if (likely(object_is_file(obj))) {
		struct file *file = file_of(obj);

		if (file->ops->poll)
			return file->ops->poll(file, table);
	} else if (obj->ops->poll) {
		return obj->ops->poll(obj, table);
	}
	return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

uint32_t object_poll(struct kobject *obj, struct poll_table *table)
{
	return poll_object(obj, table);
}

#define EVENTS_IN  (POLLIN | POLLRDNORM | POLLRDBAND | POLLPRI)
#define EVENTS_OUT (POLLOUT | POLLWRNORM | POLLWRBAND)

/* The rights that entitle to hear of input and output, one of each is enough; 0: nobody needs one. */
struct event_rights {
	uint32_t in, out;
};
static const struct event_rights event_rights[OBJECT_TYPES] = {
	[OBJECT_PROCESS] = { .in = PROCESS_RIGHT_WAIT },
	[OBJECT_THREAD] = { .in = PROCESS_RIGHT_WAIT },
	[OBJECT_PORT] = { .in = PORT_RIGHT_RECEIVE, .out = PORT_RIGHT_SEND | PORT_RIGHT_CALL },
	[OBJECT_NOTIFICATION] = { .in = NOTIFICATION_RIGHT_WAIT, .out = NOTIFICATION_RIGHT_SIGNAL },
	[OBJECT_TIMER] = { .in = TIMER_RIGHT_WAIT },
	[OBJECT_SOCKET] = { .in = SOCKET_RIGHT_RECEIVE | SOCKET_RIGHT_ACCEPT, .out = SOCKET_RIGHT_SEND },
};

/* Of a file: those that it was opened for. */
static struct event_rights rights_to_hear(const struct capability *cap)
{
	uint32_t access;

	if (!object_is_file(cap->object) || cap->type == OBJECT_TIMER || cap->type == OBJECT_SOCKET)
		return event_rights[cap->type];
	access = file_of(cap->object)->access;
	return (struct event_rights){
		.in = access & CAP_READ,
		.out = access & CAP_WRITE ? CAP_WRITE | CAP_APPEND : 0,
	};
}

uint32_t poll_events_denied(const struct capability *cap)
{
	uint32_t rights = atomic_load_explicit(&cap->rights, memory_order_relaxed);
	struct event_rights needed = rights_to_hear(cap);

	return (needed.in && !(rights & needed.in) ? EVENTS_IN : 0) |
	       (needed.out && !(rights & needed.out) ? EVENTS_OUT : 0);
}

/* May the holder of the capability hear of all these? */
static __always_inline bool may_hear(const struct capability *cap, uint32_t events)
{
	uint32_t rights = atomic_load_explicit(&cap->rights, memory_order_relaxed);

	/* The same answer for a file that still has the rights it was opened with. */
	if (likely(cap->type == OBJECT_FILE && !(file_of(cap->object)->access & ~rights)))
		return true;
	return !(events & poll_events_denied(cap));
}

/* What the capability's object is ready for, where asking it may take locks or sleep: not with the table's
 * lock held. */
static __noinline uint32_t ask_unlocked(struct cap_table *table, struct capability *cap)
{
	uint32_t events;

	if (unlikely(!cap_begin(cap)))
		return POLLNVAL;
	cap_look_pause(table);
	events = poll_object(cap->object, NULL);
	cap_done(cap);
	cap_look_resume(table);
	return events;
}

static __always_inline uint32_t wanted(const struct abi_pollfd *p)
{
	return (uint16_t)p->events | POLLERR | POLLHUP;
}

static __always_inline uint32_t look_at(struct cap_look *look, int fd, uint32_t events)
{
	struct capability *cap = cap_look_at(look, (uint32_t)fd);

	if (unlikely(!cap) || unlikely(!may_hear(cap, events)))
		return fd < 0 ? 0 : POLLNVAL;
	if (likely(cap->type == OBJECT_FILE && file_of(cap->object)->ops->poll_is_plain))
		return file_of(cap->object)->ops->poll(file_of(cap->object), NULL) & events;
	return ask_unlocked(look->table, cap) & events;
}

/* So many in one hold of the table's lock. */
#define LOOK_BATCH 64

/* One look at everything, each as its descriptor is at this moment; the number of entries with events. */
static __always_inline int look(struct abi_pollfd *fds, size_t count)
{
	struct cap_table *table = current_process()->caps;
	const struct abi_pollfd *end = fds + count;
	int ready = 0;

	while (fds < end) {
		const struct abi_pollfd *stop = fds + MIN(end - fds, LOOK_BATCH);
		struct cap_look look;

		cap_look_begin(&look, table);
		for (; fds < stop; fds++) {
			uint32_t events = look_at(&look, fds->fd, wanted(fds));

			fds->revents = (int16_t)events;
			ready += events != 0;
		}
		cap_look_end(&look);
	}
	return ready;
}

/* --- sleeping ------------------------------------------------------------------------------------------- */

/* The capabilities behind the descriptors, in use; NULL where there is none. */
static void use_all(const struct abi_pollfd *fds, struct capability **caps, size_t count)
{
	struct cap_table *table = current_process()->caps;

	for (size_t at = 0; at < count; at += LOOK_BATCH) {
		size_t n = MIN(count - at, (size_t)LOOK_BATCH);

		cap_use_many(table, &fds[at].fd, sizeof(*fds), n, caps + at);
	}
}

/* Queue on everything.  True: it is worth another look at once. */
static bool queue_on_all(struct poll_wait *pw, const struct abi_pollfd *fds, struct capability **caps,
			 size_t count)
{
	bool news = false;

	for (size_t i = 0; i < count; i++) {
		if (caps[i] && may_hear(caps[i], wanted(&fds[i])))
			news |= (poll_object(caps[i]->object, &pw->table) & wanted(&fds[i])) != 0;
		else
			news |= fds[i].fd >= 0;
	}
	return news || pw->failed;
}

static int sleep_until_woken(struct poll_wait *pw, uint64_t deadline_ns)
{
	int err = wait_event_timeout(&pw->wq, atomic_load(&pw->woken), deadline_ns, true);

	atomic_store(&pw->woken, false);
	return err;
}

static int look_until_ready(struct poll_wait *pw, struct abi_pollfd *fds, size_t count, uint64_t deadline_ns,
			    bool news)
{
	int err = news ? 0 : sleep_until_woken(pw, deadline_ns);

	while (err != -EINTR) {
		int ready = look(fds, count);

		if (ready > 0 || err == -ETIMEDOUT)
			return ready;
		if (pw->failed)
			return -ENOMEM;
		err = sleep_until_woken(pw, deadline_ns);
	}
	return -EINTR;
}

#define SMALL_COUNT 16

/* Meanwhile everything is in use, so that it stays and a revocation interrupts the sleep. */
static __noinline int wait_for_any(struct abi_pollfd *fds, size_t count, uint64_t deadline_ns)
{
	struct capability *small[SMALL_COUNT] __attribute__((uninitialized)), **caps = small;
	struct poll_wait pw __attribute__((uninitialized));
	int result;

	if (count > SMALL_COUNT) {
		caps = kmalloc(count * sizeof(void *));
		if (!caps)
			return -ENOMEM;
	}
	poll_wait_init(&pw);
	use_all(fds, caps, count);
	result = look_until_ready(&pw, fds, count, deadline_ns, queue_on_all(&pw, fds, caps, count));
	poll_wait_end(&pw);
	for (size_t i = 0; i < count; i++)
		if (caps[i])
			cap_done(caps[i]);
	if (caps != small)
		kfree(caps);
	return result;
}

int poll_files(struct abi_pollfd *fds, size_t count, uint64_t deadline_ns)
{
	int ready = look(fds, count);

	return ready != 0 || deadline_ns == 0 ? ready : wait_for_any(fds, count, deadline_ns);
}
