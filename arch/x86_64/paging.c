/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables: four levels of 512 entries.
 *
 * The boot code has built the kernel half (arch/x86_64/boot/page_tables.c): the image by 4 KiB pages, W^X,
 * and the direct map.  Every address space shares it: a new root copies the upper 256 entries, so those may
 * change only until the first arch_pt_create().  What lies below them is shared for good.
 *
 * A page without any right (PROT_NONE) keeps its entry: not present, marked PTE_NONE, its address inverted
 * so that a CPU that speculates past the present bit finds no real memory (L1TF).
 */
#include <arch/paging.h>

#include <arch/cpu.h>
#include <boot/boot_info.h>
#include <kernel/assert.h>
#include <kernel/compiler.h>
#include <kernel/panic.h>
#include <kernel/pmm.h>
#include <kernel/printk.h>
#include <kernel/smp.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "cpu.h"
#include "paging_priv.h"
#include "x86.h"

/* Index 1 (PWT alone) becomes write-combining; the others stay as the CPU starts with them. */
#define PAT_WITH_WC 0x0007010600070106ull

#define USER_ENTRIES (ENTRIES / 2)

extern char __kernel_start[], __text_end[];
extern char __init_start[], __init_text_end[], __init_end[];
extern char __ro_after_init_start[], __ro_after_init_end[];
extern paddr_t arch_boot_pml4;

static paddr_t kernel_root __ro_after_init;
static uint64_t image_delta __ro_after_init; /* image address minus physical address */
static bool kernel_root_shared;              /* a user space has copied the upper half */

/* Accessed and dirty are set from the start: nobody reads them, and the CPU need not write them. */
#define BITS_WITH_RIGHTS(p)                                                        \
	(PTE_PRESENT | PTE_ACCESSED | ((p)&PT_USER ? PTE_USER : PTE_GLOBAL) |      \
	 ((p)&PT_WRITE ? PTE_WRITE | PTE_DIRTY : 0) | ((p)&PT_EXEC ? 0 : PTE_NX) | \
	 ((p)&PT_UNCACHED ? PTE_PCD | PTE_PWT                                      \
	  : (p)&PT_WC     ? PTE_PWT                                                \
			  : 0))
#define BITS(p)                                                                    \
	(((p) & (PT_READ | PT_WRITE | PT_EXEC) ? BITS_WITH_RIGHTS(p) : PTE_NONE) | \
	 ((p)&PT_WATCHED ? PTE_WATCHED : 0))
#define BITS4(p)  BITS(p), BITS((p) + 1), BITS((p) + 2), BITS((p) + 3)
#define BITS16(p) BITS4(p), BITS4((p) + 4), BITS4((p) + 8), BITS4((p) + 12)

/* NOLINTNEXTLINE(misc-redundant-expression): every combination is written out, that of no bits too */
const uint64_t pte_bits[PT_ALL + 1] = { BITS16(0),  BITS16(16), BITS16(32), BITS16(48),
					BITS16(64), BITS16(80), BITS16(96), BITS16(112) };

uint64_t *pt_table(paddr_t pa)
{
	return phys_to_virt(pa);
}

/* The lowest entry that maps va or could: of level 0, or above it a large page or the first that is absent.
 */
static uint64_t *lowest_entry(paddr_t root, uint64_t va, unsigned *level)
{
	uint64_t *table = pt_table(root);

	for (*level = 3;; --*level) {
		uint64_t *entry = &table[index_at(va, *level)], now;

		if (*level == 0)
			return entry;
		now = READ_ONCE(*entry);
		if (!(now & PTE_PRESENT) || (now & PTE_LARGE))
			return entry;
		table = pt_table(now & PTE_ADDRESS);
	}
}

