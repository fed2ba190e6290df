/* SPDX-License-Identifier: BSD-2-Clause */
/* From /proc/sys/kernel/core_pattern to a file's name: core(5), "Naming of core dump files".  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core_name_facts {
	const char *comm;     /* %e */
	const char *exe;      /* %E whole, %f its last part */
	const char *hostname; /* %h */
	int32_t pid, tid;     /* %p %P; %i %I */
	uint32_t uid, gid;    /* %u %g */
	int32_t signo;        /* %s */
	uint64_t limit;       /* %c: the soft limit of a core's size */
	int64_t time;         /* %t: seconds since 1970 */
	bool append_pid;      /* a name without the pid gets it at its end */
};

/* The name, NUL-terminated.  Slashes in what the process itself may choose become exclamation marks, and so
 * do names that are a directory's.  False: it is empty or does not fit. */
bool core_name_make(const char *pattern, const struct core_name_facts *facts, char *out, size_t size);
