/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the root pointer to the tables: finding, checking checksums, lengths and overlaps, and handing
 * each table to its parser.  Pure: memory comes through struct acpi_memory.
 */
#include "acpi_tables.h"

#include <kernel/printk.h>
#include <kernel/string.h>

#define BIOS_AREA_BASE 0xe0000ull
#define BIOS_AREA_SIZE 0x20000ull
#define EBDA_POINTER   0x40eull
#define EBDA_SCAN      1024u

#define RSDP_V1_SIZE 20u
#define RSDP_V2_SIZE 36u

#define MAX_TABLES     128u
#define MAX_TABLE_SIZE (4u << 20)

#define complain(mem, ...)                    \
	do {                                  \
		if (!(mem)->quiet)            \
			pr_warn(__VA_ARGS__); \
	} while (0)

static uint32_t load32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t load64(const uint8_t *p)
{
	return load32(p) | (uint64_t)load32(p + 4) << 32;
}

static bool checksum_ok(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	return sum == 0;
}

/* --- the root pointer ------------------------------------------------------------------------------- */

static bool rsdp_valid(const uint8_t *p, size_t len)
{
	if (len < RSDP_V1_SIZE || memcmp(p, "RSD PTR ", 8) != 0 || !checksum_ok(p, RSDP_V1_SIZE))
		return false;
	if (p[15] < 2)
		return true;
	return len >= RSDP_V2_SIZE && load32(p + 20) >= RSDP_V2_SIZE && load32(p + 20) <= len &&
	       checksum_ok(p, load32(p + 20));
}

static bool scan_rsdp(struct acpi_memory *mem, paddr_t base, size_t len, paddr_t *out)
{
	const uint8_t *p = mem->map(mem, base, len);
	bool found = false;

	if (!p)
		return false;
	for (size_t at = 0; at + RSDP_V1_SIZE <= len && !found; at += 16) {
		found = rsdp_valid(p + at, len - at);
		if (found)
			*out = base + at;
	}
	mem->unmap(mem, p, len);
	return found;
}

/* Version 1 pointers may lie in the last 20 bytes of a page that nothing readable follows. */
static bool hinted_rsdp(struct acpi_memory *mem, paddr_t hint)
{
	size_t len = RSDP_V2_SIZE;
	const uint8_t *p = mem->map(mem, hint, len);
	bool ok;

	if (!p) {
		len = RSDP_V1_SIZE;
		p = mem->map(mem, hint, len);
	}
	if (!p)
		return false;
	ok = rsdp_valid(p, len);
	mem->unmap(mem, p, len);
	return ok;
}

static paddr_t ebda_base(struct acpi_memory *mem)
{
	const uint8_t *p = mem->map(mem, EBDA_POINTER, 2);
	paddr_t base = 0;

	if (p) {
		base = (paddr_t)(p[0] | p[1] << 8) << 4;
		mem->unmap(mem, p, 2);
	}
	return base;
}

bool acpi_find_rsdp(struct acpi_memory *mem, paddr_t hint, paddr_t *out)
{
	paddr_t ebda;

	if (hint != 0) {
		if (hinted_rsdp(mem, hint)) {
			*out = hint;
			return true;
		}
		complain(mem, "acpi: no valid root pointer at %#lx, where the loader said\n", hint);
	}
	ebda = ebda_base(mem);
	if (ebda >= 0x80000 && ebda < 0xa0000 && scan_rsdp(mem, ebda, EBDA_SCAN, out))
		return true;
	return scan_rsdp(mem, BIOS_AREA_BASE, BIOS_AREA_SIZE, out);
}

/* --- tables ----------------------------------------------------------------------------------------- */

struct walk {
	struct acpi_memory *mem;
	struct acpi_numa *numa; /* NULL: all tables but those two */
	struct acpi_info *info;
	struct arch_platform *platform;
	unsigned used;
	size_t seen_count;
	struct {
		paddr_t base;
		uint64_t end;
	} seen[MAX_TABLES];
};

