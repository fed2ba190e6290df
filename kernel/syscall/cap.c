/* SPDX-License-Identifier: BSD-2-Clause */
/* Cerberus' calls: <serix/cap.h> tells what each does; here user structures become the kernel's. */
#include <kernel/syscall.h>

#include <arch/cpu.h>
#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/proc_calls.h>
#include <kernel/process.h>
#include <kernel/time.h>
#include <serix/errno.h>

static struct cap_table *current_caps(void)
{
	return current_process()->caps;
}

/* What the cycle counter will show in `ns`; 0 for CAP_FOREVER and for what it will never show. */
static uint64_t cycles_in(uint64_t ns)
{
	uint64_t rate = time_cycles_per_sec(), cycles;

	if (ns == CAP_FOREVER || mul_overflows(ns / NSEC_PER_SEC, rate, &cycles) ||
	    add_overflows(cycles, ns % NSEC_PER_SEC * rate / NSEC_PER_SEC, &cycles) ||
	    add_overflows(cycles, arch_cycles(), &cycles))
		return 0;
	return cycles;
}

static int terms_from_user(uaddr_t user, uint64_t size, struct cap_terms *out)
{
	struct cap_derive how;

	if (size != sizeof(how))
		return -EINVAL;
	if (copy_from_user(&how, user, sizeof(how)) < 0)
		return -EFAULT;
	if (how.flags & ~(CAP_DERIVE_CLOEXEC | CAP_DERIVE_BADGE))
		return -EINVAL;
	*out = (struct cap_terms){
		.rights = how.rights,
		.flags = how.flags & CAP_DERIVE_CLOEXEC ? CAP_CLOEXEC : 0,
		.expires = cycles_in(how.expires_ns),
		.badged = how.flags & CAP_DERIVE_BADGE,
		.badge = how.badge,
	};
	return 0;
}

SYSCALL(cap_derive)
{
	struct cap_terms terms;
	int err = terms_from_user(ARG(1, uaddr_t), args->a[2], &terms);

	return err < 0 ? err : cap_derive(current_caps(), ARG(0, cap_handle_t), &terms, current_caps());
}

SYSCALL(cap_grant)
{
	struct cap_terms terms;
	int err = terms_from_user(ARG(2, uaddr_t), args->a[3], &terms);

	return err < 0 ? err : process_grant(ARG(0, cap_handle_t), ARG(1, cap_handle_t), &terms);
}
