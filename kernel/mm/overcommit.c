/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/overcommit.h>

#include <kernel/pmm.h>
#include <serix/errno.h>

struct overcommit_settings overcommit = { .mode = OVERCOMMIT_HEURISTIC, .ratio = 50 };

static _Atomic uint64_t committed; /* pages */

uint64_t committed_pages(void)
{
	return atomic_load_explicit(&committed, memory_order_relaxed);
}

uint64_t commit_limit_pages(void)
{
	uint64_t kbytes = atomic_load_explicit(&overcommit.kbytes, memory_order_relaxed);

	if (kbytes)
		return kbytes / (PAGE_SIZE / 1024);
	return (pmm_total_memory() >> PAGE_SHIFT) *
	       atomic_load_explicit(&overcommit.ratio, memory_order_relaxed) / 100;
}

static bool refused(uint64_t pages, uint64_t sum)
{
	switch ((enum overcommit_mode)atomic_load_explicit(&overcommit.mode, memory_order_relaxed)) {
	case OVERCOMMIT_HEURISTIC:
		return pages > pmm_total_memory() >> PAGE_SHIFT;
	case OVERCOMMIT_ALWAYS:
		return false;
	case OVERCOMMIT_NEVER:
		return sum > commit_limit_pages();
	}
	return true;
}

int commit_pages(uint64_t pages)
{
	uint64_t sum = atomic_fetch_add_explicit(&committed, pages, memory_order_relaxed) + pages;

	if (!refused(pages, sum))
		return 0;
	uncommit_pages(pages);
	return -ENOMEM;
}

void uncommit_pages(uint64_t pages)
{
	atomic_fetch_sub_explicit(&committed, pages, memory_order_relaxed);
}
