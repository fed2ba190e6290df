/* SPDX-License-Identifier: BSD-2-Clause */
/* Output processing, the output queue, and echo. */
#include "ldisc_priv.h"

#define TAB_WIDTH    8u
#define MAX_EXPANDED TAB_WIDTH
/* Writers leave this much of the queue to echo. */
#define ECHO_RESERVE 128u

static uint32_t queue_room(const struct ldisc *ld)
{
	return LDISC_OUTPUT - (ld->out_head - ld->out_tail);
}

static void enqueue(struct ldisc *ld, char c)
{
	ld->output[ld->out_head++ % LDISC_OUTPUT] = c;
}

static void put_newline(struct ldisc *ld)
{
	if (ldisc_oflag(ld, ONLCR)) {
		enqueue(ld, '\r');
		ld->column = 0;
	} else if (ldisc_oflag(ld, ONLRET)) {
		ld->column = 0;
	}
	enqueue(ld, '\n');
}

static void put_return(struct ldisc *ld)
{
	if (ldisc_oflag(ld, ONOCR) && ld->column == 0)
		return;
	if (ldisc_oflag(ld, OCRNL)) {
		enqueue(ld, '\n');
		if (ldisc_oflag(ld, ONLRET))
			ld->column = 0;
		return;
	}
	enqueue(ld, '\r');
	ld->column = 0;
}

static void put_tab(struct ldisc *ld)
{
	unsigned n = TAB_WIDTH - ld->column % TAB_WIDTH;

	ld->column += n;
	if ((ld->termios.oflag & TABDLY) != TAB3) {
		enqueue(ld, '\t');
		return;
	}
	while (n-- > 0)
		enqueue(ld, ' ');
}

/* One character with OPOST; there is room for MAX_EXPANDED. */
static void put_processed(struct ldisc *ld, char c)
{
	switch (c) {
	case '\n':
		put_newline(ld);
		break;
	case '\r':
		put_return(ld);
		break;
	case '\t':
		put_tab(ld);
		break;
	case '\b':
		if (ld->column > 0)
			ld->column--;
		enqueue(ld, c);
		break;
	default:
		if (ldisc_oflag(ld, OLCUC) && c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		/* The second and further bytes of a UTF-8 character take no column. */
		if ((uint8_t)c >= 0x20 && c != 0x7f &&
		    !(ldisc_iflag(ld, IUTF8) && ((uint8_t)c & 0xc0) == 0x80))
			ld->column++;
		enqueue(ld, c);
		break;
	}
}

static void put(struct ldisc *ld, char c)
{
	if (ldisc_oflag(ld, OPOST))
		put_processed(ld, c);
	else
		enqueue(ld, c);
}

void ldisc_drain(struct ldisc *ld)
{
	while (!ld->stopped && ld->out_tail != ld->out_head) {
		uint32_t at = ld->out_tail % LDISC_OUTPUT;
		size_t len = MIN(ld->out_head - ld->out_tail, LDISC_OUTPUT - at);
		size_t sent = ld->device->write(ld->ctx, ld->output + at, len);

		ld->out_tail += (uint32_t)sent;
		if (sent < len)
			break;
	}
}

size_t ldisc_write(struct ldisc *ld, const char *text, size_t len)
{
	size_t done = 0;

	while (done < len && !ld->stopped) {
		size_t before = done;

		while (done < len && queue_room(ld) >= MAX_EXPANDED + ECHO_RESERVE)
			put(ld, text[done++]);
		ldisc_drain(ld);
		if (done == before)
			break;
	}
	return done;
}

bool ldisc_writable(const struct ldisc *ld)
{
	return !ld->stopped && queue_room(ld) >= LDISC_OUTPUT / 2;
}

size_t ldisc_unsent(const struct ldisc *ld)
{
	return ld->out_head - ld->out_tail;
}

void ldisc_set_stopped(struct ldisc *ld, bool stopped)
{
	if (ld->stopped != stopped)
		ldisc_tell(ld, stopped ? TIOCPKT_STOP : TIOCPKT_START);
	ld->stopped = stopped;
	ldisc_drain(ld);
}

void ldisc_flush_output(struct ldisc *ld)
{
	ld->out_tail = ld->out_head;
	if (ld->device->flush)
		ld->device->flush(ld->ctx);
}

void ldisc_send_flow(struct ldisc *ld, bool start)
{
	uint8_t c = ld->termios.cc[start ? VSTART : VSTOP];

	if (c != 0 && queue_room(ld) > 0)
		enqueue(ld, (char)c);
	ldisc_drain(ld);
}

/* --- echo ------------------------------------------------------------------------------------------- */

void ldisc_echo_raw(struct ldisc *ld, char c)
{
	if (queue_room(ld) >= MAX_EXPANDED)
		put(ld, c);
}

static bool echoed_as_control(const struct ldisc *ld, uint8_t c)
{
	return ldisc_lflag(ld, ECHOCTL) && (c < 0x20 || c == 0x7f) && c != '\t' && c != '\n';
}

void ldisc_echo_char(struct ldisc *ld, uint8_t c)
{
	if (echoed_as_control(ld, c)) {
		ldisc_echo_raw(ld, '^');
		ldisc_echo_raw(ld, (char)(c ^ 0x40));
	} else {
		ldisc_echo_raw(ld, (char)c);
	}
}

unsigned ldisc_echo_width(const struct ldisc *ld, uint8_t c, unsigned column)
{
	if (c == '\t')
		return TAB_WIDTH - column % TAB_WIDTH;
	if (echoed_as_control(ld, c))
		return 2;
	if (c < 0x20 || c == 0x7f || (ldisc_iflag(ld, IUTF8) && (c & 0xc0) == 0x80))
		return 0;
	return 1;
}

void ldisc_echo_erase(struct ldisc *ld, unsigned columns)
{
	while (columns-- > 0) {
		ldisc_echo_raw(ld, '\b');
		ldisc_echo_raw(ld, ' ');
		ldisc_echo_raw(ld, '\b');
	}
}
