/* SPDX-License-Identifier: BSD-2-Clause */
/* capls: what it knows of each capability, from /proc/PID/capabilities. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NO_EXPIRY UINT64_MAX

struct entry {
	int pid;
	uint32_t slot, type, rights, depth, children;
	uint64_t expires_ns, object, tag, parent, badge;
	int cloexec;
	char *name; /* allocated */
	/* After entries_link(). */
	struct entry *up;    /* what it was derived from, if that is there, too */
	struct entry *below; /* the first derived from it */
	struct entry *next;  /* derived from the same */
};

struct entries {
	struct entry *all;
	size_t count, room;
	struct entry **by_tag;
	struct entry *roots; /* those with nothing above them here, by `next` */
};

/* Add the capabilities of a process.  0, or a negative errno: -ENOENT, no such process; -EACCES. */
int entries_read(struct entries *e, int pid);
/* Those of all other processes that may be looked into. */
void entries_read_others(struct entries *e, int except);
/* When all are there: who hangs below whom, in the order they were read.  -ENOMEM. */
int entries_link(struct entries *e);
/* The one with that tag, of those that were linked; NULL: none known. */
struct entry *entries_find(const struct entries *e, uint64_t tag);
void entries_free(struct entries *e);
