/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers and lists of buffers that a program names. */
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
