/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory objects: what <serix/memory.h> describes, as functions.  Each returns what the kernel answers. */
#pragma once

#include <serix/memory.h>

long mem_create(unsigned type, uint64_t size, unsigned flags);
long mem_share(int fd, unsigned rights, unsigned flags);
long mem_run(int fd, uint64_t offset, struct mem_run *run);
