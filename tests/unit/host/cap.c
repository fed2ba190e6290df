/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities without tokens and without an audit trail, for tests of the rest. */
#include <kernel/cap.h>

#include "kernel/cap/cap_priv.h"

#define WEAK __attribute__((weak))

WEAK void cap_audit(enum cap_event event, struct capability *cap, const char *what)
{
	(void)event, (void)cap, (void)what;
}

WEAK void cap_token_init(void) {}

WEAK void cap_token_forget(struct capability *cap)
{
	(void)cap;
}
