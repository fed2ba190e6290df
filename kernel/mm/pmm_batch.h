/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to mm: references to many frames at once, for what walks page tables. */
#pragma once

#include <kernel/pmm.h>

void pmm_get_batch(const paddr_t *frames, unsigned n);
void pmm_put_batch(const paddr_t *frames, unsigned n);
