/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kinds of load share.  A worker is a process that performs rounds of its kind until it is told to
 * stop; a round is short, takes every decision from the worker's own random numbers, verifies what it did and
 * leaves nothing behind.  A round that finds anything wrong says so and ends the worker.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096ul

struct kind {
	const char *name;
	void (*round)(void);
	bool serix; /* uses calls that only Serix has */
};

/* In memory that the workers share with the watchdog; `rounds` and `way` are written by the worker. */
struct worker {
	unsigned index;
	const struct kind *kind;
	pid_t pid;
	_Atomic uint64_t rounds;
	_Atomic unsigned way; /* which of its kind's ways this round goes */
};

extern const struct kind fork_kind, exec_kind, pipe_kind, futex_kind, yield_kind, signal_kind, map_kind,
	fault_kind, race_kind, timer_kind, file_kind, ipc_kind, caps_kind, mix_kind;
extern const struct kind *const kinds[];
extern const unsigned kind_count;

extern struct worker *worker; /* the one that this process works for */
extern char program_path[];   /* what to exec for this very program */

/* A worker's own random numbers: the same for the same seed and index. */
uint64_t draw(void);
/* From 0 to limit - 1. */
unsigned draw_below(unsigned limit);
/* Go one of the ways. */
void one_of(void (*const ways[])(void), unsigned count);
/* A number that follows from two others and looks like neither. */
uint64_t scramble(uint64_t a, uint64_t b);

/* Ends the process with a line that says where and what, unless the condition holds. */
#define expect(condition)                                              \
	do {                                                           \
		if (!(condition))                                      \
			expect_failed(__FILE__, __LINE__, #condition); \
	} while (0)
_Noreturn void expect_failed(const char *file, int line, const char *condition);

/* fork() that must succeed. */
pid_t start_child(void);
/* The child ends with exit(code). */
void expect_exit(pid_t child, int code);
/* A mapping of anonymous private memory. */
void *map_pages(size_t pages);
/* Whether this system has what the kind uses. */
bool can_run(const struct kind *kind);
uint64_t now_ns(void);
void sleep_us(unsigned us);
