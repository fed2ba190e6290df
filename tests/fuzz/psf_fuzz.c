/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/fbterm/psf.c drivers/kernel/fbterm/utf8.c */
/* Any bytes as a font: every glyph that it gives out lies inside the file. */
#include <assert.h>
#include <stdlib.h>

#include "drivers/kernel/fbterm/psf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t samples[] = { 0, 'A', 0xe4, 0x20ac, 0x2500, 0xfffd, 0x10ffff, UINT32_MAX };
	struct psf_font *font = calloc(1, sizeof(*font));

	if (!psf_parse(data, size, font)) {
		size_t row_bytes = (font->width + 7) / 8;

		for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
			const uint8_t *glyph = psf_glyph(font, samples[i]);

			assert(glyph >= data && glyph + row_bytes * font->height <= data + size);
		}
	}
	free(font);
	return 0;
}
