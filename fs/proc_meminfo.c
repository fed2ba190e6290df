/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/meminfo, vmstat, zoneinfo, buddyinfo, slabinfo: what all memory is used for.  Formats are Linux's.
 *
 * Rows that Linux has not: DmaMem, SecretMem and KernelOther, so that MemFree, AnonPages, Cached, Slab,
 * KernelStack, PageTables and they add up to MemTotal.  Every cached page belongs to a file in memory, which
 * is why Shmem is all of Cached and nothing is ever dirty.
 */
#include "proc_priv.h"

#include <arch/paging.h>
#include <kernel/overcommit.h>
#include <kernel/percpu.h>
#include <kernel/pmm.h>
#include <kernel/reclaim.h>
#include <kernel/slab.h>
#include <kernel/vm.h>
#include <kernel/vmalloc.h>

#define KIB_PER_PAGE (PAGE_SIZE / 1024)

struct slab_pages {
	uint64_t reclaimable, unreclaimable;
};

static struct slab_pages slab_pages(const struct pmm_stats *s)
{
	struct slab_pages pages = { 0, s->used[PAGE_SLAB] };
	struct slab_stats cache;

	for (size_t i = 0; slab_get_stats(i, &cache); i++)
		pages.reclaimable += cache.reclaimable ? cache.pages : 0;
	pages.reclaimable = MIN(pages.reclaimable, pages.unreclaimable);
	pages.unreclaimable -= pages.reclaimable;
	return pages;
}

/* What programs can get before others suffer: the last frames of each zone are not for them. */
static uint64_t available_pages(const struct pmm_stats *s)
{
	uint64_t pages = s->free_pages + reclaimable_pages();
	struct reclaim_stats r;

	reclaim_get_stats(&r);
	return pages - MIN(r.min_pages, pages);
}

/* --- meminfo ----------------------------------------------------------------------------------------- */

static void memory_row(struct proc_text *t, const char *name, uint64_t pages)
{
	text_printf(t, "%-15s %8lu kB\n", name, pages * KIB_PER_PAGE);
}

static void none_rows(struct proc_text *t, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memory_row(t, names[i], 0);
}

/* Nothing is swapped, so what programs hold is active. */
static void rows_of_programs(struct proc_text *t, const struct pmm_stats *s)
{
	static const char *const no_swap[] = { "Inactive(anon):", "Active(file):", "Inactive(file):",
					       "SwapTotal:",      "SwapFree:",     "Dirty:",
					       "Writeback:" };
	uint64_t anon = s->used[PAGE_ANON], cached = s->used[PAGE_CACHE];

	memory_row(t, "Buffers:", 0);
	memory_row(t, "Cached:", cached);
	memory_row(t, "SwapCached:", 0);
	memory_row(t, "Active:", anon + cached);
	memory_row(t, "Inactive:", 0);
	memory_row(t, "Active(anon):", anon + cached);
	none_rows(t, no_swap, ARRAY_SIZE(no_swap));
	memory_row(t, "AnonPages:", anon);
	memory_row(t, "Shmem:", cached);
}

static void rows_of_kernel(struct proc_text *t, const struct pmm_stats *s)
{
	struct slab_pages slab = slab_pages(s);

	memory_row(t, "KReclaimable:", slab.reclaimable);
	memory_row(t, "Slab:", slab.reclaimable + slab.unreclaimable);
	memory_row(t, "SReclaimable:", slab.reclaimable);
	memory_row(t, "SUnreclaim:", slab.unreclaimable);
	memory_row(t, "KernelStack:", s->used[PAGE_STACK]);
	memory_row(t, "PageTables:", s->used[PAGE_TABLE]);
	memory_row(t, "DmaMem:", s->used[PAGE_DMA]);
	memory_row(t, "SecretMem:", s->used[PAGE_SECURE]);
	memory_row(t, "KernelOther:", s->used[PAGE_KERNEL]);
}

static void rows_of_mappings(struct proc_text *t)
{
	uint64_t direct[3];

	memory_row(t, "CommitLimit:", commit_limit_pages());
	memory_row(t, "Committed_AS:", committed_pages());
	memory_row(t, "VmallocTotal:", vmalloc_total_pages());
	memory_row(t, "VmallocUsed:", vmalloc_used_pages());
	memory_row(t, "VmallocChunk:", 0);
	memory_row(t, "AnonHugePages:", vm_large_mapped_pages());
	/* No pool of large pages is set aside. */
	text_printf(t, "HugePages_Total:   %5d\nHugePages_Free:    %5d\n", 0, 0);
	text_printf(t, "HugePages_Rsvd:    %5d\nHugePages_Surp:    %5d\n", 0, 0);
	memory_row(t, "Hugepagesize:", 512);
	memory_row(t, "Hugetlb:", 0);
	arch_direct_map_counts(direct);
	memory_row(t, "DirectMap4k:", direct[0]);
	memory_row(t, "DirectMap2M:", direct[1] << 9);
	memory_row(t, "DirectMap1G:", direct[2] << 18);
}

