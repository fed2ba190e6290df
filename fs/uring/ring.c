/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings: made, mapped, submitted to, told completions, waited for, and gone. */
#include "uring_priv.h"

#include <kernel/eventfd.h>
#include <kernel/pmm.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "../vfs_priv.h"

#define LIVE_MAX (4 * URING_ENTRIES_MAX)
/* Requests are charged to nobody: this fraction of memory stays free of them, so that others can go on and
 * begin.  A ring looks each time that it has so many more. */
#define FREE_PART 16
#define LIVE_STEP 64

struct uring *uring_of(const struct file *file)
{
	return file->private;
}

struct uring_header *uring_header(const struct uring *ring)
{
	return shared_pages_at(ring->rings, 0);
}

/* --- completions ---------------------------------------------------------------------------------------- */

/* As the program says; any number. */
static uint32_t cq_head(const struct uring *ring)
{
	return __atomic_load_n(&uring_header(ring)->cq_head, __ATOMIC_ACQUIRE);
}

static uint32_t unread(const struct uring *ring)
{
	return uring_unread(&ring->layout, cq_head(ring), READ_ONCE(ring->cq_tail));
}

static bool has_room_locked(const struct uring *ring)
{
	return unread(ring) < ring->layout.cq_entries;
}

static void write_locked(struct uring *ring, uint64_t user_data, int64_t result)
{
	struct abi_cqe *cqe = shared_pages_at(ring->rings, uring_cqe_at(&ring->layout, ring->cq_tail));

	*cqe = (struct abi_cqe){ .user_data = user_data, .res = (int32_t)result };
	WRITE_ONCE(ring->cq_tail, ring->cq_tail + 1);
	__atomic_store_n(&uring_header(ring)->cq_tail, ring->cq_tail, __ATOMIC_RELEASE);
}

static void set_overflow_flag(struct uring *ring, bool on)
{
	uint32_t *flags = &uring_header(ring)->sq_flags;

	if (on)
		__atomic_fetch_or(flags, IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELEASE);
	else
		__atomic_fetch_and(flags, ~IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELEASE);
}

/* Timeouts that have waited for this completion. */
static void tell_counting_locked(struct uring *ring)
{
	struct uring_request *r, *tmp;

	list_for_each_safe (r, tmp, &ring->counting, in_counting) {
		if (ring->completions >= r->count) {
			list_del(&r->in_counting);
			uring_wake(r, URING_COUNT);
		}
	}
}

static uint32_t chain_length(const struct uring_request *r)
{
	uint32_t n = 0;

	for (; r; r = r->next)
		n++;
	return n;
}

static void count_chain_locked(struct uring_request *head)
{
	head->ring->busy += chain_length(head);
	for (struct uring_request *r = head; r; r = r->next)
		r->counted = true;
}

/* Chains whose turn has come. */
static void start_deferred_locked(struct uring *ring)
{
	struct uring_request *head;

	while (!list_empty(&ring->deferred)) {
		head = list_first(&ring->deferred, struct uring_request, in_ring);
		if (head->drains && ring->busy > 0)
			return;
		list_del(&head->in_ring);
		count_chain_locked(head);
		uring_wake(head, URING_START);
	}
}

bool uring_defer(struct uring_request *head)
{
	struct uring *ring = head->ring;
	bool defer;

	spin_lock(&ring->lock);
	defer = !list_empty(&ring->deferred) || (head->drains && ring->busy > 0);
	if (defer)
		list_add_tail(&ring->deferred, &head->in_ring);
	else
		count_chain_locked(head);
	spin_unlock(&ring->lock);
	return defer;
}

static void tell(struct uring *ring)
{
	struct capability *event = NULL;

	wake_up_all(&ring->change);
	if (likely(READ_ONCE(ring->event) == NULL))
		return;
	spin_lock(&ring->lock);
	if (ring->event && cap_use_again(ring->event, CAP_WRITE) == 0)
		event = ring->event;
	spin_unlock(&ring->lock);
	if (!event)
		return;
	if (!(READ_ONCE(uring_header(ring)->cq_flags) & IORING_CQ_EVENTFD_DISABLED))
		eventfd_signal(file_of(event->object), 1);
	cap_done(event);
}

/* False: it stays until there is room. */
static bool place_locked(struct uring_request *r)
{
	struct uring *ring = r->ring;

	if (ring->dead)
		return true;
	if (list_empty(&ring->overflow) && has_room_locked(ring)) {
		write_locked(ring, r->sqe.user_data, r->result);
		return true;
	}
	list_add_tail(&ring->overflow, &r->in_ring);
	set_overflow_flag(ring, true);
	return false;
}

