/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal on the framebuffer that the loader set up.  No framebuffer: both calls do nothing. */
#pragma once

/* Map the framebuffer and show the kernel log on it when log= says so.  Needs vmalloc. */
void fbterm_init(void);

/* Make /dev/tty1 and start the thread that draws.  Needs tty_init() and the scheduler. */
void fbterm_tty_init(void);

/* Move the view through the lines that scrolled away: pages up (negative) or down.  Any context. */
void fbterm_scroll(int pages);
