/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XChaCha20 (draft-irtf-cfrg-xchacha-03): ChaCha20 with nonces so long that they may be drawn at random, or
 * made of whatever tells two uses apart.  Keys and nonces are little-endian words.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* HChaCha20 (section 2.2): a pseudo-random function of 16 bytes of input under `key`.  out may be key. */
void hchacha20(const uint32_t key[8], const uint32_t in[4], uint32_t out[8]);
/* The keystream (section 2.3) from its 64-byte block number `block` on.  The counter is 64 bits wide, as in
 * Bernstein's ChaCha: the same stream as the draft's for its first 256 GiB.  out may be
 * where key or nonce lie. */
void xchacha20_stream(const uint32_t key[8], const uint32_t nonce[6], uint64_t block, void *out, size_t len);
