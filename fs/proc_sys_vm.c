/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/vm: settings of Aegis, by Linux's names. */
#include "proc_priv.h"

#include <arch/paging.h>
#include <kernel/overcommit.h>
#include <kernel/reclaim.h>
#include <kernel/userfaultfd.h>
#include <kernel/vm.h>

/* A number within limits, stored in `to`. */
static int store_number(const char *text, uint64_t max, uint64_t *to)
{
	int64_t value;

	if (proc_parse_signed(text, &value) < 0 || value < 0 || (uint64_t)value > max)
		return -EINVAL;
	*to = (uint64_t)value;
	return 0;
}

/* A file that shows a number and stores what is at most `max`. */
#define NUMBER(name, where, max)                                                                         \
	static int show_##name(struct proc_text *t, const struct proc_node *node)                        \
	{                                                                                                \
		(void)node;                                                                              \
		text_printf(t, "%lu\n", (uint64_t)atomic_load_explicit(&(where), memory_order_relaxed)); \
		return 0;                                                                                \
	}                                                                                                \
	static int store_##name(const struct proc_node *node, const char *text, size_t len)              \
	{                                                                                                \
		uint64_t value;                                                                          \
		int err = store_number(text, max, &value);                                               \
                                                                                                         \
		(void)node;                                                                              \
		(void)len;                                                                               \
		if (err == 0)                                                                            \
			atomic_store_explicit(&(where), value, memory_order_relaxed);                    \
		return err;                                                                              \
	}

NUMBER(overcommit_memory, overcommit.mode, OVERCOMMIT_NEVER)
NUMBER(overcommit_ratio, overcommit.ratio, INT32_MAX)
NUMBER(overcommit_kbytes, overcommit.kbytes, INT32_MAX)
NUMBER(max_map_count, vm_areas_max, INT32_MAX)
NUMBER(oom_kill_allocating_task, oom_kill_allocating_task, 1)
NUMBER(unprivileged_userfaultfd, userfault_unprivileged, 1)
NUMBER(write_exec, vm_write_exec_for_all, 1)

static int show_mmap_min_addr(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "%llu\n", USER_MIN);
	return 0;
}

static int show_drop_caches(struct proc_text *t, const struct proc_node *node)
{
	(void)node;
	text_printf(t, "0\n");
	return 0;
}

/* Bit 0 asks for pages of files, bit 1 for names and nodes; whatever can be had again goes for each of them.
 */
static int store_drop_caches(const struct proc_node *node, const char *text, size_t len)
{
	uint64_t value;
	int err = store_number(text, 4, &value);

	(void)node;
	(void)len;
	if (err < 0 || value == 0)
		return -EINVAL;
	if (value & 3)
		reclaim_everything();
	return 0;
}

#define SETTING(n)                                                                       \
	{                                                                                \
		.name = #n, .mode = S_IFREG | 0644, .show = show_##n, .store = store_##n \
	}

const struct proc_entry proc_sys_vm_entries[PROC_SYS_VM_COUNT] = {
	SETTING(drop_caches),
	SETTING(max_map_count),
	PROC_FILE("mmap_min_addr", 0444, show_mmap_min_addr),
	SETTING(oom_kill_allocating_task),
	SETTING(overcommit_kbytes),
	SETTING(overcommit_memory),
	SETTING(overcommit_ratio),
	SETTING(unprivileged_userfaultfd),
	SETTING(write_exec),
};
