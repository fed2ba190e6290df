/* SPDX-License-Identifier: BSD-2-Clause */
/* What every switch of contexts does, inline: fpu.c and tls.c say more about the state. */
#pragma once

#include <arch/context.h>
#include <arch/cpu.h>
#include <kernel/percpu.h>

#include "cpu.h"
#include "debug_regs.h"
#include "x86.h"

/* --- vector registers --- */

/* XCR0: what there is to save.  As instructions take it, in two halves. */
extern union fpu_features {
	uint64_t all;
	struct {
		uint32_t low, high;
	};
} fpu_features;

static inline void fpu_save(void *area)
{
	uint32_t low = fpu_features.low, high = fpu_features.high;

	if (cpu_features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
	else if (cpu_features.xsave)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static inline void fpu_load(const void *area)
{
	uint32_t low = fpu_features.low, high = fpu_features.high;

	if (cpu_features.xsave)
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

static inline void fpu_switch(struct arch_context *from, struct arch_context *to)
{
	if (from->fpu)
		fpu_save(from->fpu);
	if (to->fpu)
		fpu_load(to->fpu);
}

/* --- thread pointers --- */

static inline uint64_t tls_fs_read(void)
{
	uint64_t base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static inline void tls_fs_write(uint64_t base)
{
	__asm__ volatile("wrfsbase %0" : : "r"(base));
}

/* Interrupts off.  An NMI between the two SWAPGS finds its own way: see paranoid_common. */
static inline uint64_t tls_gs_read(void)
{
	uint64_t base;

	__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(base) : : "memory");
	return base;
}

static inline void tls_gs_write(uint64_t base)
{
	__asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(base) : "memory");
}

static inline void tls_switch_by_instruction(struct arch_context *from, struct arch_context *to)
{
	uint64_t fs = tls_fs_read(), gs = tls_gs_read();

	from->fs_base = fs;
	from->gs_base = gs;
	if (to->fs_base != fs)
		tls_fs_write(to->fs_base);
	if (to->gs_base != gs)
		tls_gs_write(to->gs_base);
}

static inline void tls_load_by_msr(const struct arch_context *to)
{
	struct arch_cpu *cpu = arch_this_cpu()->arch;

	if (cpu->fs_base_user != to->fs_base) {
		cpu->fs_base_user = to->fs_base;
		msr_write(MSR_FS_BASE, to->fs_base);
	}
	if (cpu->gs_base_user != to->gs_base) {
		cpu->gs_base_user = to->gs_base;
		msr_write(MSR_KERNEL_GS_BASE, to->gs_base);
	}
}

static inline void tls_switch(struct arch_context *from, struct arch_context *to)
{
	if (cpu_features.fsgsbase)
		tls_switch_by_instruction(from, to);
	else
		tls_load_by_msr(to);
}

/* --- both --- */

/* Between programs without breakpoints, where the processor has what is quickest. */
static inline void switch_state_quickly(struct arch_context *from, struct arch_context *to)
{
	__asm__ volatile("xsaveopt64 (%0); xrstor64 (%1)"
			 :
			 : "r"(from->quick), "r"(to->quick), "a"(fpu_features.low), "d"(fpu_features.high)
			 : "memory");
	tls_switch_by_instruction(from, to);
}

static inline bool switch_is_quick(const struct arch_context *from, const struct arch_context *to)
{
	return likely(from->quick && to->quick);
}

static inline void switch_state_slowly(struct arch_context *from, struct arch_context *to)
{
	if (unlikely(from->debug || to->debug))
		debug_regs_switch(from->debug, to->debug);
	fpu_switch(from, to);
	tls_switch(from, to);
}
