/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/acpi/acpi_tables.c drivers/kernel/acpi/acpi_parse.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "drivers/kernel/acpi/acpi_tables.h"

/* Physical memory: one array.  map() gives exact copies, so that the sanitizer sees every byte too many. */
#define BASE 0xe0000u
#define SIZE 0x20000u

static uint8_t memory[SIZE];
static int mapped;
static struct acpi_info info;
static struct acpi_numa numa;
static struct arch_platform plat;

static const void *mem_map(struct acpi_memory *mem, paddr_t pa, size_t len)
{
	void *copy;

	(void)mem;
	if (pa < BASE || pa > BASE + SIZE || len > BASE + SIZE - pa)
		return NULL;
	copy = malloc(len);
	memcpy(copy, memory + (pa - BASE), len);
	mapped++;
	return copy;
}

static void mem_unmap(struct acpi_memory *mem, const void *ptr, size_t len)
{
	(void)mem;
	(void)len;
	mapped--;
	free((void *)(uintptr_t)ptr);
}

static struct acpi_memory mem = { .map = mem_map, .unmap = mem_unmap };

static void put(size_t at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		memory[at + i] = (uint8_t)(value >> (8 * i));
}

static void fix_checksum(size_t at, size_t len, size_t field)
{
	uint8_t sum = 0;

	memory[at + field] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + memory[at + i]);
	memory[at + field] = (uint8_t)-sum;
}

static void table(size_t at, const char *signature, size_t len, uint8_t revision)
{
	memcpy(memory + at, signature, 4);
	put(at + 4, len, 4);
	memory[at + 8] = revision;
	fix_checksum(at, len, 9);
}

#define RSDP 0x100
#define XSDT 0x200
#define MADT 0x400
#define FADT 0x600
#define DSDT 0x800
#define MCFG 0xa00
#define HPET 0xb00
#define SRAT 0xc00
#define SLIT 0xd00

static void make_xsdt(const uint32_t *tables, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(XSDT + 36 + 8 * i, BASE + tables[i], 8);
	table(XSDT, "XSDT", 36 + 8 * n, 1);
}

static void make_madt(void)
{
	static const uint8_t entries[] = {
		0,    8,  0,    0, 1, 0, 0,    0,                   /* CPU 0 */
		0,    8,  1,    4, 1, 0, 0,    0,                   /* CPU with APIC id 4 */
		0,    8,  2,    5, 0, 0, 0,    0,                   /* disabled */
		1,    12, 9,    0, 0, 0, 0xc0, 0xfe, 0,    0, 0, 0, /* IOAPIC at 0xfec00000 */
		2,    10, 0,    0, 2, 0, 0,    0,    0,    0,       /* line 0 on GSI 2 */
		2,    10, 0,    9, 9, 0, 0,    0,    0x0d, 0,       /* line 9 level, active high */
		4,    6,  0xff, 0, 0, 1,                            /* LINT1 is the NMI */
		9,    16, 0,    0, 0, 1, 0,    0,    1,    0, 0, 0, 3, 0, 0, 0, /* x2APIC id 256 */
		0x7f, 3,  0,                                                    /* unknown kind */
	};

	put(MADT + 36, 0xfee00000, 4);
	put(MADT + 40, 1, 4);
	memcpy(memory + MADT + 44, entries, sizeof(entries));
	table(MADT, "APIC", 44 + sizeof(entries), 4);
}

static void make_fadt(uint8_t revision, size_t len)
{
	put(FADT + 40, BASE + DSDT, 4);
	put(FADT + 48, 0xb2, 4);
	memory[FADT + 52] = 2;
	put(FADT + 64, 0x604, 4);
	put(FADT + 76, 0x608, 4);
	memory[FADT + 108] = 0x32;
	put(FADT + 109, 2, 2);
	put(FADT + 112, 1u << 10 | 1u << 8, 4);
	memory[FADT + 116] = ACPI_SPACE_IO;
	memory[FADT + 117] = 8;
	put(FADT + 120, 0xcf9, 8);
	memory[FADT + 128] = 0xf;
	table(FADT, "FACP", len, revision);
}

static void make_dsdt(const char *aml, size_t len)
{
	memcpy(memory + DSDT + 36, aml, len);
	table(DSDT, "DSDT", 36 + len, 1);
}

static void make_rsdp(void)
{
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memory[RSDP + 15] = 2;
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, BASE + XSDT, 8);
	fix_checksum(RSDP, 20, 8);
	fix_checksum(RSDP, 36, 32);
}

