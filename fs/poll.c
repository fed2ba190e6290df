/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for several descriptors.  First one look at each without any queueing: often something is ready.
 * Only then waiters are put on their queues and everything is looked at again, so that nothing
 * that happens in between is missed.  A wake-up sets `woken` and wakes the task; it then looks again.
 */
#include "vfs_priv.h"

#include <kernel/cap.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/slab.h>

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

/* One look at everything; the number of entries with events. */
static int scan(struct abi_pollfd *fds, struct capability **caps, size_t count, struct poll_table *table)
{
	int ready = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t events = POLLNVAL, wanted = (uint16_t)fds[i].events | POLLERR | POLLHUP;

		if (caps[i] && likely(may_hear(caps[i], wanted)))
			events = poll_object(caps[i]->object, table) & wanted;
		else if (fds[i].fd < 0)
			events = 0;
		fds[i].revents = (int16_t)events;
		ready += events != 0;
		/* Once something is ready nobody will sleep: no need to queue on the others. */
		if (events)
			table = NULL;
	}
	return ready;
}

static __noinline int wait_for_any(struct abi_pollfd *fds, struct capability **caps, size_t count,
				   uint64_t deadline_ns)
{
	struct poll_table *table;
	struct poll_wait pw;
	bool expired = false;
	int ready, err;

	poll_wait_init(&pw);
	table = &pw.table;
	for (;;) {
		ready = scan(fds, caps, count, table);
		if (ready > 0 || expired)
			break;
		if (pw.failed) {
			ready = -ENOMEM;
			break;
		}
		table = NULL; /* the waiters stay on their queues */
		err = wait_event_timeout(&pw.wq, atomic_load(&pw.woken), deadline_ns, true);
		atomic_store(&pw.woken, false);
		if (err == -EINTR) {
			ready = -EINTR;
			break;
		}
		expired = err == -ETIMEDOUT;
	}
	poll_wait_end(&pw);
	return ready;
}

#define SMALL_COUNT  16
#define LOOKUP_BATCH 64

/* The capabilities behind the descriptors, in use; NULL where there is none. */
static void look_up(struct abi_pollfd *fds, struct capability **caps, size_t count)
{
	struct cap_table *table = current_process()->caps;

	for (size_t at = 0; at < count; at += LOOKUP_BATCH) {
		size_t n = MIN(count - at, (size_t)LOOKUP_BATCH);

		cap_use_many(table, &fds[at].fd, sizeof(*fds), n, caps + at);
	}
}

int poll_files(struct abi_pollfd *fds, size_t count, uint64_t deadline_ns)
{
	struct capability *small[SMALL_COUNT] __attribute__((uninitialized)), **caps = small;
	int result;

	if (count > SMALL_COUNT) {
		caps = kmalloc(count * sizeof(void *));
		if (!caps)
			return -ENOMEM;
	}
	look_up(fds, caps, count);
	/* One look without any queueing: often something is ready. */
	result = scan(fds, caps, count, NULL);
	if (result == 0 && deadline_ns != 0)
		result = wait_for_any(fds, caps, count, deadline_ns);
	for (size_t i = 0; i < count; i++)
		if (caps[i])
			cap_done(caps[i]);
	if (caps != small)
		kfree(caps);
	return result;
}
