/* SPDX-License-Identifier: BSD-2-Clause */
#include "kmsg_format.h"

#include <kernel/format.h>

static size_t put(char *buf, size_t size, size_t at, char c)
{
	if (at < size)
		buf[at] = c;
	return at + 1;
}

size_t kmsg_format(const struct log_record *rec, char *buf, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char head[64];
	size_t at = 0, n;

	n = (size_t)scnprintf(head, sizeof(head), "%u,%lu,%lu,-;", (unsigned)rec->level, rec->seq,
			      rec->time_ns / 1000);
	for (size_t i = 0; i < n; i++)
		at = put(buf, size, at, head[i]);
	for (size_t i = 0; i < rec->len; i++) {
		uint8_t c = (uint8_t)rec->text[i];

		if (c >= 0x20 && c < 0x7f && c != '\\') {
			at = put(buf, size, at, (char)c);
			continue;
		}
		at = put(buf, size, at, '\\');
		at = put(buf, size, at, 'x');
		at = put(buf, size, at, digits[c >> 4]);
		at = put(buf, size, at, digits[c & 15]);
	}
	return put(buf, size, at, '\n');
}

const char *kmsg_parse(const char *line, size_t *len, enum log_level *level)
{
	size_t n = *len, i = 1;
	unsigned value = 0;

	*level = LOG_INFO;
	if (n > 0 && line[n - 1] == '\n')
		n--;
	*len = n;
	if (n == 0 || line[0] != '<')
		return line;
	while (i < n && i < 10 && line[i] >= '0' && line[i] <= '9')
		value = value * 10 + (unsigned)(line[i++] - '0');
	if (i == 1 || i >= n || line[i] != '>')
		return line;
	*level = (enum log_level)(value & 7);
	*len = n - i - 1;
	return line + i + 1;
}