static void make_rest(void)
{
	put(MCFG + 44, 0xb0000000, 8);
	memory[MCFG + 55] = 0xff;
	table(MCFG, "MCFG", 60, 1);
	put(HPET + 44, 0xfed00000, 8);
	table(HPET, "HPET", 56, 1);
	memory[SRAT + 48] = 1; /* memory, domain 1, [4 GiB, 5 GiB) */
	memory[SRAT + 49] = 40;
	memory[SRAT + 50] = 1;
	put(SRAT + 56, 1ull << 32, 8);
	put(SRAT + 64, 1ull << 30, 8);
	memory[SRAT + 76] = 1;
	memory[SRAT + 88] = 0; /* CPU with APIC id 4, domain 1 */
	memory[SRAT + 89] = 16;
	memory[SRAT + 90] = 1;
	memory[SRAT + 91] = 4;
	memory[SRAT + 92] = 1;
	table(SRAT, "SRAT", 104, 3);
	put(SLIT + 36, 2, 8);
	memcpy(memory + SLIT + 44, "\x0a\x15\x1f\x0a", 4);
	table(SLIT, "SLIT", 48, 1);
}

static int setup(void **state)
{
	static const uint32_t all[] = { MADT, FADT, MCFG, HPET, SRAT, SLIT };

	(void)state;
	memset(memory, 0, sizeof(memory));
	memset(&info, 0, sizeof(info));
	memset(&numa, 0, sizeof(numa));
	memset(&plat, 0, sizeof(plat));
	make_madt();
	make_fadt(3, 244);
	make_dsdt("\x10\x05xxxx\x08_S5_\x12\x0a\x04\x0a\x05\x01\x00\x00", 19);
	make_rest();
	make_xsdt(all, ARRAY_SIZE(all));
	make_rsdp();
	return 0;
}

static unsigned read_all(void)
{
	paddr_t rsdp;
	unsigned n;

	assert_true(acpi_find_rsdp(&mem, 0, &rsdp));
	assert_int_equal(rsdp, BASE + RSDP);
	n = acpi_read_tables(&mem, rsdp, &info, &plat);
	assert_int_equal(mapped, 0);
	return n;
}

static void everything_is_found(void **state)
{
	(void)state;
	assert_int_equal(read_all(), 4);
	assert_int_equal(plat.cpu_count, 3);
	assert_int_equal(plat.cpus[1].apic_id, 4);
	assert_int_equal(plat.cpus[2].apic_id, 256);
	assert_int_equal(plat.ioapics[0].address, 0xfec00000);
	assert_int_equal(plat.override_count, 2);
	assert_true(plat.overrides[1].level);
	assert_false(plat.overrides[1].active_low);
	assert_true(plat.lapic_nmi.valid);
	assert_int_equal(plat.lapic_nmi.gsi_or_lint, 1);
	assert_int_equal(plat.hpet_address, 0xfed00000);
	assert_int_equal(plat.pm_timer_port, 0x608);
	assert_true(plat.iapc_boot_flags_valid);
	assert_int_equal(info.pm1a_control, 0x604);
	assert_int_equal(info.reset.address, 0xcf9);
	assert_int_equal(info.reset_value, 0xf);
	assert_int_equal(info.century_register, 0x32);
	assert_true(info.s5_valid);
	assert_int_equal(info.s5_type_a, 5);
	assert_int_equal(info.s5_type_b, 1);
	assert_int_equal(info.mcfg_count, 1);
}

static void read_numa(void)
{
	paddr_t rsdp;

	memset(&numa, 0, sizeof(numa));
	assert_true(acpi_find_rsdp(&mem, 0, &rsdp));
	acpi_read_numa_tables(&mem, rsdp, &numa);
	assert_int_equal(mapped, 0);
}

static void nodes_are_found(void **state)
{
	(void)state;
	read_numa();
	assert_int_equal(numa.memory_count, 1);
	assert_int_equal(numa.memory[0].domain, 1);
	assert_int_equal(numa.memory[0].base, 1ull << 32);
	assert_int_equal(numa.memory[0].length, 1ull << 30);
	assert_int_equal(numa.cpu_count, 1);
	assert_int_equal(numa.cpus[0].apic_id, 4);
	assert_int_equal(numa.cpus[0].domain, 1);
	assert_int_equal(numa.locality_count, 2);
	assert_int_equal(numa.distances[0][1], 21);
	assert_int_equal(numa.distances[1][0], 31);
}

static void x2apic_ids_have_domains(void **state)
{
	(void)state;
	memset(memory + SRAT + 88, 0, 16);
	memory[SRAT + 88] = 2;
	memory[SRAT + 89] = 24;
	put(SRAT + 92, 0x12345, 4);
	put(SRAT + 96, 300, 4);
	put(SRAT + 100, 1, 4);
	table(SRAT, "SRAT", 112, 3);
	read_numa();
	assert_int_equal(numa.cpu_count, 1);
	assert_int_equal(numa.cpus[0].apic_id, 300);
	assert_int_equal(numa.cpus[0].domain, 0x12345);
}

/* A table that does not pass leaves nothing behind, and the other one is used. */
static void spoilt_numa_tables(void **state)
{
	(void)state;
	memory[SRAT + 89] = 1; /* an entry shorter than its own head */
	table(SRAT, "SRAT", 104, 3);
	read_numa();
	assert_int_equal(numa.memory_count, 0);
	assert_int_equal(numa.cpu_count, 0);
	assert_int_equal(numa.locality_count, 2);

	setup(NULL);
	put(SRAT + 64, UINT64_MAX, 8); /* the range wraps around */
	table(SRAT, "SRAT", 104, 3);
	read_numa();
	assert_int_equal(numa.memory_count, 0);
}

