/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start-up of the frame allocator: from the loader's memory map and the nodes to zones.
 *
 * The zones' own bitmaps and page arrays are cut from the top of the largest usable ranges, before the
 * rest is handed out.
 */
#include "zone.h"

#include <arch/paging.h>
#include <boot/boot_info.h>
#include <kernel/assert.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#define HOLE_MAX        (1ull << 30) /* a larger hole ends a zone: its struct pages would cost 6 MiB */
#define DIRECT_MAP_SIZE (KERNEL_HEAP_BASE - arch_direct_map_base)

struct zone zones[MAX_ZONES];
unsigned zone_count;
struct zone *zones_end = zones;
uintptr_t zone_page_zero[MAX_ZONES];
uint8_t zone_order[MAX_NODES][MAX_ZONES];
uint32_t zones_near[MAX_NODES];
_Static_assert(MAX_ZONES <= 32, "zones_near has a bit for each zone");

struct range {
	paddr_t base, end;
};

static struct range usable[BOOT_MAX_REGIONS + 2] __initdata;
static unsigned usable_count __initdata;

static __init bool is_ram(uint32_t type)
{
	switch (type) {
	case BOOT_REGION_USABLE:
	case BOOT_REGION_BOOT_RECLAIMABLE:
	case BOOT_REGION_ACPI_RECLAIMABLE:
	case BOOT_REGION_KERNEL:
	case BOOT_REGION_MODULE:
		return true;
	default:
		return false;
	}
}

/* The whole pages of [base, base+length) that the direct map and the processor reach. */
static __init struct range whole_pages(uint64_t base, uint64_t length)
{
	paddr_t limit = MIN((paddr_t)DIRECT_MAP_SIZE, arch_phys_end());
	struct range r = { 0, 0 };

	if (base >= limit)
		return r;
	r.base = ALIGN_UP(base, PAGE_SIZE);
	r.end = ALIGN_DOWN(MIN(base + length, limit), PAGE_SIZE);
	return r;
}

/* Extend the last zone by a range, or begin the next; a range is of one node and does not cross 4 GiB. */
static __init void zone_extend(struct range r, unsigned node)
{
	struct zone *z = zone_count ? &zones[zone_count - 1] : NULL;

	if (z && z->node == node && r.base < z->base + z->length + HOLE_MAX &&
	    (z->base >= ZONE_32BIT_END || r.end <= ZONE_32BIT_END)) {
		z->length = r.end - z->base;
		z->present += (r.end - r.base) >> PAGE_SHIFT;
		return;
	}
	if (zone_count == MAX_ZONES) {
		pr_warn("memory: %llu KiB at %#llx left unused: too many separate zones\n",
			(unsigned long long)(r.end - r.base) / 1024, (unsigned long long)r.base);
		return;
	}
	z = &zones[zone_count++];
	zones_end = z + 1;
	z->base = r.base;
	z->length = r.end - r.base;
	z->node = node;
	z->present = (r.end - r.base) >> PAGE_SHIFT;
	spin_init(&z->lock, "zone", RANK_PMM);
}

/* Where the piece that begins at r.base must end: at another node's memory, at 4 GiB. */
static __init paddr_t piece_end(struct range r, unsigned node)
{
	paddr_t end = r.base < ZONE_32BIT_END ? MIN(r.end, ZONE_32BIT_END) : r.end, border = r.base;

	do
		border = topology_node_border(border);
	while (border < end && topology_node_of(border) == node);
	/* A page that two nodes share belongs to the first. */
	return border < end ? MIN(ALIGN_UP(border, PAGE_SIZE), end) : end;
}

static __init void zones_find(const struct boot_info *bi)
{
	for (uint32_t i = 0; i < bi->region_count; i++) {
		struct range r = whole_pages(bi->regions[i].base, bi->regions[i].length);

		if (!is_ram(bi->regions[i].type))
			continue;
		while (r.base < r.end) {
			unsigned node = topology_node_of(r.base);
			paddr_t end = piece_end(r, node);

			zone_extend((struct range){ r.base, end }, node);
			r.base = end;
		}
	}
}

