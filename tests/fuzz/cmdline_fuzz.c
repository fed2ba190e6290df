/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/cmdline.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kernel/cmdline.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any line: results are terminated inside their buffer, and the words come to an end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1), *name, value[32];

	memcpy(line, data, size);
	line[size] = '\0';
	name = strndup(line, 8);
	if (cmdline_find(line, name, value, sizeof(value)) == 0 && !memchr(value, 0, sizeof(value)))
		abort();
	for (size_t n = 0; cmdline_word(line, n, value, sizeof(value)) != -2; n++)
		if (n > size)
			abort();
	free(name);
	free(line);
	return 0;
}
