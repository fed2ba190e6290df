/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting other processors (Intel SDM vol. 3, 9.4.4) and interrupting them.
 *
 * INIT-SIPI-SIPI sends a processor to the trampoline, which ends in smp_arch_main() on the stack of its
 * idle task.  One is started at a time.  One that did not answer in time gets another INIT, which puts it
 * back to waiting, so that it cannot wake up later with the next one's parameters.
 */
#include <arch/smp.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/platform.h>
#include <kernel/boot_info.h>
#include <kernel/panic.h>
#include <kernel/pmm.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <serix/errno.h>

#include "apic.h"
#include "cpu.h"
#include "mce.h"
#include "paging_priv.h"
#include "smp.h"
#include "tsc.h"
#include "vectors.h"
#include "x86.h"

#define LOW_END         0xa0000ull /* real mode's memory ends where the display's begins */
#define INIT_SETTLE_US  10000
#define SIPI_GAP_US     200
#define ANSWER_MS       2000u
#define ANSWER_MS_LATER 50u /* once one has not answered: a table full of them must not hold up the start */
#define XAPIC_ID_MAX    0xfeu

/* arch_cpu.start_state, written by the processor that starts. */
enum start_state {
	START_WAITING,
	START_RUNNING,
	START_UNFIT, /* lacks features that the boot CPU has and uses */
};

static paddr_t low_page = PADDR_NONE; /* holds the trampoline; 0 < low_page < LOW_END */
static paddr_t low_root;              /* of the page table that maps it */
static bool somebody_failed;

static bool can_address(uint32_t apic)
{
	return cpu_features.x2apic || apic <= XAPIC_ID_MAX;
}

bool arch_cpu_is_this(uint32_t index)
{
	return platform.cpus[index].apic_id == apic_id();
}

/* --- the page below 1 MiB --------------------------------------------------------------------------- */

/* No part of the kernel uses memory below 1 MiB, so what the map calls usable there is free. */
static paddr_t find_low_page(void)
{
	for (uint32_t i = 0; i < boot_info.region_count; i++) {
		const struct boot_region *r = &boot_info.regions[i];
		uint64_t page = ALIGN_UP(MAX(r->base, (uint64_t)PAGE_SIZE), PAGE_SIZE);

		if ((r->type == BOOT_REGION_USABLE || r->type == BOOT_REGION_BOOT_RECLAIMABLE) &&
		    page + PAGE_SIZE <= MIN(r->base + r->length, LOW_END))
			return page;
	}
	return PADDR_NONE;
}

/* All at once, so that the time they take to settle passes once. */
static void send_inits(void)
{
	for (uint32_t i = 0; i < platform.cpu_count; i++) {
		const struct platform_cpu *p = &platform.cpus[i];

		if (p->enabled && can_address(p->apic_id) && !arch_cpu_is_this(i))
			apic_send_init(p->apic_id);
	}
	delay_us(INIT_SETTLE_US);
}

static int prepare_trampoline(void)
{
	paddr_t page;

	if (low_page != PADDR_NONE)
		return 0;
	page = find_low_page();
	if (page == PADDR_NONE) {
		pr_err("smp: the memory map has no page below 640 KiB to start other processors in");
		return -ENOMEM;
	}
	low_root = paging_start_root(page);
	if (low_root == PADDR_NONE)
		return -ENOMEM;
	memcpy(phys_to_virt(page), trampoline_start, (size_t)(trampoline_end - trampoline_start));
	low_page = page;
	send_inits();
	return 0;
}

static void fill_parameters(struct cpu *cpu)
{
	struct start_parameters *p =
		phys_to_virt(low_page + (uint64_t)(trampoline_parameters - trampoline_start));

	*p = (struct start_parameters){
		.root = low_root,
		.kernel_root = arch_pt_kernel_root(),
		.cpu = cpu,
		.stack = cpu->kernel_stack,
		.exit = trampoline_exit,
	};
}

