/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the whole chain of tags is checked: sizes, bounds, the end tag.  Only then are single tags
 * looked for, each checked against the size it needs.  Where a tag is given twice, the first counts.
 */
#include "mb2.h"

#include <stdbool.h>
#include <stddef.h>

#include "../loader/boot_info.h"

#define INFO_MAX      (1u << 20) /* real ones are a few KiB */
#define RSDP_OLD_SIZE 20u
#define RSDP_NEW_SIZE 36u
#define FB_TYPE_RGB   1u

enum tag_type {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_MODULE = 3,
	TAG_MMAP = 6,
	TAG_FRAMEBUFFER = 8,
	TAG_EFI64 = 12,
	TAG_ACPI_OLD = 14,
	TAG_ACPI_NEW = 15,
	TAG_EFI_MMAP = 17,
	TAG_EFI_BS = 18,
};

struct info_header {
	uint32_t total_size;
	uint32_t reserved;
};

struct tag {
	uint32_t type;
	uint32_t size; /* header included; the next tag starts 8-byte aligned behind it */
};

struct tag_module {
	struct tag tag;
	uint32_t start;
	uint32_t end;
	char name[];
};

struct tag_mmap {
	struct tag tag;
	uint32_t entry_size;
	uint32_t entry_version;
};

struct mmap_entry {
	uint64_t base;
	uint64_t length;
	uint32_t type;
	uint32_t reserved;
};

struct tag_framebuffer {
	struct tag tag;
	uint64_t base;
	uint32_t pitch;
	uint32_t width;
	uint32_t height;
	uint8_t bits_per_pixel;
	uint8_t type;
	uint16_t reserved;
	/* For FB_TYPE_RGB: */
	struct boot_channel red, green, blue;
};

struct tag_efi64 {
	struct tag tag;
	uint64_t system_table;
};

struct tag_efi_mmap {
	struct tag tag;
	uint32_t descriptor_size;
	uint32_t descriptor_version;
};

/* A chain of tags that was found to be well-formed. */
struct tags {
	const unsigned char *info;
	uint32_t size;
	uint64_t physical;
};

static uint32_t align8(uint32_t x)
{
	return (x + 7) & ~7u;
}

static const struct tag *tag_at(const struct tags *t, uint32_t offset)
{
	return (const struct tag *)(const void *)(t->info + offset);
}

static const char *check_chain(const struct tags *t)
{
	uint32_t at = sizeof(struct info_header);

	while (at <= t->size - sizeof(struct tag)) {
		const struct tag *tag = tag_at(t, at);

		if (tag->size < sizeof(*tag) || tag->size > t->size - at)
			return "a tag is truncated or overruns the information";
		if (tag->type == TAG_END)
			return NULL;
		at += align8(tag->size);
	}
	return "the end tag is missing";
}

/* The first tag of a type at or behind offset *at (0: from the start), or NULL; *at moves behind it. */
static const struct tag *next_tag(const struct tags *t, enum tag_type type, uint32_t *at)
{
	uint32_t offset = *at ? *at : sizeof(struct info_header);

	for (;;) {
		const struct tag *tag = tag_at(t, offset);

		if (tag->type == TAG_END)
			return NULL;
		offset += align8(tag->size);
		if (tag->type == type) {
			*at = offset;
			return tag;
		}
	}
}

static const struct tag *first_tag(const struct tags *t, enum tag_type type)
{
	uint32_t at = 0;

	return next_tag(t, type, &at);
}

static uint64_t physical_of(const struct tags *t, const void *p)
{
	return t->physical + (uint64_t)((const unsigned char *)p - t->info);
}

static bool is_terminated(const char *text, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		if (text[i] == '\0')
			return true;
	}
	return false;
}

static const char *set_cmdline(struct boot_info *bi, const struct tags *t)
{
	const struct tag *tag = first_tag(t, TAG_CMDLINE);
	uint32_t size;

	if (!tag)
		return NULL;
	size = tag->size - sizeof(*tag);
	if (!is_terminated((const char *)(tag + 1), size))
		return "the command line has no end";
	if (boot_info_set_cmdline(bi, (const char *)(tag + 1), size) < 0)
		return "the command line is too long";
	return NULL;
}

static const char *add_modules(struct boot_info *bi, const struct tags *t)
{
	const struct tag *tag;
	uint32_t at = 0;

	while ((tag = next_tag(t, TAG_MODULE, &at))) {
		const struct tag_module *m = (const struct tag_module *)tag;

		if (tag->size < sizeof(*m) || !is_terminated(m->name, tag->size - sizeof(*m)))
			return "a module tag is malformed";
		if (m->end < m->start)
			return "a module ends before it starts";
		if (boot_info_add_module(bi, m->start, m->end - m->start, m->name) < 0)
			return "there are more modules or memory regions than the kernel takes";
	}
	return NULL;
}

