/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals to read: signalfd(2). */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct file;

/* -EINVAL: no such flag; -ENOMEM. */
int signalfd_create(uint64_t mask, uint32_t flags, struct file **out) __must_check;
bool file_is_signalfd(const struct file *file);
/* From now on these signals. */
void signalfd_set(struct file *file, uint64_t mask);
