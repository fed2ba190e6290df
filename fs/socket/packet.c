/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for packets.  Large ones have caches of their own, so that these are at hand, too; datagrams larger still
 * are as rare as they are slow. */
#include "packet.h"

#include <kernel/panic.h>
#include <kernel/slab.h>

#define MEDIUM (15 * 1024u)
#define LARGE  PACKET_LARGE
#define SMALL  8192u /* up to here kmalloc has classes */

static struct slab_cache *medium_cache, *large_cache;

void packet_init(void)
{
	medium_cache = slab_create("packet-15k", MEDIUM, 0);
	large_cache = slab_create("packet-31k", LARGE, 0);
}

/* NULL: kmalloc's. */
static struct slab_cache *cache_of(size_t bytes)
{
	if (likely(bytes <= SMALL) || bytes > LARGE)
		return NULL;
	return bytes <= MEDIUM ? medium_cache : large_cache;
}

struct packet *packet_alloc(uint32_t size)
{
	uint32_t bytes = size + (uint32_t)offsetof(struct packet, data);
	struct slab_cache *cache = cache_of(bytes);
	struct packet *p;

	if (likely(!cache)) {
		p = kmalloc(bytes);
	} else {
		bytes = cache == medium_cache ? MEDIUM : LARGE;
		p = slab_alloc(cache);
	}
	if (unlikely(!p))
		return NULL;
	p->size = size;
	p->done = 0;
	p->charge = bytes + 128; /* so that a million empty ones are not for free */
	p->has_cred = false;
	p->control = NULL;
	p->from = NULL;
	return p;
}

void packet_free(struct packet *p)
{
	struct slab_cache *cache = cache_of(p->size + offsetof(struct packet, data));

	if (likely(!cache))
		kfree(p);
	else
		slab_free(cache, p);
}
