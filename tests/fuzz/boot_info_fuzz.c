/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: loader/boot_info.c kernel/core/boot_info.c */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kernel/boot_info.h>
#include <loader/boot_info.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct step {
	uint16_t base, length; /* in units of 1 KiB, so that overlaps are likely */
	uint8_t type;
	uint8_t fine; /* shifts the base by less than a page */
} __attribute__((packed));

static struct boot_info bi;

static void build(const uint8_t *data, size_t size)
{
	struct step s;

	boot_info_init(&bi, "fuzz");
	boot_info_add_region(&bi, 0, 64ull << 20, BOOT_REGION_USABLE);
	boot_info_set_kernel(&bi, 2ull << 20, 1ull << 20);
	for (; size >= sizeof(s); size -= sizeof(s), data += sizeof(s)) {
		uint64_t base;

		memcpy(&s, data, sizeof(s));
		base = s.base * 1024ull + s.fine;
		if (s.type & 0x80)
			boot_info_add_module(&bi, base, s.length, "m");
		else
			boot_info_add_region(&bi, base, s.length * 1024ull, s.type % 12);
	}
	if (boot_info_finish(&bi) == 0 && boot_info_check(&bi))
		abort();
}

/* Raw bytes as a hand-off: the check must not be fooled into reading outside of it. */
static void check_raw(const uint8_t *data, size_t size)
{
	struct boot_info *raw = calloc(1, sizeof(*raw));
	size_t skip = offsetof(struct boot_info, path);

	boot_info_init(raw, "fuzz");
	memcpy((char *)raw + skip, data, size < sizeof(*raw) - skip ? size : sizeof(*raw) - skip);
	boot_info_check(raw);
	free(raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	build(data, size);
	check_raw(data, size);
	return 0;
}
