/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4), for checking files before they are trusted and for whitening entropy. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32u

struct sha256 {
	uint32_t state[8];
	uint64_t length; /* bytes taken so far */
	uint8_t block[64];
};

void sha256_init(struct sha256 *ctx);
void sha256_update(struct sha256 *ctx, const void *data, size_t len);
/* Ends the message; the context needs sha256_init() before it is used again. */
void sha256_final(struct sha256 *ctx, uint8_t digest[SHA256_LEN]);
