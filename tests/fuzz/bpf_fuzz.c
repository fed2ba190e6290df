/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/bpf.c */
#include <stdlib.h>
#include <string.h>

#include <kernel/bpf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORD sizeof(struct abi_seccomp_data)

/* Whatever passes the check ends, stays inside of its record, which lies in memory of its own here, and
 * answers the same for what is known of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bpf_scratch scratch;
	uint32_t *record, length, result;
	struct bpf_op *program;

	if (size < RECORD)
		return 0;
	record = malloc(RECORD);
	memcpy(record, data, RECORD);
	length = (uint32_t)((size - RECORD) / sizeof(*program));
	program = malloc(length * sizeof(*program) + 1);
	memcpy(program, data + RECORD, length * sizeof(*program));
	if (bpf_prepare(program, length, RECORD, &scratch) == 0) {
		uint32_t whole = bpf_run(program, record);

		if (!bpf_run_known(program, record, RECORD, &result) || result != whole)
			abort();
		if (bpf_run_known(program, record, 16, &result) && result != whole)
			abort();
	}
	free(program);
	free(record);
	return 0;
}
