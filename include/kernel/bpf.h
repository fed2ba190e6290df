/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF over a small record of 32-bit words: what seccomp's filters are written in.
 *
 * A program is checked once, which turns it into operations for the interpreter in its own memory.  Jumps go
 * forward only, so it ends after at most as many steps as it is long; what it reads was found to lie inside
 * of the record and, of its own memory, to have been written on every way there.
 *
 * Pure: no locks, no memory of its own, also built and fuzzed on the host.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/seccomp.h>

/* What the check needs beside the program, too large for a stack. */
struct bpf_scratch {
	uint16_t written[BPF_LENGTH_MAX];
};

/* One checked instruction, in the place of the other. */
struct bpf_op {
	uint16_t kind; /* enum bpf_kind in bpf.c */
	uint8_t jt, jf;
	uint32_t k;
};
_Static_assert(sizeof(struct bpf_op) == sizeof(struct abi_bpf_instruction), "translated where it stands");

/* A program of `length` instructions at `program` becomes operations.  `size`: of the record, in bytes.
 * -EINVAL: it is none that is taken; what it has become then must not be run. */
int bpf_prepare(struct bpf_op *program, uint32_t length, uint32_t size,
		struct bpf_scratch *scratch) __must_check;

/* What the checked program returns for `record`. */
uint32_t bpf_run(const struct bpf_op *program, const uint32_t *record);

/* The same where only the first `known` bytes of the record are: false if the answer hangs on others. */
bool bpf_run_known(const struct bpf_op *program, const uint32_t *record, uint32_t known, uint32_t *result);
