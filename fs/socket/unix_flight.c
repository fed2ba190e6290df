/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors under way: counted, let go of, and collected when nobody can reach them any more.
 *
 * A message that carries a socket holds it open.  Sockets whose only holders are messages in each other's
 * queues would stay for ever; a thread looks for such cycles (unix_gc.c) as long as any socket is under way.
 * It is also what lets go of descriptors that nobody received: closing one may end another socket with
 * descriptors in its queue, and so on, deeper than any stack.
 *
 * What lies in whose queue changes under flight_lock alone, and so does nothing while the collector looks.  A
 * socket that it finds held by messages only can then get another holder from those messages alone: so it is
 * still garbage when the lock is let go of.
 *
 * Who may have how much under way: as many descriptors as the sender's RLIMIT_NOFILE, all processes of its
 * user together; root has no limit.
 */
#include "unix_priv.h"

#include <kernel/cap.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <serix/errno.h>

#define BUCKETS           16u
#define COLLECT_PERIOD_NS NSEC_PER_SEC

/* What a user has under way; exists while that is not nothing. */
struct flight_account {
	struct list link;
	uint32_t uid, count;
};

static struct spinlock flight_lock = SPINLOCK_INIT("descriptors under way", RANK_SOCKET_FLIGHT);
static struct list nodes = LIST_INIT(nodes);   /* [flight_lock] sockets under way */
static struct list doomed = LIST_INIT(doomed); /* [flight_lock] controls to let go of */
static struct list accounts[BUCKETS];          /* [flight_lock] */
static bool resting; /* [flight_lock] the collector waits until something is under way */
static struct waitqueue wanted = WAITQUEUE_INIT(wanted);

void unix_flight_lock(void)
{
	spin_lock(&flight_lock);
}

void unix_flight_unlock(void)
{
	spin_unlock(&flight_lock);
}

/* --- whose ---------------------------------------------------------------------------------------------- */

static struct flight_account *find_account_locked(uint32_t uid)
{
	struct flight_account *a;

	list_for_each (a, &accounts[uid % BUCKETS], link)
		if (a->uid == uid)
			return a;
	a = kmalloc(sizeof(*a));
	if (!a)
		return NULL;
	*a = (struct flight_account){ .uid = uid };
	list_add_head(&accounts[uid % BUCKETS], &a->link);
	return a;
}

static void free_if_empty_locked(struct flight_account *a)
{
	if (a->count > 0)
		return;
	list_del(&a->link);
	kfree(a);
}

static bool may_exceed_limit(void)
{
	return cred_has_privilege(PRIV_SYS_RESOURCE) || cred_has_privilege(PRIV_SYS_ADMIN);
}

int unix_flight_charge(struct socket_control *control)
{
	uint64_t limit = may_exceed_limit() ? UINT32_MAX : current_rlimit(RLIMIT_NOFILE);
	struct flight_account *a;
	int err = 0;

	spin_lock(&flight_lock);
	a = find_account_locked(current_cred()->uid);
	if (!a) {
		err = -ENOMEM;
	} else if (a->count > limit || a->count > UINT32_MAX - control->cap_count) {
		err = -ETOOMANYREFS;
		free_if_empty_locked(a);
	} else {
		a->count += control->cap_count;
		control->account = a;
	}
	spin_unlock(&flight_lock);
	return err;
}

static void uncharge_locked(struct socket_control *control)
{
	struct flight_account *a = control->account;

	if (!a)
		return;
	a->count -= control->cap_count;
	control->account = NULL;
	free_if_empty_locked(a);
}

/* --- begin and end ------------------------------------------------------------------------------------- */

/* The local socket behind a capability; NULL: it is none. */
static struct unix_socket *socket_behind(const struct capability *cap)
{
	struct socket *s;

	if (!cap || cap->type != OBJECT_SOCKET)
		return NULL;
	s = socket_of(file_of(cap->object));
	return s->ops->family == AF_UNIX ? unix_of(s) : NULL;
}

static void count_locked(const struct socket_control *control, bool begin)
{
	for (uint32_t i = 0; i < control->cap_count; i++) {
		struct unix_socket *s = socket_behind(control->caps[i]);

		if (!s)
			continue;
		if (begin && s->node.flights++ == 0)
			list_add_tail(&nodes, &s->node.link);
		if (!begin && --s->node.flights == 0)
			list_del(&s->node.link);
	}
}

void unix_flight_begin_locked(struct unix_socket *to, struct packet *p)
{
	p->control->place = p;
	list_add_tail(&to->inside, &p->control->link);
	count_locked(p->control, true);
	if (resting && !list_empty(&nodes)) {
		resting = false;
		wake_up_all(&wanted);
	}
}

