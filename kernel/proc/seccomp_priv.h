/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of seccomp share. */
#pragma once

#include <kernel/bitmap.h>
#include <kernel/seccomp.h>
#include <kernel/syscall.h>

#include "proc_priv.h"

/*
 * Most calls are allowed whatever their arguments are.  Which ones is found out once, when a filter is added,
 * and kept as a bit per number: such a call runs no program.
 */
struct seccomp_filter {
	struct refcount refs;
	struct seccomp_filter *outer;                /* [i] referenced; NULL: the outermost */
	uint32_t depth;                              /* [i] how many filters the chain has */
	uint32_t length;                             /* [i] instructions */
	struct seccomp_listener *listener;           /* [i] NULL: none */
	bool log;                                    /* [i] what is not simply allowed may be logged */
	uint64_t allowed[BITMAP_WORDS(SYSCALL_MAX)]; /* [i] the chain allows these with all arguments */
	struct bpf_op program[];                     /* [i] */
};

static inline struct seccomp_filter *seccomp_newest(const struct thread *t)
{
	return atomic_load_explicit(&t->seccomp.newest, memory_order_acquire);
}

/* Is what a filter made of a call to be logged?  `asked`: by the filter's flag. */
bool seccomp_action_is_logged(uint32_t action, bool asked);
