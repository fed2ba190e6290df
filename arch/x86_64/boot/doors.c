/* SPDX-License-Identifier: BSD-2-Clause */
/* The C halves of the two 32-bit doors: from what the loader left in memory to arch_entry. */
#include "boot.h"

#include "../../../grub/mb2.h"
#include "../../../loader/boot_info.h"
#include "../../../loader/pvh.h"

#define IDENTITY_END (4ull << 30)

#define CPUID_RDRAND  (1u << 30) /* 1 ECX */
#define ENTROPY_WORDS (BOOT_ENTROPY_LEN / sizeof(uint64_t))

static struct boot_info door_info;

static bool has_rdrand(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ecx & CPUID_RDRAND;
}

static bool rdrand(uint64_t *value)
{
	bool ok = false;

	for (unsigned i = 0; i < 10 && !ok; i++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(ok) : : "cc");
	return ok;
}

/* How long a port write takes differs a little each time; 128 of them are worth one word. */
static uint64_t jitter(void)
{
	uint64_t word = 0;

	for (unsigned i = 0; i < 128; i++) {
		__asm__ volatile("outb %%al, $0x80" : : "a"(0)); /* the diagnostics port: no effect */
		word = (word << 7 | word >> 57) ^ __builtin_ia32_rdtsc();
	}
	return word;
}

static void gather_entropy(struct boot_info *bi)
{
	uint64_t word = jitter();

	boot_info_add_entropy(bi, &word, sizeof(word));
	if (!has_rdrand())
		return;
	for (unsigned i = 0; i < ENTROPY_WORDS && rdrand(&word); i++)
		boot_info_add_entropy(bi, &word, sizeof(word));
}

static void __noreturn enter_kernel(struct boot_info *bi, uint64_t tsc)
{
	uint64_t start = (uint64_t)__kernel_start, end = (uint64_t)__kernel_end;

	bi->tsc_entry = tsc;
	gather_entropy(bi);
	if (boot_info_set_kernel(bi, start, end - start) < 0)
		boot_fatal(bi->path, "the loader put the kernel at an address that is not 2 MiB aligned");
	if (boot_info_finish(bi) < 0)
		boot_fatal(bi->path, "the kernel, a module or the framebuffer lies where it must not");
	bi->tsc_handoff = __builtin_ia32_rdtsc();
	arch_entry(bi);
}

void mb2_boot(uint32_t magic, uint64_t info, uint64_t tsc)
{
	const char *wrong;

	boot_info_init(&door_info, "multiboot2");
	if (magic != MB2_LOADER_MAGIC)
		boot_fatal("multiboot2", "the loader did not leave its magic number");
	wrong = mb2_translate(&door_info, (const void *)info, IDENTITY_END - info, info);
	if (wrong)
		boot_fatal("multiboot2", wrong);
	enter_kernel(&door_info, tsc);
}

void pvh_boot(uint32_t unused, uint64_t start_info, uint64_t tsc)
{
	const struct pvh_window window = { .base = (const unsigned char *)0, .size = IDENTITY_END };
	const char *wrong;

	(void)unused;
	boot_info_init(&door_info, "pvh");
	wrong = pvh_translate(&door_info, &window, start_info);
	if (wrong)
		boot_fatal("pvh", wrong);
	enter_kernel(&door_info, tsc);
}
