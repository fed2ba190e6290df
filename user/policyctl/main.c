/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policyctl: from /etc/serix/policy to the kernel, all or nothing.  What is wrong with a file is told by
 * line, and changes nothing.
 */
#include <errno.h>
#include <libserix/confine.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_parse.h"

#define DEFAULT_FILE  "/etc/serix/policy"
#define SIZE_MAX_TEXT (4u << 20)

static bool find_user(const char *name, uint32_t *id)
{
	const struct passwd *entry = getpwnam(name);
	unsigned long number;
	char *end;

	if (entry) {
		*id = entry->pw_uid;
		return true;
	}
	number = strtoul(name, &end, 10);
	*id = (uint32_t)number;
	return name[0] >= '0' && name[0] <= '9' && !*end && number < UINT32_MAX;
}

/* All of the file, or NULL with a message unless it is the default one, which need not be there. */
static char *read_file(const char *name, size_t *len)
{
	char *text = malloc(SIZE_MAX_TEXT);
	FILE *file = fopen(name, "r");

	if (!file || !text) {
		fprintf(stderr, "policyctl: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	*len = fread(text, 1, SIZE_MAX_TEXT, file);
	if (ferror(file) || *len == SIZE_MAX_TEXT) {
		fprintf(stderr, "policyctl: %s: %s\n", name, ferror(file) ? strerror(errno) : "too large");
		exit(1);
	}
	fclose(file);
	return text;
}

static void *compile(const char *name, size_t *size)
{
	struct policy_error error;
	size_t len;
	char *text = read_file(name, &len);
	void *table = policy_parse(text, len, find_user, size, &error);

	free(text);
	if (table)
		return table;
	fprintf(stderr, "%s:%u: %s\n", name, error.line, error.text);
	exit(1);
}

static int load(const void *table, size_t size)
{
	int err = policy_load(table, size);

	if (err < 0)
		fprintf(stderr, "policyctl: the kernel refuses: %s\n", strerror(-err));
	return err < 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *file = argc > 2 ? argv[2] : DEFAULT_FILE;
	size_t size;
	void *table;

	if (argc > 3 || (strcmp(verb, "load") != 0 && strcmp(verb, "check") != 0)) {
		fputs("Usage: policyctl load|check [FILE]\n"
		      "Make FILE (default " DEFAULT_FILE
		      ") the programs' policy, or only see that it could be.\n",
		      stderr);
		return 2;
	}
	table = compile(file, &size);
	return strcmp(verb, "load") == 0 ? load(table, size) : 0;
}
