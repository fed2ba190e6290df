/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: address spaces.  A page table is named by the physical address of its root.
 * The caller (mm/) serialises changes to one page table: vm_space.pt_lock, or the kernel space's lock.
 */
#pragma once

#include <arch/paging_impl.h>
#include <kernel/types.h>

#define USER_MIN 0x10000ull            /* mmap_min_addr: null pointers with offsets stay unmapped */
#define USER_END 0x00007ffffffff000ull /* one guard page below the canonical hole */

#define KERNEL_BASE      0xffff800000000000ull /* from here on all is the kernel's */
#define KERNEL_HEAP_BASE 0xffffc00000000000ull /* vmalloc: stacks, MMIO windows, page array */
#define KERNEL_HEAP_END  0xffffe00000000000ull

/* Protection and kind of a mapping.  PT_WRITE and PT_EXEC together are refused without PT_USER (W^X). */
#define PT_READ     (1u << 0)
#define PT_WRITE    (1u << 1)
#define PT_EXEC     (1u << 2)
#define PT_USER     (1u << 3)
#define PT_UNCACHED (1u << 4) /* device registers */
#define PT_WC       (1u << 5) /* write-combining: framebuffers */
/* Means nothing to the machine, and only arch_pt_slot_set takes it away: whoever wants to write has to
 * ask. */
#define PT_WATCHED (1u << 6)

/* Start of the direct map of RAM, chosen at random by the boot code in [KERNEL_BASE, KERNEL_HEAP_BASE). */
extern uint64_t arch_direct_map_base;

static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(uintptr_t)(arch_direct_map_base + pa);
}

static inline paddr_t virt_to_phys(const void *va) /* direct-map addresses only */
{
	return (paddr_t)(uintptr_t)va - arch_direct_map_base;
}

/* A page table for a new user space, with the kernel half shared in.  -ENOMEM. */
int arch_pt_create(paddr_t *root) __attribute__((warn_unused_result));
/* Free the tables of the user half, where nothing is mapped any more, and the root; not loaded on any CPU. */
void arch_pt_destroy(paddr_t root);
/* Map one 4 KiB page, replacing what was there.  -ENOMEM for a missing table, -EINVAL for W and X of the
 * kernel's. */
int arch_pt_map(paddr_t root, uint64_t va, paddr_t pa, unsigned prot) __attribute__((warn_unused_result));
/* Remove one page; returns its physical address or PADDR_NONE. The caller flushes. */
paddr_t arch_pt_unmap(paddr_t root, uint64_t va);
/* The place of one page's entry, good as long as its table stays.  find: NULL when there is no table, and it
 * may run beside others that add tables.  make: with the tables on the way made; NULL: out of memory. */
struct pt_slot;
struct pt_slot *arch_pt_slot_find(paddr_t root, uint64_t va);
struct pt_slot *arch_pt_slot_make(paddr_t root, uint64_t va);
/* That of the page behind it; NULL: not in this table. */
struct pt_slot *arch_pt_slot_next(struct pt_slot *slot);
bool arch_pt_slot_get(const struct pt_slot *slot, paddr_t *pa, unsigned *prot);
void arch_pt_slot_set(struct pt_slot *slot, paddr_t pa, unsigned prot);
void arch_pt_slot_clear(struct pt_slot *slot); /* the caller flushes */
/* Fill an empty entry.  False: somebody else has filled it meanwhile. */
bool arch_pt_slot_fill(struct pt_slot *slot, paddr_t pa, unsigned prot);
/* Look up, the frame of a small page even inside a large one.  Returns false when nothing is mapped. */
bool arch_pt_query(paddr_t root, uint64_t va, paddr_t *pa, unsigned *prot);
/*
 * Large pages, of user spaces: LARGE_PAGE_SIZE bytes by one entry, va and pa aligned to it.  The functions on
 * ranges below take them as a whole and report them as one frame with PT_FRAME_LARGE set in its address;
 * arch_pt_map, arch_pt_unmap and arch_pt_slot want none at their address.  The caller splits those that
 * reach out of its range first.
 */
#define LARGE_PAGE_SIZE   (2ull << 20)
#define LARGE_PAGE_FRAMES 512u
#define PT_FRAME_LARGE    1ull
/* Map one where no table is: arch_pt_slot_find says NULL and arch_pt_query_large false.  -ENOMEM. */
int arch_pt_map_large(paddr_t root, uint64_t va, paddr_t pa, unsigned prot)
	__attribute__((warn_unused_result));
