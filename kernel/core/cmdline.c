/* SPDX-License-Identifier: BSD-2-Clause */
/* The booted kernel's own command line. */
#include <kernel/cmdline.h>

#include <kernel/boot_info.h>
#include <kernel/string.h>
#include <serix/errno.h>

const char *cmdline(void)
{
	return boot_info.cmdline;
}

int cmdline_get(const char *name, char *value, size_t size)
{
	return cmdline_find(boot_info.cmdline, name, value, size);
}

bool cmdline_has(const char *name)
{
	char value[8];

	return cmdline_get(name, value, sizeof(value)) != -ENOENT;
}

int cmdline_get_u64(const char *name, uint64_t *out)
{
	const char *end;
	char value[32];
	uint64_t number;
	int err = cmdline_get(name, value, sizeof(value));

	if (err < 0)
		return err;
	err = parse_u64(value, &end, &number);
	if (err < 0)
		return err;
	if (*end)
		return -EINVAL;
	*out = number;
	return 0;
}
