/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU's APIC id is a string of bit fields: package, die, core, thread.  How wide they are is told by leaf
 * 1Fh or 0Bh (Intel SDM vol. 3, 9.9 "Programming considerations for hardware multi-threading capable
 * processors"); older processors give counts in leaves 1 and 4, older AMD ones in 8000_0008h and 8000_001Eh
 * and their caches in 8000_0005h and 8000_0006h (AMD APM vol. 3, appendix E).  Whoever shares a cache has the
 * same id but for so many low bits.
 */
#include "cpuid_topology.h"

#define LEAF_BASIC        0x01u
#define LEAF_CACHES       0x04u
#define LEAF_FEATURES     0x07u
#define LEAF_TOPOLOGY     0x0bu
#define LEAF_HYBRID       0x1au
#define LEAF_TOPOLOGY_V2  0x1fu
#define LEAF_EXT_MAX      0x80000000u
#define LEAF_EXT_FEATURES 0x80000001u
#define LEAF_AMD_L1       0x80000005u
#define LEAF_AMD_L2_L3    0x80000006u
#define LEAF_AMD_CORES    0x80000008u
#define LEAF_AMD_CACHES   0x8000001du
#define LEAF_AMD_TOPOLOGY 0x8000001eu

#define BASIC_HTT       (1u << 28) /* leaf 1 EDX */
#define FEATURES_HYBRID (1u << 15) /* leaf 7 EDX */
#define EXT_TOPOLOGY    (1u << 22) /* 8000_0001h ECX */
#define HYBRID_ATOM     0x20u      /* leaf 1Ah EAX, top byte */

#define MAX_DOMAINS  8
#define MAX_SUBLEAFS 16

enum domain_type { DOMAIN_NONE, DOMAIN_THREAD, DOMAIN_CORE, DOMAIN_MODULE, DOMAIN_TILE, DOMAIN_DIE };

/* Where the fields of the APIC id begin. */
struct fields {
	uint32_t id;
	unsigned core, die, package;
};

static uint32_t max_leaf(cpuid_fn read)
{
	return read(0, 0).eax;
}

static bool has_ext_leaf(cpuid_fn read, uint32_t leaf)
{
	uint32_t max = read(LEAF_EXT_MAX, 0).eax;

	return max >= LEAF_EXT_MAX && max >= leaf;
}

/* AMD's topology extensions: the leaves about caches and compute units. */
static bool has_amd_topology(cpuid_fn read)
{
	return has_ext_leaf(read, LEAF_AMD_TOPOLOGY) && (read(LEAF_EXT_FEATURES, 0).ecx & EXT_TOPOLOGY);
}

/* Bits that number `count` things. */
static unsigned width_of(uint32_t count)
{
	return count > 1 ? 32 - (unsigned)__builtin_clz(count - 1) : 0;
}

static uint32_t bits(uint32_t value, unsigned from, unsigned to)
{
	return (uint32_t)(((uint64_t)value & ((1ull << to) - 1)) >> from);
}

/* --- the fields -------------------------------------------------------------------------------------- */

/* Each subleaf is one domain, from the threads outwards, and tells where the next wider one begins. */
static bool extended_fields(cpuid_fn read, uint32_t leaf, struct fields *out)
{
	unsigned below = 0;
	struct fields f = { 0 };

	if (max_leaf(read) < leaf)
		return false;
	for (uint32_t i = 0; i < MAX_DOMAINS; i++) {
		struct cpuid r = read(leaf, i);
		enum domain_type type = r.ecx >> 8 & 0xff;
		unsigned shift = r.eax & 0x1f;

		if (type == DOMAIN_NONE || (r.ebx & 0xffff) == 0)
			break;
		f.id = r.edx;
		if (type == DOMAIN_THREAD)
			f.core = shift;
		if (type == DOMAIN_DIE)
			f.die = below;
		below = f.package = MAX(shift, below);
	}
	if (f.package == 0 && read(leaf, 0).ebx == 0)
		return false;
	if (f.die == 0)
		f.die = f.package;
	*out = f;
	return true;
}

/* Threads and cores of a package as older processors count them. */
static void count_legacy(cpuid_fn read, uint32_t *logical, uint32_t *cores)
{
	struct cpuid basic = read(LEAF_BASIC, 0);

	*logical = basic.edx & BASIC_HTT ? MAX(basic.ebx >> 16 & 0xff, 1u) : 1;
	*cores = *logical;
	if (has_amd_topology(read))
		*cores = *logical / ((read(LEAF_AMD_TOPOLOGY, 0).ebx >> 8 & 0xff) + 1);
	else if (max_leaf(read) >= LEAF_CACHES && (read(LEAF_CACHES, 0).eax & 0x1f))
		*cores = (read(LEAF_CACHES, 0).eax >> 26) + 1;
	else if (has_ext_leaf(read, LEAF_AMD_CORES))
		*cores = (read(LEAF_AMD_CORES, 0).ecx & 0xff) + 1;
	*cores = MIN(MAX(*cores, 1u), *logical);
}

static void legacy_fields(cpuid_fn read, struct fields *out)
{
	uint32_t logical, cores;

	count_legacy(read, &logical, &cores);
	out->id = read(LEAF_BASIC, 0).ebx >> 24;
	out->core = width_of(logical / cores);
	out->package = MAX(width_of(logical), out->core);
	out->die = out->package;
}

static void describe_place(const struct fields *f, struct cpu_description *out)
{
	out->hardware_id = f->id;
	out->thread = bits(f->id, 0, f->core);
	out->core = bits(f->id, f->core, f->package);
	out->die = bits(f->id, f->die, f->package);
	out->package = bits(f->id, f->package, 32);
}

/* --- caches ------------------------------------------------------------------------------------------ */

static void describe_cache(const struct cpuid *r, struct cpu_description *out)
{
	unsigned shared = width_of((r->eax >> 14 & 0xfff) + 1);

	out->caches[out->cache_count++] = (struct cpu_cache){
		.type = r->eax & 0x1f,
		.level = r->eax >> 5 & 7,
		.line = (uint16_t)((r->ebx & 0xfff) + 1),
		.partitions = (uint16_t)((r->ebx >> 12 & 0x3ff) + 1),
		.ways = (uint16_t)((r->ebx >> 22) + 1),
		.sets = r->ecx + 1,
		.id = bits(out->hardware_id, shared, 32),
	};
}

/* Leaves 4 and 8000_001Dh have the same format. */
static void describe_listed_caches(cpuid_fn read, uint32_t leaf, struct cpu_description *out)
{
	for (uint32_t i = 0; i < MAX_SUBLEAFS && out->cache_count < MAX_CACHES; i++) {
		struct cpuid r = read(leaf, i);
		uint32_t type = r.eax & 0x1f;

		if (type == 0)
			return;
		if (type <= CACHE_UNIFIED && (r.eax >> 5 & 7) != 0)
			describe_cache(&r, out);
	}
}

/* AMD's codes for the number of ways; 0: no such cache, or one that has any line anywhere. */
static uint32_t ways_of(uint32_t code)
{
	static const uint8_t ways[16] = { 0, 1, 2, 3, 4, 6, 8, 0, 16, 0, 32, 48, 64, 96, 128, 0 };

	return ways[code];
}

static void add_amd_cache(struct cpu_description *out, unsigned level, enum cache_type type, uint64_t size,
			  uint32_t ways, uint32_t line, uint32_t id)
{
	if (size == 0 || line == 0)
		return;
	if (ways == 0 || ways > size / line)
		ways = (uint32_t)MIN(size / line, 0xffffu);
	ways = MAX(ways, 1u);
	out->caches[out->cache_count++] = (struct cpu_cache){
		.level = (uint8_t)level,
		.type = (uint8_t)type,
		.line = (uint16_t)line,
		.partitions = 1,
		.ways = (uint16_t)ways,
		.sets = (uint32_t)(size / line / ways),
		.id = id,
	};
}

/* The oldest leaves say nothing about sharing: the last level is the package's, the others each core's. */
static void describe_amd_caches(cpuid_fn read, const struct fields *f, struct cpu_description *out)
{
	uint32_t core = bits(f->id, f->core, 32), package = bits(f->id, f->package, 32);
	struct cpuid r;

	if (!has_ext_leaf(read, LEAF_AMD_L2_L3))
		return;
	r = read(LEAF_AMD_L1, 0);
	add_amd_cache(out, 1, CACHE_DATA, (uint64_t)(r.ecx >> 24) << 10, r.ecx >> 16 & 0xff, r.ecx & 0xff,
		      core);
	add_amd_cache(out, 1, CACHE_INSTRUCTION, (uint64_t)(r.edx >> 24) << 10, r.edx >> 16 & 0xff,
		      r.edx & 0xff, core);
	r = read(LEAF_AMD_L2_L3, 0);
	add_amd_cache(out, 2, CACHE_UNIFIED, (uint64_t)(r.ecx >> 16) << 10, ways_of(r.ecx >> 12 & 0xf),
		      r.ecx & 0xff, core);
	add_amd_cache(out, 3, CACHE_UNIFIED, (uint64_t)(r.edx >> 18) << 19, ways_of(r.edx >> 12 & 0xf),
		      r.edx & 0xff, package);
}

static void describe_caches(cpuid_fn read, const struct fields *f, struct cpu_description *out)
{
	out->cache_count = 0;
	if (has_amd_topology(read))
		describe_listed_caches(read, LEAF_AMD_CACHES, out);
	else if (max_leaf(read) >= LEAF_CACHES)
		describe_listed_caches(read, LEAF_CACHES, out);
	if (out->cache_count == 0)
		describe_amd_caches(read, f, out);
}

/* --- the kind ---------------------------------------------------------------------------------------- */

static enum core_type find_type(cpuid_fn read)
{
	if (max_leaf(read) < LEAF_HYBRID || !(read(LEAF_FEATURES, 0).edx & FEATURES_HYBRID))
		return CORE_PERFORMANCE;
	return read(LEAF_HYBRID, 0).eax >> 24 == HYBRID_ATOM ? CORE_EFFICIENT : CORE_PERFORMANCE;
}

void cpuid_describe(cpuid_fn read, struct cpu_description *out)
{
	struct fields f;

	if (!extended_fields(read, LEAF_TOPOLOGY_V2, &f) && !extended_fields(read, LEAF_TOPOLOGY, &f))
		legacy_fields(read, &f);
	describe_place(&f, out);
	describe_caches(read, &f, out);
	out->type = find_type(read);
}
