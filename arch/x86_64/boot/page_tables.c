/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's first page tables.
 *
 * Tables come from the top of the largest usable region below 4 GiB, which the temporary identity
 * mapping reaches.  What was taken is marked in the kernel's copy of boot_info, so the frame allocator
 * never sees it.
 *
 * W^X from the start: nothing is both writable and executable, and the direct map shows code and
 * constants of the image read-only.
 */
#include "boot.h"

#include <arch/shadow.h>

#define PTE_PRESENT (1ull << 0)
#define PTE_WRITE   (1ull << 1)
#define PTE_LARGE   (1ull << 7)
#define PTE_GLOBAL  (1ull << 8)
#define PTE_NX      (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull

#define KERNEL_RX (PTE_PRESENT | PTE_GLOBAL)
#define KERNEL_RO (PTE_PRESENT | PTE_GLOBAL | PTE_NX)
#define KERNEL_RW (PTE_PRESENT | PTE_GLOBAL | PTE_NX | PTE_WRITE)

#define SIZE_4K   4096ull
#define SIZE_2M   (2ull << 20)
#define SIZE_1G   (1ull << 30)
#define ENTRIES   512u
#define LOW_LIMIT (4ull << 30)

#define CPUID_1G_PAGES (1u << 26) /* 0x80000001 EDX */

#define DIRECT_MAP_SIZE (KERNEL_HEAP_BASE - arch_direct_map_base)

extern uint64_t boot_identity_tables[]; /* 8 pages */
extern char boot_stack_guard[], boot_stack_bottom[];
extern char __rodata_start[], __rodata_end[], __text_start[], __text_end[], __init_text_end[];

struct mapper {
	uint64_t *root;
	uint64_t next, floor; /* tables are taken downwards from next, not below floor */
	uint64_t phys_limit;  /* first address the CPU cannot name */
	bool has_1g;
};

static void cpuid(uint32_t leaf, uint32_t *eax, uint32_t *edx)
{
	uint32_t ebx, ecx = 0;

	*eax = leaf;
	__asm__("cpuid" : "+a"(*eax), "=b"(ebx), "+c"(ecx), "=d"(*edx));
}

uint64_t *boot_identity_map(void)
{
	uint64_t *root = boot_identity_tables, *pdpt = root + ENTRIES, *pd = pdpt + ENTRIES;
	uint64_t image_gib = (uint64_t)__kernel_start / SIZE_1G;

	/* May be the live tables, written by entry32.asm: then every store repeats what is there. */
	for (uint64_t i = 0; i < LOW_LIMIT / SIZE_2M; i++)
		pd[i] = (i * SIZE_2M) | PTE_LARGE | PTE_WRITE | PTE_PRESENT;
	for (uint64_t i = 0; i < LOW_LIMIT / SIZE_1G; i++)
		pdpt[i] = (uint64_t)(pd + i * ENTRIES) | PTE_WRITE | PTE_PRESENT;
	/* An image above 4 GiB (only a 64-bit loader can put it there): the two GiB that it may touch. */
	for (uint64_t i = 0; image_gib >= LOW_LIMIT / SIZE_1G && i < 2; i++) {
		uint64_t *high = pd + (LOW_LIMIT / SIZE_1G + i) * ENTRIES;

		if (image_gib + i >= ENTRIES)
			boot_fatal("arch_entry", "the kernel was loaded above 512 GiB");
		for (uint64_t j = 0; j < ENTRIES; j++)
			high[j] = ((image_gib + i) * SIZE_1G + j * SIZE_2M) | PTE_LARGE | PTE_WRITE |
				  PTE_PRESENT;
		pdpt[image_gib + i] = (uint64_t)high | PTE_WRITE | PTE_PRESENT;
	}
	root[0] = (uint64_t)pdpt | PTE_WRITE | PTE_PRESENT;
	return root;
}

/* A wrong memory map can name what is no memory: better a message here than a reset later. */
static bool holds_data(volatile uint64_t *word)
{
	const uint64_t pattern = 0x5345524958a55aull;

	*word = pattern;
	return *word == pattern;
}

