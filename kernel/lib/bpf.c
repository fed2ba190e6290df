/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF (McCanne and Jacobson, "The BSD Packet Filter", USENIX Winter 1993), in the dialect that
 * seccomp(2) takes: loads are of aligned 32-bit words of one record, in the machine's byte order, and there
 * is no remainder.
 *
 * The machine: an accumulator A, an index X, 16 words of memory, all of 32 bits; both registers start as 0.
 * Division by an X of 0 ends the program with 0; shifts by X use its low five bits.
 */
#include <kernel/bpf.h>

#include <serix/errno.h>

/* Dense, so that the interpreter's switch is one jump. */
enum bpf_kind {
	OP_NONE, /* of what is not in the table */
	OP_LOAD,
	OP_IMM,
	OP_MEM,
	OP_SIZE,
	OP_X_IMM,
	OP_X_MEM,
	OP_X_SIZE,
	OP_STORE,
	OP_X_STORE,
	OP_TAX,
	OP_TXA,
	OP_NEG,
	OP_ADD_K,
	OP_SUB_K,
	OP_MUL_K,
	OP_DIV_K,
	OP_OR_K,
	OP_AND_K,
	OP_LSH_K,
	OP_RSH_K,
	OP_XOR_K,
	OP_ADD_X,
	OP_SUB_X,
	OP_MUL_X,
	OP_DIV_X,
	OP_OR_X,
	OP_AND_X,
	OP_LSH_X,
	OP_RSH_X,
	OP_XOR_X,
	OP_JUMP,
	OP_JEQ_K,
	OP_JGT_K,
	OP_JGE_K,
	OP_JSET_K,
	OP_JEQ_X,
	OP_JGT_X,
	OP_JGE_X,
	OP_JSET_X,
	OP_RET_K,
	OP_RET_A,
};

#define CODES 0x100 /* larger ones are no instructions */

static const uint8_t kinds[CODES] = {
	[BPF_LD | BPF_ABS] = OP_LOAD,
	[BPF_LD | BPF_IMM] = OP_IMM,
	[BPF_LD | BPF_MEM] = OP_MEM,
	[BPF_LD | BPF_LEN] = OP_SIZE,
	[BPF_LDX | BPF_IMM] = OP_X_IMM,
	[BPF_LDX | BPF_MEM] = OP_X_MEM,
	[BPF_LDX | BPF_LEN] = OP_X_SIZE,
	[BPF_ST] = OP_STORE,
	[BPF_STX] = OP_X_STORE,
	[BPF_MISC | BPF_TAX] = OP_TAX,
	[BPF_MISC | BPF_TXA] = OP_TXA,
	[BPF_ALU | BPF_NEG] = OP_NEG,
	[BPF_ALU | BPF_ADD] = OP_ADD_K,
	[BPF_ALU | BPF_SUB | BPF_K] = OP_SUB_K,
	[BPF_ALU | BPF_MUL | BPF_K] = OP_MUL_K,
	[BPF_ALU | BPF_DIV | BPF_K] = OP_DIV_K,
	[BPF_ALU | BPF_OR | BPF_K] = OP_OR_K,
	[BPF_ALU | BPF_AND | BPF_K] = OP_AND_K,
	[BPF_ALU | BPF_LSH | BPF_K] = OP_LSH_K,
	[BPF_ALU | BPF_RSH | BPF_K] = OP_RSH_K,
	[BPF_ALU | BPF_XOR | BPF_K] = OP_XOR_K,
	[BPF_ALU | BPF_ADD | BPF_X] = OP_ADD_X,
	[BPF_ALU | BPF_SUB | BPF_X] = OP_SUB_X,
	[BPF_ALU | BPF_MUL | BPF_X] = OP_MUL_X,
	[BPF_ALU | BPF_DIV | BPF_X] = OP_DIV_X,
	[BPF_ALU | BPF_OR | BPF_X] = OP_OR_X,
	[BPF_ALU | BPF_AND | BPF_X] = OP_AND_X,
	[BPF_ALU | BPF_LSH | BPF_X] = OP_LSH_X,
	[BPF_ALU | BPF_RSH | BPF_X] = OP_RSH_X,
	[BPF_ALU | BPF_XOR | BPF_X] = OP_XOR_X,
	[BPF_JMP | BPF_JA] = OP_JUMP,
	[BPF_JMP | BPF_JEQ | BPF_K] = OP_JEQ_K,
	[BPF_JMP | BPF_JGT | BPF_K] = OP_JGT_K,
	[BPF_JMP | BPF_JGE | BPF_K] = OP_JGE_K,
	[BPF_JMP | BPF_JSET | BPF_K] = OP_JSET_K,
	[BPF_JMP | BPF_JEQ | BPF_X] = OP_JEQ_X,
	[BPF_JMP | BPF_JGT | BPF_X] = OP_JGT_X,
	[BPF_JMP | BPF_JGE | BPF_X] = OP_JGE_X,
	[BPF_JMP | BPF_JSET | BPF_X] = OP_JSET_X,
	[BPF_RET | BPF_K] = OP_RET_K,
	[BPF_RET | BPF_A] = OP_RET_A,
};

