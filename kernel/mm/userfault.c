/* SPDX-License-Identifier: BSD-2-Clause */
/* Monitors of page faults, and the faults that wait for them. */
#include "userfault.h"

#include <arch/paging.h>
#include <arch/trap.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <serix/abi.h>
#include <serix/errno.h>

#include "area_tree.h"
#include "vm_priv.h"

#define FEATURES_SET (1ull << 63) /* in userfault.features */

/* How long a copy of the kernel's that a signal has woken sleeps before it looks why. */
#define RETRY_NS (10 * NSEC_PER_MSEC)

/* On the stack of who faults. */
struct waiting_fault {
	struct list link; /* [userfault.lock] empty: woken */
	uint64_t addr;    /* [i] the byte that was touched */
	uint64_t reason;  /* [i] UFFD_PAGEFAULT_* */
	uint32_t thread;  /* [i] */
	bool woken;       /* [userfault.lock] read anywhere */
	struct waitqueue sleeper;
};

_Atomic uint32_t userfault_unprivileged;
uint32_t (*userfault_thread_number)(void);

static struct spinlock space_lock = SPINLOCK_INIT("userfault spaces", RANK_USERFAULT_SPACE);

/* --- monitors ---------------------------------------------------------------------------------------- */

struct userfault *userfault_create(bool user_only)
{
	struct userfault *u = kmalloc(sizeof(*u));
	struct vm_space *vm = current_task()->vm;

	if (!u)
		return NULL;
	*u = (struct userfault){ .user_only = user_only, .space = vm };
	refcount_set(&u->refs, 1);
	spin_init(&u->lock, "userfault", RANK_USERFAULT);
	list_init(&u->pending);
	list_init(&u->delivered);
	waitqueue_init(&u->readers);
	spin_lock(&space_lock);
	if (!vm->monitored)
		list_init(&vm->userfaults);
	vm->monitored = true;
	list_add_tail(&vm->userfaults, &u->of_space);
	spin_unlock(&space_lock);
	return u;
}

void userfault_get(struct userfault *u)
{
	refcount_get(&u->refs);
}

void userfault_put(struct userfault *u)
{
	if (refcount_put(&u->refs))
		kfree(u);
}

struct vm_space *userfault_space_get(struct userfault *u)
{
	struct vm_space *vm;

	spin_lock(&space_lock);
	vm = u->space;
	/* One without references waits for the lock, to be forgotten. */
	if (vm && !refcount_get_unless_zero(&vm->refs))
		vm = NULL;
	spin_unlock(&space_lock);
	return vm;
}

void userfault_forget_space(struct vm_space *vm)
{
	struct userfault *u, *tmp;

	spin_lock(&space_lock);
	list_for_each_safe (u, tmp, &vm->userfaults, of_space) {
		u->space = NULL;
		list_del(&u->of_space);
	}
	spin_unlock(&space_lock);
}

void userfault_close(struct userfault *u)
{
	struct vm_space *vm = userfault_space_get(u);

	if (vm) {
		write_lock(&vm->lock);
		userfault_release_areas_locked(vm, u);
		vm_write_unlock(vm);
		vm_space_put(vm);
	}
	spin_lock(&space_lock);
	if (u->space)
		list_del(&u->of_space);
	u->space = NULL;
	spin_unlock(&space_lock);
	userfault_put(u);
}

int userfault_enable(struct userfault *u, uint64_t features)
{
	uint64_t none = 0;

	return atomic_compare_exchange_strong(&u->features, &none, features | FEATURES_SET) ? 0 : -EINVAL;
}

static uint64_t features_of(const struct userfault *u)
{
	return atomic_load_explicit(&u->features, memory_order_relaxed);
}

bool userfault_is_enabled(const struct userfault *u)
{
	return features_of(u) & FEATURES_SET;
}

/* --- reading ------------------------------------------------------------------------------------------ */

struct waitqueue *userfault_readers(struct userfault *u)
{
	return &u->readers;
}

bool userfault_has_news(const struct userfault *u)
{
	return READ_ONCE(u->pending.next) != &u->pending;
}

static void describe(const struct userfault *u, const struct waiting_fault *f, struct abi_uffd_msg *out)
{
	bool exact = features_of(u) & UFFD_FEATURE_EXACT_ADDRESS;

	*out = (struct abi_uffd_msg){
		.event = UFFD_EVENT_PAGEFAULT,
		.flags = f->reason,
		.address = exact ? f->addr : ALIGN_DOWN(f->addr, PAGE_SIZE),
		.thread = features_of(u) & UFFD_FEATURE_THREAD_ID ? f->thread : 0,
	};
}

bool userfault_take(struct userfault *u, struct abi_uffd_msg *out)
{
	struct waiting_fault *f;
	bool there;

	spin_lock(&u->lock);
	there = !list_empty(&u->pending);
	if (there) {
		f = list_first(&u->pending, struct waiting_fault, link);
		list_del(&f->link);
		list_add_tail(&u->delivered, &f->link);
		describe(u, f, out);
	}
	spin_unlock(&u->lock);
	return there;
}

static uint64_t length(const struct list *faults)
{
	const struct waiting_fault *f;
	uint64_t n = 0;

	list_for_each (f, faults, link)
		n++;
	return n;
}

void userfault_count(struct userfault *u, struct userfault_counts *out)
{
	spin_lock(&u->lock);
	out->pending = length(&u->pending);
	out->total = out->pending + length(&u->delivered);
	spin_unlock(&u->lock);
	out->features = features_of(u) & ~FEATURES_SET;
}

