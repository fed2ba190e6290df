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
	spin_lock(&uts_lock);
	*out = uts;
	spin_unlock(&uts_lock);
}

static int set_name(char field[65], const char *name, size_t len)
{
	if (len >= sizeof(uts.nodename))
		return -EINVAL;
	spin_lock(&uts_lock);
	memset(field, 0, sizeof(uts.nodename));
	memcpy(field, name, len);
	spin_unlock(&uts_lock);
	return 0;
}

int uts_set_nodename(const char *name, size_t len)
{
	return set_name(uts.nodename, name, len);
}

int uts_set_domainname(const char *name, size_t len)
{
	return set_name(uts.domainname, name, len);
}
