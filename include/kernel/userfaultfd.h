/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults that a program resolves: userfaultfd(2).
 *
 * A monitor (struct userfault) belongs to one address space and to an open file.  Areas of the space are
 * registered with it, each with one monitor at most and with what it shall be told of:
 *
 *	VM_TELL_MISSING	a page that is not there: in private memory not in the page table, in shared memory
 *			not in the object
 *	VM_TELL_MINOR	a page that shared memory has, but the page table does not
 *	VM_TELL_WRITE	a write to a page marked PT_WATCHED, which the monitor has marked before
 *
 * Such a fault is a struct on the stack of who faults, in the monitor's list `pending`, and when the monitor
 * has read of it in `delivered`.  Who faults lets the space's lock go and sleeps until it is woken, then
 * looks again: a wake-up too many does no harm, and whatever else changes the page, the area or the monitor
 * only has to wake.  None is missed: the fault joins the list first and looks whether the page is still
 * missing afterwards; whoever brings the page does that first and looks into the list afterwards.
 *
 * A fault in user mode sleeps as a system call does: any signal ends it, and after the handler the same
 * instruction faults again.  One of the kernel's own copies may not begin anew, so what ends it is SIGKILL,
 * the end of the process, or a revocation that a call of the process may have to hear of; the copy fails
 * then (EFAULT).  While it sleeps it has only the locks of its caller, never one of memory.  It could keep a
 * file's lock for as long as the monitor likes: so a monitor for the kernel's copies is the superuser's to
 * have (or everybody's, by /proc/sys/vm/unprivileged_userfaultfd); for all others such copies fail at once.
 * So do copies to and from another process's memory, and what a thread stores on its way out.
 *
 * What ends a registration: unregistering, closing (the last file descriptor, or its revocation), munmap and
 * what replaces mappings; mremap's new place is not registered, neither is a forked child's copy, and exec
 * and exit leave the space behind.  All of them wake the faults of the range, which go on by normal rules.
 *
 * Locks:
 *	vm_space.lock	area.userfault and the area's VM_TELL_* flags; of areas with an object their
 *			areas_lock as well, so that each of the two is enough to read
 *	userfault.lock	its lists of faults
 *	a lock of all	which space a monitor belongs to: NULL when that has gone.  A monitor does not keep
 *			its space, a space's areas keep their monitors.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi_userfaultfd.h>

struct userfault;
struct vm_area;
struct vm_space;
struct waitqueue;

/* May everybody have a monitor for the kernel's copies?  0 or 1. */
extern _Atomic uint32_t userfault_unprivileged;
/* The number of the running thread, as programs know it.  Provided by kernel/proc. */
extern uint32_t (*userfault_thread_number)(void);

/* A monitor of the running process's space; `user_only`: not for the kernel's copies.  NULL: no memory. */
struct userfault *userfault_create(bool user_only) __must_check;
/* The file goes: everything is unregistered, and all faults go on.  No lock is held. */
void userfault_close(struct userfault *u);

/* Say which of UFFD_FEATURE_* are wanted, once; before that the monitor is good for nothing.  -EINVAL: said
 * before. */
int userfault_enable(struct userfault *u, uint64_t features) __must_check;
bool userfault_is_enabled(const struct userfault *u);

/* The oldest fault that was not read yet; false: none. */
bool userfault_take(struct userfault *u, struct abi_uffd_msg *out) __must_check;
bool userfault_has_news(const struct userfault *u);
struct waitqueue *userfault_readers(struct userfault *u);
struct userfault_counts {
	uint64_t pending, total;
	uint64_t features;
};
void userfault_count(struct userfault *u, struct userfault_counts *out);

/* The calls on ranges want whole pages inside the user half: -EINVAL. */

/* Register all areas in a range, with UFFDIO_REGISTER_* `modes`.  -ENOMEM: the space has gone, or nothing
 * lies there or above; -EINVAL: nothing lies there, or memory that cannot be registered so; -EPERM: memory
 * that may never be written; -EBUSY: another monitor's. */
int userfault_register(struct userfault *u, uint64_t start, uint64_t len, uint64_t modes) __must_check;
int userfault_unregister(struct userfault *u, uint64_t start, uint64_t len) __must_check;
int userfault_wake(struct userfault *u, uint64_t start, uint64_t len) __must_check;
/* Watch (`watch`) the pages that are there, or no longer, and then wake unless `quiet`.  -ESRCH: the space
 * has gone; -ENOENT: not all of it is one area registered for that. */
int userfault_protect(struct userfault *u, uint64_t start, uint64_t len, bool watch, bool quiet) __must_check;

/* Bring pages that are missing: copies of the running process's memory at `src`, zeroes, or what the object
 * has (CONTINUE).  Bytes brought, and only if there are none why: -ESRCH; -ENOENT: not one area registered
 * with the monitor; -EEXIST: a page is there; -EFAULT: nothing at the source, or past the object's end;
 * -EINVAL; -ENOMEM; -EINTR: the caller is to die. */
enum userfault_fill {
	USERFAULT_COPY,
	USERFAULT_ZERO,
	USERFAULT_CONTINUE,
};
struct userfault_pages {
	enum userfault_fill how;
	uint64_t start, len;
	uint64_t src; /* COPY: any address */
	bool watch;   /* COPY: the pages are PT_WATCHED */
	bool quiet;   /* nobody is woken */
};
int64_t userfault_fill(struct userfault *u, const struct userfault_pages *pages) __must_check;

/* --- as a file (fs/events/userfaultfd.c) --------------------------------------------------------------- */

struct file;
/* One of the running process's space.  -EINVAL: flags but UFFD_USER_MODE_ONLY, O_CLOEXEC, O_NONBLOCK;
 * -ENOMEM. */
int userfaultfd_create(uint32_t flags, struct file **out) __must_check;
