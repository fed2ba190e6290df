/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel gives its code, for code that runs on the host: printing and stopping.  All of it is
 * weak, so that a test may bring its own, or link the real one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <kernel/assert.h>
#include <kernel/panic.h>
#include <kernel/printk.h>

#define WEAK __attribute__((weak))

/* Fuzz targets run millions of times: only what would stop the kernel is worth a line there. */
static int quiet(enum log_level level)
{
	static int wanted = -1;

	if (wanted < 0)
		wanted = getenv("SERIX_HOST_LOG") != NULL;
	return level > LOG_CRIT && !wanted;
}

WEAK void vprintk(enum log_level level, const char *fmt, va_list args)
{
	if (quiet(level))
		return;
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

WEAK void printk(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintk(level, fmt, args);
	va_end(args);
}

WEAK void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

WEAK void assert_failed(const char *expr, const char *file, int line)
{
	panic("%s:%d: assertion failed: %s", file, line, expr);
}
