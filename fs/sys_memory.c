/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys/devices/system/memory: RAM in blocks of 128 MiB, as Linux shows what could be plugged.  Here none can:
 * to take a block away is always refused as busy, which on Linux it may be, too. */
#include "sysfs_priv.h"

#include <kernel/pmm.h>
#include <kernel/string.h>
#include <kernel/topology.h>
#include <serix/errno.h>

#define BLOCK_SIZE (128ull << 20)

static unsigned zones_of(uint32_t block, const char **name, uint32_t *nodes)
{
	return pmm_zones_in(block * BLOCK_SIZE, BLOCK_SIZE, name, nodes);
}

/* Blocks that have memory of some zone in them. */
static uint32_t next_block(const struct sys_node *dir, uint32_t from)
{
	uint64_t end = ALIGN_UP(pmm_memory_end(), BLOCK_SIZE) / BLOCK_SIZE;
	uint32_t nodes;
	const char *name;

	(void)dir;
	for (; from < end; from++)
		if (zones_of(from, &name, &nodes) > 0)
			return from;
	return SYS_END;
}

static uint32_t next_node_of_block(const struct sys_node *dir, uint32_t from)
{
	uint32_t nodes;
	const char *name;

	zones_of(dir->number[0], &name, &nodes);
	for (; from < topology_node_count(); from++)
		if (nodes & 1u << from)
			return from;
	return SYS_END;
}

static int show_node_link(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../node/node%u", node->number[1]);
}

static int show_one(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "1\n");
}

static int show_zero(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "0\n");
}

static int show_index(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%08x\n", node->number[0]);
}

static int show_state(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "online\n");
}

static int show_zones(const struct sys_node *node, char *buf, size_t size)
{
	uint32_t nodes;
	const char *name;
	unsigned count = zones_of(node->number[0], &name, &nodes);

	return scnprintf(buf, size, "%s\n", count == 1 ? name : "none");
}

/* Online it is already. */
static int store_state(const struct sys_node *node, const char *text)
{
	(void)node;
	return strcmp(text, "offline") == 0 ? -EBUSY : -EINVAL;
}

static int store_online(const struct sys_node *node, const char *text)
{
	(void)node;
	if (strcmp(text, "1") == 0)
		return 0;
	return strcmp(text, "0") == 0 ? -EBUSY : -EINVAL;
}

static int show_block_size(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "%llx\n", BLOCK_SIZE);
}

/* `removable` says on Linux that one may try. */
static const struct sys_entry block_files[] = {
	SYS_NUMBERED_LINK("node", next_node_of_block, show_node_link),
	SYS_WRITABLE("online", show_one, store_online),
	SYS_FILE("phys_device", show_zero),
	SYS_FILE("phys_index", show_index),
	SYS_FILE("removable", show_one),
	SYS_WRITABLE("state", show_state, store_state),
	SYS_FILE("valid_zones", show_zones),
};
static const struct sys_table block_table = SYS_TABLE(block_files);

static const struct sys_entry entries[] = {
	SYS_FILE("block_size_bytes", show_block_size),
	SYS_NUMBERED_DIR("memory", next_block, block_table),
};

const struct sys_table sys_memory_table = SYS_TABLE(entries);
