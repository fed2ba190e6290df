/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files on the volume the loader was started from, through the firmware's own FAT driver.
 * A file's size comes from its directory entry and is hostile: it is bounded before memory is taken,
 * and a read that ends early is an error, never a shorter file.
 */
#include "efi_priv.h"

#define CHUNK      (1u << 20)
#define INFO_BYTES 1024u /* EFI_FILE_INFO with the longest name FAT allows */

static EFI_FILE_HANDLE volume;

int file_open_volume(void)
{
	EFI_GUID loaded_image_guid = LOADED_IMAGE_PROTOCOL;
	EFI_GUID file_system_guid = SIMPLE_FILE_SYSTEM_PROTOCOL;
	EFI_LOADED_IMAGE *self;
	EFI_FILE_IO_INTERFACE *fs;
	EFI_STATUS status;

	status = efi_bs->HandleProtocol(efi_image, &loaded_image_guid, (void **)&self);
	if (status != EFI_SUCCESS || !self || !self->DeviceHandle)
		return con_error("the firmware does not say where the loader came from (%x)", status);
	status = efi_bs->HandleProtocol(self->DeviceHandle, &file_system_guid, (void **)&fs);
	if (status != EFI_SUCCESS || !fs)
		return con_error("no file system where the loader came from (%x)", status);
	status = fs->OpenVolume(fs, &volume);
	if (status != EFI_SUCCESS || !volume)
		return con_error("cannot open the boot volume (%x)", status);
	return 0;
}

void file_close_volume(void)
{
	if (volume)
		volume->Close(volume);
	volume = NULL;
}

static EFI_STATUS open_path(struct config_text path, EFI_FILE_HANDLE *file)
{
	CHAR16 wide[CONFIG_PATH_LEN + 1];
	uint32_t i;

	for (i = 0; i < path.len && i < CONFIG_PATH_LEN; i++)
		wide[i] = path.at[i] == '/' ? '\\' : (CHAR16)(uint8_t)path.at[i];
	wide[i] = 0;
	return volume->Open(volume, file, wide, EFI_FILE_MODE_READ, 0);
}

static EFI_STATUS get_size(EFI_FILE_HANDLE file, uint64_t *size)
{
	union {
		EFI_FILE_INFO info;
		uint8_t bytes[INFO_BYTES];
	} buffer;
	EFI_GUID info_guid = EFI_FILE_INFO_ID;
	UINTN length = sizeof(buffer);
	EFI_STATUS status = file->GetInfo(file, &info_guid, &length, &buffer);

	if (status != EFI_SUCCESS)
		return status;
	if (buffer.info.Attribute & EFI_FILE_DIRECTORY)
		return EFI_UNSUPPORTED;
	*size = buffer.info.FileSize;
	return EFI_SUCCESS;
}

static void show_progress(const struct config_text *path, uint64_t done, uint64_t size)
{
	con_print("\rSerix: loading %t %u%%", path, (uint32_t)(done * 100 / size));
}

/* Fills file->at; each chunk but a small file's only one moves the progress line. */
static int read_all(EFI_FILE_HANDLE handle, const struct config_text *path, struct mem *file)
{
	uint64_t done = 0;

	while (done < file->size) {
		uint64_t want = file->size - done;
		UINTN got = want > CHUNK ? CHUNK : want;
		EFI_STATUS status = handle->Read(handle, &got, file->at + done);

		if (status != EFI_SUCCESS)
			return con_error("reading %t failed (%x)", path, status);
		if (got == 0 || got > want)
			return con_error("%t ends early", path);
		done += got;
		show_progress(path, done, file->size);
	}
	con_print("\n");
	return 0;
}

static int load_open_file(EFI_FILE_HANDLE handle, const struct config_text *path, uint64_t max,
			  struct mem *file)
{
	uint64_t size;
	EFI_STATUS status = get_size(handle, &size);

	if (status != EFI_SUCCESS)
		return con_error("%t is no readable file (%x)", path, status);
	if (size == 0)
		return con_error("%t is empty", path);
	if (size > max)
		return con_error("%t is too large", path);
	if (mem_alloc(file, size, "a file") < 0)
		return -1;
	if (read_all(handle, path, file) < 0) {
		mem_free(file);
		return -1;
	}
	return 0;
}

int file_load(struct config_text path, uint64_t max, struct mem *file)
{
	EFI_FILE_HANDLE handle;
	EFI_STATUS status = open_path(path, &handle);
	int err;

	if (status == EFI_NOT_FOUND)
		return con_error("%t not found", &path);
	if (status != EFI_SUCCESS)
		return con_error("cannot open %t (%x)", &path, status);
	err = load_open_file(handle, &path, max, file);
	handle->Close(handle);
	return err;
}

int file_load_optional(const char *path, char *buffer, uint32_t size, uint32_t *len)
{
	struct config_text name = { path, 0 };
	EFI_FILE_HANDLE handle;
	EFI_STATUS status;
	uint64_t bytes;
	UINTN got;

	while (path[name.len] != '\0')
		name.len++;
	status = open_path(name, &handle);
	if (status == EFI_NOT_FOUND)
		return 0;
	if (status != EFI_SUCCESS)
		return con_error("cannot open %s (%x)", path, status);
	status = get_size(handle, &bytes);
	got = size;
	if (status == EFI_SUCCESS && bytes <= size)
		status = handle->Read(handle, &got, buffer);
	handle->Close(handle);
	if (status != EFI_SUCCESS)
		return con_error("cannot read %s (%x)", path, status);
	if (bytes > size)
		return con_error("%s is larger than %u bytes", path, size);
	if (got != bytes)
		return con_error("%s ends early", path);
	*len = (uint32_t)got;
	return 1;
}
