/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: AES-256 (FIPS 197) and AES-256-XTS (IEEE 1619, NIST SP 800-38E) by the processor's
 * own instructions, which take the same time whatever key and text are.  Only where arch_has_aes().
 *
 * Any context but NMI; the caller's vector registers are as before afterwards.
 */
#pragma once

#include <kernel/types.h>

#define AES_BLOCK_SIZE      16
#define AES256_KEY_SIZE     32
#define AES256_XTS_KEY_SIZE 64 /* for the text, then for the tweak */
#define AES256_ROUND_KEYS   15

struct arch_aes256 {
	uint8_t encrypt[AES256_ROUND_KEYS][AES_BLOCK_SIZE];
	uint8_t decrypt[AES256_ROUND_KEYS][AES_BLOCK_SIZE];
};

struct arch_aes_xts {
	struct arch_aes256 text;
	uint8_t tweak[AES256_ROUND_KEYS][AES_BLOCK_SIZE];
};

bool arch_has_aes(void);

void arch_aes256_init(struct arch_aes256 *out, const uint8_t key[AES256_KEY_SIZE]);
void arch_aes256_encrypt(const struct arch_aes256 *key, uint8_t block[AES_BLOCK_SIZE]);
void arch_aes256_decrypt(const struct arch_aes256 *key, uint8_t block[AES_BLOCK_SIZE]);

void arch_aes_xts_init(struct arch_aes_xts *out, const uint8_t key[AES256_XTS_KEY_SIZE]);
/* One data unit of whole blocks, in place.  `tweak` is the unit's number, little-endian. */
void arch_aes_xts_encrypt(const struct arch_aes_xts *key, const uint8_t tweak[AES_BLOCK_SIZE], void *data,
			  size_t blocks);
void arch_aes_xts_decrypt(const struct arch_aes_xts *key, const uint8_t tweak[AES_BLOCK_SIZE], void *data,
			  size_t blocks);
