/* SPDX-License-Identifier: BSD-2-Clause */
/* PC screen fonts, versions 1 and 2.  Pure; trusts nothing in the file. */
#pragma once

#include <kernel/compiler.h>

#define PSF_MAX_MAPPINGS 2048
#define PSF_MAX_SIZE     64 /* pixels, each way */

struct psf_mapping {
	uint32_t code_point;
	uint32_t glyph;
};

struct psf_font {
	const uint8_t *glyphs; /* in the file */
	uint32_t count;
	uint32_t glyph_bytes;
	uint32_t width, height;
	uint32_t fallback;                             /* glyph for what the font lacks */
	uint32_t mapping_count;                        /* 0: the glyph number is the code point */
	struct psf_mapping mappings[PSF_MAX_MAPPINGS]; /* sorted */
};

/* NULL, or what is wrong with the file.  `data` must stay: glyphs are used in place. */
const char *psf_parse(const void *data, size_t size, struct psf_font *font);

/* The bitmap of a code point: `height` rows of (width + 7) / 8 bytes, leftmost pixel in the top bit. */
const uint8_t *psf_glyph(const struct psf_font *font, uint32_t code_point);
