/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/cpio.c */
/* Reading any bytes as an archive: entries lie inside it, and it comes to an end. */
#include <kernel/cpio.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *archive = malloc(size + 1); /* so that the sanitizer sees the archive's end */
	struct cpio_reader reader;
	struct cpio_entry entry;
	enum cpio_result result;
	size_t rounds = 0;

	memcpy(archive, data, size);
	archive[size] = 'x';
	archive = realloc(archive, size ? size : 1);
	cpio_init(&reader, archive, size);
	do {
		assert(rounds++ <= size);
		result = cpio_next(&reader, &entry);
		if (result == CPIO_ENTRY) {
			const uint8_t *name = (const uint8_t *)entry.name, *body = entry.data;

			assert(name >= archive && name + entry.name_len < archive + size);
			assert(entry.name[entry.name_len] == '\0');
			assert(entry.size == 0 || (body >= archive && body + entry.size <= archive + size));
		}
		if (result == CPIO_DAMAGED)
			assert(reader.reason);
	} while (result == CPIO_ENTRY || result == CPIO_TRAILER);
	free(archive);
	return 0;
}
