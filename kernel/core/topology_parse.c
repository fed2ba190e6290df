/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology_parse.h"

#include <kernel/string.h>

#define EFFICIENT_CAPACITY (CAPACITY_FULL / 2) /* of a described machine: what E cores are about worth */

struct group {
	uint64_t count, threads, package, node;
	enum core_type type;
};

static bool parse_number(const char **text, uint64_t limit, uint64_t *out)
{
	const char *end;

	/* Decimal: "0x" would not be a number and an x. */
	if (**text < '0' || **text > '9' || (**text == '0' && (*text)[1] == 'x') ||
	    parse_u64(*text, &end, out) < 0 || *out >= limit)
		return false;
	*text = end;
	return true;
}

/* One that may be left out, behind its mark. */
static bool parse_option(const char **text, char mark, uint64_t limit, uint64_t *out)
{
	if (**text != mark)
		return true;
	++*text;
	return parse_number(text, limit, out);
}

static const char *parse_group(const char **text, struct group *g)
{
	*g = (struct group){ .threads = 1 };
	if (!parse_number(text, MAX_CPUS + 1, &g->count) || g->count == 0)
		return "a group begins with a number of cores";
	if (**text != 'P' && **text != 'E')
		return "a group's kind is P or E";
	g->type = *(*text)++ == 'P' ? CORE_PERFORMANCE : CORE_EFFICIENT;
	if (!parse_option(text, 'x', MAX_THREADS_PER_CORE + 1, &g->threads) || g->threads == 0)
		return "x stands before a number of threads";
	if (!parse_option(text, '@', MAX_CPUS, &g->package))
		return "@ stands before the number of a package";
	if (!parse_option(text, '/', MAX_NODES, &g->node))
		return "/ stands before the number of a node";
	return NULL;
}

/* Packages share their last-level cache, node by node. */
static uint16_t find_cache(const struct topology_request *out, const struct group *g)
{
	uint16_t next = 0;

	for (unsigned i = 0; i < out->count; i++) {
		const struct cpu_topology *cpu = &out->cpus[i];

		if (cpu->package == g->package && cpu->node == g->node)
			return cpu->llc;
		next = MAX(next, (uint16_t)(cpu->llc + 1));
	}
	return next;
}

static uint16_t find_core(const struct topology_request *out, const struct group *g)
{
	uint16_t next = 0;

	for (unsigned i = 0; i < out->count; i++) {
		if (out->cpus[i].package == g->package)
			next = MAX(next, (uint16_t)(out->cpus[i].core_id + 1));
	}
	return next;
}

static const char *add_group(struct topology_request *out, const struct group *g)
{
	uint16_t core = out->count ? (uint16_t)(out->cpus[out->count - 1].core + 1) : 0;
	uint16_t core_id = find_core(out, g), llc = find_cache(out, g);

	if (g->count * g->threads > MAX_CPUS - out->count)
		return "too many CPUs";
	for (uint16_t i = 0; i < g->count * g->threads; i++) {
		out->cpus[out->count++] = (struct cpu_topology){
			.package = (uint16_t)g->package,
			.core = (uint16_t)(core + i / g->threads),
			.core_id = (uint16_t)(core_id + i / g->threads),
			.thread = (uint16_t)(i % g->threads),
			.llc = llc,
			.node = (uint16_t)g->node,
			.capacity = g->type == CORE_PERFORMANCE ? CAPACITY_FULL : EFFICIENT_CAPACITY,
			.type = g->type,
		};
	}
	return NULL;
}

const char *topology_parse(const char *text, struct topology_request *out)
{
	struct group g;

	out->count = 0;
	for (;;) {
		const char *wrong = parse_group(&text, &g);

		if (!wrong)
			wrong = add_group(out, &g);
		if (wrong || !*text)
			return wrong;
		if (*text++ != ',')
			return "groups are separated by commas";
	}
}

static unsigned unit_shift(char unit)
{
	switch (unit) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

static bool parse_size(const char **text, uint64_t *out)
{
	unsigned shift;

	if (!parse_number(text, UINT64_MAX, out) || *out == 0)
		return false;
	shift = unit_shift(**text);
	*text += shift != 0;
	return !mul_overflows(*out, 1ull << shift, out);
}

const char *topology_parse_numa(const char *text, struct numa_request *out)
{
	*out = (struct numa_request){ .off = strcmp(text, "off") == 0 };
	if (out->off)
		return NULL;
	if (strncmp(text, "fake=", 5) != 0)
		return "it is off, or fake=SIZE[,SIZE...]";
	text += 5;
	for (;;) {
		if (out->fake_count == ARRAY_SIZE(out->fake))
			return "too many nodes";
		if (!parse_size(&text, &out->fake[out->fake_count++]))
			return "a size is a number and K, M or G";
		if (!*text)
			return NULL;
		if (*text++ != ',')
			return "sizes are separated by commas";
	}
}
