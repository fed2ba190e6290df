/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string routines.  Bulk moves go by 8 bytes; on CPUs with fast string instructions the
 * page-sized hot paths use arch_clear_page and arch_copy_page instead.
 */
#include <kernel/string.h>

#include <kernel/compiler.h>
#include <kernel/kasan.h>
#include <serix/errno.h>

/* A word at any address: the compiler may not assume alignment or type. */
struct word {
	uint64_t v;
} __packed __attribute__((may_alias));

struct half_word {
	uint32_t v;
} __packed __attribute__((may_alias));

/* Up to seven bytes, by pieces that overlap: no loop for what is mostly a short name. */
static inline void copy_few(char *d, const char *s, size_t n)
{
	if (n >= 4) {
		uint32_t last = ((const struct half_word *)(s + n - 4))->v;

		((struct half_word *)d)->v = ((const struct half_word *)s)->v;
		((struct half_word *)(d + n - 4))->v = last;
	} else if (n > 0) {
		char middle = s[n / 2], last = s[n - 1];

		d[0] = s[0];
		d[n / 2] = middle;
		d[n - 1] = last;
	}
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	char *d = dst;
	const char *s = src;

	kasan_check(dst, n, true);
	kasan_check(src, n, false);
	for (; n >= 32; n -= 32, d += 32, s += 32) {
		uint64_t a = ((const struct word *)s)[0].v, b = ((const struct word *)s)[1].v;
		uint64_t c = ((const struct word *)s)[2].v, e = ((const struct word *)s)[3].v;

		((struct word *)d)[0].v = a;
		((struct word *)d)[1].v = b;
		((struct word *)d)[2].v = c;
		((struct word *)d)[3].v = e;
	}
	for (; n >= 8; n -= 8, d += 8, s += 8)
		((struct word *)d)->v = ((const struct word *)s)->v;
	copy_few(d, s, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	kasan_check(dst, n, true);
	kasan_check(src, n, false);
	if (d == s || n == 0)
		return dst;
	if (d < s) {
		/* Forward is safe for words too: each is read before anything at or above it is written. */
		for (; n >= 8; n -= 8, d += 8, s += 8)
			((struct word *)d)->v = ((const struct word *)s)->v;
		while (n--)
			*d++ = *s++;
		return dst;
	}
	for (; n >= 8; n -= 8)
		((struct word *)(d + n - 8))->v = ((const struct word *)(s + n - 8))->v;
	while (n--)
		d[n] = s[n];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	uint64_t fill = (uint8_t)c * 0x0101010101010101ull;
	char *d = dst;

	kasan_check(dst, n, true);
	for (; n >= 32; n -= 32, d += 32) {
		((struct word *)d)[0].v = fill;
		((struct word *)d)[1].v = fill;
		((struct word *)d)[2].v = fill;
		((struct word *)d)[3].v = fill;
	}
	for (; n >= 8; n -= 8, d += 8)
		((struct word *)d)->v = fill;
	copy_few(d, (const char *)&fill, n);
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n >= 8 && ((const struct word *)x)->v == ((const struct word *)y)->v; n -= 8, x += 8, y += 8)
		;
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const uint8_t *p = s;

	for (; n; n--, p++)
		if (*p == (uint8_t)c)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--, a++, b++)
		;
	return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}

char *strstr(const char *haystack, const char *needle)
{
	size_t len = strlen(needle);

	for (; *haystack; haystack++)
		if (strncmp(haystack, needle, len) == 0)
			return (char *)haystack;
	return len ? NULL : (char *)haystack;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		size_t n = MIN(len, size - 1);

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

size_t strlcat(char *dst, const char *src, size_t size)
{
	size_t used = strnlen(dst, size);

	return used + strlcpy(dst + used, src, size - used);
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

int parse_u64(const char *s, const char **end, uint64_t *out)
{
	int base = 10;
	uint64_t value = 0;
	const char *start;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16) {
		base = 16;
		s += 2;
	}
	for (start = s; digit_value(*s) < base; s++)
		if (mul_overflows(value, (uint64_t)base, &value) ||
		    add_overflows(value, (uint64_t)digit_value(*s), &value))
			return -ERANGE;
	if (s == start)
		return -EINVAL;
	if (end)
		*end = s;
	*out = value;
	return 0;
}
