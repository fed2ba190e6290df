/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers, lists of buffers and structures of several versions that a program names. */
#pragma once

#include <arch/paging.h>
#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi.h>
#include <serix/errno.h>

#define SMALL_VEC 8

struct user_vec {
	struct abi_iovec *iov;
	uint64_t total;
	struct abi_iovec small[SMALL_VEC];
};

/* Refuse what cannot be user memory at all; the copies find out about the rest. */
static inline int user_buffer_check(uaddr_t addr, uint64_t len)
{
	return addr > USER_END || len > USER_END - addr ? -EFAULT : 0;
}

/* A copy of the list, checked, its lengths cut to what one transfer moves.  user_vec_put() on success.
 * -EINVAL, -EFAULT, -ENOMEM. */
int user_vec_get(struct user_vec *vec, uaddr_t addr, uint64_t count) __must_check;
void user_vec_put(struct user_vec *vec);

/* A structure that grows from version to version: `known` bytes of it are understood here, the caller has
 * `size`.  A shorter one goes on with zeroes, and what a longer one has behind must be zero.  -EINVAL: less
 * than `least`; -E2BIG; -EFAULT. */
int user_struct_get(void *out, size_t known, size_t least, uaddr_t addr, uint64_t size) __must_check;
