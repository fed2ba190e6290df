/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /sys/bus/pci/devices and /sys/devices/pciDDDD:BB: what the machine's PCI functions say of themselves.  The
 * tree is that of buses and bridges.  No function has a driver here, and nothing can be changed.
 */
#include "sysfs_priv.h"

#include <kernel/confine.h>
#include <kernel/pci.h>
#include <kernel/process.h>

#define LINK_DEPTH_MAX 16 /* bridges above each other that a link's text has room for */

/* Of a path's last number: it is the list's, so it is there. */
static const struct pci_function *function_of(const struct sys_node *node)
{
	return pci_function(node->number[0]);
}

/* --- names and places ---------------------------------------------------------------------------------- */

static int title(uint32_t number, char *buf, size_t size)
{
	const struct pci_function *f = pci_function(number);

	return scnprintf(buf, size, "%04x:%02x:%02x.%x", f->segment, f->bus, f->device, f->function);
}

int sys_pci_root_title(uint32_t number, char *buf, size_t size)
{
	const struct pci_function *f = pci_function(number);

	return scnprintf(buf, size, "pci%04x:%02x", f->segment, f->root);
}

static bool same_root(const struct pci_function *a, const struct pci_function *b)
{
	return a->segment == b->segment && a->root == b->root;
}

/* A root bus has the number of the first function on it. */
uint32_t sys_pci_next_root(const struct sys_node *dir, uint32_t from)
{
	const struct pci_function *before = from > 0 ? pci_function(from - 1) : NULL;

	(void)dir;
	for (const struct pci_function *f = pci_function(from); f; before = f, f = f->next)
		if (!before || !same_root(before, f))
			return f->number;
	return SYS_END;
}

static uint32_t next_function(const struct sys_node *dir, uint32_t from)
{
	(void)dir;
	return pci_function(from) ? from : SYS_END;
}

static uint32_t next_on_root(const struct sys_node *dir, uint32_t from)
{
	const struct pci_function *root = function_of(dir);

	for (const struct pci_function *f = pci_function(from); f; f = f->next)
		if (f->parent == PCI_NONE && same_root(f, root))
			return f->number;
	return SYS_END;
}

static uint32_t next_behind(const struct sys_node *dir, uint32_t from)
{
	for (const struct pci_function *f = pci_function(from); f; f = f->next)
		if (f->parent == dir->number[0])
			return f->number;
	return SYS_END;
}

/* The bridges above it, the topmost first; returns how many. */
static int bridges_above(const struct pci_function *f, const struct pci_function *above[LINK_DEPTH_MAX])
{
	int n = 0, count = 0;

	for (const struct pci_function *up = f; up->parent != PCI_NONE && count < LINK_DEPTH_MAX; count++)
		up = pci_function(up->parent);
	for (n = count; n > 0; n--) {
		f = pci_function(f->parent);
		above[n - 1] = f;
	}
	return count;
}

static int show_place(const struct sys_node *node, char *buf, size_t size)
{
	const struct pci_function *f = function_of(node), *above[LINK_DEPTH_MAX];
	int count = bridges_above(f, above), n = scnprintf(buf, size, "../../../devices/");

	n += sys_pci_root_title(f->number, buf + n, size - (size_t)n);
	for (int i = 0; i < count; i++) {
		n += scnprintf(buf + n, size - (size_t)n, "/");
		n += title(above[i]->number, buf + n, size - (size_t)n);
	}
	n += scnprintf(buf + n, size - (size_t)n, "/");
	return n + title(f->number, buf + n, size - (size_t)n);
}

static int show_subsystem(const struct sys_node *node, char *buf, size_t size)
{
	const struct pci_function *above[LINK_DEPTH_MAX];
	int n = 0;

	for (int up = bridges_above(function_of(node), above) + 3; up > 0; up--)
		n += scnprintf(buf + n, size - (size_t)n, "../");
	return n + scnprintf(buf + n, size - (size_t)n, "bus/pci");
}

/* --- what there is in a function's directory ----------------------------------------------------------*/

