/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp(2) and the programs that it takes, as Linux 6.1 has them; PR_SET_SYSCALL_USER_DISPATCH's words. */
#pragma once

#include <stdint.h>

/* --- classic BPF: S. McCanne and V. Jacobson, "The BSD Packet Filter", USENIX Winter 1993 ------------- */

struct abi_bpf_instruction {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct abi_bpf_program {
	uint16_t length; /* instructions */
	uint64_t instructions;
};

/* code: a class, and what it does within that. */
#define BPF_LD   0x00
#define BPF_LDX  0x01
#define BPF_ST   0x02
#define BPF_STX  0x03
#define BPF_ALU  0x04
#define BPF_JMP  0x05
#define BPF_RET  0x06
#define BPF_MISC 0x07

#define BPF_W   0x00
#define BPF_IMM 0x00
#define BPF_ABS 0x20
#define BPF_MEM 0x60
#define BPF_LEN 0x80

#define BPF_ADD 0x00
#define BPF_SUB 0x10
#define BPF_MUL 0x20
#define BPF_DIV 0x30
#define BPF_OR  0x40
#define BPF_AND 0x50
#define BPF_LSH 0x60
#define BPF_RSH 0x70
#define BPF_NEG 0x80
#define BPF_XOR 0xa0

#define BPF_JA   0x00
#define BPF_JEQ  0x10
#define BPF_JGT  0x20
#define BPF_JGE  0x30
#define BPF_JSET 0x40

#define BPF_K   0x00
#define BPF_X   0x08
#define BPF_A   0x10
#define BPF_TAX 0x00
#define BPF_TXA 0x80

#define BPF_LENGTH_MAX   4096
#define BPF_MEMORY_WORDS 16

/* --- seccomp ------------------------------------------------------------------------------------------- */

#define SECCOMP_MODE_DISABLED 0
#define SECCOMP_MODE_STRICT   1
#define SECCOMP_MODE_FILTER   2

#define SECCOMP_SET_MODE_STRICT  0
#define SECCOMP_SET_MODE_FILTER  1
#define SECCOMP_GET_ACTION_AVAIL 2
#define SECCOMP_GET_NOTIF_SIZES  3

#define SECCOMP_FILTER_FLAG_TSYNC              (1u << 0)
#define SECCOMP_FILTER_FLAG_LOG                (1u << 1)
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW         (1u << 2)
#define SECCOMP_FILTER_FLAG_NEW_LISTENER       (1u << 3)
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH        (1u << 4)
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1u << 5)

/* What a filter returns: an action and 16 bits for it.  As signed numbers, the smaller the stricter. */
#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#define SECCOMP_RET_KILL_THREAD  0x00000000u
#define SECCOMP_RET_TRAP         0x00030000u
#define SECCOMP_RET_ERRNO        0x00050000u
#define SECCOMP_RET_USER_NOTIF   0x7fc00000u
#define SECCOMP_RET_TRACE        0x7ff00000u
#define SECCOMP_RET_LOG          0x7ffc0000u
#define SECCOMP_RET_ALLOW        0x7fff0000u
#define SECCOMP_RET_ACTION       0xffff0000u
#define SECCOMP_RET_DATA         0x0000ffffu

/* What a filter reads. */
struct abi_seccomp_data {
	int32_t number;
	uint32_t arch; /* AUDIT_ARCH_* */
	uint64_t instruction_pointer;
	uint64_t args[6];
};
_Static_assert(sizeof(struct abi_seccomp_data) == 64, "struct seccomp_data");

/* SECCOMP_GET_NOTIF_SIZES */
struct abi_seccomp_sizes {
	uint16_t notification, response, data;
};

/* A call that waits for its listener's answer: SECCOMP_IOCTL_NOTIF_RECV. */
struct abi_seccomp_notification {
	uint64_t id;
	uint32_t pid;
	uint32_t flags;
	struct abi_seccomp_data data;
};
_Static_assert(sizeof(struct abi_seccomp_notification) == 80, "struct seccomp_notif");

#define SECCOMP_USER_NOTIF_FLAG_CONTINUE (1u << 0) /* it is made after all */

struct abi_seccomp_response {
	uint64_t id;
	int64_t value;
	int32_t error;
	uint32_t flags;
};
_Static_assert(sizeof(struct abi_seccomp_response) == 24, "struct seccomp_notif_resp");

#define SECCOMP_ADDFD_FLAG_SETFD (1u << 0) /* as that descriptor, not as the lowest free one */
#define SECCOMP_ADDFD_FLAG_SEND  (1u << 1) /* and the descriptor is the call's result */

struct abi_seccomp_addfd {
	uint64_t id;
	uint32_t flags;
	uint32_t source;
	uint32_t target;
	uint32_t target_flags; /* O_CLOEXEC */
};
_Static_assert(sizeof(struct abi_seccomp_addfd) == 24, "struct seccomp_notif_addfd");

#define SECCOMP_IOCTL_NOTIF_RECV               0xc0502100u
#define SECCOMP_IOCTL_NOTIF_SEND               0xc0182101u
#define SECCOMP_IOCTL_NOTIF_ID_VALID           0x40082102u
#define SECCOMP_IOCTL_NOTIF_ID_VALID_WRONG_DIR 0x80082102u /* as it was once defined */
#define SECCOMP_IOCTL_NOTIF_ADDFD              0x40182103u

/* --- dispatch to user mode ----------------------------------------------------------------------------- */

#define PR_SYS_DISPATCH_OFF           0
#define PR_SYS_DISPATCH_ON            1
#define SYSCALL_DISPATCH_FILTER_ALLOW 0 /* what the selector byte may say */
#define SYSCALL_DISPATCH_FILTER_BLOCK 1

/* siginfo.code of SIGSYS */
#define SYS_SECCOMP       1
#define SYS_USER_DISPATCH 2
