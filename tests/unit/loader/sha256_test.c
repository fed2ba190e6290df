/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: loader/sha256.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <loader/sha256.h>

static void assert_digest(const uint8_t digest[SHA256_LEN], const char *hex)
{
	char text[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < SHA256_LEN; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	assert_string_equal(text, hex);
}

static void assert_hash(const char *message, const char *hex)
{
	uint8_t digest[SHA256_LEN];
	struct sha256 ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, message, strlen(message));
	sha256_final(&ctx, digest);
	assert_digest(digest, hex);
}

/* The examples of FIPS 180-2. */
static void published_vectors_match(void **state)
{
	(void)state;
	assert_hash("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_hash("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void a_million_bytes_in_uneven_pieces_match(void **state)
{
	static uint8_t piece[1000];
	uint8_t digest[SHA256_LEN];
	struct sha256 ctx;
	size_t left = 1000000;

	(void)state;
	memset(piece, 'a', sizeof(piece));
	sha256_init(&ctx);
	for (size_t n = 1; left > 0; n = n % 777 + 1) {
		size_t now = n < left ? n : left;

		sha256_update(&ctx, piece, now);
		left -= now;
	}
	sha256_final(&ctx, digest);
	assert_digest(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_match),
		cmocka_unit_test(a_million_bytes_in_uneven_pieces_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
