/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on the grid: writing, erasing, scrolling, the cursor. */
#include "vt_priv.h"

#include <kernel/string.h>

void vt_dirty_rows(struct vt *vt, unsigned first, unsigned last)
{
	for (unsigned y = first; y <= last && y < vt->rows; y++)
		vt->dirty[y / 64] |= 1ull << (y % 64);
}

void vt_dirty_all(struct vt *vt)
{
	vt_dirty_rows(vt, 0, vt->rows - 1);
}

/* What erasing leaves: the background that is set, as terminals with "bce" do. */
static struct vt_cell blank(const struct vt *vt)
{
	struct vt_pen pen = { .bg = vt->cursor.pen.bg };
	struct vt_cell cell = { .ch = ' ' };

	vt_pen_colours(&pen, &cell.fg, &cell.bg);
	return cell;
}

static void fill(struct vt_cell *line, unsigned from, unsigned to, struct vt_cell cell)
{
	for (unsigned x = from; x < to; x++)
		line[x] = cell;
}

void vt_erase_cells(struct vt *vt, unsigned y, unsigned from, unsigned to)
{
	if (y >= vt->rows)
		return;
	fill(vt->lines[y], MIN(from, vt->cols), MIN(to, vt->cols), blank(vt));
	vt_dirty_rows(vt, y, y);
}

/* The line goes into the history and the oldest one of that comes back for use. */
static struct vt_cell *remember(struct vt *vt, struct vt_cell *line)
{
	struct vt_cell *old = vt->history[vt->history_next];

	vt->history[vt->history_next] = line;
	vt->history_next = (vt->history_next + 1) % vt->history_size;
	if (vt->history_count < vt->history_size)
		vt->history_count++;
	return old;
}

void vt_scroll_up(struct vt *vt, unsigned top, unsigned bottom, unsigned n, bool keep)
{
	n = MIN(n, bottom - top + 1);
	keep = keep && !vt->alternate && vt->history_size != 0;
	for (; n > 0; n--) {
		struct vt_cell *line = vt->lines[top];

		if (keep)
			line = remember(vt, line);
		for (unsigned y = top; y < bottom; y++)
			vt->lines[y] = vt->lines[y + 1];
		vt->lines[bottom] = line;
		fill(line, 0, vt->cols, blank(vt));
	}
	vt_dirty_rows(vt, top, bottom);
}

void vt_scroll_down(struct vt *vt, unsigned top, unsigned bottom, unsigned n)
{
	n = MIN(n, bottom - top + 1);
	for (; n > 0; n--) {
		struct vt_cell *line = vt->lines[bottom];

		for (unsigned y = bottom; y > top; y--)
			vt->lines[y] = vt->lines[y - 1];
		vt->lines[top] = line;
		fill(line, 0, vt->cols, blank(vt));
	}
	vt_dirty_rows(vt, top, bottom);
}

void vt_insert_cells(struct vt *vt, unsigned n)
{
	unsigned x = vt->cursor.x, y = vt->cursor.y;
	struct vt_cell *line = vt->lines[y];

	n = MIN(n, vt->cols - x);
	memmove(line + x + n, line + x, (vt->cols - x - n) * sizeof(*line));
	vt_erase_cells(vt, y, x, x + n);
}

void vt_delete_cells(struct vt *vt, unsigned n)
{
	unsigned x = vt->cursor.x, y = vt->cursor.y;
	struct vt_cell *line = vt->lines[y];

	n = MIN(n, vt->cols - x);
	memmove(line + x, line + x + n, (vt->cols - x - n) * sizeof(*line));
	vt_erase_cells(vt, y, vt->cols - n, vt->cols);
}

static unsigned clamp(long v, unsigned low, unsigned high)
{
	if (v < (long)low)
		return low;
	return v > (long)high ? high : (unsigned)v;
}

void vt_move(struct vt *vt, long x, long y)
{
	bool origin = vt->cursor.origin;

	vt_dirty_rows(vt, vt->cursor.y, vt->cursor.y);
	vt->cursor.x = clamp(x, 0, vt->cols - 1);
	vt->cursor.y = clamp(y, origin ? vt->top : 0, origin ? vt->bottom : vt->rows - 1);
	vt->cursor.wrap_pending = false;
	vt_dirty_rows(vt, vt->cursor.y, vt->cursor.y);
}

void vt_line_feed(struct vt *vt)
{
	vt->cursor.wrap_pending = false;
	if (vt->cursor.y == vt->bottom) {
		vt_scroll_up(vt, vt->top, vt->bottom, 1, vt->top == 0);
	} else if (vt->cursor.y + 1 < vt->rows) {
		vt_dirty_rows(vt, vt->cursor.y, vt->cursor.y + 1);
		vt->cursor.y++;
	}
}

void vt_reverse_line_feed(struct vt *vt)
{
	vt->cursor.wrap_pending = false;
	if (vt->cursor.y == vt->top) {
		vt_scroll_down(vt, vt->top, vt->bottom, 1);
	} else if (vt->cursor.y > 0) {
		vt_dirty_rows(vt, vt->cursor.y - 1, vt->cursor.y);
		vt->cursor.y--;
	}
}

void vt_tabs_reset(struct vt *vt)
{
	for (size_t i = 0; i < ARRAY_SIZE(vt->tabs); i++)
		vt->tabs[i] = 0x0101010101010101ull;
}

