/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting other processors: what the trampoline, which runs on them first, is given.  Private. */
#pragma once

#include <kernel/types.h>

struct cpu;

/* Read by trampoline.asm. */
struct start_parameters {
	uint64_t root;        /* below 4 GiB: maps the trampoline's page at its own address, and the kernel */
	uint64_t kernel_root; /* taken once the trampoline's page is left */
	struct cpu *cpu;
	uint64_t stack;     /* top of the idle task's stack */
	void (*exit)(void); /* trampoline_exit */
};

extern const char trampoline_start[], trampoline_parameters[], trampoline_end[];
void trampoline_exit(void);

/* In C on the new processor, from trampoline_exit; does not return. */
void smp_arch_main(struct cpu *cpu) __attribute__((noreturn));
