/* SPDX-License-Identifier: BSD-2-Clause */
/* The ChaCha20 block function of RFC 8439, section 2.3.  Key and nonce are little-endian words. */
#pragma once

#include <stdint.h>

void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint8_t out[64]);
