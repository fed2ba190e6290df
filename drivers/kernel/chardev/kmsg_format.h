/* SPDX-License-Identifier: BSD-2-Clause */
/* The text forms of /dev/kmsg, as Linux has them.  Pure. */
#pragma once

#include <kernel/printk.h>

/* "LEVEL,SEQ,MICROSECONDS,-;TEXT\n", with bytes that are not printable as \xHH.  Returns the length the
 * whole has; writes what fits. */
size_t kmsg_format(const struct log_record *rec, char *buf, size_t size);

/* A line written by a program: an optional "<N>" in front gives the level (its low three bits), default
 * LOG_INFO.  Returns where the text begins; *len becomes its length without the newline. */
const char *kmsg_parse(const char *line, size_t *len, enum log_level *level);
