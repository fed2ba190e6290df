/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/kernel/fbterm/psf.c drivers/kernel/fbterm/utf8.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/kernel/fbterm/psf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any file: refused, or every glyph of it can be read whole. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct psf_font font;
	uint8_t *file = malloc(size ? size : 1);

	memcpy(file, data, size);
	if (!psf_parse(file, size, &font)) {
		for (uint32_t c = 0; c < 0x3000; c++) {
			const uint8_t *glyph = psf_glyph(&font, c);

			if ((size_t)(glyph - file) + font.glyph_bytes > size)
				abort();
		}
		for (uint32_t i = 1; i < font.mapping_count; i++) {
			if (font.mappings[i - 1].code_point >= font.mappings[i].code_point)
				abort();
		}
	}
	free(file);
	return 0;
}
