# SPDX-License-Identifier: BSD-2-Clause
# Linking the kernel, twice: the second time with the symbol table that the first yields.  The table lies
# behind all code, so that the addresses in it stay true; the last step checks that they did.

# clang would fetch addresses of other files' symbols from memory, which boot code cannot.
KCFLAGS += $(if $(filter clang,$(CC_KIND)),-fdirect-access-external-data)

LDFLAGS.kernel := -m elf_x86_64 -pie --no-dynamic-linker -z text -z pack-relative-relocs -z max-page-size=4096 -z noexecstack \
                  -z norelro --orphan-handling=error --hash-style=sysv --build-id=none -T arch/$(ARCH)/serix.ld

$(OUT)/ksyms/%.o: $(OUT)/ksyms/%.c
	$(Q)$(KCC) $(KCFLAGS) -c $< -o $@

$(OUT)/ksyms/empty.c: tools/ksyms
	@mkdir -p $(@D)
	$(Q)tools/ksyms < /dev/null > $@

$(OUT)/ksyms/first.elf: $(KOBJ) $(OUT)/ksyms/empty.o arch/$(ARCH)/serix.ld
	$(Q)$(LD) $(LDFLAGS.kernel) $(filter %.o,$^) -o $@

$(OUT)/ksyms/table.c: $(OUT)/ksyms/first.elf tools/ksyms
	$(Q)$(NM) $< | tools/ksyms > $@

$(OUT)/serix.elf: $(KOBJ) $(OUT)/ksyms/table.o arch/$(ARCH)/serix.ld
	$(call say,LD,$@)
	$(Q)$(LD) $(LDFLAGS.kernel) $(filter %.o,$^) -o $@.tmp
	$(Q)$(NM) $@.tmp | tools/ksyms | cmp - $(OUT)/ksyms/table.c
	$(Q)mv $@.tmp $@

# The vDSO is user code: its own flags, its own link.
VDSO_CFLAGS := -std=gnu11 -O2 -ffreestanding -fPIC -fvisibility=default -fno-stack-protector -fcf-protection=none \
               -mno-avx -fasynchronous-unwind-tables $(KINCLUDE) $(filter-out -Wmissing-prototypes,$(WARN))
VDSO_LDFLAGS := -m elf_x86_64 -shared -soname=linux-vdso.so.1 --hash-style=both --build-id=sha1 -Bsymbolic \
                --eh-frame-hdr -z max-page-size=4096 -z noexecstack -z text --no-undefined --orphan-handling=error

$(OUT)/vdso/vdso.o: arch/$(ARCH)/vdso/vdso.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(KCC) $(VDSO_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/vdso/vdso.so: $(OUT)/vdso/vdso.o arch/$(ARCH)/vdso/vdso.lds
	$(Q)$(LD) $(VDSO_LDFLAGS) -s -T arch/$(ARCH)/vdso/vdso.lds $< -o $@

-include $(wildcard $(OUT)/vdso/vdso.d)
$(OUT)/arch/$(ARCH)/vdso_image.asm.o: NASM_INCLUDE += -I$(OUT)/vdso/
$(OUT)/arch/$(ARCH)/vdso_image.asm.o: $(OUT)/vdso/vdso.so
