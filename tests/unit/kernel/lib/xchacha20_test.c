/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/xchacha20.c kernel/lib/chacha20.c */
/* XChaCha20: the vectors of draft-irtf-cfrg-xchacha-03, and the same bytes as libsodium's on random input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <kernel/xchacha20.h>

/* Section 2.2.1. */
static void hchacha20_gives_the_drafts_output(void **state)
{
	static const uint8_t in[16] = { 0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0, 0x31, 0x41, 0x59, 0x27 };
	static const uint8_t expected[32] = {
		0x82, 0x41, 0x3b, 0x42, 0x27, 0xb2, 0x7b, 0xfe, 0xd3, 0x0e, 0x42,
		0x50, 0x8a, 0x87, 0x7d, 0x73, 0xa0, 0xf9, 0xe4, 0xd5, 0x8a, 0x74,
		0xa8, 0x53, 0xc1, 0x2e, 0xc4, 0x13, 0x26, 0xd3, 0xec, 0xdc,
	};
	uint8_t key_bytes[32];
	uint32_t key[8], words[4];

	(void)state;
	for (int i = 0; i < 32; i++)
		key_bytes[i] = (uint8_t)i;
	memcpy(key, key_bytes, sizeof(key));
	memcpy(words, in, sizeof(words));
	hchacha20(key, words, key); /* in place, as the generator does */
	assert_memory_equal(key, expected, sizeof(expected));
}

/* Appendix A.3.2.1: a text of 304 bytes under the stream from block 0 on. */
static const char dhole[] =
	"The dhole (pronounced \"dole\") is also known as the Asiatic wild dog, red dog, and whistling dog. "
	"It is about the size of a German shepherd but looks more like a long-legged fox. "
	"This highly elusive and skilled jumper is classified with wolves, coyotes, jackals, and foxes "
	"in the taxonomic family Canidae.";
static const char dhole_encrypted[] =
	"4559abba4e48c16102e8bb2c05e6947f50a786de162f9b0b7e592a9b53d0d4e98d8d6410d540a1a6375b26d80dace4fa"
	"b52384c731acbf16a5923c0c48d3575d4d0d2c673b666faa731061277701093a6bf7a158a8864292a41c48e3a9b4c0da"
	"ece0f8d98d0d7e05b37a307bbb66333164ec9e1b24ea0d6c3ffddcec4f68e7443056193a03c810e11344ca06d8ed8a2b"
	"fb1e8d48cfa6bc0eb4e2464b748142407c9f431aee769960e15ba8b96890466ef2457599852385c661f752ce20f9da0c"
	"09ab6b19df74e76a95967446f8d0fd415e7bee2a12a114c20eb5292ae7a349ae577820d5520a1f3fb62a17ce6a7e68fa"
	"7c79111d8860920bc048ef43fe84486ccb87c25f0ae045f0cce1e7989a9aa220a28bdd4827e751a24a6d5c62d790a663"
	"93b93111c1a55dd7421a10184974c7c5";

static void the_stream_is_the_drafts(void **state)
{
	uint8_t key_bytes[32], nonce_bytes[24], stream[304], expected[304];
	uint32_t key[8], nonce[6];
	size_t len;

	(void)state;
	for (int i = 0; i < 32; i++)
		key_bytes[i] = (uint8_t)(0x80 + i);
	for (int i = 0; i < 24; i++)
		nonce_bytes[i] = (uint8_t)(0x40 + i);
	nonce_bytes[23] = 0x58;
	memcpy(key, key_bytes, sizeof(key));
	memcpy(nonce, nonce_bytes, sizeof(nonce));
	assert_int_equal(sizeof(dhole) - 1, sizeof(stream));
	assert_int_equal(sodium_hex2bin(expected, sizeof(expected), dhole_encrypted,
					sizeof(dhole_encrypted) - 1, NULL, &len, NULL),
			 0);
	assert_int_equal(len, sizeof(expected));
	xchacha20_stream(key, nonce, 0, stream, sizeof(stream));
	for (size_t i = 0; i < sizeof(stream); i++)
		stream[i] ^= (uint8_t)dhole[i];
	assert_memory_equal(stream, expected, sizeof(expected));
}

#define ROUNDS    20000
#define LONGEST   400u
#define UNTOUCHED 0xa5

static void random_inputs_agree_with_libsodium(void **state)
{
	uint32_t key[8], nonce[6], subkey[8], expected_subkey[8];
	uint8_t stream[LONGEST + 1], expected[LONGEST], zeros[LONGEST] = { 0 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = randombytes_uniform(LONGEST + 1);
		/* Around the carry into the upper half of the counter, every fourth time. */
		uint64_t block = round % 4
					 ? randombytes_random()
					 : ((uint64_t)randombytes_uniform(9) << 32) - randombytes_uniform(4);

		randombytes_buf(key, sizeof(key));
		randombytes_buf(nonce, sizeof(nonce));
		hchacha20(key, nonce, subkey);
		crypto_core_hchacha20((uint8_t *)expected_subkey, (uint8_t *)nonce, (uint8_t *)key, NULL);
		assert_memory_equal(subkey, expected_subkey, sizeof(subkey));

		memset(stream, UNTOUCHED, sizeof(stream));
		xchacha20_stream(key, nonce, block, stream, len);
		crypto_stream_xchacha20_xor_ic(expected, zeros, len, (uint8_t *)nonce, block, (uint8_t *)key);
		assert_memory_equal(stream, expected, len);
		assert_int_equal(stream[len], UNTOUCHED);
	}
}

/* What the generators do: the stream replaces the key that it comes from. */
static void the_stream_may_overwrite_its_key(void **state)
{
	uint32_t both[64], key[8], nonce[6] = { 1, 2, 3, 4, 5, 6 };
	uint8_t expected[sizeof(both)];

	(void)state;
	randombytes_buf(both, sizeof(both));
	memcpy(key, both, sizeof(key));
	xchacha20_stream(key, nonce, 0, expected, sizeof(expected));
	xchacha20_stream(both, nonce, 0, both, sizeof(both));
	assert_memory_equal(both, expected, sizeof(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hchacha20_gives_the_drafts_output),
		cmocka_unit_test(the_stream_is_the_drafts),
		cmocka_unit_test(random_inputs_agree_with_libsodium),
		cmocka_unit_test(the_stream_may_overwrite_its_key),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
