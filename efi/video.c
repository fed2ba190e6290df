/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The video mode.  Wanted is a linear mode of 32 bits per pixel: the size serix.cfg asks for; else
 * the monitor's own size; else what the firmware chose; else the largest that is not larger than
 * 1920 x 1200, because a text console on more pixels is slow and hard to read.
 */
#include "efi_priv.h"

#define MAX_WIDTH   1920u
#define MAX_HEIGHT  1200u
#define MAX_MODES   512u
#define NO_MODE     UINT32_MAX
#define EDID_BYTES  128u
#define EDID_TIMING 54u /* the first detailed timing: the preferred mode */

typedef EFI_GRAPHICS_OUTPUT_PROTOCOL gop_t;
typedef EFI_GRAPHICS_OUTPUT_MODE_INFORMATION gop_mode_t;

struct size {
	uint32_t width;
	uint32_t height;
};

static gop_t *find_gop(EFI_HANDLE *handle)
{
	EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_HANDLE *handles;
	UINTN count;
	gop_t *gop = NULL;

	/* The console's own output mirrors others and has no framebuffer: prefer a device's. */
	if (efi_bs->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &handles) != EFI_SUCCESS)
		return NULL;
	for (UINTN i = 0; i < count; i++) {
		gop_t *candidate;

		if (efi_bs->HandleProtocol(handles[i], &guid, (void **)&candidate) != EFI_SUCCESS ||
		    !candidate || !candidate->Mode || !candidate->Mode->Info)
			continue;
		if (gop && candidate->Mode->FrameBufferBase == 0)
			continue;
		gop = candidate;
		*handle = handles[i];
		if (gop->Mode->FrameBufferBase != 0)
			break;
	}
	efi_bs->FreePool(handles);
	return gop;
}

/* --- what a mode's pixels look like --- */

static bool mask_channel(uint32_t mask, struct boot_channel *out)
{
	uint32_t bits;

	if (mask == 0)
		return false;
	out->shift = (uint8_t)__builtin_ctz(mask);
	bits = mask >> out->shift;
	out->bits = 0;
	for (; bits & 1; bits >>= 1)
		out->bits++;
	return bits == 0;
}

/* The same in every mask that a known format stands for; false if the pixel is not 32 bits wide. */
static bool pixel_channels(const gop_mode_t *info, struct boot_framebuffer *fb)
{
	EFI_PIXEL_BITMASK m;

	switch (info->PixelFormat) {
	case PixelRedGreenBlueReserved8BitPerColor:
		m = (EFI_PIXEL_BITMASK){ 0xff, 0xff00, 0xff0000, 0xff000000 };
		break;
	case PixelBlueGreenRedReserved8BitPerColor:
		m = (EFI_PIXEL_BITMASK){ 0xff0000, 0xff00, 0xff, 0xff000000 };
		break;
	case PixelBitMask:
		m = info->PixelInformation;
		break;
	default:
		return false;
	}
	if ((m.RedMask | m.GreenMask | m.BlueMask | m.ReservedMask) >> 24 == 0)
		return false;
	if ((m.RedMask & m.GreenMask) | (m.RedMask & m.BlueMask) | (m.GreenMask & m.BlueMask))
		return false;
	return mask_channel(m.RedMask, &fb->red) && mask_channel(m.GreenMask, &fb->green) &&
	       mask_channel(m.BlueMask, &fb->blue);
}

static bool usable(const gop_mode_t *info)
{
	struct boot_framebuffer unused;

	return info->HorizontalResolution > 0 && info->VerticalResolution > 0 &&
	       info->HorizontalResolution <= 16384 && info->VerticalResolution <= 16384 &&
	       info->PixelsPerScanLine >= info->HorizontalResolution && info->PixelsPerScanLine <= 32768 &&
	       pixel_channels(info, &unused);
}

/* --- which mode --- */

static bool query(gop_t *gop, uint32_t mode, struct size *size)
{
	gop_mode_t *info;
	UINTN bytes;
	bool ok;

	if (gop->QueryMode(gop, mode, &bytes, &info) != EFI_SUCCESS || !info)
		return false;
	ok = bytes >= sizeof(*info) && usable(info);
	*size = (struct size){ info->HorizontalResolution, info->VerticalResolution };
	efi_bs->FreePool(info);
	return ok;
}

static uint32_t mode_count(const gop_t *gop)
{
	return gop->Mode->MaxMode < MAX_MODES ? gop->Mode->MaxMode : MAX_MODES;
}

