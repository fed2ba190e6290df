/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of /proc/cpuinfo, with Linux's field and flag names: programs parse both. */
#include <arch/cpu.h>

#include <kernel/format.h>
#include <kernel/time.h>
#include <kernel/topology.h>

#include "cpu.h"
#include "x86.h"

enum flag_word {
	W1_EDX,
	W1_ECX,
	W7_EBX,
	W7_ECX,
	W7_EDX,
	WEXT_EDX,
	WEXT_ECX,
	WD1_EAX,
	WPM_EDX,
	W6_EAX,
	FLAG_WORDS
};

struct flag {
	uint8_t word, bit;
	char name[18];
};

/* In Linux's order. */
/* clang-format off */
static const struct flag flags[] = {
	{ W1_EDX, 0, "fpu" }, { W1_EDX, 1, "vme" }, { W1_EDX, 2, "de" }, { W1_EDX, 3, "pse" },
	{ W1_EDX, 4, "tsc" }, { W1_EDX, 5, "msr" }, { W1_EDX, 6, "pae" }, { W1_EDX, 7, "mce" },
	{ W1_EDX, 8, "cx8" }, { W1_EDX, 9, "apic" }, { W1_EDX, 11, "sep" }, { W1_EDX, 12, "mtrr" },
	{ W1_EDX, 13, "pge" }, { W1_EDX, 14, "mca" }, { W1_EDX, 15, "cmov" }, { W1_EDX, 16, "pat" },
	{ W1_EDX, 17, "pse36" }, { W1_EDX, 18, "pn" }, { W1_EDX, 19, "clflush" }, { W1_EDX, 21, "dts" },
	{ W1_EDX, 22, "acpi" }, { W1_EDX, 23, "mmx" }, { W1_EDX, 24, "fxsr" }, { W1_EDX, 25, "sse" },
	{ W1_EDX, 26, "sse2" }, { W1_EDX, 27, "ss" }, { W1_EDX, 28, "ht" }, { W1_EDX, 29, "tm" },
	{ W1_EDX, 31, "pbe" },
	{ WEXT_EDX, 11, "syscall" }, { WEXT_EDX, 20, "nx" }, { WEXT_EDX, 22, "mmxext" },
	{ WEXT_EDX, 25, "fxsr_opt" }, { WEXT_EDX, 26, "pdpe1gb" }, { WEXT_EDX, 27, "rdtscp" },
	{ WEXT_EDX, 29, "lm" }, { WEXT_EDX, 30, "3dnowext" }, { WEXT_EDX, 31, "3dnow" },
	{ WPM_EDX, 8, "constant_tsc" }, { WPM_EDX, 8, "nonstop_tsc" },
	{ W1_ECX, 0, "pni" }, { W1_ECX, 1, "pclmulqdq" }, { W1_ECX, 2, "dtes64" }, { W1_ECX, 3, "monitor" },
	{ W1_ECX, 4, "ds_cpl" }, { W1_ECX, 5, "vmx" }, { W1_ECX, 6, "smx" }, { W1_ECX, 7, "est" },
	{ W1_ECX, 8, "tm2" }, { W1_ECX, 9, "ssse3" }, { W1_ECX, 12, "fma" }, { W1_ECX, 13, "cx16" },
	{ W1_ECX, 14, "xtpr" }, { W1_ECX, 15, "pdcm" }, { W1_ECX, 17, "pcid" }, { W1_ECX, 18, "dca" },
	{ W1_ECX, 19, "sse4_1" }, { W1_ECX, 20, "sse4_2" }, { W1_ECX, 21, "x2apic" }, { W1_ECX, 22, "movbe" },
	{ W1_ECX, 23, "popcnt" }, { W1_ECX, 24, "tsc_deadline_timer" }, { W1_ECX, 25, "aes" },
	{ W1_ECX, 26, "xsave" }, { W1_ECX, 28, "avx" }, { W1_ECX, 29, "f16c" }, { W1_ECX, 30, "rdrand" },
	{ W1_ECX, 31, "hypervisor" },
	{ WEXT_ECX, 0, "lahf_lm" }, { WEXT_ECX, 1, "cmp_legacy" }, { WEXT_ECX, 2, "svm" },
	{ WEXT_ECX, 4, "cr8_legacy" }, { WEXT_ECX, 5, "abm" }, { WEXT_ECX, 6, "sse4a" },
	{ WEXT_ECX, 7, "misalignsse" }, { WEXT_ECX, 8, "3dnowprefetch" }, { WEXT_ECX, 9, "osvw" },
	{ WEXT_ECX, 11, "xop" }, { WEXT_ECX, 16, "fma4" }, { WEXT_ECX, 21, "tbm" }, { WEXT_ECX, 22, "topoext" },
	{ W7_EBX, 0, "fsgsbase" }, { W7_EBX, 1, "tsc_adjust" }, { W7_EBX, 3, "bmi1" }, { W7_EBX, 4, "hle" },
	{ W7_EBX, 5, "avx2" }, { W7_EBX, 7, "smep" }, { W7_EBX, 8, "bmi2" }, { W7_EBX, 9, "erms" },
	{ W7_EBX, 10, "invpcid" }, { W7_EBX, 11, "rtm" }, { W7_EBX, 14, "mpx" }, { W7_EBX, 16, "avx512f" },
	{ W7_EBX, 17, "avx512dq" }, { W7_EBX, 18, "rdseed" }, { W7_EBX, 19, "adx" }, { W7_EBX, 20, "smap" },
	{ W7_EBX, 21, "avx512ifma" }, { W7_EBX, 23, "clflushopt" }, { W7_EBX, 24, "clwb" },
	{ W7_EBX, 26, "avx512pf" }, { W7_EBX, 27, "avx512er" }, { W7_EBX, 28, "avx512cd" },
	{ W7_EBX, 29, "sha_ni" }, { W7_EBX, 30, "avx512bw" }, { W7_EBX, 31, "avx512vl" },
	{ WD1_EAX, 0, "xsaveopt" }, { WD1_EAX, 1, "xsavec" }, { WD1_EAX, 2, "xgetbv1" }, { WD1_EAX, 3, "xsaves" },
	{ W6_EAX, 2, "arat" },
	{ W7_ECX, 1, "avx512vbmi" }, { W7_ECX, 2, "umip" }, { W7_ECX, 3, "pku" },
	{ W7_ECX, 6, "avx512_vbmi2" }, { W7_ECX, 8, "gfni" }, { W7_ECX, 9, "vaes" }, { W7_ECX, 10, "vpclmulqdq" },
	{ W7_ECX, 11, "avx512_vnni" }, { W7_ECX, 12, "avx512_bitalg" }, { W7_ECX, 14, "avx512_vpopcntdq" },
	{ W7_ECX, 16, "la57" }, { W7_ECX, 22, "rdpid" }, { W7_ECX, 27, "movdiri" }, { W7_ECX, 28, "movdir64b" },
	{ W7_EDX, 4, "fsrm" }, { W7_EDX, 10, "md_clear" }, { W7_EDX, 14, "serialize" },
	{ W7_EDX, 29, "arch_capabilities" },
};
/* clang-format on */

