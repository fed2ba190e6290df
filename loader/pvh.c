/* SPDX-License-Identifier: BSD-2-Clause */
/* Every address and count in start_info is checked against the window before it is used. */
#include "pvh.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot_info.h"

#define START_INFO_MAGIC   0x336ec578u
#define START_INFO_V0_SIZE offsetof(struct start_info, memmap)
#define MAX_MEMMAP         1024u

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memmap; /* from version 1 on */
	uint32_t memmap_count;
	uint32_t reserved;
};

struct module_entry {
	uint64_t base;
	uint64_t size;
	uint64_t cmdline;
	uint64_t reserved;
};

struct memmap_entry {
	uint64_t base;
	uint64_t size;
	uint32_t type; /* as in the BIOS map */
	uint32_t reserved;
};

static bool in_window(const struct pvh_window *w, uint64_t at, uint64_t size)
{
	return at != 0 && at <= w->size && size <= w->size - at;
}

static const char *string_at(const struct pvh_window *w, uint64_t at, uint64_t limit)
{
	if (!in_window(w, at, 1))
		return NULL;
	if (limit > w->size - at)
		limit = w->size - at;
	for (uint64_t i = 0; i < limit; i++) {
		if (w->base[at + i] == '\0')
			return (const char *)w->base + at;
	}
	return NULL;
}

static const char *add_memory(struct boot_info *bi, const struct pvh_window *w, const struct start_info *si)
{
	struct memmap_entry e;

	if (si->memmap_count == 0 || si->memmap_count > MAX_MEMMAP ||
	    !in_window(w, si->memmap, si->memmap_count * sizeof(e)))
		return "the memory map is missing or out of bounds";
	for (uint32_t i = 0; i < si->memmap_count; i++) {
		__builtin_memcpy(&e, w->base + si->memmap + i * sizeof(e), sizeof(e));
		if (boot_info_add_region(bi, e.base, e.size, boot_info_e820_type(e.type)) < 0)
			return "the memory map holds an impossible entry, or too many";
	}
	return NULL;
}

static const char *add_modules(struct boot_info *bi, const struct pvh_window *w, const struct start_info *si)
{
	struct module_entry m;

	if (si->module_count == 0)
		return NULL;
	if (si->module_count > BOOT_MAX_MODULES)
		return "there are more modules than the kernel takes";
	if (!in_window(w, si->modules, si->module_count * sizeof(m)))
		return "the module list is out of bounds";
	for (uint32_t i = 0; i < si->module_count; i++) {
		const char *name;

		__builtin_memcpy(&m, w->base + si->modules + i * sizeof(m), sizeof(m));
		name = string_at(w, m.cmdline, BOOT_CMDLINE_LEN);
		if (boot_info_add_module(bi, m.base, m.size, name ? name : "initrd") < 0)
			return "a module's address makes no sense";
	}
	return NULL;
}

static const char *set_cmdline(struct boot_info *bi, const struct pvh_window *w, uint64_t at)
{
	const char *text;

	if (at == 0)
		return NULL;
	text = string_at(w, at, BOOT_CMDLINE_LEN);
	if (!text || boot_info_set_cmdline(bi, text, BOOT_CMDLINE_LEN) < 0)
		return "the command line is out of bounds or too long";
	return NULL;
}

const char *pvh_translate(struct boot_info *bi, const struct pvh_window *w, uint64_t start_info)
{
	struct start_info si = { 0 };
	const char *wrong;

	if (!in_window(w, start_info, START_INFO_V0_SIZE))
		return "start_info is out of bounds";
	__builtin_memcpy(&si, w->base + start_info, START_INFO_V0_SIZE);
	if (si.magic != START_INFO_MAGIC)
		return "start_info has no magic number";
	if (si.version == 0)
		return "this loader gives no memory map (start_info version 0)";
	if (!in_window(w, start_info, sizeof(si)))
		return "start_info is out of bounds";
	__builtin_memcpy(&si, w->base + start_info, sizeof(si));

	wrong = add_memory(bi, w, &si);
	if (!wrong)
		wrong = add_modules(bi, w, &si);
	if (!wrong)
		wrong = set_cmdline(bi, w, si.cmdline);
	bi->rsdp = si.rsdp;
	return wrong;
}
