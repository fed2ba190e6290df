/* SPDX-License-Identifier: BSD-2-Clause */
#include "console_select.h"

#include <kernel/cmdline.h>
#include <kernel/string.h>

void console_name(const char *value, char *name, size_t size)
{
	size_t len = 0;

	while (value[len] != '\0' && value[len] != ',' && len + 1 < size) {
		name[len] = value[len];
		len++;
	}
	name[len] = '\0';
	if (strcmp(name, "tty0") == 0)
		strlcpy(name, "tty1", size);
}

bool log_wanted(const char *line, const char *name)
{
	char list[64], word[16];
	const char *next = list;

	if (cmdline_find(line, "log", list, sizeof(list)) < 0)
		return strcmp(name, "ttyS0") == 0 || strcmp(name, "tty1") == 0;
	while (next) {
		console_name(next, word, sizeof(word));
		if (strcmp(word, name) == 0)
			return true;
		next = strchr(next, ',');
		if (next)
			next++;
	}
	return false;
}
