/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to mm: what debug builds add to every object of a slab: a redzone behind it that also says
 * whether the object is free, and poison in free objects.  Release builds compile all of it away.
 */
#pragma once

#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/types.h>

#define REDZONE_USED 0x5ec0de5ab0b5a11dull
#define REDZONE_FREE 0xdeadf4eed0b1ec75ull
#define POISON_FREE  0x6b /* a pointer made of it is not canonical */
#define POISON_NEW   0x5a

#ifdef SERIX_DEBUG
#define SLAB_REDZONE 16ul /* keeps objects 16-byte aligned */
#else
#define SLAB_REDZONE 0ul
#endif

/* `size` is the object's without the redzone. */
static inline uint64_t *slab_redzone(void *object, size_t size)
{
	return (uint64_t *)((char *)object + size);
}

/* A fresh or freed object: from now on nobody may write to it. */
static inline void slab_debug_poison(void *object, size_t size)
{
	if (SLAB_REDZONE == 0)
		return;
	memset(object, POISON_FREE, size);
	*slab_redzone(object, size) = REDZONE_FREE;
}

static inline void slab_debug_alloc(const char *cache, void *object, size_t size)
{
	const unsigned char *bytes = object;

	if (SLAB_REDZONE == 0)
		return;
	if (*slab_redzone(object, size) != REDZONE_FREE)
		panic("slab %s: redzone of free object %p overwritten", cache, object);
	/* The first word held the free-list link while the object lay in its slab. */
	for (size_t i = sizeof(uint64_t); i < size; i++) {
		if (bytes[i] != POISON_FREE)
			panic("slab %s: object %p written after it was freed, at +%zu", cache, object, i);
	}
	memset(object, POISON_NEW, size);
	*slab_redzone(object, size) = REDZONE_USED;
}

static inline void slab_debug_free(const char *cache, void *object, size_t size)
{
	if (SLAB_REDZONE == 0)
		return;
	if (*slab_redzone(object, size) == REDZONE_FREE)
		panic("slab %s: object %p freed twice", cache, object);
	if (*slab_redzone(object, size) != REDZONE_USED)
		panic("slab %s: object %p written past its end", cache, object);
	slab_debug_poison(object, size);
}
