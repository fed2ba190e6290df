/* SPDX-License-Identifier: BSD-2-Clause */
/* String routines that the kernel has and the host's C library lacks.  Weak: the real ones win. */
#include <stddef.h>
#include <string.h>

#define WEAK __attribute__((weak))

WEAK size_t strlcpy(char *dst, const char *src, size_t size);
WEAK size_t strlcat(char *dst, const char *src, size_t size);

WEAK size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		size_t n = len < size ? len : size - 1;

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

WEAK size_t strlcat(char *dst, const char *src, size_t size)
{
	size_t used = strnlen(dst, size);

	return used + strlcpy(dst + used, src, size - used);
}
