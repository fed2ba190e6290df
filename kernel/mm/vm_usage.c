/* SPDX-License-Identifier: BSD-2-Clause */
/* What ranges of a space hold, page by page: /proc/pid/smaps. */
#include <arch/paging.h>
#include <kernel/vm.h>

#include "vm_priv.h"

/* Every mapping holds a reference, and an object one more.  Who looks at a page just now may add to that. */
static uint32_t sharers(const struct page *page)
{
	uint32_t refs = refcount_read(&page->refs);

	return page->use == PAGE_ANON || refs == 1 ? refs : refs - 1;
}

static void add_page(struct vm_usage *u, const struct page *page)
{
	uint32_t n = sharers(page);

	u->resident++;
	u->proportional += (1ull << VM_USAGE_SHIFT) / MAX(n, 1u);
	u->shared += n > 1;
	u->anonymous += page->use == PAGE_ANON;
}

void vm_measure(struct vm_space *vm, uint64_t start, uint64_t end, struct vm_usage *out)
{
	unsigned prot;
	paddr_t pa;

	*out = (struct vm_usage){ 0 };
	read_lock(&vm->lock);
	while (start < end) {
		spin_lock(&vm->pt_lock);
		start = arch_pt_next(vm->root, start, end, &pa, &prot);
		if (start < end) {
			add_page(out, page_of(pa));
			out->large += arch_pt_query_large(vm->root, start, &pa, &prot);
		}
		spin_unlock(&vm->pt_lock);
		start += PAGE_SIZE;
	}
	read_unlock(&vm->lock);
}
