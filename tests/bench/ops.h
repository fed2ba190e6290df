/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rows of the table are made of: ops.c. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct row {
	const char *name;
	uint64_t (*run)(unsigned n); /* ticks that n operations take; 0: not to be had here */
	unsigned n;
};

/* ops_ipc.c */
extern const struct row ipc_rows[];
extern const size_t ipc_row_count;
/* ops_filter.c */
extern const struct row filter_rows[];
extern const size_t filter_row_count;

static inline uint64_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline long call(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

static inline long call5(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	dprintf(2, "ops: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* A row that is nothing but one expression in a loop, between set-up and clearing away. */
#define LOOP(name, before, operation, after)             \
	static uint64_t name(unsigned n)                 \
	{                                                \
		uint64_t start, ticks;                   \
                                                         \
		before;                                  \
		start = now();                           \
		for (unsigned i = 0; i < n; i++) {       \
			operation;                       \
			__asm__ volatile("" : : "r"(i)); \
		}                                        \
		ticks = now() - start;                   \
		after;                                   \
		return ticks;                            \
	}
