/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: loader/pvh.c loader/boot_info.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <loader/boot_info.h>
#include <loader/pvh.h>

#define START_INFO 0x100
#define MEMMAP     0x200
#define MODULES    0x300
#define CMDLINE    0x400
#define NAME       0x500

struct start_info {
	uint32_t magic, version, flags, module_count;
	uint64_t modules, cmdline, rsdp, memmap;
	uint32_t memmap_count, reserved;
};

static struct boot_info bi;
static _Alignas(8) unsigned char memory[0x1000];
static struct start_info si;

static const char *translate(void)
{
	const struct pvh_window window = { memory, sizeof(memory) };

	memcpy(memory + START_INFO, &si, sizeof(si));
	boot_info_init(&bi, "pvh");
	return pvh_translate(&bi, &window, START_INFO);
}

static void begin(void)
{
	const uint64_t map[] = { 0, 0x9fc00, 1, 0x100000, 0x3f00000, 1, 0xfff00000, 0x100000, 2 };
	const uint64_t module[] = { 0x400000, 0x1234, NAME, 0 };

	memset(memory, 0, sizeof(memory));
	memcpy(memory + MEMMAP, map, sizeof(map));
	memcpy(memory + MODULES, module, sizeof(module));
	strcpy((char *)memory + CMDLINE, "a=b c");
	strcpy((char *)memory + NAME, "first");
	si = (struct start_info){ 0x336ec578, 1, 0, 1, MODULES, CMDLINE, 0xf1234, MEMMAP, 3, 0 };
}

static void everything_is_translated(void **state)
{
	(void)state;
	begin();
	assert_null(translate());
	assert_string_equal(bi.cmdline, "a=b c");
	assert_int_equal(bi.rsdp, 0xf1234);
	assert_int_equal(bi.module_count, 1);
	assert_int_equal(bi.modules[0].length, 0x1234);
	assert_string_equal(bi.modules[0].name, "first");
	boot_info_set_kernel(&bi, 0x200000, 0x100000);
	assert_int_equal(boot_info_finish(&bi), 0);
	assert_int_equal(bi.regions[0].type, BOOT_REGION_USABLE);
	assert_int_equal(bi.regions[bi.region_count - 1].type, BOOT_REGION_RESERVED);
}

static void optional_parts_may_be_missing(void **state)
{
	(void)state;
	begin();
	si.module_count = 0;
	si.modules = 0;
	si.cmdline = 0;
	assert_null(translate());
	assert_int_equal(bi.cmdline_len, 0);
	begin();
	memset(memory + MODULES + 16, 0, 8); /* a module without a name, as QEMU's */
	assert_null(translate());
	assert_string_equal(bi.modules[0].name, "initrd");
}

static void version_0_is_refused(void **state)
{
	(void)state;
	begin();
	si.version = 0;
	assert_non_null(translate());
}

static void every_address_is_checked(void **state)
{
	static const uint64_t bad[] = { sizeof(memory) - 4, sizeof(memory), 1ull << 40, UINT64_MAX - 3 };
	const struct pvh_window window = { memory, sizeof(memory) };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin();
		assert_non_null(pvh_translate(&bi, &window, bad[i]));
		si.memmap = bad[i];
		assert_non_null(translate());
		begin();
		si.modules = bad[i];
		assert_non_null(translate());
		begin();
		memset(memory + sizeof(memory) - 4, 'x', 4);
		si.cmdline = bad[i];
		assert_non_null(translate());
	}
}

static void every_count_is_checked(void **state)
{
	(void)state;
	begin();
	si.memmap_count = 0;
	assert_non_null(translate());
	si.memmap_count = 0xffffffff;
	assert_non_null(translate());
	begin();
	si.module_count = BOOT_MAX_MODULES + 1;
	assert_non_null(translate());
	si.module_count = 0xffffffff;
	assert_non_null(translate());
}

static void wrong_contents_are_refused(void **state)
{
	(void)state;
	begin();
	si.magic++;
	assert_non_null(translate());
	begin();
	memset(memory + MEMMAP, 0xff, 16); /* a region that wraps */
	assert_non_null(translate());
	begin();
	memset(memory + MODULES, 0xff, 16);
	assert_non_null(translate());
	begin();
	memset(memory + CMDLINE, 'x', BOOT_CMDLINE_LEN);
	assert_non_null(translate());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_translated), cmocka_unit_test(optional_parts_may_be_missing),
		cmocka_unit_test(version_0_is_refused),     cmocka_unit_test(every_address_is_checked),
		cmocka_unit_test(every_count_is_checked),   cmocka_unit_test(wrong_contents_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
