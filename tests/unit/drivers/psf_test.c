/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/fbterm/psf.c drivers/kernel/fbterm/utf8.c drivers/kernel/fbterm/fb_draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/kernel/fbterm/fb_draw.h"
#include "drivers/kernel/fbterm/psf.h"

static struct psf_font font;

/* A version 1 font: 256 glyphs of 8x2, glyph n filled with n, and a table that maps glyph 1 to 'A'. */
static size_t make_psf1(uint8_t *out)
{
	size_t at = 4;

	memcpy(out, "\x36\x04\x02\x02", 4);
	for (int g = 0; g < 256; g++)
		for (int y = 0; y < 2; y++)
			out[at++] = (uint8_t)g;
	for (int g = 0; g < 256; g++) {
		if (g == 1) {
			out[at++] = 'A';
			out[at++] = 0;
		}
		out[at++] = 0xff;
		out[at++] = 0xff;
	}
	return at;
}

static size_t make_psf2(uint8_t *out, uint32_t width, uint32_t height, uint32_t count)
{
	uint32_t bytes = (width + 7) / 8 * height;
	uint32_t head[8] = { 0x864ab572, 0, 32, 1, count, bytes, height, width };
	size_t at = 32;

	memcpy(out, head, 32);
	for (uint32_t i = 0; i < count * bytes; i++)
		out[at++] = (uint8_t)(i / bytes);
	for (uint32_t g = 0; g < count; g++) {
		if (g == 2) { /* U+20AC, and a sequence that is to be ignored */
			memcpy(out + at,
			       "\xe2\x82\xac\xfe"
			       "B",
			       5);
			at += 5;
		}
		out[at++] = 0xff;
	}
	return at;
}

static void version_1_is_read(void **state)
{
	static uint8_t file[4096];
	size_t size = make_psf1(file);

	(void)state;
	assert_null(psf_parse(file, size, &font));
	assert_int_equal(font.height, 2);
	assert_int_equal(psf_glyph(&font, 'A')[0], 1);
	assert_int_equal(psf_glyph(&font, 'Z')[0], font.fallback);
}

static void version_2_is_read(void **state)
{
	static uint8_t file[4096];
	size_t size = make_psf2(file, 12, 3, 4);

	(void)state;
	assert_null(psf_parse(file, size, &font));
	assert_int_equal(font.width, 12);
	assert_int_equal(psf_glyph(&font, 0x20ac)[0], 2);
	assert_int_equal(font.mapping_count, 1);
}

static void broken_files_are_refused(void **state)
{
	static uint8_t file[4096];
	size_t size = make_psf1(file);

	(void)state;
	assert_non_null(psf_parse(file, 3, &font));
	assert_non_null(psf_parse(file, 4, &font));
	assert_non_null(psf_parse(file, 4 + 511, &font));
	file[3] = 0;
	assert_non_null(psf_parse(file, size, &font));
	size = make_psf2(file, 12, 3, 4);
	assert_non_null(psf_parse(file, 31, &font));
	file[8] = 0xff; /* header size */
	file[9] = 0xff;
	assert_non_null(psf_parse(file, size, &font));
	make_psf2(file, 12, 3, 4);
	file[18] = 0xff; /* count */
	assert_non_null(psf_parse(file, size, &font));
	make_psf2(file, 12, 3, 4);
	file[20]++; /* bytes a glyph */
	assert_non_null(psf_parse(file, size, &font));
	assert_non_null(psf_parse("GIF89a....", 10, &font));
}

/* Drawing: the pixels of one cell, by the colour masks, inverted under the cursor, and only once. */
static void cells_become_pixels(void **state)
{
	static uint8_t file[4096];
	static uint32_t pixels[8 * 64];
	static struct vt_cell shadow[64];
	struct vt_cell line[8];
	struct fb_surface s = {
		.pixels = pixels,
		.width = 64,
		.height = 8,
		.stride = 64,
		.font = &font,
		.shadow = shadow,
		.red = { 0, 8 },
		.green = { 8, 8 },
		.blue = { 16, 8 },
	};

	(void)state;
	assert_null(psf_parse(file, make_psf1(file), &font));
	assert_true(fb_layout(&s));
	assert_int_equal(s.cols, 8);
	assert_int_equal(s.rows, 4);
	fb_clear(&s);
	for (int x = 0; x < 8; x++)
		line[x] = (struct vt_cell){ .ch = 'A', .fg = 0x112233, .bg = 0x445566 };
	fb_draw_row(&s, 1, line, 3);
	assert_int_equal(pixels[2 * 64 + 0], 0x665544);
	assert_int_equal(pixels[2 * 64 + 7], 0x332211);
	assert_int_equal(pixels[2 * 64 + 24], 0x332211);
	assert_int_equal(pixels[2 * 64 + 31], 0x665544);
	memset(pixels, 0, sizeof(pixels));
	fb_draw_row(&s, 1, line, -1);
	assert_int_equal(pixels[2 * 64 + 0], 0);
	assert_int_equal(pixels[2 * 64 + 24], 0x665544);
}

static void impossible_framebuffers_are_refused(void **state)
{
	struct boot_framebuffer fb = {
		.base = 0xfd000000,
		.width = 1024,
		.height = 768,
		.pitch = 4096,
		.red = { 16, 8 },
		.green = { 8, 8 },
		.blue = { 0, 8 },
	};

	(void)state;
	assert_null(fb_check(&fb));
	fb.pitch = 4092;
	assert_non_null(fb_check(&fb));
	fb.pitch = 4097;
	assert_non_null(fb_check(&fb));
	fb.pitch = 4096;
	fb.height = 0;
	assert_non_null(fb_check(&fb));
	fb.height = 768;
	fb.red.shift = 31;
	assert_non_null(fb_check(&fb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_is_read),
		cmocka_unit_test(version_2_is_read),
		cmocka_unit_test(broken_files_are_refused),
		cmocka_unit_test(cells_become_pixels),
		cmocka_unit_test(impossible_framebuffers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