/* Printable, whatever it is. */
static void signature_text(const char signature[4], char out[5])
{
	for (int i = 0; i < 4; i++)
		out[i] = signature[i] >= 0x20 && signature[i] < 0x7f ? signature[i] : '?';
	out[4] = '\0';
}

/* Map the table at pa and check what all tables share.  NULL: ignored, and the log says why. */
static const struct acpi_header *table_map(struct walk *w, paddr_t pa, size_t *len)
{
	const struct acpi_header *head = w->mem->map(w->mem, pa, sizeof(*head));
	const void *table;
	char name[5];

	if (!head) {
		complain(w->mem, "acpi: no table can lie at %#lx; ignored\n", pa);
		return NULL;
	}
	*len = head->length;
	signature_text(head->signature, name);
	w->mem->unmap(w->mem, head, sizeof(*head));
	if (*len < sizeof(*head) || *len > MAX_TABLE_SIZE) {
		complain(w->mem, "acpi: %s at %#lx says it is %zu bytes long; ignored\n", name, pa, *len);
		return NULL;
	}
	table = w->mem->map(w->mem, pa, *len);
	if (!table) {
		complain(w->mem, "acpi: %s at %#lx reaches outside memory; ignored\n", name, pa);
		return NULL;
	}
	/* The length is read again: it must be the one that was checked. */
	if (((const struct acpi_header *)table)->length == *len && checksum_ok(table, *len))
		return table;
	complain(w->mem, "acpi: %s at %#lx has a wrong checksum; ignored\n", name, pa);
	w->mem->unmap(w->mem, table, *len);
	return NULL;
}

/* Each table lies somewhere of its own: one listed twice, or into another, is firmware gone wrong. */
static bool claim_range(struct walk *w, paddr_t base, size_t len)
{
	for (size_t i = 0; i < w->seen_count; i++) {
		if (base < w->seen[i].end && w->seen[i].base < base + len)
			return false;
	}
	if (w->seen_count == MAX_TABLES)
		return false;
	w->seen[w->seen_count].base = base;
	w->seen[w->seen_count++].end = base + len;
	return true;
}

static void find_s5(struct walk *w, const struct acpi_header *table, size_t len)
{
	struct acpi_info *info = w->info;

	if (!info->s5_valid)
		info->s5_valid =
			acpi_find_s5(table + 1, len - sizeof(*table), &info->s5_type_a, &info->s5_type_b);
}

static const char *numa_parse(struct walk *w, const struct acpi_header *t, size_t len)
{
	if (memcmp(t->signature, "SRAT", 4) == 0)
		return acpi_parse_srat(t, len, w->numa);
	return acpi_parse_slit(t, len, w->numa);
}

static const char *table_parse(struct walk *w, const struct acpi_header *t, size_t len)
{
	if (memcmp(t->signature, "APIC", 4) == 0)
		return acpi_parse_madt(t, len, w->platform);
	if (memcmp(t->signature, "FACP", 4) == 0)
		return acpi_parse_fadt(t, len, w->info, w->platform);
	if (memcmp(t->signature, "HPET", 4) == 0)
		return acpi_parse_hpet(t, len, w->platform);
	if (memcmp(t->signature, "MCFG", 4) == 0)
		return acpi_parse_mcfg(t, len, w->info);
	if (memcmp(t->signature, "SSDT", 4) == 0)
		find_s5(w, t, len);
	return NULL;
}

static void table_visit(struct walk *w, paddr_t pa)
{
	const struct acpi_header *t;
	const char *wrong;
	char name[5];
	size_t len;

	t = table_map(w, pa, &len);
	if (!t)
		return;
	signature_text(t->signature, name);
	if (!claim_range(w, pa, len)) {
		complain(w->mem, "acpi: %s at %#lx overlaps another table; ignored\n", name, pa);
	} else {
		wrong = w->numa ? numa_parse(w, t, len) : table_parse(w, t, len);
		if (wrong)
			complain(w->mem, "acpi: %s at %#lx: %s; ignored\n", name, pa, wrong);
		else
			w->used++;
	}
	w->mem->unmap(w->mem, t, len);
}