/* --- the check ------------------------------------------------------------------------------------------ */

static bool is_branch(enum bpf_kind kind)
{
	return kind >= OP_JEQ_K && kind <= OP_JSET_X;
}

/* May this operation, with `after` others behind it, have the constants that it has? */
static bool constants_fit(const struct bpf_op *op, uint32_t after, uint32_t size)
{
	enum bpf_kind kind = op->kind;

	switch (kind) {
	case OP_LOAD:
		return op->k < size && op->k % sizeof(uint32_t) == 0;
	case OP_MEM:
	case OP_X_MEM:
	case OP_STORE:
	case OP_X_STORE:
		return op->k < BPF_MEMORY_WORDS;
	case OP_DIV_K:
		return op->k != 0;
	case OP_LSH_K:
	case OP_RSH_K:
		return op->k < 32;
	case OP_JUMP:
		return op->k < after;
	default:
		return !is_branch(kind) || (op->jt < after && op->jf < after);
	}
}

/*
 * Is a word of memory read only where it was written before, on every way there?  Jumps go forward, so one
 * pass knows all ways to an operation before it comes there: scratch->written[i] has the words that all of
 * them have written.  What follows a return counts as reached from it, as on Linux.
 */
static bool memory_is_written_first(const struct bpf_op *program, uint32_t length,
				    struct bpf_scratch *scratch)
{
	uint16_t *written = scratch->written;

	for (uint32_t i = 1; i < length; i++)
		written[i] = UINT16_MAX;
	written[0] = 0;
	for (uint32_t i = 0; i < length; i++) {
		const struct bpf_op *op = &program[i];
		enum bpf_kind kind = op->kind;
		uint16_t now = written[i];

		if ((kind == OP_MEM || kind == OP_X_MEM) && !(now & 1u << op->k))
			return false;
		if (kind == OP_STORE || kind == OP_X_STORE)
			now |= (uint16_t)(1u << op->k);
		if (kind == OP_JUMP) {
			written[i + 1 + op->k] &= now;
		} else if (is_branch(kind)) {
			written[i + 1 + op->jt] &= now;
			written[i + 1 + op->jf] &= now;
		} else if (i + 1 < length) {
			written[i + 1] &= now;
		}
	}
	return true;
}

