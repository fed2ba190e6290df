/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: user/lib/policy_parse.c kernel/lib/policy_table.c */
#include <stdlib.h>
#include <string.h>

#include "../../user/lib/policy_parse.h"
#include <kernel/policy_table.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool user(const char *name, uint32_t *id)
{
	*id = (uint32_t)strlen(name);
	return name[0] != 'x';
}

/* What is found must have a name of the table's. */
static void use(const struct policy_table *table)
{
	static const char *const paths[] = { "/", "/bin/a", "/bin/a/b", "relative", "" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		const struct policy_program *p = policy_table_find(table, paths[i], 1);

		if (p && table->strings[p->path] != '/')
			abort();
	}
}

/* A file is refused with a reason, or becomes a table that the kernel takes; and no bytes at all upset the
 * kernel. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_error error;
	struct policy_table checked;
	size_t table_size;
	void *table = policy_parse((const char *)data, size, user, &table_size, &error), *copy;

	if (!table && !error.text[0])
		abort();
	if (table) {
		if (!policy_table_check(table, table_size, &checked))
			abort();
		use(&checked);
		free(table);
	}
	copy = malloc(size + 1);
	memcpy(copy, data, size);
	if (policy_table_check(copy, size, &checked))
		use(&checked);
	free(copy);
	return 0;
}
