/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command line says about where the log and /dev/console go. */
#pragma once

#include <kernel/compiler.h>

/* Should the kernel log appear on this terminal?  log=NAME[,NAME...] or log=none; by default ttyS0 and
 * tty1.  tty0 means tty1.  Pure: `line` is the command line. */
bool log_wanted(const char *line, const char *name);

/* The terminal that a console= value names: options behind a comma are cut off, tty0 becomes tty1. */
void console_name(const char *value, char *name, size_t size);
