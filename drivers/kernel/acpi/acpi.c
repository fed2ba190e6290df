/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's half of the ACPI code: physical memory for the parsers, defaults, and what was found. */
#include <kernel/acpi.h>

#include "acpi_tables.h"

#include <arch/paging.h>
#include <arch/platform.h>
#include <kernel/boot_info.h>
#include <kernel/printk.h>
#include <kernel/vmalloc.h>

#define DEFAULT_LAPIC 0xfee00000ull

struct acpi_info acpi;
struct arch_platform platform;

/* No table lies where the processor cannot address, nor in what the kernel hands out as memory. */
static bool range_allowed(paddr_t pa, size_t len)
{
	uint64_t end;

	if (add_overflows(pa, (uint64_t)len, &end) || end > 1ull << 46)
		return false;
	for (uint32_t i = 0; i < boot_info.region_count; i++) {
		const struct boot_region *r = &boot_info.regions[i];

		if ((r->type == BOOT_REGION_KERNEL || r->type == BOOT_REGION_MODULE ||
		     r->type == BOOT_REGION_FRAMEBUFFER) &&
		    pa < r->base + r->length && r->base < end)
			return false;
	}
	return true;
}

/* Before the frame allocator and the final page tables: through a window. */
static const void *early_map(struct acpi_memory *mem, paddr_t pa, size_t len)
{
	(void)mem;
	return range_allowed(pa, len) ? arch_early_map(pa, len) : NULL;
}

static void early_unmap(struct acpi_memory *mem, const void *ptr, size_t len)
{
	(void)mem;
	arch_early_unmap(ptr, len);
}

void acpi_read_numa(struct acpi_numa *out)
{
	struct acpi_memory mem = { .map = early_map, .unmap = early_unmap, .quiet = true };
	paddr_t rsdp;

	if (acpi_find_rsdp(&mem, boot_info.rsdp, &rsdp))
		acpi_read_numa_tables(&mem, rsdp, out);
}

static bool in_direct_map(paddr_t pa, size_t len)
{
	for (paddr_t page = ALIGN_DOWN(pa, PAGE_SIZE); page < pa + len; page += PAGE_SIZE) {
		paddr_t found;
		unsigned prot;

		if (!arch_pt_query(arch_pt_kernel_root(), (uint64_t)(uintptr_t)phys_to_virt(page), &found,
				   &prot) ||
		    ALIGN_DOWN(found, PAGE_SIZE) != page)
			return false;
	}
	return true;
}

/* Memory-like regions are in the direct map; reserved ones (the BIOS area) get a window. */
static const void *kernel_map(struct acpi_memory *mem, paddr_t pa, size_t len)
{
	(void)mem;
	if (!range_allowed(pa, len))
		return NULL;
	if (in_direct_map(pa, len))
		return phys_to_virt(pa);
	return mmio_map(pa, len, PT_READ | PT_UNCACHED);
}

static void kernel_unmap(struct acpi_memory *mem, const void *ptr, size_t len)
{
	uint64_t va = (uint64_t)(uintptr_t)ptr;

	(void)mem;
	if (va >= KERNEL_HEAP_BASE && va < KERNEL_HEAP_END)
		mmio_unmap((void *)(uintptr_t)ptr, len);
}

/* What every PC has; the tables say otherwise where it is otherwise. */
static void set_defaults(void)
{
	platform.lapic_address = DEFAULT_LAPIC;
	platform.has_8259 = true;
}

void acpi_init(void)
{
	struct acpi_memory mem = { .map = kernel_map, .unmap = kernel_unmap };
	unsigned tables;
	paddr_t rsdp;

	set_defaults();
	if (!acpi_find_rsdp(&mem, boot_info.rsdp, &rsdp)) {
		pr_notice("acpi: no tables; using the defaults of a PC\n");
		return;
	}
	tables = acpi_read_tables(&mem, rsdp, &acpi, &platform);
	acpi.present = tables != 0;
	platform.has_acpi = platform.cpu_count != 0;
	pr_info("acpi: %u tables, %u CPUs, %u IOAPICs%s%s%s\n", tables, platform.cpu_count,
		platform.ioapic_count, platform.hpet_address ? ", HPET" : "",
		platform.pm_timer_port ? ", PM timer" : "", acpi.hw_reduced ? ", reduced hardware" : "");
}
