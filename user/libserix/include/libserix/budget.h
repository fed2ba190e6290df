/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling budgets: the calls that <serix/budget.h> describes, as functions.  Each returns what the kernel
 * answers.
 *
 * A supervisor makes a budget (it needs what SCHED_DEADLINE needs), reduces it to what the other may do with
 * it, and hands that over by cap_grant, in a message or by fork:
 *
 *	cap_handle_t budget = budget_create(2000000, 10000000, CAP_DERIVE_CLOEXEC);   2 ms in each 10 ms
 *	cap_handle_t theirs = cap_reduce(budget, BUDGET_RIGHT_BIND);
 *
 * The other calls budget_bind(theirs, BUDGET_SELF) and needs nothing else; cap_revoke(theirs, 0) takes it
 * back.
 */
#pragma once

#include <serix/budget.h>
#include <serix/cap.h>

/* A descriptor, which belongs to the caller.  flags: CAP_DERIVE_CLOEXEC. */
int budget_create(uint64_t runtime_ns, uint64_t period_ns, unsigned flags);
int budget_bind(cap_handle_t budget, cap_handle_t thread);
int budget_unbind(cap_handle_t budget);
int budget_resize(cap_handle_t budget, uint64_t runtime_ns, uint64_t period_ns);
int budget_query(cap_handle_t budget, struct budget_info *info);
