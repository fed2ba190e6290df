/* SPDX-License-Identifier: BSD-2-Clause */
/* Confinements that end (kernel/proc/confine_expiry.c), for kernel/proc/confine.c. */
#pragma once

#include <kernel/confine.h>

void confine_expiry_init(void);
/* `c` ends at c->expires: everything that is confined by it then ends with it. */
void confine_expiry_add(struct confine *c);
/* The last reference is gone. */
void confine_expiry_remove(struct confine *c);
