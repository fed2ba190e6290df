/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aegis, promises of memory: every private writable page and every page of shared anonymous memory is charged
 * when it is mapped, whether it is ever touched or not.  What is done with the sum is Linux's
 * overcommit_memory:
 *
 *	heuristic  refuse only what could never be backed: more at once than there is memory
 *	always     refuse nothing
 *	never      refuse what would bring the sum above the limit: overcommit_kbytes, or overcommit_ratio
 *	           percent of memory when that is 0
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

enum overcommit_mode { OVERCOMMIT_HEURISTIC, OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER };

struct overcommit_settings {
	_Atomic uint32_t mode;   /* [a] enum overcommit_mode */
	_Atomic uint32_t ratio;  /* [a] percent */
	_Atomic uint64_t kbytes; /* [a] 0: by ratio */
};
extern struct overcommit_settings overcommit;

/* Promise `pages` more: 0 or -ENOMEM; give them back. */
int commit_pages(uint64_t pages) __must_check;
void uncommit_pages(uint64_t pages);
uint64_t committed_pages(void);
uint64_t commit_limit_pages(void);
