/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: arch/x86_64/aes.c build/tests/arch/x86_64/aes.asm.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../../aes_vectors.h"

#define BLOCKS 256

/* What the host's processor cannot do is tested in the guest alone. */
static void need_aes(void)
{
	if (!__builtin_cpu_supports("aes"))
		skip();
}

static void standards_vectors_hold(void **state)
{
	const char *failing;

	(void)state;
	need_aes();
	failing = aes_failing_vector();
	if (failing)
		fail_msg("%s", failing);
}

static void make_key(struct arch_aes_xts *schedule)
{
	uint8_t key[AES256_XTS_KEY_SIZE];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(7 * i + 3);
	arch_aes_xts_init(schedule, key);
}

/* Every number of blocks takes its own way through groups of four and single blocks; each must encrypt the
 * same way and stay inside its blocks. */
static void every_length_agrees(void **state)
{
	static uint8_t whole[BLOCKS * AES_BLOCK_SIZE], part[BLOCKS * AES_BLOCK_SIZE];
	const uint8_t tweak[AES_BLOCK_SIZE] = { 1, 2, 3 };
	struct arch_aes_xts schedule;

	(void)state;
	need_aes();
	make_key(&schedule);
	arch_aes_xts_encrypt(&schedule, tweak, whole, BLOCKS);
	for (size_t n = 0; n < BLOCKS; n++) {
		memset(part, 0, sizeof(part));
		arch_aes_xts_encrypt(&schedule, tweak, part, n);
		assert_memory_equal(part, whole, n * AES_BLOCK_SIZE);
		assert_int_equal(part[n * AES_BLOCK_SIZE], 0);
		arch_aes_xts_decrypt(&schedule, tweak, part, n);
		for (size_t i = 0; i < sizeof(part); i++)
			assert_int_equal(part[i], 0);
	}
}

/* The caller's vector registers are a program's: none may change. */
static void registers_are_kept(void **state)
{
	static uint8_t page[BLOCKS * AES_BLOCK_SIZE];
	const uint8_t tweak[AES_BLOCK_SIZE] = { 0 };
	struct arch_aes_xts schedule;
	uint64_t before[2] = { 0x0123456789abcdef, 0xfedcba9876543210 }, after[2][2];

	(void)state;
	need_aes();
	make_key(&schedule);
	__asm__ volatile("movdqu %2, %%xmm0; movdqu %2, %%xmm9\n\t"
			 "call arch_aes_xts_encrypt\n\t"
			 "movdqu %%xmm0, %0; movdqu %%xmm9, %1"
			 : "=m"(after[0]), "=m"(after[1])
			 : "m"(before), "D"(&schedule), "S"(tweak), "d"(page), "c"((size_t)BLOCKS)
			 : "memory", "xmm0", "xmm9");
	assert_memory_equal(after[0], before, sizeof(before));
	assert_memory_equal(after[1], before, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standards_vectors_hold),
		cmocka_unit_test(every_length_agrees),
		cmocka_unit_test(registers_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
