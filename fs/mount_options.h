/* SPDX-License-Identifier: BSD-2-Clause */
/* The comma-separated options of mount(2)'s last argument.  Pure: no locks, no allocation. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mount_option {
	char key[16];
	char value[40];
	bool has_value;
};

/* The next option; *cursor starts at the text, which may be NULL.  1: there was one, 0: at the end,
 * -EINVAL. */
int mount_option_next(const char **cursor, struct mount_option *out);
/* `each` gets one after the other.  0, -EINVAL, or the error that it answered first. */
int mount_options_each(const char *text, int (*each)(const struct mount_option *option, void *arg),
		       void *arg);
bool mount_option_is(const struct mount_option *option, const char *key);
/* Its value as a number of this base, at most `max`.  -EINVAL. */
int mount_option_number(const struct mount_option *option, unsigned base, uint64_t max, uint64_t *out);
/* As a size with k, m, g behind it, or a percentage of `whole`.  -EINVAL. */
int mount_option_size(const struct mount_option *option, uint64_t whole, uint64_t *out);
