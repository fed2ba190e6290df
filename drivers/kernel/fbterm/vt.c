/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of terminal sequences.  A sequence it does not know is swallowed whole, so that nothing of
 * it shows up as text; control characters inside a sequence act at once, as on the real terminals.
 */
#include "vt_priv.h"

#include <kernel/format.h>
#include <kernel/string.h>

#define MAX_SWALLOWED 4096 /* a string without an end must not eat everything that follows */

/* G0/G1 line drawing: '`' to '~'. */
static const uint16_t line_drawing[] = {
	0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518,
	0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524,
	0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

/* --- parameters and replies ------------------------------------------------------------------------- */

/* The i-th parameter, `absent` when it is missing or 0. */
static unsigned param(const struct vt *vt, unsigned i, unsigned absent)
{
	const struct vt_parser *p = &vt->parser;

	return i < p->count && p->params[i] != 0 ? p->params[i] : absent;
}

static void reply(struct vt *vt, const char *text)
{
	size_t len = strlen(text);

	if (len <= sizeof(vt->reply) - vt->reply_len) {
		memcpy(vt->reply + vt->reply_len, text, len);
		vt->reply_len += len;
	}
}

static void report(struct vt *vt)
{
	unsigned y = vt->cursor.y - (vt->cursor.origin ? vt->top : 0);
	char text[32];

	if (param(vt, 0, 0) == 5) {
		reply(vt, "\033[0n");
	} else if (param(vt, 0, 0) == 6) {
		snprintf(text, sizeof(text), "\033[%u;%uR", y + 1, vt->cursor.x + 1);
		reply(vt, text);
	}
}

static void identify(struct vt *vt)
{
	if (vt->parser.marker == '>')
		reply(vt, "\033[>0;10;0c");
	else if (vt->parser.marker == 0)
		reply(vt, "\033[?6c"); /* a VT102, as the Linux console says */
}

/* --- CSI functions ---------------------------------------------------------------------------------- */

static void move_to(struct vt *vt, unsigned row, unsigned column)
{
	vt_move(vt, (long)column - 1, (long)row - 1 + (vt->cursor.origin ? (long)vt->top : 0));
}

/* Vertical moves stop at the margins when they start inside them. */
static void move_up(struct vt *vt, unsigned n)
{
	unsigned y = vt->cursor.y, limit = y >= vt->top ? vt->top : 0;

	vt_move(vt, vt->cursor.x, y - limit < n ? (long)limit : (long)(y - n));
}

static void move_down(struct vt *vt, unsigned n)
{
	unsigned y = vt->cursor.y, limit = y <= vt->bottom ? vt->bottom : vt->rows - 1;

	vt_move(vt, vt->cursor.x, limit - y < n ? (long)limit : (long)(y + n));
}

static void forget_history(struct vt *vt)
{
	vt->history_count = 0;
	vt->view = 0;
}

static void erase_display(struct vt *vt)
{
	unsigned from = 0, to = vt->rows, x = vt->cursor.x, y = vt->cursor.y;

	switch (param(vt, 0, 0)) {
	case 0:
		vt_erase_cells(vt, y, x, vt->cols);
		from = y + 1;
		break;
	case 1:
		vt_erase_cells(vt, y, 0, x + 1);
		to = y;
		break;
	case 2:
		break;
	case 3:
		forget_history(vt);
		return;
	default:
		return;
	}
	for (; from < to; from++)
		vt_erase_cells(vt, from, 0, vt->cols);
}

static void erase_line(struct vt *vt)
{
	unsigned x = vt->cursor.x, y = vt->cursor.y;

	if (param(vt, 0, 0) == 0)
		vt_erase_cells(vt, y, x, vt->cols);
	else if (param(vt, 0, 0) == 1)
		vt_erase_cells(vt, y, 0, x + 1);
	else if (param(vt, 0, 0) == 2)
		vt_erase_cells(vt, y, 0, vt->cols);
}

static bool in_region(const struct vt *vt)
{
	return vt->cursor.y >= vt->top && vt->cursor.y <= vt->bottom;
}

static void set_region(struct vt *vt)
{
	unsigned top = param(vt, 0, 1), bottom = MIN(param(vt, 1, vt->rows), vt->rows);

	if (top >= bottom)
		return;
	vt->top = top - 1;
	vt->bottom = bottom - 1;
	move_to(vt, 1, 1);
}

static void clear_tabs(struct vt *vt)
{
	unsigned x = vt->cursor.x;

	if (param(vt, 0, 0) == 0)
		vt->tabs[x / 64] &= ~(1ull << (x % 64));
	else if (param(vt, 0, 0) == 3)
		memset(vt->tabs, 0, sizeof(vt->tabs));
}

static void repeat(struct vt *vt, unsigned n)
{
	n = MIN(n, vt->cols * vt->rows);
	for (; n > 0 && vt->last_char; n--)
		vt_put(vt, vt->last_char);
}

static void set_mode(struct vt *vt, unsigned mode, bool on)
{
	if (mode == 4)
		vt->insert = on;
	else if (mode == 20)
		vt->newline_mode = on;
}

static void alternate_screen(struct vt *vt, bool on, bool with_cursor)
{
	if (on && with_cursor)
		vt_save_cursor(vt);
	vt_set_alternate(vt, on, on && with_cursor);
	if (!on && with_cursor)
		vt_restore_cursor(vt);
}

static void set_private_mode(struct vt *vt, unsigned mode, bool on)
{
	switch (mode) {
	case 1:
		vt->application_cursor = on;
		break;
	case 6:
		vt->cursor.origin = on;
		move_to(vt, 1, 1);
		break;
	case 7:
		vt->autowrap = on;
		vt->cursor.wrap_pending = false;
		break;
	case 25:
		vt->cursor_visible = on;
		vt_dirty_rows(vt, vt->cursor.y, vt->cursor.y);
		break;
	case 47:
	case 1047:
		alternate_screen(vt, on, false);
		break;
	case 1048:
		if (on)
			vt_save_cursor(vt);
		else
			vt_restore_cursor(vt);
		break;
	case 1049:
		/* xterm saves the cursor of the main screen; leaving twice must not restore twice. */
		if (on != vt->alternate)
			alternate_screen(vt, on, true);
		break;
	default: /* bracketed paste (2004), mouse (100x) and others: nothing here acts on them */
		break;
	}
}

static void set_modes(struct vt *vt, bool on)
{
	for (unsigned i = 0; i < vt->parser.count; i++) {
		if (vt->parser.marker == '?')
			set_private_mode(vt, vt->parser.params[i], on);
		else if (vt->parser.marker == 0)
			set_mode(vt, vt->parser.params[i], on);
	}
}

static void soft_reset(struct vt *vt)
{
	vt->cursor.pen = (struct vt_pen){ 0 };
	vt->cursor.origin = vt->insert = vt->application_cursor = vt->newline_mode = false;
	vt->cursor.line_drawing[0] = vt->cursor.line_drawing[1] = false;
	vt->cursor.charset = 0;
	vt->autowrap = vt->cursor_visible = true;
	vt->top = 0;
	vt->bottom = vt->rows - 1;
	memset(vt->saved, 0, sizeof(vt->saved));
}

static void full_reset(struct vt *vt)
{
	soft_reset(vt);
	vt_tabs_reset(vt);
	vt_set_alternate(vt, false, true);
	vt_move(vt, 0, 0);
}

static void csi_cursor(struct vt *vt, char final)
{
	unsigned n = param(vt, 0, 1), x = vt->cursor.x, y = vt->cursor.y;

	switch (final) {
	case 'A':
		move_up(vt, n);
		break;
	case 'B':
	case 'e':
		move_down(vt, n);
		break;
	case 'C':
	case 'a':
		vt_move(vt, (long)x + n, y);
		break;
	case 'D':
		vt_move(vt, (long)x - n, y);
		break;
	case 'E':
		move_down(vt, n);
		vt_move(vt, 0, vt->cursor.y);
		break;
	case 'F':
		move_up(vt, n);
		vt_move(vt, 0, vt->cursor.y);
		break;
	case 'G':
	case '`':
		vt_move(vt, (long)n - 1, y);
		break;
	case 'H':
	case 'f':
		move_to(vt, n, param(vt, 1, 1));
		break;
	case 'I':
		vt_tab(vt, n);
		break;
	case 'Z':
		vt_back_tab(vt, n);
		break;
	case 'd':
		move_to(vt, n, x + 1);
		break;
	default:
		break;
	}
}

static void csi_edit(struct vt *vt, char final)
{
	unsigned n = param(vt, 0, 1);

	switch (final) {
	case '@':
		vt_insert_cells(vt, n);
		break;
	case 'J':
		erase_display(vt);
		break;
	case 'K':
		erase_line(vt);
		break;
	case 'L':
		if (in_region(vt))
			vt_scroll_down(vt, vt->cursor.y, vt->bottom, n);
		break;
	case 'M':
		if (in_region(vt))
			vt_scroll_up(vt, vt->cursor.y, vt->bottom, n, false);
		break;
	case 'P':
		vt_delete_cells(vt, n);
		break;
	case 'S':
		vt_scroll_up(vt, vt->top, vt->bottom, n, vt->top == 0);
		break;
	case 'T':
		vt_scroll_down(vt, vt->top, vt->bottom, n);
		break;
	case 'X':
		vt_erase_cells(vt, vt->cursor.y, vt->cursor.x, vt->cursor.x + n);
		break;
	case 'b':
		repeat(vt, n);
		break;
	default:
		break;
	}
	vt->cursor.wrap_pending = vt->cursor.wrap_pending && final == 'b';
}

static void csi_plain(struct vt *vt, char final)
{
	switch (final) {
	case 'c':
		identify(vt);
		break;
	case 'g':
		clear_tabs(vt);
		break;
	case 'h':
	case 'l':
		set_modes(vt, final == 'h');
		break;
	case 'm':
		vt_sgr(vt);
		break;
	case 'n':
		report(vt);
		break;
	case 'r':
		set_region(vt);
		break;
	case 's':
		vt_save_cursor(vt);
		break;
	case 'u':
		vt_restore_cursor(vt);
		break;
	default:
		csi_cursor(vt, final);
		if (strchr("@JKLMPSTXb", final))
			csi_edit(vt, final);
		break;
	}
}

static void csi_dispatch(struct vt *vt, char final)
{
	struct vt_parser *p = &vt->parser;

	p->state = VT_GROUND;
	if (p->intermediate) {
		if (p->intermediate == '!' && final == 'p')
			soft_reset(vt);
		return;
	}
	if (p->marker == 0)
		csi_plain(vt, final);
	else if (p->marker == '?' && (final == 'h' || final == 'l'))
		set_modes(vt, final == 'h');
	else if (p->marker == '>' && final == 'c')
		identify(vt);
}

static void csi_digit(struct vt_parser *p, char c)
{
	uint16_t *value = &p->params[p->count - 1];

	*value = (uint16_t)MIN(*value * 10u + (unsigned)(c - '0'), 65535u);
}

static void csi_byte(struct vt *vt, char c)
{
	struct vt_parser *p = &vt->parser;

	if (c >= '0' && c <= '9') {
		csi_digit(p, c);
	} else if (c == ';' || c == ':') {
		if (p->count == VT_MAX_PARAMS) {
			p->state = VT_CSI_IGNORE;
			return;
		}
		p->params[p->count] = 0;
		if (c == ':')
			p->sub |= 1u << p->count;
		p->count++;
	} else if (c >= '<' && c <= '?') {
		p->marker = c;
	} else if (c >= ' ' && c <= '/') {
		p->intermediate = c;
	} else if (c >= '@' && c <= '~') {
		csi_dispatch(vt, c);
	}
}

/* --- escape sequences ------------------------------------------------------------------------------- */

static void csi_start(struct vt_parser *p)
{
	p->state = VT_CSI;
	p->marker = p->intermediate = 0;
	p->params[0] = 0;
	p->count = 1;
	p->sub = 0;
}

static void string_start(struct vt_parser *p, enum vt_state state)
{
	p->state = state;
	p->swallowed = 0;
}

static void escape_plain(struct vt *vt, char c)
{
	switch (c) {
	case '7':
		vt_save_cursor(vt);
		break;
	case '8':
		vt_restore_cursor(vt);
		break;
	case 'D':
		vt_line_feed(vt);
		break;
	case 'E':
		vt->cursor.x = 0;
		vt_line_feed(vt);
		break;
	case 'H':
		vt->tabs[vt->cursor.x / 64] |= 1ull << (vt->cursor.x % 64);
		break;
	case 'M':
		vt_reverse_line_feed(vt);
		break;
	case 'Z':
		reply(vt, "\033[?6c");
		break;
	case 'c':
		full_reset(vt);
		break;
	default: /* keypad modes and what is not known */
		break;
	}
}

static void escape_byte(struct vt *vt, char c)
{
	struct vt_parser *p = &vt->parser;

	p->state = VT_GROUND;
	switch (c) {
	case '[':
		csi_start(p);
		break;
	case ']':
		string_start(p, VT_OSC_START);
		break;
	case 'P':
	case 'X':
	case '^':
	case '_':
		string_start(p, VT_STRING);
		break;
	default:
		if (c >= ' ' && c <= '/') {
			p->state = VT_ESCAPE_SKIP;
			p->intermediate = c;
		} else {
			escape_plain(vt, c);
		}
		break;
	}
}

/* ESC, an intermediate, and this byte: character sets and the alignment test. */
static void escape_skip_byte(struct vt *vt, char c)
{
	struct vt_parser *p = &vt->parser;

	if (c >= ' ' && c <= '/')
		return;
	p->state = VT_GROUND;
	if (p->intermediate == '(' || p->intermediate == ')')
		vt->cursor.line_drawing[p->intermediate == ')'] = c == '0';
	else if (p->intermediate == '#' && c == '8')
		vt_fill_test(vt);
}

static void string_byte(struct vt *vt, char c)
{
	struct vt_parser *p = &vt->parser;

	if (p->state == VT_OSC_START) {
		p->state = c == 'P' ? VT_PALETTE : c == 'R' ? VT_GROUND : VT_STRING;
		return;
	}
	if (p->state == VT_PALETTE) {
		if (++p->swallowed == 7)
			p->state = VT_GROUND;
		return;
	}
	if (++p->swallowed > MAX_SWALLOWED)
		p->state = VT_GROUND;
}

/* --- bytes ------------------------------------------------------------------------------------------ */

static bool in_string(const struct vt_parser *p)
{
	return p->state == VT_STRING || p->state == VT_OSC_START || p->state == VT_PALETTE;
}

/* Control characters.  In a string only those that end it count. */
static void control(struct vt *vt, char c)
{
	struct vt_parser *p = &vt->parser;

	if (c == '\033') {
		p->state = in_string(p) ? VT_STRING_ESCAPE : VT_ESCAPE;
		return;
	}
	if (c == 0x18 || c == 0x1a) { /* CAN, SUB */
		p->state = VT_GROUND;
		return;
	}
	if (in_string(p)) {
		if (c == '\a')
			p->state = VT_GROUND;
		return;
	}
	switch (c) {
	case '\b':
		vt_move(vt, (long)vt->cursor.x - 1, vt->cursor.y);
		break;
	case '\t':
		vt_tab(vt, 1);
		break;
	case '\n':
	case '\v':
	case '\f':
		if (vt->newline_mode)
			vt->cursor.x = 0;
		vt_line_feed(vt);
		break;
	case '\r':
		vt_move(vt, 0, vt->cursor.y);
		break;
	case 0x0e:
	case 0x0f:
		vt->cursor.charset = c == 0x0e;
		break;
	default:
		break;
	}
}

static void put_char(struct vt *vt, uint32_t cp)
{
	if (cp >= 0x80 && cp < 0xa0)
		return; /* C1 controls are not used with UTF-8 */
	if (vt->cursor.line_drawing[vt->cursor.charset] && cp >= '`' && cp <= '~')
		cp = line_drawing[cp - '`'];
	vt_put(vt, cp);
}

static void ground_byte(struct vt *vt, uint8_t byte)
{
	uint32_t out[2];
	unsigned n = utf8_feed(&vt->parser.utf8, byte, out);

	for (unsigned i = 0; i < n; i++)
		put_char(vt, out[i]);
}

static void state_byte(struct vt *vt, char c)
{
	switch (vt->parser.state) {
	case VT_GROUND:
		ground_byte(vt, (uint8_t)c);
		break;
	case VT_ESCAPE:
		escape_byte(vt, c);
		break;
	case VT_ESCAPE_SKIP:
		escape_skip_byte(vt, c);
		break;
	case VT_CSI:
		csi_byte(vt, c);
		break;
	case VT_CSI_IGNORE:
		if (c >= '@' && c <= '~')
			vt->parser.state = VT_GROUND;
		break;
	case VT_OSC_START:
	case VT_STRING:
	case VT_PALETTE:
		string_byte(vt, c);
		break;
	case VT_STRING_ESCAPE:
		vt->parser.state = VT_GROUND;
		if (c != '\\')
			escape_byte(vt, c);
		break;
	}
}

static void feed_byte(struct vt *vt, uint8_t byte)
{
	if (byte < 0x20) {
		if (vt->parser.utf8.left) { /* a sequence cut short by a control character */
			vt->parser.utf8.left = 0;
			put_char(vt, UTF8_REPLACEMENT);
		}
		control(vt, (char)byte);
	} else if (byte != 0x7f) {
		state_byte(vt, (char)byte);
	}
}

void vt_feed(struct vt *vt, const char *text, size_t len)
{
	if (vt->view && len)
		vt_scroll_view(vt, -(int)vt->view);
	for (size_t i = 0; i < len; i++)
		feed_byte(vt, (uint8_t)text[i]);
}

void vt_feed_log(struct vt *vt, const char *text, size_t len)
{
	struct vt_parser parser = vt->parser;
	struct vt_pen pen = vt->cursor.pen;

	vt->parser.state = VT_GROUND;
	vt->parser.utf8.left = 0;
	vt->cursor.pen = (struct vt_pen){ 0 };
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (byte == '\n')
			vt_feed(vt, "\r\n", 2);
		else if (byte >= 0x20 || byte == '\t')
			vt_feed(vt, text + i, 1);
	}
	vt->parser = parser;
	vt->cursor.pen = pen;
}
