/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel address sanitizer (`make SAN=kasan`): one shadow byte for every 8 bytes of kernel memory says
 * how many of them may be touched.  The compiler checks every access; the allocators say what is what.
 *
 * Shadow byte: 0 all eight bytes, 1 to 7 only the first ones, negative none (why: enum below).  Builds
 * without it compile all of this away.
 */
#pragma once

#include <kernel/compiler.h>

enum kasan_why { /* values of shadow bytes; the first ones are the compiler's */
		 KASAN_STACK_LEFT = 0xf1,
		 KASAN_STACK_MIDDLE = 0xf2,
		 KASAN_STACK_RIGHT = 0xf3,
		 KASAN_STACK_SCOPE = 0xf8,
		 KASAN_GLOBAL = 0xf9,
		 KASAN_ALLOCA_LEFT = 0xca,
		 KASAN_ALLOCA_RIGHT = 0xcb,
		 KASAN_FREED_OBJECT = 0xfb,
		 KASAN_REDZONE = 0xfc,
		 KASAN_FREED_FRAME = 0xff,
};

#ifdef SERIX_KASAN
/* Back the shadow of RAM and image by memory of its own and start to report. */
void kasan_init(void);
/* [addr, addr+size): addr a multiple of 8; a tail of `unpoison` that is not stays partly closed. */
void kasan_poison(const void *addr, size_t size, enum kasan_why why);
void kasan_unpoison(const void *addr, size_t size);
/* What routines that the compiler does not check are about to touch. */
void kasan_check(const void *addr, size_t size, bool write);
/* Kernel virtual memory gets pages: their shadow, too.  -ENOMEM. */
int kasan_map(uint64_t start, uint64_t end) __must_check;
#define KASAN_STACK_FACTOR 2ul /* checked frames are larger */
#else
#define KASAN_STACK_FACTOR 1ul
static inline void kasan_init(void) {}
static inline void kasan_poison(const void *addr, size_t size, enum kasan_why why)
{
	(void)addr, (void)size, (void)why;
}
static inline void kasan_unpoison(const void *addr, size_t size)
{
	(void)addr, (void)size;
}
static inline void kasan_check(const void *addr, size_t size, bool write)
{
	(void)addr, (void)size, (void)write;
}
static inline __must_check int kasan_map(uint64_t start, uint64_t end)
{
	(void)start, (void)end;
	return 0;
}
#endif
