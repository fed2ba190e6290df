/* SPDX-License-Identifier: BSD-2-Clause */
/* The halves of seccomp that prctl(2) has, too. */
#pragma once

#include <kernel/types.h>

/* PR_SET_SECCOMP */
int64_t seccomp_by_prctl(uint64_t mode, uaddr_t program);
