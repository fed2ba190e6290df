/* SPDX-License-Identifier: BSD-2-Clause */
/* Aegis, kernel virtual memory above the direct map: kernel stacks, large buffers, device windows.
 * Every area is followed by an unmapped guard page. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

/* Page-granular memory, zeroed, not physically adjacent.  NULL: out of memory. */
void *vmalloc(size_t size) __must_check;
void vfree(void *ptr);
/* The window that it all lies in, and what vmalloc has given out. */
uint64_t vmalloc_total_pages(void);
uint64_t vmalloc_used_pages(void);
/* Kernel stack with a guard page below.  Returns the lowest usable address. */
void *kstack_alloc(void) __must_check;
/* Any context; the stack may stay mapped, for the next user. */
void kstack_free(void *stack);
/* Give back the memory of all stacks that nobody uses.  Interrupts on, no spinlock held: all CPUs flush. */
void kstack_reap(void);
/* True and the stack's bounds when the address lies in the guard page of some stack. */
bool kstack_guard_hit(uint64_t addr);
/* Map device memory (any alignment); `prot`: PT_* of arch/paging.h.  NULL when out of address space or
 * memory, and for what cannot be a device: beyond the processor's addresses, or in RAM.  Firmware tables may
 * lie. */
void *mmio_map(paddr_t pa, size_t size, unsigned prot) __must_check;
void mmio_unmap(void *ptr, size_t size);
void vmalloc_init(void);
