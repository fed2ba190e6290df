/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and string routines with their C meaning.  No dependency: also built on the host. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);

/* Clear a secret for good: the compiler must not see that nobody reads it again. */
static inline void memwipe(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *haystack, const char *needle);

/* Copy what fits with its NUL; returns strlen(src), so >= size means that it was cut. */
size_t strlcpy(char *dst, const char *src, size_t size);
size_t strlcat(char *dst, const char *src, size_t size);

/* Parse a number in base 10, or 16 after "0x".  On success *out is set, *end (if not NULL) points
 * behind it.  -EINVAL: no digit; -ERANGE: does not fit. */
int parse_u64(const char *s, const char **end, uint64_t *out);