void uring_post(struct uring_request *r, int64_t result, bool quiet)
{
	struct uring *ring = r->ring;
	bool over;

	r->result = result;
	spin_lock(&ring->lock);
	list_del(&r->in_ring);
	list_del(&r->in_counting);
	if (r->counted)
		ring->busy--;
	ring->completions += !quiet;
	over = quiet || place_locked(r);
	if (!over) /* whoever finds room for it may be the last to have the ring */
		refcount_get(&ring->refs);
	tell_counting_locked(ring);
	start_deferred_locked(ring);
	spin_unlock(&ring->lock);
	if (!quiet)
		tell(ring);
	if (over)
		uring_free_request(r);
	else
		uring_put(ring);
}

/* The first that waits for a place, now that it has one; NULL: none. */
static struct uring_request *place_next(struct uring *ring)
{
	struct uring_request *r = NULL;

	spin_lock(&ring->lock);
	if (!list_empty(&ring->overflow) && (ring->dead || has_room_locked(ring))) {
		r = list_first(&ring->overflow, struct uring_request, in_ring);
		list_del(&r->in_ring);
		if (!ring->dead)
			write_locked(ring, r->sqe.user_data, r->result);
	}
	if (list_empty(&ring->overflow))
		set_overflow_flag(ring, false);
	spin_unlock(&ring->lock);
	return r;
}

void uring_flush(struct uring *ring)
{
	struct uring_request *r;

	if (READ_ONCE(ring->overflow.next) == &ring->overflow)
		return;
	while ((r = place_next(ring)) != NULL)
		uring_free_request(r);
}

/* --- submitting ----------------------------------------------------------------------------------------- */

static bool memory_left(void)
{
	return pmm_free_memory() > pmm_total_memory() / FREE_PART;
}

/* How many there are with one more. */
static uint32_t count_request(struct uring *ring)
{
	uint32_t live;

	spin_lock(&ring->lock);
	live = ++ring->live;
	spin_unlock(&ring->lock);
	return live;
}

static void discount_request(struct uring *ring)
{
	spin_lock(&ring->lock);
	ring->live--;
	spin_unlock(&ring->lock);
}

void uring_free_request(struct uring_request *r)
{
	struct uring *ring = r->ring;

	discount_request(ring);
	uring_put(ring);
	kfree(r);
}

static struct uring_request *new_request(struct uring *ring)
{
	uint32_t live = count_request(ring);
	struct uring_request *r = NULL;

	if (live <= LIVE_MAX && (live % LIVE_STEP != 0 || memory_left()))
		r = kzalloc(sizeof(*r));
	if (!r) {
		discount_request(ring);
		return NULL;
	}
	refcount_get(&ring->refs);
	r->ring = ring;
	r->thread = current_thread()->uring;
	list_init(&r->in_ring);
	list_init(&r->in_counting);
	list_init(&r->in_thread);
	list_init(&r->ready);
	return r;
}

#define SQE_FLAGS                                                                              \
	(IOSQE_FIXED_FILE | IOSQE_IO_DRAIN | IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC | \
	 IOSQE_CQE_SKIP_SUCCESS)

/* What can be told from a request itself. */
static int check_sqe(const struct uring_request *r, const struct uring_request *before)
{
	const struct abi_sqe *s = &r->sqe;

	if (s->opcode >= IORING_OP_LAST || !uring_ops[s->opcode].issue)
		return -EINVAL;
	if (s->flags & IOSQE_BUFFER_SELECT)
		return -EOPNOTSUPP;
	if ((s->flags & ~SQE_FLAGS) || s->personality || (s->ioprio && !uring_ops[s->opcode].plain_ioprio))
		return -EINVAL;
	if (s->opcode != IORING_OP_LINK_TIMEOUT)
		return 0;
	return before && before->sqe.opcode != IORING_OP_LINK_TIMEOUT ? 0 : -EINVAL;
}

/* The next request of the queue.  NULL: there is none, or it names none. */
static struct uring_request *take_locked(struct uring *ring, const struct uring_request *before, int *err)
{
	struct uring_header *h = uring_header(ring);
	uint32_t tail = __atomic_load_n(&h->sq_tail, __ATOMIC_ACQUIRE), index;
	struct uring_request *r;

	*err = 0;
	if (uring_waiting(&ring->layout, ring->sq_head, tail) == 0)
		return NULL;
	index = READ_ONCE(
		*(uint32_t *)shared_pages_at(ring->rings, uring_index_at(&ring->layout, ring->sq_head)));
	r = new_request(ring);
	if (!r) {
		*err = -EAGAIN;
		return NULL;
	}
	ring->sq_head++;
	if (index < ring->layout.sq_entries) {
		memcpy(&r->sqe, shared_pages_at(ring->sqes, (uint64_t)index * sizeof(r->sqe)),
		       sizeof(r->sqe));
		r->error = check_sqe(r, before);
	} else {
		uring_free_request(r);
		r = NULL;
		WRITE_ONCE(h->sq_dropped, h->sq_dropped + 1);
	}
	__atomic_store_n(&h->sq_head, ring->sq_head, __ATOMIC_RELEASE);
	return r;
}

