/* SPDX-License-Identifier: BSD-2-Clause */
/* What ranges of a space hold, page by page: /proc/pid/smaps, numa_maps and pagemap. */
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

void vm_measure_nodes(struct vm_space *vm, uint64_t start, uint64_t end, struct vm_node_usage *out)
{
	const struct page *page;
	unsigned prot;
	paddr_t pa;

	*out = (struct vm_node_usage){ 0 };
	read_lock(&vm->lock);
	for (; start < end; start += PAGE_SIZE) {
		spin_lock(&vm->pt_lock);
		start = arch_pt_next(vm->root, start, end, &pa, &prot);
		if (start < end) {
			page = page_of(pa);
			out->pages[page_node(page)]++;
			out->mapped++;
			out->anonymous += page->use == PAGE_ANON;
			out->most_mapped = MAX(out->most_mapped, (uint64_t)sharers(page));
		}
		spin_unlock(&vm->pt_lock);
	}
	read_unlock(&vm->lock);
}

static struct vm_page_look look_at(paddr_t pa, unsigned prot)
{
	const struct page *page = page_of(pa);

	return (struct vm_page_look){
		.frame = pa >> PAGE_SHIFT,
		.mapped = true,
		.anonymous = page->use == PAGE_ANON,
		.exclusive = sharers(page) == 1,
		.watched = prot & PT_WATCHED,
	};
}

void vm_look_at_pages(struct vm_space *vm, uint64_t start, unsigned count, struct vm_page_look *out)
{
	uint64_t end = start + count * PAGE_SIZE, va = start;
	unsigned prot;
	paddr_t pa;

	for (unsigned i = 0; i < count; i++)
		out[i] = (struct vm_page_look){ 0 };
	read_lock(&vm->lock);
	spin_lock(&vm->pt_lock);
	for (; (va = arch_pt_next(vm->root, va, end, &pa, &prot)) < end; va += PAGE_SIZE)
		out[(va - start) >> PAGE_SHIFT] = look_at(pa, prot);
	spin_unlock(&vm->pt_lock);
	read_unlock(&vm->lock);
}
