/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments and the task-state segment, one set per CPU.
 *
 * The GDT ends up in read-only memory: the accessed bits are set from the start and LTR's busy bit is
 * written before the seal, so the CPU never needs to write it.  The TSS stays writable: each context
 * switch stores the stack for interrupts from user mode in it.
 */
#include "cpu.h"

#include <arch/paging.h>
#include <kernel/panic.h>
#include <kernel/vmalloc.h>
#include <kernel/sched.h>
#include <serix/errno.h>

#include "x86.h"

#define DESC_KERNEL_CODE 0x00af9b000000ffffull
#define DESC_KERNEL_DATA 0x00cf93000000ffffull
#define DESC_USER_DATA   0x00cff3000000ffffull
#define DESC_USER_CODE   0x00affb000000ffffull
#define DESC_CPU_NUMBER  0x0040f10000000000ull /* user data that cannot be written */
#define DESC_TSS         0x0000890000000000ull

#define EARLY_IST_SIZE 4096

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __packed;

static uint64_t gdts[MAX_CPUS][GDT_ENTRIES] __ro_after_init __aligned(64);
static struct arch_cpu cpu0_arch __aligned(64);
/* Until the allocators work; deep enough for a panic. */
static uint8_t early_ist[IST_COUNT][EARLY_IST_SIZE] __initdata __aligned(16);

/* The top words of an IST stack name its CPU: see paranoid_common in entry.asm. */
static uint64_t ist_top(void *stack, size_t size, struct cpu *cpu)
{
	uint64_t *top = (uint64_t *)((char *)stack + size);

	top[-2] = (uint64_t)cpu;
	return (uint64_t)(top - 2);
}

static void gdt_fill(uint64_t *gdt, const struct tss *tss, uint32_t cpu)
{
	uint64_t base = (uint64_t)tss, limit = sizeof(*tss) - 1;

	gdt[SEL_KERNEL_CODE / 8] = DESC_KERNEL_CODE;
	gdt[SEL_KERNEL_DATA / 8] = DESC_KERNEL_DATA;
	/* SEL_USER32_CODE stays absent: there is no 32-bit user mode. */
	gdt[SEL_USER_DATA / 8] = DESC_USER_DATA;
	gdt[SEL_USER_CODE / 8] = DESC_USER_CODE;
	gdt[SEL_TSS / 8] = DESC_TSS | limit | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	gdt[SEL_TSS / 8 + 1] = base >> 32;
	gdt[SEL_CPU_NUMBER / 8] = DESC_CPU_NUMBER | cpu;
}

static void gdt_load(const uint64_t *gdt)
{
	struct table_pointer pointer = { GDT_ENTRIES * sizeof(*gdt) - 1, (uint64_t)gdt };

	/* Loading FS or GS clears its base; both are null already and are left alone. */
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %2, %%eax\n\t"
			 "movl %%eax, %%ss\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "lldt %%ax"
			 :
			 : "m"(pointer), "i"(SEL_KERNEL_CODE), "i"(SEL_KERNEL_DATA)
			 : "rax", "memory");
}

static void fill_tables(struct cpu *cpu)
{
	cpu->arch->gdt = gdts[cpu->id];
	cpu->arch->tss.io_map = sizeof(struct tss); /* none: every port access in user mode faults */
	gdt_fill(cpu->arch->gdt, &cpu->arch->tss, cpu->id);
}

void gdt_load_cpu(struct cpu *cpu)
{
	gdt_load(cpu->arch->gdt);
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
}

void gdt_init_boot_cpu(struct cpu *cpu)
{
	cpu->arch = &cpu0_arch;
	fill_tables(cpu);
	for (unsigned i = 0; i < IST_COUNT; i++)
		cpu->arch->tss.ist[i] = ist_top(early_ist[i], EARLY_IST_SIZE, cpu);
	gdt_load_cpu(cpu);
}

static int alloc_ist_stacks(struct cpu *cpu)
{
	for (unsigned i = 0; i < IST_COUNT; i++) {
		void *stack = kstack_alloc();

		if (!stack)
			return -ENOMEM;
		cpu->arch->tss.ist[i] = ist_top(stack, KERNEL_STACK_SIZE, cpu);
	}
	return 0;
}

void gdt_set_ist_stacks(struct cpu *cpu)
{
	if (alloc_ist_stacks(cpu) < 0)
		panic("out of memory for the interrupt stacks of the boot CPU");
}

int gdt_prepare_cpu(struct cpu *cpu)
{
	fill_tables(cpu);
	return alloc_ist_stacks(cpu);
}
