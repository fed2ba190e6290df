/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One parser per table.  Fields are taken by offset with a bound check each, never through a struct laid
 * over the bytes: firmware cuts tables short, and alignment is not promised.  Each parser builds its
 * result on the side and writes it only when the whole table passed.
 */
#include "acpi_tables.h"

#include <kernel/string.h>
#include <serix/errno.h>

static uint8_t get8(const uint8_t *p)
{
	return p[0];
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* --- MADT: interrupt controllers and processors ----------------------------------------------------- */

#define MADT_ENTRIES 44

enum madt_type {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_NMI = 4,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
	MADT_X2APIC_NMI = 10,
};

/* The MPS flags of overrides and NMI sources.  "Conforms to the bus" means edge, active high on ISA. */
static bool mps_active_low(uint16_t flags)
{
	return (flags & 3) == 3;
}

static bool mps_level(uint16_t flags)
{
	return ((flags >> 2) & 3) == 3;
}

/* Enabled, or "online capable": the second kind is offered but off. */
static const char *add_cpu(struct arch_platform *out, uint32_t apic_id, uint32_t uid, uint32_t flags)
{
	if ((flags & 3) == 0)
		return NULL;
	for (uint32_t i = 0; i < out->cpu_count; i++) {
		if (out->cpus[i].apic_id == apic_id)
			return "two processors have the same APIC id";
	}
	if (out->cpu_count == ARRAY_SIZE(out->cpus))
		return NULL; /* more processors than the kernel can use: the rest stays off */
	out->cpus[out->cpu_count++] = (struct platform_cpu){
		.apic_id = apic_id,
		.acpi_uid = uid,
		.enabled = flags & 1,
	};
	return NULL;
}

static const char *add_ioapic(struct arch_platform *out, const uint8_t *p)
{
	uint32_t address = get32(p + 4);

	if (address == 0 || address % 16 != 0)
		return "the address of an IOAPIC is not valid";
	if (out->ioapic_count == ARRAY_SIZE(out->ioapics))
		return "too many IOAPICs";
	for (uint32_t i = 0; i < out->ioapic_count; i++) {
		if (out->ioapics[i].address == address || out->ioapics[i].gsi_base == get32(p + 8))
			return "two IOAPICs overlap";
	}
	out->ioapics[out->ioapic_count++] = (struct platform_ioapic){
		.id = get8(p + 2),
		.address = address,
		.gsi_base = get32(p + 8),
	};
	return NULL;
}

static const char *add_override(struct arch_platform *out, const uint8_t *p)
{
	uint16_t flags = get16(p + 8);

	if (get8(p + 2) != 0 || get8(p + 3) > 15)
		return "an interrupt override names no ISA line";
	if (out->override_count == ARRAY_SIZE(out->overrides))
		return "too many interrupt overrides";
	out->overrides[out->override_count++] = (struct platform_override){
		.isa_irq = get8(p + 3),
		.gsi = get32(p + 4),
		.active_low = mps_active_low(flags),
		.level = mps_level(flags),
	};
	return NULL;
}

static void set_nmi(struct arch_platform *out, uint32_t uid, uint16_t flags, uint8_t lint)
{
	if (lint > 1)
		return;
	out->lapic_nmi.gsi_or_lint = lint;
	out->lapic_nmi.cpu_uid = uid;
	out->lapic_nmi.active_low = mps_active_low(flags);
	out->lapic_nmi.level = mps_level(flags);
	out->lapic_nmi.valid = true;
}

static size_t madt_entry_size(uint8_t type)
{
	switch (type) {
	case MADT_LAPIC:
		return 8;
	case MADT_LAPIC_NMI:
		return 6;
	case MADT_IOAPIC:
	case MADT_LAPIC_ADDRESS:
	case MADT_X2APIC_NMI:
		return 12;
	case MADT_OVERRIDE:
		return 10;
	case MADT_X2APIC:
		return 16;
	default:
		return 2;
	}
}

static const char *madt_entry(const uint8_t *p, struct arch_platform *out)
{
	switch (get8(p)) {
	case MADT_LAPIC:
		return get8(p + 3) == 0xff ? NULL : add_cpu(out, get8(p + 3), get8(p + 2), get32(p + 4));
	case MADT_X2APIC:
		return get32(p + 4) == UINT32_MAX ? NULL
						  : add_cpu(out, get32(p + 4), get32(p + 12), get32(p + 8));
	case MADT_IOAPIC:
		return add_ioapic(out, p);
	case MADT_OVERRIDE:
		return add_override(out, p);
	case MADT_LAPIC_NMI:
		set_nmi(out, get8(p + 2) == 0xff ? UINT32_MAX : get8(p + 2), get16(p + 3), get8(p + 5));
		return NULL;
	case MADT_X2APIC_NMI:
		set_nmi(out, get32(p + 4), get16(p + 2), get8(p + 8));
		return NULL;
	case MADT_LAPIC_ADDRESS:
		out->lapic_address = get64(p + 4);
		return NULL;
	default:
		return NULL; /* kinds that other machines have */
	}
}

static const char *madt_read(const uint8_t *t, size_t len, struct arch_platform *out)
{
	size_t at = MADT_ENTRIES, size;
	const char *wrong;

	if (len < MADT_ENTRIES)
		return "too short";
	out->lapic_address = get32(t + 36);
	out->has_8259 = get32(t + 40) & 1;
	out->cpu_count = out->ioapic_count = out->override_count = 0;
	while (at < len) {
		if (len - at < 2)
			return "an entry is cut off";
		size = get8(t + at + 1);
		if (size < madt_entry_size(get8(t + at)) || size < 2 || size > len - at)
			return "the length of an entry is wrong";
		wrong = madt_entry(t + at, out);
		if (wrong)
			return wrong;
		at += size;
	}
	if (out->lapic_address == 0 || out->lapic_address % PAGE_SIZE != 0)
		return "the address of the local APIC is not valid";
	return out->cpu_count == 0 ? "no processor is enabled" : NULL;
}

const char *acpi_parse_madt(const void *table, size_t len, struct arch_platform *out)
{
	struct arch_platform saved = *out;
	const char *wrong = madt_read(table, len, out);

	if (wrong)
		*out = saved;
	return wrong;
}

/* --- FADT: fixed hardware --------------------------------------------------------------------------- */

#define FADT_RESET_SUPPORTED (1u << 10)
#define FADT_PM_TIMER_32BIT  (1u << 8)
#define FADT_HW_REDUCED      (1u << 20)
#define IAPC_NO_CMOS_RTC     (1u << 5)

/* A generic address at `at`; one that reaches past the table or names another space is absent. */
static struct acpi_register get_register(const uint8_t *t, size_t len, size_t at)
{
	struct acpi_register none = { 0 };

	if (at + 12 > len || get8(t + at) > ACPI_SPACE_IO)
		return none;
	if (get8(t + at) == ACPI_SPACE_IO && get64(t + at + 4) > 0xffff)
		return none;
	return (struct acpi_register){ .space = get8(t + at),
				       .bits = get8(t + at + 1),
				       .address = get64(t + at + 4) };
}

/* The extended register block when it is there and an I/O port, else the old 32-bit field. */
static uint16_t get_port(const uint8_t *t, size_t len, size_t old, size_t extended)
{
	struct acpi_register reg = get_register(t, len, extended);

	if (reg.space == ACPI_SPACE_IO && reg.address != 0)
		return (uint16_t)reg.address;
	return get32(t + old) <= 0xffff ? (uint16_t)get32(t + old) : 0;
}

const char *acpi_parse_fadt(const void *table, size_t len, struct acpi_info *info, struct arch_platform *out)
{
	const uint8_t *t = table;
	uint8_t revision = get8(t + 8);
	uint32_t flags;

	if (len < 116)
		return "too short";
	flags = get32(t + 112);
	info->fadt_revision = revision ? revision : 1;
	info->dsdt = get32(t + 40);
	if (len >= 148 && get64(t + 140) != 0)
		info->dsdt = get64(t + 140);
	info->smi_command = get32(t + 48) <= 0xffff ? (uint16_t)get32(t + 48) : 0;
	info->acpi_enable = get8(t + 52);
	info->century_register = get8(t + 108);
	info->hw_reduced = revision >= 5 && (flags & FADT_HW_REDUCED);
	if (!info->hw_reduced) {
		info->pm1a_control = get_port(t, len, 64, 172);
		info->pm1b_control = get_port(t, len, 68, 184);
		out->pm_timer_port = get_port(t, len, 76, 208);
		out->pm_timer_32bit = flags & FADT_PM_TIMER_32BIT;
	}
	if (revision >= 2 && len >= 129 && (flags & FADT_RESET_SUPPORTED)) {
		info->reset = get_register(t, len, 116);
		info->reset_value = get8(t + 128);
	}
	if (revision >= 5) {
		info->sleep_control = get_register(t, len, 244);
		info->sleep_status = get_register(t, len, 256);
	}
	out->iapc_boot_flags_valid = revision >= 3;
	out->iapc_boot_flags = out->iapc_boot_flags_valid ? get16(t + 109) : 0;
	info->no_cmos_rtc = revision >= 4 && (out->iapc_boot_flags & IAPC_NO_CMOS_RTC);
	return NULL;
}

/* --- HPET, MCFG ------------------------------------------------------------------------------------- */

const char *acpi_parse_hpet(const void *table, size_t len, struct arch_platform *out)
{
	const uint8_t *t = table;

	if (len < 56)
		return "too short";
	if (get8(t + 40) != ACPI_SPACE_MEMORY || get64(t + 44) == 0)
		return "not in memory space";
	if (get64(t + 44) % 1024 != 0)
		return "not aligned";
	if (out->hpet_address == 0) /* the first of several */
		out->hpet_address = get64(t + 44);
	return NULL;
}

const char *acpi_parse_mcfg(const void *table, size_t len, struct acpi_info *info)
{
	const uint8_t *t = table;
	size_t count;

	if (len < 44 || (len - 44) % 16 != 0)
		return "the length is wrong";
	count = (len - 44) / 16;
	if (count > ARRAY_SIZE(info->mcfg))
		return "too many entries";
	for (size_t i = 0; i < count; i++) {
		const uint8_t *p = t + 44 + i * 16;

		if (get8(p + 10) > get8(p + 11) || get64(p) == 0 || get64(p) % (1u << 20) != 0)
			return "an entry is not valid";
	}
	for (size_t i = 0; i < count; i++) {
		const uint8_t *p = t + 44 + i * 16;

		info->mcfg[i] = (struct acpi_mcfg_entry){
			.base = get64(p),
			.segment = get16(p + 8),
			.bus_first = get8(p + 10),
			.bus_last = get8(p + 11),
		};
	}
	info->mcfg_count = (uint32_t)count;
	return NULL;
}

/* --- SRAT, SLIT ------------------------------------------------------------------------------------- */

enum srat_type { SRAT_LAPIC = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };

static const char *srat_memory(const uint8_t *p, struct acpi_numa *out)
{
	struct acpi_memory_range range = { .base = get64(p + 8),
					   .length = get64(p + 16),
					   .domain = get32(p + 2) };
	uint64_t end;

	if ((get32(p + 28) & 1) == 0 || range.length == 0)
		return NULL;
	if (add_overflows(range.base, range.length, &end))
		return "a memory range wraps around";
	for (uint32_t i = 0; i < out->memory_count; i++) {
		const struct acpi_memory_range *m = &out->memory[i];

		if (range.base < m->base + m->length && m->base < end)
			return "memory ranges overlap";
	}
	if (out->memory_count == ARRAY_SIZE(out->memory))
		return "too many memory ranges";
	out->memory[out->memory_count++] = range;
	return NULL;
}

static void srat_cpu(struct acpi_numa *out, uint32_t apic_id, uint32_t domain, uint32_t flags)
{
	if ((flags & 1) && out->cpu_count < ARRAY_SIZE(out->cpus))
		out->cpus[out->cpu_count++] = (struct acpi_cpu_domain){ apic_id, domain };
}

static const char *srat_entry(const uint8_t *p, size_t size, struct acpi_numa *out)
{
	switch (get8(p)) {
	case SRAT_LAPIC:
		if (size < 16)
			return "the length of an entry is wrong";
		srat_cpu(out, get8(p + 3), get8(p + 2) | (get32(p + 8) & 0xffffff00u), get32(p + 4));
		return NULL;
	case SRAT_MEMORY:
		return size < 40 ? "the length of an entry is wrong" : srat_memory(p, out);
	case SRAT_X2APIC:
		if (size < 24)
			return "the length of an entry is wrong";
		srat_cpu(out, get32(p + 8), get32(p + 4), get32(p + 12));
		return NULL;
	default:
		return NULL;
	}
}

const char *acpi_parse_srat(const void *table, size_t len, struct acpi_numa *out)
{
	const uint8_t *t = table;
	const char *wrong = NULL;
	size_t at = 48;

	out->memory_count = out->cpu_count = 0;
	if (len < 48)
		return "too short";
	while (at < len && !wrong) {
		if (len - at < 2 || get8(t + at + 1) < 2 || get8(t + at + 1) > len - at) {
			wrong = "the length of an entry is wrong";
			break;
		}
		wrong = srat_entry(t + at, get8(t + at + 1), out);
		at += get8(t + at + 1);
	}
	if (wrong)
		out->memory_count = out->cpu_count = 0;
	return wrong;
}

/* System Locality Distance Information Table (ACPI 6.4, section 5.2.17): a square of bytes, 10 for what is
 * local and more for everything else. */
#define SLIT_MATRIX 44
#define SLIT_LOCAL  10

const char *acpi_parse_slit(const void *table, size_t len, struct acpi_numa *out)
{
	const uint8_t *t = table;
	uint64_t n;

	if (len < SLIT_MATRIX)
		return "too short";
	n = get64(t + 36);
	if (n == 0 || n > ACPI_MAX_LOCALITIES)
		return "the number of localities is out of range";
	if (len - SLIT_MATRIX < n * n)
		return "the matrix is cut off";
	for (size_t i = 0; i < n * n; i++) {
		bool local = i / n == i % n;

		if (local ? get8(t + SLIT_MATRIX + i) != SLIT_LOCAL : get8(t + SLIT_MATRIX + i) <= SLIT_LOCAL)
			return "a distance is not possible";
	}
	for (size_t i = 0; i < n * n; i++)
		out->distances[i / n][i % n] = get8(t + SLIT_MATRIX + i);
	out->locality_count = (uint32_t)n;
	return NULL;
}

/* --- \_S5_ in AML ----------------------------------------------------------------------------------- */

#define AML_ZERO    0x00
#define AML_ONE     0x01
#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_DWORD   0x0c
#define AML_PACKAGE 0x12

/* One constant integer at *at; its low byte.  Advances *at. */
static bool aml_integer(const uint8_t *p, size_t len, size_t *at, uint8_t *out)
{
	size_t bytes;

	if (*at >= len)
		return false;
	switch (p[*at]) {
	case AML_ZERO:
	case AML_ONE:
		*out = p[(*at)++];
		return true;
	case AML_BYTE:
		bytes = 1;
		break;
	case AML_WORD:
		bytes = 2;
		break;
	case AML_DWORD:
		bytes = 4;
		break;
	default:
		return false;
	}
	if (len - *at < 1 + bytes)
		return false;
	*out = p[*at + 1];
	*at += 1 + bytes;
	return true;
}

/* `p` follows the name: PackageOp, PkgLength, element count, elements. */
static bool s5_package(const uint8_t *p, size_t len, uint8_t *type_a, uint8_t *type_b)
{
	size_t at = 1, bytes;
	uint8_t count, a, b;

	if (len < 4 || p[0] != AML_PACKAGE)
		return false;
	bytes = 1 + (p[1] >> 6); /* of PkgLength; its value bounds nothing that the buffer does not */
	at += bytes;
	if (at >= len)
		return false;
	count = p[at++];
	if (count == 0 || !aml_integer(p, len, &at, &a) || a > 7)
		return false;
	b = a;
	if (count >= 2 && (!aml_integer(p, len, &at, &b) || b > 7))
		return false;
	*type_a = a;
	*type_b = b;
	return true;
}

bool acpi_find_s5(const void *aml, size_t len, uint8_t *type_a, uint8_t *type_b)
{
	const uint8_t *p = aml;

	for (size_t i = 1; i + 4 <= len; i++) {
		if (memcmp(p + i, "_S5_", 4) != 0)
			continue;
		/* NameOp, perhaps with the root character between */
		if (p[i - 1] != AML_NAME && !(i >= 2 && p[i - 1] == '\\' && p[i - 2] == AML_NAME))
			continue;
		if (s5_package(p + i + 4, len - i - 4, type_a, type_b))
			return true;
	}
	return false;
}
