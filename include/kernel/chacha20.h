/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ChaCha20 (RFC 8439).  Keys, nonces and states are little-endian words.
 */
#pragma once

#include <stdint.h>

/* The 20 rounds on a whole state (section 2.3), without the addition that makes a block of them. */
void chacha20_permute(uint32_t state[16]);
/* One block of the keystream (section 2.3). */
void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint8_t out[64]);
