/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core dumps: what a process leaves of itself when a signal whose default action is a core ends it: core(5).
 *
 * The thread that takes the signal is the dumper.  It lets the others leave, as exit_group does, and each of
 * them parks at the door of thread_exit(), with its registers as they were.  When all that live are there,
 * the dumper writes memory and registers as an ELF file, and then all leave.  SIGKILL ends the writing.
 *
 * The file is made by the process itself, with its own identity, in its own directory and within its
 * confinement: what it may not create it leaves no core in.  The name comes from
 * /proc/sys/kernel/core_pattern; what had that name goes first, and nothing that is there is written to.
 */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>
#include <serix/abi.h>

struct thread;

#define CORE_PATTERN_MAX 128 /* with its NUL */

/* The running process is about to end by `info->signo`.  Writes its core, if it is to have one and no other
 * thread already ends it; the caller then leaves by process_exit().  May sleep; no lock is held. */
void core_dump(const struct abi_siginfo *info);
/* First thing of a thread that leaves: waits while another writes their core. */
void core_dump_wait(struct thread *t);

/* The setting, NUL-terminated.  -EINVAL: too long, or for a pipe, to which cores are not written. */
void core_pattern_get(char out[CORE_PATTERN_MAX]);
int core_pattern_set(const char *text, size_t len) __must_check;
extern _Atomic uint32_t core_uses_pid; /* names without a pid get one */
