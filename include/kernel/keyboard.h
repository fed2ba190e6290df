/* SPDX-License-Identifier: BSD-2-Clause */
/* The PS/2 keyboard.  Its bytes go to /dev/tty1. */
#pragma once

/* Find and start the keyboard; no controller is fine.  Needs ACPI's flags, the interrupt controllers,
 * the scheduler, and fbterm_tty_init() before it: without /dev/tty1 it is left alone. */
void keyboard_init(void);
