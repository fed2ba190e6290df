/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/lib/bpf.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <kernel/bpf.h>
#include <serix/errno.h>

#define SIZE 64 /* of the record */

static struct bpf_scratch scratch;
static uint32_t record[SIZE / 4];

#define OP(c, constant)                      \
	{                                    \
		.kind = (c), .k = (constant) \
	}
#define BRANCH(c, constant, yes, no)                                  \
	{                                                             \
		.kind = (c), .jt = (yes), .jf = (no), .k = (constant) \
	}
#define LOAD(at)    OP(BPF_LD | BPF_W | BPF_ABS, at)
#define RET_K(what) OP(BPF_RET | BPF_K, what)
#define RET_A       OP(BPF_RET | BPF_A, 0)

#define PREPARE(...)                                                                \
	({                                                                          \
		struct bpf_op code_[] = { __VA_ARGS__ };                            \
		bpf_prepare(code_, sizeof(code_) / sizeof(*code_), SIZE, &scratch); \
	})
#define RUN(...)                                                                                         \
	({                                                                                               \
		struct bpf_op code_[] = { __VA_ARGS__ };                                                 \
		assert_int_equal(bpf_prepare(code_, sizeof(code_) / sizeof(*code_), SIZE, &scratch), 0); \
		bpf_run(code_, record);                                                                  \
	})

/* Every one of the 65536 codes: those of the language are taken, with operands that fit, and no others. */
static void only_codes_of_the_language(void **state)
{
	uint32_t taken = 0;

	(void)state;
	for (uint32_t code = 0; code <= UINT16_MAX; code++)
		taken += PREPARE(OP(BPF_ST, 1), OP(code, 1), RET_K(0)) == 0;
	/* LD: ABS (offset 1 is refused) IMM MEM LEN; LDX: IMM MEM LEN; ST, STX; 9 of ALU twice and NEG; JMP:
	 * JA (1 is too far) and 4 twice; RET twice; TAX, TXA. */
	assert_int_equal(taken, 3 + 3 + 2 + 19 + 8 + 2 + 2);
}

static void operands_must_fit(void **state)
{
	(void)state;
	for (uint32_t k = 0; k < 2 * SIZE; k++)
		assert_int_equal(PREPARE(LOAD(k), RET_A), k < SIZE && k % 4 == 0 ? 0 : -EINVAL);
	assert_int_equal(PREPARE(LOAD(UINT32_MAX - 3), RET_A), -EINVAL);
	for (uint32_t k = 0; k < 40; k++) {
		assert_int_equal(PREPARE(OP(BPF_ST, k), RET_A), k < 16 ? 0 : -EINVAL);
		assert_int_equal(PREPARE(OP(BPF_ALU | BPF_LSH | BPF_K, k), RET_A), k < 32 ? 0 : -EINVAL);
		assert_int_equal(PREPARE(OP(BPF_ALU | BPF_RSH | BPF_K, k), RET_A), k < 32 ? 0 : -EINVAL);
	}
	assert_int_equal(PREPARE(OP(BPF_ALU | BPF_DIV | BPF_K, 0), RET_A), -EINVAL);
}

static void jumps_stay_inside(void **state)
{
	(void)state;
	for (uint32_t k = 0; k < 6; k++) {
		assert_int_equal(PREPARE(OP(BPF_JMP | BPF_JA, k), RET_A, RET_A, RET_A), k < 3 ? 0 : -EINVAL);
		assert_int_equal(PREPARE(BRANCH(BPF_JMP | BPF_JEQ, 0, k, 0), RET_A, RET_A, RET_A),
				 k < 3 ? 0 : -EINVAL);
		assert_int_equal(PREPARE(BRANCH(BPF_JMP | BPF_JSET | BPF_X, 0, 0, k), RET_A, RET_A, RET_A),
				 k < 3 ? 0 : -EINVAL);
	}
	assert_int_equal(PREPARE(OP(BPF_JMP | BPF_JA, UINT32_MAX), RET_A), -EINVAL);
	assert_int_equal(PREPARE(OP(BPF_LD | BPF_IMM, 1)), -EINVAL);
	assert_int_equal(bpf_prepare(NULL, 0, SIZE, &scratch), -EINVAL);
	assert_int_equal(bpf_prepare(NULL, BPF_LENGTH_MAX + 1, SIZE, &scratch), -EINVAL);
}

