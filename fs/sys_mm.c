/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys/kernel/mm: when large pages are used.  The rules stand in kernel/mm/vm_large.c. */
#include "sysfs_priv.h"

#include <arch/paging.h>
#include <kernel/vm.h>

static int show_enabled(const struct sys_node *node, char *buf, size_t size)
{
	static const char *const texts[] = {
		[VM_LARGE_ALWAYS] = "[always] madvise never\n",
		[VM_LARGE_MADVISE] = "always [madvise] never\n",
		[VM_LARGE_NEVER] = "always madvise [never]\n",
	};

	(void)node;
	return scnprintf(buf, size, "%s", texts[vm_large_get_policy()]);
}

static int store_enabled(const struct sys_node *node, const char *text)
{
	(void)node;
	return vm_large_set_policy(text);
}

static int show_size(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "%llu\n", LARGE_PAGE_SIZE);
}

static const struct sys_entry large_files[] = {
	SYS_WRITABLE("enabled", show_enabled, store_enabled),
	SYS_FILE("hpage_pmd_size", show_size),
};
static const struct sys_table large_table = SYS_TABLE(large_files);

/* No large pages are set aside: hugepages has a directory for each size that may be. */
static const struct sys_entry mm_dirs[] = {
	SYS_DIR("hugepages", sys_empty),
	SYS_DIR("transparent_hugepage", large_table),
};
static const struct sys_table mm_table = SYS_TABLE(mm_dirs);

static const struct sys_entry kernel_dirs[] = { SYS_DIR("mm", mm_table) };
const struct sys_table sys_kernel_table = SYS_TABLE(kernel_dirs);
