/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: grub/mb2.c loader/boot_info.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <grub/mb2.h>
#include <loader/boot_info.h>

#define PHYSICAL 0x10000ull
#define MIB      (1ull << 20)

static struct boot_info bi;
static uint64_t info[512]; /* aligned like the real one */
static uint32_t used;

static void put(const void *bytes, uint32_t size)
{
	memcpy((char *)info + used, bytes, size);
	used += size;
}

static void put_tag(uint32_t type, const void *body, uint32_t size)
{
	uint32_t head[2] = { type, size + 8 };

	put(head, sizeof(head));
	if (size)
		put(body, size);
	used = (used + 7) & ~7u;
}

static void put_mmap(void)
{
	struct {
		uint32_t entry_size, version;
		struct {
			uint64_t base, length;
			uint32_t type, reserved;
		} e[3];
	} map = { 24, 0, { { 0, 0x9fc00, 1, 0 }, { 0xf0000, 0x10000, 2, 0 }, { MIB, 63 * MIB, 1, 0 } } };

	put_tag(6, &map, sizeof(map));
}

static void begin(void)
{
	memset(info, 0, sizeof(info));
	used = 8;
	boot_info_init(&bi, "multiboot2");
}

static const char *translate(void)
{
	((uint32_t *)info)[0] = used;
	return mb2_translate(&bi, info, sizeof(info), PHYSICAL);
}

static const char *finish_tags(void)
{
	put_tag(0, NULL, 0);
	return translate();
}

static void everything_is_translated(void **state)
{
	uint8_t module[] = "\0\0\x40\0\0\x10\x40\0initrd";
	struct {
		uint64_t base;
		uint32_t pitch, width, height;
		uint8_t bpp, type, pad[2], channels[6];
	} __attribute__((packed)) fb = { 0xfd000000, 4096, 1024, 768, 32, 1, { 0 }, { 16, 8, 8, 8, 0, 8 } };
	uint64_t system_table = 0x123456789;
	uint8_t rsdp[36] = "RSD PTR ";
	uint32_t rsdp_at;

	(void)state;
	begin();
	put_tag(1, "quiet root=ram", 15);
	put_mmap();
	put_tag(3, module, sizeof(module));
	put_tag(8, &fb, sizeof(fb));
	put_tag(12, &system_table, 8);
	put_tag(14, rsdp, 20);
	rsdp_at = used + 8;
	put_tag(15, rsdp, 36);
	assert_null(finish_tags());
	assert_string_equal(bi.cmdline, "quiet root=ram");
	assert_int_equal(bi.module_count, 1);
	assert_int_equal(bi.modules[0].base, 0x400000);
	assert_int_equal(bi.modules[0].length, 0x1000);
	assert_string_equal(bi.modules[0].name, "initrd");
	assert_int_equal(bi.framebuffer.base, 0xfd000000);
	assert_int_equal(bi.framebuffer.height, 768);
	assert_int_equal(bi.framebuffer.red.shift, 16);
	assert_int_equal(bi.efi.system_table, system_table);
	assert_int_equal(bi.rsdp, PHYSICAL + rsdp_at);
	boot_info_set_kernel(&bi, 2 * MIB, MIB);
	assert_int_equal(boot_info_finish(&bi), 0);
}

static void the_efi_map_is_preferred(void **state)
{
	struct {
		uint32_t size, version;
		uint64_t d[2][6];
	} map = { 48, 1, { { 7, 0, 0, 16384, 0xf }, { 0, 64 * MIB, 0, 16, 0 } } };

	(void)state;
	begin();
	put_mmap();
	put_tag(17, &map, sizeof(map));
	assert_null(finish_tags());
	assert_int_equal(bi.regions[0].length, 64 * MIB);
	assert_int_equal(bi.efi.memory_map_size, 96);
	assert_int_equal(bi.efi.descriptor_size, 48);
}

static void other_pixel_formats_mean_no_framebuffer(void **state)
{
	uint8_t text[24] = { [4] = 0xb, [8] = 160, [12] = 80, [16] = 25, [20] = 16, [21] = 2 };

	(void)state;
	begin();
	put_mmap();
	put_tag(8, text, sizeof(text));
	assert_null(finish_tags());
	assert_int_equal(bi.framebuffer.base, 0);
}

