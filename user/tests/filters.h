/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of system calls for the tests of seccomp(2). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <serix/seccomp.h>

#define ARCH_HERE 0xc000003eu

typedef struct abi_bpf_instruction insn;

#define STATEMENT(c, constant) ((insn){ .code = (c), .k = (constant) })
#define BRANCH(c, constant, true_, false_) \
	((insn){ .code = (c), .jt = (true_), .jf = (false_), .k = (constant) })
#define FIELD(field)                offsetof(struct abi_seccomp_data, field)
#define LOAD(field)                 STATEMENT(BPF_LD | BPF_W | BPF_ABS, FIELD(field))
#define RETURN(what)                STATEMENT(BPF_RET | BPF_K, what)
#define IF_EQUAL(constant, yes, no) BRANCH(BPF_JMP | BPF_JEQ | BPF_K, constant, yes, no)

/* For one number that answer; everything else is allowed. */
#define ANSWER(nr, what)                                                                   \
	{                                                                                  \
		LOAD(number), IF_EQUAL(nr, 0, 1), RETURN(what), RETURN(SECCOMP_RET_ALLOW), \
	}

static inline long seccomp(unsigned op, unsigned flags, void *arg)
{
	return syscall(SYS_seccomp, op, flags, arg);
}

static inline long add_filter(unsigned flags, const insn *code, size_t count)
{
	struct abi_bpf_program program = { .length = (uint16_t)count, .instructions = (uintptr_t)code };

	return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}
#define ADD_FILTER(flags, code) add_filter(flags, code, sizeof(code) / sizeof((code)[0]))

static inline int no_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
