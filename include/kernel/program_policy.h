/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits that programs start with: the table of <serix/policy.h>, and what exec makes of it. */
#pragma once

#include <kernel/policy_table.h>

struct path;

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

/* By the path of what was asked for and, if the table does not know that, of what runs it: a script's
 * interpreter.  -EACCES: it may not be started; -ENOMEM. */
int program_policy_find(const struct path *asked, const struct path *found,
			struct program_limits *out) __must_check;
void program_policy_put(struct program_policy *policy); /* NULL: nothing happens */
/* Give the running thread its class and confine the process, with these `programs`, which run anyway, in
 * reach. */
int program_policy_apply(const struct program_limits *limits, const struct path *programs,
			 unsigned count) __must_check;

/* Text of /proc/serix/policy. */
int program_policy_text(char *buf, size_t size);
