/* SPDX-License-Identifier: BSD-2-Clause */
/* What the examples share, so that they show nothing but what they are about. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The calls of libserix answer with a result or a negative errno: here the latter ends the program. */
static inline int64_t must(int64_t result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror((int)-result));
		exit(1);
	}
	return result;
}

/* What has to be so. */
static inline void check(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "not so: %s\n", what);
		exit(1);
	}
}

/* fork(), with nothing in the buffer that both would print. */
static inline pid_t start(void)
{
	fflush(stdout);
	return (pid_t)must(fork(), "fork");
}

/* The child ends well. */
static inline void finish(pid_t child)
{
	int status = -1;

	check(waitpid(child, &status, 0) == child && status == 0, "the child left with 0");
}
