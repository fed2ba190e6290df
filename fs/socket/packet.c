/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for packets.  Small and large ones have caches of their own, so that these are at hand; datagrams
 * larger still are as rare as they are slow. */
#include "packet.h"

#include <kernel/slab.h>

#define MEDIUM (15 * 1024u)
#define LARGE  PACKET_LARGE
#define SMALL  256u
#define MIDDLE 8192u /* up to here kmalloc has classes */

static struct slab_cache *small_cache, *medium_cache, *large_cache;

void packet_init(void)
{
	small_cache = slab_create("packet-256", SMALL, 0);
	medium_cache = slab_create("packet-15k", MEDIUM, 0);
	large_cache = slab_create("packet-31k", LARGE, 0);
}

/* NULL: kmalloc's. */
static inline struct slab_cache *cache_for(uint32_t bytes)
{
	if (likely(bytes <= SMALL))
		return small_cache;
	if (bytes <= MIDDLE || bytes > LARGE)
		return NULL;
	return bytes <= MEDIUM ? medium_cache : large_cache;
}

/* What it takes up; a little more, so that a million empty ones are not for free. */
static inline uint32_t charge_for(uint32_t bytes)
{
	uint32_t taken = bytes;

	if (bytes <= SMALL)
		taken = SMALL;
	else if (bytes > MIDDLE && bytes <= LARGE)
		taken = bytes <= MEDIUM ? MEDIUM : LARGE;
	return taken + 128;
}

struct packet *packet_alloc(uint32_t size)
{
	uint32_t bytes = size + (uint32_t)offsetof(struct packet, data);
	struct slab_cache *cache = cache_for(bytes);
	struct packet *p;

	p = cache ? slab_alloc(cache) : kmalloc(bytes);
	if (unlikely(!p))
		return NULL;
	p->size = size;
	p->done = 0;
	p->charge = charge_for(bytes);
	p->has_cred = false;
	p->control = NULL;
	p->from = NULL;
	return p;
}

void packet_free(struct packet *p)
{
	struct slab_cache *cache = cache_for(p->size + (uint32_t)offsetof(struct packet, data));

	if (cache)
		slab_free(cache, p);
	else
		kfree(p);
}
