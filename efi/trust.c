/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a file is the one that serix.cfg means. */
#include "efi_priv.h"

#include <loader/sha256.h>

bool trust_secure_boot(void)
{
	EFI_GUID global_guid = EFI_GLOBAL_VARIABLE;
	UINT8 value = 0;
	UINTN size = sizeof(value);
	CHAR16 name[] = L"SecureBoot";

	if (efi_st->RuntimeServices->GetVariable(name, &global_guid, NULL, &size, &value) != EFI_SUCCESS)
		return false;
	return size == sizeof(value) && value == 1;
}

int trust_check(const struct config_file *spec, const struct mem *file, bool required)
{
	uint8_t digest[SHA256_LEN];
	struct sha256 ctx;
	uint8_t difference = 0;

	if (!spec->has_sha256) {
		if (required)
			return con_error("Secure Boot is on and serix.cfg has no hash for %t", &spec->path);
		return 0;
	}
	sha256_init(&ctx);
	sha256_update(&ctx, file->at, file->size);
	sha256_final(&ctx, digest);
	for (uint32_t i = 0; i < SHA256_LEN; i++)
		difference |= digest[i] ^ spec->sha256[i];
	if (difference != 0)
		return con_error("%t does not have the SHA-256 that serix.cfg gives", &spec->path);
	return 0;
}
