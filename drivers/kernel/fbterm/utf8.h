/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8, byte by byte.  Whatever is not well-formed becomes U+FFFD; nothing is ever lost in silence. */
#pragma once

#include <kernel/compiler.h>

#define UTF8_REPLACEMENT 0xfffdu

struct utf8_decoder {
	uint32_t value;
	uint8_t left;      /* continuation bytes still to come */
	uint8_t low, high; /* what the next one may be */
};

/* Feed one byte.  Returns how many code points came out (0 to 2): a byte that ends a broken sequence may
 * itself be a character. */
unsigned utf8_feed(struct utf8_decoder *d, uint8_t byte, uint32_t out[2]);

/* Columns that a code point takes: 0 (combining), 1 or 2 (East Asian wide). */
unsigned utf8_width(uint32_t cp);
