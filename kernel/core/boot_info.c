/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot_info_check() also runs identity-mapped, before the image is relocated: it must not use tables of
 * pointers or call out.
 */
#include <kernel/boot_info.h>

#include <kernel/compiler.h>

#define PAGE 4096ull

struct boot_info boot_info;

static bool is_terminated(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\0')
			return true;
	}
	return false;
}

/* Does one region of this type hold all of [base, base+length)? */
static bool covered(const struct boot_info *bi, uint64_t base, uint64_t length, uint32_t type)
{
	for (uint32_t i = 0; i < bi->region_count; i++) {
		const struct boot_region *r = &bi->regions[i];

		if (r->type == type && base >= r->base && base - r->base <= r->length &&
		    length <= r->length - (base - r->base))
			return true;
	}
	return false;
}

static const char *check_regions(const struct boot_info *bi)
{
	uint64_t end = 0;

	if (bi->region_count == 0 || bi->region_count > BOOT_MAX_REGIONS)
		return "the number of memory regions is out of range";
	for (uint32_t i = 0; i < bi->region_count; i++) {
		const struct boot_region *r = &bi->regions[i];

		if (r->type < BOOT_REGION_USABLE || r->type > BOOT_REGION_EFI_RUNTIME)
			return "a memory region has an unknown type";
		if (r->length == 0)
			return "a memory region is empty";
		if (r->base < end)
			return "memory regions overlap or are not sorted";
		if (add_overflows(r->base, r->length, &end))
			return "a memory region wraps around";
		if (r->type == BOOT_REGION_USABLE && (r->base | r->length) % PAGE != 0)
			return "a usable memory region is not page aligned";
	}
	return NULL;
}

/* Does module `index` share memory with one before it?  Each is given back once it is unpacked. */
static bool overlaps_earlier(const struct boot_info *bi, uint32_t index)
{
	const struct boot_module *m = &bi->modules[index];

	for (uint32_t i = 0; i < index; i++) {
		const struct boot_module *other = &bi->modules[i];

		if (m->base < other->base + other->length && other->base < m->base + m->length)
			return true;
	}
	return false;
}

static const char *check_modules(const struct boot_info *bi)
{
	if (bi->module_count > BOOT_MAX_MODULES)
		return "the number of modules is out of range";
	for (uint32_t i = 0; i < bi->module_count; i++) {
		const struct boot_module *m = &bi->modules[i];

		if (!is_terminated(m->name, sizeof(m->name)))
			return "a module's name has no end";
		if (m->length != 0 && !covered(bi, m->base, m->length, BOOT_REGION_MODULE))
			return "a module lies outside of the module regions";
		if (overlaps_earlier(bi, i))
			return "two modules overlap";
	}
	return NULL;
}

static bool is_valid_channel(const struct boot_channel *c)
{
	return c->bits >= 1 && c->bits <= 16 && c->shift + c->bits <= 32;
}

static const char *check_framebuffer(const struct boot_info *bi)
{
	const struct boot_framebuffer *fb = &bi->framebuffer;

	if (fb->base == 0)
		return NULL;
	if (fb->width == 0 || fb->height == 0 || fb->pitch % 4 != 0 || fb->pitch / 4 < fb->width)
		return "the framebuffer's geometry makes no sense";
	if (!is_valid_channel(&fb->red) || !is_valid_channel(&fb->green) || !is_valid_channel(&fb->blue))
		return "the framebuffer's colour masks make no sense";
	if (!covered(bi, fb->base, (uint64_t)fb->pitch * fb->height, BOOT_REGION_FRAMEBUFFER))
		return "the framebuffer lies outside of its region";
	return NULL;
}

static const char *check_header(const struct boot_info *bi)
{
	if (bi->magic != BOOT_INFO_MAGIC)
		return "it has no magic number";
	if (bi->version != BOOT_INFO_VERSION || bi->size != sizeof(*bi))
		return "the loader speaks another version";
	if (!is_terminated(bi->path, sizeof(bi->path)))
		return "the boot path's name has no end";
	if (bi->cmdline_len >= BOOT_CMDLINE_LEN || bi->cmdline[bi->cmdline_len] != '\0')
		return "the command line has no end";
	if (bi->entropy_len > BOOT_ENTROPY_LEN)
		return "it claims more entropy than it holds";
	return NULL;
}

const char *boot_info_check(const struct boot_info *bi)
{
	const char *wrong;

	wrong = check_header(bi);
	if (!wrong)
		wrong = check_regions(bi);
	if (!wrong && (bi->kernel_base % (2ull << 20) != 0 || bi->kernel_size == 0 ||
		       !covered(bi, bi->kernel_base, bi->kernel_size, BOOT_REGION_KERNEL)))
		wrong = "the kernel lies outside of its region";
	if (!wrong)
		wrong = check_modules(bi);
	if (!wrong)
		wrong = check_framebuffer(bi);
	return wrong;
}
