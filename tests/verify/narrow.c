/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off: it would break the lines that tools read */
/*
 * kernel/cap/narrow.h by deductive proof, for all arguments: each right of what is derived is one of its
 * parent's and one that was asked for, and it ends no later than its parent, nor than asked for.
 *
 * check cap_fewer cap_earlier: rights never grow, expiry never lengthens
 * break BUG_RIGHTS: a right may be had that nobody has
 * break BUG_FOREVER: what never ends may come from what ends
 */
#include <stdint.h>

#ifdef BUG_RIGHTS
#define HAS(set, k) (((set) & (1 << (k))) == 0)
#else
#define HAS(set, k) (((set) & (1 << (k))) != 0)
#endif
/*@ assigns \nothing;
    ensures parent: \forall integer k; 0 <= k < 32 ==> HAS(\result, k) ==> HAS(have, k);
    ensures asked: \forall integer k; 0 <= k < 32 ==> HAS(\result, k) ==> HAS(pass, k);
    ensures all: \forall integer k; 0 <= k < 32 ==> HAS(have, k) ==> HAS(pass, k) ==> HAS(\result, k); */
static inline uint32_t cap_fewer(uint32_t have, uint32_t pass);

#ifdef BUG_FOREVER
#define ENDS(a) (a) == (a)
#else
#define ENDS(a) (a) != 0
#endif
/*@ assigns \nothing;
    ensures first: ENDS(a) ==> 0 < \result <= a;
    ensures second: ENDS(b) ==> 0 < \result <= b;
    ensures exact: \result == a || \result == b; */
static inline uint64_t cap_earlier(uint64_t a, uint64_t b);

#include "kernel/cap/narrow.h"
