/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: loader/boot_info.c kernel/core/boot_info.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <kernel/boot_info.h>
#include <loader/boot_info.h>
#include <serix/errno.h>

#define MIB (1ull << 20)

static struct boot_info bi;

/* 64 MiB of RAM, the kernel at 2 MiB. */
static void begin(void)
{
	boot_info_init(&bi, "test");
	assert_int_equal(boot_info_add_region(&bi, 0, 64 * MIB, BOOT_REGION_USABLE), 0);
	assert_int_equal(boot_info_set_kernel(&bi, 2 * MIB, MIB), 0);
}

static void expect_region(uint32_t index, uint64_t base, uint64_t end, uint32_t type)
{
	assert_true(index < bi.region_count);
	assert_int_equal(bi.regions[index].base, base);
	assert_int_equal(bi.regions[index].base + bi.regions[index].length, end);
	assert_int_equal(bi.regions[index].type, type);
}

static void kernel_is_cut_out_of_ram(void **state)
{
	(void)state;
	begin();
	assert_int_equal(boot_info_finish(&bi), 0);
	assert_int_equal(bi.region_count, 3);
	expect_region(0, 0, 2 * MIB, BOOT_REGION_USABLE);
	expect_region(1, 2 * MIB, 3 * MIB, BOOT_REGION_KERNEL);
	expect_region(2, 3 * MIB, 64 * MIB, BOOT_REGION_USABLE);
	assert_null(boot_info_check(&bi));
}

static void stricter_type_wins_in_any_order(void **state)
{
	(void)state;
	begin();
	boot_info_add_region(&bi, 8 * MIB, 4 * MIB, BOOT_REGION_RESERVED);
	boot_info_add_region(&bi, 6 * MIB, 4 * MIB, BOOT_REGION_ACPI_NVS);
	boot_info_add_region(&bi, 11 * MIB, 2 * MIB, BOOT_REGION_ACPI_RECLAIMABLE);
	assert_int_equal(boot_info_finish(&bi), 0);
	expect_region(2, 3 * MIB, 6 * MIB, BOOT_REGION_USABLE);
	expect_region(3, 6 * MIB, 8 * MIB, BOOT_REGION_ACPI_NVS);
	expect_region(4, 8 * MIB, 12 * MIB, BOOT_REGION_RESERVED);
	expect_region(5, 12 * MIB, 13 * MIB, BOOT_REGION_ACPI_RECLAIMABLE);
	expect_region(6, 13 * MIB, 64 * MIB, BOOT_REGION_USABLE);
}

static void neighbours_merge(void **state)
{
	(void)state;
	begin();
	boot_info_add_region(&bi, 80 * MIB, 16 * MIB, BOOT_REGION_USABLE);
	boot_info_add_region(&bi, 64 * MIB, 16 * MIB, BOOT_REGION_USABLE);
	assert_int_equal(boot_info_finish(&bi), 0);
	assert_int_equal(bi.region_count, 3);
	expect_region(2, 3 * MIB, 96 * MIB, BOOT_REGION_USABLE);
}

static void usable_regions_shrink_to_pages(void **state)
{
	(void)state;
	boot_info_init(&bi, "test");
	boot_info_add_region(&bi, 100, 0x9fc00 - 100, BOOT_REGION_USABLE);
	boot_info_add_region(&bi, 0xa0010, 0x100, BOOT_REGION_USABLE);
	boot_info_add_region(&bi, MIB, 63 * MIB, BOOT_REGION_USABLE);
	boot_info_set_kernel(&bi, 2 * MIB, MIB);
	assert_int_equal(boot_info_finish(&bi), 0);
	expect_region(0, 0x1000, 0x9f000, BOOT_REGION_USABLE);
	expect_region(1, MIB, 2 * MIB, BOOT_REGION_USABLE);
}

static void impossible_regions_are_refused(void **state)
{
	(void)state;
	begin();
	assert_int_equal(boot_info_add_region(&bi, UINT64_MAX - 10, 100, BOOT_REGION_USABLE), -EINVAL);
	assert_int_equal(boot_info_add_region(&bi, 0, 100, 0), -EINVAL);
	assert_int_equal(boot_info_add_region(&bi, 0, 100, 11), -EINVAL);
	assert_int_equal(boot_info_add_region(&bi, 0, 0, BOOT_REGION_BAD), 0);
	assert_int_equal(bi.region_count, 2);
	assert_int_equal(boot_info_set_kernel(&bi, MIB, MIB), -EINVAL);
}

