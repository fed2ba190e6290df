/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Out of the firmware.  The memory map and boot_info are finished first and ExitBootServices is
 * called last, so that everything that can be refused is refused while there is still a screen and
 * a way back.  If the map changed in between, its key is stale: build both anew and try again.
 */
#include "efi_priv.h"

#include <loader/boot_info.h>

#define MAX_TRIES         8u
#define SPARE_DESCRIPTORS 64u

struct efi_map {
	struct mem buffer;
	UINTN size;
	UINTN key;
	UINTN descriptor_size;
	UINT32 descriptor_version;
};

static EFI_STATUS get_map(struct efi_map *map)
{
	map->size = map->buffer.size;
	return efi_bs->GetMemoryMap(&map->size, (EFI_MEMORY_DESCRIPTOR *)map->buffer.at, &map->key,
				    &map->descriptor_size, &map->descriptor_version);
}

/* Room for the map as it is now and for what our own and the firmware's late calls may add. */
static int alloc_map(struct efi_map *map)
{
	EFI_STATUS status = get_map(map);

	if (status != EFI_BUFFER_TOO_SMALL || map->descriptor_size < sizeof(EFI_MEMORY_DESCRIPTOR) ||
	    map->descriptor_size > EFI_PAGE)
		return con_error("the firmware gives no memory map (%x)", status);
	return mem_alloc(&map->buffer, map->size + SPARE_DESCRIPTORS * map->descriptor_size,
			 "the memory map");
}

/* *bi from everything but the map, plus the map. */
static int add_map(struct boot_info *bi, const struct boot_info *base, const struct efi_map *map)
{
	int err;

	*bi = *base;
	err = boot_info_add_efi_map(bi, map->buffer.at, map->size, map->descriptor_size);
	if (err == 0)
		err = boot_info_finish(bi);
	if (err < 0)
		return con_error("the firmware's memory map is malformed or has too many pieces (%u)",
				 (uint32_t)-err);
	bi->efi.system_table = (uint64_t)efi_st;
	bi->efi.memory_map = (uint64_t)map->buffer.at;
	bi->efi.memory_map_size = map->size;
	bi->efi.descriptor_size = (uint32_t)map->descriptor_size;
	bi->efi.descriptor_version = map->descriptor_version;
	return 0;
}

/* A firmware that has refused once may have stopped its timers and devices: there is no way back to it. */
static int give_up(uint32_t tries)
{
	if (tries == 0)
		return -1;
	con_print("Serix: the firmware is half gone; stopped\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}

int leave_firmware(struct boot_info *bi)
{
	struct efi_map map = { 0 };
	struct mem base;
	EFI_STATUS status = EFI_SUCCESS;
	uint32_t tries;

	if (alloc_map(&map) < 0 || mem_alloc(&base, sizeof(*bi), "boot_info") < 0)
		return -1;
	*(struct boot_info *)base.at = *bi;
	for (tries = 0; tries < MAX_TRIES; tries++) {
		status = get_map(&map);
		if (status != EFI_SUCCESS)
			break;
		if (add_map(bi, (struct boot_info *)base.at, &map) < 0)
			return give_up(tries);
		status = efi_bs->ExitBootServices(efi_image, map.key);
		if (status == EFI_SUCCESS)
			return 0;
	}
	con_error("the firmware does not let go (%x)", status);
	return give_up(tries);
}
