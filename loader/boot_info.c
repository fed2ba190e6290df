/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region table is kept as a plain array.  While a loader fills it, entries are unsorted and may
 * overlap; boot_info_finish() turns it into the sorted, disjoint table that the kernel is promised.
 *
 * Runs before relocation: no pointers in data, and no calls out except memcpy and memset that the
 * compiler may emit.
 */
#include "boot_info.h"

#include <serix/errno.h>

#define PAGE         4096ull
#define KERNEL_ALIGN (2ull << 20)

#define EFI_RUNTIME_ATTRIBUTE (1ull << 63)

/* Memory types of the UEFI specification, in the order of their numbers. */
enum efi_memory_type {
	EFI_RESERVED,
	EFI_LOADER_CODE,
	EFI_LOADER_DATA,
	EFI_BOOT_SERVICES_CODE,
	EFI_BOOT_SERVICES_DATA,
	EFI_RUNTIME_SERVICES_CODE,
	EFI_RUNTIME_SERVICES_DATA,
	EFI_CONVENTIONAL,
	EFI_UNUSABLE,
	EFI_ACPI_RECLAIM,
	EFI_ACPI_NVS,
};

/* The leading fields of an EFI memory descriptor; entries lie descriptor_size apart. */
struct efi_descriptor {
	uint32_t type;
	uint32_t pad;
	uint64_t physical_start;
	uint64_t virtual_start;
	uint64_t page_count;
	uint64_t attribute;
};

/* Who wins where two regions overlap: the higher one.  0 for an unknown type. */
static unsigned precedence(uint32_t type)
{
	switch (type) {
	case BOOT_REGION_USABLE:
		return 1;
	case BOOT_REGION_BOOT_RECLAIMABLE:
		return 2;
	case BOOT_REGION_MODULE:
		return 3;
	case BOOT_REGION_ACPI_RECLAIMABLE:
		return 4;
	case BOOT_REGION_ACPI_NVS:
		return 5;
	case BOOT_REGION_EFI_RUNTIME:
		return 6;
	case BOOT_REGION_RESERVED:
		return 7;
	case BOOT_REGION_BAD:
		return 8;
	case BOOT_REGION_FRAMEBUFFER:
		return 9;
	case BOOT_REGION_KERNEL:
		return 10;
	default:
		return 0;
	}
}

static uint64_t region_end(const struct boot_region *r)
{
	return r->base + r->length;
}

static void copy_string(char *dst, size_t size, const char *src)
{
	size_t i = 0;

	for (; src && i + 1 < size && src[i]; i++)
		dst[i] = src[i];
	for (; i < size; i++)
		dst[i] = '\0';
}

void boot_info_init(struct boot_info *bi, const char *path)
{
	unsigned char *p = (unsigned char *)bi;

	for (size_t i = 0; i < sizeof(*bi); i++)
		p[i] = 0;
	bi->magic = BOOT_INFO_MAGIC;
	bi->version = BOOT_INFO_VERSION;
	bi->size = sizeof(*bi);
	copy_string(bi->path, sizeof(bi->path), path);
}

/* Room for one entry at `index`, the rest moved up. */
static int region_insert(struct boot_info *bi, uint32_t index, uint64_t base, uint64_t length, uint32_t type)
{
	if (bi->region_count >= BOOT_MAX_REGIONS)
		return -ENOSPC;
	for (uint32_t i = bi->region_count; i > index; i--)
		bi->regions[i] = bi->regions[i - 1];
	bi->regions[index] = (struct boot_region){ .base = base, .length = length, .type = type };
	bi->region_count++;
	return 0;
}

static void region_remove(struct boot_info *bi, uint32_t index)
{
	bi->region_count--;
	for (uint32_t i = index; i < bi->region_count; i++)
		bi->regions[i] = bi->regions[i + 1];
	bi->regions[bi->region_count] = (struct boot_region){ 0 };
}

