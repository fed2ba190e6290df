/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ASSERT is always on: cheap checks of kernel invariants, never of anything a user can cause.
 * DEBUG_ASSERT costs nothing in release builds.
 */
#pragma once

#include <kernel/compiler.h>

void assert_failed(const char *expr, const char *file, int line) __noreturn;

#define ASSERT(e)                                              \
	do {                                                   \
		if (unlikely(!(e)))                            \
			assert_failed(#e, __FILE__, __LINE__); \
	} while (0)

#ifdef SERIX_DEBUG
#define DEBUG_ASSERT(e) ASSERT(e)
#else
#define DEBUG_ASSERT(e) ((void)sizeof(e))
#endif
