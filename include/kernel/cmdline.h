/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel command line: words separated by blanks, `name` or `name=value`; "double quotes" keep
 * blanks together.  Pure: works on the text it is given.  The last occurrence of a name wins.
 */
#pragma once

#include <kernel/types.h>

/* Copy the value of `name` ("" for a bare word).  -ENOENT; -ENOSPC when it does not fit. */
int cmdline_find(const char *line, const char *name, char *value, size_t size);
/* The n-th word with the quotes removed.  -ENOENT past the end; -ENOSPC. */
int cmdline_word(const char *line, size_t n, char *word, size_t size);

/* The same on the booted kernel's own line. */
const char *cmdline(void);
int cmdline_get(const char *name, char *value, size_t size);
bool cmdline_has(const char *name);
int cmdline_get_u64(const char *name, uint64_t *out);
