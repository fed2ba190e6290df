/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to mm: what the rest of the address-space part has to do with monitors of page faults.  The model
 * stands in <kernel/userfaultfd.h>. */
#pragma once

#include <arch/paging.h>
#include <kernel/list.h>
#include <kernel/refcount.h>
#include <kernel/userfaultfd.h>
#include <kernel/vm.h>

struct userfault {
	struct refcount refs;      /* its file, its areas, faults that wait */
	bool user_only;            /* [i] */
	_Atomic uint64_t features; /* [a] FEATURES_SET and UFFD_FEATURE_*, once */
	struct spinlock lock;
	struct list pending, delivered; /* [lock] struct waiting_fault, oldest first */
	struct waitqueue readers;
	struct vm_space *space; /* [space_lock in userfault.c] NULL: gone */
	struct list of_space;   /* [the same] in space->userfaults */
};

void userfault_get(struct userfault *u);
void userfault_put(struct userfault *u);
/* Let the faults in [start, end) look again.  Spinlocks only. */
void userfault_wake_range(struct userfault *u, uint64_t start, uint64_t end);
/* A monitor's space with a reference, or NULL. */
struct vm_space *userfault_space_get(struct userfault *u);
/* The space is about to be freed. */
void userfault_forget_space(struct vm_space *vm);

/* The area, which is in no tree yet, is registered no longer; it is a copy of one that is. */
void userfault_disown(struct vm_area *area);
/* All areas of the monitor are unregistered.  vm->lock is held for writing. */
void userfault_release_areas_locked(struct vm_space *vm, struct userfault *u);
/* No page of [start, end) is PT_WATCHED any more.  vm->lock: reading will do. */
void userfault_unwatch_locked(struct vm_space *vm, uint64_t start, uint64_t end);

static inline bool userfault_range_ok(uint64_t start, uint64_t len)
{
	return IS_ALIGNED(start | len, PAGE_SIZE) && len > 0 && start >= USER_MIN && start < USER_END &&
	       len <= USER_END - start;
}
