/* SPDX-License-Identifier: BSD-2-Clause */
/* Input: special characters, line editing, and taking lines or bytes out. */
#include "ldisc_priv.h"

#include <kernel/bitmap.h>
#include <kernel/string.h>

#define END_OF_FILE '\0' /* with its end bit set */

static const struct abi_termios default_termios = {
	.iflag = ICRNL | IXON | IUTF8 | IMAXBEL,
	.oflag = OPOST | ONLCR,
	.cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
	.lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE,
	.cc = {
		[VINTR] = 'C' & 0x1f, [VQUIT] = '\\' & 0x1f, [VERASE] = 0x7f, [VKILL] = 'U' & 0x1f,
		[VEOF] = 'D' & 0x1f, [VMIN] = 1, [VSTART] = 'Q' & 0x1f, [VSTOP] = 'S' & 0x1f,
		[VSUSP] = 'Z' & 0x1f, [VREPRINT] = 'R' & 0x1f, [VDISCARD] = 'O' & 0x1f,
		[VWERASE] = 'W' & 0x1f, [VLNEXT] = 'V' & 0x1f,
	},
};

void ldisc_init(struct ldisc *ld, const struct ldisc_device *device, void *ctx)
{
	memset(ld, 0, sizeof(*ld));
	ld->termios = default_termios;
	ld->device = device;
	ld->ctx = ctx;
}

static bool is_cc(const struct ldisc *ld, unsigned index, uint8_t c)
{
	return c != 0 && ld->termios.cc[index] == c;
}

/* --- the ring --------------------------------------------------------------------------------------- */

static uint32_t slot(uint32_t position)
{
	return position % LDISC_INPUT;
}

static uint8_t char_at(const struct ldisc *ld, uint32_t position)
{
	return (uint8_t)ld->input[slot(position)];
}

static bool is_end(const struct ldisc *ld, uint32_t position)
{
	return bitmap_test(ld->ends, slot(position));
}

static uint32_t ring_room(const struct ldisc *ld)
{
	return LDISC_INPUT - (ld->head - ld->tail);
}

static void append(struct ldisc *ld, uint8_t c, bool end)
{
	ld->input[slot(ld->head)] = (char)c;
	if (end)
		bitmap_set(ld->ends, slot(ld->head));
	else
		bitmap_clear(ld->ends, slot(ld->head));
	ld->head++;
	if (end)
		ld->canon_head = ld->head;
}

void ldisc_flush_input(struct ldisc *ld)
{
	ld->tail = ld->canon_head = ld->head;
	ld->literal_next = false;
	ldisc_tell(ld, TIOCPKT_FLUSHREAD);
	if (ld->asked_to_stop) {
		ld->asked_to_stop = false;
		ldisc_send_flow(ld, true);
	}
}

size_t ldisc_room(const struct ldisc *ld)
{
	if (ldisc_lflag(ld, ICANON) && ld->canon_head == ld->tail)
		return SIZE_MAX;
	return ring_room(ld);
}

void ldisc_set_termios(struct ldisc *ld, const struct abi_termios *termios)
{
	bool was = ldisc_lflag(ld, ICANON), is = termios->lflag & ICANON;

	ld->termios = *termios;
	if (was == is)
		return;
	ld->literal_next = false;
	/* What was typed before the switch to lines can be read, but no longer edited. */
	if (is && ld->head != ld->tail) {
		bitmap_set(ld->ends, slot(ld->head - 1));
		ld->canon_head = ld->head;
	}
	if (!ldisc_iflag(ld, IXON) && ld->stopped)
		ldisc_set_stopped(ld, false);
}

/* --- line editing ----------------------------------------------------------------------------------- */

/* The column behind the line as it stands. */
static unsigned line_end_column(const struct ldisc *ld)
{
	unsigned column = ld->line_column;

	for (uint32_t i = ld->canon_head; i != ld->head; i++)
		column += ldisc_echo_width(ld, char_at(ld, i), column);
	return column;
}

/* Take the last character, all of its UTF-8 bytes, off the line. */
static void drop_char(struct ldisc *ld)
{
	while (ld->head != ld->canon_head) {
		ld->head--;
		if (!ldisc_iflag(ld, IUTF8) || (char_at(ld, ld->head) & 0xc0) != 0x80)
			break;
	}
}

static bool is_word_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       c >= 0x80;
}

static void drop_word(struct ldisc *ld)
{
	while (ld->head != ld->canon_head && !is_word_char(char_at(ld, ld->head - 1)))
		drop_char(ld);
	while (ld->head != ld->canon_head && is_word_char(char_at(ld, ld->head - 1)))
		drop_char(ld);
}

static void show_erased(struct ldisc *ld, uint8_t c, unsigned end_before)
{
	if (!ldisc_lflag(ld, ECHO))
		return;
	if (!ldisc_lflag(ld, ECHOE)) {
		ldisc_echo_char(ld, c);
		return;
	}
	ldisc_echo_erase(ld, end_before - line_end_column(ld));
}

