/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hermes: how a system call is declared and defined.  include/serix/syscalls.h lists every call once;
 * here the list becomes numbers and prototypes, in kernel/syscall/table.c the dispatch table.
 *
 * A handler takes the six raw argument registers and returns a result or a negative errno.  It checks
 * everything first, then commits.  Arguments narrower than 64 bits are cut by the handler: the upper
 * halves are whatever the program left there.
 */
#pragma once

#include <kernel/types.h>
#include <serix/syscalls.h>

struct syscall_args {
	uint64_t a[6];
};

typedef int64_t (*syscall_fn)(const struct syscall_args *args);

#define SYSCALL_NUMBER(nr, name, arity, file) SYS_##name = nr,
enum syscall_number { SYSCALL_LIST(SYSCALL_NUMBER) };

#define SYSCALL_PROTOTYPE(nr, name, arity, file) int64_t sys_##name(const struct syscall_args *args);
SYSCALL_LIST(SYSCALL_PROTOTYPE)

/* Define a handler; `args->a[i]` are its arguments. */
#define SYSCALL(name) int64_t sys_##name(const struct syscall_args *args)
#define ARG(i, type)  ((type)args->a[i])

#define SYSCALL_MAX 1100 /* numbers at or above it are unknown */