void vt_tab(struct vt *vt, unsigned n)
{
	unsigned x = vt->cursor.x;

	for (; n > 0 && x < vt->cols - 1; n--) {
		do
			x++;
		while (x < vt->cols - 1 && !(vt->tabs[x / 64] >> (x % 64) & 1));
	}
	vt_move(vt, x, vt->cursor.y);
}

void vt_back_tab(struct vt *vt, unsigned n)
{
	unsigned x = vt->cursor.x;

	for (; n > 0 && x > 0; n--) {
		do
			x--;
		while (x > 0 && !(vt->tabs[x / 64] >> (x % 64) & 1));
	}
	vt_move(vt, x, vt->cursor.y);
}

void vt_put(struct vt *vt, uint32_t cp)
{
	unsigned width = MIN(utf8_width(cp), vt->cols);
	struct vt_cursor *c = &vt->cursor;
	struct vt_cell *line, cell = { .ch = cp | (c->pen.underline ? VT_CELL_UNDERLINE : 0) };

	if (width == 0)
		return;
	if (c->wrap_pending || (vt->autowrap && c->x + width > vt->cols)) {
		c->x = 0;
		vt_line_feed(vt);
	}
	if (c->x + width > vt->cols)
		c->x = vt->cols - width;
	if (vt->insert)
		vt_insert_cells(vt, width);
	vt_pen_colours(&c->pen, &cell.fg, &cell.bg);
	line = vt->lines[c->y];
	line[c->x] = cell;
	if (width == 2) {
		cell.ch = 0;
		line[c->x + 1] = cell;
	}
	vt_dirty_rows(vt, c->y, c->y);
	vt->last_char = cp;
	if (c->x + width < vt->cols) {
		c->x += width;
	} else {
		c->x = vt->cols - 1;
		c->wrap_pending = vt->autowrap;
	}
}

void vt_save_cursor(struct vt *vt)
{
	vt->saved[vt->alternate] = vt->cursor;
}

void vt_restore_cursor(struct vt *vt)
{
	const struct vt_cursor *saved = &vt->saved[vt->alternate];
	bool wrap = saved->wrap_pending;

	vt_dirty_rows(vt, vt->cursor.y, vt->cursor.y);
	vt->cursor = *saved;
	vt_move(vt, saved->x, saved->y);
	vt->cursor.wrap_pending = wrap;
}

void vt_set_alternate(struct vt *vt, bool on, bool clear)
{
	if (on != vt->alternate) {
		vt->alternate = on;
		vt->lines = vt->screens[on];
	}
	if (clear) {
		for (unsigned y = 0; y < vt->rows; y++)
			vt_erase_cells(vt, y, 0, vt->cols);
	}
	vt_dirty_all(vt);
}

/* DECALN: a screen full of E. */
void vt_fill_test(struct vt *vt)
{
	struct vt_cell cell = blank(vt);

	cell.ch = 'E';
	for (unsigned y = 0; y < vt->rows; y++)
		fill(vt->lines[y], 0, vt->cols, cell);
	vt_dirty_all(vt);
}

/* --- the view --------------------------------------------------------------------------------------- */

const struct vt_cell *vt_view_line(const struct vt *vt, unsigned row)
{
	unsigned back;

	if (row >= vt->view)
		return vt->lines[row - vt->view];
	back = vt->view - row; /* 1: the youngest line of the history */
	return vt->history[(vt->history_next + vt->history_size - back) % vt->history_size];
}

bool vt_view_cursor(const struct vt *vt, unsigned *x, unsigned *y)
{
	if (!vt->cursor_visible || vt->cursor.y + vt->view >= vt->rows)
		return false;
	*x = vt->cursor.x;
	*y = vt->cursor.y + vt->view;
	return true;
}

void vt_scroll_view(struct vt *vt, int lines)
{
	unsigned limit = vt->alternate ? 0 : vt->history_count;

	vt->view = clamp((long)vt->view + lines, 0, limit);
	vt_dirty_all(vt);
}

/* --- memory ----------------------------------------------------------------------------------------- */

size_t vt_memory_size(unsigned cols, unsigned rows, unsigned history)
{
	size_t lines = 2 * (size_t)rows + history;

	return lines * sizeof(struct vt_cell *) + lines * cols * sizeof(struct vt_cell);
}

void vt_init(struct vt *vt, void *memory, unsigned cols, unsigned rows, unsigned history)
{
	size_t lines = 2 * (size_t)rows + history;
	struct vt_cell **pointers = memory;
	struct vt_cell *cells = (struct vt_cell *)(pointers + lines);

	memset(vt, 0, sizeof(*vt));
	vt->cols = cols;
	vt->rows = rows;
	for (size_t i = 0; i < lines; i++) {
		pointers[i] = cells + i * cols;
		fill(pointers[i], 0, cols, blank(vt));
	}
	vt->screens[0] = pointers;
	vt->screens[1] = pointers + rows;
	vt->history = pointers + 2 * (size_t)rows;
	vt->history_size = history;
	vt->lines = vt->screens[0];
	vt->bottom = rows - 1;
	vt->autowrap = vt->cursor_visible = true;
	vt_tabs_reset(vt);
	vt_dirty_all(vt);
}
