/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to mm: what kmalloc needs of the slab caches. */
#pragma once

#include <kernel/slab.h>

struct page;

void kmalloc_init(void);
/* The cache of a frame whose use is PAGE_SLAB. */
struct slab_cache *slab_cache_of_page(const struct page *page);
size_t slab_object_size(const struct slab_cache *cache);
