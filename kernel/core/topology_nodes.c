/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NUMA nodes: which memory and which CPUs are near each other, from SRAT and SLIT or from numa= on the
 * command line.  Firmware numbers its proximity domains as it likes; nodes are dense, in the domains' order.
 *
 * All of it is written by topology_init_memory() on the boot CPU and only read afterwards.
 */
#include <kernel/topology.h>

#include <boot/boot_info.h>
#include <kernel/acpi.h>
#include <kernel/boot_info.h>
#include <kernel/cmdline.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "node_map.h"
#include "topology_priv.h"

#define DISTANCE_LOCAL  10
#define DISTANCE_REMOTE 20

static struct node_map memory_map __ro_after_init;
static unsigned node_count __ro_after_init = 1;
static uint32_t domains[MAX_NODES] __ro_after_init; /* of each node, rising */
static uint8_t distances[MAX_NODES][MAX_NODES] __ro_after_init;
static bool faked __ro_after_init;
static struct acpi_numa firmware __ro_after_init;
static struct topology_request described __ro_after_init;

/* --- what firmware says -------------------------------------------------------------------------------- */

/* Domains in rising order; those above MAX_NODES share node 0. */
static __init void add_domain(uint32_t domain)
{
	unsigned at = 0;

	while (at < node_count && domains[at] < domain)
		at++;
	if (at < node_count && domains[at] == domain)
		return;
	if (node_count == MAX_NODES) {
		pr_warn("numa: more than %u nodes; domain %u is counted to node 0", MAX_NODES, domain);
		return;
	}
	memmove(&domains[at + 1], &domains[at], (node_count - at) * sizeof(domains[0]));
	domains[at] = domain;
	node_count++;
}

static unsigned node_of_domain(uint32_t domain)
{
	for (unsigned node = 0; node < node_count; node++) {
		if (domains[node] == domain)
			return node;
	}
	return 0;
}

static __init void find_domains(void)
{
	node_count = 0;
	for (uint32_t i = 0; i < firmware.memory_count; i++)
		add_domain(firmware.memory[i].domain);
	for (uint32_t i = 0; i < firmware.cpu_count; i++)
		add_domain(firmware.cpus[i].domain);
}

static __init void use_firmware(void)
{
	static struct node_range ranges[ACPI_MAX_MEMORY] __initdata;

	acpi_read_numa(&firmware);
	if (firmware.memory_count == 0)
		return;
	find_domains();
	for (uint32_t i = 0; i < firmware.memory_count; i++) {
		const struct acpi_memory_range *m = &firmware.memory[i];

		ranges[i] = (struct node_range){ m->base, m->base + m->length, node_of_domain(m->domain) };
	}
	node_map_build(&memory_map, ranges, firmware.memory_count);
	for (unsigned from = 0; from < node_count; from++) {
		for (unsigned to = 0; to < node_count; to++) {
			if (MAX(domains[from], domains[to]) < firmware.locality_count)
				distances[from][to] = firmware.distances[domains[from]][domains[to]];
		}
	}
}

/* --- what the command line says ------------------------------------------------------------------------ */

static __init void use_fake(const struct numa_request *request)
{
	static struct node_range ram[BOOT_MAX_REGIONS] __initdata;
	unsigned count = 0;

	for (uint32_t i = 0; i < boot_info.region_count; i++) {
		const struct boot_region *r = &boot_info.regions[i];

		if (r->type == BOOT_REGION_USABLE)
			ram[count++] = (struct node_range){ r->base, r->base + r->length, 0 };
	}
	node_count = node_map_split(&memory_map, ram, count, request->fake, request->fake_count);
	faked = true;
}

/* True: it decides, and firmware is not asked. */
static __init bool use_command_line(void)
{
	struct numa_request request;
	const char *wrong;
	char text[256];

	if (cmdline_get("numa", text, sizeof(text)) < 0)
		return false;
	wrong = topology_parse_numa(text, &request);
	if (wrong) {
		pr_warn("numa=%s: %s; ignored", text, wrong);
		return false;
	}
	if (!request.off)
		use_fake(&request);
	return true;
}

/* Here, because a described CPU may be the only thing in a node. */
static __init void read_description(void)
{
	const char *wrong;
	char text[256];

	if (cmdline_get("topology", text, sizeof(text)) < 0)
		return;
	wrong = topology_parse(text, &described);
	if (wrong) {
		pr_warn("topology=%s: %s; ignored", text, wrong);
		described.count = 0;
	}
	for (unsigned i = 0; i < described.count; i++)
		node_count = MAX(node_count, described.cpus[i].node + 1u);
}

/* --- the nodes ----------------------------------------------------------------------------------------- */

static __init void announce(void)
{
	if (node_count == 1)
		return;
	pr_info("numa: %u nodes%s", node_count, faked ? ", as the command line says" : "");
	for (unsigned i = 0; i < memory_map.count; i++)
		pr_info("numa: memory from %012lx on is near node %u", memory_map.parts[i].start,
			memory_map.parts[i].node);
}

__init void topology_init_memory(void)
{
	for (unsigned i = 0; i < MAX_NODES * MAX_NODES; i++)
		distances[i / MAX_NODES][i % MAX_NODES] =
			i / MAX_NODES == i % MAX_NODES ? DISTANCE_LOCAL : DISTANCE_REMOTE;
	if (!use_command_line())
		use_firmware();
	read_description();
	announce();
}

unsigned topology_node_count(void)
{
	return node_count;
}

unsigned topology_node_of(paddr_t pa)
{
	return node_map_find(&memory_map, pa);
}

paddr_t topology_node_border(paddr_t pa)
{
	return node_map_border(&memory_map, pa);
}

/* By RAM, not by the firmware's ranges: those may lie where there is none. */
bool topology_node_has_memory(unsigned node)
{
	for (uint32_t i = 0; i < boot_info.region_count; i++) {
		const struct boot_region *r = &boot_info.regions[i];
		paddr_t pa = r->base;

		if (r->type != BOOT_REGION_USABLE)
			continue;
		/* PADDR_NONE ends it: no region reaches that far. */
		for (; pa < r->base + r->length; pa = topology_node_border(pa)) {
			if (topology_node_of(pa) == node)
				return true;
		}
	}
	return false;
}

unsigned topology_distance(unsigned from, unsigned to)
{
	return distances[from][to];
}

const struct topology_request *topology_described(void)
{
	return &described;
}

bool topology_node_of_apic(uint32_t apic_id, unsigned *node)
{
	for (uint32_t i = 0; i < firmware.cpu_count && firmware.memory_count; i++) {
		if (firmware.cpus[i].apic_id == apic_id) {
			*node = node_of_domain(firmware.cpus[i].domain);
			return true;
		}
	}
	return false;
}

bool topology_nodes_faked(void)
{
	return faked;
}
