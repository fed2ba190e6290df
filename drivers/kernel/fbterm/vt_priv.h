/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the parser (vt.c), the operations on the grid (vt_screen.c) and the attributes (vt_sgr.c). */
#pragma once

#include "vt.h"

/* The grid.  Rows and columns are 0-based; ranges are clipped to the screen. */
void vt_dirty_rows(struct vt *vt, unsigned first, unsigned last);
void vt_erase_cells(struct vt *vt, unsigned y, unsigned from, unsigned to); /* [from, to) */
void vt_scroll_up(struct vt *vt, unsigned top, unsigned bottom, unsigned n, bool keep);
void vt_scroll_down(struct vt *vt, unsigned top, unsigned bottom, unsigned n);
void vt_insert_cells(struct vt *vt, unsigned n);
void vt_delete_cells(struct vt *vt, unsigned n);
void vt_move(struct vt *vt, long x, long y); /* absolute; inside the region in origin mode */
void vt_line_feed(struct vt *vt);
void vt_reverse_line_feed(struct vt *vt);
void vt_tab(struct vt *vt, unsigned n);
void vt_back_tab(struct vt *vt, unsigned n);
void vt_tabs_reset(struct vt *vt);
void vt_put(struct vt *vt, uint32_t cp);
void vt_save_cursor(struct vt *vt);
void vt_restore_cursor(struct vt *vt);
void vt_set_alternate(struct vt *vt, bool on, bool clear);
void vt_fill_test(struct vt *vt);

/* Attributes. */
void vt_sgr(struct vt *vt);
void vt_pen_colours(const struct vt_pen *pen, uint32_t *fg, uint32_t *bg);
