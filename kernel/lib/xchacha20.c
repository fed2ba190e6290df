/* SPDX-License-Identifier: BSD-2-Clause */
#include <kernel/xchacha20.h>

#include <kernel/chacha20.h>
#include <kernel/compiler.h>
#include <kernel/string.h>

#define BLOCK 64u

void hchacha20(const uint32_t key[8], const uint32_t in[4], uint32_t out[8])
{
	uint32_t x[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

	memcpy(x + 4, key, 32);
	memcpy(x + 12, in, 16);
	chacha20_permute(x);
	/* The words that the rest of the state says nothing about. */
	memcpy(out, x, 16);
	memcpy(out + 4, x + 12, 16);
	memwipe(x, sizeof(x));
}

void xchacha20_stream(const uint32_t key[8], const uint32_t nonce[6], uint64_t block, void *out, size_t len)
{
	uint32_t subkey[8], tail[3] = { 0, nonce[4], nonce[5] };
	uint8_t last[BLOCK], *to = out;

	hchacha20(key, nonce, subkey);
	for (; len >= BLOCK; to += BLOCK, len -= BLOCK, block++) {
		tail[0] = (uint32_t)(block >> 32);
		chacha20_block(subkey, (uint32_t)block, tail, to);
	}
	if (len) {
		tail[0] = (uint32_t)(block >> 32);
		chacha20_block(subkey, (uint32_t)block, tail, last);
		memcpy(to, last, len);
		memwipe(last, sizeof(last));
	}
	memwipe(subkey, sizeof(subkey));
}