/* --- waking ------------------------------------------------------------------------------------------- */

static void wake_list_locked(struct list *faults, uint64_t start, uint64_t end)
{
	struct waiting_fault *f, *tmp;

	list_for_each_safe (f, tmp, faults, link) {
		if (f->addr < start || f->addr >= end)
			continue;
		list_del(&f->link);
		WRITE_ONCE(f->woken, true);
		wake_up_all(&f->sleeper);
	}
}

void userfault_wake_range(struct userfault *u, uint64_t start, uint64_t end)
{
	/* Orders what the caller has changed before the look into the lists, as does who joins them. */
	spin_lock(&u->lock);
	wake_list_locked(&u->pending, start, end);
	wake_list_locked(&u->delivered, start, end);
	spin_unlock(&u->lock);
}

int userfault_wake(struct userfault *u, uint64_t start, uint64_t len)
{
	if (!userfault_range_ok(start, len))
		return -EINVAL;
	userfault_wake_range(u, start, start + len);
	return 0;
}

/* --- waiting ------------------------------------------------------------------------------------------ */

static void join(struct userfault *u, struct waiting_fault *f)
{
	spin_lock(&u->lock);
	list_add_tail(&u->pending, &f->link);
	spin_unlock(&u->lock);
}

/* Who has woken it lets go of the lock before this returns, and so of the fault. */
static void leave(struct userfault *u, struct waiting_fault *f)
{
	spin_lock(&u->lock);
	if (!f->woken)
		list_del(&f->link);
	spin_unlock(&u->lock);
}

/* Does the object lack the page at va? */
static bool lacks_page(const struct vm_area *area, uint64_t va)
{
	struct page *page;

	if (!area->object)
		return true;
	page = vm_object_find(area->object, vm_area_index(area, va));
	if (!page)
		return true;
	page_put(page);
	return false;
}

/* Is the access still one that the area's monitor is told of, and of what? */
static bool must_wait(struct vm_space *vm, const struct vm_area *area, uint64_t va, unsigned access,
		      uint64_t *reason)
{
	bool mapped, lacks;
	unsigned prot = 0;
	paddr_t pa;

	*reason = access & FAULT_WRITE ? UFFD_PAGEFAULT_FLAG_WRITE : 0;
	spin_lock(&vm->pt_lock);
	mapped = arch_pt_query(vm->root, va, &pa, &prot);
	spin_unlock(&vm->pt_lock);
	if (mapped) {
		*reason |= UFFD_PAGEFAULT_FLAG_WP;
		return (access & FAULT_WRITE) && (prot & PT_WATCHED);
	}
	lacks = lacks_page(area, va);
	*reason |= lacks ? 0 : UFFD_PAGEFAULT_FLAG_MINOR;
	return area->flags & (lacks ? VM_TELL_MISSING : VM_TELL_MINOR);
}

/* Is it to fail instead? */
static bool refuses(const struct userfault *u, unsigned access)
{
	const struct task *task = current_task();

	return (features_of(u) & UFFD_FEATURE_SIGBUS) || task->leaving || !task->user ||
	       (u->user_only && !(access & FAULT_USER));
}

/* 0: woken, or a signal waits and may be taken. */
static int sleep(struct waiting_fault *f, bool interruptible)
{
	const uint32_t ends = TASK_WORK_EXIT | TASK_WORK_KILLED | TASK_WORK_REVOKED;

	for (;;) {
		if (wait_event_interruptible(&f->sleeper, READ_ONCE(f->woken)) == 0 || interruptible)
			return 0;
		if (atomic_load_explicit(&current_task()->work, memory_order_relaxed) & ends)
			return -EFAULT;
		/* Another signal has to wait: look again after a short sleep. */
		if (wait_event_timeout(&f->sleeper, READ_ONCE(f->woken), time_now_ns() + RETRY_NS, false) ==
		    0)
			return 0;
	}
}

/* Lets the space's lock go. */
static int wait_for(struct vm_space *vm, const struct vm_area *area, struct waiting_fault *f, unsigned access,
		    bool interruptible)
{
	struct userfault *u = area->userfault;
	uint64_t reason;
	bool missing;
	int err = 0;

	userfault_get(u);
	join(u, f);
	missing = must_wait(vm, area, ALIGN_DOWN(f->addr, PAGE_SIZE), access, &reason);
	read_unlock(&vm->lock);
	if (missing) {
		wake_up_events(&u->readers, POLLIN | POLLRDNORM);
		err = sleep(f, interruptible);
	}
	leave(u, f);
	userfault_put(u);
	return err;
}

int vm_fault_wait(struct vm_space *vm, uint64_t addr, unsigned access, bool interruptible)
{
	struct waiting_fault f = { .addr = addr };
	const struct vm_area *area;
	int err = 0;

	read_lock(&vm->lock);
	area = area_above(&vm->areas, addr);
	/* Whatever has changed since the fault was found to wait is seen when it is tried again. */
	if (area && area->start <= addr && area->userfault &&
	    must_wait(vm, area, ALIGN_DOWN(addr, PAGE_SIZE), access, &f.reason)) {
		if (!refuses(area->userfault, access)) {
			f.thread = userfault_thread_number();
			waitqueue_init(&f.sleeper);
			return wait_for(vm, area, &f, access, interruptible);
		}
		err = -ENXIO;
	}
	read_unlock(&vm->lock);
	return err;
}
