/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount_options.h"

#include <kernel/compiler.h>
#include <kernel/string.h>
#include <serix/errno.h>

/* Copy up to one of the two end characters or the end; false: no room. */
static bool take(const char **cursor, char *out, size_t size, char end, char other)
{
	size_t n = 0;

	for (const char *p = *cursor; *p && *p != end && *p != other; p++) {
		if (n + 1 >= size)
			return false;
		out[n++] = *p;
	}
	out[n] = '\0';
	*cursor += n;
	return true;
}

int mount_option_next(const char **cursor, struct mount_option *out)
{
	while (*cursor && **cursor == ',')
		++*cursor;
	if (!*cursor || !**cursor)
		return 0;
	if (!take(cursor, out->key, sizeof(out->key), '=', ','))
		return -EINVAL;
	out->value[0] = '\0';
	out->has_value = **cursor == '=';
	if (!out->has_value)
		return 1;
	++*cursor;
	return take(cursor, out->value, sizeof(out->value), ',', ',') ? 1 : -EINVAL;
}

int mount_options_each(const char *text, int (*each)(const struct mount_option *option, void *arg), void *arg)
{
	struct mount_option option;
	int err;

	while ((err = mount_option_next(&text, &option)) > 0) {
		err = each(&option, arg);
		if (err < 0)
			return err;
	}
	return err;
}

bool mount_option_is(const struct mount_option *option, const char *key)
{
	return strcmp(option->key, key) == 0;
}

/* The digits at the front; NULL: there are none, or too large a number. */
static const char *digits(const char *p, unsigned base, uint64_t *out)
{
	const char *start = p;
	uint64_t value = 0;

	for (; *p >= '0' && *p < (char)('0' + base); p++)
		if (mul_overflows(value, (uint64_t)base, &value) ||
		    add_overflows(value, (uint64_t)(*p - '0'), &value))
			return NULL;
	*out = value;
	return p == start ? NULL : p;
}

int mount_option_number(const struct mount_option *option, unsigned base, uint64_t max, uint64_t *out)
{
	uint64_t value;
	const char *end = digits(option->value, base, &value);

	if (!end || *end || value > max)
		return -EINVAL;
	*out = value;
	return 0;
}

int mount_option_size(const struct mount_option *option, uint64_t whole, uint64_t *out)
{
	static const char units[] = "kmg";
	uint64_t value;
	const char *end = digits(option->value, 10, &value);
	char unit = end ? *end : '\0';

	if (!end)
		return -EINVAL;
	if (unit == '%')
		value = whole / 100 * MIN(value, (uint64_t)100);
	for (size_t i = 0; unit && unit != '%'; i++) {
		if (i == sizeof(units) - 1 || mul_overflows(value, (uint64_t)1024, &value))
			return -EINVAL;
		if ((unit | 0x20) == units[i])
			break;
	}
	if (unit && end[1])
		return -EINVAL;
	*out = value;
	return 0;
}
