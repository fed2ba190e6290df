/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: begun, tried, waiting, woken, complete.  All of it is done by the request's own thread, but for
 * uring_wake(): whoever wakes a request notes why and hands it to its thread.
 *
 * A request is HELD while its thread works on it, WAITS until something wakes it, and is READY on the
 * thread's list from then until the thread takes it.  What wakes it while it is held is noted in `why`, and
 * keeps it from waiting.
 */
#include "uring_priv.h"

#include <kernel/process.h>
#include <kernel/slab.h>

#include "../vfs_priv.h"

/* --- waking --------------------------------------------------------------------------------------------- */

/* Wakers know a request by what its thread takes away before it frees it, each with its own lock.  The thread
 * itself is there as long as the request is: what is told to it is told under its lock. */
void uring_wake(struct uring_request *r, uint32_t why)
{
	struct uring_thread *ut = r->thread;
	uint64_t flags = spin_lock_irqsave(&ut->lock);

	r->why |= why;
	if (r->state == URING_WAITS) {
		r->state = URING_READY;
		list_add_tail(&ut->ready, &r->ready);
		task_set_work(ut->task, TASK_WORK_RING);
	}
	spin_unlock_irqrestore(&ut->lock, flags);
}

bool uring_cancel(struct uring_request *r)
{
	struct uring_thread *ut = r->thread;
	uint64_t flags = spin_lock_irqsave(&ut->lock);
	bool waits = r->state == URING_WAITS;

	spin_unlock_irqrestore(&ut->lock, flags);
	if (waits)
		uring_wake(r, URING_CANCELED);
	return waits;
}

static bool queue_wake(struct waiter *w, uint32_t events)
{
	struct uring_request *r = container_of(w, struct uring_waiter, waiter)->request;

	if (r->events & events)
		uring_wake(r, URING_EVENT);
	return false;
}

static void timer_wake(struct timer *timer)
{
	uring_wake(container_of(timer, struct uring_request, timer), URING_TIME);
}

void uring_arm(struct uring_request *r)
{
	timer_init(&r->timer, timer_wake);
	r->timed = true;
	timer_arm(&r->timer, r->deadline_ns);
}

static void revoked(struct capability *cap, void *holder)
{
	(void)cap;
	uring_wake(holder, URING_REVOKED);
}

static const struct cap_holder_ops request_holder_ops = { .revoked = revoked };

/* False: something has happened, *why. */
static bool let_wait(struct uring_request *r, uint32_t *why)
{
	struct uring_thread *ut = r->thread;
	uint64_t flags = spin_lock_irqsave(&ut->lock);
	bool waits = r->why == 0;

	*why = r->why;
	r->why = 0;
	if (waits)
		r->state = URING_WAITS;
	spin_unlock_irqrestore(&ut->lock, flags);
	return waits;
}

/* --- the file ------------------------------------------------------------------------------------------- */

static int use_fixed(struct uring_request *r)
{
	struct uring *ring = r->ring;
	uint32_t index = (uint32_t)r->sqe.fd;
	int err = -EBADF;

	spin_lock(&ring->lock);
	if (index < ring->file_count && ring->files[index]) {
		err = cap_use_again(ring->files[index], 0);
		if (err == 0)
			r->cap = ring->files[index];
	}
	spin_unlock(&ring->lock);
	return err;
}

static int use_file(struct uring_request *r)
{
	const struct uring_op *op = &uring_ops[r->sqe.opcode];
	int err;

	if (!op->needs_file)
		return (r->sqe.flags & IOSQE_FIXED_FILE) && !op->any_file ? -EBADF : 0;
	if (r->sqe.flags & IOSQE_FIXED_FILE)
		return use_fixed(r);
	err = cap_use(current_process()->caps, r->sqe.fd, OBJECT_NONE, 0, &r->cap);
	if (err < 0)
		return -EBADF;
	if (object_is_file(r->cap->object) && !(atomic_load(&file_of(r->cap->object)->flags) & O_PATH))
		return 0;
	cap_done(r->cap);
	r->cap = NULL;
	return -EBADF;
}

struct join_table {
	struct poll_table table;
	struct uring_request *request;
	bool failed; /* no memory */
};

static void add_waiter(struct poll_table *table, struct waitqueue *wq)
{
	struct join_table *join = container_of(table, struct join_table, table);
	struct uring_request *r = join->request;
	struct uring_waiter *w = r->waiters ? kmalloc(sizeof(*w)) : &r->waiter;

	if (!w) {
		join->failed = true;
		return;
	}
	waiter_init(&w->waiter, false);
	w->waiter.wake = queue_wake;
	w->request = r;
	w->next = r->waiters;
	r->waiters = w;
	wait_add(wq, &w->waiter);
}

