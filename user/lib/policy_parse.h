/* SPDX-License-Identifier: BSD-2-Clause */
/* From the text of /etc/serix/policy to the table of <serix/policy.h>.  No file is opened and nothing is
 * printed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_error {
	unsigned line; /* from 1; 0: not about one */
	char text[96];
};

/* The table, in memory of its own that free() takes, or NULL with *error filled in.  `text` need not end in
 * NUL; `user` finds a user's id by name. */
void *policy_parse(const char *text, size_t len, bool (*user)(const char *name, uint32_t *id), size_t *size,
		   struct policy_error *error);