/* Is it of the tables that this walk is for?  What cannot be told is left to the other. */
static bool is_wanted(struct walk *w, paddr_t pa)
{
	const struct acpi_header *head = w->mem->map(w->mem, pa, sizeof(*head));
	bool numa;

	if (!head)
		return !w->numa;
	numa = memcmp(head->signature, "SRAT", 4) == 0 || memcmp(head->signature, "SLIT", 4) == 0;
	w->mem->unmap(w->mem, head, sizeof(*head));
	return numa == (w->numa != NULL);
}

static void visit_wanted(struct walk *w, paddr_t pa)
{
	bool quiet = w->mem->quiet;

	if (!is_wanted(w, pa))
		return;
	w->mem->quiet = false;
	table_visit(w, pa);
	w->mem->quiet = quiet;
}

/* The DSDT is the first place for \_S5_, and only the FADT knows where it is. */
static void dsdt_visit(struct walk *w)
{
	const struct acpi_header *t;
	size_t len;

	if (w->info->dsdt == 0)
		return;
	t = table_map(w, w->info->dsdt, &len);
	if (!t)
		return;
	if (memcmp(t->signature, "DSDT", 4) == 0)
		find_s5(w, t, len);
	w->mem->unmap(w->mem, t, len);
}

/* The XSDT (8-byte entries) or RSDT (4-byte ones). */
static bool root_visit(struct walk *w, paddr_t pa, const char *signature, size_t entry_size)
{
	const struct acpi_header *t;
	const uint8_t *entries;
	size_t len, count;

	t = table_map(w, pa, &len);
	if (!t)
		return false;
	if (memcmp(t->signature, signature, 4) != 0 || !claim_range(w, pa, len)) {
		complain(w->mem, "acpi: what lies at %#lx is no %s\n", pa, signature);
		w->mem->unmap(w->mem, t, len);
		return false;
	}
	entries = (const uint8_t *)(t + 1);
	count = (len - sizeof(*t)) / entry_size;
	if (count > MAX_TABLES) {
		complain(w->mem, "acpi: %s lists %zu tables; only %u are read\n", signature, count,
			 MAX_TABLES);
		count = MAX_TABLES;
	}
	for (size_t i = 0; i < count; i++) {
		const uint8_t *p = entries + i * entry_size;
		paddr_t table = entry_size == 8 ? load64(p) : load32(p);

		if (table != 0)
			visit_wanted(w, table);
	}
	w->mem->unmap(w->mem, t, len);
	return true;
}

/* Where the XSDT and the RSDT are, by the root pointer at `rsdp`; 0: none. */
static void read_rsdp(struct acpi_memory *mem, paddr_t rsdp, paddr_t *xsdt, paddr_t *rsdt)
{
	const uint8_t *p = mem->map(mem, rsdp, RSDP_V1_SIZE);
	bool v2;

	*xsdt = *rsdt = 0;
	if (!p)
		return;
	v2 = p[15] >= 2;
	*rsdt = load32(p + 16);
	mem->unmap(mem, p, RSDP_V1_SIZE);
	p = v2 ? mem->map(mem, rsdp, RSDP_V2_SIZE) : NULL;
	if (p) {
		*xsdt = load64(p + 24);
		mem->unmap(mem, p, RSDP_V2_SIZE);
	}
}

static void walk_tables(struct walk *w, paddr_t rsdp)
{
	paddr_t xsdt, rsdt;

	read_rsdp(w->mem, rsdp, &xsdt, &rsdt);
	if ((xsdt == 0 || !root_visit(w, xsdt, "XSDT", 8)) && rsdt != 0)
		root_visit(w, rsdt, "RSDT", 4);
}

void acpi_read_numa_tables(struct acpi_memory *mem, paddr_t rsdp, struct acpi_numa *out)
{
	struct walk w = { .mem = mem, .numa = out };

	walk_tables(&w, rsdp);
}

unsigned acpi_read_tables(struct acpi_memory *mem, paddr_t rsdp, struct acpi_info *info,
			  struct arch_platform *platform_out)
{
	struct walk w = { .mem = mem, .info = info, .platform = platform_out };

	walk_tables(&w, rsdp);
	dsdt_visit(&w);
	return w.used;
}
