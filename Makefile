# SPDX-License-Identifier: BSD-2-Clause
# Serix: one non-recursive Makefile.  `make help` lists the targets; V=1 shows the commands.
#
# Parts: arch/$(ARCH)/arch.mk links the kernel, efi/efi.mk makes the UEFI loader and the images,
# tests/tests.mk the tests and checks.  Nothing here may fail while the tools are still missing: `make run`
# and `make test` install them first (tools/deps).

ARCH    ?= x86_64
MODE    ?= release
CC_KIND ?= gcc
V       ?= 0
# SAN=kasan, SAN=ubsan: sanitizer builds, of the debug kind
SAN     ?=

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:

Q = $(if $(filter 1,$(V)),,@)
say = @printf '  %-7s %s\n' "$(1)" "$(2)"

# --- tools ------------------------------------------------------------------------------------------
CROSS.gcc := $(if $(shell command -v x86_64-linux-gnu-gcc 2>/dev/null),x86_64-linux-gnu-,)
CROSS.elf := x86_64-elf-
CROSS     := $(if $(filter elf,$(CC_KIND)),$(CROSS.elf),$(CROSS.gcc))
CC.gcc    := $(CROSS.gcc)gcc
CC.elf    := $(CROSS.elf)gcc
CC.clang  := clang --target=x86_64-linux-gnu
KCC       := $(CC.$(CC_KIND))
LD        := $(CROSS)ld
OBJCOPY   := $(CROSS)objcopy
AR        := $(CROSS)ar
NM        := $(CROSS)nm
NASM      := nasm
HOSTCC    := gcc
USERCC    := musl-gcc
PYTHON    := /usr/bin/python3

# --- what the kernel is made of ---------------------------------------------------------------------
override MODE := $(if $(SAN),debug,$(MODE))
OUT   := build/$(ARCH)-$(MODE)$(if $(filter gcc,$(CC_KIND)),,-$(CC_KIND))$(addprefix -,$(SAN))
KDIRS := $(filter-out arch/$(ARCH)/vdso,$(shell find arch/$(ARCH) kernel fs drivers/kernel grub tests/kernel \
         -type d 2>/dev/null))
