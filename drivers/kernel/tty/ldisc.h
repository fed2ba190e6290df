/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline: what happens between the bytes of a device and read/write, as termios(3) says.
 * Pure: no locks, no waiting; the owner serialises all calls and sends the signals that come out.
 *
 * Input is a ring.  [tail, canon_head) are completed lines, [canon_head, head) the line being edited; in
 * non-canonical mode everything up to head may be read.  A set bit in `ends` marks the last character of
 * a line; a NUL with that bit is end of file: it ends the line and is not part of it.
 *
 * Output and echo go through one queue of processed bytes, so they keep their order and a character
 * that becomes several is never split; ldisc_drain() hands it to the device.
 */
#pragma once

#include <kernel/compiler.h>
#include <serix/abi.h>
#include <serix/termios.h>

#define LDISC_INPUT  4096u
#define LDISC_OUTPUT 1024u

struct ldisc_device {
	/* Takes what it can; the count. */
	size_t (*write)(void *ctx, const char *text, size_t len);
	/* Throw away what it has not sent.  May be NULL. */
	void (*flush)(void *ctx);
	/* TIOCPKT_STOP, START: output was stopped, goes on; FLUSHREAD: input was thrown away.  May be
	 * NULL. */
	void (*event)(void *ctx, uint8_t event);
};

struct ldisc {
	struct abi_termios termios;
	const struct ldisc_device *device; /* [i] */
	void *ctx;                         /* [i] */

	char input[LDISC_INPUT];
	uint64_t ends[LDISC_INPUT / 64];
	uint32_t head, canon_head, tail; /* count up for ever; index by the low bits */
	bool literal_next;               /* LNEXT was typed */
	bool asked_to_stop;              /* IXOFF: STOP was sent to the other side */

	char output[LDISC_OUTPUT];
	uint32_t out_head, out_tail;
	bool stopped;         /* by the STOP character or TCOOFF */
	unsigned column;      /* of the output */
	unsigned line_column; /* where the echo of the line being edited began */
};

/* Bits of ldisc_input's result. */
#define LDISC_SIGINT  (1u << 0)
#define LDISC_SIGQUIT (1u << 1)
#define LDISC_SIGTSTP (1u << 2)

void ldisc_init(struct ldisc *ld, const struct ldisc_device *device, void *ctx);
/* Takes effect at once; a line half typed becomes readable when ICANON goes off. */
void ldisc_set_termios(struct ldisc *ld, const struct abi_termios *termios);

/* Bytes from the device.  Returns the signals for the foreground group. */
unsigned ldisc_input(struct ldisc *ld, const char *bytes, size_t len);
/* A break condition; same result. */
unsigned ldisc_break(struct ldisc *ld);
/* Bytes that are sure to find room.  Unlimited while only more typing can complete a line. */
size_t ldisc_room(const struct ldisc *ld);

/* Is there a line (canonical), or are there `min` bytes? */
bool ldisc_readable(const struct ldisc *ld, size_t min);
/* Where what may be read ends: counts up for ever. */
uint32_t ldisc_readable_end(const struct ldisc *ld);
/* What FIONREAD reports. */
size_t ldisc_readable_bytes(const struct ldisc *ld);
/* Take up to len bytes, of one line only in canonical mode; *ended says that the line's end was reached. */
size_t ldisc_read(struct ldisc *ld, char *out, size_t len, bool *ended);

/* Process output; returns how many bytes of text were taken. */
size_t ldisc_write(struct ldisc *ld, const char *text, size_t len);
bool ldisc_writable(const struct ldisc *ld);
/* Hand queued output to the device. */
void ldisc_drain(struct ldisc *ld);
size_t ldisc_unsent(const struct ldisc *ld);
void ldisc_set_stopped(struct ldisc *ld, bool stopped);
/* Send STOP or START to the other side (TCXONC). */
void ldisc_send_flow(struct ldisc *ld, bool start);

void ldisc_flush_input(struct ldisc *ld);
void ldisc_flush_output(struct ldisc *ld);
