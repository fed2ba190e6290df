/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and keyrings. */
#include <kernel/syscall.h>

#include <kernel/keys.h>

/* lacks: types of keys but "user", "logon", "keyring" (ENODEV) */
SYSCALL(add_key)
{
	return key_add(ARG(0, uaddr_t), ARG(1, uaddr_t), ARG(2, uaddr_t), ARG(3, size_t), ARG(4, int32_t));
}

/* lacks: a helper program: what is not found answers as on a Linux without /sbin/request-key (ENOENT) */
SYSCALL(request_key)
{
	return key_request(ARG(0, uaddr_t), ARG(1, uaddr_t), ARG(2, uaddr_t), ARG(3, int32_t));
}

/*
 * takes: KEYCTL_* in key_control with_lock, else EOPNOTSUPP
 * lacks: cryptography (DH_COMPUTE, PKEY_*), WATCH_KEY: EOPNOTSUPP
 */
SYSCALL(keyctl)
{
	return key_control(ARG(0, int), &args->a[1]);
}
