/* SPDX-License-Identifier: BSD-2-Clause */
/* AES in the running kernel: the standards' vectors. */
#include <kernel/ktest.h>

#include "../aes_vectors.h"

static void standards_vectors_hold(void)
{
	if (arch_has_aes())
		KTEST_EXPECT(aes_failing_vector() == NULL);
}

static const struct ktest_case cases[] = {
	{ "the standards' vectors hold", standards_vectors_hold },
};
KTEST_SUITE("aes", cases);