static uint64_t *table_alloc(struct mapper *m)
{
	uint64_t *table;

	if (m->next - m->floor < SIZE_4K)
		boot_fatal("memory map", "no room below 4 GiB for the page tables");
	m->next -= SIZE_4K;
	table = (uint64_t *)m->next;
	if (!holds_data(table))
		boot_fatal("memory map", "it names memory that is not there");
	for (unsigned i = 0; i < ENTRIES; i++)
		table[i] = 0;
	return table;
}

/* The entry for va in a table whose entries cover `size` bytes each, tables above made as needed. */
static uint64_t *entry_for(struct mapper *m, uint64_t va, uint64_t size)
{
	uint64_t *table = m->root;

	for (uint64_t span = ENTRIES * SIZE_1G; span > size; span /= ENTRIES) {
		uint64_t *entry = &table[va / span % ENTRIES];

		if (!(*entry & PTE_PRESENT))
			*entry = (uint64_t)table_alloc(m) | PTE_WRITE | PTE_PRESENT;
		table = (uint64_t *)(*entry & PTE_ADDRESS);
	}
	return &table[va / size % ENTRIES];
}

static uint64_t best_size(const struct mapper *m, uint64_t va, uint64_t pa, uint64_t length)
{
	if (m->has_1g && length >= SIZE_1G && (va | pa) % SIZE_1G == 0)
		return SIZE_1G;
	if (length >= SIZE_2M && (va | pa) % SIZE_2M == 0)
		return SIZE_2M;
	return SIZE_4K;
}

/* va, pa and length are multiples of 4 KiB. */
static void map_range(struct mapper *m, uint64_t va, uint64_t pa, uint64_t length, uint64_t flags)
{
	while (length > 0) {
		uint64_t size = best_size(m, va, pa, length);

		*entry_for(m, va, size) = pa | flags | (size > SIZE_4K ? PTE_LARGE : 0);
		va += size;
		pa += size;
		length -= size;
	}
}

/* The image by 4 KiB pages, so that later code can change rights and free its start-up part. */
static void map_image_part(struct mapper *m, uint64_t delta, const char *from, const char *to, uint64_t flags)
{
	for (uint64_t pa = (uint64_t)from; pa < (uint64_t)to; pa += SIZE_4K)
		*entry_for(m, pa + delta, SIZE_4K) = pa | flags;
}

static void map_image(struct mapper *m, uint64_t delta)
{
	map_image_part(m, delta, __rodata_start, __rodata_end, KERNEL_RO);
	map_image_part(m, delta, __text_start, __init_text_end, KERNEL_RX);
	map_image_part(m, delta, __init_text_end, boot_stack_guard, KERNEL_RW);
	map_image_part(m, delta, boot_stack_bottom, __kernel_end, KERNEL_RW);
}

static void map_direct_range(struct mapper *m, uint64_t start, uint64_t end, uint64_t flags)
{
	if (end > m->phys_limit)
		end = m->phys_limit;
	if (start < end)
		map_range(m, arch_direct_map_base + start, start, end - start, flags);
}

/* A run of RAM: the image's constants and code, where it holds them, are read-only in it. */
static void map_direct_run(struct mapper *m, uint64_t start, uint64_t end)
{
	uint64_t ro_start = (uint64_t)__kernel_start, ro_end = (uint64_t)__text_end;

	if (start <= ro_start && ro_end <= end) {
		map_direct_range(m, start, ro_start, KERNEL_RW);
		map_direct_range(m, ro_start, ro_end, KERNEL_RO);
		start = ro_end;
	}
	map_direct_range(m, start, end, KERNEL_RW);
}

static bool is_ram(uint32_t type)
{
	return type == BOOT_REGION_USABLE || type == BOOT_REGION_BOOT_RECLAIMABLE ||
	       type == BOOT_REGION_KERNEL || type == BOOT_REGION_MODULE ||
	       type == BOOT_REGION_ACPI_RECLAIMABLE || type == BOOT_REGION_ACPI_NVS;
}

