/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys itself, and the kinds of CPUs of a hybrid machine, which Linux shows as event sources. */
#include "sysfs_priv.h"

#include <kernel/smp.h>
#include <kernel/topology.h>

static void cores_of_type(enum core_type type, struct cpumask *out)
{
	*out = (struct cpumask){ { 0 } };
	cpumask_for_each(cpu, &cpus_online)
	{
		if (topology_of(cpu)->type == type)
			cpumask_set(out, cpu);
	}
}

static void performance_cpus(const struct sys_node *node, struct cpumask *out)
{
	(void)node;
	cores_of_type(CORE_PERFORMANCE, out);
}

static void efficient_cpus(const struct sys_node *node, struct cpumask *out)
{
	(void)node;
	cores_of_type(CORE_EFFICIENT, out);
}

static bool is_hybrid(const struct sys_node *dir)
{
	(void)dir;
	return topology_hybrid();
}

static const struct sys_entry core_files[] = { SYS_LIST("cpus", performance_cpus) };
static const struct sys_table core_table = SYS_TABLE(core_files);
static const struct sys_entry atom_files[] = { SYS_LIST("cpus", efficient_cpus) };
static const struct sys_table atom_table = SYS_TABLE(atom_files);

const struct sys_table sys_empty = { NULL, 0 };

/* The time-stamp counter is the one clock there is. */
static int show_clock(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "tsc\n");
}

static const struct sys_entry clock_files[] = {
	SYS_FILE("available_clocksource", show_clock),
	SYS_FILE("current_clocksource", show_clock),
};
static const struct sys_table clock_table = SYS_TABLE(clock_files);
static const struct sys_entry clock_dirs[] = { SYS_DIR("clocksource0", clock_table) };
static const struct sys_table clocks_table = SYS_TABLE(clock_dirs);

static const struct sys_entry system_dirs[] = {
	SYS_DIR("clocksource", clocks_table),
	SYS_DIR("cpu", sys_cpu_table),
	SYS_DIR("memory", sys_memory_table),
	SYS_DIR("node", sys_node_table),
};
static const struct sys_table system_table = SYS_TABLE(system_dirs);

static const struct sys_entry device_dirs[] = {
	SYS_OPTIONAL_DIR("cpu_atom", is_hybrid, atom_table),
	SYS_OPTIONAL_DIR("cpu_core", is_hybrid, core_table),
	SYS_TITLED_DIR(sys_pci_root_title, sys_pci_next_root, sys_pci_root_table),
	SYS_DIR("system", system_table),
};
static const struct sys_table device_table = SYS_TABLE(device_dirs);

/* By number, as block/8:0. */
static const struct sys_entry number_dirs[] = {
	SYS_DIR("block", sys_empty),
	SYS_DIR("char", sys_empty),
};
static const struct sys_table number_table = SYS_TABLE(number_dirs);

static const struct sys_entry bus_dirs[] = { SYS_DIR("pci", sys_pci_table) };
static const struct sys_table bus_table = SYS_TABLE(bus_dirs);

static const struct sys_entry root_dirs[] = {
	SYS_DIR("block", sys_empty),  SYS_DIR("bus", bus_table),        SYS_DIR("class", sys_empty),
	SYS_DIR("dev", number_table), SYS_DIR("devices", device_table), SYS_DIR("kernel", sys_kernel_table),
};
static const struct sys_table root_table = SYS_TABLE(root_dirs);

const struct sys_entry sys_root = SYS_DIR("sys", root_table);
