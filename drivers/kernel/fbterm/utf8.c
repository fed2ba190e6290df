/* SPDX-License-Identifier: BSD-2-Clause */
#include "utf8.h"

/* Begin a sequence: how many bytes follow, and the range of the first of them, which is where overlong
 * forms, surrogates and values above U+10FFFF are refused. */
static bool utf8_start(struct utf8_decoder *d, uint8_t byte)
{
	d->low = 0x80;
	d->high = 0xbf;
	if (byte >= 0xc2 && byte <= 0xdf) {
		d->left = 1;
		d->value = byte & 0x1fu;
	} else if (byte >= 0xe0 && byte <= 0xef) {
		d->left = 2;
		d->value = byte & 0x0fu;
		if (byte == 0xe0)
			d->low = 0xa0;
		if (byte == 0xed)
			d->high = 0x9f;
	} else if (byte >= 0xf0 && byte <= 0xf4) {
		d->left = 3;
		d->value = byte & 0x07u;
		if (byte == 0xf0)
			d->low = 0x90;
		if (byte == 0xf4)
			d->high = 0x8f;
	} else {
		return false;
	}
	return true;
}

unsigned utf8_feed(struct utf8_decoder *d, uint8_t byte, uint32_t out[2])
{
	unsigned n = 0;

	if (d->left) {
		if (byte >= d->low && byte <= d->high) {
			d->value = d->value << 6 | (byte & 0x3fu);
			d->low = 0x80;
			d->high = 0xbf;
			if (--d->left)
				return 0;
			out[0] = d->value;
			return 1;
		}
		d->left = 0;
		out[n++] = UTF8_REPLACEMENT;
	}
	if (byte < 0x80)
		out[n++] = byte;
	else if (!utf8_start(d, byte))
		out[n++] = UTF8_REPLACEMENT;
	return n;
}

struct range {
	uint32_t first, last;
};

static const struct range zero_width[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a }, { 0x064b, 0x065f },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f }, { 0x202a, 0x202e }, { 0x2060, 0x2064 },
	{ 0x20d0, 0x20f0 }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0xe0100, 0xe01ef },
};

static const struct range double_width[] = {
	{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },   { 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t cp)
{
	for (size_t i = 0; i < count && cp >= ranges[i].first; i++) {
		if (cp <= ranges[i].last)
			return true;
	}
	return false;
}

unsigned utf8_width(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	if (in_ranges(zero_width, ARRAY_SIZE(zero_width), cp))
		return 0;
	return in_ranges(double_width, ARRAY_SIZE(double_width), cp) ? 2 : 1;
}
