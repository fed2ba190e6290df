/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/inflate.c */
/* Decompressing any bytes: measuring and decoding agree, and neither leaves its buffers. */
#include <kernel/inflate.h>

#include <assert.h>
#include <stdlib.h>

#define OUTPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inflate_state *state = malloc(inflate_state_size());
	size_t used = 0, expected = 0, again = 0, length = 0;
	enum inflate_result measured = gzip_measure(state, data, size, &used, &expected);

	if (measured == INFLATE_OK && expected <= OUTPUT_MAX) {
		uint8_t *out = malloc(expected ? expected : 1);

		assert(used <= size);
		/* Only the checksum may be left to complain about. */
		if (gzip_member(state, data, size, out, expected, &again, &length) == INFLATE_OK)
			assert(again == used && length == expected);
		if (expected > 0)
			assert(gzip_member(state, data, size, out, expected - 1, &again, &length) !=
			       INFLATE_OK);
		free(out);
	}
	free(state);
	return 0;
}
