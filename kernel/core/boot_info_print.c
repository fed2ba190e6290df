/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/boot_info.h>

#include <kernel/printk.h>

static const char *region_name(uint32_t type)
{
	switch (type) {
	case BOOT_REGION_USABLE:
		return "usable";
	case BOOT_REGION_RESERVED:
		return "reserved";
	case BOOT_REGION_ACPI_RECLAIMABLE:
		return "ACPI tables";
	case BOOT_REGION_ACPI_NVS:
		return "ACPI NVS";
	case BOOT_REGION_BAD:
		return "bad";
	case BOOT_REGION_BOOT_RECLAIMABLE:
		return "boot loader";
	case BOOT_REGION_KERNEL:
		return "kernel";
	case BOOT_REGION_MODULE:
		return "module";
	case BOOT_REGION_FRAMEBUFFER:
		return "framebuffer";
	case BOOT_REGION_EFI_RUNTIME:
		return "EFI runtime";
	default:
		return "unknown";
	}
}

static void print_regions(const struct boot_info *bi)
{
	uint64_t usable = 0;

	for (uint32_t i = 0; i < bi->region_count; i++) {
		const struct boot_region *r = &bi->regions[i];

		pr_info("boot: memory %012llx-%012llx %s", (unsigned long long)r->base,
			(unsigned long long)(r->base + r->length - 1), region_name(r->type));
		if (r->type == BOOT_REGION_USABLE)
			usable += r->length;
	}
	pr_info("boot: %llu KiB usable in %u regions", (unsigned long long)usable / 1024, bi->region_count);
}

static void print_framebuffer(const struct boot_framebuffer *fb)
{
	if (fb->base == 0) {
		pr_info("boot: no framebuffer");
		return;
	}
	pr_info("boot: framebuffer %ux%u at %llx, pitch %u, red %u:%u green %u:%u blue %u:%u", fb->width,
		fb->height, (unsigned long long)fb->base, fb->pitch, fb->red.shift, fb->red.bits,
		fb->green.shift, fb->green.bits, fb->blue.shift, fb->blue.bits);
}

void boot_info_print(const struct boot_info *bi)
{
	pr_info("boot: path %s, command line \"%s\"", bi->path, bi->cmdline);
	pr_info("boot: kernel at %llx, %llu KiB", (unsigned long long)bi->kernel_base,
		(unsigned long long)bi->kernel_size / 1024);
	print_regions(bi);
	for (uint32_t i = 0; i < bi->module_count; i++)
		pr_info("boot: module %u \"%s\" at %llx, %llu bytes", i, bi->modules[i].name,
			(unsigned long long)bi->modules[i].base, (unsigned long long)bi->modules[i].length);
	print_framebuffer(&bi->framebuffer);
	pr_info("boot: RSDP %llx, EFI system table %llx, EFI memory map %llu bytes",
		(unsigned long long)bi->rsdp, (unsigned long long)bi->efi.system_table,
		(unsigned long long)bi->efi.memory_map_size);
	pr_info("boot: %u bytes of entropy, %llu cycles in the loader", bi->entropy_len,
		(unsigned long long)(bi->tsc_handoff - bi->tsc_entry));
}