/* Neighbours are mapped as one run, so that pages may be large across their borders. */
static void map_direct(struct mapper *m, const struct boot_info *bi)
{
	uint64_t start = 0, end = 0;

	for (uint32_t i = 0; i < bi->region_count; i++) {
		const struct boot_region *r = &bi->regions[i];
		uint64_t last = r->base + r->length - 1;

		if (!is_ram(r->type) || last >= DIRECT_MAP_SIZE)
			continue;
		if (ALIGN_DOWN(r->base, SIZE_4K) > end) {
			map_direct_run(m, start, end);
			start = ALIGN_DOWN(r->base, SIZE_4K);
		}
		end = ALIGN_UP(last + 1, SIZE_4K);
	}
	map_direct_run(m, start, end);
}

/* Sanitizer builds: all of the shadow is one page of zeroes until kasan_init(). */
static void map_shadow(struct mapper *m)
{
	uint64_t entry = (uint64_t)table_alloc(m) | KERNEL_RW;

	for (unsigned level = 0; level < 3; level++) {
		uint64_t *table = table_alloc(m);

		for (unsigned i = 0; i < ENTRIES; i++)
			table[i] = entry;
		entry = (uint64_t)table | PTE_WRITE | PTE_PRESENT;
	}
	for (uint64_t va = SHADOW_START; va != SHADOW_END; va += ENTRIES * SIZE_1G)
		m->root[va / (ENTRIES * SIZE_1G) % ENTRIES] = entry;
}

static struct boot_region *largest_low_region(struct boot_info *bi)
{
	struct boot_region *best = NULL;
	uint64_t best_length = 0;

	for (uint32_t i = 0; i < bi->region_count; i++) {
		struct boot_region *r = &bi->regions[i];
		uint64_t length = r->base >= LOW_LIMIT ? 0 : MIN(r->length, LOW_LIMIT - r->base);

		if (r->type == BOOT_REGION_USABLE && length > best_length) {
			best = r;
			best_length = length;
		}
	}
	return best;
}

/* Cut [from, to) out of the usable region it lies in; what remains above goes into the table's next place. */
static void mark_taken(struct boot_info *bi, struct boot_region *region, uint64_t from, uint64_t to)
{
	uint64_t end = region->base + region->length;
	uint32_t index = (uint32_t)(region - bi->regions);
	uint32_t extra = 1 + (to < end);

	if (bi->region_count + extra > BOOT_MAX_REGIONS)
		boot_fatal("memory map", "too many regions");
	for (uint32_t i = bi->region_count; i-- > index + 1;)
		bi->regions[i + extra] = bi->regions[i];
	bi->region_count += extra;
	region[0].length = from - region[0].base;
	region[1] = (struct boot_region){ .base = from, .length = to - from, .type = BOOT_REGION_KERNEL };
	if (to < end)
		region[2] =
			(struct boot_region){ .base = to, .length = end - to, .type = BOOT_REGION_USABLE };
}

void boot_build_page_tables(uint64_t *root, struct boot_info *bi, uint64_t delta)
{
	struct boot_region *pool = largest_low_region(bi);
	struct mapper m = { .root = root };
	uint32_t eax, edx;
	uint64_t top;

	if (!pool)
		boot_fatal("memory map", "no usable memory below 4 GiB");
	cpuid(0x80000001, &eax, &edx);
	m.has_1g = edx & CPUID_1G_PAGES;
	cpuid(0x80000008, &eax, &edx);
	m.phys_limit = 1ull << MIN(eax & 0xff, 52u);
	top = MIN(pool->base + pool->length, LOW_LIMIT);
	m.next = top;
	/* One page stays: a region must not become empty. */
	m.floor = pool->base + SIZE_4K;

	map_image(&m, delta);
	map_direct(&m, bi);
	if (WITH_SHADOW)
		map_shadow(&m);
	mark_taken(bi, pool, m.next, top);
}
