/* SPDX-License-Identifier: BSD-2-Clause */
/* .../cpu/cpuN/cpufreq: how fast one CPU may run.  Where the machine gives no say there is no such directory.
 */
#include "sysfs_priv.h"

#include <kernel/freq.h>
#include <kernel/string.h>

static uint32_t cpu_of(const struct sys_node *node)
{
	return node->number[0];
}

static struct freq_policy policy_of(const struct sys_node *node)
{
	struct freq_policy policy;

	freq_get_policy(cpu_of(node), &policy);
	return policy;
}

static int show_khz(uint32_t khz, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", khz);
}

static int show_lowest(const struct sys_node *node, char *buf, size_t size)
{
	struct freq_caps caps;

	freq_get_caps(cpu_of(node), &caps);
	return show_khz(caps.lowest * caps.khz_per_step, buf, size);
}

static int show_highest(const struct sys_node *node, char *buf, size_t size)
{
	struct freq_caps caps;

	freq_get_caps(cpu_of(node), &caps);
	return show_khz(caps.highest * caps.khz_per_step, buf, size);
}

static int show_current(const struct sys_node *node, char *buf, size_t size)
{
	return show_khz(freq_current_khz(cpu_of(node)), buf, size);
}

static int show_min(const struct sys_node *node, char *buf, size_t size)
{
	return show_khz(policy_of(node).min_khz, buf, size);
}

static int show_max(const struct sys_node *node, char *buf, size_t size)
{
	return show_khz(policy_of(node).max_khz, buf, size);
}

static int parse_khz(const char *text, uint32_t *out)
{
	const char *end;
	uint64_t khz;

	if (parse_u64(text, &end, &khz) < 0 || *end || khz > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)khz;
	return 0;
}

static int store_min(const struct sys_node *node, const char *text)
{
	struct freq_policy policy = policy_of(node);
	int err = parse_khz(text, &policy.min_khz);

	return err < 0 ? err : freq_set_policy(cpu_of(node), &policy);
}

static int store_max(const struct sys_node *node, const char *text)
{
	struct freq_policy policy = policy_of(node);
	int err = parse_khz(text, &policy.max_khz);

	return err < 0 ? err : freq_set_policy(cpu_of(node), &policy);
}

static int show_governor(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%s\n", freq_governor_name(policy_of(node).governor));
}

static int store_governor(const struct sys_node *node, const char *text)
{
	struct freq_policy policy = policy_of(node);

	for (policy.governor = 0; policy.governor < FREQ_GOVERNORS; policy.governor++) {
		if (strcmp(freq_governor_name(policy.governor), text) == 0)
			return freq_set_policy(cpu_of(node), &policy);
	}
	return -EINVAL;
}

static int show_governors(const struct sys_node *node, char *buf, size_t size)
{
	int n = 0;

	(void)node;
	for (enum freq_governor g = 0; g < FREQ_GOVERNORS; g++)
		n += scnprintf(buf + n, size - (size_t)n, "%s ", freq_governor_name(g));
	return n + scnprintf(buf + n, size - (size_t)n, "\n");
}

static int show_driver(const struct sys_node *node, char *buf, size_t size)
{
	(void)node;
	return scnprintf(buf, size, "%s\n", freq_driver());
}

/* The names that Linux gives to five values of the energy preference; others are numbers. */
static const struct {
	const char *name;
	uint8_t value;
} preferences[] = {
	{ "default", 128 },       { "performance", 0 }, { "balance_performance", 128 },
	{ "balance_power", 192 }, { "power", 255 },
};

static int show_preference(const struct sys_node *node, char *buf, size_t size)
{
	uint8_t value = policy_of(node).preference;

	for (size_t i = 1; i < ARRAY_SIZE(preferences); i++) {
		if (preferences[i].value == value)
			return scnprintf(buf, size, "%s\n", preferences[i].name);
	}
	return scnprintf(buf, size, "%u\n", value);
}

static int store_preference(const struct sys_node *node, const char *text)
{
	struct freq_policy policy = policy_of(node);
	uint32_t number;

	for (size_t i = 0; i < ARRAY_SIZE(preferences); i++) {
		if (strcmp(preferences[i].name, text) != 0)
			continue;
		policy.preference = preferences[i].value;
		return freq_set_policy(cpu_of(node), &policy);
	}
	if (parse_khz(text, &number) < 0 || number > UINT8_MAX)
		return -EINVAL;
	policy.preference = (uint8_t)number;
	return freq_set_policy(cpu_of(node), &policy);
}

static int show_preferences(const struct sys_node *node, char *buf, size_t size)
{
	int n = 0;

	(void)node;
	for (size_t i = 0; i < ARRAY_SIZE(preferences); i++)
		n += scnprintf(buf + n, size - (size_t)n, "%s ", preferences[i].name);
	return n + scnprintf(buf + n, size - (size_t)n, "\n");
}

/* Every CPU is asked for by itself. */
static int show_own_cpu(const struct sys_node *node, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", cpu_of(node));
}

static const struct sys_entry files[] = {
	SYS_FILE("affected_cpus", show_own_cpu),
	SYS_FILE("cpuinfo_max_freq", show_highest),
	SYS_FILE("cpuinfo_min_freq", show_lowest),
	SYS_FILE("energy_performance_available_preferences", show_preferences),
	SYS_WRITABLE("energy_performance_preference", show_preference, store_preference),
	SYS_FILE("related_cpus", show_own_cpu),
	SYS_FILE("scaling_available_governors", show_governors),
	SYS_FILE("scaling_cur_freq", show_current),
	SYS_FILE("scaling_driver", show_driver),
	SYS_WRITABLE("scaling_governor", show_governor, store_governor),
	SYS_WRITABLE("scaling_max_freq", show_max, store_max),
	SYS_WRITABLE("scaling_min_freq", show_min, store_min),
};

const struct sys_table sys_cpufreq_table = SYS_TABLE(files);

bool sys_has_cpufreq(const struct sys_node *dir)
{
	return freq_present(cpu_of(dir));
}
