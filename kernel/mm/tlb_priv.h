/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to tlb.c and tlb_batch.c. */
#pragma once

#include <kernel/types.h>

struct vm_space;

/* As tlb_flush_range.  `tables`: page tables were taken out, so also CPUs that merely have the space loaded
 * and run no program in it must let go: they may walk it on speculation.  Any range makes a CPU forget the
 * upper levels of the whole space (SDM vol. 3A, 4.10.4.1). */
void tlb_flush(struct vm_space *vm, uint64_t start, uint64_t end, bool tables);
/* Might another CPU have the space loaded?  A guess. */
bool tlb_loaded_elsewhere(const struct vm_space *vm);
