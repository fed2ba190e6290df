/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of <serix/policy.h>: pure functions, which run on the host, too. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/policy.h>

/* The parts of a table that policy_table_check() has found to be sound. */
struct policy_table {
	const struct policy_header *header;
	const struct policy_program *programs;
	const struct policy_root *roots;
	const char *strings;
};

/* Is it a table, whatever the bytes are?  `data` is aligned to 8.  False: *out is as it was. */
bool policy_table_check(const void *data, size_t size, struct policy_table *out);
/* The first program of the table that says something about `path` when `user` starts it, or NULL. */
const struct policy_program *policy_table_find(const struct policy_table *table, const char *path,
					       uint32_t user);
