/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cells to pixels.  Pure but for the framebuffer it writes: that is never read, for it is mapped
 * write-combining.  A shadow of what is on the screen says which cells differ and need drawing.
 */
#pragma once

#include "psf.h"
#include "vt.h"

#include <boot/boot_info.h>

struct fb_surface {
	volatile uint32_t *pixels; /* first line */
	uint32_t width, height;    /* pixels */
	uint32_t stride;           /* pixels from line to line */
	struct boot_channel red, green, blue;
	const struct psf_font *font;
	uint32_t scale; /* every font pixel is a square of this size */
	uint32_t cols, rows;
	struct vt_cell *shadow; /* cols * rows */
};

/* NULL, or why this framebuffer cannot be used. */
const char *fb_check(const struct boot_framebuffer *fb);
/* Columns, rows and scale; false: not one character fits. */
bool fb_layout(struct fb_surface *s);
/* All black; the shadow then holds nothing that a cell can equal. */
void fb_clear(struct fb_surface *s);
/* Draw the cells of a row that differ from the shadow; `cursor` is the column to invert, or -1. */
void fb_draw_row(struct fb_surface *s, unsigned row, const struct vt_cell *line, int cursor);
