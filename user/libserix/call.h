/* SPDX-License-Identifier: BSD-2-Clause */
/* How the library enters the kernel: by the one list of calls, with the answer as the kernel gives it. */
#pragma once

#include <errno.h>
#include <serix/syscalls.h>
#include <unistd.h>

#define CALL_NUMBER(nr, name, arity, file) CALL_##name = (nr),
enum call_number { SYSCALL_LIST(CALL_NUMBER) };

/* call(name, arguments...): the result, or a negative errno. */
#define call(name, ...) call_result(syscall(CALL_##name, __VA_ARGS__))

static inline long call_result(long result)
{
	return result == -1 ? -errno : result;
}
