/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits that programs start with: the table of <serix/policy.h>, and what exec makes of it. */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/policy.h>

struct path;

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

/* Replace the policy; takes over `data`, of program_policy_alloc(), on success.  -EINVAL, -ENOMEM. */
int program_policy_set(void *data, size_t size) __must_check;
void *program_policy_alloc(size_t size); /* NULL: no memory */
void program_policy_free(void *data);

/* What the policy in force says about a program, for one exec. */
struct program_policy;
struct program_limits {
	struct program_policy *policy;        /* referenced; NULL: there is nothing to apply */
	const struct policy_program *program; /* of that */
};

/* By the path of what was asked for and, if the table does not know that, of what runs it: a script's interpreter.
 * -EACCES: it may not be started; -ENOMEM. */
int program_policy_find(const struct path *asked, const struct path *found,
			struct program_limits *out) __must_check;
void program_policy_put(struct program_policy *policy); /* NULL: nothing happens */
/* Give the running thread its class and confine the process, with these `programs`, which run anyway, in reach. */
int program_policy_apply(const struct program_limits *limits, const struct path *programs,
			 unsigned count) __must_check;

/* Text of /proc/serix/policy. */
int program_policy_text(char *buf, size_t size);
