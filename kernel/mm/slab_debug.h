/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to mm: what debug builds add to every object of a slab.  Behind the object lie two words: a
 * redzone, which also says whether the object is free, and the code that took or freed it last.  Free objects
 * are poisoned.  Release builds compile all of it away.
 */
#pragma once

#include <kernel/compiler.h>

#define POISON_FREE 0x6b /* a pointer made of it is not canonical */
#define POISON_NEW  0x5a

struct slab;

#define SLAB_SITES 12
/* Who holds how many objects; what does not fit is counted without a name. */
struct slab_sites {
	uint32_t count;
	struct {
		const void *site;
		uint64_t objects;
	} sites[SLAB_SITES];
	uint64_t others;
};

#ifdef SERIX_DEBUG
#define SLAB_REDZONE  16ul /* keeps objects 16-byte aligned */
#define SLAB_CALLER() __builtin_return_address(0)

/* `size` is the object's without the redzone.  A fresh or freed object: nobody may write to it. */
void slab_debug_poison(void *object, size_t size);
void slab_debug_alloc(const char *cache, void *object, size_t size, const void *site);
void slab_debug_free(const char *cache, void *object, size_t size, const void *site);
/* Count the objects of a slab that are in use. */
void slab_debug_add_sites(struct slab_sites *sites, const struct slab *slab);
void slab_debug_print_sites(const struct slab_sites *sites);
#else
#define SLAB_REDZONE  0ul
#define SLAB_CALLER() NULL

static inline void slab_debug_poison(void *object, size_t size)
{
	(void)object, (void)size;
}
static inline void slab_debug_alloc(const char *cache, void *object, size_t size, const void *site)
{
	(void)cache, (void)object, (void)size, (void)site;
}
static inline void slab_debug_free(const char *cache, void *object, size_t size, const void *site)
{
	(void)cache, (void)object, (void)size, (void)site;
}
static inline void slab_debug_add_sites(struct slab_sites *sites, const struct slab *slab)
{
	(void)sites, (void)slab;
}
static inline void slab_debug_print_sites(const struct slab_sites *sites)
{
	(void)sites;
}
#endif
