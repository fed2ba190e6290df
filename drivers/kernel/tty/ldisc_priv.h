/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the two halves of the line discipline: output and echo (ldisc_output.c), input (ldisc.c). */
#pragma once

#include "ldisc.h"

static inline bool ldisc_iflag(const struct ldisc *ld, uint32_t flag)
{
	return ld->termios.iflag & flag;
}

static inline bool ldisc_oflag(const struct ldisc *ld, uint32_t flag)
{
	return ld->termios.oflag & flag;
}

static inline bool ldisc_lflag(const struct ldisc *ld, uint32_t flag)
{
	return ld->termios.lflag & flag;
}

static inline void ldisc_tell(struct ldisc *ld, uint8_t event)
{
	if (ld->device->event)
		ld->device->event(ld->ctx, event);
}

/* Echo: best effort.  What finds no room in the queue is dropped. */
void ldisc_echo_raw(struct ldisc *ld, char c);     /* through output processing only */
void ldisc_echo_char(struct ldisc *ld, uint8_t c); /* controls as ^X when ECHOCTL says so */
/* Columns that ldisc_echo_char moved when it started in `column`. */
unsigned ldisc_echo_width(const struct ldisc *ld, uint8_t c, unsigned column);
/* Erase backwards. */
void ldisc_echo_erase(struct ldisc *ld, unsigned columns);
