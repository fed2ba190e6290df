/* SPDX-License-Identifier: BSD-2-Clause */
/* How CPUs wait: .../cpu/cpuidle for all of them, .../cpu/cpuN/cpuidle/stateM for one state of one CPU. */
#include "sysfs_priv.h"

#include <kernel/idle.h>
#include <kernel/string.h>
#include <kernel/time.h>

/* --- one state of one CPU ---------------------------------------------------------------------------- */

static uint32_t next_state(const struct sys_node *dir, uint32_t from)
{
	(void)dir;
	return from < idle_state_count() ? from : SYS_END;
}

static const struct idle_state *state_of(const struct sys_node *node)
{
	return idle_state(node->number[1]);
}

static struct idle_stats stats_of(const struct sys_node *node)
{
	struct idle_stats stats;

	idle_get_stats(node->number[0], node->number[1], &stats);
	return stats;
}

static int show_name(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%s\n", state_of(node)->name);
}

static int show_description(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%s\n", state_of(node)->description);
}

static int show_latency(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", state_of(node)->latency_us);
}

static int show_residency(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", state_of(node)->residency_us);
}

static int show_usage(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%lu\n", stats_of(node).usage);
}

static int show_time(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%llu\n", stats_of(node).time_ns / NSEC_PER_USEC);
}

static int show_disable(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%d\n", stats_of(node).disabled);
}

static int store_disable(const struct sys_node *node, const char *text)
{
	const char *end;
	uint64_t value;

	if (parse_u64(text, &end, &value) < 0 || *end || value > 1)
		return -EINVAL;
	idle_disable(node->number[0], node->number[1], value);
	return 0;
}

static const struct sys_entry state_files[] = {
	SYS_FILE("desc", show_description),    SYS_WRITABLE("disable", show_disable, store_disable),
	SYS_FILE("latency", show_latency),     SYS_FILE("name", show_name),
	SYS_FILE("residency", show_residency), SYS_FILE("time", show_time),
	SYS_FILE("usage", show_usage),
};
static const struct sys_table state_table = SYS_TABLE(state_files);

static const struct sys_entry state_dirs[] = { SYS_NUMBERED_DIR("state", next_state, state_table) };

const struct sys_table sys_cpuidle_states = SYS_TABLE(state_dirs);

/* --- all CPUs ---------------------------------------------------------------------------------------- */

static int show_driver(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "%s\n", idle_driver());
}

static int show_governor(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "menu\n");
}

static const struct sys_entry files[] = {
	SYS_FILE("available_governors", show_governor),
	SYS_FILE("current_driver", show_driver),
	SYS_FILE("current_governor", show_governor),
	SYS_FILE("current_governor_ro", show_governor),
};

const struct sys_table sys_cpuidle_table = SYS_TABLE(files);