static void refuse(uint32_t type, const void *body, uint32_t size)
{
	begin();
	put_mmap();
	put_tag(type, body, size);
	assert_non_null(finish_tags());
}

static void malformed_tags_are_refused(void **state)
{
	static const uint8_t zeros[64], ones[64] = { [0 ... 63] = 0xff };
	static const uint8_t empty_rgb[30] = { [20] = 32, [21] = 1 };

	(void)state;
	refuse(1, ones, 20);                  /* command line without an end */
	refuse(3, zeros, 4);                  /* module cut off */
	refuse(3, zeros, 8);                  /* module without a name's end */
	refuse(3, "\0\0\x40\0\0\0\x30\0", 9); /* ends before it starts */
	refuse(8, zeros, 10);
	refuse(8, empty_rgb, 28); /* no room for the colours */
	refuse(8, empty_rgb, 30);
	refuse(12, zeros, 4);
	refuse(14, zeros, 19);
	refuse(15, zeros, 35);
	refuse(17, zeros, 7);
	refuse(17, zeros, 16); /* descriptor size 0 */
	refuse(17, ones, 64);
	refuse(18, zeros, 0); /* boot services still on */
}

static void malformed_maps_are_refused(void **state)
{
	uint32_t wrong_size[2] = { 16, 0 }, uneven[4] = { 24, 0, 1, 2 };
	uint64_t wraps[4] = { 24, UINT64_MAX - 4, 4096, 1 };

	(void)state;
	begin();
	assert_non_null(finish_tags()); /* none at all */
	begin();
	put_tag(6, wrong_size, 8);
	assert_non_null(finish_tags());
	begin();
	put_tag(6, uneven, 16);
	assert_non_null(finish_tags());
	begin();
	put_tag(6, wraps, 32);
	assert_non_null(finish_tags());
}

static void broken_chains_are_refused(void **state)
{
	(void)state;
	begin();
	put_mmap();
	assert_non_null(translate()); /* no end tag */
	begin();
	put_mmap();
	info[1] = 6; /* a tag of size 0 */
	assert_non_null(finish_tags());
	begin();
	put_mmap();
	info[1] = 6 | 0xffffffffull << 32;
	assert_non_null(finish_tags());
	begin();
	put_mmap();
	put_tag(0, NULL, 0);
	assert_null(mb2_translate(&bi, (translate(), info), sizeof(info), PHYSICAL));
	assert_non_null(mb2_translate(&bi, info, used - 1, PHYSICAL)); /* overruns what there is */
	assert_non_null(mb2_translate(&bi, info, 4, PHYSICAL));
	assert_non_null(mb2_translate(&bi, info, sizeof(info), PHYSICAL + 4));
	((uint32_t *)info)[0] = 0xffffffff;
	assert_non_null(mb2_translate(&bi, info, UINT64_MAX, PHYSICAL));
}

static void every_truncation_is_refused(void **state)
{
	(void)state;
	begin();
	put_tag(1, "x", 2);
	put_mmap();
	put_tag(0, NULL, 0);
	for (uint32_t size = 0; size < used; size++) {
		boot_info_init(&bi, "multiboot2");
		((uint32_t *)info)[0] = size;
		assert_non_null(mb2_translate(&bi, info, sizeof(info), PHYSICAL));
	}
}

static void too_many_modules_are_refused(void **state)
{
	uint8_t module[] = "\0\0\x40\0\0\x10\x40\0";

	(void)state;
	begin();
	put_mmap();
	for (unsigned i = 0; i < BOOT_MAX_MODULES + 1; i++)
		put_tag(3, module, sizeof(module));
	assert_non_null(finish_tags());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_translated),
		cmocka_unit_test(the_efi_map_is_preferred),
		cmocka_unit_test(other_pixel_formats_mean_no_framebuffer),
		cmocka_unit_test(malformed_tags_are_refused),
		cmocka_unit_test(malformed_maps_are_refused),
		cmocka_unit_test(broken_chains_are_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(too_many_modules_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
