/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests on registers: whole sets in the layouts of <arch/elf_regs.h>, or words of struct user. */
#include <arch/elf_regs.h>
#include <arch/step.h>
#include <arch/usercopy.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#include "ptrace_priv.h"

/* Types of notes in core files. */
#define NT_PRSTATUS   1
#define NT_PRFPREG    2
#define NT_X86_XSTATE 0x202

struct regset {
	size_t size;
	void (*get)(struct task *task, void *out);
	int (*set)(struct task *task, const void *in, size_t size);
};

static int find_regset(uint64_t type, struct regset *out)
{
	switch (type) {
	case NT_PRSTATUS:
		*out = (struct regset){ ARCH_ELF_GREGS_SIZE, arch_elf_gregs, arch_elf_set_gregs };
		return 0;
	case NT_PRFPREG:
		*out = (struct regset){ ARCH_ELF_FPREGS_SIZE, arch_elf_fpregs, arch_elf_set_fpregs };
		return 0;
	case NT_X86_XSTATE:
		*out = (struct regset){ arch_elf_xstate_size(), arch_elf_xstate, arch_elf_set_xstate };
		return out->size ? 0 : -ENODEV;
	}
	return -EINVAL;
}

static int64_t get_set(struct thread *t, const struct regset *set, uaddr_t to, size_t size)
{
	char *buf = kzalloc(set->size);
	int err;

	if (!buf)
		return -ENOMEM;
	set->get(&t->task, buf);
	err = copy_to_user(to, buf, size);
	kfree(buf);
	return err;
}

/* Of a set that is given in part the rest stays as it is. */
static int64_t put_set(struct thread *t, const struct regset *set, uaddr_t from, size_t size)
{
	char *buf = kzalloc(set->size);
	int err;

	if (!buf)
		return -ENOMEM;
	set->get(&t->task, buf);
	err = copy_from_user(buf, from, size);
	if (err == 0)
		err = set->set(&t->task, buf, size);
	kfree(buf);
	return err;
}

static int64_t whole_set(struct thread *t, uint64_t type, uaddr_t data, bool put)
{
	struct regset set;
	int err = find_regset(type, &set);

	if (err < 0)
		return err;
	return put ? put_set(t, &set, data, set.size) : get_set(t, &set, data, set.size);
}

static int64_t by_iovec(struct thread *t, uint64_t type, uaddr_t data, bool put)
{
	struct abi_iovec iov;
	struct regset set;
	int64_t err = copy_from_user(&iov, data, sizeof(iov));

	if (err < 0)
		return err;
	err = find_regset(type, &set);
	if (err < 0)
		return err;
	if (iov.len % sizeof(uint64_t) != 0)
		return -EINVAL;
	iov.len = MIN(iov.len, (uint64_t)set.size);
	err = put ? put_set(t, &set, (uaddr_t)iov.base, iov.len)
		  : get_set(t, &set, (uaddr_t)iov.base, iov.len);
	if (err < 0)
		return err;
	return put_user_u64(data + offsetof(struct abi_iovec, len), iov.len);
}

/* Words of struct user: general registers, then much that is always 0, then debug registers. */
static int64_t peek_user(struct thread *t, uint64_t offset, uaddr_t data)
{
	uint64_t regs[ARCH_ELF_GREGS_SIZE / sizeof(uint64_t)], value;

	if (offset % sizeof(uint64_t) != 0 || offset >= ARCH_USER_SIZE)
		return -EIO;
	if (offset < sizeof(regs)) {
		arch_elf_gregs(&t->task, regs);
		value = regs[index_nospec(offset / sizeof(uint64_t), ARRAY_SIZE(regs))];
	} else {
		value = arch_debug_register(&t->task, offset);
	}
	return put_user_u64(data, value);
}

static int64_t poke_user(struct thread *t, uint64_t offset, uint64_t value)
{
	uint64_t regs[ARCH_ELF_GREGS_SIZE / sizeof(uint64_t)];

	if (offset % sizeof(uint64_t) != 0 || offset >= ARCH_USER_SIZE)
		return -EIO;
	if (offset >= sizeof(regs))
		return arch_set_debug_register(&t->task, offset, value);
	arch_elf_gregs(&t->task, regs);
	regs[index_nospec(offset / sizeof(uint64_t), ARRAY_SIZE(regs))] = value;
	return arch_elf_set_gregs(&t->task, regs, sizeof(regs));
}

int64_t ptrace_registers(struct thread *t, enum ptrace_request request, uint64_t addr, uaddr_t data)
{
	switch (request) {
	case PTRACE_PEEKUSER:
		return peek_user(t, addr, data);
	case PTRACE_POKEUSER:
		return poke_user(t, addr, data);
	case PTRACE_GETREGS:
	case PTRACE_SETREGS:
		return whole_set(t, NT_PRSTATUS, data, request == PTRACE_SETREGS);
	case PTRACE_GETFPREGS:
	case PTRACE_SETFPREGS:
		return whole_set(t, NT_PRFPREG, data, request == PTRACE_SETFPREGS);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return by_iovec(t, addr, data, request == PTRACE_SETREGSET);
	default:
		return -EIO;
	}
}
