/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/siphash.h>

static void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	siphash_round(v);
	siphash_round(v);
	v[0] ^= word;
}

uint64_t siphash_128(const uint64_t key[2], uint64_t first, uint64_t second)
{
	/* "somepseudorandomlygeneratedbytes" */
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			  key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };

	absorb(v, first);
	absorb(v, second);
	absorb(v, 16ull << 56); /* the length */
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