static const char *add_bios_map(struct boot_info *bi, const struct tag_mmap *map)
{
	const unsigned char *entries = (const unsigned char *)(map + 1);
	uint32_t size;

	if (map->tag.size < sizeof(*map))
		return "the memory map tag is truncated";
	size = map->tag.size - sizeof(*map);
	if (map->entry_size < sizeof(struct mmap_entry) || map->entry_size % 8 != 0 ||
	    size % map->entry_size != 0)
		return "the memory map's entries have a wrong size";
	for (uint32_t at = 0; at < size; at += map->entry_size) {
		const struct mmap_entry *e = (const struct mmap_entry *)(const void *)(entries + at);

		if (boot_info_add_region(bi, e->base, e->length, boot_info_e820_type(e->type)) < 0)
			return "the memory map holds an impossible entry, or too many";
	}
	return NULL;
}

static const char *add_efi_map(struct boot_info *bi, const struct tags *t, const struct tag_efi_mmap *map)
{
	uint32_t size;

	if (map->tag.size < sizeof(*map))
		return "the EFI memory map tag is truncated";
	size = map->tag.size - sizeof(*map);
	if (boot_info_add_efi_map(bi, map + 1, size, map->descriptor_size) < 0)
		return "the EFI memory map is malformed or too long";
	bi->efi.memory_map = physical_of(t, map + 1);
	bi->efi.memory_map_size = size;
	bi->efi.descriptor_size = map->descriptor_size;
	bi->efi.descriptor_version = map->descriptor_version;
	return NULL;
}

/* The EFI map says more than the BIOS-style one that GRUB makes out of it. */
static const char *add_memory(struct boot_info *bi, const struct tags *t)
{
	const struct tag *efi = first_tag(t, TAG_EFI_MMAP), *bios = first_tag(t, TAG_MMAP);

	if (efi)
		return add_efi_map(bi, t, (const struct tag_efi_mmap *)efi);
	if (bios)
		return add_bios_map(bi, (const struct tag_mmap *)bios);
	return "there is no memory map";
}

/* Anything but 32-bit RGB is passed over: the kernel then runs without a screen. */
static const char *set_framebuffer(struct boot_info *bi, const struct tags *t)
{
	const struct tag_framebuffer *tag = (const struct tag_framebuffer *)first_tag(t, TAG_FRAMEBUFFER);
	struct boot_framebuffer fb = { 0 };

	if (!tag)
		return NULL;
	if (tag->tag.size < offsetof(struct tag_framebuffer, red))
		return "the framebuffer tag is truncated";
	if (tag->type != FB_TYPE_RGB || tag->bits_per_pixel != 32)
		return NULL;
	if (tag->tag.size < offsetof(struct tag_framebuffer, blue) + sizeof(tag->blue))
		return "the framebuffer tag is truncated";
	fb.base = tag->base;
	fb.width = tag->width;
	fb.height = tag->height;
	fb.pitch = tag->pitch;
	fb.red = tag->red;
	fb.green = tag->green;
	fb.blue = tag->blue;
	if (boot_info_set_framebuffer(bi, &fb) < 0)
		return "the framebuffer tag makes no sense";
	return NULL;
}

static const char *set_firmware(struct boot_info *bi, const struct tags *t)
{
	const struct tag_efi64 *efi = (const struct tag_efi64 *)first_tag(t, TAG_EFI64);
	const struct tag *rsdp_new = first_tag(t, TAG_ACPI_NEW), *rsdp_old = first_tag(t, TAG_ACPI_OLD);
	const struct tag *rsdp = rsdp_new ? rsdp_new : rsdp_old;

	if (first_tag(t, TAG_EFI_BS))
		return "the loader has not left the EFI boot services";
	if (efi) {
		if (efi->tag.size < sizeof(*efi))
			return "the EFI system table tag is truncated";
		bi->efi.system_table = efi->system_table;
	}
	if (rsdp) {
		if (rsdp->size < sizeof(*rsdp) + (rsdp_new ? RSDP_NEW_SIZE : RSDP_OLD_SIZE))
			return "the ACPI tag is truncated";
		bi->rsdp = physical_of(t, rsdp + 1);
	}
	return NULL;
}

static const char *open_tags(struct tags *t, const void *info, uint64_t available, uint64_t physical)
{
	const struct info_header *header = info;

	if (physical % 8 != 0)
		return "the information is not aligned";
	if (available < sizeof(*header) + sizeof(struct tag))
		return "the information is out of bounds";
	if (header->total_size < sizeof(*header) + sizeof(struct tag) || header->total_size > INFO_MAX ||
	    header->total_size > available)
		return "the information's size is out of bounds";
	t->info = info;
	t->size = header->total_size;
	t->physical = physical;
	return check_chain(t);
}

const char *mb2_translate(struct boot_info *bi, const void *info, uint64_t available, uint64_t physical)
{
	struct tags t = { 0 };
	const char *wrong = open_tags(&t, info, available, physical);

	if (!wrong)
		wrong = add_memory(bi, &t);
	if (!wrong)
		wrong = add_modules(bi, &t);
	if (!wrong)
		wrong = set_cmdline(bi, &t);
	if (!wrong)
		wrong = set_framebuffer(bi, &t);
	if (!wrong)
		wrong = set_firmware(bi, &t);
	if (!wrong && boot_info_add_region(bi, physical, t.size, BOOT_REGION_BOOT_RECLAIMABLE) < 0)
		wrong = "the memory map has too many entries";
	return wrong;
}