int boot_info_add_region(struct boot_info *bi, uint64_t base, uint64_t length, enum boot_region_type type)
{
	uint64_t end;

	if (precedence(type) == 0 || __builtin_add_overflow(base, length, &end))
		return -EINVAL;
	if (length == 0)
		return 0;
	/* Firmware describes one stretch in many pieces: join them at once to save room. */
	if (bi->region_count > 0) {
		struct boot_region *last = &bi->regions[bi->region_count - 1];

		if (last->type == type && region_end(last) == base) {
			last->length += length;
			return 0;
		}
	}
	return region_insert(bi, bi->region_count, base, length, type);
}

enum boot_region_type boot_info_e820_type(uint32_t type)
{
	switch (type) {
	case 1:
		return BOOT_REGION_USABLE;
	case 3:
		return BOOT_REGION_ACPI_RECLAIMABLE;
	case 4:
		return BOOT_REGION_ACPI_NVS;
	case 5:
		return BOOT_REGION_BAD;
	default:
		return BOOT_REGION_RESERVED;
	}
}

int boot_info_add_module(struct boot_info *bi, uint64_t base, uint64_t length, const char *name)
{
	struct boot_module *m;
	int err;

	if (bi->module_count >= BOOT_MAX_MODULES)
		return -ENOSPC;
	err = boot_info_add_region(bi, base, length, BOOT_REGION_MODULE);
	if (err < 0)
		return err;
	m = &bi->modules[bi->module_count++];
	m->base = base;
	m->length = length;
	copy_string(m->name, sizeof(m->name), name);
	return 0;
}

int boot_info_set_kernel(struct boot_info *bi, uint64_t base, uint64_t size)
{
	int err;

	if (base % KERNEL_ALIGN != 0 || size == 0)
		return -EINVAL;
	err = boot_info_add_region(bi, base, size, BOOT_REGION_KERNEL);
	if (err < 0)
		return err;
	bi->kernel_base = base;
	bi->kernel_size = size;
	return 0;
}

int boot_info_set_cmdline(struct boot_info *bi, const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n])
		n++;
	if (n >= BOOT_CMDLINE_LEN)
		return -E2BIG;
	copy_string(bi->cmdline, n + 1, text);
	bi->cmdline_len = (uint32_t)n;
	return 0;
}

static int channel_is_valid(const struct boot_channel *c)
{
	return c->bits >= 1 && c->bits <= 16 && c->shift + c->bits <= 32;
}

int boot_info_set_framebuffer(struct boot_info *bi, const struct boot_framebuffer *fb)
{
	int err;

	if (fb->base == 0 || fb->base % 4 != 0 || fb->width == 0 || fb->height == 0)
		return -EINVAL;
	if (fb->pitch % 4 != 0 || fb->pitch / 4 < fb->width)
		return -EINVAL;
	if (!channel_is_valid(&fb->red) || !channel_is_valid(&fb->green) || !channel_is_valid(&fb->blue))
		return -EINVAL;
	err = boot_info_add_region(bi, fb->base, (uint64_t)fb->pitch * fb->height, BOOT_REGION_FRAMEBUFFER);
	if (err < 0)
		return err;
	bi->framebuffer = *fb;
	return 0;
}

static uint32_t efi_region_type(const struct efi_descriptor *d)
{
	switch (d->type) {
	case EFI_LOADER_CODE:
	case EFI_LOADER_DATA:
		return BOOT_REGION_BOOT_RECLAIMABLE;
	case EFI_BOOT_SERVICES_CODE:
	case EFI_BOOT_SERVICES_DATA:
	case EFI_CONVENTIONAL:
		return BOOT_REGION_USABLE;
	case EFI_UNUSABLE:
		return BOOT_REGION_BAD;
	case EFI_ACPI_RECLAIM:
		return BOOT_REGION_ACPI_RECLAIMABLE;
	case EFI_ACPI_NVS:
		return BOOT_REGION_ACPI_NVS;
	default:
		return d->attribute & EFI_RUNTIME_ATTRIBUTE ? BOOT_REGION_EFI_RUNTIME : BOOT_REGION_RESERVED;
	}
}

