/* SPDX-License-Identifier: BSD-2-Clause */
/* The framebuffer terminal, for the keyboard beside it. */
#pragma once

#include <kernel/compiler.h>

/* Did the program ask for application cursor keys (DECCKM)?  Any context. */
bool fbterm_application_cursor(void);
