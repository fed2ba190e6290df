/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys by the kernel's own calls: musl has none for them. */
#pragma once

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <serix/abi_keys.h>

static inline long key_add(const char *type, const char *description, const void *payload, size_t size,
			   long keyring)
{
	return syscall(SYS_add_key, type, description, payload, size, keyring);
}

static inline long key_request(const char *type, const char *description, const char *callout, long keyring)
{
	return syscall(SYS_request_key, type, description, callout, keyring);
}

#define keyctl(operation, a, b, c, d) \
	syscall(SYS_keyctl, (long)(operation), (long)(a), (long)(b), (long)(c), (long)(d))

static inline long keyring_id(long special, int create)
{
	return keyctl(KEYCTL_GET_KEYRING_ID, special, create, 0, 0);
}

static inline long session_join(const char *name)
{
	return keyctl(KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0);
}
