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

/* A cache is no more than the size of its objects. */
WEAK struct slab_cache *slab_create(const char *name, size_t object_size, size_t align)
{
	size_t *size = malloc(sizeof(*size));

	(void)name;
	(void)align;
	if (size)
		*size = object_size;
	return (struct slab_cache *)size;
}

WEAK void *slab_alloc(struct slab_cache *cache)
{
	return malloc(*(size_t *)cache);
}

WEAK void *slab_alloc_zeroed(struct slab_cache *cache)
{
	return calloc(1, *(size_t *)cache);
}

WEAK void slab_free(struct slab_cache *cache, void *object)
{
	(void)cache;
	free(object);
}

WEAK char *kstrdup(const char *s)
{
	return strdup(s);
}
