/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for the kernel's own when Frama-C reads its sources: an assertion is to be proven. */
#pragma once

/* clang-format off */
/*@ requires never: \false;
    assigns \nothing;
    ensures \false; */
/* clang-format on */
void assertion_fails(void);

#define ASSERT(condition) ((condition) ? (void)0 : assertion_fails())
