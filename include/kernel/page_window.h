/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis: a look at single frames that the direct map does not show.  Each CPU has a few windows of its own;
 * while one is open the task stays on its CPU and must not sleep.  Windows close in reverse order.
 */
#pragma once

#include <kernel/types.h>

/* The frame at a kernel address, readable and writable, on this CPU until it is closed. */
void *page_window_open(paddr_t pa);
void page_window_close(void *window);

void page_window_init(void);
