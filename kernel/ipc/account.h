/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who pays for kernel memory that messages and ports take.  Each user has one account, whichever processes
 * and ports the messages pass through; a message under way is its sender's.  No account gets more than a
 * part of all memory, so no user can take it all by sending.
 */
#pragma once

#include <kernel/types.h>

struct ipc_account;

/* NULL: the user has no more, or there is no memory for the account. */
struct ipc_account *ipc_charge(uint32_t uid, uint64_t bytes);
void ipc_uncharge(struct ipc_account *account, uint64_t bytes);

void ipc_account_init(void);
