/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The undefined-behaviour sanitizer's runtime: every kind of finding panics with the place in the source.
 * Names and layouts are the compilers' (libubsan's ubsan_handlers.h).
 */
#include <kernel/compiler.h>
#include <kernel/panic.h>

struct place {
	const char *file;
	uint32_t line, column;
};

static void __noreturn found(const struct place *where, const char *what)
{
	panic("ubsan: %s at %s:%u:%u", what, where->file, where->line, where->column);
}

/* Each handler's first argument starts with the place. */
#define HANDLER(name, what, ...)                                           \
	void __ubsan_handle_##name(const struct place *where __VA_ARGS__); \
	void __ubsan_handle_##name(const struct place *where __VA_ARGS__)  \
	{                                                                  \
		found(where, what);                                        \
	}
#define ONE , uintptr_t a __unused
#define TWO , uintptr_t a __unused, uintptr_t b __unused

HANDLER(add_overflow, "addition overflows", TWO)
HANDLER(sub_overflow, "subtraction overflows", TWO)
HANDLER(mul_overflow, "multiplication overflows", TWO)
HANDLER(negate_overflow, "negation overflows", ONE)
HANDLER(divrem_overflow, "division overflows or divides by zero", TWO)
HANDLER(shift_out_of_bounds, "shift by more than the type has bits", TWO)
HANDLER(out_of_bounds, "index out of bounds", ONE)
HANDLER(vla_bound_not_positive, "array of no positive length", ONE)
HANDLER(load_invalid_value, "value that the type does not have", ONE)
HANDLER(type_mismatch_v1, "null, misaligned or too small object", ONE)
HANDLER(pointer_overflow, "pointer arithmetic overflows", TWO)
HANDLER(nonnull_arg, "null argument", )
HANDLER(invalid_builtin, "builtin with an invalid argument", )
HANDLER(builtin_unreachable, "place that cannot be reached", )
