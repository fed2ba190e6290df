/* SPDX-License-Identifier: BSD-2-Clause */
#include "user_vec.h"

#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/abi_fs.h>

static int vec_check(struct user_vec *vec, uint32_t count)
{
	vec->total = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct abi_iovec *v = &vec->iov[i];
		int err = (int64_t)v->len < 0 ? -EINVAL : user_buffer_check(v->base, v->len);

		if (err < 0)
			return err;
		v->len = MIN(v->len, RW_COUNT_MAX - vec->total);
		vec->total += v->len;
	}
	return 0;
}

void user_vec_put(struct user_vec *vec)
{
	if (vec->iov != vec->small)
		kfree(vec->iov);
}

int user_vec_get(struct user_vec *vec, uaddr_t addr, uint64_t count)
{
	int err;

	if (count > IOV_MAX)
		return -EINVAL;
	vec->iov = vec->small;
	if (count > SMALL_VEC) {
		vec->iov = kmalloc(count * sizeof(*vec->iov));
		if (!vec->iov)
			return -ENOMEM;
	}
	err = count ? copy_from_user(vec->iov, addr, count * sizeof(*vec->iov)) : 0;
	if (err == 0)
		err = vec_check(vec, (uint32_t)count);
	if (err < 0)
		user_vec_put(vec);
	return err;
}

static int check_zero(uaddr_t at, uint64_t size)
{
	uint8_t byte = 0;
	int err = 0;

	for (uint64_t i = 0; err == 0 && i < size; i++) {
		err = copy_from_user(&byte, at + i, 1);
		if (err == 0 && byte)
			err = -E2BIG;
	}
	return err;
}

int user_struct_get(void *out, size_t known, size_t least, uaddr_t addr, uint64_t size)
{
	int err = 0;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < least)
		return -EINVAL;
	memset(out, 0, known);
	if (size > known)
		err = check_zero(addr + known, size - known);
	return err < 0 ? err : copy_from_user(out, addr, MIN(size, known));
}