/* It is going to wait for its file: from here on events wake it, and a revocation. */
static int join_queues(struct uring_request *r)
{
	struct join_table join = { .table.add = add_waiter, .request = r };
	int err;

	r->joined = true;
	if (r->events == 0)
		r->events = uring_ops[r->sqe.opcode].events | POLLERR | POLLHUP;
	err = cap_hold(r->cap, &request_holder_ops, r, &r->held);
	if (err < 0)
		return err;
	cap_done(r->cap);
	r->cap = NULL;
	WRITE_ONCE(r->object, r->held->object);
	object_poll(r->held->object, &join.table);
	return join.failed ? -ENOMEM : 0;
}

static void let_go_of_file(struct uring_request *r)
{
	struct uring_waiter *w = r->waiters, *next;

	for (; w; w = next) {
		next = w->next;
		wait_remove(&w->waiter);
		if (w != &r->waiter)
			kfree(w);
	}
	r->waiters = NULL;
	if (r->cap)
		cap_done(r->cap);
	if (r->held)
		cap_drop(r->held);
	r->cap = r->held = NULL;
}

/* --- working on one ------------------------------------------------------------------------------------- */

const struct abi_sqe *uring_request_sqe(const struct uring_request *r)
{
	return &r->sqe;
}

struct capability *uring_request_cap(const struct uring_request *r)
{
	return r->held ? r->held : r->cap;
}

static int64_t issue(struct uring_request *r)
{
	struct thread *t = current_thread();
	int64_t n;

	t->request_cap = uring_request_cap(r);
	n = uring_ops[r->sqe.opcode].issue(r);
	t->request_cap = NULL;
	/* What was interrupted is not begun anew by the call that submitted it. */
	return n <= -ERESTARTSYS && n >= -ERESTART_RESTARTBLOCK ? -EINTR : n;
}

/* What came of a timeout that has nothing else to do. */
static int64_t outcome(const struct uring_request *r, uint32_t why)
{
	if (why & URING_CANCELED)
		return -ECANCELED;
	if (why & URING_REVOKED)
		return -EBADF;
	if (why & URING_COUNT)
		return 0;
	if (!(why & URING_TIME))
		return URING_AGAIN;
	if (r->target) {
		uring_wake(r->target, URING_CANCELED);
		r->target->guard = NULL;
	}
	return -ETIME;
}

/* The result, or URING_PENDING: it waits. */
static int64_t attempt(struct uring_request *r)
{
	int64_t n = issue(r);
	uint32_t why;

	for (;;) {
		if (n == URING_AGAIN && !r->joined) {
			int err = join_queues(r);

			/* What came before the queues were joined is seen by another look. */
			n = err < 0 ? err : issue(r);
			continue;
		}
		if (n != URING_AGAIN && n != URING_PENDING)
			return n;
		if (let_wait(r, &why))
			return URING_PENDING;
		n = outcome(r, why);
		if (n == URING_AGAIN)
			n = issue(r);
	}
}

static bool is_broken(const struct uring_request *r, int64_t n)
{
	if (n == -ETIME && r->sqe.opcode == IORING_OP_TIMEOUT)
		return !(r->sqe.op_flags & IORING_TIMEOUT_ETIME_SUCCESS);
	return n < 0 || (uring_ops[r->sqe.opcode].all_or_broken && n < r->sqe.len);
}

/* The rest of a chain that is broken. */
static void cancel_chain(struct uring_request *r, bool quiet)
{
	struct uring_request *next;

	for (; r; r = next) {
		next = r->next;
		uring_post(r, r->error ? r->error : -ECANCELED, quiet);
	}
}

/* Whatever wakes it comes too late. */
static void withdraw(struct uring_request *r)
{
	struct uring_thread *ut = r->thread;
	uint64_t flags;

	uring_disarm(r);
	flags = spin_lock_irqsave(&ut->lock);
	list_del(&r->ready);
	r->state = URING_HELD;
	r->why = 0;
	spin_unlock_irqrestore(&ut->lock, flags);
}

/* Is it there to limit how long the one before may take? */
static bool is_guard(const struct uring_request *r)
{
	return r && r->sqe.opcode == IORING_OP_LINK_TIMEOUT;
}

/* The guard of a request that is over, whether it has begun or not; NULL: there is none. */
static struct uring_request *take_guard(struct uring_request *r)
{
	struct uring_request *guard = r->guard;

