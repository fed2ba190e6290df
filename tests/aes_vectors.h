/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The standards' own test vectors for AES-256 and AES-256-XTS, and one function that goes through them: on
 * the host and in the running kernel.
 *
 *	FIPS 197, appendix A.3 (key expansion) and C.3 (the cipher)
 *	IEEE 1619-2007, appendix B, vector 10 (XTS-AES-256, a data unit of 512 bytes)
 *	NIST CAVP, XTSGenAES256, encryption, data unit of 256 bits, count 1
 */
#pragma once

#include <arch/aes.h>

#define AES_UNIT_MAX 512

struct xts_vector {
	const char *name, *key, *tweak, *text, *cipher; /* hexadecimal; text NULL: 00 01 02 ... */
};

static const struct xts_vector xts_vectors[] = {
	{ "IEEE 1619 vector 10",
	  "2718281828459045235360287471352662497757247093699959574966967627"
	  "3141592653589793238462643383279502884197169399375105820974944592",
	  "ff000000000000000000000000000000", NULL,
	  "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b5d31e276f8fe4a8d66b317f9ac683f44"
	  "680a86ac35adfc3345befecb4bb188fd5776926c49a3095eb108fd1098baec70aaa66999a72a82f27d848b21d4a741b0"
	  "c5cd4d5fff9dac89aeba122961d03a757123e9870f8acf1000020887891429ca2a3e7a7d7df7b10355165c8b9a6d0a7d"
	  "e8b062c4500dc4cd120c0f7418dae3d0b5781c34803fa75421c790dfe1de1834f280d7667b327f6c8cd7557e12ac3a0f"
	  "93ec05c52e0493ef31a12d3d9260f79a289d6a379bc70c50841473d1a8cc81ec583e9645e07b8d9670655ba5bbcfecc6"
	  "dc3966380ad8fecb17b6ba02469a020a84e18e8f84252070c13e9f1f289be54fbc481457778f616015e1327a02b140f1"
	  "505eb309326d68378f8374595c849d84f4c333ec4423885143cb47bd71c5edae9be69a2ffeceb1bec9de244fbe15992b"
	  "11b77c040f12bd8f6a975a44a0f90c29a9abc3d4d893927284c58754cce294529f8614dcd2aba991925fedc4ae74ffac"
	  "6e333b93eb4aff0479da9a410e4450e0dd7ae4c6e2910900575da401fc07059f645e8b7e9bfdef33943054ff84011493"
	  "c27b3429eaedb4ed5376441a77ed43851ad77f16f541dfd269d50d6a5f14fb0aab1cbb4c1550be97f7ab4066193c4caa"
	  "773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151" },
	{ "NIST XTSGenAES256 count 1",
	  "1ea661c58d943a0e4801e42f4b0947149e7f9f8e3e68d0c7505210bd311a0e7c"
	  "d6e13ffdf2418d8d1911c004cda58da3d619b7e2b9141e58318eea392cf41b08",
	  "adf8d92627464ad2f0428e84a9f87564",
	  "2eedea52cd8215e1acc647e810bbc3642e87287f8d2e57e36c0a24fbc12a202e",
	  "cbaad0e2f6cea3f50b37f934d46a9b130b9d54f07e34f36af793e86f73c6d7db" },
};

static inline uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static inline size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; hex[2 * n]; n++)
		out[n] = (uint8_t)(hex_digit(hex[2 * n]) << 4 | hex_digit(hex[2 * n + 1]));
	return n;
}

static inline bool same_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (a[i] != b[i])
			return false;
	}
	return true;
}

static inline bool xts_vector_holds(const struct xts_vector *v)
{
	static struct arch_aes_xts schedule;
	static uint8_t text[AES_UNIT_MAX], cipher[AES_UNIT_MAX], unit[AES_UNIT_MAX];
	uint8_t key[AES256_XTS_KEY_SIZE], tweak[AES_BLOCK_SIZE];
	size_t len = from_hex(v->cipher, cipher);

	from_hex(v->key, key);
	from_hex(v->tweak, tweak);
	for (size_t i = 0; i < len; i++)
		text[i] = unit[i] = (uint8_t)i;
	if (v->text) {
		from_hex(v->text, text);
		from_hex(v->text, unit);
	}
	arch_aes_xts_init(&schedule, key);
	arch_aes_xts_encrypt(&schedule, tweak, unit, len / AES_BLOCK_SIZE);
	if (!same_bytes(unit, cipher, len))
		return false;
	arch_aes_xts_decrypt(&schedule, tweak, unit, len / AES_BLOCK_SIZE);
	return same_bytes(unit, text, len);
}

static inline bool fips197_holds(void)
{
	static struct arch_aes256 schedule;
	uint8_t key[AES256_KEY_SIZE], block[AES_BLOCK_SIZE], want[AES_BLOCK_SIZE];

	from_hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", key);
	from_hex("fe4890d1e6188d0b046df344706c631e", want);
	arch_aes256_init(&schedule, key);
	if (!same_bytes(schedule.encrypt[AES256_ROUND_KEYS - 1], want, sizeof(want)))
		return false;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(0x11 * i);
	from_hex("8ea2b7ca516745bfeafc49904b496089", want);
	arch_aes256_init(&schedule, key);
	arch_aes256_encrypt(&schedule, block);
	if (!same_bytes(block, want, sizeof(want)))
		return false;
	arch_aes256_decrypt(&schedule, block);
	return block[1] == 0x11 && block[15] == 0xff;
}

/* NULL, or the name of a vector that does not hold. */
static inline const char *aes_failing_vector(void)
{
	if (!fips197_holds())
		return "FIPS 197";
	for (size_t i = 0; i < sizeof(xts_vectors) / sizeof(xts_vectors[0]); i++) {
		if (!xts_vector_holds(&xts_vectors[i]))
			return xts_vectors[i].name;
	}
	return NULL;
}
