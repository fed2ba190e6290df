/* SPDX-License-Identifier: BSD-2-Clause */
/* Serial ports COM1 to COM4 (8250 to 16550A). */
#pragma once

/* Find the ports, set them to 115200 8N1 and register the one that log= names as a polled console.
 * Needs nothing but boot_info: the first call of kernel_main. */
void serial_early_init(void);

/* Make /dev/ttyS0 to ttyS3 for the ports that exist and go over to interrupts.  Needs tty_init() and the
 * interrupt controllers; the log stays polled, so that it works in a panic. */
void serial_init(void);
