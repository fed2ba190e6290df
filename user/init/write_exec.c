/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /etc/serix/write_exec: programs that compile into memory, one path a line, # starts a comment; a path may
 * have the wildcards of glob(7).  Those that are there get the mark by which their memory may be written and
 * executed at once (<serix/xattr.h>).
 */
#include <errno.h>
#include <glob.h>
#include <serix/xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "init.h"

/* What a link names is marked, as that is what is executed. */
static void mark(const char *program)
{
	struct stat st;

	if (stat(program, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (setxattr(program, XATTR_WRITE_EXEC, "", 0, 0) < 0)
		log_line("cannot mark %s: %s", program, strerror(errno));
}

static void mark_all(const char *pattern)
{
	glob_t found;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		mark(found.gl_pathv[i]);
	globfree(&found);
}

void write_exec_mark(const char *path)
{
	char line[512];
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		char *save, *pattern;

		line[strcspn(line, "#\n")] = '\0';
		pattern = strtok_r(line, " \t", &save);
		if (pattern)
			mark_all(pattern);
	}
	fclose(f);
}