	if (!guard && is_guard(r->next)) {
		guard = r->next;
		r->next = guard->next;
	}
	r->guard = NULL;
	if (guard) {
		guard->target = NULL;
		withdraw(guard);
		list_del(&guard->in_thread);
	}
	return guard;
}

/* It is over; the next of its chain, or NULL. */
static struct uring_request *complete(struct uring_request *r, int64_t n)
{
	bool broken = is_broken(r, n), skip = r->sqe.flags & IOSQE_CQE_SKIP_SUCCESS;
	bool goes_on = !broken || (r->sqe.flags & IOSQE_IO_HARDLINK);
	struct uring_request *guard = take_guard(r), *next = r->next;

	let_go_of_file(r);
	uring_disarm(r);
	list_del(&r->in_thread);
	if (r->target)
		r->target->guard = NULL;
	uring_post(r, n, skip && !broken);
	if (guard)
		uring_post(guard, -ECANCELED, skip && broken);
	if (goes_on)
		return next;
	cancel_chain(next, skip);
	return NULL;
}

/* --- its life ------------------------------------------------------------------------------------------- */

static int64_t begin(struct uring_request *r)
{
	struct uring *ring = r->ring;
	bool dead;
	int err;

	list_del(&r->in_thread);
	list_add_tail(&r->thread->requests, &r->in_thread);
	spin_lock(&ring->lock);
	dead = ring->dead;
	list_add_tail(&ring->requests, &r->in_ring);
	spin_unlock(&ring->lock);
	if (dead)
		return -ECANCELED;
	err = use_file(r);
	return err < 0 ? err : attempt(r);
}

static void start_guard(struct uring_request *r);

/* `n` is what came of the first of a chain: go on as far as it goes without waiting. */
static void proceed(struct uring_request *r, int64_t n)
{
	while (n != URING_PENDING) {
		r = complete(r, n);
		if (!r)
			return;
		n = begin(r);
	}
	if (is_guard(r->next) && !r->guard)
		start_guard(r);
}

/* The request waits, and the one behind it is to limit that. */
static void start_guard(struct uring_request *r)
{
	struct uring_request *guard = r->next;

	r->next = guard->next;
	guard->next = NULL;
	r->guard = guard;
	guard->target = r;
	proceed(guard, begin(guard));
}

static bool has_error(const struct uring_request *r)
{
	while (r && r->error == 0)
		r = r->next;
	return r != NULL;
}

void uring_begin_chain(struct uring_request *head)
{
	uint32_t why;
	int64_t n;

	if (has_error(head)) {
		cancel_chain(head, false);
		return;
	}
	if (!uring_defer(head)) {
		proceed(head, begin(head));
		return;
	}
	list_add_tail(&head->thread->requests, &head->in_thread);
	if (let_wait(head, &why))
		return;
	n = why & URING_CANCELED ? -ECANCELED : begin(head);
	proceed(head, n);
}

/* The next that something has happened to; NULL: none. */
static struct uring_request *next_ready(struct uring_thread *ut, uint32_t *why)
{
	uint64_t flags = spin_lock_irqsave(&ut->lock);
	struct uring_request *r = NULL;

	if (!list_empty(&ut->ready)) {
		r = list_first(&ut->ready, struct uring_request, ready);
		list_del(&r->ready);
		r->state = URING_HELD;
		*why = r->why;
		r->why = 0;
	}
	spin_unlock_irqrestore(&ut->lock, flags);
	return r;
}

static void resume(struct uring_request *r, uint32_t why)
{
	int64_t n = outcome(r, why);

	if (n == URING_AGAIN)
		n = why & URING_START ? begin(r) : attempt(r);
	proceed(r, n);
}

void uring_run_ready(void)
{
	struct uring_thread *ut = current_thread()->uring;
	struct uring_request *r;
	uint32_t why;

	atomic_fetch_and(&current_task()->work, ~TASK_WORK_RING);
	if (!ut)
		return;
	while ((r = next_ready(ut, &why)) != NULL)
		resume(r, why);
}

void uring_exit(struct thread *t)
{
	struct uring_thread *ut = t->uring;

	if (likely(!ut))
		return;
	while (!list_empty(&ut->requests)) {
		struct uring_request *r = list_first(&ut->requests, struct uring_request, in_thread);

		withdraw(r);
		cancel_chain(complete(r, -ECANCELED), false);
	}
	t->uring = NULL;
	kfree(ut);
}