static struct efi_descriptor load_efi_descriptor(const unsigned char *from)
{
	struct efi_descriptor d;

	/* The map may lie at any address. */
	__builtin_memcpy(&d, from, sizeof(d));
	return d;
}

int boot_info_add_efi_map(struct boot_info *bi, const void *map, uint64_t size, uint64_t descriptor_size)
{
	const unsigned char *p = map;

	if (descriptor_size < sizeof(struct efi_descriptor) || size % descriptor_size != 0)
		return -EINVAL;
	for (uint64_t at = 0; at < size; at += descriptor_size) {
		struct efi_descriptor d = load_efi_descriptor(p + at);
		int err;

		if (d.page_count > UINT64_MAX / PAGE)
			return -EINVAL;
		err = boot_info_add_region(bi, d.physical_start, d.page_count * PAGE, efi_region_type(&d));
		if (err < 0)
			return err;
	}
	return 0;
}

void boot_info_add_entropy(struct boot_info *bi, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	/* The rotation keeps a source that is added twice from cancelling itself out. */
	for (size_t i = 0; i < len; i++) {
		uint8_t *slot = &bi->entropy[(bi->entropy_len + i) % BOOT_ENTROPY_LEN];

		*slot = (uint8_t)(*slot << 3 | *slot >> 5) ^ p[i];
	}
	bi->entropy_len = len >= BOOT_ENTROPY_LEN - bi->entropy_len ? BOOT_ENTROPY_LEN
								    : bi->entropy_len + (uint32_t)len;
}

static void sort_regions(struct boot_info *bi)
{
	/* Insertion sort: stable, and nearly linear on the sorted maps that firmware gives. */
	for (uint32_t i = 1; i < bi->region_count; i++) {
		struct boot_region r = bi->regions[i];
		uint32_t j = i;

		for (; j > 0 && bi->regions[j - 1].base > r.base; j--)
			bi->regions[j] = bi->regions[j - 1];
		bi->regions[j] = r;
	}
}

/* Put a region back where its base belongs, looking from `from` upwards. */
static int region_insert_sorted(struct boot_info *bi, uint32_t from, uint64_t base, uint64_t length,
				uint32_t type)
{
	uint32_t i = from;

	while (i < bi->region_count && bi->regions[i].base < base)
		i++;
	return region_insert(bi, i, base, length, type);
}

/*
 * Entries `i` and `i + 1` overlap and have the same type or not: make them disjoint.  The weaker one
 * loses what both cover; what it keeps behind the stronger one goes back into the table.
 */
static int resolve_overlap(struct boot_info *bi, uint32_t i)
{
	struct boot_region low = bi->regions[i], high = bi->regions[i + 1];
	uint64_t low_end = region_end(&low), high_end = region_end(&high);

	if (low.type == high.type) {
		bi->regions[i].length = (low_end > high_end ? low_end : high_end) - low.base;
		region_remove(bi, i + 1);
		return 0;
	}
	if (precedence(low.type) > precedence(high.type)) {
		region_remove(bi, i + 1);
		if (high_end <= low_end)
			return 0;
		return region_insert_sorted(bi, i + 1, low_end, high_end - low_end, high.type);
	}
	if (low.base == high.base)
		region_remove(bi, i);
	else
		bi->regions[i].length = high.base - low.base;
	if (low_end <= high_end)
		return 0;
	return region_insert_sorted(bi, i, high_end, low_end - high_end, low.type);
}

static int resolve_overlaps(struct boot_info *bi)
{
	uint32_t i = 0;

	while (i + 1 < bi->region_count) {
		int err;

		if (region_end(&bi->regions[i]) <= bi->regions[i + 1].base) {
			i++; /* all before entry i + 1 is settled */
			continue;
		}
		err = resolve_overlap(bi, i);
		if (err < 0)
			return err;
	}
	return 0;
}

