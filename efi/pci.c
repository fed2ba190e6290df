/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stops devices from writing to memory that the firmware no longer owns: the kernel starts with bus
 * mastering off and turns it on for the one driver that asks.
 *
 * Left alone: bridges (what lies behind them is stopped itself), display devices (the framebuffer
 * may depend on it) and USB controllers (many firmwares emulate the PS/2 keyboard with them, from
 * system management mode).  The list is made while the firmware can still name the functions, the
 * switch is thrown after it has gone, because its drivers use DMA until then.
 */
#include "efi_priv.h"

#include <efipciio.h>

#define MAX_MASTERS        256u
#define PCI_CLASS_DISPLAY  0x03
#define PCI_CLASS_BRIDGE   0x06
#define PCI_CLASS_USB      0x0c03
#define PCI_REVISION_CLASS 0x08u
#define PCI_COMMAND        0x04u
#define PCI_COMMAND_MASTER 0x0004u

static uint32_t masters[MAX_MASTERS]; /* as CONFIG_ADDRESS wants it, register 0 */
static uint32_t master_count;

static void outl(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static uint16_t inw(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static bool may_stop(EFI_PCI_IO_PROTOCOL *pci)
{
	uint32_t revision_class;
	uint32_t class;

	if (pci->Pci.Read(pci, EfiPciIoWidthUint32, PCI_REVISION_CLASS, 1, &revision_class) != EFI_SUCCESS)
		return false;
	class = revision_class >> 24;
	return class != PCI_CLASS_DISPLAY && class != PCI_CLASS_BRIDGE &&
	       revision_class >> 16 != PCI_CLASS_USB;
}

static void remember(EFI_PCI_IO_PROTOCOL *pci)
{
	UINTN segment, bus, device, function;

	if (!may_stop(pci) || pci->GetLocation(pci, &segment, &bus, &device, &function) != EFI_SUCCESS)
		return;
	/* Ports CF8 and CFC reach the first segment only. */
	if (segment != 0 || bus > 255 || device > 31 || function > 7 || master_count == MAX_MASTERS)
		return;
	masters[master_count++] =
		0x80000000u | (uint32_t)bus << 16 | (uint32_t)device << 11 | (uint32_t)function << 8;
}

void pci_find_masters(void)
{
	EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
	EFI_HANDLE *handles;
	UINTN count;

	master_count = 0;
	if (efi_bs->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &handles) != EFI_SUCCESS)
		return;
	for (UINTN i = 0; i < count; i++) {
		EFI_PCI_IO_PROTOCOL *pci;

		if (efi_bs->HandleProtocol(handles[i], &guid, (void **)&pci) == EFI_SUCCESS && pci)
			remember(pci);
	}
	efi_bs->FreePool(handles);
}

void pci_stop_masters(void)
{
	for (uint32_t i = 0; i < master_count; i++) {
		uint16_t command;

		outl(0xcf8, masters[i] | PCI_COMMAND);
		command = inw(0xcfc);
		/* Sixteen bits only: the status half next to it clears on a written one. */
		if (command & PCI_COMMAND_MASTER)
			outw(0xcfc, command & (uint16_t)~PCI_COMMAND_MASTER);
	}
}