/* --- on the boot CPU -------------------------------------------------------------------------------- */

static bool answered(struct cpu *cpu, uint64_t timeout_us)
{
	uint64_t end = time_now_ns() + timeout_us * NSEC_PER_USEC;

	while (atomic_load_explicit(&cpu->arch->start_state, memory_order_acquire) == START_WAITING) {
		if (time_now_ns() >= end)
			return false;
		arch_cpu_relax();
	}
	return true;
}

static void send_start(struct cpu *cpu, uint32_t apic)
{
	uint8_t page = (uint8_t)(low_page >> PAGE_SHIFT);

	fill_parameters(cpu);
	apic_send_startup(apic, page);
	if (answered(cpu, SIPI_GAP_US))
		return;
	apic_send_startup(apic, page);
	(void)answered(cpu, (somebody_failed ? ANSWER_MS_LATER : ANSWER_MS) * 1000);
}

static int outcome(struct cpu *cpu)
{
	switch (atomic_load_explicit(&cpu->arch->start_state, memory_order_acquire)) {
	case START_RUNNING:
		return 0;
	case START_UNFIT:
		return -ENOTSUP;
	}
	return -ETIMEDOUT;
}

static int prepare_cpu(struct cpu *cpu)
{
	int err;

	cpu->self = cpu;
	cpu->kernel_stack = (uint64_t)cpu->current->kernel_stack + KERNEL_STACK_SIZE;
	cpu->canary = cpu->current->canary;
	if (cpu->arch) /* prepared for one that did not answer */
		return 0;
	cpu->arch = kzalloc(sizeof(*cpu->arch));
	if (!cpu->arch)
		return -ENOMEM;
	err = gdt_prepare_cpu(cpu);
	if (err < 0) {
		kfree(cpu->arch);
		cpu->arch = NULL;
	}
	return err;
}

int arch_cpu_start(struct cpu *cpu, uint32_t index)
{
	uint32_t apic = platform.cpus[index].apic_id;
	int err = prepare_trampoline();

	if (err < 0)
		return err;
	if (!can_address(apic)) {
		pr_warn("smp: APIC id %u needs x2APIC, which this machine lacks", apic);
		return -ENOTSUP;
	}
	err = prepare_cpu(cpu);
	if (err < 0)
		return err;
	cpu->arch->apic_id = apic;
	cpu->arch->start_state = START_WAITING;
	tsc_prepare();
	send_start(cpu, apic);
	err = outcome(cpu);
	if (err == 0)
		err = tsc_answer(cpu);
	if (err < 0) {
		apic_send_init(apic);
		somebody_failed = true;
	}
	return err;
}

void arch_start_finish(void)
{
	if (low_page == PADDR_NONE)
		return;
	memset(phys_to_virt(low_page), 0, PAGE_SIZE);
	paging_free_start_root(low_root, low_page);
	low_page = PADDR_NONE;
}

/* --- on the new one --------------------------------------------------------------------------------- */

void smp_arch_main(struct cpu *cpu)
{
	if (!features_match()) {
		atomic_store_explicit(&cpu->arch->start_state, START_UNFIT, memory_order_release);
		arch_cpu_halt();
	}
	features_enable_cpu();
	paging_init_cpu();
	gdt_load_cpu(cpu);
	idt_load();
	fpu_init_cpu();
	syscall_init_cpu();
	mce_init_cpu();
	apic_init_cpu();
	timer_init_cpu();
	features_check();
	atomic_store_explicit(&cpu->arch->start_state, START_RUNNING, memory_order_release);
	tsc_compare(cpu);
	smp_cpu_main();
}

/* --- interrupting ----------------------------------------------------------------------------------- */

void arch_ipi_send(uint32_t cpu, enum ipi ipi)
{
	apic_send_ipi(cpus[cpu]->arch->apic_id, VECTOR_IPI + ipi);
}
