/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/siphash.c */
/* SipHash-2-4 of 16 bytes: its authors' vector, and the same as libsodium's on random input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include <kernel/siphash.h>

/* The reference implementation's vectors_sip64[16]: key and input count up from 0. */
static void it_is_the_authors(void **state)
{
	const uint64_t words[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

	(void)state;
	assert_int_equal(siphash_128(words, words[0], words[1]), 0x3f2acc7f57c29bdb);
}

static void random_inputs_agree_with_libsodium(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t key[2], input[2], expected;

		randombytes_buf(key, sizeof(key));
		randombytes_buf(input, sizeof(input));
		crypto_shorthash((uint8_t *)&expected, (uint8_t *)input, sizeof(input), (uint8_t *)key);
		assert_int_equal(siphash_128(key, input[0], input[1]), expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_authors),
		cmocka_unit_test(random_inputs_agree_with_libsodium),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
