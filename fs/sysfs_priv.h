/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysfs' insides.  The tree is made of constant tables: an entry is a directory with children, a file with a
 * text, or a symbolic link whose text is its target.  An entry with `next` is one for each number of a set
 * (cpu0, cpu1, ...); what is below it finds the numbers on the way to it in node->number[].  One with
 * `title`, too, says itself how each is called; its number says all, so those before it are forgotten.
 *
 * To add a file: write its show function and put a line into the table of its directory.
 */
#pragma once

#include <kernel/cpumask.h>
#include <kernel/format.h>

#include "vfs_priv.h"

#define SYS_TEXT_MAX 4088ul /* an attribute is one small thing, as on Linux */
#define SYS_NUMBERS  2      /* numbered directories in one path */
#define SYS_END      UINT32_MAX

struct sys_node {
	const struct sys_entry *entry;
	unsigned depth; /* how many of number[] are set */
	uint32_t number[SYS_NUMBERS];
};

struct sys_entry {
	const char *name;
	mode_t mode;
	/* The first number of the set from `from` on; SYS_END: none.  `dir` is the directory it is in. */
	uint32_t (*next)(const struct sys_node *dir, uint32_t from);
	/* The name that goes with a number, for sets whose names do not end in it. */
	int (*title)(uint32_t number, char *buf, size_t size);
	/* Is it there in this directory?  NULL: always. */
	bool (*present)(const struct sys_node *dir);
	/* The text; returns its length or -errno. */
	int (*show)(const struct sys_node *node, char *buf, size_t size);
	/* Bytes instead of a text: how many there are, and those from `at` on, all within that. */
	uint32_t (*size)(const struct sys_node *node);
	int (*bytes)(const struct sys_node *node, uint32_t at, void *buf, size_t size);
	/* What was written, NUL-terminated, without the line's end; 0 or -errno. */
	int (*store)(const struct sys_node *node, const char *text);
	void (*mask)(const struct sys_node *node, struct cpumask *out); /* for sys_show_map and _list */
	const struct sys_table *children;
};

struct sys_table {
	const struct sys_entry *entries;
	size_t count;
};
#define SYS_TABLE(array)                   \
	{                                  \
		(array), ARRAY_SIZE(array) \
	}

#define SYS_FILE(n, fn)                                           \
	{                                                         \
		.name = (n), .mode = S_IFREG | 0444, .show = (fn) \
	}
#define SYS_WRITABLE(n, fn, store_fn)                                                  \
	{                                                                              \
		.name = (n), .mode = S_IFREG | 0644, .show = (fn), .store = (store_fn) \
	}
#define SYS_MAP(n, fn)                                                                  \
	{                                                                               \
		.name = (n), .mode = S_IFREG | 0444, .show = sys_show_map, .mask = (fn) \
	}
#define SYS_LIST(n, fn)                                                                  \
	{                                                                                \
		.name = (n), .mode = S_IFREG | 0444, .show = sys_show_list, .mask = (fn) \
	}
#define SYS_BYTES(n, size_fn, bytes_fn)                                                     \
	{                                                                                   \
		.name = (n), .mode = S_IFREG | 0444, .size = (size_fn), .bytes = (bytes_fn) \
	}
#define SYS_LINK(n, target)                                           \
	{                                                             \
		.name = (n), .mode = S_IFLNK | 0777, .show = (target) \
	}
#define SYS_DIR(n, table)                                                 \
	{                                                                 \
		.name = (n), .mode = S_IFDIR | 0755, .children = &(table) \
	}
/* One that is there when fn says so. */
#define SYS_OPTIONAL_DIR(n, fn, table)                                                     \
	{                                                                                  \
		.name = (n), .mode = S_IFDIR | 0755, .present = (fn), .children = &(table) \
	}
#define SYS_NUMBERED_DIR(n, fn, table)                                                  \
	{                                                                               \
		.name = (n), .mode = S_IFDIR | 0755, .next = (fn), .children = &(table) \
	}
#define SYS_NUMBERED_LINK(n, fn, target)                                            \
	{                                                                           \
		.name = (n), .mode = S_IFLNK | 0777, .next = (fn), .show = (target) \
	}

#define SYS_TITLED_DIR(title_fn, fn, table)                                                                 \
	{                                                                                                   \
		.name = "", .mode = S_IFDIR | 0755, .next = (fn), .title = (title_fn), .children = &(table) \
	}
#define SYS_TITLED_LINK(title_fn, fn, target)                                                           \
	{                                                                                               \
		.name = "", .mode = S_IFLNK | 0777, .next = (fn), .title = (title_fn), .show = (target) \
	}

/* A set of CPUs as hexadecimal words, and as ranges. */
int sys_show_map(const struct sys_node *node, char *buf, size_t size);
int sys_show_list(const struct sys_node *node, char *buf, size_t size);

extern const struct sys_table sys_empty;        /* fs/sys_root.c: a directory with nothing in it */
extern const struct sys_entry sys_root;         /* fs/sys_root.c */
extern const struct sys_table sys_cpu_table;    /* fs/sys_cpu.c: /sys/devices/system/cpu */
extern const struct sys_table sys_memory_table; /* fs/sys_memory.c: /sys/devices/system/memory */
extern const struct sys_table sys_node_table;   /* fs/sys_node.c: /sys/devices/system/node */
extern const struct sys_table sys_kernel_table; /* fs/sys_mm.c: /sys/kernel */
/* fs/sys_pci.c: /sys/bus/pci, and a root bus with what is behind it in /sys/devices */
extern const struct sys_table sys_pci_table, sys_pci_root_table;
uint32_t sys_pci_next_root(const struct sys_node *dir, uint32_t from);
int sys_pci_root_title(uint32_t number, char *buf, size_t size);
/* fs/sys_cpuidle.c: .../cpu/cpuidle, and .../cpu/cpuN/cpuidle */
extern const struct sys_table sys_cpuidle_table, sys_cpuidle_states;
/* fs/sys_cpufreq.c: .../cpu/cpuN/cpufreq */
extern const struct sys_table sys_cpufreq_table;
bool sys_has_cpufreq(const struct sys_node *dir);
