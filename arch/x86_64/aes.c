/* SPDX-License-Identifier: BSD-2-Clause */
/* Key schedules; the rounds are in aes.asm, which knows these offsets. */
#include <arch/aes.h>

#include <stddef.h>

_Static_assert(offsetof(struct arch_aes_xts, text.encrypt) == 0, "aes.asm");
_Static_assert(offsetof(struct arch_aes_xts, text.decrypt) == 240, "aes.asm: DECRYPT");
_Static_assert(offsetof(struct arch_aes_xts, tweak) == 480, "aes.asm: TWEAK");

void aes256_expand(uint8_t round_keys[AES256_ROUND_KEYS][AES_BLOCK_SIZE], const uint8_t key[AES256_KEY_SIZE]);
void aes256_invert(uint8_t decrypt[AES256_ROUND_KEYS][AES_BLOCK_SIZE],
		   uint8_t encrypt[AES256_ROUND_KEYS][AES_BLOCK_SIZE]);

void arch_aes256_init(struct arch_aes256 *out, const uint8_t key[AES256_KEY_SIZE])
{
	aes256_expand(out->encrypt, key);
	aes256_invert(out->decrypt, out->encrypt);
}

void arch_aes_xts_init(struct arch_aes_xts *out, const uint8_t key[AES256_XTS_KEY_SIZE])
{
	arch_aes256_init(&out->text, key);
	aes256_expand(out->tweak, key + AES256_KEY_SIZE);
}