/* Out of the queue: its packet carries it no longer. */
static void take_out_locked(struct socket_control *control)
{
	struct packet *p = control->place;

	if (p) {
		p->control = NULL;
		list_del(&control->link);
		count_locked(control, false);
		control->place = NULL;
	}
	uncharge_locked(control);
}

struct socket_control *unix_flight_end(struct packet *p)
{
	struct socket_control *control;

	spin_lock(&flight_lock);
	control = p->control;
	if (control)
		take_out_locked(control);
	spin_unlock(&flight_lock);
	return control;
}

void unix_flight_doom(struct socket_control *control)
{
	if (!control)
		return;
	spin_lock(&flight_lock);
	uncharge_locked(control);
	list_add_tail(&doomed, &control->link);
	spin_unlock(&flight_lock);
	wake_up_all(&wanted);
}

/* --- collecting ---------------------------------------------------------------------------------------- */

static struct unix_socket *socket_of_node(const struct unix_gc_node *node)
{
	return container_of((struct unix_gc_node *)(uintptr_t)node, struct unix_socket, node);
}

/* Each message that it is in has one reference to its file; a descriptor or a call has one more. */
static bool only_in_flight(const struct unix_gc_node *node)
{
	const struct unix_socket *s = socket_of_node(node);

	return refcount_read(&s->socket.file->object.refs) == node->flights;
}

static void visit_controls(struct unix_gc *gc, struct unix_socket *s, unix_gc_visit visit)
{
	struct socket_control *control;

	list_for_each (control, &s->inside, link) {
		for (uint32_t i = 0; i < control->cap_count; i++) {
			struct unix_socket *inside = socket_behind(control->caps[i]);

			if (inside)
				visit(gc, &inside->node);
		}
	}
}

/* What lies in the queue of an embryo lies in its listener's. */
static void each_inside(struct unix_gc *gc, struct unix_gc_node *node, unix_gc_visit visit)
{
	struct unix_socket *s = socket_of_node(node), *embryo;

	visit_controls(gc, s, visit);
	spin_lock(&s->socket.lock);
	list_for_each (embryo, &s->backlog, waiting)
		visit_controls(gc, embryo, visit);
	spin_unlock(&s->socket.lock);
}

static bool doom_inside_locked(struct unix_socket *s)
{
	bool any = !list_empty(&s->inside);

	while (!list_empty(&s->inside)) {
		struct socket_control *control = list_first(&s->inside, struct socket_control, link);

		take_out_locked(control);
		list_add_tail(&doomed, &control->link);
	}
	return any;
}

/* Empty its queue and those of its embryos.  False: nothing was in there. */
static bool empty_locked(struct unix_socket *s)
{
	bool any = doom_inside_locked(s);
	struct unix_socket *embryo;

	spin_lock(&s->socket.lock);
	list_for_each (embryo, &s->backlog, waiting)
		any |= doom_inside_locked(embryo);
	spin_unlock(&s->socket.lock);
	return any;
}

/* One that is garbage and has something in its queue.  Emptying a queue takes others off the list: these are
 * ended by whoever lets go of what was taken out. */
static bool empty_one_locked(void)
{
	struct unix_gc_node *node;

	list_for_each (node, &nodes, link)
		if (!node->reachable && empty_locked(socket_of_node(node)))
			return true;
	return false;
}

static void collect(void)
{
	struct unix_gc gc = { .nodes = &nodes, .only_in_flight = only_in_flight, .each_inside = each_inside };
	bool more;

	spin_lock(&flight_lock);
	more = !list_empty(&nodes) && unix_gc_mark(&gc) > 0;
	while (more)
		more = empty_one_locked();
	spin_unlock(&flight_lock);
}

static struct socket_control *next_doomed(void)
{
	struct socket_control *control = NULL;

	spin_lock(&flight_lock);
	if (!list_empty(&doomed)) {
		control = list_first(&doomed, struct socket_control, link);
		list_del(&control->link);
	}
	resting = !control && list_empty(&nodes);
	spin_unlock(&flight_lock);
	return control;
}

static void collector(void *arg)
{
	struct socket_control *control;
	int err;

	(void)arg;
	for (;;) {
		while ((control = next_doomed()) != NULL)
			socket_control_free(control);
		if (READ_ONCE(resting)) {
			wait_event(&wanted, !list_empty(&doomed) || !list_empty(&nodes));
			continue;
		}
		err = wait_event_timeout(&wanted, !list_empty(&doomed), time_now_ns() + COLLECT_PERIOD_NS,
					 false);
		if (err == -ETIMEDOUT)
			collect();
	}
}

void unix_flight_init(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&accounts[i]);
}

void socket_start(void)
{
	if (!kthread_create("sockets", collector, NULL))
		panic("no memory for the thread that collects descriptors under way");
}
