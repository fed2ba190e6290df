/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of programs' limits: is one sound, and what does it say?  Nothing here trusts a byte before it is
 * checked. */
#include <kernel/policy_table.h>
#include <kernel/string.h>

#define FLAGS      (POLICY_FREE | POLICY_BELOW | POLICY_ANY_USER)
#define ALL_RIGHTS 0xffffu
#define ROOTS_MAX  (POLICY_PROGRAMS_MAX * POLICY_ROOTS_MAX)

/* Does the whole consist of its parts, with nothing between or behind? */
static bool check_sizes(const struct policy_header *h, size_t size)
{
	return h->magic == POLICY_MAGIC && h->version == POLICY_VERSION && !(h->flags & ~POLICY_DENY) &&
	       h->program_count <= POLICY_PROGRAMS_MAX && h->root_count <= ROOTS_MAX &&
	       h->string_size <= POLICY_SIZE_MAX &&
	       size == sizeof(*h) + h->program_count * sizeof(struct policy_program) +
			       h->root_count * sizeof(struct policy_root) + h->string_size;
}

/* An absolute path among the strings, the last of which ends with NUL. */
static bool check_path(const struct policy_table *t, uint32_t at)
{
	return at < t->header->string_size && t->strings[at] == '/';
}

static bool is_free(const struct policy_program *p)
{
	return !p->deny && !p->cpu_class && !p->root_count && !p->token_guesses && !p->memory &&
	       !p->expires_ns;
}

static bool check_program(const struct policy_table *t, const struct policy_program *p)
{
	uint32_t roots = t->header->root_count;

	if (!check_path(t, p->path) || (p->flags & ~FLAGS) || (p->deny & ~CONFINE_ALL) ||
	    p->cpu_class >= POLICY_CLASSES)
		return false;
	if ((p->flags & POLICY_FREE) && !is_free(p))
		return false;
	if (p->root_count && !(p->deny & CONFINE_NO_PATHS))
		return false;
	return p->root_count <= POLICY_ROOTS_MAX && p->first_root <= roots &&
	       p->root_count <= roots - p->first_root;
}

bool policy_table_check(const void *data, size_t size, struct policy_table *out)
{
	struct policy_table t = { .header = data };

	if (size < sizeof(*t.header) || !check_sizes(t.header, size))
		return false;
	t.programs = (const struct policy_program *)(t.header + 1);
	t.roots = (const struct policy_root *)(t.programs + t.header->program_count);
	t.strings = (const char *)(t.roots + t.header->root_count);
	if (t.header->string_size && t.strings[t.header->string_size - 1] != '\0')
		return false;
	for (uint32_t i = 0; i < t.header->program_count; i++)
		if (!check_program(&t, &t.programs[i]))
			return false;
	for (uint32_t i = 0; i < t.header->root_count; i++)
		if (!check_path(&t, t.roots[i].path) || (t.roots[i].rights & ~ALL_RIGHTS))
			return false;
	*out = t;
	return true;
}

static bool names(const struct policy_table *t, const struct policy_program *p, const char *path)
{
	const char *name = t->strings + p->path;
	size_t len = strlen(name);

	if (!(p->flags & POLICY_BELOW))
		return strcmp(name, path) == 0;
	if (len == 1) /* "/": all there is */
		return true;
	return strncmp(name, path, len) == 0 && path[len] == '/';
}

const struct policy_program *policy_table_find(const struct policy_table *t, const char *path, uint32_t user)
{
	for (uint32_t i = 0; i < t->header->program_count; i++) {
		const struct policy_program *p = &t->programs[i];

		if (((p->flags & POLICY_ANY_USER) || p->user == user) && names(t, p, path))
			return p;
	}
	return NULL;
}
