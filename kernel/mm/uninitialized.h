/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A local buffer that is left as it is on entry: clearing a large one would cost more than the work on it.
 * The function must write what it reads. */
#define __uninitialized __attribute__((uninitialized))