static void memory_is_written_before_it_is_read(void **state)
{
	(void)state;
	assert_int_equal(PREPARE(OP(BPF_LD | BPF_MEM, 0), RET_A), -EINVAL);
	assert_int_equal(PREPARE(OP(BPF_STX, 15), OP(BPF_LDX | BPF_MEM, 15), RET_A), 0);
	/* On one way only, then on both. */
	assert_int_equal(
		PREPARE(BRANCH(BPF_JMP | BPF_JEQ, 0, 0, 1), OP(BPF_ST, 0), OP(BPF_LD | BPF_MEM, 0), RET_A),
		-EINVAL);
	assert_int_equal(PREPARE(BRANCH(BPF_JMP | BPF_JEQ, 0, 0, 2), OP(BPF_ST, 0), OP(BPF_JMP | BPF_JA, 1),
				 OP(BPF_ST, 0), OP(BPF_LD | BPF_MEM, 0), RET_A),
			 0);
}

/* A program with one operation on A and X says what C says. */
static uint32_t compute(uint16_t op, uint32_t a, uint32_t x)
{
	record[0] = a;
	record[1] = x;
	return RUN(LOAD(4), OP(BPF_MISC | BPF_TAX, 0), LOAD(0), OP(BPF_ALU | op | BPF_X, 0), RET_A);
}

static void arithmetic(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint32_t a = (uint32_t)rand() << 1 ^ (uint32_t)rand(), x = (uint32_t)rand() >> rand() % 31;

		assert_int_equal(compute(BPF_ADD, a, x), a + x);
		assert_int_equal(compute(BPF_SUB, a, x), a - x);
		assert_int_equal(compute(BPF_MUL, a, x), a * x);
		assert_int_equal(compute(BPF_DIV, a, x), x ? a / x : 0);
		assert_int_equal(compute(BPF_OR, a, x), a | x);
		assert_int_equal(compute(BPF_AND, a, x), a & x);
		assert_int_equal(compute(BPF_XOR, a, x), a ^ x);
		assert_int_equal(compute(BPF_LSH, a, x), a << x % 32);
		assert_int_equal(compute(BPF_RSH, a, x), a >> x % 32);
		assert_int_equal(RUN(LOAD(0), OP(BPF_ALU | BPF_NEG, 0), RET_A), 0 - a);
		assert_int_equal(RUN(LOAD(0), OP(BPF_ALU | BPF_MUL | BPF_K, 77), RET_A), a * 77);
	}
	/* A division by nothing ends it with 0, whatever follows. */
	assert_int_equal(RUN(OP(BPF_ALU | BPF_DIV | BPF_X, 0), RET_K(5)), 0);
}

static bool branches(uint16_t op, uint32_t a, uint32_t x)
{
	uint32_t by_k, by_x;

	record[0] = a;
	record[1] = x;
	by_k = RUN(LOAD(0), BRANCH(BPF_JMP | op | BPF_K, x, 0, 1), RET_K(1), RET_K(0));
	by_x = RUN(LOAD(4), OP(BPF_MISC | BPF_TAX, 0), LOAD(0), BRANCH(BPF_JMP | op | BPF_X, 0, 0, 1),
		   RET_K(1), RET_K(0));
	assert_int_equal(by_k, by_x);
	return by_k;
}

static void comparisons(void **state)
{
	static const uint32_t values[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++) {
			uint32_t a = values[i], x = values[j];

			assert_int_equal(branches(BPF_JEQ, a, x), a == x);
			assert_int_equal(branches(BPF_JGT, a, x), a > x);
			assert_int_equal(branches(BPF_JGE, a, x), a >= x);
			assert_int_equal(branches(BPF_JSET, a, x), (a & x) != 0);
		}
	}
}

static void the_record_has_a_size(void **state)
{
	(void)state;
	assert_int_equal(RUN(OP(BPF_LD | BPF_LEN, 0), RET_A), SIZE);
	assert_int_equal(RUN(OP(BPF_LDX | BPF_LEN, 0), OP(BPF_MISC | BPF_TXA, 0), RET_A), SIZE);
	for (uint32_t i = 0; i < SIZE / 4; i++) {
		record[i] = i * 0x01010101;
		assert_int_equal(RUN(LOAD(4 * i), RET_A), i * 0x01010101);
	}
}

/* An answer that hangs on what is not known is none; one that does not is the same. */
static void what_is_not_known(void **state)
{
	struct bpf_op code[] = { LOAD(0), BRANCH(BPF_JMP | BPF_JEQ, 7, 1, 0), LOAD(16), RET_A };
	uint32_t result;

	(void)state;
	assert_int_equal(bpf_prepare(code, 4, SIZE, &scratch), 0);
	record[0] = 7;
	assert_true(bpf_run_known(code, record, 16, &result));
	assert_int_equal(result, 7);
	record[0] = 8;
	record[4] = 99;
	assert_false(bpf_run_known(code, record, 16, &result));
	assert_true(bpf_run_known(code, record, 20, &result));
	assert_int_equal(result, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_codes_of_the_language),
		cmocka_unit_test(operands_must_fit),
		cmocka_unit_test(jumps_stay_inside),
		cmocka_unit_test(memory_is_written_before_it_is_read),
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(the_record_has_a_size),
		cmocka_unit_test(what_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
