/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling budgets, objects of type BUDGET: a reservation of CPU time (kernel/reservation.h) that a
 * capability names.  <serix/budget.h> has what programs are promised.
 *
 * Life: the capabilities keep the budget; the last one that goes closes the reservation.  A binding keeps
 * nothing and is kept by nothing: it has a record, which the kernel holds below the capability that it was
 * made through (cap_hold_via), so that revoking that one ends the binding before the revocation returns.  The
 * record of the last binding, over or not, is the reservation's key; the next binding or the budget's end
 * lets go of it.
 *
 * Locks: none of its own.  Which binding is the present one is decided under the reservations' lock, by key,
 * so a record that is told late ends nothing but its own.  proc_tree_lock keeps a thread that is bound from
 * leaving.
 */
#pragma once

#include <kernel/cap.h>
#include <kernel/object.h>
#include <serix/budget.h>

/* With one reference, which a capability is to take over.  -EPERM, -EINVAL, -EBUSY, -ENOMEM. */
int budget_create(const struct budget_params *params, struct kobject **out) __must_check;
/* The caller uses `via`, a capability to a budget with the right to bind.  -EBUSY, -EPERM, -ESRCH, -EBADF
 * (one of the two is no such thing, or revoked), -ENOMEM. */
int budget_bind(struct capability *via, cap_handle_t thread) __must_check;
int budget_unbind(struct kobject *object) __must_check;
int budget_resize(struct kobject *object, const struct budget_params *params) __must_check;
void budget_look(struct kobject *object, struct budget_info *out);
