/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects that are written to when they are free or past their end, or freed twice: found in debug builds
 * when the object is taken or freed next, and reported with who had it.
 */
#include "slab_debug.h"

#include <kernel/ksyms.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "slab_priv.h"

#ifdef SERIX_DEBUG

#define REDZONE_USED 0x5ec0de5ab0b5a11dull
#define REDZONE_FREE 0xdeadf4eed0b1ec75ull

struct tail {
	uint64_t redzone;
	const void *site;
};
_Static_assert(sizeof(struct tail) == SLAB_REDZONE, "slabs leave this room behind each object");

static struct tail *tail_of(void *object, size_t size)
{
	return (struct tail *)((char *)object + size);
}

static void print_site(const char *what, const void *site, uint64_t count)
{
	uintptr_t offset = 0;
	const char *name = ksym_lookup((uintptr_t)site, &offset);

	pr_err("  %s %s+%#lx, %lu", what, name ? name : "?", offset, count);
}

/* What cannot be true: the last words around the object, who had it, and the end. */
static __noreturn void report(const char *cache, void *object, size_t size, const char *what, size_t at)
{
	const unsigned char *bytes = (const unsigned char *)object + ALIGN_DOWN(at, 16ul);
	struct tail *tail = tail_of(object, size);

	print_site(tail->redzone == REDZONE_FREE ? "freed by" : "last seen at", tail->site, 1);
	pr_err("  +%zu: %02x %02x %02x %02x %02x %02x %02x %02x", ALIGN_DOWN(at, 16ul), bytes[0], bytes[1],
	       bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
	panic("slab %s: object %p %s, at +%zu", cache, object, what, at);
}

void slab_debug_poison(void *object, size_t size)
{
	memset(object, POISON_FREE, size);
	*tail_of(object, size) = (struct tail){ REDZONE_FREE, NULL };
}

void slab_debug_alloc(const char *cache, void *object, size_t size, const void *site)
{
	const unsigned char *bytes = object;

	if (tail_of(object, size)->redzone != REDZONE_FREE)
		report(cache, object, size, "written past its end while free", size);
	/* The first word held the free-list link while the object lay in its slab. */
	for (size_t i = sizeof(uint64_t); i < size; i++) {
		if (bytes[i] != POISON_FREE)
			report(cache, object, size, "written after it was freed", i);
	}
	memset(object, POISON_NEW, size);
	*tail_of(object, size) = (struct tail){ REDZONE_USED, site };
}

void slab_debug_free(const char *cache, void *object, size_t size, const void *site)
{
	struct tail *tail = tail_of(object, size);

	if (tail->redzone == REDZONE_FREE)
		report(cache, object, size, "freed twice", 0);
	if (tail->redzone != REDZONE_USED)
		report(cache, object, size, "written past its end", size);
	slab_debug_poison(object, size);
	tail->site = site;
}

static void add_site(struct slab_sites *sites, const void *site)
{
	for (uint32_t i = 0; i < sites->count; i++) {
		if (sites->sites[i].site == site) {
			sites->sites[i].objects++;
			return;
		}
	}
	if (sites->count == SLAB_SITES) {
		sites->others++;
		return;
	}
	sites->sites[sites->count].site = site;
	sites->sites[sites->count++].objects = 1;
}

void slab_debug_add_sites(struct slab_sites *sites, const struct slab *slab)
{
	const struct slab_cache *cache = slab->cache;

	for (uint32_t i = 0; i < cache->per_slab; i++) {
		const struct tail *tail = tail_of(slab_object(slab, i), cache->object_size);

		if (tail->redzone == REDZONE_USED)
			add_site(sites, tail->site);
	}
}

void slab_debug_print_sites(const struct slab_sites *sites)
{
	for (uint32_t i = 0; i < sites->count; i++)
		print_site("taken by", sites->sites[i].site, sites->sites[i].objects);
	if (sites->others)
		pr_err("  by others, %lu", sites->others);
}

#endif