/* Requests up to the end of a chain, `*left` at most.  *bad: one of them is none. */
static struct uring_request *take_chain(struct uring *ring, uint32_t *left, bool *bad, int *err)
{
	struct uring_request *head = NULL, *last = NULL, *r;

	mutex_lock(&ring->submitting);
	while (*left > 0 && (r = take_locked(ring, last, err)) != NULL) {
		--*left;
		if (last)
			last->next = r;
		else
			head = r;
		last = r;
		head->drains |= r->sqe.flags & IOSQE_IO_DRAIN;
		*bad |= r->error != 0;
		if (!(r->sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)) ||
		    (*bad && !(ring->setup & IORING_SETUP_SUBMIT_ALL)))
			break;
	}
	mutex_unlock(&ring->submitting);
	return head;
}

static struct uring_thread *make_thread(void)
{
	struct uring_thread *ut = kzalloc(sizeof(*ut));

	if (!ut)
		return NULL;
	ut->task = current_task();
	list_init(&ut->requests);
	spin_init(&ut->lock, "uring thread", RANK_URING_THREAD);
	list_init(&ut->ready);
	return ut;
}

int64_t uring_submit(struct file *file, uint32_t count)
{
	struct uring *ring = uring_of(file);
	struct thread *t = current_thread();
	/* The tail is the program's: what a queue can hold is what a call takes. */
	uint32_t most = MIN(count, ring->layout.sq_entries), left = most;
	bool bad = false;
	int err = 0;

	if (!atomic_load(&ring->enabled))
		return -EBADFD;
	if (!t->uring)
		t->uring = make_thread();
	if (!t->uring)
		return -EAGAIN;
	while (left > 0 && (!bad || (ring->setup & IORING_SETUP_SUBMIT_ALL))) {
		struct uring_request *head = take_chain(ring, &left, &bad, &err);

		if (!head)
			break;
		uring_begin_chain(head);
	}
	return left < most ? (int64_t)(most - left) : err;
}

/* --- waiting -------------------------------------------------------------------------------------------- */

static bool is_over(int err)
{
	return err == -ETIME || err == -EINTR;
}

int uring_wait(struct file *file, const struct capability *cap, uint32_t min, uint64_t deadline_ns)
{
	struct uring *ring = uring_of(file);
	int err = 0;

	min = MIN(min, ring->layout.cq_entries);
	for (;;) {
		uring_run_ready();
		uring_flush(ring);
		if (unread(ring) >= min)
			return 0;
		if (is_over(err))
			return err;
		err = wait_event_timeout(&ring->change, unread(ring) >= min, deadline_ns, true);
		if (err == -ETIMEDOUT)
			err = -ETIME;
		if (err == -EINTR && !signal_confirm_call() && !cap_is_revoked(cap))
			err = 0;
	}
}

/* --- as a file ------------------------------------------------------------------------------------------ */

static uint32_t ring_poll(struct file *file, struct poll_table *table)
{
	struct uring *ring = uring_of(file);
	uint32_t events = 0, tail;

	if (table)
		table->add(table, &ring->change);
	tail = READ_ONCE(uring_header(ring)->sq_tail);
	if (uring_waiting(&ring->layout, READ_ONCE(ring->sq_head), tail) < ring->layout.sq_entries)
		events = POLLOUT | POLLWRNORM;
	if (unread(ring) > 0 || READ_ONCE(ring->overflow.next) != &ring->overflow)
		events |= POLLIN | POLLRDNORM;
	return events;
}

static int ring_mmap(struct file *file, struct vm_object **object, uint64_t *offset)
{
	const struct uring *ring = uring_of(file);
	struct shared_pages *pages;

	switch (*offset) {
	case IORING_OFF_SQ_RING:
	case IORING_OFF_CQ_RING:
		pages = ring->rings;
		break;
	case IORING_OFF_SQES:
		pages = ring->sqes;
		break;
	default:
		return -ENOMEM; /* what Linux says of a place where nothing is */
	}
	*offset = 0;
	*object = &pages->object;
	vm_object_get(*object);
	return 0;
}

/* Nobody has it any more: what is under way ends, by its threads. */
static void ring_release(struct file *file)
{
	struct uring *ring = uring_of(file);
	struct uring_request *r;

	spin_lock(&ring->lock);
	ring->dead = true;
	list_for_each (r, &ring->requests, in_ring)
		uring_wake(r, URING_CANCELED);
	list_for_each (r, &ring->deferred, in_ring)
		uring_wake(r, URING_CANCELED);
	spin_unlock(&ring->lock);
	uring_flush(ring);
	uring_drop_registered(ring);
	uring_put(ring);
}

