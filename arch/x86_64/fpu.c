/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x87, SSE and AVX state, switched eagerly.  The kernel itself uses none of it, so in a task's system calls
 * the registers still hold its state; a task without an area (a kernel thread) never has any.
 *
 * The area has the standard XSAVE format, which is also what signal frames show to programs.
 */
#include "cpu.h"

#include <arch/context.h>
#include <arch/message.h>
#include <kernel/assert.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <serix/errno.h>

#include "switch.h"
#include "x86.h"

#define XFEATURE_X87     (1ull << 0)
#define XFEATURE_SSE     (1ull << 1)
#define XFEATURE_AVX     (1ull << 2)
#define XFEATURE_AVX512  (7ull << 5)
#define XFEATURES_WANTED (XFEATURE_X87 | XFEATURE_SSE | XFEATURE_AVX | XFEATURE_AVX512)

#define FXSAVE_SIZE        512u
#define XSAVE_HEADER_SIZE  64u
#define XSAVE_ALIGN        64u
#define FCW_DEFAULT        0x037f
#define MXCSR_DEFAULT      0x1f80
#define MXCSR_MASK_DEFAULT 0xffbf
#define FXSAVE_FCW         0
#define FXSAVE_MXCSR       24
#define FXSAVE_MXCSR_MASK  28

static size_t area_size __ro_after_init;
union fpu_features fpu_features __ro_after_init;
static uint32_t mxcsr_mask __ro_after_init;
static struct slab_cache *area_cache __ro_after_init;
static void *initial_state __ro_after_init; /* what a program starts with */

size_t fpu_area_size(void)
{
	return area_size;
}

uint64_t fpu_xfeatures(void)
{
	return fpu_features.all;
}

uint32_t fpu_mxcsr_mask(void)
{
	return mxcsr_mask;
}

/* FXSAVE has no header, but message_pass looks there whether XMM registers were saved: they are. */
static void say_what_fxsave_saves(void *area)
{
	static const uint64_t xstate_bv = XFEATURE_X87 | XFEATURE_SSE;

	if (!cpu_features.xsave)
		memcpy((char *)area + FXSAVE_SIZE, &xstate_bv, sizeof(xstate_bv));
}

/* `area` is all zero, and a header of zeros says that all parts are in their initial state: the rest is not
 * looked at. */
static void write_initial(void *area)
{
	static const uint16_t fcw = FCW_DEFAULT;
	static const uint32_t mxcsr = MXCSR_DEFAULT;

	memcpy((char *)area + FXSAVE_FCW, &fcw, sizeof(fcw));
	memcpy((char *)area + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
	say_what_fxsave_saves(area);
}

void fpu_detect(void)
{
	if (!cpu_features.xsave)
		return;
	fpu_features.all = cpuid(0xd, 0).eax & XFEATURES_WANTED;
	/* AVX-512 comes in three parts that XSETBV takes together or not at all. */
	if ((fpu_features.all & XFEATURE_AVX512) != XFEATURE_AVX512)
		fpu_features.all &= ~XFEATURE_AVX512;
}

void fpu_init_cpu(void)
{
	__asm__ volatile("fninit");
	if (cpu_features.xsave)
		__asm__ volatile("xsetbv" : : "c"(0), "a"(fpu_features.low), "d"(fpu_features.high));
}

void fpu_init(void)
{
	void *scratch;

	area_size = cpu_features.xsave ? cpuid(0xd, 0).ebx : FXSAVE_SIZE;
	ASSERT(area_size >= FXSAVE_SIZE && area_size <= 2 * PAGE_SIZE);
	area_cache = slab_create("fpu", MAX(area_size, (size_t)FXSAVE_SIZE + XSAVE_HEADER_SIZE), XSAVE_ALIGN);
	scratch = slab_alloc_zeroed(area_cache);
	if (!scratch)
		panic("out of memory for the FPU");
	__asm__ volatile("fxsave64 (%0)" : : "r"(scratch) : "memory");
	memcpy(&mxcsr_mask, (char *)scratch + FXSAVE_MXCSR_MASK, sizeof(mxcsr_mask));
	if (mxcsr_mask == 0)
		mxcsr_mask = MXCSR_MASK_DEFAULT;
	memset(scratch, 0, (size_t)FXSAVE_SIZE + XSAVE_HEADER_SIZE);
	write_initial(scratch);
	initial_state = scratch;
}

int arch_fpu_alloc(struct arch_context *ctx)
{
	/* Zeroed: signal frames show all of it, gaps included. */
	ctx->fpu = slab_alloc_zeroed(area_cache);
	if (!ctx->fpu)
		return -ENOMEM;
	write_initial(ctx->fpu);
	ctx->quick = cpu_features.quick_switch ? ctx->fpu : NULL;
	return 0;
}

void arch_fpu_free(struct arch_context *ctx)
{
	if (ctx->fpu)
		slab_free(area_cache, ctx->fpu);
	ctx->fpu = ctx->quick = NULL;
}

/* Not XSAVEOPT: it leaves parts in their initial state unwritten, and programs read all of it. */
static void fpu_save_all(void *area)
{
	if (cpu_features.xsave)
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(area), "a"(fpu_features.low), "d"(fpu_features.high)
				 : "memory");
	else
		fpu_save(area);
}

const void *fpu_save_current(void)
{
	void *area = arch_current_task()->context.fpu;

	fpu_save_all(area);
	return area;
}

void *fpu_exchange_current(void *area)
{
	struct arch_context *ctx = &arch_current_task()->context;
	void *former = ctx->fpu;

	ctx->fpu = area;
	if (ctx->quick)
		ctx->quick = area;
	fpu_load(area);
	return former;
}

void *fpu_scratch_alloc(void)
{
	void *area = slab_alloc(area_cache);

	if (area)
		say_what_fxsave_saves(area);
	return area;
}

void fpu_scratch_free(void *scratch)
{
	slab_free(area_cache, scratch);
}

void arch_fpu_reset(struct task *task)
{
	uint64_t flags = arch_irq_save();

	ASSERT(task == arch_current_task());
	fpu_load(initial_state);
	arch_irq_restore(flags);
}

void arch_fpu_copy(struct task *to, struct task *from)
{
	uint64_t flags = arch_irq_save();

	ASSERT(from == arch_current_task());
	fpu_save_all(to->context.fpu);
	arch_irq_restore(flags);
}

/* --- messages in registers: also message.asm --------------------------------------------------------- */

void arch_message_store(void *buffer, size_t size)
{
	message_store(buffer, size);
}

void arch_message_load(const void *buffer, size_t size)
{
	uint8_t all[ARCH_MESSAGE_SIZE] = { 0 };

	memcpy(all, buffer, size);
	message_load(all);
}
