/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this processor can do, and the protections that follow from it.
 *
 * CR0, CR4 and EFER have bits that must never go away once set ("pinned"): features_check() compares.
 * After start-up CR4 is written only to flush the TLB (arch_tlb_flush_all()), which puts back what it read.
 */
#include "cpu.h"

#include <arch/aes.h>
#include <arch/cpu.h>
#include <kernel/cmdline.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "x86.h"

struct cpu_features cpu_features __ro_after_init;

static uint64_t pinned_cr0 __ro_after_init;
static uint64_t pinned_cr4 __ro_after_init;

#define BIT(value, n) (((value) >> (n)) & 1)

static void detect_names(struct cpu_features *f)
{
	struct cpuid id = cpuid(0, 0);
	uint32_t signature;

	f->max_leaf = id.eax;
	memcpy(f->vendor, &id.ebx, 4);
	memcpy(f->vendor + 4, &id.edx, 4);
	memcpy(f->vendor + 8, &id.ecx, 4);
	f->max_ext_leaf = cpuid(0x80000000, 0).eax;
	for (uint32_t i = 0; f->max_ext_leaf >= 0x80000004 && i < 3; i++) {
		id = cpuid(0x80000002 + i, 0);
		memcpy(f->brand + i * sizeof(id), &id, sizeof(id));
	}
	signature = cpuid(1, 0).eax;
	f->stepping = signature & 0xf;
	f->model = signature >> 4 & 0xf;
	f->family = signature >> 8 & 0xf;
	if (f->family == 6 || f->family == 15)
		f->model |= (signature >> 16 & 0xf) << 4;
	if (f->family == 15)
		f->family += signature >> 20 & 0xff;
}

static void detect_leaf1(struct cpu_features *f)
{
	struct cpuid id = cpuid(1, 0);

	f->apic = BIT(id.edx, 9);
	f->mce = BIT(id.edx, 7);
	f->mca = BIT(id.edx, 14);
	f->pcid = BIT(id.ecx, 17) && !cmdline_has("nopcid");
	f->x2apic = BIT(id.ecx, 21);
	f->tsc_deadline = BIT(id.ecx, 24);
	f->aes = BIT(id.ecx, 25);
	f->xsave = BIT(id.ecx, 26);
	f->rdrand = BIT(id.ecx, 30);
	f->hypervisor = BIT(id.ecx, 31);
}

static void detect_leaf7(struct cpu_features *f)
{
	struct cpuid id;

	if (f->max_leaf < 7)
		return;
	id = cpuid(7, 0);
	f->fsgsbase = BIT(id.ebx, 0);
	f->tsc_adjust = BIT(id.ebx, 1);
	f->smep = BIT(id.ebx, 7);
	f->invpcid = BIT(id.ebx, 10);
	f->rdseed = BIT(id.ebx, 18);
	f->smap = BIT(id.ebx, 20);
	f->umip = BIT(id.ecx, 2);
}

static void detect_extended(struct cpu_features *f)
{
	f->phys_bits = 36;
	f->virt_bits = 48;
	if (f->max_ext_leaf >= 0x80000001) {
		struct cpuid id = cpuid(0x80000001, 0);

		f->page_1g = BIT(id.edx, 26);
		f->rdtscp = BIT(id.edx, 27);
	}
	if (f->max_ext_leaf >= 0x80000007)
		f->tsc_invariant = BIT(cpuid(0x80000007, 0).edx, 8);
	if (f->max_ext_leaf >= 0x80000008) {
		struct cpuid id = cpuid(0x80000008, 0);

		f->phys_bits = (uint8_t)id.eax;
		f->virt_bits = (uint8_t)(id.eax >> 8);
	}
	if (f->xsave && f->max_leaf >= 0xd)
		f->xsaveopt = BIT(cpuid(0xd, 1).eax, 0);
	f->quick_switch = f->fsgsbase && f->xsaveopt;
}

static void detect(struct cpu_features *f)
{
	detect_names(f);
	detect_leaf1(f);
	detect_leaf7(f);
	detect_extended(f);
}

static void choose_pinned(const struct cpu_features *f)
{
	pinned_cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_DE;
	pinned_cr4 |= f->smep ? CR4_SMEP : 0;
	pinned_cr4 |= f->smap ? CR4_SMAP : 0;
	pinned_cr4 |= f->umip ? CR4_UMIP : 0;
	pinned_cr4 |= f->fsgsbase ? CR4_FSGSBASE : 0;
	pinned_cr4 |= f->xsave ? CR4_OSXSAVE : 0;
	pinned_cr4 |= f->mce ? CR4_MCE : 0;
	pinned_cr4 |= f->pcid ? CR4_PCIDE : 0; /* wants an identifier of 0 in CR3 when it is set */
	pinned_cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_AM;
}

void features_detect(void)
{
	detect(&cpu_features);
	choose_pinned(&cpu_features);
}

bool features_match(void)
{
	const struct cpu_features *boot = &cpu_features;
	struct cpu_features own = { 0 };

	detect(&own);
	return own.smep >= boot->smep && own.smap >= boot->smap && own.umip >= boot->umip &&
	       own.fsgsbase >= boot->fsgsbase && own.rdtscp >= boot->rdtscp && own.xsave >= boot->xsave &&
	       own.xsaveopt >= boot->xsaveopt && own.aes >= boot->aes && own.apic &&
	       own.x2apic >= boot->x2apic && own.tsc_deadline >= boot->tsc_deadline && own.mce >= boot->mce &&
	       own.phys_bits >= boot->phys_bits && own.pcid >= boot->pcid && own.invpcid >= boot->invpcid &&
	       (!own.xsave || (cpuid(0xd, 0).eax & fpu_xfeatures()) == fpu_xfeatures());
}

bool arch_has_aes(void)
{
	return cpu_features.aes;
}

void features_enable_cpu(void)
{
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NXE | EFER_SCE);
	cr0_write((cr0_read() & ~(CR0_EM | CR0_TS | CR0_NW | CR0_CD)) | pinned_cr0);
	cr4_write(pinned_cr4);
}

void features_check(void)
{
	if ((cr0_read() & pinned_cr0) != pinned_cr0 || (cr4_read() & pinned_cr4) != pinned_cr4 ||
	    !(msr_read(MSR_EFER) & EFER_NXE))
		panic("CPU %u lost a protection: CR0 %#lx CR4 %#lx EFER %#lx", arch_this_cpu()->id,
		      cr0_read(), cr4_read(), msr_read(MSR_EFER));
}

extern const int32_t __smap_begin_start[], __smap_begin_end[];
extern const int32_t __smap_end_start[], __smap_end_end[];

static void patch(const int32_t *from, const int32_t *to, uint8_t opcode)
{
	for (const int32_t *site = from; site < to; site++) {
		uint8_t *code = (uint8_t *)site + *site;

		code[0] = 0x0f;
		code[1] = 0x01;
		code[2] = opcode;
	}
}

/* Turn the placeholders of USER_ACCESS_BEGIN and _END into STAC and CLAC.  The text is read-only even
 * now, so write protection is lifted for as long as it takes: one CPU runs, interrupts off. */
void text_enable_smap(void)
{
	if (!cpu_features.smap)
		return;
	cr0_write(cr0_read() & ~CR0_WP);
	patch(__smap_begin_start, __smap_begin_end, 0xcb);
	patch(__smap_end_start, __smap_end_end, 0xca);
	cr0_write(cr0_read() | CR0_WP);
	cpuid(0, 0); /* serialises: no stale instruction is executed */
}
