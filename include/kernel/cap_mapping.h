/* SPDX-License-Identifier: BSD-2-Clause */
/* Mappings made through a capability: revoked with it, whether or not its descriptor is still there. */
#pragma once

#include <kernel/compiler.h>

struct capability;
struct vm_grant;
struct vm_object;

/* A grant for areas of `object`, which is reached through `cap`: a child of that capability, which lives as
 * long as an area has the grant.  `cap` is in use.  The caller's reference goes back with vm_grant_put().
 * -EBADF: revoked meanwhile; -ENOMEM. */
int cap_mapping_create(struct capability *cap, struct vm_object *object, struct vm_grant **out) __must_check;

void cap_mapping_init(void);
