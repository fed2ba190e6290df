/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter of seccomp(2) costs: in a child, because nobody gets rid of one. */
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <serix/seccomp.h>

#include "ops.h"

#define LOAD(field)                                                                             \
	{                                                                                       \
		.code = BPF_LD | BPF_W | BPF_ABS, .k = offsetof(struct abi_seccomp_data, field) \
	}
#define IF_EQUAL(value, yes, no)                                                 \
	{                                                                        \
		.code = BPF_JMP | BPF_JEQ, .jt = (yes), .jf = (no), .k = (value) \
	}
#define RETURN(what)                         \
	{                                    \
		.code = BPF_RET, .k = (what) \
	}

/* Some calls are refused, as a program's filter would begin; getppid is not among them. */
static struct abi_bpf_instruction allows[] = {
	LOAD(number),
	IF_EQUAL(SYS_ptrace, 1, 0),
	RETURN(SECCOMP_RET_ALLOW),
	RETURN(SECCOMP_RET_ERRNO | EPERM),
};

static struct abi_bpf_instruction looks_at_argument[] = {
	LOAD(number),      IF_EQUAL(SYS_getppid, 0, 2), LOAD(args[0]),
	IF_EQUAL(0, 0, 1), RETURN(SECCOMP_RET_ALLOW),   RETURN(SECCOMP_RET_ERRNO | EPERM),
};

static struct abi_bpf_instruction refuses[] = {
	LOAD(number),
	IF_EQUAL(SYS_getppid, 1, 0),
	RETURN(SECCOMP_RET_ALLOW),
	RETURN(SECCOMP_RET_ERRNO | EPERM),
};

LOOP(null_calls, , call(SYS_getppid, 0, 0, 0), )

static uint64_t filtered(struct abi_bpf_instruction *code, uint16_t length, unsigned n)
{
	struct abi_bpf_program program = { .length = length, .instructions = (uintptr_t)code };
	uint64_t *ticks = mmap(NULL, sizeof(*ticks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			       0),
		 got;
	pid_t child;

	must(ticks != MAP_FAILED, "mmap");
	child = fork();
	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&program) == 0) {
			(void)null_calls(10);
			*ticks = null_calls(n);
		}
		_exit(0);
	}
	must(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	got = *ticks;
	munmap(ticks, sizeof(*ticks));
	return got;
}

static uint64_t allowed_call(unsigned n)
{
	return filtered(allows, sizeof(allows) / sizeof(*allows), n);
}

static uint64_t call_with_argument(unsigned n)
{
	return filtered(looks_at_argument, sizeof(looks_at_argument) / sizeof(*looks_at_argument), n);
}

static uint64_t refused_call(unsigned n)
{
	return filtered(refuses, sizeof(refuses) / sizeof(*refuses), n);
}

const struct row filter_rows[] = {
	{ "null call, allowed by a filter", allowed_call, 1000 },
	{ "null call, its argument filtered", call_with_argument, 1000 },
	{ "null call, refused by a filter", refused_call, 1000 },
};
const size_t filter_row_count = sizeof(filter_rows) / sizeof(filter_rows[0]);