static void merge_neighbours(struct boot_info *bi)
{
	uint32_t out = 0;

	for (uint32_t i = 0; i < bi->region_count; i++) {
		struct boot_region r = bi->regions[i];
		struct boot_region *last = out > 0 ? &bi->regions[out - 1] : 0;

		if (last && last->type == r.type && region_end(last) == r.base)
			last->length += r.length;
		else
			bi->regions[out++] = r;
	}
	for (uint32_t i = out; i < bi->region_count; i++)
		bi->regions[i] = (struct boot_region){ 0 };
	bi->region_count = out;
}

static void trim_usable(struct boot_info *bi)
{
	uint32_t i = 0;

	while (i < bi->region_count) {
		struct boot_region *r = &bi->regions[i];
		uint64_t start = r->base, end = region_end(r);

		if (r->type == BOOT_REGION_USABLE) {
			end &= ~(PAGE - 1);
			if (start % PAGE != 0)
				start += PAGE - start % PAGE;
			/* start may have wrapped: then the last page of the address space goes, too. */
			if (start >= end || start < r->base) {
				region_remove(bi, i);
				continue;
			}
			r->base = start;
			r->length = end - start;
		}
		i++;
	}
}

/* Does one region of this type hold all of [base, base+length)? */
static int covered(const struct boot_info *bi, uint64_t base, uint64_t length, uint32_t type)
{
	for (uint32_t i = 0; i < bi->region_count; i++) {
		const struct boot_region *r = &bi->regions[i];

		if (r->type == type && r->base <= base && base - r->base <= r->length &&
		    length <= r->length - (base - r->base))
			return 1;
	}
	return 0;
}

/* Did the firmware call all of [base, base+length) memory for use?  Looks at the regions as added. */
static int is_ram(const struct boot_info *bi, uint64_t base, uint64_t length)
{
	uint64_t at = base, end = base + length;

	while (at < end) {
		uint64_t before = at;

		for (uint32_t i = 0; i < bi->region_count; i++) {
			const struct boot_region *r = &bi->regions[i];

			if ((r->type == BOOT_REGION_USABLE || r->type == BOOT_REGION_BOOT_RECLAIMABLE) &&
			    r->base <= at && at < region_end(r))
				at = region_end(r);
		}
		if (at == before)
			return 0;
	}
	return 1;
}

/* The kernel and the modules must not lie in holes or device registers. */
static int check_ram(const struct boot_info *bi)
{
	if (!is_ram(bi, bi->kernel_base, bi->kernel_size))
		return -EINVAL;
	for (uint32_t i = 0; i < bi->module_count; i++) {
		if (!is_ram(bi, bi->modules[i].base, bi->modules[i].length))
			return -EINVAL;
	}
	return 0;
}

/* Each module is given back once it is unpacked: no two may share memory. */
static int overlaps_earlier(const struct boot_info *bi, uint32_t index)
{
	const struct boot_module *m = &bi->modules[index];

	for (uint32_t i = 0; i < index; i++) {
		const struct boot_module *other = &bi->modules[i];

		if (m->base < other->base + other->length && other->base < m->base + m->length)
			return 1;
	}
	return 0;
}

static int check_placement(const struct boot_info *bi)
{
	const struct boot_framebuffer *fb = &bi->framebuffer;

	if (!covered(bi, bi->kernel_base, bi->kernel_size, BOOT_REGION_KERNEL))
		return -EINVAL;
	for (uint32_t i = 0; i < bi->module_count; i++) {
		const struct boot_module *m = &bi->modules[i];

		if (m->length != 0 && !covered(bi, m->base, m->length, BOOT_REGION_MODULE))
			return -EINVAL;
		if (overlaps_earlier(bi, i))
			return -EINVAL;
	}
	if (fb->base != 0 &&
	    !covered(bi, fb->base, (uint64_t)fb->pitch * fb->height, BOOT_REGION_FRAMEBUFFER))
		return -EINVAL;
	return 0;
}

int boot_info_finish(struct boot_info *bi)
{
	int err = check_ram(bi);

	if (err < 0)
		return err;
	sort_regions(bi);
	err = resolve_overlaps(bi);
	if (err < 0)
		return err;
	merge_neighbours(bi);
	trim_usable(bi);
	return check_placement(bi);
}