static const struct file_ops ring_ops = {
	.name = "anon_inode:[io_uring]",
	.poll = ring_poll,
	.mmap = ring_mmap,
	.release = ring_release,
};

bool file_is_uring(const struct file *file)
{
	return file->ops == &ring_ops;
}

void uring_put(struct uring *ring)
{
	if (!refcount_put(&ring->refs))
		return;
	if (ring->rings)
		shared_pages_put(ring->rings);
	if (ring->sqes)
		shared_pages_put(ring->sqes);
	kfree(ring);
}

/* --- making --------------------------------------------------------------------------------------------- */

#define SETUP_FLAGS                                                                                     \
	(IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | \
	 IORING_SETUP_COOP_TASKRUN)

#define FEATURES                                                                         \
	(IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS |         \
	 IORING_FEAT_CUR_PERSONALITY | IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS | \
	 IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP | IORING_FEAT_LINKED_FILE)

static void fill_header(struct uring *ring)
{
	*uring_header(ring) = (struct uring_header){
		.sq_mask = ring->layout.sq_entries - 1,
		.cq_mask = ring->layout.cq_entries - 1,
		.sq_entries = ring->layout.sq_entries,
		.cq_entries = ring->layout.cq_entries,
	};
}

static int make_ring(const struct uring_layout *layout, uint32_t setup, struct uring **out)
{
	struct uring *ring = memory_left() ? kzalloc(sizeof(*ring)) : NULL;
	int err;

	if (!ring)
		return -ENOMEM;
	refcount_set(&ring->refs, 1);
	ring->layout = *layout;
	ring->setup = setup;
	mutex_init(&ring->submitting, "uring submission", RANK_RING_SUBMIT);
	spin_init(&ring->lock, "uring", RANK_URING);
	list_init(&ring->requests);
	list_init(&ring->deferred);
	list_init(&ring->overflow);
	list_init(&ring->counting);
	atomic_init(&ring->enabled, !(setup & IORING_SETUP_R_DISABLED));
	waitqueue_init(&ring->change);
	err = shared_pages_create("anon_inode:[io_uring]", layout->ring_bytes, &ring->rings);
	if (err == 0)
		err = shared_pages_create("anon_inode:[io_uring]", layout->sqe_bytes, &ring->sqes);
	if (err < 0) {
		uring_put(ring);
		return err;
	}
	fill_header(ring);
	*out = ring;
	return 0;
}

static void fill_params(const struct uring *ring, struct abi_uring_params *p)
{
	p->sq_entries = ring->layout.sq_entries;
	p->cq_entries = ring->layout.cq_entries;
	p->features = FEATURES;
	p->sq_off = (struct abi_sq_offsets){
		.head = offsetof(struct uring_header, sq_head),
		.tail = offsetof(struct uring_header, sq_tail),
		.ring_mask = offsetof(struct uring_header, sq_mask),
		.ring_entries = offsetof(struct uring_header, sq_entries),
		.flags = offsetof(struct uring_header, sq_flags),
		.dropped = offsetof(struct uring_header, sq_dropped),
		.array = (uint32_t)ring->layout.array_at,
	};
	p->cq_off = (struct abi_cq_offsets){
		.head = offsetof(struct uring_header, cq_head),
		.tail = offsetof(struct uring_header, cq_tail),
		.ring_mask = offsetof(struct uring_header, cq_mask),
		.ring_entries = offsetof(struct uring_header, cq_entries),
		.overflow = offsetof(struct uring_header, cq_overflow),
		.cqes = URING_CQES_AT,
		.flags = offsetof(struct uring_header, cq_flags),
	};
}

/* The vnode is what fstat looks at: of no type, as Linux has it. */
static struct file *open_ring(struct uring *ring)
{
	static const struct vnode_ops none;
	struct vnode *v = nameless_vnode(&none, 0600);
	struct file *file = v ? file_create(&ring_ops, O_RDWR, ring) : NULL;

	if (!file) {
		vnode_put(v);
		return NULL;
	}
	file->object.type = OBJECT_RING;
	file->vnode = v;
	return file;
}

int uring_create(uint32_t entries, struct abi_uring_params *params, struct file **out)
{
	struct uring_layout layout;
	struct uring *ring;
	int err;

	if (params->flags & ~SETUP_FLAGS)
		return -EINVAL;
	err = uring_layout(entries, params->cq_entries, params->flags, &layout);
	if (err == 0)
		err = make_ring(&layout, params->flags, &ring);
	if (err < 0)
		return err;
	*out = open_ring(ring);
	if (!*out) {
		uring_put(ring);
		return -ENOMEM;
	}
	fill_params(ring, params);
	return 0;
}
