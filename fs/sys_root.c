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

static const struct sys_entry system_dirs[] = {
	SYS_DIR("cpu", sys_cpu_table),
	SYS_DIR("node", sys_node_table),
};
static const struct sys_table system_table = SYS_TABLE(system_dirs);

static const struct sys_entry device_dirs[] = {
	SYS_OPTIONAL_DIR("cpu_atom", is_hybrid, atom_table),
	SYS_OPTIONAL_DIR("cpu_core", is_hybrid, core_table),
	SYS_DIR("system", system_table),
};
static const struct sys_table device_table = SYS_TABLE(device_dirs);

static const struct sys_entry root_dirs[] = {
	SYS_DIR("devices", device_table),
	SYS_DIR("kernel", sys_kernel_table),
};
static const struct sys_table root_table = SYS_TABLE(root_dirs);

const struct sys_entry sys_root = SYS_DIR("sys", root_table);