static void slit_must_be_a_whole_square(void **state)
{
	static const uint64_t counts[] = { 0, 3, 65, 1ull << 32, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		put(SLIT + 36, counts[i], 8);
		table(SLIT, "SLIT", 48, 1);
		read_numa();
		assert_int_equal(numa.locality_count, 0);
	}
	put(SLIT + 36, 2, 8);
	memory[SLIT + 45] = 10; /* remote as near as local */
	table(SLIT, "SLIT", 48, 1);
	read_numa();
	assert_int_equal(numa.locality_count, 0);
	memory[SLIT + 45] = 20;
	memory[SLIT + 44] = 11;
	table(SLIT, "SLIT", 48, 1);
	read_numa();
	assert_int_equal(numa.locality_count, 0);
	assert_int_equal(numa.memory_count, 1);
}

static void wrong_hint_falls_back_to_the_bios_area(void **state)
{
	paddr_t rsdp;

	(void)state;
	assert_true(acpi_find_rsdp(&mem, BASE + 0x5000, &rsdp));
	assert_int_equal(rsdp, BASE + RSDP);
	assert_true(acpi_find_rsdp(&mem, UINT64_MAX - 3, &rsdp));
	memory[RSDP + 8]++;
	assert_false(acpi_find_rsdp(&mem, BASE + RSDP, &rsdp));
}

static void bad_table_is_left_out_alone(void **state)
{
	(void)state;
	memory[MADT + 60]++;
	assert_int_equal(read_all(), 3);
	assert_int_equal(plat.cpu_count, 0);
	setup(NULL);
	put(MADT + 4, 0xffffffff, 4);
	assert_int_equal(read_all(), 3);
	setup(NULL);
	memory[MADT + 44 + 1] = 0; /* an entry of length 0, with a right checksum */
	fix_checksum(MADT, memory[MADT + 4], 9);
	assert_int_equal(read_all(), 3);
	assert_int_equal(plat.cpu_count, 0);
}

static void tables_must_not_overlap(void **state)
{
	static const uint32_t twice[] = { MADT, MADT, FADT };

	(void)state;
	make_xsdt(twice, ARRAY_SIZE(twice));
	assert_int_equal(read_all(), 2);
}

static void table_outside_memory_is_ignored(void **state)
{
	static const uint32_t far[] = { 0x7fffff00, MADT };

	(void)state;
	make_xsdt(far, ARRAY_SIZE(far));
	assert_int_equal(read_all(), 1);
	assert_int_equal(plat.cpu_count, 3);
}

static void reduced_hardware_has_sleep_registers(void **state)
{
	(void)state;
	memory[FADT + 244] = ACPI_SPACE_MEMORY;
	memory[FADT + 245] = 8;
	put(FADT + 248, 0xfea00000, 8);
	put(FADT + 112, 1u << 20 | 1u << 10, 4);
	table(FADT, "FACP", 268, 5);
	read_all();
	assert_true(info.hw_reduced);
	assert_int_equal(info.pm1a_control, 0);
	assert_int_equal(info.sleep_control.address, 0xfea00000);
}

static void old_fadt_has_no_boot_flags(void **state)
{
	(void)state;
	make_fadt(1, 116);
	read_all();
	assert_false(plat.iapc_boot_flags_valid);
	assert_int_equal(info.reset.address, 0);
	assert_int_equal(info.pm1a_control, 0x604);
}

static void s5_must_look_like_a_definition(void **state)
{
	uint8_t a, b;

	(void)state;
	assert_true(acpi_find_s5("\x08\\_S5_\x12\x06\x02\x0a\x05\x00", 12, &a, &b));
	assert_int_equal(a, 5);
	assert_true(acpi_find_s5("\x08_S5_\x12\x06\x01\x01", 9, &a, &b));
	assert_int_equal(b, 1);
	assert_false(acpi_find_s5("x_S5_\x12\x06\x02\x0a\x05\x00", 11, &a, &b));
	assert_false(acpi_find_s5("\x08_S5_\x12\x06\x02\x0a\x09\x00", 11, &a, &b));
	assert_false(acpi_find_s5("\x08_S5_\x12\xc6\x02", 8, &a, &b));
	assert_false(acpi_find_s5("\x08_S5_", 5, &a, &b));
	assert_false(acpi_find_s5("", 0, &a, &b));
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(everything_is_found),
		T(nodes_are_found),
		T(x2apic_ids_have_domains),
		T(spoilt_numa_tables),
		T(slit_must_be_a_whole_square),
		T(wrong_hint_falls_back_to_the_bios_area),
		T(bad_table_is_left_out_alone),
		T(tables_must_not_overlap),
		T(table_outside_memory_is_ignored),
		T(reduced_hardware_has_sleep_registers),
		T(old_fadt_has_no_boot_flags),
		T(s5_must_look_like_a_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
