/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capls PID: the capabilities of a process as a tree.  What was derived from a capability of the same process
 * stands below it; what came from elsewhere says from where, as far as whoever asks may see that.
 */
#include "capls.h"

#include "cap_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDENT_MAX 512

static void print_expiry(uint64_t ns)
{
	uint64_t ms = ns / 1000000, s = ms / 1000;

	if (ns == NO_EXPIRY)
		return;
	if (s < 120)
		printf("  expires in %llu.%03llu s", (unsigned long long)s, (unsigned long long)(ms % 1000));
	else
		printf("  expires in %llu min", (unsigned long long)(s / 60));
}

/* Where it was derived from, when that is no capability of this process. */
static void print_origin(const struct entry *entry, const struct entries *others)
{
	const struct entry *parent = entries_find(others, entry->parent);

	if (!entry->parent)
		return;
	if (parent)
		printf("  from slot %u of process %d", parent->slot, parent->pid);
	else
		printf("  from one that is closed or not to be seen");
}

static void print_entry(const struct entry *entry, const struct entries *others)
{
	char rights[512];

	cap_rights_text(entry->type, entry->rights, rights, sizeof(rights));
	printf("%u %s %s  (%s)", entry->slot, cap_type_name(entry->type), *entry->name ? entry->name : "?",
	       rights);
	if (entry->depth)
		printf("  depth %u", entry->depth);
	if (entry->badge)
		printf("  badge %#llx", (unsigned long long)entry->badge);
	if (entry->cloexec)
		printf("  close-on-exec");
	print_expiry(entry->expires_ns);
	if (!entry->up)
		print_origin(entry, others);
	printf("\n");
}

/* Entries that have the same one above them, and all below.  `indent` grows for those, and shrinks again. */
static void print_trees(const struct entry *entry, const struct entries *others, char *indent)
{
	size_t len = strlen(indent);

	for (; entry; entry = entry->next) {
		printf("%s%s ", indent, entry->next ? "|-" : "`-");
		print_entry(entry, others);
		if (len + 3 > INDENT_MAX)
			continue;
		strcpy(indent + len, entry->next ? "|  " : "   ");
		print_trees(entry->below, others, indent);
		indent[len] = '\0';
	}
}

/* Is any parent to be looked for elsewhere? */
static int has_strangers(const struct entries *own)
{
	for (size_t i = 0; i < own->count; i++) {
		if (own->all[i].parent && !own->all[i].up)
			return 1;
	}
	return 0;
}

static void print_header(int pid, size_t count)
{
	char path[64], comm[64] = "?\n";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f) {
		if (!fgets(comm, sizeof(comm), f))
			strcpy(comm, "?\n");
		fclose(f);
	}
	comm[strcspn(comm, "\n")] = '\0';
	printf("%d %s: %zu capabilit%s\n", pid, comm, count, count == 1 ? "y" : "ies");
}

static int read_all(int pid, struct entries *own, struct entries *others)
{
	int err = entries_read(own, pid);

	if (err == 0)
		err = entries_link(own);
	if (err == 0 && has_strangers(own)) {
		entries_read_others(others, pid);
		err = entries_link(others);
	}
	return err;
}

static int show(int pid)
{
	struct entries own = { 0 }, others = { 0 };
	char indent[INDENT_MAX + 1] = "";
	int err = read_all(pid, &own, &others);

	if (err == -ENOENT || err == -ESRCH) {
		fprintf(stderr, "capls: there is no process %d\n", pid);
	} else if (err < 0) {
		fprintf(stderr, "capls: process %d: %s\n", pid, strerror(-err));
	} else {
		print_header(pid, own.count);
		print_trees(own.roots, &others, indent);
	}
	entries_free(&own);
	entries_free(&others);
	return err < 0 ? 1 : 0;
}

static int usage(FILE *to)
{
	fprintf(to, "usage: capls PID...\n"
		    "Draw the capabilities of processes as trees: slot, type, name, rights, and what limits "
		    "them.\n");
	return to == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage(stdout);
	if (argc < 2 || argv[1][0] == '-')
		return usage(stderr);
	for (int i = 1; i < argc; i++) {
		char *end;
		long pid = strtol(argv[i], &end, 10);

		if (end == argv[i] || *end || pid <= 0 || pid > 0x7fffffff) {
			fprintf(stderr, "capls: '%s' is no process number\n", argv[i]);
			return 2;
		}
		status |= show((int)pid);
	}
	return status;
}
