/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of Landlock: its calls; -1 and errno where they fail. */
#pragma once

#define _GNU_SOURCE
#include <fcntl.h>
#include <serix/abi_landlock.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int landlock_ruleset(uint64_t handled)
{
	const struct abi_landlock_ruleset ruleset = { handled };

	return (int)syscall(444, &ruleset, sizeof(ruleset), 0);
}

static inline int landlock_add_fd(int ruleset, uint64_t rights, int fd)
{
	const struct abi_landlock_path_beneath rule = { rights, fd };

	return (int)syscall(445, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static inline int landlock_add(int ruleset, uint64_t rights, const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC), result = landlock_add_fd(ruleset, rights, fd);

	close(fd);
	return result;
}

static inline int landlock_enforce(int ruleset)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(446, ruleset, 0);
}
