/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters to wait for: eventfd(2). */
#pragma once

#include <kernel/compiler.h>
#include <kernel/types.h>

struct file;

/* -EINVAL: no such flag; -ENOMEM. */
int eventfd_create(uint32_t count, uint32_t flags, struct file **out) __must_check;

bool file_is_eventfd(const struct file *file);
/* Add to an eventfd as much of `more` as fits.  Any context. */
void eventfd_signal(struct file *file, uint64_t more);
