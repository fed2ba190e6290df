/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caprun.h"

#define DEFAULT_PATH "/bin:/usr/bin:/sbin:/usr/sbin"

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

const char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	char *file;

	if (strchr(name, '/')) {
		if (access(name, F_OK) < 0)
			fail(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN, "%s: %s", name,
			     strerror(errno));
		return name;
	}
	for (path = path ? path : DEFAULT_PATH; *path; path += strcspn(path, ":"), path += *path == ':') {
		int len = (int)strcspn(path, ":");

		if (asprintf(&file, "%.*s/%s", len ? len : 1, len ? path : ".", name) < 0)
			fail(EXIT_CAPRUN, "out of memory");
		if (is_program(file))
			return file;
		free(file);
	}
	fail(EXIT_NOT_FOUND, "%s: not found", name);
}