KSRC  := $(wildcard $(addsuffix /*.c,$(KDIRS)) loader/boot_info.c loader/pvh.c)
KASM  := $(wildcard $(addsuffix /*.asm,$(KDIRS)) loader/pvh.asm)
# What only sanitizer builds have.
SAN_OTHERS.kasan := kernel/debug/sanitizers/ubsan.c
SAN_OTHERS.ubsan := kernel/debug/sanitizers/kasan.c arch/$(ARCH)/shadow.c
SAN_OTHERS.      := $(SAN_OTHERS.kasan) $(SAN_OTHERS.ubsan)
KSRC  := $(filter-out $(SAN_OTHERS.$(SAN)),$(KSRC))
KOBJ  := $(KSRC:%.c=$(OUT)/%.o) $(KASM:%.asm=$(OUT)/%.asm.o)

WARN := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wundef -Wvla \
        -Wimplicit-fallthrough -Wpointer-arith
HARDEN := -fstack-protector-strong -mstack-protector-guard=tls -mstack-protector-guard-reg=gs \
          -mstack-protector-guard-offset=40 -ftrivial-auto-var-init=zero -fcf-protection=branch \
          -fno-strict-overflow -fno-delete-null-pointer-checks -fno-strict-aliasing
HARDEN.gcc   := -fstack-clash-protection -mharden-sls=all
HARDEN.elf   := $(HARDEN.gcc)
HARDEN.clang := -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
MODE.release := -O2
MODE.debug   := -O1 -DSERIX_DEBUG
KINCLUDE := -Iinclude -Iarch/$(ARCH)/include
# -fzero-call-used-regs would cost a tenth of every system call, and no register of the kernel reaches a program.
KCFLAGS := -std=gnu11 -ffreestanding -nostdlib -fno-common -fpie -fvisibility=hidden -mno-red-zone \
           -mgeneral-regs-only -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -g \
           $(MODE.$(MODE)) $(KINCLUDE) $(WARN) $(HARDEN) $(HARDEN.$(CC_KIND))
SAN.kasan := -fsanitize=kernel-address -fasan-shadow-offset=0xdffffc0000000000 \
             --param asan-stack=1 --param asan-globals=1
SAN.ubsan := -fsanitize=undefined
SANFLAGS  := $(SAN.$(SAN))
KCFLAGS   += $(if $(filter kasan,$(SAN)),-DSERIX_KASAN)
# Boot code runs before GS and the relocations are set up: no canary, no pointer tables.
BOOT_CFLAGS := -fno-stack-protector -fno-jump-tables -fcf-protection=none
NASM_INCLUDE := -Iarch/$(ARCH)/ -Ibuild/

.PHONY: all
all: kernel initrd ## the kernel and its root file system

.PHONY: kernel
kernel: $(OUT)/serix.elf ## the kernel alone

$(OUT)/grub/%.o $(OUT)/loader/%.o $(OUT)/arch/$(ARCH)/boot/%.o: KCFLAGS += $(BOOT_CFLAGS)
$(OUT)/grub/%.o $(OUT)/loader/%.o $(OUT)/arch/$(ARCH)/boot/%.o: SANFLAGS :=
# Called by boot code, or the sanitizer's own work: free objects are not free for these.
UNSANITIZED := kernel/core/boot_info kernel/lib/string kernel/mm/slab kernel/mm/slab_debug \
               kernel/debug/sanitizers/kasan kernel/debug/sanitizers/ubsan arch/$(ARCH)/shadow
$(UNSANITIZED:%=$(OUT)/%.o): SANFLAGS :=

$(OUT)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(KCC) $(KCFLAGS) $(SANFLAGS) -MMD -MP -c $< -o $@

# NASM forgets %include files when it lists dependencies while assembling, hence two runs.
$(OUT)/%.asm.o: %.asm
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(NASM) -M -f elf64 $(NASM_INCLUDE) -MT $@ $< > $(@:.o=.d)
	$(Q)$(NASM) -f elf64 -g -F dwarf -w+all $(NASM_INCLUDE) $< -o $@

-include $(wildcard $(KOBJ:.o=.d))
-include $(wildcard arch/$(ARCH)/arch.mk)

# The console font is Debian's, built into the kernel.
FONT := /usr/share/consolefonts/Uni2-Terminus16.psf.gz
$(OUT)/drivers/kernel/font.asm.o: build/font.psf
build/font.psf:
	@mkdir -p $(@D)
	$(Q)gunzip -c $(FONT) > $@

# --- user programs and the root file system ---------------------------------------------------------
# user/NAME/*.c is one program: init, or /bin/NAME.  user/lib and libserix are linked into all of them.  Each
# file of user/tests and user/examples is a program of its own; user/load, too large for one file, is a test, too.
UOUT    := build/user
UCFLAGS := -std=gnu11 -O2 -s -static -no-pie -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Iinclude \
           -Iuser/libserix/include -Iuser/lib
ULIB    := $(wildcard user/lib/*.c) $(UOUT)/libserix.a
UNAMES  := $(sort $(filter-out lib libserix tests examples,$(patsubst user/%/,%,$(dir $(wildcard user/*/*.c)))))
UTESTS  := $(foreach d,tests examples,$(patsubst user/$(d)/%.c,$(UOUT)/$(d)/%,$(wildcard user/$(d)/*.c)))
UHEADERS := $(wildcard user/*/*.h user/libserix/include/libserix/*.h include/serix/*.h)
LIBSERIX := $(patsubst user/libserix/%.c,$(UOUT)/libserix/%.o,$(wildcard user/libserix/*.c))
guest_path.init := /usr/lib/serix/init
guest_path.load := /usr/lib/serix/tests/load
guest_path = $(or $(guest_path.$(1)),/bin/$(1))

.SECONDEXPANSION:
$(UNAMES:%=$(UOUT)/bin/%): $(UOUT)/bin/%: $$(wildcard user/%/*.c) $(ULIB) $(UHEADERS)
	$(call say,USER,$(@F))
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(UCFLAGS) $(filter %.c %.a,$^) -o $@

$(UTESTS): $(UOUT)/%: user/%.c $(ULIB) $(UHEADERS)
	$(call say,USER,$*)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(UCFLAGS) -pthread $(filter %.c %.a,$^) -o $@

$(LIBSERIX): $(UOUT)/libserix/%.o: user/libserix/%.c $(UHEADERS)
	$(call say,USER,$<)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(UCFLAGS) -c $< -o $@

$(UOUT)/libserix.a: $(LIBSERIX)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

.PHONY: initrd
initrd: build/initrd.cpio ## the root file system alone

build/initrd.cpio: tools/mkinitrd tools/pylib/cpio.py $(shell find tools/rootfs -type f 2>/dev/null) \
                   $(UNAMES:%=$(UOUT)/bin/%) $(UTESTS)
	$(call say,INITRD,$@)
	@mkdir -p $(@D)
	$(Q)tools/mkinitrd $@ $(foreach n,$(UNAMES),$(call guest_path,$(n))=$(UOUT)/bin/$(n)) \
		$(foreach t,$(UTESTS),$(t:$(UOUT)/%=/usr/lib/serix/%)=$(t))

# --- a Debian root, to be laid over ours ---------------------------------------------------------------
.PHONY: rootfs
rootfs: ## Debian's programs in build/rootfs, for tools/run --overlay (PACKAGES="NAME..." instead of the whole list)
	@tools/mkrootfs build/rootfs $(if $(PACKAGES),--packages $(PACKAGES),all)

rootfs-%:
	@tools/mkrootfs build/rootfs-$* base $(filter-out base,$*)

# --- running ----------------------------------------------------------------------------------------
.PHONY: deps run debug
deps: ## install the Debian packages that are missing
	@tools/deps

# The tools may have arrived only just now, so that everything after tools/deps is another make.
run: ## boot in QEMU through the UEFI loader; Ctrl-A X ends it
	@tools/deps
	@$(MAKE) --no-print-directory all esp
	@tools/run --$(MODE)

debug: ## boot the debug build by PVH and wait for gdb on port 1234
	@tools/deps
	@$(MAKE) --no-print-directory MODE=debug all
	@echo "gdb build/$(ARCH)-debug/serix.elf -ex 'target remote :1234'"
	@tools/run --debug --boot pvh --gdb 1234,wait

-include $(wildcard efi/efi.mk)
-include $(wildcard tests/tests.mk)

# --- the rest ---------------------------------------------------------------------------------------
.PHONY: format docs clean help
format: ## lay out all C files with clang-format
	$(Q)clang-format -i $(shell git ls-files '*.c' '*.h' 2>/dev/null)

docs: ## the API reference, by Doxygen, in build/docs
	@mkdir -p build/docs
	$(Q)doxygen docs/Doxyfile

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@echo "make TARGET [MODE=release|debug] [CC_KIND=gcc|elf|clang] [V=1]"
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12 | sort
