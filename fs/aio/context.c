/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts of asynchronous I/O: made, found, filled with events, read, and gone. */
#include "aio_priv.h"

#include <arch/usercopy.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <serix/errno.h>

#define AIO_MAX_DEFAULT 65536

_Atomic uint32_t aio_max = AIO_MAX_DEFAULT;
_Atomic uint64_t aio_count;

static struct abi_aio_ring *header_of(const struct aio_context *ctx)
{
	return shared_pages_at(ctx->pages, 0);
}

/* The reader's place, as the program says. */
static uint32_t head_of(const struct aio_context *ctx)
{
	return READ_ONCE(header_of(ctx)->head);
}

/* --- making --------------------------------------------------------------------------------------------- */

static int charge(uint32_t requests)
{
	uint64_t now = atomic_load(&aio_count);

	do {
		if (now + requests > atomic_load(&aio_max))
			return -EAGAIN;
	} while (!atomic_compare_exchange_weak(&aio_count, &now, now + requests));
	return 0;
}

static void free_context(struct aio_context *ctx)
{
	if (ctx->pages)
		shared_pages_put(ctx->pages);
	atomic_fetch_sub(&aio_count, ctx->charged);
	kfree(ctx);
}

void aio_put(struct aio_context *ctx)
{
	if (refcount_put(&ctx->refs))
		free_context(ctx);
}

static int make_ring(struct aio_context *ctx, uint64_t bytes)
{
	struct abi_aio_ring *header;
	int err = shared_pages_create("/[aio] (deleted)", bytes, &ctx->pages);

	if (err < 0)
		return err;
	ctx->ring.slots = aio_ring_slots(ALIGN_UP(bytes, PAGE_SIZE));
	header = header_of(ctx);
	header->nr = ctx->ring.slots;
	header->magic = AIO_RING_MAGIC;
	header->compat_features = 1;
	header->header_length = sizeof(*header);
	return 0;
}

static int map_ring(struct aio_context *ctx)
{
	struct vm_space *vm = current_task()->vm;
	uint64_t bytes = ctx->pages->object.size, limit = current_rlimit(RLIMIT_AS);

	if (bytes > limit || READ_ONCE(vm->pages_reserved) << PAGE_SHIFT > limit - bytes)
		return -ENOMEM;
	return vm_map(vm, &ctx->id, bytes, VM_READ | VM_WRITE | VM_SHARED, VM_READ | VM_WRITE, 0,
		      &ctx->pages->object, 0);
}

static int make(uint32_t requests, struct aio_context **out)
{
	uint64_t bytes = aio_ring_bytes(requests, cpu_count);
	struct aio_context *ctx;
	int err;

	if (bytes == 0)
		return -EINVAL;
	err = charge(requests);
	if (err < 0)
		return err;
	ctx = kzalloc(sizeof(*ctx));
	if (!ctx) {
		atomic_fetch_sub(&aio_count, requests);
		return -ENOMEM;
	}
	refcount_set(&ctx->refs, 1);
	ctx->charged = requests;
	mutex_init(&ctx->reading, "aio events", RANK_AIO_EVENTS);
	spin_init(&ctx->lock, "aio", RANK_AIO);
	list_init(&ctx->polls);
	waitqueue_init(&ctx->change);
	err = make_ring(ctx, bytes);
	if (err == 0)
		err = map_ring(ctx);
	if (err < 0)
		free_context(ctx);
	else
		*out = ctx;
	return err;
}

/* An older one's ring may have been unmapped, and this one be at its address: then either is found. */
static void insert_locked(struct process *p, struct aio_context *ctx)
{
	struct rb_node **link = &p->aio_contexts.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = ctx->id < rb_entry(parent, struct aio_context, node)->id ? &parent->left
										: &parent->right;
	}
	rb_insert(&p->aio_contexts, &ctx->node, parent, link);
}

