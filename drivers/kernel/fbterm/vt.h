/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terminal emulator: bytes in, a grid of cells out.  Pure: it draws nothing, takes no lock and
 * allocates nothing.  It understands what programs written for xterm and the Linux console send.
 *
 * A screen is an array of pointers to lines, so scrolling moves pointers; a line that leaves the top of
 * the main screen changes places with the oldest line of the history.
 */
#pragma once

#include "utf8.h"

#include <kernel/compiler.h>

#define VT_MAX_COLUMNS 512
#define VT_MAX_ROWS    256
#define VT_MAX_PARAMS  16
#define VT_MAX_REPLY   128

/* Beside the code point in vt_cell.ch. */
#define VT_CELL_UNDERLINE 0x80000000u
#define VT_CELL_CODE      0x001fffffu

struct vt_cell {
	uint32_t ch;     /* code point; 0: the right half of a wide character */
	uint32_t fg, bg; /* 0xRRGGBB, reverse and bold already applied */
};

/* A colour as asked for: 0 default, VT_COLOUR_INDEX | n, or VT_COLOUR_RGB | 0xRRGGBB. */
#define VT_COLOUR_INDEX 0x01000000u
#define VT_COLOUR_RGB   0x02000000u

struct vt_pen {
	uint32_t fg, bg;
	bool bold, dim, underline, reverse, hidden;
};

struct vt_cursor {
	unsigned x, y;
	bool wrap_pending; /* the last column was written: the next character wraps first */
	bool origin;       /* DECOM */
	struct vt_pen pen;
	bool line_drawing[2]; /* G0, G1 */
	uint8_t charset;      /* 0 or 1 is shifted in */
};

enum vt_state {
	VT_GROUND,
	VT_ESCAPE,
	VT_ESCAPE_SKIP, /* one more byte belongs to it */
	VT_CSI,
	VT_CSI_IGNORE,
	VT_OSC_START,
	VT_STRING,        /* OSC, DCS, PM, APC, SOS: swallowed */
	VT_STRING_ESCAPE, /* ESC inside one: perhaps its end */
	VT_PALETTE,       /* the Linux console's ESC ] P and seven digits */
};

struct vt_parser {
	enum vt_state state;
	char marker;       /* '?', '>', '=' or 0 */
	char intermediate; /* of an escape or CSI sequence, 0: none */
	unsigned count;    /* params in use */
	uint16_t params[VT_MAX_PARAMS];
	uint32_t sub; /* bit i: parameter i came after a colon */
	unsigned swallowed;
	struct utf8_decoder utf8;
};

struct vt {
	unsigned cols, rows;
	struct vt_cell **lines; /* the screen in use: main or alternate */
	struct vt_cell **screens[2];
	struct vt_cell **history; /* ring */
	unsigned history_size, history_count, history_next;
	unsigned view; /* lines that the view is scrolled back */

	struct vt_cursor cursor, saved[2];
	unsigned top, bottom; /* scrolling region, inclusive */
	bool alternate, autowrap, insert, newline_mode, cursor_visible, application_cursor;
	uint32_t last_char; /* for REP */
	uint64_t tabs[VT_MAX_COLUMNS / 64];
	struct vt_parser parser;

	uint64_t dirty[VT_MAX_ROWS / 64]; /* rows of the view that changed; the drawer clears them */
	size_t reply_len;
	char reply[VT_MAX_REPLY]; /* answers to the program: the owner feeds them to its input */
};

/* Bytes of memory that a terminal of this size needs. */
size_t vt_memory_size(unsigned cols, unsigned rows, unsigned history);
/* `memory` has vt_memory_size bytes, aligned for pointers.  1 <= cols, rows <= the maxima. */
void vt_init(struct vt *vt, void *memory, unsigned cols, unsigned rows, unsigned history);

void vt_feed(struct vt *vt, const char *text, size_t len);
/* Text from outside (the kernel log): plain, in the default colours, with newlines that return; leaves a
 * sequence that the program has half sent as it is. */
void vt_feed_log(struct vt *vt, const char *text, size_t len);

/* What to show in a row, the history taken into account. */
const struct vt_cell *vt_view_line(const struct vt *vt, unsigned row);
/* Where the cursor is to be seen; false: nowhere. */
bool vt_view_cursor(const struct vt *vt, unsigned *x, unsigned *y);
/* Scroll the view by lines (positive: back). */
void vt_scroll_view(struct vt *vt, int lines);
void vt_dirty_all(struct vt *vt);