static void full_table_is_refused(void **state)
{
	(void)state;
	begin();
	for (uint64_t i = bi.region_count; i < BOOT_MAX_REGIONS; i++)
		assert_int_equal(boot_info_add_region(&bi, (4 + i / 64) * MIB + i % 64 * 8192, 4096,
						      BOOT_REGION_RESERVED),
				 0);
	assert_int_equal(boot_info_add_region(&bi, 0, 1, BOOT_REGION_BAD), -ENOSPC);
	assert_int_equal(boot_info_finish(&bi), -ENOSPC);
}

static void module_must_lie_in_free_ram(void **state)
{
	static const struct {
		uint64_t base, length;
		int result;
	} cases[] = {
		{ 16 * MIB, 5000, 0 },
		{ 16 * MIB, 0, 0 },
		{ 63 * MIB, 2 * MIB, -EINVAL },   /* ends behind RAM */
		{ 0xfee00000, 4096, -EINVAL },    /* device registers */
		{ 2 * MIB + 4096, 100, -EINVAL }, /* inside the kernel */
		{ MIB, 3 * MIB, -EINVAL },        /* around the kernel */
		{ 20 * MIB, 8192, -EINVAL },      /* over ACPI tables */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		boot_info_add_region(&bi, 20 * MIB, 4096, BOOT_REGION_ACPI_RECLAIMABLE);
		assert_int_equal(boot_info_add_module(&bi, cases[i].base, cases[i].length, "m"), 0);
		assert_int_equal(boot_info_finish(&bi), cases[i].result);
	}
}

static void long_texts(void **state)
{
	char line[BOOT_CMDLINE_LEN + 1];

	(void)state;
	begin();
	memset(line, 'x', sizeof(line));
	assert_int_equal(boot_info_set_cmdline(&bi, line, sizeof(line)), -E2BIG);
	assert_int_equal(bi.cmdline_len, 0);
	assert_int_equal(boot_info_set_cmdline(&bi, line, BOOT_CMDLINE_LEN - 1), 0);
	assert_int_equal(bi.cmdline_len, BOOT_CMDLINE_LEN - 1);
	assert_int_equal(bi.cmdline[BOOT_CMDLINE_LEN - 1], 0);
	assert_int_equal(boot_info_set_cmdline(&bi, NULL, 0), 0);
	line[BOOT_CMDLINE_LEN] = '\0';
	assert_int_equal(boot_info_add_module(&bi, 16 * MIB, 1, line), 0);
	assert_int_equal(strlen(bi.modules[0].name), BOOT_NAME_LEN - 1);
}

static void framebuffer_geometry(void **state)
{
	struct boot_framebuffer fb = { .base = 0xe0000000,
				       .width = 800,
				       .height = 600,
				       .pitch = 3200,
				       .red = { 16, 8 },
				       .green = { 8, 8 },
				       .blue = { 0, 8 } };

	(void)state;
	begin();
	assert_int_equal(boot_info_set_framebuffer(&bi, &fb), 0);
	fb.pitch = 3196;
	assert_int_equal(boot_info_set_framebuffer(&bi, &fb), -EINVAL);
	fb.pitch = 3200;
	fb.red.shift = 30;
	assert_int_equal(boot_info_set_framebuffer(&bi, &fb), -EINVAL);
	assert_int_equal(boot_info_finish(&bi), 0);
	expect_region(3, 0xe0000000, 0xe0000000 + 3200 * 600, BOOT_REGION_FRAMEBUFFER);
	assert_null(boot_info_check(&bi));
}

static void framebuffer_over_the_kernel_is_refused(void **state)
{
	struct boot_framebuffer fb = { .base = 2 * MIB,
				       .width = 80,
				       .height = 60,
				       .pitch = 320,
				       .red = { 16, 8 },
				       .green = { 8, 8 },
				       .blue = { 0, 8 } };

	(void)state;
	begin();
	assert_int_equal(boot_info_set_framebuffer(&bi, &fb), 0);
	assert_int_equal(boot_info_finish(&bi), -EINVAL);
}

static void entropy_mixes(void **state)
{
	uint8_t once[BOOT_ENTROPY_LEN], bytes[40];

	(void)state;
	begin();
	memset(bytes, 0x5a, sizeof(bytes));
	boot_info_add_entropy(&bi, bytes, sizeof(bytes));
	assert_int_equal(bi.entropy_len, 40);
	memcpy(once, bi.entropy, sizeof(once));
	boot_info_add_entropy(&bi, bytes, sizeof(bytes));
	assert_int_equal(bi.entropy_len, BOOT_ENTROPY_LEN);
	assert_memory_not_equal(once, bi.entropy, sizeof(once));
	boot_info_add_entropy(&bi, bytes, sizeof(bytes));
	assert_int_equal(bi.entropy_len, BOOT_ENTROPY_LEN);
}