/* Is zone a a better choice for the node's CPUs than zone b? */
static __init bool is_nearer(unsigned node, const struct zone *a, const struct zone *b)
{
	unsigned to_a = topology_distance(node, a->node), to_b = topology_distance(node, b->node);

	return to_a != to_b ? to_a < to_b : a->base > b->base;
}

static __init void choose_order(unsigned node)
{
	uint8_t *order = zone_order[node];

	for (unsigned i = 0; i < zone_count; i++) {
		unsigned at = i;

		for (; at > 0 && is_nearer(node, &zones[i], &zones[order[at - 1]]); at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)i;
	}
	for (unsigned i = 0; i < zone_count; i++) {
		if (zones[i].node == zones[order[0]].node)
			zones_near[node] |= 1u << i;
	}
}

static __init void usable_find(const struct boot_info *bi)
{
	for (uint32_t i = 0; i < bi->region_count; i++) {
		struct range r = whole_pages(bi->regions[i].base, bi->regions[i].length);

		if (bi->regions[i].type != BOOT_REGION_USABLE)
			continue;
		r.base = MAX(r.base, LOW_MEMORY_END);
		if (r.base < r.end)
			usable[usable_count++] = r;
	}
}

/* Memory for a zone's tables: from the zone itself where it has room, else from anywhere. */
static __init void *take_from_usable(const struct zone *zone, size_t bytes)
{
	struct range *best = NULL;
	bool best_local = false;

	bytes = ALIGN_UP(bytes, PAGE_SIZE);
	for (unsigned i = 0; i < usable_count; i++) {
		struct range *r = &usable[i];
		bool local = r->base - zone->base < zone->length;

		if (r->end - r->base < bytes || (best_local && !local))
			continue;
		if (!best || (local && !best_local) || r->end - r->base > best->end - best->base) {
			best = r;
			best_local = local;
		}
	}
	if (!best)
		panic("memory: no room for the %zu KiB that describe the memory at %#llx", bytes / 1024,
		      (unsigned long long)zone->base);
	best->end -= bytes;
	return phys_to_virt(best->end);
}

static __init void zone_build_tables(struct zone *z)
{
	size_t frames = z->length / PAGE_SIZE;

	z->pages = take_from_usable(z, frames * sizeof(struct page));
	zone_page_zero[z - zones] = (uintptr_t)z->pages - (z->base >> PAGE_SHIFT) * sizeof(struct page);
	/* All zero is a free page without references. */
	for (size_t page = 0; page < ALIGN_UP(frames * sizeof(struct page), PAGE_SIZE); page += PAGE_SIZE)
		arch_clear_page((char *)z->pages + page);
	frame_map_init(&z->map, z->base >> PAGE_SHIFT, frames,
		       take_from_usable(z, frame_map_bytes(z->base >> PAGE_SHIFT, frames)));
}

/* The part of a range that lies in one zone. */
static __init void add_to_zones(struct range r)
{
	while (r.base < r.end) {
		struct zone *z = zone_of(r.base);
		paddr_t end;

		if (!z) /* one zone too many: reported when it was found */
			return;
		end = MIN(r.end, z->base + z->length);
		zone_add_range(z, r.base, end - r.base);
		r.base = end;
	}
}

void zone_add_range(struct zone *zone, paddr_t base, size_t length)
{
	uint64_t irq = spin_lock_irqsave(&zone->lock);

	frame_map_release_range(&zone->map, (base - zone->base) / PAGE_SIZE, length / PAGE_SIZE);
	spin_unlock_irqrestore(&zone->lock, irq);
	atomic_fetch_add_explicit(&zone->managed, length / PAGE_SIZE, memory_order_relaxed);
}

__init void zones_init(const struct boot_info *bi)
{
	zones_find(bi);
	usable_find(bi);
	for (unsigned i = 0; i < zone_count; i++)
		zone_build_tables(&zones[i]);
	for (unsigned i = 0; i < usable_count; i++)
		add_to_zones(usable[i]);
	for (unsigned node = 0; node < MAX_NODES; node++)
		choose_order(node);
}

uint64_t zones_managed(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < zone_count; i++)
		sum += atomic_load_explicit(&zones[i].managed, memory_order_relaxed);
	return sum;
}

uint64_t zones_free(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < zone_count; i++)
		sum += READ_ONCE(zones[i].map.free);
	return sum;
}