static void read_flag_words(uint32_t words[FLAG_WORDS])
{
	const struct cpu_features *f = &cpu_features;
	struct cpuid id = cpuid(1, 0);

	for (unsigned i = 0; i < FLAG_WORDS; i++)
		words[i] = 0;
	words[W1_EDX] = id.edx;
	words[W1_ECX] = id.ecx;
	if (f->max_leaf >= 6)
		words[W6_EAX] = cpuid(6, 0).eax;
	if (f->max_leaf >= 7) {
		id = cpuid(7, 0);
		words[W7_EBX] = id.ebx;
		words[W7_ECX] = id.ecx;
		words[W7_EDX] = id.edx;
	}
	if (f->max_leaf >= 0xd && f->xsave)
		words[WD1_EAX] = cpuid(0xd, 1).eax;
	if (f->max_ext_leaf >= 0x80000001) {
		id = cpuid(0x80000001, 0);
		words[WEXT_EDX] = id.edx;
		words[WEXT_ECX] = id.ecx;
	}
	if (f->max_ext_leaf >= 0x80000007)
		words[WPM_EDX] = cpuid(0x80000007, 0).edx;
}

static int describe_flags(char *buf, size_t size)
{
	uint32_t words[FLAG_WORDS];
	int n;

	read_flag_words(words);
	n = scnprintf(buf, size, "flags\t\t:");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (words[flags[i].word] >> flags[i].bit & 1)
			n += scnprintf(buf + n, size - n, " %s", flags[i].name);
	}
	return n + scnprintf(buf + n, size - n, "\n");
}

/* The size that Linux names here is that of the widest cache. */
static uint32_t cache_kib(uint32_t cpu)
{
	unsigned count = topology_cache_count(cpu);

	return count ? (uint32_t)(cache_size(topology_cache(cpu, count - 1)) >> 10) : 0;
}

/* "siblings" counts the package's CPUs, "cpu cores" its cores. */
static int describe_place(uint32_t cpu, char *buf, size_t size)
{
	const struct cpu_topology *place = topology_of(cpu);
	uint32_t apic = cpus[cpu]->arch->apic_id, cores = 0;
	struct cpumask package;

	topology_package(cpu, &package);
	cpumask_for_each(other, &package) cores +=
		cpumask_next(topology_peers(other, LEVEL_CORE), 0) == other;
	return scnprintf(buf, size,
			 "physical id\t: %u\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n"
			 "apicid\t\t: %u\ninitial apicid\t: %u\n",
			 place->package, cpumask_count(&package), place->core_id, cores, apic, apic);
}

int arch_cpu_describe(uint32_t cpu, char *buf, size_t size)
{
	const struct cpu_features *f = &cpu_features;
	uint32_t clflush = (cpuid(1, 0).ebx >> 8 & 0xff) * 8;
	uint64_t khz = time_cycles_per_sec() / 1000;
	int n;

	n = scnprintf(buf, size,
		      "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n"
		      "stepping\t: %u\ncpu MHz\t\t: %lu.%03lu\n",
		      cpu, f->vendor, f->family, f->model, f->brand[0] ? f->brand : "unknown", f->stepping,
		      khz / 1000, khz % 1000);
	if (cache_kib(cpu))
		n += scnprintf(buf + n, size - n, "cache size\t: %u KB\n", cache_kib(cpu));
	n += describe_place(cpu, buf + n, size - n);
	n += scnprintf(buf + n, size - n,
		       "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", f->max_leaf);
	n += describe_flags(buf + n, size - n);
	n += scnprintf(buf + n, size - n,
		       "bugs\t\t:\nbogomips\t: %lu.%02lu\nclflush size\t: %u\ncache_alignment\t: %u\n"
		       "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
		       khz * 2 / 1000, khz * 2 / 10 % 100, clflush, clflush, f->phys_bits, f->virt_bits);
	return n;
}
