/* SPDX-License-Identifier: BSD-2-Clause */
/* The system's name, as uname(2) tells it. */
#include <kernel/string.h>
#include <kernel/version.h>
#include <serix/errno.h>

#include "proc_priv.h"

static struct spinlock uts_lock = SPINLOCK_INIT("uts", RANK_DEVICE);
static struct abi_utsname uts = {
	/* [uts_lock] */
	.sysname = KERNEL_NAME,    .nodename = "serix",
	.release = KERNEL_RELEASE, .version = "#1 " KERNEL_NAME " " KERNEL_VERSION " (" __VERSION__ ")",
	.machine = KERNEL_MACHINE, .domainname = "(none)",
};

void uts_get(struct abi_utsname *out)
{
	uint64_t flags = spin_lock_irqsave(&uts_lock);

	*out = uts;
	spin_unlock_irqrestore(&uts_lock, flags);
}

static int set_name(char field[65], const char *name, size_t len)
{
	uint64_t flags;

	if (len >= sizeof(uts.nodename))
		return -EINVAL;
	flags = spin_lock_irqsave(&uts_lock);
	memset(field, 0, sizeof(uts.nodename));
	memcpy(field, name, len);
	spin_unlock_irqrestore(&uts_lock, flags);
	return 0;
}

int uts_set_sysname(const char *name, size_t len)
{
	return len ? set_name(uts.sysname, name, len) : -EINVAL;
}

int uts_set_nodename(const char *name, size_t len)
{
	return set_name(uts.nodename, name, len);
}

int uts_set_domainname(const char *name, size_t len)
{
	return set_name(uts.domainname, name, len);
}
