/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4 (J.-P.  Aumasson and D.  J.  Bernstein, "SipHash: a fast short-input PRF", 2012) of 16 bytes,
 * given as two little-endian words: for tables and marks that somebody without the key must not be able to
 * foresee.
 */
#pragma once

#include <stdint.h>

uint64_t siphash_128(const uint64_t key[2], uint64_t first, uint64_t second);

/* One round on the state, as a cheap way to stir it. */
static inline void siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = (v[1] << 13 | v[1] >> 51) ^ v[0];
	v[3] = (v[3] << 16 | v[3] >> 48) ^ v[2];
	v[0] = v[0] << 32 | v[0] >> 32;
	v[2] += v[1];
	v[0] += v[3];
	v[1] = (v[1] << 17 | v[1] >> 47) ^ v[2];
	v[3] = (v[3] << 21 | v[3] >> 43) ^ v[0];
	v[2] = v[2] << 32 | v[2] >> 32;
}
