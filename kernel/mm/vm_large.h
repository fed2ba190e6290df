/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to mm: large pages of user spaces.  The rules stand in vm_large.c.  All of it wants vm_space.lock,
 * for reading at least, and takes pt_lock. */
#pragma once

#include <kernel/vm.h>

void vm_large_init(void);
/* A fault at va, inside the area and permitted, where no table for small pages is.  True: resolved with a
 * large page; false: to be resolved with a small one (a large one that was there is split by now). */
bool vm_large_fault(struct vm_space *vm, const struct vm_area *area, uint64_t va, unsigned access);
/* Split the one around addr; false: there is none.  pt_lock is held.  The caller flushes the large page
 * when it has let go of that.  Until then both sizes translate alike; what a small page's change needs
 * flushed, its own flush drops. */
bool vm_large_split_entry_locked(struct vm_space *vm, uint64_t addr);
/* No large page may reach across addr. */
void vm_large_split(struct vm_space *vm, uint64_t addr);
/* Nor lie in [start, end). */
void vm_large_split_range(struct vm_space *vm, uint64_t start, uint64_t end);

/* One more reference on, or one less on, each small page of what arch_pt_share or arch_pt_unmap_range
 * reported; how many small pages that are. */
uint64_t vm_frames_get(const paddr_t *frames, unsigned n);
uint64_t vm_frames_put(const paddr_t *frames, unsigned n);