/* The entry for va in its lowest table, or NULL when there is no such table. */
static uint64_t *pte_find(paddr_t root, uint64_t va)
{
	uint64_t *table = pt_table(root);

	/* Every fault comes here. */
#pragma GCC unroll 3
	for (unsigned level = 3; level > 0; level--) {
		uint64_t entry = table[index_at(va, level)];

		if (unlikely((entry & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT))
			return NULL;
		table = pt_table(entry & PTE_ADDRESS);
	}
	return &table[index_at(va, 0)];
}

static uint64_t *add_table(uint64_t *entry, bool user)
{
	paddr_t pa = pmm_alloc(PAGE_TABLE, PMM_ZERO);
	uint64_t *table;

	if (pa == PADDR_NONE)
		return NULL;
	if (user) {
		table = (uint64_t *)ALIGN_DOWN((uintptr_t)entry, PAGE_SIZE);
		*used_groups(table) |= 1ull << ((entry - table) / 8);
		*used_groups(pt_table(pa)) = 0;
		*spare_tables(pt_table(pa)) = 0;
	}
	/* Walks without a lock see a table that is cleared. */
	__atomic_store_n(entry, pa | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | (user ? PTE_USER : 0),
			 __ATOMIC_RELEASE);
	return pt_table(pa);
}

uint64_t *pt_make_path(paddr_t root, uint64_t va, unsigned to_level)
{
	uint64_t *table = pt_table(root);
	bool user = va < USER_END;

	for (unsigned level = 3; level > to_level; level--) {
		uint64_t *entry = &table[index_at(va, level)];

		ASSERT(!(*entry & PTE_LARGE));
		if (likely(*entry & PTE_PRESENT)) {
			table = pt_table(*entry & PTE_ADDRESS);
			continue;
		}
		if (level == 3 && !user && kernel_root_shared)
			return NULL;
		table = add_table(entry, user);
		if (!table)
			return NULL;
		if (user)
			++*tables_below(root);
	}
	return &table[index_at(va, to_level)];
}

int arch_pt_map(paddr_t root, uint64_t va, paddr_t pa, unsigned prot)
{
	uint64_t *pte;

	ASSERT(!(prot & PT_USER) == (va >= USER_END));
	if (unlikely(breaks_wx(prot)))
		return -EINVAL;
	pte = pt_make_path(root, va, 0);
	if (!pte)
		return -ENOMEM;
	WRITE_ONCE(*pte, pte_make(pa, prot));
	return 0;
}

struct pt_slot *arch_pt_slot_find(paddr_t root, uint64_t va)
{
	return (struct pt_slot *)pte_find(root, va);
}

struct pt_slot *arch_pt_slot_make(paddr_t root, uint64_t va)
{
	return (struct pt_slot *)pt_make_path(root, va, 0);
}

struct pt_slot *arch_pt_slot_next(struct pt_slot *slot)
{
	uintptr_t next = (uintptr_t)slot + sizeof(uint64_t);

	return next % PAGE_SIZE ? (struct pt_slot *)next : NULL;
}

bool arch_pt_slot_get(const struct pt_slot *slot, paddr_t *pa, unsigned *prot)
{
	uint64_t pte = READ_ONCE(*(const uint64_t *)slot);

	if (!is_mapped(pte))
		return false;
	*pa = pte_address(pte);
	*prot = pte_prot(pte);
	return true;
}

void arch_pt_slot_set(struct pt_slot *slot, paddr_t pa, unsigned prot)
{
	ASSERT(!breaks_wx(prot));
	WRITE_ONCE(*(uint64_t *)slot, pte_make(pa, prot));
}

void arch_pt_slot_clear(struct pt_slot *slot)
{
	WRITE_ONCE(*(uint64_t *)slot, 0);
}

bool arch_pt_slot_fill(struct pt_slot *slot, paddr_t pa, unsigned prot)
{
	uint64_t empty = 0;

	ASSERT(!breaks_wx(prot));
	return __atomic_compare_exchange_n((uint64_t *)slot, &empty, pte_make(pa, prot), false,
					   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

paddr_t arch_pt_unmap(paddr_t root, uint64_t va)
{
	uint64_t *pte = pte_find(root, va);
	uint64_t old;

	if (!pte || !is_mapped(*pte))
		return PADDR_NONE;
	old = *pte;
	WRITE_ONCE(*pte, 0);
	return pte_address(old);
}

bool arch_pt_query(paddr_t root, uint64_t va, paddr_t *pa, unsigned *prot)
{
	unsigned level;
	uint64_t pte = *lowest_entry(root, va, &level), span = span_at(level);

	if (!is_mapped(pte))
		return false;
	*pa = (pte_address(pte) & ~(span - 1)) | (va & (span - 1) & PAGE_MASK);
	*prot = pte_prot(pte);
	return true;
}

/* What covers an address of a user space: a lowest table, a large page, or nothing. */
struct reach {
	uint64_t *table;  /* NULL: one of the others */
	uint64_t *large;  /* the entry of a large page, or NULL */
	uint64_t skip_to; /* without a table: the first address behind the large page or the hole */
};

static struct reach reach(paddr_t root, uint64_t va)
{
	struct reach r = { 0 };
	unsigned level;
	uint64_t *entry = lowest_entry(root, va, &level);

	if (level == 0) {
		r.table = (uint64_t *)ALIGN_DOWN((uintptr_t)entry, PAGE_SIZE);
	} else {
		r.large = level == 1 && is_mapped(*entry) ? entry : NULL;
		r.skip_to = ALIGN_DOWN(va, span_at(level)) + span_at(level);
	}
	return r;
}

/* How the loops below go on behind a hole. */
static uint64_t behind_hole(uint64_t va, uint64_t skip_to, uint64_t end)
{
	return skip_to > va && skip_to < end ? skip_to : end;
}

uint64_t arch_pt_next(paddr_t root, uint64_t va, uint64_t end, paddr_t *pa, unsigned *prot)
{
	while (va < end) {
		struct reach r = reach(root, va);

		if (r.large) {
			*pa = pte_address(*r.large) | (va & (LARGE_PAGE_SIZE - 1) & PAGE_MASK);
			*prot = pte_prot(*r.large);
			return va;
		}
		if (!r.table) {
			va = behind_hole(va, r.skip_to, end);
			continue;
		}
		do {
			uint64_t pte = r.table[index_at(va, 0)];

			if (is_mapped(pte)) {
				*pa = pte_address(pte);
				*prot = pte_prot(pte);
				return va;
			}
			va += PAGE_SIZE;
		} while (va < end && index_at(va, 0) != 0);
	}
	return end;
}

/* Callers split large pages that reach out of their range. */
static inline void assert_whole(uint64_t va, uint64_t end)
{
	ASSERT(va % LARGE_PAGE_SIZE == 0 && end - va >= LARGE_PAGE_SIZE);
}

void arch_pt_protect(paddr_t root, uint64_t start, uint64_t end, unsigned prot)
{
	uint64_t va = start;

	ASSERT(!breaks_wx(prot));
	while (va < end) {
		struct reach r = reach(root, va);

		if (r.large) {
			assert_whole(va, end);
			WRITE_ONCE(*r.large, large_make(pte_address(*r.large), prot));
		}
		if (!r.table) {
			va = behind_hole(va, r.skip_to, end);
			continue;
		}
		do {
			uint64_t *pte = &r.table[index_at(va, 0)];

			if (is_mapped(*pte))
				WRITE_ONCE(*pte, pte_make(pte_address(*pte), prot) | (*pte & PTE_WATCHED));
			va += PAGE_SIZE;
		} while (va < end && index_at(va, 0) != 0);
	}
}

/* The index behind the last entry of va's lowest table that lies below end. */
static unsigned last_index(uint64_t va, uint64_t end)
{
	uint64_t pages = (end - va) >> PAGE_SHIFT;
	unsigned i = index_at(va, 0);

	return pages < ENTRIES - i ? i + (unsigned)pages : ENTRIES;
}

/* The first entry from i on that may be in use, at most `last`: groups of nothing are passed over at once. */
static inline unsigned pass_empty(const uint64_t *table, unsigned i, unsigned last)
{
	for (; i % 8 == 0 && i + 8 <= last; i += 8) {
		const uint64_t *group = &table[i];

		if (group[0] | group[1] | group[2] | group[3] | group[4] | group[5] | group[6] | group[7])
			break;
	}
	return i;
}

unsigned arch_pt_unmap_range(paddr_t root, uint64_t *at, uint64_t end, paddr_t *pa, unsigned max)
{
	uint64_t va = *at;
	unsigned n = 0;

	while (va < end && n < max) {
		struct reach r = reach(root, va);
		uint64_t *table = r.table;

		if (r.large) {
			assert_whole(va, end);
			pa[n++] = pte_address(*r.large) | PT_FRAME_LARGE;
			large_clear(root, r.large);
		}
		if (!table) {
			va = behind_hole(va, r.skip_to, end);
			continue;
		}
		unsigned i = index_at(va, 0), first = i, last = last_index(va, end);

		for (; i < last && n < max; i++) {
			uint64_t pte;

			i = pass_empty(table, i, last);
			if (i == last)
				break;
			pte = table[i];
			if (!is_mapped(pte))
				continue;
			pa[n++] = pte_address(pte);
			WRITE_ONCE(table[i], 0);
		}
		va += (uint64_t)(i - first) << PAGE_SHIFT;
	}
	*at = va;
	return n;
}

int arch_pt_share(paddr_t from, paddr_t to, uint64_t *at, uint64_t end, unsigned prot, paddr_t *pa,
		  unsigned max)
{
	uint64_t va = *at;
	unsigned n = 0;

	while (va < end && n < max) {
		struct reach r = reach(from, va);
		uint64_t *table = r.table, *copy = NULL;

		if (r.large) {
			assert_whole(va, end);
			pa[n] = pte_address(*r.large) | PT_FRAME_LARGE;
			if (arch_pt_map_large(to, va, pa[n] & ~PT_FRAME_LARGE, prot) < 0) {
				*at = va;
				return n > 0 ? (int)n : -ENOMEM;
			}
			WRITE_ONCE(*r.large, large_make(pte_address(*r.large), prot));
			n++;
		}
		if (!table) {
			va = behind_hole(va, r.skip_to, end);
			continue;
		}
		unsigned i = index_at(va, 0), first = i, last = last_index(va, end);

		for (; i < last && n < max; i++) {
			i = pass_empty(table, i, last);
			if (i == last)
				break;
			if (!is_mapped(table[i]))
				continue;
			if (!copy)
				copy = pt_make_path(to, va, 0);
			if (!copy) {
				*at = va;
				return n > 0 ? (int)n : -ENOMEM;
			}
			pa[n] = pte_address(table[i]);
			copy[i - first] = pte_make(pa[n++], prot);
			WRITE_ONCE(table[i], copy[i - first] | (table[i] & PTE_WATCHED));
		}
		va += (uint64_t)(i - first) << PAGE_SHIFT;
	}
	*at = va;
	return (int)n;
}

/* Roots that were in use before: their lower half is empty and their upper half is the kernel's for good. */
static struct spinlock ready_lock = SPINLOCK_INIT("page table roots", RANK_PMM);
static paddr_t ready_roots[16];
static unsigned ready_count;

static paddr_t take_ready_root(void)
{
	uint64_t irq = spin_lock_irqsave(&ready_lock);
	paddr_t pa = ready_count > 0 ? ready_roots[--ready_count] : PADDR_NONE;

	spin_unlock_irqrestore(&ready_lock, irq);
	return pa;
}

static bool keep_root(paddr_t pa)
{
	uint64_t irq = spin_lock_irqsave(&ready_lock);
	bool kept = ready_count < ARRAY_SIZE(ready_roots);

	if (kept)
		ready_roots[ready_count++] = pa;
	spin_unlock_irqrestore(&ready_lock, irq);
	return kept;
}

int arch_pt_create(paddr_t *root)
{
	paddr_t pa = take_ready_root();
	uint64_t *table;

	if (pa == PADDR_NONE) {
		pa = pmm_alloc(PAGE_TABLE, PMM_ZERO);
		if (pa == PADDR_NONE)
			return -ENOMEM;
		table = pt_table(pa);
		memcpy(table + USER_ENTRIES, pt_table(kernel_root) + USER_ENTRIES,
		       USER_ENTRIES * sizeof(*table));
		WRITE_ONCE(kernel_root_shared, true);
	}
	*used_groups(pt_table(pa)) = 0;
	*tables_below(pa) = 0;
	*root = pa;
	return 0;
}

uint64_t arch_pt_table_count(paddr_t root)
{
	return *tables_below(root) + 1;
}

struct trim {
	uint64_t low, high; /* nothing is mapped in between */
	paddr_t *tables;
	unsigned count, max;
};

/* Take tables out below `table`, the lowest level first.  Stops when there is no more room for them. */
static void trim_table(struct trim *t, uint64_t *table, unsigned level, uint64_t start, uint64_t end)
{
	uint64_t span = span_at(level);
	uintptr_t groups = *used_groups(table);

	for (uint64_t base = ALIGN_DOWN(start, span); base < end && t->count < t->max; base += span) {
		uint64_t *entry = &table[index_at(base, level)];
		bool whole = base >= t->low && base + span <= t->high;
		uintptr_t ahead = groups >> (index_at(base, level) / 8);

		if (!ahead)
			break;
		if (!(ahead & 1)) { /* to the next group in use; all of the range lies in this table */
			base = ALIGN_DOWN(base, 8 * span) + ((uint64_t)__builtin_ctzll(ahead) * 8 - 1) * span;
			continue;
		}
		if (!(*entry & PTE_PRESENT) || (*entry & PTE_LARGE))
			continue;
		if (level > 1) /* a table that goes leaves none below it behind */
			trim_table(t, pt_table(*entry & PTE_ADDRESS), level - 1,
				   whole ? base : MAX(base, start),
				   whole ? base + span : MIN(base + span, end));
		if (!whole || t->count == t->max)
			continue;
		t->tables[t->count++] = *entry & PTE_ADDRESS;
		WRITE_ONCE(*entry, 0);
	}
}

unsigned arch_pt_trim(paddr_t root, uint64_t start, uint64_t end, uint64_t low, uint64_t high,
		      paddr_t *tables, unsigned max)
{
	struct trim t = { .low = low, .high = high, .tables = tables, .max = max };

	trim_table(&t, pt_table(root), 3, start, end);
	*tables_below(root) -= t.count;
	return t.count;
}

static void free_table(paddr_t pa, unsigned level);

/* Free what lies below a table and leave its lower half empty. */
static void empty_table(uint64_t *table, unsigned level)
{
	for (uintptr_t groups = *used_groups(table); groups != 0; groups &= groups - 1) {
		uint64_t *group = table + 8 * (unsigned)__builtin_ctzll(groups);

		for (unsigned i = 0; i < 8; i++) {
			if (group[i])
				free_table(group[i] & PTE_ADDRESS, level - 1);
			group[i] = 0;
		}
	}
}

static void free_table(paddr_t pa, unsigned level)
{
	if (level > 0)
		empty_table(pt_table(pa), level);
	/* The caller of arch_pt_destroy has unmapped every page. */
	pmm_free_zeroed(pa);
}

void arch_pt_destroy(paddr_t root)
{
	ASSERT(root != kernel_root && root != arch_pt_current());
	empty_table(pt_table(root), 3);
	if (!keep_root(root))
		pmm_free(root);
}

#define ASID_COUNT 4095u

unsigned arch_asid_count(void)
{
	return cpu_features.pcid ? ASID_COUNT : 0;
}

void arch_pt_load(paddr_t root)
{
	cr3_write(root);
}

paddr_t arch_pt_current(void)
{
	return cr3_read() & PTE_ADDRESS;
}

paddr_t arch_pt_kernel_root(void)
{
	return kernel_root;
}

void arch_tlb_flush_page(uint64_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

void arch_tlb_flush_user(void)
{
	/* Read without bit 63: what has this identifier goes, and the kernel's global entries stay. */
	cr3_write(cr3_read());
}

#define INVPCID_ALL 2 /* every identifier, and the global entries */

static void invpcid_all(void)
{
	const struct {
		uint64_t pcid, address;
	} descriptor = { 0, 0 };

	__asm__ volatile("invpcid %0, %1" : : "m"(descriptor), "r"((uint64_t)INVPCID_ALL) : "memory");
}

void arch_tlb_flush_all(void)
{
	uint64_t flags, cr4;

	if (cpu_features.invpcid) {
		invpcid_all();
		return;
	}
	flags = arch_irq_save();
	cr4 = cr4_read();
	/* Changing PGE drops everything, of all identifiers. */
	cr4_write(cr4 & ~CR4_PGE);
	cr4_write(cr4);
	arch_irq_restore(flags);
}

paddr_t arch_phys_end(void)
{
	return 1ull << cpu_features.phys_bits;
}

void arch_paging_init(const struct boot_info *bi)
{
	kernel_root = arch_boot_pml4;
	image_delta = (uint64_t)__kernel_start - bi->kernel_base;
	ASSERT(arch_pt_current() == kernel_root);
	paging_init_cpu();
}

void paging_init_cpu(void)
{
	/* CPUs with NX all have the PAT. */
	msr_write(MSR_PAT, PAT_WITH_WC);
	arch_tlb_flush_all();
}

/* Lower half of a new root: one page at its own physical address, to be read and executed. */
static bool map_low_page(paddr_t root, paddr_t page)
{
	uint64_t *table = pt_table(root);

	for (unsigned level = 3; level > 0; level--) {
		paddr_t next = pmm_alloc(PAGE_TABLE, PMM_ZERO | PMM_DMA32);

		if (next == PADDR_NONE)
			return false;
		table[index_at(page, level)] = next | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;
		table = pt_table(next);
	}
	table[index_at(page, 0)] = page | PTE_PRESENT | PTE_ACCESSED;
	return true;
}

paddr_t paging_start_root(paddr_t page)
{
	paddr_t root = pmm_alloc(PAGE_TABLE, PMM_ZERO | PMM_DMA32);

	if (root == PADDR_NONE)
		return PADDR_NONE;
	memcpy(pt_table(root) + USER_ENTRIES, pt_table(kernel_root) + USER_ENTRIES,
	       USER_ENTRIES * sizeof(uint64_t));
	if (!map_low_page(root, page)) {
		paging_free_start_root(root, page);
		return PADDR_NONE;
	}
	return root;
}

void paging_free_start_root(paddr_t root, paddr_t page)
{
	paddr_t tables[4] = { root };
	unsigned n = 1;

	for (unsigned level = 3; level > 0; level--) {
		uint64_t entry = pt_table(tables[n - 1])[index_at(page, level)];

		if (!(entry & PTE_PRESENT))
			break;
		tables[n++] = entry & PTE_ADDRESS;
	}
	while (n > 0)
		pmm_free(tables[--n]);
}

/* Count the entries below one of the direct map that map memory. */
static void count_mapped(uint64_t entry, unsigned level, uint64_t counts[3])
{
	const uint64_t *table = pt_table(entry & PTE_ADDRESS);

	if (!(entry & PTE_PRESENT))
		return;
	if (level == 0 || (entry & PTE_LARGE)) {
		counts[level]++;
		return;
	}
	for (unsigned i = 0; i < ENTRIES; i++)
		count_mapped(table[i], level - 1, counts);
}

void arch_direct_map_counts(uint64_t counts[3])
{
	const uint64_t *root = pt_table(kernel_root);

	memset(counts, 0, 3 * sizeof(*counts));
	for (unsigned i = index_at(arch_direct_map_base, 3); i < index_at(KERNEL_HEAP_BASE, 3); i++)
		count_mapped(root[i], 3, counts);
}

bool pt_split_kernel(uint64_t *entry, unsigned level)
{
	paddr_t pa = pmm_alloc(PAGE_TABLE, 0);
	uint64_t *table, step = span_at(level - 1), old = *entry;

	if (pa == PADDR_NONE)
		return false;
	table = pt_table(pa);
	for (uint64_t i = 0; i < ENTRIES; i++)
		table[i] = (old + i * step) & ~(level == 1 ? PTE_LARGE : 0);
	atomic_thread_fence(memory_order_release);
	WRITE_ONCE(*entry, pa | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED);
	return true;
}

/* The 4 KiB entry for a mapped kernel address, large pages split on the way. */
static uint64_t *kernel_pte(uint64_t va)
{
	uint64_t *table = pt_table(kernel_root);

	for (unsigned level = 3; level > 0; level--) {
		uint64_t *entry = &table[index_at(va, level)];

		if ((*entry & PTE_LARGE) && !pt_split_kernel(entry, level))
			panic("out of memory while sealing the kernel");
		table = pt_table(*entry & PTE_ADDRESS);
	}
	return &table[index_at(va, 0)];
}

static void seal_pages(const char *from, const char *to)
{
	for (uint64_t va = (uint64_t)from; va < (uint64_t)to; va += PAGE_SIZE) {
		*kernel_pte(va) &= ~PTE_WRITE;
		*kernel_pte(arch_direct_map_base + va - image_delta) &= ~PTE_WRITE;
	}
}

static void flush_all_here(void *unused)
{
	(void)unused;
	arch_tlb_flush_all();
}

/* Start-up's code and data lose their addresses in the image; their frames become ordinary memory. */
static void drop_init(void)
{
	uint64_t size = (uint64_t)(__init_end - __init_start);

	for (uint64_t va = (uint64_t)__init_start; va < (uint64_t)__init_end; va += PAGE_SIZE)
		*kernel_pte(va) = 0;
	smp_call(&CPUMASK_ALL, flush_all_here, NULL);
	pmm_add_range((uint64_t)__init_start - image_delta, size);
	pr_info("start-up memory freed: %lu KiB", size >> 10);
}

void paging_seal(void)
{
	seal_pages(__ro_after_init_start, __ro_after_init_end);
	drop_init();
}
