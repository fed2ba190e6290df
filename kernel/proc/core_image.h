/* SPDX-License-Identifier: BSD-2-Clause */
/* A core as an ELF file: header, program headers, notes, memory.  core(5), elf(5). */
#pragma once

#include <kernel/process.h>

struct file;

struct core_source {
	struct process *process;
	struct vm_space *vm;
	const struct abi_siginfo *info; /* what ended it */
	struct thread **threads;        /* the dumper first; all others stand still */
	uint32_t thread_count;
	uint64_t limit; /* bytes that the file may have: the rest is left out */
};

/* 0, or why the core is not whole: -EFBIG, -EINTR (SIGKILL), -ENOMEM, -ENOSPC, ... */
int core_image_write(struct file *file, const struct core_source *source);
