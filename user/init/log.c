/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "init.h"

void log_line(const char *fmt, ...)
{
	char text[512] = "<6>init: ";
	int used = 9, fd;
	va_list args;

	va_start(args, fmt);
	used += vsnprintf(text + used, sizeof(text) - (size_t)used - 1, fmt, args);
	va_end(args);
	if (used > (int)sizeof(text) - 2)
		used = sizeof(text) - 2;
	text[used++] = '\n';
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, text, (size_t)used) < 0) {
		/* The log is the place for complaints: nowhere else to go. */
	}
	close(fd);
}