int aio_setup(uint32_t requests, uaddr_t *id)
{
	struct process *p = current_process();
	struct aio_context *ctx;
	uint64_t flags;
	int err = make(requests, &ctx);

	if (err < 0)
		return err;
	*id = ctx->id;
	flags = spin_lock_irqsave(&p->lock);
	insert_locked(p, ctx);
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static struct aio_context *find_locked(const struct process *p, uaddr_t id)
{
	struct rb_node *node = p->aio_contexts.root;

	while (node) {
		struct aio_context *ctx = rb_entry(node, struct aio_context, node);

		if (ctx->id == id)
			return ctx;
		node = id < ctx->id ? node->left : node->right;
	}
	return NULL;
}

struct aio_context *aio_find(uaddr_t id)
{
	struct process *p = current_process();
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct aio_context *ctx = find_locked(p, id);

	if (ctx)
		refcount_get(&ctx->refs);
	spin_unlock_irqrestore(&p->lock, flags);
	return ctx;
}

/* --- the end -------------------------------------------------------------------------------------------- */

static bool claim_end(struct aio_context *ctx)
{
	bool mine;

	spin_lock(&ctx->lock);
	mine = !ctx->dead;
	WRITE_ONCE(ctx->dead, true);
	spin_unlock(&ctx->lock);
	return mine;
}

static void end_requests(struct aio_context *ctx)
{
	aio_cancel_polls(ctx);
	wait_event(&ctx->change, READ_ONCE(ctx->ring.busy) == 0);
}

int aio_destroy(struct aio_context *ctx)
{
	struct process *p = current_process();
	uint64_t flags;
	int err;

	if (!claim_end(ctx))
		return -EINVAL;
	flags = spin_lock_irqsave(&p->lock);
	rb_erase(&p->aio_contexts, &ctx->node);
	spin_unlock_irqrestore(&p->lock, flags);
	wake_up_all(&ctx->change);
	end_requests(ctx);
	/* Where the ring is no longer mapped, something else may be by now: as on Linux, that goes. */
	err = vm_unmap(current_task()->vm, ctx->id, ctx->pages->object.size);
	aio_put(ctx);
	return err;
}

static struct aio_context *first_of(struct process *p)
{
	uint64_t flags = spin_lock_irqsave(&p->lock);
	struct aio_context *ctx = NULL;

	if (p->aio_contexts.root) {
		ctx = rb_entry(p->aio_contexts.root, struct aio_context, node);
		rb_erase(&p->aio_contexts, &ctx->node);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	return ctx;
}

void aio_exit(struct process *p)
{
	struct aio_context *ctx;

	while ((ctx = first_of(p)) != NULL) {
		claim_end(ctx);
		end_requests(ctx);
		aio_put(ctx);
	}
}

/* --- events --------------------------------------------------------------------------------------------- */

uint32_t aio_room(const struct aio_context *ctx)
{
	return ctx->ring.slots;
}

int aio_begin(struct aio_context *ctx)
{
	int err = 0;

	spin_lock(&ctx->lock);
	if (ctx->dead)
		err = -EINVAL;
	else if (!aio_ring_reserve(&ctx->ring, head_of(ctx)))
		err = -EAGAIN;
	spin_unlock(&ctx->lock);
	return err;
}

void aio_abort(struct aio_context *ctx)
{
	spin_lock(&ctx->lock);
	WRITE_ONCE(ctx->ring.busy, ctx->ring.busy - 1);
	spin_unlock(&ctx->lock);
	wake_up_all(&ctx->change);
}

void aio_complete(struct aio_context *ctx, const struct abi_io_event *event)
{
	spin_lock(&ctx->lock);
	*(struct abi_io_event *)shared_pages_at(ctx->pages, aio_ring_offset(aio_ring_take(&ctx->ring))) =
		*event;
	/* The event is there before a reader that takes no lock, and is perhaps a program, may take it. */
	__atomic_store_n(&header_of(ctx)->tail, ctx->ring.tail, __ATOMIC_RELEASE);
	spin_unlock(&ctx->lock);
	wake_up_all(&ctx->change);
}

static bool has_events(struct aio_context *ctx)
{
	return head_of(ctx) % ctx->ring.slots != READ_ONCE(ctx->ring.tail);
}

/* What is there now; how many, -EFAULT if none could be copied. */
static int64_t copy_events(struct aio_context *ctx, uint64_t max, uaddr_t out)
{
	uint32_t head, tail, slots = ctx->ring.slots;
	uint64_t count = 0;
	int err = 0;

	mutex_lock(&ctx->reading);
	head = head_of(ctx) % slots;
	tail = __atomic_load_n(&ctx->ring.tail, __ATOMIC_ACQUIRE);
	while (count < max && head != tail) {
		struct abi_io_event event =
			*(struct abi_io_event *)shared_pages_at(ctx->pages, aio_ring_offset(head));

		err = copy_to_user(out + count * sizeof(event), &event, sizeof(event));
		if (err < 0)
			break;
		head = (head + 1) % slots;
		count++;
	}
	WRITE_ONCE(header_of(ctx)->head, head);
	mutex_unlock(&ctx->reading);
	return count > 0 ? (int64_t)count : err;
}

/* 0: look again; else why not, positive at the deadline. */
static int wait_for_events(struct aio_context *ctx, uint64_t deadline_ns)
{
	int err =
		wait_event_timeout(&ctx->change, has_events(ctx) || READ_ONCE(ctx->dead), deadline_ns, true);

	if (READ_ONCE(ctx->dead))
		return -EINVAL;
	if (err == -EINTR)
		return signal_confirm_call() ? -EINTR : 0;
	return err == -ETIMEDOUT;
}

int64_t aio_read_events(struct aio_context *ctx, uint64_t min, uint64_t max, uaddr_t out,
			uint64_t deadline_ns)
{
	uint64_t count = 0;
	int64_t n;
	int stop = 0;

	for (;;) {
		n = copy_events(ctx, max - count, out + count * sizeof(struct abi_io_event));
		if (n > 0)
			count += (uint64_t)n;
		if (n < 0 || stop != 0 || count >= min || deadline_ns == 0)
			break;
		stop = wait_for_events(ctx, deadline_ns);
	}
	if (count > 0)
		return (int64_t)count;
	return n < 0 ? n : MIN(stop, 0);
}
