/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up authority: what <serix/confine.h> and <serix/cap.h> describe, as functions.  Each returns what
 * the kernel answers. */
#pragma once

#include <stddef.h>

#include <serix/cap.h>
#include <serix/confine.h>

int cap_confine(const struct confinement *what, size_t size);
int cap_enter(unsigned flags);
int policy_load(const void *table, size_t size); /* <serix/policy.h> */
