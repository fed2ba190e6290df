# SPDX-License-Identifier: BSD-2-Clause
# The UEFI loader and the images that people copy: build/esp/, build/serix.img, build/serix.iso.
#
# gnu-efi's start-up code relocates the image itself, but knows only relative relocations: everything
# is hidden, so that the linker needs no other kind.  No red zone, because the firmware takes
# interrupts on the loader's stack.

EFI_OUT    := build/efi
EFI_SRC    := $(wildcard efi/*.c) loader/boot_info.c loader/config.c loader/elf.c loader/sha256.c
EFI_OBJ    := $(EFI_SRC:%.c=$(EFI_OUT)/%.o) $(patsubst %.asm,$(EFI_OUT)/%.asm.o,$(wildcard efi/*.asm))
EFI_CRT0   := /usr/lib/crt0-efi-x86_64.o
EFI_SCRIPT := /usr/lib/elf_x86_64_efi.lds
EFI_CFLAGS := -std=gnu11 -ffreestanding -fpic -fvisibility=hidden -fshort-wchar -mno-red-zone \
              -mgeneral-regs-only -fno-common -fno-asynchronous-unwind-tables -O2 -g -DGNU_EFI_USE_MS_ABI \
              -I. -Iinclude -isystem /usr/include/efi -isystem /usr/include/efi/x86_64 $(WARN) \
              -fstack-protector-strong -mstack-protector-guard=global -ftrivial-auto-var-init=zero \
              -fno-strict-overflow -fno-delete-null-pointer-checks -fno-strict-aliasing
EFI_LDFLAGS := -nostdlib -shared -Bsymbolic -z defs -z nocombreloc -z noexecstack --no-warn-rwx-segments \
               --build-id=none -T $(EFI_SCRIPT)
EFI_SECTIONS := .text .sdata .data .dynamic .dynsym .rel .rela .rel.* .rela.* .reloc .sbat

$(EFI_OUT)/%.o: %.c
	$(call say,CC-EFI,$<)
	@mkdir -p $(@D)
	$(Q)$(CC.gcc) $(EFI_CFLAGS) -MMD -MP -c $< -o $@

$(EFI_OUT)/%.asm.o: %.asm
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -w+all $< -o $@

$(EFI_OUT)/loader.so: $(EFI_OBJ)
	$(call say,LD-EFI,$@)
	$(Q)$(CROSS.gcc)ld $(EFI_LDFLAGS) $(EFI_CRT0) $^ -L/usr/lib -lgnuefi -o $@

$(EFI_OUT)/BOOTX64.EFI: $(EFI_OUT)/loader.so
	$(call say,EFI,$@)
	$(Q)$(CROSS.gcc)objcopy --strip-all $(EFI_SECTIONS:%=-j %) --target=efi-app-x86_64 --subsystem=10 $< $@

-include $(wildcard $(EFI_OBJ:.o=.d))

# Command line, time-out and video mode of the images: make img CMDLINE='loglevel=7' TIMEOUT=3 VIDEO=1024x768
CMDLINE ?=
TIMEOUT ?= 0
VIDEO   ?= auto
IMAGE_PARTS := $(OUT)/serix.elf build/initrd.cpio $(EFI_OUT)/BOOTX64.EFI
IMAGE_FLAGS  = --loader $(EFI_OUT)/BOOTX64.EFI --kernel $(OUT)/serix.elf --initrd build/initrd.cpio \
               --cmdline '$(subst ','\'',$(CMDLINE))' --timeout $(TIMEOUT) --video $(VIDEO)

.PHONY: efi esp img iso
efi: $(EFI_OUT)/BOOTX64.EFI ## the UEFI loader alone

esp: $(IMAGE_PARTS) ## build/esp/: the files to copy onto an existing EFI system partition
	$(call say,ESP,build/esp)
	$(Q)tools/mkimage esp build/esp $(IMAGE_FLAGS)

img: $(IMAGE_PARTS) ## build/serix.img: a GPT disk for UEFI, to write to a USB stick
	$(call say,IMG,build/serix.img)
	$(Q)tools/mkimage img build/serix.img $(IMAGE_FLAGS)

iso: $(IMAGE_PARTS) ## build/serix.iso: GRUB for BIOS and UEFI, as CD or disk
	$(call say,ISO,build/serix.iso)
	$(Q)tools/mkimage iso build/serix.iso $(IMAGE_FLAGS)
