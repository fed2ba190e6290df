/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The proof of W^X: a walk over every entry of the kernel half.  A page must not be writable and executable,
 * must not be reachable from user mode, and code must have no writable alias in the direct map.
 */
#include <arch/paging.h>
#include <arch/shadow.h>

#include <kernel/printk.h>

#include "paging_priv.h"

#define MAX_REPORTS 16

extern char __rodata_start[], __text_end[];

struct audit {
	unsigned violations;
	paddr_t protected_start, protected_end; /* physical: the image's constants and code */
};

static void report(struct audit *a, uint64_t va, uint64_t pte, const char *what)
{
	if (a->violations++ < MAX_REPORTS)
		pr_err("page tables: %#lx is %s (entry %#lx)", va, what, pte);
}

static void audit_leaf(struct audit *a, uint64_t va, uint64_t pte, uint64_t size, uint64_t rights)
{
	paddr_t pa = pte & PTE_ADDRESS & ~(size - 1);

	if ((rights & PTE_WRITE) && !(rights & PTE_NX))
		report(a, va, pte, "writable and executable");
	if (rights & PTE_USER)
		report(a, va, pte, "open to user mode");
	if ((rights & PTE_WRITE) && pa < a->protected_end && a->protected_start < pa + size)
		report(a, va, pte, "a writable alias of kernel code or constants");
	if (!(rights & PTE_NX) && va < (uint64_t)__rodata_start)
		report(a, va, pte, "executable outside the image");
}

/* `rights` of the tables above: write and user need every level, no-execute any. */
static void audit_table(struct audit *a, paddr_t table_pa, unsigned level, uint64_t base, uint64_t rights)
{
	const uint64_t *table = pt_table(table_pa);
	uint64_t span = 1ull << (PAGE_SHIFT + 9 * level);

	for (unsigned i = level == 3 ? ENTRIES / 2 : 0; i < ENTRIES; i++) {
		uint64_t pte = table[i], va = base + i * span;
		uint64_t below = (rights & pte & (PTE_WRITE | PTE_USER)) | ((rights | pte) & PTE_NX);

		if (!(pte & PTE_PRESENT))
			continue;
		if (level == 3)
			va |= 0xffff000000000000ull;
		/* One page, mapped billions of times. */
		if (WITH_SHADOW && va >= SHADOW_START && va < SHADOW_END)
			continue;
		if (level == 0 || (pte & PTE_LARGE))
			audit_leaf(a, va, pte, span, below);
		else
			audit_table(a, pte & PTE_ADDRESS, level - 1, va, below);
	}
}

unsigned arch_paging_audit(void)
{
	struct audit a = { 0 };
	unsigned prot;

	if (!arch_pt_query(arch_pt_kernel_root(), (uint64_t)__rodata_start, &a.protected_start, &prot))
		report(&a, (uint64_t)__rodata_start, 0, "not mapped");
	a.protected_end = a.protected_start + (paddr_t)(__text_end - __rodata_start);
	audit_table(&a, arch_pt_kernel_root(), 3, 0, PTE_WRITE | PTE_USER);
	return a.violations;
}
