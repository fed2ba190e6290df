/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Break the kernel in the way that panic_test= names, to prove that it is noticed and well reported.
 * Returns when the command line asks for nothing. */
void panic_test(void);
