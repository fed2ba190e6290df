/* SPDX-License-Identifier: BSD-2-Clause */
/* Range checks in front of usercopy.asm. */
#include <arch/usercopy.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <kernel/lockdep.h>
#include <serix/errno.h>

#include "cpu.h"

int usercopy(void *dst, const void *src, size_t len);
int usercopy_clear(uaddr_t dst, size_t len);
ssize_t usercopy_string(char *dst, uaddr_t src, size_t max);
int usercopy_cmpxchg32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old);
int usercopy_get32(uaddr_t addr, uint32_t *out);
int usercopy_get64(uaddr_t addr, uint64_t *out);
int usercopy_put32(uaddr_t addr, uint32_t value);
int usercopy_put64(uaddr_t addr, uint64_t value);
int usercopy_xsave(uaddr_t area, uint32_t low, uint32_t high);
int usercopy_xrstor(uaddr_t area, uint32_t low, uint32_t high);

static bool is_user_range(uaddr_t addr, size_t len)
{
	return addr <= USER_END && len <= USER_END - addr;
}

static bool in_user_half(uaddr_t addr, size_t len)
{
	lockdep_assert_may_fault();
	return is_user_range(addr, len);
}

int arch_copy_from_user(void *dst, uaddr_t src, size_t len)
{
	if (unlikely(!in_user_half(src, len)))
		return -EFAULT;
	return usercopy(dst, (const void *)src, len);
}

int copy_from_user_atomic(void *dst, uaddr_t src, size_t len)
{
	DEBUG_ASSERT(arch_preempt_count() > 0); /* so that a fault is not resolved */
	if (unlikely(!is_user_range(src, len)))
		return -EFAULT;
	return usercopy(dst, (const void *)src, len);
}

int arch_copy_to_user(uaddr_t dst, const void *src, size_t len)
{
	if (unlikely(!in_user_half(dst, len)))
		return -EFAULT;
	return usercopy((void *)dst, src, len);
}

int clear_user(uaddr_t dst, size_t len)
{
	if (unlikely(!in_user_half(dst, len)))
		return -EFAULT;
	return usercopy_clear(dst, len);
}

ssize_t strncpy_from_user(char *dst, uaddr_t src, size_t size)
{
	size_t max;
	ssize_t len;

	lockdep_assert_may_fault();
	if (unlikely(src >= USER_END))
		return -EFAULT;
	max = MIN(size, (size_t)(USER_END - src));
	len = usercopy_string(dst, src, max);
	if (len == (ssize_t)max)
		return max == size ? -ENAMETOOLONG : -EFAULT;
	return len;
}

int cmpxchg_user_u32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old)
{
	/* A locked access across two cache lines would stall every CPU. */
	if (unlikely(!in_user_half(addr, sizeof(*old)) || !IS_ALIGNED(addr, sizeof(*old))))
		return -EFAULT;
	return usercopy_cmpxchg32(addr, expected, desired, old);
}

int get_user_u32_atomic(uaddr_t addr, uint32_t *out)
{
	DEBUG_ASSERT(arch_preempt_count() > 0);
	return likely(is_user_range(addr, sizeof(*out))) ? usercopy_get32(addr, out) : -EFAULT;
}

int cmpxchg_user_u32_atomic(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old)
{
	DEBUG_ASSERT(arch_preempt_count() > 0);
	if (unlikely(!is_user_range(addr, sizeof(*old)) || !IS_ALIGNED(addr, sizeof(*old))))
		return -EFAULT;
	return usercopy_cmpxchg32(addr, expected, desired, old);
}

int get_user_u32(uaddr_t addr, uint32_t *out)
{
	return likely(in_user_half(addr, sizeof(*out))) ? usercopy_get32(addr, out) : -EFAULT;
}

int get_user_u64(uaddr_t addr, uint64_t *out)
{
	return likely(in_user_half(addr, sizeof(*out))) ? usercopy_get64(addr, out) : -EFAULT;
}

int put_user_u32(uaddr_t addr, uint32_t value)
{
	return likely(in_user_half(addr, sizeof(value))) ? usercopy_put32(addr, value) : -EFAULT;
}

int put_user_u64(uaddr_t addr, uint64_t value)
{
	return likely(in_user_half(addr, sizeof(value))) ? usercopy_put64(addr, value) : -EFAULT;
}

int fpu_save_to_user(uaddr_t area)
{
	uint64_t parts = fpu_xfeatures();

	if (unlikely(!in_user_half(area, fpu_area_size())))
		return -EFAULT;
	return usercopy_xsave(area, (uint32_t)parts, (uint32_t)(parts >> 32));
}

int fpu_load_from_user(uaddr_t area)
{
	uint64_t parts = fpu_xfeatures();

	if (unlikely(!in_user_half(area, fpu_area_size())))
		return -EFAULT;
	return usercopy_xrstor(area, (uint32_t)parts, (uint32_t)(parts >> 32));
}