static uint32_t find_mode(gop_t *gop, struct size want)
{
	struct size size;

	for (uint32_t mode = 0; mode < mode_count(gop); mode++) {
		if (query(gop, mode, &size) && size.width == want.width && size.height == want.height)
			return mode;
	}
	return NO_MODE;
}

static uint32_t largest_mode(gop_t *gop)
{
	uint32_t best = NO_MODE;
	uint32_t best_area = 0;
	struct size size;

	for (uint32_t mode = 0; mode < mode_count(gop); mode++) {
		if (!query(gop, mode, &size) || size.width > MAX_WIDTH || size.height > MAX_HEIGHT)
			continue;
		if (size.width * size.height > best_area) {
			best_area = size.width * size.height;
			best = mode;
		}
	}
	return best;
}

static bool fits(struct size size)
{
	return size.width > 0 && size.width <= MAX_WIDTH && size.height > 0 && size.height <= MAX_HEIGHT;
}

/* What the monitor says it is made for; {0, 0} if it says nothing. */
static struct size native_size(EFI_HANDLE handle)
{
	EFI_GUID guid = EFI_EDID_ACTIVE_PROTOCOL_GUID;
	EFI_EDID_ACTIVE_PROTOCOL *edid;
	const uint8_t *timing;

	if (efi_bs->HandleProtocol(handle, &guid, (void **)&edid) != EFI_SUCCESS || !edid || !edid->Edid ||
	    edid->SizeOfEdid < EDID_BYTES)
		return (struct size){ 0, 0 };
	timing = edid->Edid + EDID_TIMING;
	if (timing[0] == 0 && timing[1] == 0) /* no pixel clock: another kind of descriptor */
		return (struct size){ 0, 0 };
	return (struct size){
		(uint32_t)(timing[2] | (timing[4] & 0xf0) << 4),
		(uint32_t)(timing[5] | (timing[7] & 0xf0) << 4),
	};
}

static uint32_t auto_mode(gop_t *gop, EFI_HANDLE handle)
{
	const gop_mode_t *now = gop->Mode->Info;
	struct size native = native_size(handle);
	uint32_t mode = NO_MODE;

	if (fits(native))
		mode = find_mode(gop, native);
	if (mode != NO_MODE)
		return mode;
	if (usable(now) && fits((struct size){ now->HorizontalResolution, now->VerticalResolution }))
		return gop->Mode->Mode;
	mode = largest_mode(gop);
	return mode != NO_MODE ? mode : gop->Mode->Mode;
}

static uint32_t choose(gop_t *gop, EFI_HANDLE handle, const struct config_video *want)
{
	uint32_t mode;

	if (want->kind == CONFIG_VIDEO_KEEP)
		return gop->Mode->Mode;
	if (want->kind == CONFIG_VIDEO_SIZE) {
		mode = find_mode(gop, (struct size){ want->width, want->height });
		if (mode != NO_MODE)
			return mode;
		con_print("Serix: no video mode %ux%u, choosing one\n", want->width, want->height);
	}
	return auto_mode(gop, handle);
}

/* --- what came of it --- */

static void describe(const gop_t *gop, struct boot_framebuffer *fb)
{
	const gop_mode_t *info = gop->Mode->Info;
	struct boot_framebuffer found = { .base = gop->Mode->FrameBufferBase };
	uint64_t bytes;
	uint64_t end;

	if (found.base == 0 || !usable(info) || !pixel_channels(info, &found))
		return;
	found.width = info->HorizontalResolution;
	found.height = info->VerticalResolution;
	found.pitch = info->PixelsPerScanLine * 4;
	bytes = (uint64_t)found.pitch * found.height;
	if (bytes > gop->Mode->FrameBufferSize || __builtin_add_overflow(found.base, bytes, &end))
		return;
	*fb = found;
}

void video_set(const struct config_video *want, struct boot_framebuffer *fb)
{
	EFI_HANDLE handle;
	gop_t *gop = find_gop(&handle);
	uint32_t mode;

	*fb = (struct boot_framebuffer){ 0 };
	if (!gop)
		return;
	mode = choose(gop, handle, want);
	/* Setting a mode clears the screen and costs time: only if it changes something. */
	if (mode != gop->Mode->Mode && gop->SetMode(gop, mode) != EFI_SUCCESS)
		con_print("Serix: the video mode could not be set\n");
	describe(gop, fb);
}
