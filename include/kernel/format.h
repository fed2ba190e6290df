/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printf-style formatting: %d %i %u %x %X %o %c %s %p %% with flags - 0 + space #, width, precision
 * (also *), and lengths hh h l ll z t j.  Returns the length the whole text has; writes at most
 * size - 1 characters and a NUL (nothing when size is 0).  No floating point.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <kernel/compiler.h>

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
/* As snprintf, but returns what was really written (without the NUL): for building text in pieces. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
