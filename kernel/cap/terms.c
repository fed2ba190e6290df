/* SPDX-License-Identifier: BSD-2-Clause */
/* How a program says that a capability is to differ from the one that it is derived from. */
#include <kernel/cap.h>

#include <arch/cpu.h>
#include <kernel/time.h>
#include <serix/errno.h>

uint64_t cap_cycles_in(uint64_t ns)
{
	uint64_t rate = time_cycles_per_sec(), cycles;

	if (ns == CAP_FOREVER || mul_overflows(ns / NSEC_PER_SEC, rate, &cycles) ||
	    add_overflows(cycles, ns % NSEC_PER_SEC * rate / NSEC_PER_SEC, &cycles) ||
	    add_overflows(cycles, arch_cycles(), &cycles))
		return 0;
	return cycles;
}

int cap_terms_of(const struct cap_derive *how, struct cap_terms *out)
{
	if (how->flags & ~(CAP_DERIVE_CLOEXEC | CAP_DERIVE_BADGE))
		return -EINVAL;
	*out = (struct cap_terms){
		.rights = how->rights,
		.flags = how->flags & CAP_DERIVE_CLOEXEC ? CAP_CLOEXEC : 0,
		.expires = cap_cycles_in(how->expires_ns),
		.badged = how->flags & CAP_DERIVE_BADGE,
		.badge = how->badge,
	};
	return 0;
}
