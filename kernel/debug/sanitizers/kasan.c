/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address sanitizer's runtime: what compiled code calls (names and arguments are the compiler's, see
 * gcc's asan.c and libsanitizer's interface), and what the allocators call.  Not itself checked.
 */
#include <kernel/kasan.h>

#include <arch/paging.h>
#include <arch/shadow.h>
#include <kernel/boot_info.h>
#include <kernel/panic.h>
#include <kernel/pmm.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <serix/errno.h>

#define GRAIN 8ul

extern char __kernel_start[], __kernel_end[];
extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

/* What the compiler hands over for every global variable. */
struct asan_global {
	const void *address;
	size_t size;
	size_t size_with_redzone;
	const char *name;
	const char *module;
	size_t dynamic_init;
	const void *location;
	uintptr_t odr_indicator;
};

static bool reporting;

/* --- shadow ----------------------------------------------------------------------------------------- */

static void set_shadow(const void *addr, size_t size, uint8_t value)
{
	uint8_t *shadow = shadow_of((uint64_t)addr);
	uint8_t *end = shadow_of((uint64_t)addr + size);

	while (shadow < end)
		*shadow++ = value;
}

void kasan_poison(const void *addr, size_t size, enum kasan_why why)
{
	/* Before kasan_init() all of the shadow is one page. */
	if (reporting)
		set_shadow(addr, ALIGN_UP(size, GRAIN), (uint8_t)why);
}

void kasan_unpoison(const void *addr, size_t size)
{
	if (!reporting)
		return;
	set_shadow(addr, ALIGN_DOWN(size, GRAIN), 0);
	if (size % GRAIN)
		*shadow_of((uint64_t)addr + size) = (uint8_t)(size % GRAIN);
}

/* The first byte of the range that must not be touched; 0: none. */
static uint64_t first_bad(uint64_t addr, size_t size)
{
	for (uint64_t at = addr; at < addr + size; at = ALIGN_DOWN(at, GRAIN) + GRAIN) {
		uint64_t last = MIN(ALIGN_DOWN(at, GRAIN) + GRAIN, addr + size) - 1;
		int8_t open = (int8_t)*shadow_of(at);

		if (open != 0 && (int8_t)(last % GRAIN) >= open)
			return open > 0 ? MAX(at, ALIGN_DOWN(at, GRAIN) + (uint64_t)open) : at;
	}
	return 0;
}

static const char *reason(uint64_t addr)
{
	uint8_t value = *shadow_of(addr);

	if (value > 0 && value < GRAIN) /* the reason stands in the next one */
		value = *shadow_of(addr + GRAIN);
	switch (value) {
	case KASAN_STACK_LEFT:
	case KASAN_STACK_MIDDLE:
	case KASAN_STACK_RIGHT:
	case KASAN_ALLOCA_LEFT:
	case KASAN_ALLOCA_RIGHT:
		return "outside of a variable on the stack";
	case KASAN_STACK_SCOPE:
		return "a variable on the stack after its scope";
	case KASAN_GLOBAL:
		return "outside of a global variable";
	case KASAN_FREED_OBJECT:
		return "an object after it was freed";
	case KASAN_FREED_FRAME:
		return "a frame after it was freed";
	}
	return "outside of an object";
}

static void check(uint64_t addr, size_t size, bool write, const void *caller)
{
	uint64_t bad;

	if (!reporting || size == 0 || addr < KERNEL_BASE)
		return;
	bad = first_bad(addr, size);
	if (!bad)
		return;
	reporting = false; /* the report itself must get through */
	panic("kasan: %s of %zu bytes at %#lx by %p: %s", write ? "write" : "read", size, addr, caller,
	      reason(bad));
}

void kasan_check(const void *addr, size_t size, bool write)
{
	check((uint64_t)addr, size, write, __builtin_return_address(0));
}

/* --- start ------------------------------------------------------------------------------------------ */

static void populate(uint64_t start, uint64_t end)
{
	if (arch_shadow_populate((uint64_t)shadow_of(start), (uint64_t)shadow_of(end - 1) + 1) < 0)
		panic("kasan: no memory for the shadow: it takes an eighth of all memory");
}

static bool becomes_memory(uint32_t type)
{
	return type == BOOT_REGION_USABLE || type == BOOT_REGION_KERNEL || type == BOOT_REGION_MODULE ||
	       type == BOOT_REGION_BOOT_RECLAIMABLE;
}

