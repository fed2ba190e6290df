/* SPDX-License-Identifier: BSD-2-Clause */
#include "fb_draw.h"

#define MAX_PIXELS    16384u
#define NO_CHARACTER  0xffffffffu /* in the shadow: equals no cell */
#define DOUBLE_HEIGHT 1440u       /* screens from here on get characters twice the size */

const char *fb_check(const struct boot_framebuffer *fb)
{
	const struct boot_channel *c[] = { &fb->red, &fb->green, &fb->blue };

	if (fb->width == 0 || fb->height == 0 || fb->width > MAX_PIXELS || fb->height > MAX_PIXELS)
		return "its size is out of range";
	if (fb->pitch % 4 != 0 || fb->pitch / 4 < fb->width || fb->pitch / 4 > 4 * MAX_PIXELS)
		return "its pitch does not fit its width";
	if (fb->base % 4 != 0)
		return "it is not aligned";
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		if (c[i]->bits == 0 || c[i]->bits > 16 || c[i]->shift + c[i]->bits > 32)
			return "its colour masks are not valid";
	}
	return NULL;
}

bool fb_layout(struct fb_surface *s)
{
	s->scale = s->height >= DOUBLE_HEIGHT ? 2 : 1;
	s->cols = MIN(s->width / (s->font->width * s->scale), (uint32_t)VT_MAX_COLUMNS);
	s->rows = MIN(s->height / (s->font->height * s->scale), (uint32_t)VT_MAX_ROWS);
	return s->cols != 0 && s->rows != 0;
}

static uint32_t channel(const struct boot_channel *c, uint32_t value)
{
	value &= 0xff;
	return (c->bits >= 8 ? value << (c->bits - 8) : value >> (8 - c->bits)) << c->shift;
}

static uint32_t pixel(const struct fb_surface *s, uint32_t rgb)
{
	return channel(&s->red, rgb >> 16) | channel(&s->green, rgb >> 8) | channel(&s->blue, rgb);
}

void fb_clear(struct fb_surface *s)
{
	for (uint32_t y = 0; y < s->height; y++) {
		volatile uint32_t *line = s->pixels + (size_t)y * s->stride;

		for (uint32_t x = 0; x < s->width; x++)
			line[x] = 0;
	}
	for (size_t i = 0; i < (size_t)s->cols * s->rows; i++)
		s->shadow[i].ch = NO_CHARACTER;
}

/* One line of one glyph. */
static void draw_bits(volatile uint32_t *out, const uint8_t *bits, uint32_t width, uint32_t scale,
		      uint32_t fg, uint32_t bg)
{
	for (uint32_t x = 0; x < width; x++) {
		uint32_t colour = (bits[x / 8] & (0x80 >> (x % 8))) ? fg : bg;

		for (uint32_t i = 0; i < scale; i++)
			*out++ = colour;
	}
}

static void draw_cell(struct fb_surface *s, unsigned col, unsigned row, const struct vt_cell *cell)
{
	const struct psf_font *font = s->font;
	uint32_t code = cell->ch & VT_CELL_CODE, row_bytes = (font->width + 7) / 8;
	const uint8_t *glyph = psf_glyph(font, code ? code : ' ');
	uint32_t fg = pixel(s, cell->fg), bg = pixel(s, cell->bg);
	uint32_t underline =
		(cell->ch & VT_CELL_UNDERLINE) ? font->height - 1 - font->height / 12 : font->height;
	volatile uint32_t *out = s->pixels + (size_t)row * font->height * s->scale * s->stride +
				 (size_t)col * font->width * s->scale;

	for (uint32_t y = 0; y < font->height; y++) {
		uint32_t back = y == underline ? fg : bg;

		for (uint32_t i = 0; i < s->scale; i++) {
			draw_bits(out, glyph + y * row_bytes, font->width, s->scale, fg, back);
			out += s->stride;
		}
	}
}

static bool same(const struct vt_cell *a, const struct vt_cell *b)
{
	return a->ch == b->ch && a->bg == b->bg && a->fg == b->fg;
}

void fb_draw_row(struct fb_surface *s, unsigned row, const struct vt_cell *line, int cursor)
{
	struct vt_cell *shadow = s->shadow + (size_t)row * s->cols;

	for (unsigned x = 0; x < s->cols; x++) {
		struct vt_cell cell = line[x];

		if ((int)x == cursor) {
			cell.fg = line[x].bg;
			cell.bg = line[x].fg;
		}
		if (same(&cell, &shadow[x]))
			continue;
		draw_cell(s, x, row, &cell);
		shadow[x] = cell;
	}
}
