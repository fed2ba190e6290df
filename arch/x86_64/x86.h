/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor's registers and instructions by name.  Private to arch/x86_64. */
#pragma once

#include <kernel/compiler.h>

#define CR0_MP (1ull << 1)
#define CR0_EM (1ull << 2)
#define CR0_TS (1ull << 3)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_NW (1ull << 29)
#define CR0_CD (1ull << 30)
#define CR0_PG (1ull << 31)

#define CR4_DE         (1ull << 3)
#define CR4_PAE        (1ull << 5)
#define CR4_MCE        (1ull << 6)
#define CR4_PGE        (1ull << 7)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP       (1ull << 11)
#define CR4_FSGSBASE   (1ull << 16)
#define CR4_PCIDE      (1ull << 17)
#define CR4_OSXSAVE    (1ull << 18)
#define CR4_SMEP       (1ull << 20)
#define CR4_SMAP       (1ull << 21)

#define FLAGS_CF   (1ull << 0)
#define FLAGS_ONE  (1ull << 1) /* always set */
#define FLAGS_TF   (1ull << 8)
#define FLAGS_IF   (1ull << 9)
#define FLAGS_DF   (1ull << 10)
#define FLAGS_IOPL (3ull << 12)
#define FLAGS_NT   (1ull << 14)
#define FLAGS_RF   (1ull << 16)
#define FLAGS_AC   (1ull << 18)
/* What a program may set by itself, and so what a signal frame may ask for: CF PF AF ZF SF TF DF OF RF AC. */
#define FLAGS_USER 0x50dd5ull
/* A tracer may set NT, too; what enters the kernel clears it. */
#define FLAGS_TRACER (FLAGS_USER | FLAGS_NT)

#define MSR_APIC_BASE      0x1b
#define MSR_TSC_ADJUST     0x3b
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_MCG_CAP        0x179
#define MSR_MCG_STATUS     0x17a
#define MSR_MCG_CTL        0x17b
#define MSR_PAT            0x277
#define MSR_MC0_CTL        0x400
#define MSR_MC0_STATUS     0x401
#define MSR_MC0_ADDR       0x402
#define MSR_X2APIC         0x800
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_FMASK          0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX        0xc0000103

#define EFER_SCE (1ull << 0)
#define EFER_NXE (1ull << 11)

/* Segment selectors, Linux's values: programs look at CS and SS in signal frames.  offsets.inc has them
 * for the entry code; the order USER32, USER_DATA, USER_CODE is SYSRET's. */
#define SEL_KERNEL_CODE 0x10
#define SEL_KERNEL_DATA 0x18
#define SEL_USER32_CODE 0x23
#define SEL_USER_DATA   0x2b
#define SEL_USER_CODE   0x33
#define SEL_TSS         0x40
#define SEL_CPU_NUMBER  0x53 /* its limit is the CPU's number: vdso/vdso.c */

/* Page-fault error code */
#define PF_PRESENT (1u << 0)
#define PF_WRITE   (1u << 1)
#define PF_USER    (1u << 2)
#define PF_RSVD    (1u << 3)
#define PF_FETCH   (1u << 4)

enum exception {
	EXC_DIVIDE,
	EXC_DEBUG,
	EXC_NMI,
	EXC_BREAKPOINT,
	EXC_OVERFLOW,
	EXC_BOUND,
	EXC_INVALID_OPCODE,
	EXC_NO_FPU,
	EXC_DOUBLE_FAULT,
	EXC_INVALID_TSS = 10,
	EXC_NOT_PRESENT,
	EXC_STACK,
	EXC_PROTECTION,
	EXC_PAGE_FAULT,
	EXC_X87 = 16,
	EXC_ALIGNMENT,
	EXC_MACHINE_CHECK,
	EXC_SIMD,
	EXC_CONTROL = 21,
	EXC_COUNT = 32,
};

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t msr_read(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

/* msr_safe.asm: for registers that may not be there.  False: a #GP. */
bool msr_try_read(uint32_t msr, uint64_t *out);
bool msr_try_write(uint32_t msr, uint64_t value);

#define DEFINE_CR(n)                                                               \
	static inline uint64_t cr##n##_read(void)                                  \
	{                                                                          \
		uint64_t value;                                                    \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(value) : : "memory"); \
		return value;                                                      \
	}                                                                          \
	static inline void cr##n##_write(uint64_t value)                           \
	{                                                                          \
		__asm__ volatile("mov %0, %%cr" #n : : "r"(value) : "memory");     \
	}
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
#undef DEFINE_CR

static inline uint64_t dr6_read(void)
{
	uint64_t value;

	__asm__ volatile("mov %%dr6, %0" : "=r"(value));
	return value;
}

static inline void dr6_write(uint64_t value)
{
	__asm__ volatile("mov %0, %%dr6" : : "r"(value));
}

static inline void dr7_write(uint64_t value)
{
	__asm__ volatile("mov %0, %%dr7" : : "r"(value) : "memory");
}
