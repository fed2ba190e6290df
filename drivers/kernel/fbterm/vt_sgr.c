/* SPDX-License-Identifier: BSD-2-Clause */
/* Select Graphic Rendition, and the colours that come out of it. */
#include "vt_priv.h"

#define DEFAULT_FG 0xaaaaaau
#define DEFAULT_BG 0x000000u

/* The 16 colours of the PC's text mode; above them xterm's 6x6x6 cube and its greys. */
static const uint32_t base_palette[16] = {
	0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
	0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

static uint32_t cube_level(unsigned n)
{
	return n == 0 ? 0 : 55 + 40 * n;
}

static uint32_t palette(unsigned n)
{
	uint32_t grey;

	if (n < 16)
		return base_palette[n];
	if (n < 232) {
		n -= 16;
		return cube_level(n / 36) << 16 | cube_level(n / 6 % 6) << 8 | cube_level(n % 6);
	}
	grey = 8 + 10 * (n - 232);
	return grey << 16 | grey << 8 | grey;
}

static uint32_t foreground(const struct vt_pen *pen)
{
	uint32_t n;

	if (pen->fg & VT_COLOUR_RGB)
		return pen->fg & 0xffffff;
	if (pen->fg & VT_COLOUR_INDEX) {
		n = pen->fg & 0xff;
		return palette(pen->bold && n < 8 ? n + 8 : n);
	}
	return pen->bold ? 0xffffff : DEFAULT_FG;
}

static uint32_t background(const struct vt_pen *pen)
{
	if (pen->bg & VT_COLOUR_RGB)
		return pen->bg & 0xffffff;
	return (pen->bg & VT_COLOUR_INDEX) ? palette(pen->bg & 0xff) : DEFAULT_BG;
}

void vt_pen_colours(const struct vt_pen *pen, uint32_t *fg, uint32_t *bg)
{
	uint32_t front = foreground(pen), back = background(pen);

	if (pen->dim)
		front = (front >> 1) & 0x7f7f7f;
	if (pen->hidden)
		front = back;
	*fg = pen->reverse ? back : front;
	*bg = pen->reverse ? front : back;
}

/* 38 and 48: "5;n" or "2;r;g;b", or the same with colons, where "2::r:g:b" names a colour space first.
 * Returns the index of the last parameter used. */
static unsigned extended_colour(const struct vt_parser *p, unsigned i, uint32_t *colour)
{
	bool colons = i + 1 < p->count && (p->sub >> (i + 1) & 1);
	unsigned rgb = i + 2;

	if (i + 2 >= p->count)
		return p->count;
	if (p->params[i + 1] == 5) {
		*colour = VT_COLOUR_INDEX | (p->params[i + 2] & 0xffu);
		return i + 2;
	}
	if (p->params[i + 1] != 2)
		return i + 1;
	if (colons && i + 5 < p->count && (p->sub >> (i + 5) & 1))
		rgb++;
	if (rgb + 2 >= p->count)
		return p->count;
	*colour = VT_COLOUR_RGB | (p->params[rgb] & 0xffu) << 16 | (p->params[rgb + 1] & 0xffu) << 8 |
		  (p->params[rgb + 2] & 0xffu);
	return rgb + 2;
}

static void attribute(struct vt_pen *pen, unsigned n)
{
	switch (n) {
	case 0:
		*pen = (struct vt_pen){ 0 };
		break;
	case 1:
		pen->bold = true;
		break;
	case 2:
		pen->dim = true;
		break;
	case 4:
	case 21:
		pen->underline = true;
		break;
	case 7:
		pen->reverse = true;
		break;
	case 8:
		pen->hidden = true;
		break;
	case 22:
		pen->bold = pen->dim = false;
		break;
	case 24:
		pen->underline = false;
		break;
	case 27:
		pen->reverse = false;
		break;
	case 28:
		pen->hidden = false;
		break;
	case 39:
		pen->fg = 0;
		break;
	case 49:
		pen->bg = 0;
		break;
	default:
		if (n >= 30 && n <= 37)
			pen->fg = VT_COLOUR_INDEX | (n - 30);
		else if (n >= 40 && n <= 47)
			pen->bg = VT_COLOUR_INDEX | (n - 40);
		else if (n >= 90 && n <= 97)
			pen->fg = VT_COLOUR_INDEX | (n - 90 + 8);
		else if (n >= 100 && n <= 107)
			pen->bg = VT_COLOUR_INDEX | (n - 100 + 8);
		break;
	}
}

void vt_sgr(struct vt *vt)
{
	const struct vt_parser *p = &vt->parser;
	struct vt_pen *pen = &vt->cursor.pen;

	for (unsigned i = 0; i < p->count; i++) {
		unsigned n = p->params[i];

		if (n == 38) {
			i = extended_colour(p, i, &pen->fg);
		} else if (n == 48) {
			i = extended_colour(p, i, &pen->bg);
		} else if (n == 4 && i + 1 < p->count && (p->sub >> (i + 1) & 1)) {
			pen->underline = p->params[++i] != 0; /* 4:0 none, 4:3 curly, ... */
		} else {
			attribute(pen, n);
		}
	}
}
