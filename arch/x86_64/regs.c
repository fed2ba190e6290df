/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers as text, and walking stacks: what a panic shows. */
#include <arch/context.h>

#include <arch/paging.h>
#include <arch/probe.h>
#include <kernel/format.h>

#include "trap_priv.h"
#include "x86.h"

static const char *const exception_names[EXC_COUNT] = {
	[EXC_DIVIDE] = "divide error",
	[EXC_DEBUG] = "debug",
	[EXC_NMI] = "non-maskable interrupt",
	[EXC_BREAKPOINT] = "breakpoint",
	[EXC_OVERFLOW] = "overflow",
	[EXC_BOUND] = "bound range exceeded",
	[EXC_INVALID_OPCODE] = "invalid opcode",
	[EXC_NO_FPU] = "FPU not available",
	[EXC_DOUBLE_FAULT] = "double fault",
	[EXC_INVALID_TSS] = "invalid TSS",
	[EXC_NOT_PRESENT] = "segment not present",
	[EXC_STACK] = "stack segment fault",
	[EXC_PROTECTION] = "general protection fault",
	[EXC_PAGE_FAULT] = "page fault",
	[EXC_X87] = "x87 floating point",
	[EXC_ALIGNMENT] = "alignment check",
	[EXC_MACHINE_CHECK] = "machine check",
	[EXC_SIMD] = "SIMD floating point",
	[EXC_CONTROL] = "control protection",
};

const char *exception_name(uint64_t vector)
{
	if (vector < EXC_COUNT && exception_names[vector])
		return exception_names[vector];
	if (vector < EXC_COUNT)
		return "reserved exception";
	return vector < REGS_VECTOR_SYSCALL ? "interrupt" : "system call";
}

int arch_regs_describe(const struct arch_regs *r, char *buf, size_t size)
{
	int n;

	n = scnprintf(buf, size, "%s (vector %lu, error 0x%lx) in %s mode\n", exception_name(r->vector),
		      r->vector, r->error, arch_regs_user(r) ? "user" : "kernel");
	n += scnprintf(buf + n, size - n, "rip %04lx:%016lx rsp %04lx:%016lx flags %08lx\n", r->cs, r->rip,
		       r->ss, r->rsp, r->rflags);
	n += scnprintf(buf + n, size - n, "rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx,
		       r->rcx, r->rdx);
	n += scnprintf(buf + n, size - n, "rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi,
		       r->rbp, r->r8);
	n += scnprintf(buf + n, size - n, "r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10,
		       r->r11, r->r12);
	n += scnprintf(buf + n, size - n, "r13 %016lx r14 %016lx r15 %016lx\n", r->r13, r->r14, r->r15);
	n += scnprintf(buf + n, size - n, "cr0 %08lx cr2 %016lx cr3 %016lx cr4 %08lx\n", cr0_read(),
		       cr2_read(), cr3_read(), cr4_read());
	return n;
}

/* Each frame is the caller's frame pointer, then the return address.  Anything that does not look so ends
 * the walk; the reads are probes because the stack may be what is broken. */
size_t arch_backtrace(uint64_t frame_pointer, uintptr_t *out, size_t max)
{
	uint64_t next, address;
	size_t n = 0;

	while (n < max && frame_pointer >= KERNEL_BASE && IS_ALIGNED(frame_pointer, sizeof(uint64_t))) {
		if (!arch_probe_read((const void *)frame_pointer, &next) ||
		    !arch_probe_read((const void *)(frame_pointer + sizeof(uint64_t)), &address))
			break;
		if (address < KERNEL_BASE)
			break;
		out[n++] = address;
		/* Stacks grow down, so callers lie higher: a loop is impossible. */
		if (next <= frame_pointer)
			break;
		frame_pointer = next;
	}
	return n;
}