static void kill_line(struct ldisc *ld, uint8_t c)
{
	unsigned end = line_end_column(ld);

	ld->head = ld->canon_head;
	if (!ldisc_lflag(ld, ECHO))
		return;
	if (ldisc_lflag(ld, ECHOK) && !(ldisc_lflag(ld, ECHOKE) && ldisc_lflag(ld, ECHOE))) {
		ldisc_echo_char(ld, c);
		ldisc_echo_raw(ld, '\n');
		return;
	}
	show_erased(ld, c, end);
}

static void reprint(struct ldisc *ld, uint8_t c)
{
	ldisc_echo_char(ld, c);
	ldisc_echo_raw(ld, '\n');
	ld->line_column = ld->column;
	for (uint32_t i = ld->canon_head; i != ld->head; i++)
		ldisc_echo_char(ld, char_at(ld, i));
}

static void erase(struct ldisc *ld, uint8_t c, void (*drop)(struct ldisc *ld))
{
	unsigned end;

	if (ld->head == ld->canon_head)
		return;
	end = line_end_column(ld);
	drop(ld);
	show_erased(ld, c, end);
}

/* Most characters edit nothing, and cost nothing however long the line is. */
static bool edit(struct ldisc *ld, uint8_t c)
{
	bool extended = ldisc_lflag(ld, IEXTEN);

	if (is_cc(ld, VERASE, c)) {
		erase(ld, c, drop_char);
	} else if (is_cc(ld, VKILL, c)) {
		kill_line(ld, c);
	} else if (extended && is_cc(ld, VWERASE, c)) {
		erase(ld, c, drop_word);
	} else if (extended && is_cc(ld, VREPRINT, c)) {
		if (ldisc_lflag(ld, ECHO))
			reprint(ld, c);
	} else {
		return false;
	}
	return true;
}

/* --- one character ---------------------------------------------------------------------------------- */

/* An ordinary character: the last free place is kept for what ends a line. */
static void store(struct ldisc *ld, uint8_t c)
{
	if (ring_room(ld) < 2) {
		if (ldisc_iflag(ld, IMAXBEL))
			ldisc_echo_raw(ld, '\a');
		return;
	}
	if (ld->head == ld->canon_head)
		ld->line_column = ld->column;
	append(ld, c, false);
	if (ldisc_lflag(ld, ECHO))
		ldisc_echo_char(ld, c);
}

static void store_end(struct ldisc *ld, uint8_t c)
{
	if (ring_room(ld) == 0) {
		if (ldisc_iflag(ld, IMAXBEL))
			ldisc_echo_raw(ld, '\a');
		return;
	}
	append(ld, c, true);
}

static unsigned signal_of(const struct ldisc *ld, uint8_t c)
{
	if (!ldisc_lflag(ld, ISIG))
		return 0;
	if (is_cc(ld, VINTR, c))
		return LDISC_SIGINT;
	if (is_cc(ld, VQUIT, c))
		return LDISC_SIGQUIT;
	return is_cc(ld, VSUSP, c) ? LDISC_SIGTSTP : 0;
}

static void take_signal(struct ldisc *ld, uint8_t c)
{
	if (!ldisc_lflag(ld, NOFLSH)) {
		ldisc_flush_input(ld);
		ldisc_flush_output(ld);
	}
	ldisc_set_stopped(ld, false);
	if (ldisc_lflag(ld, ECHO))
		ldisc_echo_char(ld, c);
}

static bool flow_control(struct ldisc *ld, uint8_t c)
{
	if (!ldisc_iflag(ld, IXON))
		return false;
	if (is_cc(ld, VSTART, c)) {
		ldisc_set_stopped(ld, false);
		return true;
	}
	if (is_cc(ld, VSTOP, c)) {
		ldisc_set_stopped(ld, true);
		return true;
	}
	if (ld->stopped && ldisc_iflag(ld, IXANY))
		ldisc_set_stopped(ld, false);
	return false;
}

/* Canonical mode; the character is nobody's command to the terminal any more. */
static void line_char(struct ldisc *ld, uint8_t c)
{
	if (edit(ld, c))
		return;
	if (ldisc_lflag(ld, IEXTEN) && is_cc(ld, VLNEXT, c)) {
		ld->literal_next = true;
		if (ldisc_lflag(ld, ECHO) && ldisc_lflag(ld, ECHOCTL)) {
			ldisc_echo_raw(ld, '^');
			ldisc_echo_raw(ld, '\b');
		}
		return;
	}
	if (c == '\n') {
		if (ldisc_lflag(ld, ECHO) || ldisc_lflag(ld, ECHONL))
			ldisc_echo_raw(ld, '\n');
		store_end(ld, c);
	} else if (is_cc(ld, VEOF, c)) {
		store_end(ld, END_OF_FILE);
	} else if (is_cc(ld, VEOL, c) || (ldisc_lflag(ld, IEXTEN) && is_cc(ld, VEOL2, c))) {
		if (ldisc_lflag(ld, ECHO))
			ldisc_echo_char(ld, c);
		store_end(ld, c);
	} else {
		store(ld, c);
	}
}

