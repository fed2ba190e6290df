/* SPDX-License-Identifier: BSD-2-Clause */
/* The vDSO in the address spaces of programs. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct vm_space;

/* Once, when there are memory objects and the nodes of all CPUs are known. */
void vdso_init(void);
/* Show it in the space of a new program.  *base: where its ELF header is.  -ENOMEM. */
int vdso_map(struct vm_space *vm, uint64_t *base) __must_check;