static int show_class(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "0x%06x\n", function_of(node)->class_code);
}

static int show_vendor(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "0x%04x\n", function_of(node)->vendor);
}

static int show_device(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "0x%04x\n", function_of(node)->id);
}

static int show_subsystem_vendor(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "0x%04x\n", function_of(node)->subsystem_vendor);
}

static int show_subsystem_device(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "0x%04x\n", function_of(node)->subsystem_id);
}

static int show_revision(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "0x%02x\n", function_of(node)->revision);
}

static int show_irq(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", function_of(node)->irq);
}

/* Which node it is near is said in AML alone, which nobody reads: not known. */
static int show_numa_node(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "-1\n");
}

static int show_modalias(const struct sys_node *node, char *buf, size_t size)
{
	const struct pci_function *f = function_of(node);

	return scnprintf(buf, size, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", f->vendor, f->id,
			 f->subsystem_vendor, f->subsystem_id, f->class_code >> 16 & 0xff,
			 f->class_code >> 8 & 0xff, f->class_code & 0xff);
}

static int show_uevent(const struct sys_node *node, char *buf, size_t size)
{
	const struct pci_function *f = function_of(node);
	int n = scnprintf(buf, size,
			  "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=",
			  f->class_code, f->vendor, f->id, f->subsystem_vendor, f->subsystem_id);

	n += title(f->number, buf + n, size - (size_t)n);
	n += scnprintf(buf + n, size - (size_t)n, "\nMODALIAS=");
	return n + show_modalias(node, buf + n, size - (size_t)n);
}

static int show_resource(const struct sys_node *node, char *buf, size_t size)
{
	const struct pci_function *f = function_of(node);
	uint32_t count = f->bridge ? PCI_RESOURCES + PCI_BRIDGE_WINDOWS : PCI_RESOURCES;
	int n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += scnprintf(buf + n, size - (size_t)n, "0x%016lx 0x%016lx 0x%016lx\n",
			       f->resources[i].start, f->resources[i].end, (uint64_t)f->resources[i].flags);
	return n;
}

static uint32_t config_size(const struct sys_node *node)
{
	return function_of(node)->config_size;
}

/* Behind the header lies what reading may have effects on, so it is for administrators. */
static int read_config(const struct sys_node *node, uint32_t at, void *buf, size_t size)
{
	bool all = cred_has_privilege(PRIV_SYS_ADMIN) && !confine_capability_mode() &&
		   !confine_denies(CONFINE_NO_ADMIN);

	if (!all && at >= PCI_CONFIG_HEADER)
		return 0;
	pci_read(function_of(node), at, buf, size);
	return (int)size;
}

static const struct sys_table function_table;
static const struct sys_entry function_files[] = {
	SYS_FILE("class", show_class),
	SYS_BYTES("config", config_size, read_config),
	SYS_FILE("device", show_device),
	SYS_FILE("irq", show_irq),
	SYS_FILE("modalias", show_modalias),
	SYS_FILE("numa_node", show_numa_node),
	SYS_FILE("resource", show_resource),
	SYS_FILE("revision", show_revision),
	SYS_LINK("subsystem", show_subsystem),
	SYS_FILE("subsystem_device", show_subsystem_device),
	SYS_FILE("subsystem_vendor", show_subsystem_vendor),
	SYS_FILE("uevent", show_uevent),
	SYS_FILE("vendor", show_vendor),
	SYS_TITLED_DIR(title, next_behind, function_table),
};
static const struct sys_table function_table = SYS_TABLE(function_files);

static const struct sys_entry root_dirs[] = { SYS_TITLED_DIR(title, next_on_root, function_table) };
const struct sys_table sys_pci_root_table = SYS_TABLE(root_dirs);

static const struct sys_entry device_links[] = { SYS_TITLED_LINK(title, next_function, show_place) };
static const struct sys_table devices_table = SYS_TABLE(device_links);

static const struct sys_entry entries[] = { SYS_DIR("devices", devices_table) };
const struct sys_table sys_pci_table = SYS_TABLE(entries);
