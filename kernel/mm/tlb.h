/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to mm: every flush of translations goes through here, after the page table was changed and
 * before the frames that it named are freed.
 */
#pragma once

#include <kernel/types.h>

struct vm_space;

/* Pages [start, end) of a user space lost rights or were unmapped. */
void tlb_flush_range(struct vm_space *vm, uint64_t start, uint64_t end);
/* The same in the kernel half. */
void tlb_flush_kernel(uint64_t start, uint64_t end);
/* No CPU may still use this space's page table: it is about to be freed. */
void tlb_leave_space(struct vm_space *vm);