int proc_show_meminfo(struct proc_text *t, const struct proc_node *node)
{
	struct pmm_stats s;

	(void)node;
	pmm_get_stats(&s);
	memory_row(t, "MemTotal:", s.total_pages);
	memory_row(t, "MemFree:", s.free_pages);
	memory_row(t, "MemAvailable:", available_pages(&s));
	rows_of_programs(t, &s);
	rows_of_kernel(t, &s);
	rows_of_mappings(t);
	return 0;
}

/* --- vmstat ------------------------------------------------------------------------------------------ */

static uint64_t page_faults(void)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		sum += atomic_load_explicit(&cpus[cpu]->page_faults, memory_order_relaxed);
	return sum;
}

static void vmstat_pages(struct proc_text *t, const struct pmm_stats *s)
{
	struct slab_pages slab = slab_pages(s);

	text_printf(t, "nr_free_pages %lu\nnr_active_anon %lu\nnr_anon_pages %lu\n", s->free_pages,
		    s->used[PAGE_ANON] + s->used[PAGE_CACHE], s->used[PAGE_ANON]);
	text_printf(t, "nr_file_pages %lu\nnr_shmem %lu\nnr_dirty 0\nnr_writeback 0\n", s->used[PAGE_CACHE],
		    s->used[PAGE_CACHE]);
	text_printf(t, "nr_slab_reclaimable %lu\nnr_slab_unreclaimable %lu\n", slab.reclaimable,
		    slab.unreclaimable);
	text_printf(t, "nr_page_table_pages %lu\nnr_kernel_stack %lu\n", s->used[PAGE_TABLE],
		    s->used[PAGE_STACK] * KIB_PER_PAGE);
	text_printf(t, "nr_anon_transparent_hugepages %lu\n", vm_large_mapped_pages() >> 9);
}

int proc_show_vmstat(struct proc_text *t, const struct proc_node *node)
{
	struct reclaim_stats r;
	struct pmm_stats s;

	(void)node;
	pmm_get_stats(&s);
	reclaim_get_stats(&r);
	vmstat_pages(t, &s);
	/* Nothing is read from a disk to resolve a fault, nothing is swapped. */
	text_printf(t, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n");
	text_printf(t, "pgalloc %lu\npgfree %lu\npgfault %lu\npgmajfault 0\n", s.allocated, s.freed,
		    page_faults());
	text_printf(t, "pgsteal_kswapd %lu\npgsteal_direct %lu\nallocstall %lu\n", r.stolen_kreclaim,
		    r.stolen_direct, r.stalls);
	return 0;
}

/* --- zones ------------------------------------------------------------------------------------------- */

int proc_show_zoneinfo(struct proc_text *t, const struct proc_node *node)
{
	struct pmm_zone_stats z;

	(void)node;
	for (size_t i = 0; pmm_get_zone(i, &z); i++) {
		text_printf(t, "Node %u, zone %8s\n  pages free     %lu\n        min      %lu\n", z.node,
			    z.name, z.free, z.reserve);
		text_printf(t, "        low      %lu\n        high     %lu\n", 2 * z.reserve, 3 * z.reserve);
		text_printf(t, "        spanned  %lu\n        present  %lu\n        managed  %lu\n",
			    z.spanned, z.present, z.managed);
		text_printf(t, "      nr_free_pages %lu\n  start_pfn:           %lu\n", z.free, z.start_pfn);
	}
	return 0;
}

int proc_show_buddyinfo(struct proc_text *t, const struct proc_node *node)
{
	struct pmm_zone_stats z;

	(void)node;
	for (size_t i = 0; pmm_get_zone(i, &z); i++) {
		text_printf(t, "Node %u, zone %8s ", z.node, z.name);
		for (unsigned order = 0; order < PMM_ORDERS; order++)
			text_printf(t, "%6lu ", z.runs[order]);
		text_printf(t, "\n");
	}
	return 0;
}

/* --- slabs ------------------------------------------------------------------------------------------- */

int proc_show_slabinfo(struct proc_text *t, const struct proc_node *node)
{
	struct slab_stats s;

	(void)node;
	text_printf(t, "slabinfo - version: 2.1\n");
	text_printf(t, "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>");
	text_printf(t, " : tunables <limit> <batchcount> <sharedfactor>");
	text_printf(t, " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (size_t i = 0; slab_get_stats(i, &s); i++) {
		text_printf(t, "%-17s %6lu %6lu %6lu %4u %4u : tunables %4u %4u %4u", s.name, s.objects_used,
			    s.objects_total, s.object_size, s.objects_per_slab, s.pages_per_slab, s.magazine,
			    (s.magazine + 1) / 2, 0u);
		text_printf(t, " : slabdata %6lu %6lu %6u\n", s.slabs - s.slabs_empty, s.slabs, 0u);
	}
	return 0;
}
