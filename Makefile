# SPDX-License-Identifier: BSD-2-Clause
# Serix: one non-recursive Makefile.  `make help` lists the targets; V=1 shows the commands.

ARCH  ?= x86_64
MODE  ?= release
CC_KIND ?= gcc
V     ?= 0

Q = $(if $(filter 1,$(V)),,@)
say = @printf '  %-7s %s\n' "$(1)" "$(2)"

# --- tools ------------------------------------------------------------------------------------------
CROSS.gcc   := $(if $(shell command -v x86_64-linux-gnu-gcc 2>/dev/null),x86_64-linux-gnu-,)
CROSS.elf   := x86_64-elf-
CC.gcc      := $(CROSS.gcc)gcc
CC.elf      := $(CROSS.elf)gcc
CC.clang    := clang --target=x86_64-linux-gnu
KCC         := $(CC.$(CC_KIND))
LD          := $(if $(filter elf,$(CC_KIND)),x86_64-elf-ld,$(CROSS.gcc)ld)
OBJCOPY     := $(CROSS.gcc)objcopy
NM          := $(CROSS.gcc)nm
NASM        := nasm

# --- what the kernel is made of ---------------------------------------------------------------------
OUT  := build/$(ARCH)-$(MODE)
KDIRS := arch/$(ARCH) $(shell find kernel fs drivers/kernel -type d 2>/dev/null) grub
BOOT_SRC := $(wildcard grub/*.c) loader/boot_info.c loader/pvh.c arch/$(ARCH)/boot/*.c
KSRC := $(wildcard $(addsuffix /*.c,$(KDIRS) arch/$(ARCH)/boot)) $(wildcard loader/boot_info.c loader/pvh.c)
KASM := $(wildcard $(addsuffix /*.asm,$(KDIRS) arch/$(ARCH)/boot))
KTEST := $(wildcard tests/kernel/*.c)
KOBJ := $(KSRC:%.c=$(OUT)/%.o) $(KASM:%.asm=$(OUT)/%.asm.o) $(KTEST:%.c=$(OUT)/%.o)

WARN := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wundef -Wvla \
        -Wimplicit-fallthrough -Wpointer-arith
HARDEN := -fstack-protector-strong -mstack-protector-guard=tls -mstack-protector-guard-reg=gs \
          -mstack-protector-guard-offset=40 -ftrivial-auto-var-init=zero -fcf-protection=branch \
          -fno-strict-overflow -fno-delete-null-pointer-checks -fno-strict-aliasing
HARDEN.gcc := -fzero-call-used-regs=used-gpr -fstack-clash-protection -mharden-sls=all
HARDEN.elf := $(HARDEN.gcc)
KCFLAGS := -std=gnu11 -ffreestanding -nostdlib -fno-common -fpie -fvisibility=hidden -mno-red-zone \
           -mgeneral-regs-only -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -O2 -g \
           -Iinclude -Iarch/$(ARCH)/include $(WARN) $(HARDEN) $(HARDEN.$(CC_KIND)) $(if $(filter debug,$(MODE)),-DSERIX_DEBUG)
# Boot code runs before GS and the relocations are set up: no canary, no pointer tables.
BOOT_CFLAGS := -fno-stack-protector -fno-jump-tables -fcf-protection=none

$(OUT)/grub/%.o $(OUT)/loader/%.o $(OUT)/arch/$(ARCH)/boot/%.o: KCFLAGS += $(BOOT_CFLAGS)

$(OUT)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(KCC) $(KCFLAGS) -MMD -MP -c $< -o $@

$(OUT)/%.asm.o: %.asm
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(NASM) -M -f elf64 -Iarch/$(ARCH)/ -MT $@ $< > $(@:.o=.d)
	$(Q)$(NASM) -f elf64 -g -F dwarf -w+all -Iarch/$(ARCH)/ $< -o $@

-include $(wildcard $(KOBJ:.o=.d))

.PHONY: kernel clean
kernel: $(OUT)/serix.elf

clean:
	rm -rf build
