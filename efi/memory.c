/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages from the firmware, with a list of what is held so that a boot that is called off leaves
 * nothing behind; and the memory routines that the compiler calls.
 */
#include "efi_priv.h"

#define FOUR_GIB 0x100000000ull
#define MAX_HELD 32u

static struct {
	EFI_PHYSICAL_ADDRESS at;
	UINTN pages;
} held[MAX_HELD];

static bool hold(EFI_PHYSICAL_ADDRESS at, UINTN pages)
{
	for (uint32_t i = 0; i < MAX_HELD; i++) {
		if (held[i].pages == 0) {
			held[i].at = at;
			held[i].pages = pages;
			return true;
		}
	}
	return false;
}

static bool pages_for(uint64_t size, UINTN *pages)
{
	uint64_t rounded;

	if (size == 0 || __builtin_add_overflow(size, EFI_PAGE - 1, &rounded))
		return false;
	*pages = rounded / EFI_PAGE;
	return true;
}

/* Low memory first: it is what early page tables and 32-bit devices can reach on every machine. */
static bool get_pages(EFI_MEMORY_TYPE type, UINTN pages, EFI_PHYSICAL_ADDRESS *at)
{
	*at = FOUR_GIB - 1;
	if (efi_bs->AllocatePages(AllocateMaxAddress, type, pages, at) == EFI_SUCCESS)
		return true;
	return efi_bs->AllocatePages(AllocateAnyPages, type, pages, at) == EFI_SUCCESS;
}

int mem_alloc(struct mem *mem, uint64_t size, const char *what)
{
	EFI_PHYSICAL_ADDRESS at;
	UINTN pages;

	if (!pages_for(size, &pages) || !get_pages(EfiLoaderData, pages, &at))
		return con_error("not enough memory for %s", what);
	if (!hold(at, pages)) {
		efi_bs->FreePages(at, pages);
		return con_error("too many allocations, at %s", what);
	}
	mem->at = (uint8_t *)at;
	mem->size = size;
	return 0;
}

int mem_alloc_aligned(struct mem *mem, uint64_t size, uint64_t align, const char *what)
{
	EFI_PHYSICAL_ADDRESS at;
	EFI_PHYSICAL_ADDRESS start;
	UINTN pages;
	UINTN spare = align / EFI_PAGE - 1;

	/* Code, because firmware may map the data type not executable. */
	if (!pages_for(size, &pages) || !get_pages(EfiLoaderCode, pages + spare, &at))
		return con_error("not enough memory for %s", what);
	start = (at + align - 1) & ~(align - 1);
	if (start > at)
		efi_bs->FreePages(at, (start - at) / EFI_PAGE);
	spare -= (start - at) / EFI_PAGE;
	if (spare > 0)
		efi_bs->FreePages(start + pages * EFI_PAGE, spare);
	if (!hold(start, pages)) {
		efi_bs->FreePages(start, pages);
		return con_error("too many allocations, at %s", what);
	}
	mem->at = (uint8_t *)start;
	mem->size = size;
	return 0;
}

void mem_free(struct mem *mem)
{
	for (uint32_t i = 0; i < MAX_HELD; i++) {
		if (held[i].pages > 0 && held[i].at == (EFI_PHYSICAL_ADDRESS)mem->at) {
			efi_bs->FreePages(held[i].at, held[i].pages);
			held[i].pages = 0;
		}
	}
	*mem = (struct mem){ 0 };
}

void mem_free_all(void)
{
	for (uint32_t i = 0; i < MAX_HELD; i++) {
		if (held[i].pages > 0)
			efi_bs->FreePages(held[i].at, held[i].pages);
		held[i].pages = 0;
	}
}

/* --- called by compiled code --- */

uintptr_t __stack_chk_guard = 0x595e9fbd94fda766;
__attribute__((noreturn)) void __stack_chk_fail(void);
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int c, size_t n);

/* The canary changes under this function and its caller, so neither may check it. */
__attribute__((no_stack_protector)) void mem_seed_canary(void)
{
	__stack_chk_guard ^= read_tsc() * 0x9e3779b97f4a7c15ull;
}

/* The stack cannot be trusted any more, so there is no way back to the firmware. */
__attribute__((noreturn)) void __stack_chk_fail(void)
{
	con_error("the loader's stack was overwritten; stopped");
	for (;;)
		__asm__ volatile("cli; hlt");
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	void *to = dst;
	size_t words = n / 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words)::"memory");
	n %= 8;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(n)::"memory");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *to = dst;
	size_t words = n / 8;
	uint64_t value = (uint8_t)c * 0x0101010101010101ull;

	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(value) : "memory");
	n %= 8;
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
	return dst;
}
