/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: the only routines that touch user memory.  They refuse addresses outside the
 * user half and survive faults; may sleep (demand paging), so no spinlock may be held.
 */
#pragma once

#include <kernel/assert.h>
#include <kernel/compiler.h>
#include <kernel/types.h>

/* The machine's part of the two below; for nobody else. */
int arch_copy_from_user(void *dst, uaddr_t src, size_t len) __must_check;
int arch_copy_to_user(uaddr_t dst, const void *src, size_t len) __must_check;

/* 0 or -EFAULT; on a fault part of dst may have been written.  The kernel's side must lie within its object:
 * asserted where the compiler can tell how large that is, free where it can tell that the length fits. */
static __always_inline __must_check int copy_from_user(void *dst, uaddr_t src, size_t len)
{
	ASSERT(len <= __builtin_dynamic_object_size(dst, 0));
	return arch_copy_from_user(dst, src, len);
}

static __always_inline __must_check int copy_to_user(uaddr_t dst, const void *src, size_t len)
{
	ASSERT(len <= __builtin_dynamic_object_size(src, 0));
	return arch_copy_to_user(dst, src, len);
}

/* The same with a spinlock held, which only keeps pages from being faulted in: -EFAULT may mean no more
 * than that one was not mapped yet. */
int copy_from_user_atomic(void *dst, uaddr_t src, size_t len) __must_check;

int get_user_u32_atomic(uaddr_t addr, uint32_t *out) __must_check;
int cmpxchg_user_u32_atomic(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old) __must_check;

int clear_user(uaddr_t dst, size_t len) __must_check;
/* Copy a string with its NUL.  Returns its length, -EFAULT, or -ENAMETOOLONG when no NUL fits. */
ssize_t strncpy_from_user(char *dst, uaddr_t src, size_t size) __must_check;
/* Atomic compare-and-exchange on a user word (futexes): 0 with *old set, or -EFAULT. */
int cmpxchg_user_u32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old) __must_check;
int get_user_u32(uaddr_t addr, uint32_t *out) __must_check;
int put_user_u32(uaddr_t addr, uint32_t value) __must_check;
int get_user_u64(uaddr_t addr, uint64_t *out) __must_check;
int put_user_u64(uaddr_t addr, uint64_t value) __must_check;
