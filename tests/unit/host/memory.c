/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's allocator on the host: malloc, so that the address sanitizer sees every object. */
#include <stdlib.h>
#include <string.h>

#include <arch/paging.h>
#include <kernel/slab.h>

#define WEAK __attribute__((weak))

/* Physical addresses of tests are whatever they make of them. */
WEAK uint64_t arch_direct_map_base = KERNEL_BASE;

WEAK void *kmalloc(size_t size)
{
	return malloc(size);
}

WEAK void *kzalloc(size_t size)
{
	return calloc(1, size);
}

WEAK void *kcalloc(size_t n, size_t size)
{
	return calloc(n, size);
}

WEAK void *krealloc(void *ptr, size_t size)
{
	return realloc(ptr, size);
}

WEAK void kfree(void *ptr)
{
	free(ptr);
}

WEAK char *kstrdup(const char *s)
{
	return strdup(s);
}
