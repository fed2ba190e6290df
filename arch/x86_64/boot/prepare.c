/* SPDX-License-Identifier: BSD-2-Clause */
/* The C part of arch_entry, identity-mapped: from a loader's boot_info to tables ready to be loaded. */
#include "boot.h"

#include <kernel/boot_info.h>

#include "kaslr.h"

#define CPUID_NX     (1u << 20) /* 0x80000001 EDX */
#define CPUID_RDRAND (1u << 30) /* 1 ECX */
#define CR4_LA57     (1ull << 12)

extern uint64_t arch_boot_root_table[];

/* Physical address of the kernel's top-level table, for arch/x86_64/paging.c. */
paddr_t arch_boot_pml4 __attribute__((section(".data.ro_after_init")));

uint64_t arch_direct_map_base __attribute__((section(".data.ro_after_init"))) = KERNEL_BASE;

static void check_processor(void)
{
	uint32_t eax = 0x80000001, ebx, ecx = 0, edx;
	uint64_t cr4;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (!(edx & CPUID_NX))
		boot_fatal("processor", "it has no no-execute pages, or the firmware turned them off");
	__asm__("mov %%cr4, %0" : "=r"(cr4));
	if (cr4 & CR4_LA57)
		boot_fatal("processor", "the loader left 5-level paging on");
}

static void load_root(uint64_t root)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

/* From here on nothing of the loader's is looked at: not its tables, not its boot_info. */
static void copy_boot_info(const struct boot_info *loaders)
{
	const char *wrong;

	if (loaders->magic != BOOT_INFO_MAGIC || loaders->size != sizeof(*loaders))
		boot_fatal("boot_info", "the loader gave none that this kernel understands");
	__builtin_memcpy(&boot_info, loaders, sizeof(boot_info));
	wrong = boot_info_check(&boot_info);
	if (wrong)
		boot_fatal("boot_info", wrong);
	if (boot_info.kernel_base != (uint64_t)__kernel_start)
		boot_fatal("boot_info", "the kernel does not run where the loader says");
}

/* Is `word` on the command line?  The kernel's own parser must wait until the image is relocated. */
static bool asks_for(const char *line, const char *word)
{
	for (const char *p = line; *p;) {
		const char *w = word;

		for (; *w && *p == *w; w++)
			p++;
		if (!*w && (*p == ' ' || !*p))
			return true;
		while (*p && *p != ' ')
			p++;
		while (*p == ' ')
			p++;
	}
	return false;
}

static uint64_t random_word(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;
	uint64_t word = 0;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (ecx & CPUID_RDRAND)
		__asm__ volatile("rdrand %0" : "=r"(word) : : "cc");
	return word ^ __builtin_ia32_rdtsc();
}

static uint64_t ram_end(const struct boot_info *bi)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < bi->region_count; i++)
		end = MAX(end, bi->regions[i].base + bi->regions[i].length);
	return end;
}

/* Returns the slide of the image. */
static uint64_t choose_places(const struct boot_info *bi)
{
	uint8_t seed[BOOT_ENTROPY_LEN + sizeof(uint64_t)];
	uint64_t word = random_word();
	struct kaslr places;

	if (asks_for(bi->cmdline, "nokaslr"))
		return 0;
	__builtin_memcpy(seed, bi->entropy, BOOT_ENTROPY_LEN);
	__builtin_memcpy(seed + BOOT_ENTROPY_LEN, &word, sizeof(word));
	kaslr_choose(seed, sizeof(seed), ram_end(bi), (uint64_t)(__kernel_end - __kernel_start), &places);
	arch_direct_map_base = places.direct_base;
	return places.slide;
}

void boot_prepare(const struct boot_info *loaders, struct boot_handoff *handoff)
{
	uint64_t *identity, slide;

	check_processor();
	copy_boot_info(loaders);
	identity = boot_identity_map();
	load_root((uint64_t)identity);
	slide = choose_places(&boot_info);
	boot_relocate(slide);

	arch_boot_pml4 = (uint64_t)arch_boot_root_table;
	handoff->root = arch_boot_pml4;
	handoff->delta = KERNEL_LINK_BASE + slide - (uint64_t)__kernel_start;
	handoff->info = (uint64_t)&boot_info + handoff->delta;
	boot_build_page_tables(arch_boot_root_table, &boot_info, handoff->delta);
	/* Only for the jump: arch_entry clears the lower half once it runs in the upper one. */
	arch_boot_root_table[0] = identity[0];
}
