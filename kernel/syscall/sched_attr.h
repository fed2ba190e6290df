/* SPDX-License-Identifier: BSD-2-Clause */
/* struct sched_attr of sched_setattr(2), from and to user memory. */
#pragma once

#include <kernel/proc_calls.h>
#include <kernel/types.h>

/* -E2BIG, -EINVAL, -EOPNOTSUPP, -EFAULT. */
int sched_attr_get(uaddr_t addr, struct policy_request *out) __must_check;
/* Of a structure of `size` bytes.  -EINVAL, -EFAULT. */
int sched_attr_put(const struct sched_policy *policy, uaddr_t addr, uint64_t size) __must_check;
