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
#define FXSAVE_XMM         160
#define XMM_SIZE           16u
#define XMM_COUNT          16u

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

static void write_initial(void *area)
{
	static const uint16_t fcw = FCW_DEFAULT;
	static const uint32_t mxcsr = MXCSR_DEFAULT;

	/* A header of zeros says that all parts are in their initial state: the rest is not looked at. */
	memset(area, 0, MIN(area_size, (size_t)FXSAVE_SIZE + XSAVE_HEADER_SIZE));
	memcpy((char *)area + FXSAVE_FCW, &fcw, sizeof(fcw));
	memcpy((char *)area + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
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
	area_cache = slab_create("fpu", area_size, XSAVE_ALIGN);
	scratch = slab_alloc_zeroed(area_cache);
	if (!scratch)
		panic("out of memory for the FPU");
	__asm__ volatile("fxsave64 (%0)" : : "r"(scratch) : "memory");
	memcpy(&mxcsr_mask, (char *)scratch + FXSAVE_MXCSR_MASK, sizeof(mxcsr_mask));
	if (mxcsr_mask == 0)
		mxcsr_mask = MXCSR_MASK_DEFAULT;
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
	return 0;
}

void arch_fpu_free(struct arch_context *ctx)
{
	if (ctx->fpu)
		slab_free(area_cache, ctx->fpu);
	ctx->fpu = NULL;
}

const void *fpu_save_current(void)
{
	void *area = arch_current_task()->context.fpu;

	/* Not XSAVEOPT: it leaves parts in their initial state unwritten, and programs read all of it. */
	if (cpu_features.xsave)
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(area), "a"(fpu_features.low), "d"(fpu_features.high)
				 : "memory");
	else
		fpu_save(area);
	return area;
}

void *fpu_exchange_current(void *area)
{
	struct arch_context *ctx = &arch_current_task()->context;
	void *former = ctx->fpu;

	ctx->fpu = area;
	fpu_load(area);
	return former;
}

void *fpu_scratch_alloc(void)
{
	return slab_alloc(area_cache);
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
	fpu_save(from->context.fpu);
	memcpy(to->context.fpu, from->context.fpu, area_size);
	arch_irq_restore(flags);
}

/* --- messages in registers ---------------------------------------------------------------------------- */

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

/* Its XMM registers were all zero when they were saved, so what lies in their place is older. */
static __noinline void begin_and_store(char *area, uint64_t *xstate_bv, size_t size)
{
	memset(area + FXSAVE_XMM, 0, (size_t)XMM_COUNT * XMM_SIZE);
	*xstate_bv |= XFEATURE_SSE;
	message_store(area + FXSAVE_XMM, size);
}

/*
 * The saved image of `to` in its standard format (SDM vol. 1, 13.4): XMM0 lies at 160 in the legacy region
 * whether XSAVE or FXSAVE wrote it, and counts if bit 1 of XSTATE_BV says so.  MXCSR is valid at any time
 * (13.7), the upper halves of YMM are a part of their own.  The next XRSTOR reads all of it anew, so nothing
 * that XSAVEOPT might leave out later is lost (13.9: only what was not modified since that XRSTOR).
 */
void arch_message_pass(struct task *to, size_t size)
{
	char *area = to->context.fpu;
	uint64_t *xstate_bv = (uint64_t *)(area + FXSAVE_SIZE);

	DEBUG_ASSERT(!atomic_load_explicit(&to->on_cpu, memory_order_relaxed));
	if (cpu_features.xsave && unlikely(!(*xstate_bv & XFEATURE_SSE)))
		begin_and_store(area, xstate_bv, size);
	else
		message_store(area + FXSAVE_XMM, size);
}
