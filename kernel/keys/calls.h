/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of keyctl(2) that take or give user memory.  All are called without the lock, and return
 * what the call returns. */
#pragma once

#include "keys_priv.h"

int64_t keyctl_update(int32_t id, uaddr_t from, size_t size);
int64_t keyctl_join(uaddr_t name);
int64_t keyctl_search(int32_t keyring, uaddr_t type, uaddr_t description, int32_t destination);
int64_t keyctl_restrict(int32_t id, uaddr_t type, uaddr_t restriction);
int64_t keyctl_describe(int32_t id, uaddr_t to, size_t size);
int64_t keyctl_security(int32_t id, uaddr_t to, size_t size);
int64_t keyctl_read(int32_t id, uaddr_t to, size_t size);
int64_t keyctl_capabilities(uaddr_t to, size_t size);

/* Texts of the caller's; -EFAULT, -EINVAL: too long, -ENOMEM; of types also -EPERM. */
int keys_copy_type(char type[KEY_TYPE_MAX], uaddr_t from) __must_check;
int keys_copy_text(char **out, uaddr_t from, size_t size) __must_check;