int bpf_prepare(struct bpf_op *program, uint32_t length, uint32_t size, struct bpf_scratch *scratch)
{
	enum bpf_kind last;

	if (length == 0 || length > BPF_LENGTH_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < length; i++) {
		struct bpf_op *op = &program[i];

		/* `kind` still is the instruction's code. */
		op->kind = op->kind < CODES ? kinds[op->kind] : OP_NONE;
		if (op->kind == OP_NONE || !constants_fit(op, length - i - 1, size))
			return -EINVAL;
		if (op->kind == OP_LOAD)
			op->k /= sizeof(uint32_t);
		if (op->kind == OP_SIZE || op->kind == OP_X_SIZE) {
			op->kind = op->kind == OP_SIZE ? OP_IMM : OP_X_IMM;
			op->k = size;
		}
	}
	last = program[length - 1].kind;
	if (last != OP_RET_K && last != OP_RET_A)
		return -EINVAL;
	return memory_is_written_first(program, length, scratch) ? 0 : -EINVAL;
}

/* --- the interpreter ------------------------------------------------------------------------------------ */

/* How far a branch goes. */
#define BRANCH(condition) ((condition) ? op->jt : op->jf)

/* Words of the record from `known` on are not: `*unknown` is set and 0 returned when one is read. */
static __always_inline uint32_t run(const struct bpf_op *op, const uint32_t *record, uint32_t known,
				    bool *unknown)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMORY_WORDS] = { 0 };

	/* Operations read best in rows. */
	/* clang-format off */
	for (;; op++) {
		uint32_t k = op->k;

		switch ((enum bpf_kind)op->kind) {
		case OP_LOAD:
			if (k >= known) {
				*unknown = true;
				return 0;
			}
			a = record[k];
			break;
		case OP_IMM: a = k; break;
		case OP_MEM: a = memory[k]; break;
		case OP_X_IMM: x = k; break;
		case OP_X_MEM: x = memory[k]; break;
		case OP_STORE: memory[k] = a; break;
		case OP_X_STORE: memory[k] = x; break;
		case OP_TAX: x = a; break;
		case OP_TXA: a = x; break;
		case OP_NEG: a = -a; break;
		case OP_ADD_K: a += k; break;
		case OP_SUB_K: a -= k; break;
		case OP_MUL_K: a *= k; break;
		case OP_DIV_K: a /= k; break;
		case OP_OR_K: a |= k; break;
		case OP_AND_K: a &= k; break;
		case OP_LSH_K: a <<= k; break;
		case OP_RSH_K: a >>= k; break;
		case OP_XOR_K: a ^= k; break;
		case OP_ADD_X: a += x; break;
		case OP_SUB_X: a -= x; break;
		case OP_MUL_X: a *= x; break;
		case OP_DIV_X:
			if (x == 0)
				return 0;
			a /= x;
			break;
		case OP_OR_X: a |= x; break;
		case OP_AND_X: a &= x; break;
		case OP_LSH_X: a <<= x & 31; break;
		case OP_RSH_X: a >>= x & 31; break;
		case OP_XOR_X: a ^= x; break;
		case OP_JUMP: op += k; break;
		case OP_JEQ_K: op += BRANCH(a == k); break;
		case OP_JGT_K: op += BRANCH(a > k); break;
		case OP_JGE_K: op += BRANCH(a >= k); break;
		case OP_JSET_K: op += BRANCH(a & k); break;
		case OP_JEQ_X: op += BRANCH(a == x); break;
		case OP_JGT_X: op += BRANCH(a > x); break;
		case OP_JGE_X: op += BRANCH(a >= x); break;
		case OP_JSET_X: op += BRANCH(a & x); break;
		case OP_RET_K: return k;
		case OP_RET_A: return a;
		case OP_NONE: /* bpf_prepare() leaves none of these */
		case OP_SIZE:
		case OP_X_SIZE:
			__builtin_unreachable();
		}
	}
	/* clang-format on */
}

uint32_t bpf_run(const struct bpf_op *program, const uint32_t *record)
{
	bool unknown;

	return run(program, record, UINT32_MAX, &unknown);
}

bool bpf_run_known(const struct bpf_op *program, const uint32_t *record, uint32_t known, uint32_t *result)
{
	bool unknown = false;

	*result = run(program, record, known / sizeof(uint32_t), &unknown);
	return !unknown;
}
