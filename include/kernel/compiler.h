/* SPDX-License-Identifier: BSD-2-Clause */
/* What every file may use: attributes, size arithmetic, single accesses to shared memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __must_check   __attribute__((warn_unused_result))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __noreturn     __attribute__((noreturn))
#define __used         __attribute__((used))
#define __unused       __attribute__((unused))
#define __noinline     __attribute__((noinline))
/* For functions without arrays on the shortest ways: nothing of theirs can be written past its end. */
#define __no_stack_protector __attribute__((no_stack_protector))
/* The size of what is returned: the product of the arguments with these numbers. */
#define __alloc_size(...) __attribute__((alloc_size(__VA_ARGS__)))
#undef __always_inline /* the host's libc has one of its own */
#define __always_inline inline __attribute__((always_inline))
#define __packed        __attribute__((packed))
#define __aligned(n)    __attribute__((aligned(n)))

/* Memory that start-up gives back once the first program runs. */
#define __init     __attribute__((section(".init.text"), cold))
#define __initdata __attribute__((section(".init.data")))
/* Written during start-up, mapped read-only before the first program runs. */
#define __ro_after_init __attribute__((section(".data.ro_after_init")))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Each argument is evaluated once.  The numbered names let the macros nest. */
#define MIN(a, b)          PICK_(a, <, b, __COUNTER__)
#define MAX(a, b)          PICK_(a, >, b, __COUNTER__)
#define PICK_(a, op, b, n) PICK__(a, op, b, n)
#define PICK__(a, op, b, n)                     \
	({                                      \
		__typeof__(a) a_##n = (a);      \
		__typeof__(b) b_##n = (b);      \
		a_##n op b_##n ? a_##n : b_##n; \
	})

/* `align` is a power of two.  ALIGN_UP wraps near the top: check first where the input is hostile. */
#define ALIGN_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))
#define ALIGN_UP(x, align)   ALIGN_DOWN((x) + ((__typeof__(x))(align)-1), align)
#define IS_ALIGNED(x, align) (((x) & ((__typeof__(x))(align)-1)) == 0)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* One access, neither torn nor repeated, for fields that another CPU may change. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* For an index that a program chose, behind the check that it is below `size`: the index again, or 0 where
 * the processor ran ahead of that check with one too large.  No branch that could be guessed. */
static __always_inline uint64_t index_nospec(uint64_t index, uint64_t size)
{
	uint64_t below = index;

	__asm__("" : "+r"(below)); /* the compiler knows the range here and would drop all this */
	below = ~(uint64_t)((int64_t)(below | (size - 1 - below)) >> 63);
	return index & below;
}

/* The same for numbers of 32 bits, whose difference has a sign. */
static __always_inline uint32_t index_nospec32(uint32_t index, uint32_t size)
{
	uint64_t wide = index;

	__asm__("" : "+r"(wide));
	return (uint32_t)(wide & (uint64_t)((int64_t)(wide - size) >> 63));
}

#define add_overflows(a, b, out) __builtin_add_overflow(a, b, out)
#define mul_overflows(a, b, out) __builtin_mul_overflow(a, b, out)
#define sub_overflows(a, b, out) __builtin_sub_overflow(a, b, out)
