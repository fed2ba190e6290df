/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory barriers on behalf of other threads. */
#pragma once

#include <kernel/compiler.h>

struct vm_space;

/* membarrier(2), called by a program of `vm`.  -EINVAL: unknown; -EPERM: not registered. */
int membarrier(struct vm_space *vm, uint32_t command, uint32_t flags, uint32_t cpu) __must_check;