/* CR and NL as asked; false: the character is dropped. */
static bool map_newline(const struct ldisc *ld, uint8_t *c)
{
	if (*c == '\r') {
		if (ldisc_iflag(ld, IGNCR))
			return false;
		if (ldisc_iflag(ld, ICRNL))
			*c = '\n';
	} else if (*c == '\n' && ldisc_iflag(ld, INLCR)) {
		*c = '\r';
	}
	return true;
}

static unsigned input_char(struct ldisc *ld, uint8_t c)
{
	unsigned sig;

	if (ldisc_iflag(ld, ISTRIP))
		c &= 0x7f;
	if (ldisc_iflag(ld, IUCLC) && ldisc_lflag(ld, IEXTEN) && c >= 'A' && c <= 'Z')
		c = (uint8_t)(c - 'A' + 'a');
	if (ld->literal_next) {
		ld->literal_next = false;
		store(ld, c);
		return 0;
	}
	if (flow_control(ld, c))
		return 0;
	sig = signal_of(ld, c);
	if (sig) {
		take_signal(ld, c);
		return sig;
	}
	if (!map_newline(ld, &c))
		return 0;
	if (ldisc_lflag(ld, ICANON)) {
		line_char(ld, c);
		return 0;
	}
	if (c == '\n' && ldisc_lflag(ld, ECHO)) {
		if (ring_room(ld) >= 2) {
			append(ld, c, false);
			ldisc_echo_raw(ld, '\n');
		}
		return 0;
	}
	store(ld, c);
	return 0;
}

unsigned ldisc_input(struct ldisc *ld, const char *bytes, size_t len)
{
	unsigned signals = 0;

	for (size_t i = 0; i < len; i++)
		signals |= input_char(ld, (uint8_t)bytes[i]);
	if (ldisc_iflag(ld, IXOFF) && !ld->asked_to_stop && ring_room(ld) < LDISC_INPUT / 4) {
		ld->asked_to_stop = true;
		ldisc_send_flow(ld, false);
	}
	ldisc_drain(ld);
	return signals;
}

unsigned ldisc_break(struct ldisc *ld)
{
	if (ldisc_iflag(ld, IGNBRK))
		return 0;
	if (ldisc_iflag(ld, BRKINT)) {
		ldisc_flush_input(ld);
		ldisc_flush_output(ld);
		return LDISC_SIGINT;
	}
	if (ring_room(ld) >= 2)
		append(ld, 0, false);
	return 0;
}

/* --- taking out ------------------------------------------------------------------------------------- */

bool ldisc_readable(const struct ldisc *ld, size_t min)
{
	if (ldisc_lflag(ld, ICANON))
		return ld->canon_head != ld->tail;
	return ld->head - ld->tail >= MAX(min, (size_t)1);
}

static bool is_eof_mark(const struct ldisc *ld, uint32_t position)
{
	return is_end(ld, position) && char_at(ld, position) == END_OF_FILE;
}

uint32_t ldisc_readable_end(const struct ldisc *ld)
{
	return ldisc_lflag(ld, ICANON) ? ld->canon_head : ld->head;
}

size_t ldisc_readable_bytes(const struct ldisc *ld)
{
	size_t n = 0;

	if (!ldisc_lflag(ld, ICANON))
		return ld->head - ld->tail;
	for (uint32_t i = ld->tail; i != ld->canon_head; i++)
		n += !is_eof_mark(ld, i);
	return n;
}

static size_t read_line(struct ldisc *ld, char *out, size_t len, bool *ended)
{
	size_t n = 0;

	while (n < len && ld->tail != ld->canon_head && !*ended) {
		*ended = is_end(ld, ld->tail);
		if (!is_eof_mark(ld, ld->tail))
			out[n++] = (char)char_at(ld, ld->tail);
		ld->tail++;
	}
	/* The buffer is full just before an end-of-file mark: it belongs to this read, or the next one would
	 * find an end of file that nobody typed. */
	if (!*ended && ld->tail != ld->canon_head && is_eof_mark(ld, ld->tail)) {
		ld->tail++;
		*ended = true;
	}
	return n;
}

static size_t read_bytes(struct ldisc *ld, char *out, size_t len)
{
	size_t n = MIN(len, (size_t)(ld->head - ld->tail));

	for (size_t i = 0; i < n; i++)
		out[i] = (char)char_at(ld, ld->tail++);
	/* Lines begin here if ICANON comes back; marks behind the tail mean nothing. */
	if ((int32_t)(ld->canon_head - ld->tail) < 0)
		ld->canon_head = ld->tail;
	return n;
}

size_t ldisc_read(struct ldisc *ld, char *out, size_t len, bool *ended)
{
	size_t n;

	*ended = false;
	n = ldisc_lflag(ld, ICANON) ? read_line(ld, out, len, ended) : read_bytes(ld, out, len);
	if (ld->asked_to_stop && ring_room(ld) > LDISC_INPUT / 2) {
		ld->asked_to_stop = false;
		ldisc_send_flow(ld, true);
	}
	return n;
}
