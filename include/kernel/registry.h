/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pulse: names of ports.  Behind a name is a capability that the registry holds, derived from the one that
 * the port was registered with; who connects gets one derived from it.  So whoever can revoke that one takes
 * back the name and all that was ever handed out under it.  The registry cannot receive: no name keeps a
 * port alive.
 */
#pragma once

#include <kernel/cap.h>

struct port;

/* Give the port that `via`, which is in use, names a name.  -EINVAL (not a name), -EEXIST, -EPIPE (it is
 * dead), -EBADF, -EMLINK, -ENOMEM, -ENOSPC (too many names). */
int registry_add(struct capability *via, const char *name) __must_check;
/* The port is dead: its names go. */
void registry_forget(struct port *port);
/* A capability to the port of that name, in `table`.  -ENOENT; else as cap_derive(). */
cap_handle_t registry_connect(const char *name, const struct cap_terms *terms,
			      struct cap_table *table) __must_check;
/* The first name whose number is *number or higher: into `name`, of PORT_NAME_MAX bytes, with *number
 * behind it. -ENOENT: none. */
int registry_next(uint64_t *number, char *name) __must_check;