void kasan_init(void)
{
	arch_shadow_init();
	populate((uint64_t)__kernel_start, (uint64_t)__kernel_end);
	for (uint32_t i = 0; i < boot_info.region_count; i++) {
		const struct boot_region *r = &boot_info.regions[i];

		if (becomes_memory(r->type))
			populate((uint64_t)phys_to_virt(r->base),
				 (uint64_t)phys_to_virt(r->base + r->length));
	}
	reporting = true;
	for (void (*const *f)(void) = __init_array_start; f < __init_array_end; f++)
		(*f)();
	pr_info("kasan: on, %lu MiB of shadow", pmm_total_memory() >> 23);
}

int kasan_map(uint64_t start, uint64_t end)
{
	int err;

	if (!reporting)
		return 0;
	err = arch_shadow_populate((uint64_t)shadow_of(start), (uint64_t)shadow_of(end - 1) + 1);
	if (err == 0)
		kasan_unpoison((const void *)start, end - start);
	return err;
}

/* --- called by compiled code ------------------------------------------------------------------------ */

#define DEFINE_ACCESS(size)                                            \
	void __asan_load##size##_noabort(uint64_t addr);               \
	void __asan_load##size##_noabort(uint64_t addr)                \
	{                                                              \
		check(addr, size, false, __builtin_return_address(0)); \
	}                                                              \
	void __asan_store##size##_noabort(uint64_t addr);              \
	void __asan_store##size##_noabort(uint64_t addr)               \
	{                                                              \
		check(addr, size, true, __builtin_return_address(0));  \
	}                                                              \
	void __asan_report_load##size##_noabort(uint64_t addr);        \
	void __asan_report_load##size##_noabort(uint64_t addr)         \
	{                                                              \
		check(addr, size, false, __builtin_return_address(0)); \
	}                                                              \
	void __asan_report_store##size##_noabort(uint64_t addr);       \
	void __asan_report_store##size##_noabort(uint64_t addr)        \
	{                                                              \
		check(addr, size, true, __builtin_return_address(0));  \
	}
DEFINE_ACCESS(1)
DEFINE_ACCESS(2)
DEFINE_ACCESS(4)
DEFINE_ACCESS(8)
DEFINE_ACCESS(16)

#define DEFINE_ACCESS_N(name, write)                                   \
	void name(uint64_t addr, size_t size);                         \
	void name(uint64_t addr, size_t size)                          \
	{                                                              \
		check(addr, size, write, __builtin_return_address(0)); \
	}
DEFINE_ACCESS_N(__asan_loadN_noabort, false)
DEFINE_ACCESS_N(__asan_storeN_noabort, true)
DEFINE_ACCESS_N(__asan_report_load_n_noabort, false)
DEFINE_ACCESS_N(__asan_report_store_n_noabort, true)

void __asan_register_globals(const struct asan_global *globals, size_t n);
void __asan_register_globals(const struct asan_global *globals, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct asan_global *g = &globals[i];
		size_t open = ALIGN_UP(g->size, GRAIN);

		kasan_unpoison(g->address, g->size);
		kasan_poison((const char *)g->address + open, g->size_with_redzone - open, KASAN_GLOBAL);
	}
}

void __asan_unregister_globals(const struct asan_global *globals, size_t n);
void __asan_unregister_globals(const struct asan_global *globals, size_t n)
{
	(void)globals, (void)n; /* the kernel does not end */
}

/* The frames up to the stack's top will not be returned from: their marks go. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
	uint64_t here = ALIGN_DOWN((uint64_t)__builtin_frame_address(0), GRAIN);
	struct task *task = current_task();
	uint64_t bottom = task ? (uint64_t)task->kernel_stack : 0;

	if (bottom && here - bottom < KERNEL_STACK_SIZE)
		kasan_unpoison((const void *)here, bottom + KERNEL_STACK_SIZE - here);
}

void __asan_alloca_poison(uint64_t addr, size_t size);
void __asan_alloca_poison(uint64_t addr, size_t size)
{
	(void)addr, (void)size; /* -Wvla: there are none */
}

void __asan_allocas_unpoison(const void *top, const void *bottom);
void __asan_allocas_unpoison(const void *top, const void *bottom)
{
	(void)top, (void)bottom;
}