static void efi_map_uses_the_descriptor_size(void **state)
{
	uint64_t map[3][6] = {
		{ 7, 0, 0, 64 * 256, 0xf },         /* conventional */
		{ 6, 64 * MIB, 0, 16, 1ull << 63 }, /* runtime data */
		{ 2, 65 * MIB, 0, 16, 0xf },        /* loader data */
	};

	(void)state;
	boot_info_init(&bi, "uefi");
	assert_int_equal(boot_info_add_efi_map(&bi, map, sizeof(map), 39), -EINVAL);
	assert_int_equal(boot_info_add_efi_map(&bi, map, sizeof(map) - 1, sizeof(map[0])), -EINVAL);
	assert_int_equal(boot_info_add_efi_map(&bi, map, sizeof(map), sizeof(map[0])), 0);
	boot_info_set_kernel(&bi, 2 * MIB, MIB);
	assert_int_equal(boot_info_finish(&bi), 0);
	expect_region(3, 64 * MIB, 64 * MIB + 65536, BOOT_REGION_EFI_RUNTIME);
	expect_region(4, 65 * MIB, 65 * MIB + 65536, BOOT_REGION_BOOT_RECLAIMABLE);
	map[0][3] = UINT64_MAX / 4096 + 1;
	assert_int_equal(boot_info_add_efi_map(&bi, map, sizeof(map), sizeof(map[0])), -EINVAL);
}

/* Each change alone makes the kernel refuse. */
static void check_finds_what_is_wrong(void **state)
{
	struct boot_info good;

	(void)state;
	begin();
	boot_info_add_module(&bi, 16 * MIB, 4096, "m");
	assert_int_equal(boot_info_finish(&bi), 0);
	good = bi;
#define REFUSED(change)                                \
	do {                                           \
		bi = good;                             \
		assert_null(boot_info_check(&bi));     \
		change;                                \
		assert_non_null(boot_info_check(&bi)); \
	} while (0)
	REFUSED(bi.magic++);
	REFUSED(bi.version++);
	REFUSED(bi.size--);
	REFUSED(memset(bi.path, 'x', sizeof(bi.path)));
	REFUSED(bi.cmdline_len = BOOT_CMDLINE_LEN);
	REFUSED(memset(bi.cmdline, 'x', sizeof(bi.cmdline)));
	REFUSED(bi.entropy_len = BOOT_ENTROPY_LEN + 1);
	REFUSED(bi.region_count = 0);
	REFUSED(bi.region_count = BOOT_MAX_REGIONS + 1);
	REFUSED(bi.region_count++); /* an empty one */
	REFUSED(bi.regions[0].type = 0);
	REFUSED(bi.regions[0].type = 99);
	REFUSED(bi.regions[0].base++);
	REFUSED(bi.regions[0].length++);
	REFUSED(bi.regions[1].length += 8192);
	REFUSED(bi.regions[bi.region_count - 1].length = -4096ull);
	REFUSED(bi.kernel_base += 2 * MIB);
	REFUSED(bi.kernel_base++);
	REFUSED(bi.kernel_size++);
	REFUSED(bi.kernel_size = 0);
	REFUSED(bi.module_count = BOOT_MAX_MODULES + 1);
	REFUSED(bi.modules[bi.module_count++] = bi.modules[0]);
	REFUSED(bi.modules[0].base -= 4096);
	REFUSED(bi.modules[0].length++);
	REFUSED(bi.modules[0].length = UINT64_MAX);
	REFUSED(memset(bi.modules[0].name, 'x', sizeof(bi.modules[0].name)));
	REFUSED(bi.framebuffer.base = 0xe0000000);
#undef REFUSED
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_is_cut_out_of_ram),
		cmocka_unit_test(stricter_type_wins_in_any_order),
		cmocka_unit_test(neighbours_merge),
		cmocka_unit_test(usable_regions_shrink_to_pages),
		cmocka_unit_test(impossible_regions_are_refused),
		cmocka_unit_test(full_table_is_refused),
		cmocka_unit_test(module_must_lie_in_free_ram),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(framebuffer_geometry),
		cmocka_unit_test(framebuffer_over_the_kernel_is_refused),
		cmocka_unit_test(entropy_mixes),
		cmocka_unit_test(efi_map_uses_the_descriptor_size),
		cmocka_unit_test(check_finds_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
