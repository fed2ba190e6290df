/* SPDX-License-Identifier: BSD-2-Clause */
/* An exec in progress: everything about the new program until it replaces the old one. */
#pragma once

#include <kernel/elf.h>
#include <kernel/program_policy.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>

#include "proc_priv.h"

#define EXEC_HEAD_SIZE   256u /* what is looked at to tell the format */
#define EXEC_NESTING_MAX 5u   /* scripts that interpret scripts */

struct exec {
	struct exec_args *args;
	const char *name;        /* as given to execve: AT_EXECFN and the process's name */
	struct path path;        /* [referenced] the file looked at now */
	struct vnode *vnode;     /* path's; denied for writing */
	struct path asked;       /* of a script: what exec was called with.  Referenced, or NULL in it */
	struct path interp_path; /* of the dynamic linker, likewise */
	struct program_limits limits;
	char head[EXEC_HEAD_SIZE];
	size_t head_size;

	char *prefix[2 * EXEC_NESTING_MAX + 1]; /* arguments that scripts put in front, last first; owned */
	uint32_t prefix_count;
	bool replaced_argv0;

	struct elf_image image;
	uint64_t base; /* what is added to image addresses */
	bool has_interp;
	struct elf_image interp;
	uint64_t interp_base;

	uint64_t vdso;       /* where the vDSO's header is */
	struct vm_space *vm; /* the new address space; owned until it is installed */
	uaddr_t stack_pointer;
	struct credentials cred;
	uint32_t cred_changes; /* the process's when they were chosen */
	bool no_new_privs;     /* likewise */
	bool watched;          /* likewise: its tracer may not have what the program would gain */
	uint32_t persona;      /* the thread's as it will be */
	bool secure;           /* AT_SECURE */
	bool gains;            /* it has rights that its caller has not, or had not when it was started */
	bool unreadable;       /* its caller may run it, and not read it */
};

/* exec_image.c: read, check and map.  -ENOEXEC, -ENOMEM, -EACCES (writable and executable, where
 * that is not allowed). */
int exec_read(struct vnode *vnode, uint64_t offset, void *buf, size_t len);
int exec_load_program(struct exec *x);
int exec_load_interp(struct exec *x, struct vnode *vnode);

/* exec_stack.c: strings, auxiliary vector, stack pointer. */
int exec_build_stack(struct exec *x);