/* Is va in a large page?  *pa is its first frame. */
bool arch_pt_query_large(paddr_t root, uint64_t va, paddr_t *pa, unsigned *prot);
/* Change the rights of the large page that va is in.  The caller flushes. */
void arch_pt_protect_large(paddr_t root, uint64_t va, unsigned prot);
/* Make small pages of the large one that va is in, alike in all; false: there is none.  Needs no memory.  The
 * caller flushes all of the large page before it changes one of the small ones. */
bool arch_pt_split_large(paddr_t root, uint64_t va);
/* How many small pages are mapped in the stretch of LARGE_PAGE_SIZE around va; all for a large page. */
unsigned arch_pt_density(paddr_t root, uint64_t va);

/* Change the protection of every page mapped in [start, end); what is watched stays so.  The caller
 * flushes. */
void arch_pt_protect(paddr_t root, uint64_t start, uint64_t end, unsigned prot);
/* The first mapped page at or after va and below end, or `end`: skips absent tables quickly. */
uint64_t arch_pt_next(paddr_t root, uint64_t va, uint64_t end, paddr_t *pa, unsigned *prot);
/* Unmap up to `max` pages in [*at, end) and store their addresses; *at moves behind them.  Returns how many:
 * fewer than `max` only at the end.  The caller flushes. */
unsigned arch_pt_unmap_range(paddr_t root, uint64_t *at, uint64_t end, paddr_t *pa, unsigned max);
/* Map up to `max` of the pages that `from` maps in [*at, end) at the same place in `to`, with `prot` on both
 * sides (`from` goes on watching what it does); store their addresses and move *at behind them.  Returns how
 * many, or -ENOMEM when the first of them has no table.  The caller flushes. */
int arch_pt_share(paddr_t from, paddr_t to, uint64_t *at, uint64_t end, unsigned prot, paddr_t *pa,
		  unsigned max) __attribute__((warn_unused_result));
/* Take out up to `max` tables that cover [start, end) or parts of it, and nothing outside [low, high), where
 * no page is mapped; they are all zeroes.  Returns how many.  The caller flushes and frees them. */
unsigned arch_pt_trim(paddr_t root, uint64_t start, uint64_t end, uint64_t low, uint64_t high,
		      paddr_t *tables, unsigned max);
/* How many frames a user space's tables take, the root included. */
uint64_t arch_pt_table_count(paddr_t root);
/* Load a root, and drop on this CPU what is not global; the kernel's own root goes in this way. */
void arch_pt_load(paddr_t root);
/* Inline, in <arch/paging_impl.h>:
 *	void arch_pt_load_tagged(paddr_t root, unsigned asid, bool keep)
 * Load a user root under an address-space identifier, 1 to arch_asid_count(): translations made under it are
 * used again, or (`keep` false) dropped first.  Without identifiers asid is 0 and nothing can be kept. */
unsigned arch_asid_count(void); /* 0: the machine does not tag translations */
/* One past the highest physical address that the processor can name: a mapping beyond it would fault. */
paddr_t arch_phys_end(void);
paddr_t arch_pt_current(void); /* the root loaded on this CPU */
paddr_t arch_pt_kernel_root(void);

/* Take one frame of RAM out of the direct map; the caller flushes, on every CPU.  -ENOMEM: a table for what
 * is left of a large page.  Restoring needs neither memory nor a flush. */
int arch_direct_map_remove(paddr_t pa) __attribute__((warn_unused_result));
void arch_direct_map_restore(paddr_t pa);
/* Pages of 4 KiB, 2 MiB and 1 GiB that map RAM in the kernel half. */
void arch_direct_map_counts(uint64_t counts[3]);

/* Whole pages at page-aligned kernel addresses. */
void arch_clear_page(void *page);
void arch_copy_page(void *to, const void *from);

/* Flush translations on this CPU (other CPUs: mm/ sends the request there). */
void arch_tlb_flush_page(uint64_t va); /* of the loaded root, or the kernel half */
void arch_tlb_flush_user(void);        /* all of the loaded root */
void arch_tlb_flush_all(void);         /* everything, global entries and other identifiers included */

/* Before the frame allocator: look at any physical memory, firmware's tables say.  NULL: too large, or beyond
 * what the processor can name.  What was mapped last is unmapped first. */
const void *arch_early_map(paddr_t pa, size_t len);
void arch_early_unmap(const void *ptr, size_t len);

/* Take over the boot page tables and build the final kernel half: W^X image, direct map of all RAM. */
struct boot_info;
void arch_paging_init(const struct boot_info *bi);
/* Walk all kernel tables and check: no page writable and executable, no user bit in the kernel half.
 * Returns the number of violations; each is logged. */
unsigned arch_paging_audit(void);
