/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor's life: start-up in the order of <arch/cpu.h>, idling, halting, resetting. */
#include <arch/cpu.h>

#include <arch/io.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>

#include "apic.h"
#include "cpu.h"
#include "mce.h"
#include "x86.h"

#define MSR_SYSENTER_CS 0x174

#define KBC_STATUS      0x64
#define KBC_INPUT_FULL  0x02
#define KBC_PULSE_RESET 0xfe
#define RESET_CONTROL   0xcf9
#define RESET_PREPARE   0x02
#define RESET_DO        0x06

void arch_cpu_init_early(void)
{
	features_detect();
	text_enable_smap();
	features_enable_cpu();
	gdt_init_boot_cpu(arch_this_cpu());
	idt_init();
	fpu_detect();
	fpu_init_cpu();
}

void syscall_init_cpu(void)
{
	msr_write(MSR_STAR, (uint64_t)SEL_USER32_CODE << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
	msr_write(MSR_LSTAR, (uint64_t)syscall_entry);
	/* No 32-bit doors: SYSENTER faults, and there is no code segment for a 32-bit SYSCALL. */
	msr_write(MSR_CSTAR, 0);
	msr_write(MSR_SYSENTER_CS, 0);
	msr_write(MSR_FMASK, FLAGS_IF | FLAGS_DF | FLAGS_TF | FLAGS_AC | FLAGS_NT | FLAGS_IOPL | FLAGS_RF);
	if (cpu_features.rdtscp)
		msr_write(MSR_TSC_AUX, arch_this_cpu()->id);
}

static const char *if_set(bool feature, const char *name)
{
	return feature ? name : "";
}

static void announce(void)
{
	const struct cpu_features *f = &cpu_features;

	pr_info("cpu: %s%s%s%s%s%s%s%s%s%s", f->brand[0] ? f->brand : f->vendor, if_set(f->smep, " smep"),
		if_set(f->smap, " smap"), if_set(f->umip, " umip"), if_set(f->fsgsbase, " fsgsbase"),
		if_set(f->xsave, " xsave"), if_set(f->xsaveopt, " xsaveopt"), if_set(f->x2apic, " x2apic"),
		if_set(f->pcid, " pcid"), if_set(f->invpcid, " invpcid"));
}

void arch_cpu_init(void)
{
	struct cpu *cpu = arch_this_cpu();

	gdt_set_ist_stacks(cpu);
	fpu_init();
	signal_frame_init();
	syscall_init_cpu();
	mce_init_cpu();
	features_check();
	spin_choose_waiting(!cpu_features.hypervisor);
	announce();
}

void arch_seal(void)
{
	features_check();
	paging_seal();
}

void arch_sync_core(void)
{
	/* A serializing instruction: SDM vol. 3A, 8.3. */
	(void)cpuid(0, 0);
}

void arch_cpu_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}

static void reset_by_keyboard_controller(void)
{
	for (unsigned i = 0; i < 10000 && (arch_in8(KBC_STATUS) & KBC_INPUT_FULL); i++)
		arch_cpu_relax();
	arch_out8(KBC_STATUS, KBC_PULSE_RESET);
}

static void reset_by_triple_fault(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed none = { 0, 0 };

	__asm__ volatile("lidt %0; int3" : : "m"(none));
}

static void settle(void)
{
	for (unsigned i = 0; i < 100000; i++)
		arch_cpu_relax();
}

void arch_reset(void)
{
	arch_irq_disable();
	reset_by_keyboard_controller();
	settle();
	arch_out8(RESET_CONTROL, RESET_PREPARE);
	arch_out8(RESET_CONTROL, RESET_DO);
	settle();
	reset_by_triple_fault();
	arch_cpu_halt();
}

/* Intel asks for ten tries of RDRAND; RDSEED runs dry more often and RDRAND covers for it. */
#define RANDOM_TRIES 10

#define DEFINE_RANDOM(instruction)                                                                   \
	static bool instruction(uint64_t *out)                                                       \
	{                                                                                            \
		for (unsigned i = 0; i < RANDOM_TRIES; i++) {                                        \
			bool ok;                                                                     \
			__asm__ volatile(#instruction " %0" : "=r"(*out), "=@ccc"(ok) : : "memory"); \
			if (ok)                                                                      \
				return true;                                                         \
			arch_cpu_relax();                                                            \
		}                                                                                    \
		return false;                                                                        \
	}
DEFINE_RANDOM(rdseed)
DEFINE_RANDOM(rdrand)

static bool random_word(uint64_t *out)
{
	if (cpu_features.rdseed && rdseed(out))
		return true;
	/* Some CPUs give all ones and "success" after a resume: no entropy, so none of it is counted. */
	return cpu_features.rdrand && rdrand(out) && *out != UINT64_MAX;
}

size_t arch_random(void *buf, size_t len)
{
	size_t done = 0;
	uint64_t word;

	while (done < len && random_word(&word)) {
		size_t n = MIN(len - done, sizeof(word));

		__builtin_memcpy((char *)buf + done, &word, n);
		done += n;
	}
	return done;
}
