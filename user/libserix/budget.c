/* SPDX-License-Identifier: BSD-2-Clause */
#include <libserix/budget.h>

#include "call.h"

int budget_create(uint64_t runtime_ns, uint64_t period_ns, unsigned flags)
{
	struct budget_params p = { .runtime_ns = runtime_ns, .period_ns = period_ns };

	return (int)call(budget_create, &p, sizeof(p), flags);
}

int budget_bind(cap_handle_t budget, cap_handle_t thread)
{
	return (int)call(budget_bind, budget, thread);
}

int budget_unbind(cap_handle_t budget)
{
	return (int)call(budget_unbind, budget);
}

int budget_resize(cap_handle_t budget, uint64_t runtime_ns, uint64_t period_ns)
{
	struct budget_params p = { .runtime_ns = runtime_ns, .period_ns = period_ns };

	return (int)call(budget_resize, budget, &p, sizeof(p));
}

int budget_query(cap_handle_t budget, struct budget_info *info)
{
	return (int)call(budget_query, budget, info, sizeof(*info));
}
