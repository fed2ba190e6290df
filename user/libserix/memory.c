/* SPDX-License-Identifier: BSD-2-Clause */
#include <libserix/memory.h>

#include "call.h"

long mem_create(unsigned type, uint64_t size, unsigned flags)
{
	return call(mem_create, type, size, flags);
}

long mem_share(int fd, unsigned rights, unsigned flags)
{
	return call(mem_share, fd, rights, flags);
}

long mem_run(int fd, uint64_t offset, struct mem_run *run)
{
	return call(mem_run, fd, offset, run);
}
