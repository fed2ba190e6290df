/* SPDX-License-Identifier: BSD-2-Clause */
#include "psf.h"

#include "utf8.h"

#include <kernel/string.h>

#define PSF1_HEADER     4u
#define PSF1_MODE_512   0x01
#define PSF1_MODE_TABLE 0x06
#define PSF1_SEPARATOR  0xffffu
#define PSF1_SEQUENCE   0xfffeu

#define PSF2_HEADER    32u
#define PSF2_HAS_TABLE 0x01
#define PSF2_SEPARATOR 0xff
#define PSF2_SEQUENCE  0xfe

static uint32_t load16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t load32(const uint8_t *p)
{
	return load16(p) | load16(p + 2) << 16;
}

/* Insert in order; of several glyphs for one character the first stays. */
static void add_mapping(struct psf_font *font, uint32_t code_point, uint32_t glyph)
{
	uint32_t at = font->mapping_count;

	if (at == PSF_MAX_MAPPINGS || glyph >= font->count)
		return;
	while (at > 0 && font->mappings[at - 1].code_point > code_point)
		at--;
	if (at > 0 && font->mappings[at - 1].code_point == code_point)
		return;
	memmove(&font->mappings[at + 1], &font->mappings[at],
		(font->mapping_count - at) * sizeof(font->mappings[0]));
	font->mappings[at] = (struct psf_mapping){ code_point, glyph };
	font->mapping_count++;
}

/* Per glyph: 16-bit characters, then sequences (ignored), up to the separator. */
static void psf1_table(struct psf_font *font, const uint8_t *p, size_t size)
{
	uint32_t glyph = 0;
	bool in_sequence = false;

	for (size_t at = 0; at + 2 <= size && glyph < font->count; at += 2) {
		uint32_t code = load16(p + at);

		if (code == PSF1_SEPARATOR) {
			glyph++;
			in_sequence = false;
		} else if (code == PSF1_SEQUENCE) {
			in_sequence = true;
		} else if (!in_sequence) {
			add_mapping(font, code, glyph);
		}
	}
}

/* The same in UTF-8, where 0xFF and 0xFE cannot occur otherwise. */
static void psf2_table(struct psf_font *font, const uint8_t *p, size_t size)
{
	struct utf8_decoder decoder = { 0 };
	uint32_t glyph = 0, out[2];
	bool in_sequence = false;

	for (size_t at = 0; at < size && glyph < font->count; at++) {
		unsigned n;

		if (p[at] == PSF2_SEPARATOR || p[at] == PSF2_SEQUENCE) {
			decoder.left = 0;
			in_sequence = p[at] == PSF2_SEQUENCE;
			glyph += !in_sequence;
			continue;
		}
		n = utf8_feed(&decoder, p[at], out);
		for (unsigned i = 0; i < n && !in_sequence; i++)
			add_mapping(font, out[i], glyph);
	}
}

static const char *check_size(struct psf_font *font, size_t room)
{
	size_t needed;

	if (font->count == 0 || font->count > 65536)
		return "the number of glyphs is out of range";
	if (font->width == 0 || font->width > PSF_MAX_SIZE || font->height == 0 ||
	    font->height > PSF_MAX_SIZE)
		return "the glyph size is out of range";
	if (font->glyph_bytes != (font->width + 7) / 8 * font->height)
		return "the glyph size does not fit its pixels";
	if (mul_overflows((size_t)font->count, (size_t)font->glyph_bytes, &needed) || needed > room)
		return "the glyphs are cut off";
	return NULL;
}

static const char *psf1_parse(const uint8_t *p, size_t size, struct psf_font *font)
{
	const char *wrong;

	font->count = (p[2] & PSF1_MODE_512) ? 512 : 256;
	font->width = 8;
	font->height = font->glyph_bytes = p[3];
	font->glyphs = p + PSF1_HEADER;
	wrong = check_size(font, size - PSF1_HEADER);
	if (!wrong && (p[2] & PSF1_MODE_TABLE)) {
		size_t table = PSF1_HEADER + (size_t)font->count * font->glyph_bytes;

		psf1_table(font, p + table, size - table);
	}
	return wrong;
}

static const char *psf2_parse(const uint8_t *p, size_t size, struct psf_font *font)
{
	uint32_t header;
	const char *wrong;

	if (size < PSF2_HEADER)
		return "the header is cut off";
	header = load32(p + 8);
	if (load32(p + 4) != 0 || header < PSF2_HEADER || header > size)
		return "the header is not valid";
	font->count = load32(p + 16);
	font->glyph_bytes = load32(p + 20);
	font->height = load32(p + 24);
	font->width = load32(p + 28);
	font->glyphs = p + header;
	wrong = check_size(font, size - header);
	if (!wrong && (load32(p + 12) & PSF2_HAS_TABLE)) {
		size_t table = header + (size_t)font->count * font->glyph_bytes;

		psf2_table(font, p + table, size - table);
	}
	return wrong;
}

static bool find_glyph(const struct psf_font *font, uint32_t code_point, uint32_t *out)
{
	uint32_t low = 0, high = font->mapping_count;

	if (font->mapping_count == 0) {
		*out = code_point;
		return code_point < font->count;
	}
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (font->mappings[middle].code_point < code_point)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == font->mapping_count || font->mappings[low].code_point != code_point)
		return false;
	*out = font->mappings[low].glyph;
	return true;
}

const char *psf_parse(const void *data, size_t size, struct psf_font *font)
{
	const uint8_t *p = data;
	const char *wrong;

	memset(font, 0, sizeof(*font));
	if (size >= PSF1_HEADER && p[0] == 0x36 && p[1] == 0x04)
		wrong = psf1_parse(p, size, font);
	else if (size >= PSF1_HEADER && load32(p) == 0x864ab572u)
		wrong = psf2_parse(p, size, font);
	else
		wrong = "not a PC screen font";
	if (!wrong && !find_glyph(font, UTF8_REPLACEMENT, &font->fallback) &&
	    !find_glyph(font, '?', &font->fallback))
		font->fallback = 0;
	return wrong;
}

const uint8_t *psf_glyph(const struct psf_font *font, uint32_t code_point)
{
	uint32_t glyph;

	if (!find_glyph(font, code_point, &glyph))
		glyph = font->fallback;
	return font->glyphs + (size_t)glyph * font->glyph_bytes;
}
